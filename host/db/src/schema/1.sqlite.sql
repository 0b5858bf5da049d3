create table log_head (
    one integer primary key check (one = 1),
    seq integer not null check (seq >= 0),
    at_us integer not null,
    hash blob not null check (length(hash) = 32)
) strict;
insert into log_head (one, seq, at_us, hash) values (1, 0, 0, zeroblob(32));

create table log_commit (
    seq integer primary key check (seq > 0),
    at_us integer not null,
    author text not null,
    run text not null,
    cause text not null,
    changes integer not null check (changes >= 0),
    hash blob not null check (length(hash) = 32)
) strict;

create table change (
    seq integer not null references log_commit (seq),
    ordinal integer not null,
    kind text not null,
    collection text not null,
    id text not null,
    previous integer not null,
    body text check (json_valid(body)),
    salt blob check (length(salt) = 16),
    body_hash blob not null check (length(body_hash) = 32),
    primary key (seq, ordinal)
) strict, without rowid;
create index change_row on change (kind, collection, id, seq);

create table image (
    kind text not null,
    collection text not null,
    id text not null,
    revision integer not null,
    created_us integer not null,
    updated_us integer not null,
    body text not null check (json_valid(body)),
    primary key (kind, collection, id)
) strict, without rowid;

create table field_index (
    kind text not null,
    collection text not null,
    field text not null,
    order_key blob not null,
    id text not null,
    primary key (kind, collection, id, field)
) strict, without rowid;
create unique index field_index_order on field_index (kind, collection, field, order_key, id);

create table unique_key (
    space text not null,
    value text not null,
    kind text not null,
    collection text not null,
    id text not null,
    primary key (space, value)
) strict, without rowid;
create index unique_key_row on unique_key (kind, collection, id);

-- In the order of queuing, which is that of claiming and settling: runs that are settled together lie together.
create table run (
    id text not null primary key,
    seq integer not null,
    automation text not null,
    body text not null check (json_valid(body)),
    state text not null check (state in ('queued', 'running', 'committed', 'failed', 'held', 'shadowed')),
    fence integer not null,
    attempt integer not null,
    clock_us integer not null,
    due_us integer,
    settled_seq integer,
    report text not null check (json_valid(report)),
    seal blob not null,
    check ((due_us is null) = (state not in ('queued', 'running')))
) strict;
create index run_due on run (due_us, seq, id) where due_us is not null;
create index run_listed on run (seq, id);

create table outbox (
    id text primary key,
    seq integer not null,
    body text not null check (json_valid(body)),
    state text not null check (state in ('waiting', 'sending', 'sent', 'failed')),
    attempts integer not null,
    due_us integer,
    error text not null,
    seal blob not null,
    check ((due_us is null) = (state in ('sent', 'failed')))
) strict, without rowid;
create index outbox_due on outbox (due_us, seq, id) where due_us is not null;
