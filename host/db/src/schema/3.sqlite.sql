-- What invoices, payments and allocations add to what parties owe, in columns that can be added up: one entry or two for
-- each row, from a day on, for good. Days are counted from 1970. Credit (payments, credit notes) has no due day.
create table ledger (
    kind text not null check (kind in ('invoice', 'payment', 'allocation')),
    id text not null,
    entry text not null
        check (entry in ('invoice', 'credit-note', 'payment', 'reversal', 'settled', 'applied', 'write-off', 'opening')),
    flow text not null check (flow in ('receivable', 'payable')),
    legal_entity text not null,
    party text not null,
    currency text not null,
    due_day integer,
    from_day integer not null,
    minor integer not null,
    primary key (kind, id, entry),
    check ((due_day is null) = (entry in ('credit-note', 'payment', 'reversal', 'applied')))
) strict, without rowid;
-- All that an aging and a balance look at, so that neither reads the rows.
create index ledger_due on ledger (flow, legal_entity, currency, due_day, from_day, minor);
create index ledger_party on ledger (flow, party, legal_entity, currency, due_day, from_day, entry, minor);
