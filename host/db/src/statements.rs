//! Every statement, once. A test prepares each on both engines and counts the real differences.
//!
//! `cross join` fixes the order of a join on SQLite, which else might walk along a whole table to find a set's few rows;
//! PostgreSQL plans it as any join. A test looks at SQLite's plans.

use crate::adapter::{
    Kind::{Bytes, Int, Text},
    Sql, Statement, same,
};

macro_rules! statements {
    ($($name:ident = $statement:expr;)*) => {
        $(pub(crate) const $name: Statement = $statement;)*
        /// All of them, by name.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, Statement)] = &[$((stringify!($name), $name)),*];
    };
}

const fn differs(
    sqlite: &'static str,
    postgres: &'static str,
    kinds: &'static [crate::adapter::Kind],
) -> Statement {
    Statement {
        sql: Sql::Differs { sqlite, postgres },
        kinds,
    }
}

statements! {
    // Head
    HEAD = same("select seq, at_us, hash from log_head", &[]);
    LOCK_HEAD = differs("select seq, at_us, hash from log_head", "select seq, at_us, hash from log_head for update", &[]);
    SET_HEAD = same(
        "with v(seq, at_us, hash) as ({rows}) update log_head set seq = v.seq, at_us = v.at_us, hash = v.hash from v",
        &[Int, Int, Bytes]);
    // SQLite has one process; its clock is the process's, handed in.
    NOW = differs("select $1", "select greatest($1 * 0, (extract(epoch from clock_timestamp()) * 1000000)::bigint)", &[Int]);

    // Snapshots
    // A row that lies in a queue is as its commit left it.
    GET = same(
        "with v(kind, collection, id) as ({rows}) \
         select i.kind, i.collection, i.id, i.revision, i.created_us, i.updated_us, i.body \
         from v cross join image i where i.kind = v.kind and i.collection = v.collection and i.id = v.id \
         union all select v.kind, v.collection, r.id, r.seq, l.at_us, l.at_us, r.body \
         from v cross join run r cross join log_commit l where v.kind = 'run' and r.id = v.id and l.seq = r.seq \
         union all select v.kind, v.collection, o.id, o.seq, l.at_us, l.at_us, o.body \
         from v cross join outbox o cross join log_commit l where v.kind = 'message' and o.id = v.id and l.seq = o.seq",
        &[Text, Text, Text]);
    // As the first read of a snapshot: the row without a kind is the head, which names what the read pinned.
    GET_WITH_HEAD = same(
        "with v(kind, collection, id) as ({rows}) \
         select i.kind, i.collection, i.id, i.revision, i.created_us, i.updated_us, i.body \
         from v cross join image i where i.kind = v.kind and i.collection = v.collection and i.id = v.id \
         union all select v.kind, v.collection, r.id, r.seq, l.at_us, l.at_us, r.body \
         from v cross join run r cross join log_commit l where v.kind = 'run' and r.id = v.id and l.seq = r.seq \
         union all select v.kind, v.collection, o.id, o.seq, l.at_us, l.at_us, o.body \
         from v cross join outbox o cross join log_commit l where v.kind = 'message' and o.id = v.id and l.seq = o.seq \
         union all select '', '', '', h.seq, h.at_us, h.at_us, '' from log_head h",
        &[Text, Text, Text]);
    GET_AS_OF = same(
        "select c.seq, (select max(f.seq) from change f where f.kind = $1 and f.collection = $2 and f.id = $3 and f.previous = 0 \
         and f.seq <= $4) as made, c.body from change c where c.kind = $1 and c.collection = $2 and c.id = $3 and c.seq <= $4 \
         order by c.seq desc limit 1",
        &[Text, Text, Text, Int]);
    ALL_AS_OF = same(
        "select c.id, c.seq, m.at_us, l.at_us, c.body from change c join log_commit l on l.seq = c.seq \
         join log_commit m on m.seq = (select max(f.seq) from change f where f.kind = c.kind and f.collection = c.collection \
         and f.id = c.id and f.previous = 0 and f.seq <= c.seq) where c.kind = $1 and c.collection = $2 and c.seq = \
         (select max(l.seq) from change l where l.kind = c.kind and l.collection = c.collection and l.id = c.id and l.seq <= $3) \
         and c.body is not null order by c.id",
        &[Text, Text, Int]);
    CHANGES_OF = same("select kind, collection, id, previous, body from change where seq = $1 order by ordinal", &[Int]);
    COMMITS_BEFORE = same(
        "select seq, at_us, author, run, cause, changes, hash from log_commit where seq < $1 order by seq desc limit $2",
        &[Int, Int]);
    // By the rows of few kinds, which the index tells apart from all others.
    COMMITS_OF_KINDS = same(
        "select distinct l.seq, l.at_us, l.author, l.run, l.cause, l.changes, l.hash from change c cross join log_commit l \
         where l.seq = c.seq and c.kind in ($1, $2, $3, $4, $5) and c.seq < $6 and l.at_us >= $7 and l.cause <> 'token-used' \
         order by l.seq desc limit $8",
        &[Text, Text, Text, Text, Text, Int, Int, Int]);
    COMMIT_OF = same("select seq, at_us, author, run, cause, changes, hash from log_commit where seq = $1", &[Int]);
    VERSIONS_BEFORE = same(
        "select c.seq, l.at_us, l.author, l.run, l.cause, c.body from change c cross join log_commit l \
         where l.seq = c.seq and c.kind = $1 and c.collection = $2 and c.id = $3 and c.seq < $4 order by c.seq desc limit $5",
        &[Text, Text, Text, Int, Int]);
    COMMIT_TIME = same("select at_us from log_commit where seq = $1", &[Int]);
    LIST_BY_ID = same(
        "select i.id, i.revision, i.created_us, i.updated_us, i.body, i.id as place from image i \
         where i.kind = $1 and i.collection = $2 and i.id > $3 order by i.id limit $4",
        &[Text, Text, Text, Int]);
    LIST_BY_ID_DESCENDING = same(
        "select i.id, i.revision, i.created_us, i.updated_us, i.body, i.id as place from image i \
         where i.kind = $1 and i.collection = $2 and i.id < $3 order by i.id desc limit $4",
        &[Text, Text, Text, Int]);
    // By an indexed field, within a range of its own order keys.
    LIST_BY_FIELD = same(
        "select i.id, i.revision, i.created_us, i.updated_us, i.body, f.order_key from field_index f \
         cross join image i where i.kind = f.kind and i.collection = f.collection and i.id = f.id \
         and f.kind = $1 and f.collection = $2 and f.field = $3 and (f.order_key, f.id) > ($4, $5) and f.order_key < $6 \
         order by f.order_key, f.id limit $7",
        &[Text, Text, Text, Bytes, Text, Bytes, Int]);
    LIST_BY_FIELD_DESCENDING = same(
        "select i.id, i.revision, i.created_us, i.updated_us, i.body, f.order_key from field_index f \
         cross join image i where i.kind = f.kind and i.collection = f.collection and i.id = f.id \
         and f.kind = $1 and f.collection = $2 and f.field = $3 and (f.order_key, f.id) < ($4, $5) and f.order_key >= $6 \
         order by f.order_key desc, f.id desc limit $7",
        &[Text, Text, Text, Bytes, Text, Bytes, Int]);
    // Ids within a range of one field, for conditions on another field than the order's.
    IDS_IN_RANGE = same(
        "select f.id from field_index f where f.kind = $1 and f.collection = $2 and f.field = $3 \
         and f.order_key >= $4 and f.order_key < $5 order by f.order_key, f.id limit $6",
        &[Text, Text, Text, Bytes, Bytes, Int]);
    ENTRIES_OF = same(
        "with v(place, kind, collection, id) as ({rows}) select v.place, f.field, f.order_key \
         from v cross join field_index f where f.kind = v.kind and f.collection = v.collection and f.id = v.id \
         order by v.place, f.field",
        &[Int, Text, Text, Text]);
    FIND_UNIQUE = same("select kind, collection, id from unique_key where space = $1 and value = $2", &[Text, Text]);

    // The working set
    REVISIONS = same(
        "with v(place, kind, collection, id) as ({rows}) select v.place, i.revision, i.created_us \
         from v cross join image i where i.kind = v.kind and i.collection = v.collection and i.id = v.id",
        &[Int, Text, Text, Text]);
    // Of rows that lie in a queue.
    QUEUED = same(
        "with v(place, kind, id) as ({rows}) \
         select v.place, r.seq, r.seq from v cross join run r where v.kind = 'run' and r.id = v.id \
         union all select v.place, o.seq, o.seq from v cross join outbox o where v.kind = 'message' and o.id = v.id",
        &[Int, Text, Text]);
    UNIQUE_TAKEN = same(
        "with v(space, value) as ({rows}) select u.space, u.value, u.kind, u.collection, u.id \
         from v cross join unique_key u where u.space = v.space and u.value = v.value order by u.space, u.value",
        &[Text, Text]);
    UNIQUE_OF = same(
        "with v(kind, collection, id) as ({rows}) select u.space, u.value, u.kind, u.collection, u.id \
         from v cross join unique_key u where u.kind = v.kind and u.collection = v.collection and u.id = v.id order by u.space, u.value",
        &[Text, Text, Text]);
    RUNS_OF = same(
        "with v(id) as ({rows}) select r.id, r.state, r.fence, r.attempt, r.clock_us from v cross join run r where r.id = v.id order by r.id",
        &[Text]);
    CHANGES_SINCE = same(
        "select c.seq, c.kind, c.collection, c.id, c.body, p.body as before from change c \
         left join change p on p.kind = c.kind and p.collection = c.collection and p.id = c.id and p.seq = c.previous \
         where c.seq > $1 order by c.seq, c.ordinal limit $2",
        &[Int, Int]);

    // What a group writes
    INSERT_COMMITS = same("insert into log_commit (seq, at_us, author, run, cause, changes, hash) {rows}", &[Int, Int, Text, Text, Text, Int, Bytes]);
    INSERT_CHANGES = same(
        "insert into change (seq, ordinal, kind, collection, id, previous, body, salt, body_hash) {rows}",
        &[Int, Int, Text, Text, Text, Int, Text, Bytes, Bytes]);
    UPSERT_IMAGES = same(
        "with v(kind, collection, id, revision, created_us, updated_us, body) as ({rows}) \
         insert into image (kind, collection, id, revision, created_us, updated_us, body) \
         select kind, collection, id, revision, created_us, updated_us, body from v where true \
         on conflict (kind, collection, id) do update \
         set revision = excluded.revision, created_us = excluded.created_us, updated_us = excluded.updated_us, body = excluded.body",
        &[Text, Text, Text, Int, Int, Int, Text]);
    DELETE_IMAGES = same(
        "with v(kind, collection, id) as ({rows}) delete from image \
         where (kind, collection, id) in (select kind, collection, id from v)",
        &[Text, Text, Text]);
    UPSERT_ENTRIES = same(
        "with v(kind, collection, field, order_key, id) as ({rows}) \
         insert into field_index (kind, collection, field, order_key, id) \
         select kind, collection, field, order_key, id from v where true \
         on conflict (kind, collection, id, field) do update set order_key = excluded.order_key",
        &[Text, Text, Text, Bytes, Text]);
    DELETE_ENTRIES = same(
        "with v(kind, collection, id, field) as ({rows}) delete from field_index \
         where (kind, collection, id, field) in (select kind, collection, id, field from v)",
        &[Text, Text, Text, Text]);
    DELETE_ENTRIES_OF_COLLECTION = same(
        "with v(kind, collection) as ({rows}) delete from field_index \
         where (kind, collection) in (select kind, collection from v)",
        &[Text, Text]);
    DELETE_UNIQUE_OF_COLLECTION = same(
        "with v(kind, collection) as ({rows}) delete from unique_key \
         where (kind, collection) in (select kind, collection from v)",
        &[Text, Text]);
    INSERT_UNIQUE = same("insert into unique_key (space, value, kind, collection, id) {rows}", &[Text, Text, Text, Text, Text]);
    DELETE_UNIQUE = same(
        "with v(space, value) as ({rows}) delete from unique_key where (space, value) in (select space, value from v)",
        &[Text, Text]);

    // The ledger
    UPSERT_LEDGER = same(
        "with v(kind, id, entry, flow, legal_entity, party, currency, due_day, from_day, minor) as ({rows}) \
         insert into ledger (kind, id, entry, flow, legal_entity, party, currency, due_day, from_day, minor) \
         select kind, id, entry, flow, legal_entity, party, currency, due_day, from_day, minor from v where true \
         on conflict (kind, id, entry) do update set flow = excluded.flow, legal_entity = excluded.legal_entity, \
         party = excluded.party, currency = excluded.currency, due_day = excluded.due_day, from_day = excluded.from_day, \
         minor = excluded.minor",
        &[Text, Text, Text, Text, Text, Text, Text, Int, Int, Int]);
    DELETE_LEDGER = same(
        "with v(kind, id) as ({rows}) delete from ledger where (kind, id) in (select kind, id from v)",
        &[Text, Text]);
    LEDGER_NEXT = same(
        "select legal_entity, currency from ledger where flow = $1 and (legal_entity, currency) > ($2, $3) \
         order by legal_entity, currency limit 1",
        &[Text, Text, Text]);
    // Sums in two halves, so that no sum of amounts is too large for the database.
    LEDGER_OPEN = same(
        "select cast(coalesce(sum(minor / 4294967296), 0) as bigint), cast(coalesce(sum(minor % 4294967296), 0) as bigint) \
         from ledger where flow = $1 and legal_entity = $2 and currency = $3 and due_day >= $4 and due_day < $5 \
         and from_day <= $6",
        &[Text, Text, Text, Int, Int, Int]);
    LEDGER_UNAPPLIED = same(
        "select cast(coalesce(sum(minor / 4294967296), 0) as bigint), cast(coalesce(sum(minor % 4294967296), 0) as bigint) \
         from ledger where flow = $1 and legal_entity = $2 and currency = $3 and due_day is null and from_day <= $4",
        &[Text, Text, Text, Int]);
    LEDGER_OPEN_OF = same(
        "select cast(coalesce(sum(minor / 4294967296), 0) as bigint), cast(coalesce(sum(minor % 4294967296), 0) as bigint) \
         from ledger where flow = $1 and party = $2 and legal_entity = $3 and currency = $4 and due_day >= $5 \
         and due_day < $6 and from_day <= $7",
        &[Text, Text, Text, Text, Int, Int, Int]);
    LEDGER_UNAPPLIED_OF = same(
        "select cast(coalesce(sum(minor / 4294967296), 0) as bigint), cast(coalesce(sum(minor % 4294967296), 0) as bigint) \
         from ledger where flow = $1 and party = $2 and legal_entity = $3 and currency = $4 and due_day is null \
         and from_day <= $5",
        &[Text, Text, Text, Text, Int]);
    // What is due since each of four days, all that is due, and everything, by account.
    LEDGER_AGED = same(
        "select party, legal_entity, currency, \
         cast(coalesce(sum(minor / 4294967296) filter (where due_day >= $9), 0) as bigint), cast(coalesce(sum(minor % 4294967296) filter (where due_day >= $9), 0) as bigint), \
         cast(coalesce(sum(minor / 4294967296) filter (where due_day >= $10), 0) as bigint), cast(coalesce(sum(minor % 4294967296) filter (where due_day >= $10), 0) as bigint), \
         cast(coalesce(sum(minor / 4294967296) filter (where due_day >= $11), 0) as bigint), cast(coalesce(sum(minor % 4294967296) filter (where due_day >= $11), 0) as bigint), \
         cast(coalesce(sum(minor / 4294967296) filter (where due_day >= $12), 0) as bigint), cast(coalesce(sum(minor % 4294967296) filter (where due_day >= $12), 0) as bigint), \
         cast(coalesce(sum(minor / 4294967296) filter (where due_day is not null), 0) as bigint), cast(coalesce(sum(minor % 4294967296) filter (where due_day is not null), 0) as bigint), \
         cast(sum(minor / 4294967296) as bigint), cast(sum(minor % 4294967296) as bigint) \
         from ledger where flow = $1 and (party, legal_entity, currency) > ($2, $3, $4) and party <= $5 \
         and ($6 = '' or legal_entity = $6) and from_day <= $7 group by party, legal_entity, currency \
         order by party, legal_entity, currency limit $8",
        &[Text, Text, Text, Text, Text, Text, Int, Int, Int, Int, Int, Int]);
    LEDGER_ACCOUNTS = same(
        "select distinct party, legal_entity, currency from ledger where flow = $1 and (party, legal_entity, currency) > ($2, $3, $4) \
         and ($5 = '' or legal_entity = $5) and from_day <= $6 order by party, legal_entity, currency limit $7",
        &[Text, Text, Text, Text, Text, Int, Int]);
    LEDGER_ACCOUNTS_OF = same(
        "select distinct party, legal_entity, currency from ledger where flow = $1 and party = $2 and (legal_entity, currency) > ($3, $4) \
         and ($5 = '' or legal_entity = $5) and from_day <= $6 order by party, legal_entity, currency limit $7",
        &[Text, Text, Text, Text, Text, Int, Int]);
    LEDGER_PARTS = same(
        "with v(place, flow, party, legal_entity, currency, as_of_day) as ({rows}) \
         select v.place, l.entry, cast(sum(l.minor / 4294967296) as bigint), cast(sum(l.minor % 4294967296) as bigint) \
         from v cross join ledger l where l.flow = v.flow and l.party = v.party and l.legal_entity = v.legal_entity \
         and l.currency = v.currency and l.from_day <= v.as_of_day group by v.place, l.entry order by v.place, l.entry",
        &[Int, Text, Text, Text, Text, Int]);

    // Runs
    INSERT_RUNS = same(
        "insert into run (id, seq, automation, body, state, fence, attempt, clock_us, due_us, settled_seq, report, seal) {rows}",
        &[Text, Int, Text, Text, Text, Int, Int, Int, Int, Int, Text, Bytes]);
    UPDATE_RUNS = same(
        "with v(id, state, fence, attempt, clock_us, due_us, settled_seq, report, seal) as ({rows}) \
         update run set state = v.state, fence = v.fence, attempt = v.attempt, clock_us = v.clock_us, due_us = v.due_us, \
         settled_seq = v.settled_seq, report = v.report, seal = v.seal from v where run.id = v.id",
        &[Text, Text, Int, Int, Int, Int, Int, Text, Bytes]);
    // With the organisation's stop, if there is one.
    RUNS_DUE = same(
        "select r.id, r.body, r.fence, r.attempt, r.clock_us, \
         (select s.body from image s where s.kind = 'control' and s.collection = '' and s.id = $1) as stop \
         from run r where r.due_us <= $2 order by r.due_us, r.seq, r.id limit $3",
        &[Text, Int, Int]);
    RUNS_RUNNING = same("select id, state, fence, attempt, clock_us from run where due_us is not null and state = 'running' order by id", &[]);
    RUNS_BY_ID = same(
        "with v(id) as ({rows}) \
         select r.id, r.seq, r.automation, r.body, r.state, r.attempt, r.clock_us, r.due_us, r.settled_seq, r.report \
         from v cross join run r where r.id = v.id order by r.seq desc, r.id desc",
        &[Text]);
    RUNS_COUNTED = same("select automation, state, count(*) from run group by automation, state order by automation, state", &[]);
    RUN_IDS_FROM = same("select id from run where id >= $1 order by id limit $2", &[Text, Int]);
    ROWS_COUNTED = same("select count(*) from image where kind = $1", &[Text]);
    NEXT_DUE = same("select min(due_us) from (select due_us from run where due_us is not null union all \
         select due_us from outbox where due_us is not null) as waiting", &[]);
    IMAGE_BODY = same("select body from image where kind = $1 and collection = '' and id = $2", &[Text, Text]);

    // Outbox
    INSERT_OUTBOX = same(
        "insert into outbox (id, seq, automation, body, state, attempts, due_us, error, seal) {rows}",
        &[Text, Int, Text, Text, Text, Int, Int, Text, Bytes]);
    UPDATE_OUTBOX = same(
        "with v(id, state, attempts, due_us, error, seal) as ({rows}) \
         update outbox set state = v.state, attempts = v.attempts, due_us = v.due_us, error = v.error, seal = v.seal \
         from v where outbox.id = v.id",
        &[Text, Text, Int, Int, Text, Bytes]);
    OUTBOX_OF = same(
        "with v(id) as ({rows}) select o.id, o.state, o.due_us, o.attempts, o.error from v cross join outbox o where o.id = v.id order by o.id",
        &[Text]);
    OUTBOX_DUE = same(
        "select o.id, o.seq, o.body, o.attempts, o.error, \
         (select s.body from image s where s.kind = 'control' and s.collection = '' and s.id = $1) as stop \
         from outbox o where o.due_us <= $2 order by o.due_us, o.seq, o.id limit $3",
        &[Text, Int, Int]);
    OUTBOX_SENDING = same(
        "select id, attempts, error from outbox where due_us is not null and state = 'sending' order by id", &[]);
    OUTBOX_COUNTED = same("select state, count(*) from outbox group by state order by state", &[]);
    MESSAGES_BY_ID = same(
        "with v(id) as ({rows}) select o.id, o.seq, o.automation, o.body, o.state, o.attempts, o.due_us, o.error \
         from v cross join outbox o where o.id = v.id order by o.seq desc, o.id desc",
        &[Text]);

    // Lists: where the rows lie, newest first. By all states or a usual one; by one that has an index of its own; by one of
    // those that wait, which are found by when they are due (`+seq` and `automation || ''` keep SQLite from walking along the others).
    RUNS_LISTED = same(
        "select seq, id from run where ($1 = '' or state = $1) and (seq, id) < ($2, $3) \
         order by seq desc, id desc limit $4",
        &[Text, Int, Text, Int]);
    RUNS_UNUSUAL = same(
        "select seq, id from run where state = $1 and state in ('failed', 'held', 'shadowed') and (seq, id) < ($2, $3) \
         order by seq desc, id desc limit $4",
        &[Text, Int, Text, Int]);
    RUNS_WAITING = same(
        "select seq, id from run where due_us is not null and state = $1 and (+seq, id) < ($2, $3) \
         order by +seq desc, id desc limit $4",
        &[Text, Int, Text, Int]);
    RUNS_LISTED_OF = same(
        "select seq, id from run where automation = $1 and ($2 = '' or state = $2) and (seq, id) < ($3, $4) \
         order by seq desc, id desc limit $5",
        &[Text, Text, Int, Text, Int]);
    RUNS_UNUSUAL_OF = same(
        "select seq, id from run where automation = $1 and state = $2 and state in ('failed', 'held', 'shadowed') and (seq, id) < ($3, $4) \
         order by seq desc, id desc limit $5",
        &[Text, Text, Int, Text, Int]);
    RUNS_WAITING_OF = same(
        "select seq, id from run where automation || '' = $1 and due_us is not null and state = $2 and (+seq, id) < ($3, $4) \
         order by +seq desc, id desc limit $5",
        &[Text, Text, Int, Text, Int]);
    OUTBOX_LISTED = same(
        "select seq, id from outbox where ($1 = '' or state = $1) and (seq, id) < ($2, $3) \
         order by seq desc, id desc limit $4",
        &[Text, Int, Text, Int]);
    OUTBOX_UNUSUAL = same(
        "select seq, id from outbox where state = $1 and state = 'failed' and (seq, id) < ($2, $3) \
         order by seq desc, id desc limit $4",
        &[Text, Int, Text, Int]);
    OUTBOX_WAITING = same(
        "select seq, id from outbox where due_us is not null and state = $1 and (+seq, id) < ($2, $3) \
         order by +seq desc, id desc limit $4",
        &[Text, Int, Text, Int]);
    OUTBOX_LISTED_OF = same(
        "select seq, id from outbox where automation = $1 and ($2 = '' or state = $2) and (seq, id) < ($3, $4) \
         order by seq desc, id desc limit $5",
        &[Text, Text, Int, Text, Int]);
    OUTBOX_UNUSUAL_OF = same(
        "select seq, id from outbox where automation = $1 and state = $2 and state = 'failed' and (seq, id) < ($3, $4) \
         order by seq desc, id desc limit $5",
        &[Text, Text, Int, Text, Int]);
    OUTBOX_WAITING_OF = same(
        "select seq, id from outbox where automation || '' = $1 and due_us is not null and state = $2 and (+seq, id) < ($3, $4) \
         order by +seq desc, id desc limit $5",
        &[Text, Text, Int, Text, Int]);

    // Verification reads everything, in order, a page at a time.
    VERIFY_HEAD = same("select one, seq, at_us, hash from log_head order by one", &[]);
    VERIFY_COMMITS = same("select seq, at_us, author, run, cause, changes, hash from log_commit where seq > $1 order by seq limit $2", &[Int, Int]);
    VERIFY_CHANGES = same(
        "select seq, ordinal, kind, collection, id, previous, body, salt, body_hash from change \
         where seq > $1 and seq <= $2 order by seq, ordinal",
        &[Int, Int]);
    VERIFY_STRAYS = same(
        "select c.seq from change c left join log_commit l on l.seq = c.seq where l.seq is null order by c.seq limit 1", &[]);
    VERIFY_IMAGES = same(
        "select kind, collection, id, revision, created_us, updated_us, body from image \
         where (kind, collection, id) > ($1, $2, $3) order by kind, collection, id limit $4",
        &[Text, Text, Text, Int]);
    VERIFY_ENTRIES = same(
        "select kind, collection, id, field, order_key from field_index \
         where (kind, collection, id, field) > ($1, $2, $3, $4) order by kind, collection, id, field limit $5",
        &[Text, Text, Text, Text, Int]);
    VERIFY_UNIQUE = same(
        "select space, value, kind, collection, id from unique_key where (space, value) > ($1, $2) order by space, value limit $3",
        &[Text, Text, Int]);
    VERIFY_LEDGER = same(
        "select kind, id, entry, flow, legal_entity, party, currency, due_day, from_day, minor from ledger \
         where (kind, id, entry) > ($1, $2, $3) order by kind, id, entry limit $4",
        &[Text, Text, Text, Int]);
    VERIFY_RUNS = same(
        "select id, seq, automation, body, state, fence, attempt, clock_us, due_us, settled_seq, report, seal from run \
         where id > $1 order by id limit $2",
        &[Text, Int]);
    VERIFY_OUTBOX = same(
        "select id, seq, automation, body, state, attempts, due_us, error, seal from outbox where id > $1 order by id limit $2",
        &[Text, Int]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapter::Engine, testing};

    #[tokio::test]
    async fn every_statement_prepares_on_both_engines() {
        for database in testing::databases().await {
            for (name, statement) in ALL {
                let text = if statement.sql.text(Engine::Sqlite).contains("{rows}") {
                    statement.render(database.engine(), 2)
                } else {
                    statement.sql.text(database.engine()).to_owned()
                };
                let mut tx = database.pools.writing().await.expect("a transaction");
                tx.prepare(text)
                    .await
                    .unwrap_or_else(|error| panic!("{name} on {:?}: {error:?}", database.engine()));
                tx.rollback().await.expect("a rollback");
            }
        }
    }

    /// Statements that are meant to look at a whole table, or at one of a single row.
    const SCANS: &[&str] = &[
        "HEAD",
        "LOCK_HEAD",
        "SET_HEAD",
        "GET_WITH_HEAD",
        "RUNS_COUNTED",
        "OUTBOX_COUNTED",
        "NEXT_DUE",
        "RUNS_RUNNING",
        "OUTBOX_SENDING",
        "VERIFY_HEAD",
        "VERIFY_STRAYS",
    ];

    /// What a commit costs must not grow with the tables.
    #[tokio::test]
    async fn no_statement_walks_along_a_table() {
        let database = testing::sqlite().await;
        let mut tx = database.pools.writing().await.expect("a transaction");
        for (name, statement) in ALL.iter().filter(|(name, _)| !SCANS.contains(name)) {
            for rows in [1, 64, 1024] {
                let plan = tx
                    .plan(statement.render(Engine::Sqlite, rows))
                    .await
                    .expect(name);
                let walks = |step: &&String| {
                    let over_rows = ["CONSTANT ROW", "VALUES", "SCAN (subquery"]
                        .iter()
                        .any(|rows| step.contains(rows));
                    step.contains("AUTOMATIC") || (step.starts_with("SCAN") && !over_rows)
                };
                let walks: Vec<_> = plan.iter().filter(walks).collect();
                assert!(walks.is_empty(), "{name} of {rows}: {walks:?} in {plan:#?}");
            }
        }
    }

    /// What a page of a list costs must not grow with rows that it does not show.
    #[tokio::test]
    async fn each_list_goes_by_its_own_index() {
        let database = testing::sqlite().await;
        let mut tx = database.pools.writing().await.expect("a transaction");
        let expected = [
            (RUNS_LISTED, "run_listed"),
            (RUNS_LISTED_OF, "run_of_automation"),
            (RUNS_UNUSUAL, "run_unusual"),
            (RUNS_UNUSUAL_OF, "run_unusual_of_automation"),
            (RUNS_WAITING, "run_due"),
            (RUNS_WAITING_OF, "run_due"),
            (OUTBOX_LISTED, "outbox_listed"),
            (OUTBOX_LISTED_OF, "outbox_of_automation"),
            (OUTBOX_UNUSUAL, "outbox_unusual"),
            (OUTBOX_UNUSUAL_OF, "outbox_unusual_of_automation"),
            (OUTBOX_WAITING, "outbox_due"),
            (OUTBOX_WAITING_OF, "outbox_due"),
            (VERSIONS_BEFORE, "change_row"),
            (COMMITS_OF_KINDS, "change_row"),
            (LEDGER_NEXT, "ledger_due"),
            (LEDGER_OPEN, "ledger_due"),
            (LEDGER_UNAPPLIED, "ledger_due"),
            (LEDGER_OPEN_OF, "ledger_party"),
            (LEDGER_UNAPPLIED_OF, "ledger_party"),
            (LEDGER_AGED, "ledger_party"),
            (LEDGER_ACCOUNTS, "ledger_party"),
            (LEDGER_ACCOUNTS_OF, "ledger_party"),
            (LEDGER_PARTS, "ledger_party"),
        ];
        for (statement, index) in expected {
            let text = statement.render(Engine::Sqlite, 1);
            let plan = tx.plan(text).await.expect(index).join("; ");
            assert!(
                plan.contains(&format!("INDEX {index} (")),
                "{index}: {plan}"
            );
        }
    }

    #[test]
    fn the_engines_differ_in_two_statements() {
        let differing: Vec<_> = ALL
            .iter()
            .filter(|(_, s)| s.sql.text(Engine::Sqlite) != s.sql.text(Engine::Postgres))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(differing, ["LOCK_HEAD", "NOW"]);
    }
}
