-- Lists, newest first. An index of the states that are rare costs the others nothing; runs and messages that still wait are
-- found by when they are due.
create index run_of_automation on run (automation, seq, id);
create index run_unusual on run (state, seq, id) where state in ('failed', 'held', 'shadowed');
create index run_unusual_of_automation on run (automation, state, seq, id) where state in ('failed', 'held', 'shadowed');

-- As the message's body says; verification compares the two.
alter table outbox add column automation text collate "C" not null default '';
update outbox set automation = body::json ->> 'automation' where json_typeof(body::json -> 'automation') = 'string';
create index outbox_listed on outbox (seq, id);
create index outbox_of_automation on outbox (automation, seq, id);
create index outbox_unusual on outbox (state, seq, id) where state = 'failed';
create index outbox_unusual_of_automation on outbox (automation, state, seq, id) where state = 'failed';
