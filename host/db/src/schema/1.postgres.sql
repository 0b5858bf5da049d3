create table log_head (
    one bigint primary key check (one = 1),
    seq bigint not null check (seq >= 0),
    at_us bigint not null,
    hash bytea not null check (octet_length(hash) = 32)
);
insert into log_head (one, seq, at_us, hash) values (1, 0, 0, decode(repeat('00', 32), 'hex'));

create table log_commit (
    seq bigint primary key check (seq > 0),
    at_us bigint not null,
    author text collate "C" not null,
    run text collate "C" not null,
    cause text collate "C" not null,
    changes bigint not null check (changes >= 0),
    hash bytea not null check (octet_length(hash) = 32)
);

create table change (
    seq bigint not null references log_commit (seq),
    ordinal bigint not null,
    kind text collate "C" not null,
    collection text collate "C" not null,
    id text collate "C" not null,
    previous bigint not null,
    body text collate "C" check (body is null or body::json is not null),
    salt bytea check (octet_length(salt) = 16),
    body_hash bytea not null check (octet_length(body_hash) = 32),
    primary key (seq, ordinal)
);
create index change_row on change (kind, collection, id, seq);

create table image (
    kind text collate "C" not null,
    collection text collate "C" not null,
    id text collate "C" not null,
    revision bigint not null,
    created_us bigint not null,
    updated_us bigint not null,
    body text collate "C" not null check (body::json is not null),
    primary key (kind, collection, id)
);

create table field_index (
    kind text collate "C" not null,
    collection text collate "C" not null,
    field text collate "C" not null,
    order_key bytea not null,
    id text collate "C" not null,
    primary key (kind, collection, id, field)
);
create unique index field_index_order on field_index (kind, collection, field, order_key, id);

create table unique_key (
    space text collate "C" not null,
    value text collate "C" not null,
    kind text collate "C" not null,
    collection text collate "C" not null,
    id text collate "C" not null,
    primary key (space, value)
);
create index unique_key_row on unique_key (kind, collection, id);

create table run (
    id text collate "C" primary key,
    seq bigint not null,
    automation text collate "C" not null,
    body text collate "C" not null check (body::json is not null),
    state text collate "C" not null check (state in ('queued', 'running', 'committed', 'failed', 'held', 'shadowed')),
    fence bigint not null,
    attempt bigint not null,
    clock_us bigint not null,
    due_us bigint,
    settled_seq bigint,
    report text collate "C" not null,
    seal bytea not null,
    check ((due_us is null) = (state not in ('queued', 'running')))
);
create index run_due on run (due_us, seq, id) where due_us is not null;
create index run_listed on run (seq, id);

create table outbox (
    id text collate "C" primary key,
    seq bigint not null,
    body text collate "C" not null check (body::json is not null),
    state text collate "C" not null check (state in ('waiting', 'sending', 'sent', 'failed')),
    attempts bigint not null,
    due_us bigint,
    error text collate "C" not null,
    seal bytea not null,
    check ((due_us is null) = (state in ('sent', 'failed')))
);
create index outbox_due on outbox (due_us, seq, id) where due_us is not null;
