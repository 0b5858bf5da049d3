//! A plain connection beside the program, for changing what it stored.
//!
//! Tables and columns are asked from the database, so that a new one cannot be forgotten.

use bursar_domain::log::hex;
use sqlx::{AssertSqlSafe, Column, Connection, PgConnection, Row, SqliteConnection};

use crate::{adapter::Engine, testing::Fresh};

pub(super) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Int,
    Text,
    Bytes,
}

#[derive(Debug)]
pub(super) struct TableColumn {
    pub name: String,
    pub kind: CellKind,
    pub is_nullable: bool,
    pub is_key: bool,
}

#[derive(Debug)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<TableColumn>,
}

impl Table {
    fn keys(&self) -> Vec<&TableColumn> {
        self.columns.iter().filter(|column| column.is_key).collect()
    }

    /// The column that says to which commit a row belongs.
    pub(super) fn seq_column(&self) -> Option<&str> {
        let names = ["seq", "revision"];
        let column = self
            .columns
            .iter()
            .find(|column| names.contains(&column.name.as_str()));
        column.map(|column| column.name.as_str())
    }
}

/// One cell: a condition that selects its row, the row's commit, and its value as text (bytes as hex).
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub place: String,
    pub seq: Option<i64>,
    pub value: Option<String>,
}

const SQLITE_COLUMNS: &str = "select m.name, c.name, c.type, c.\"notnull\", c.pk > 0 from sqlite_master m \
     join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%' order by m.name, c.cid";
const POSTGRES_COLUMNS: &str = "select c.relname, a.attname, format_type(a.atttypid, null), a.attnotnull::int, \
     coalesce(a.attnum = any(i.indkey), false)::int from pg_class c \
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
     left join pg_index i on i.indrelid = c.oid and i.indisprimary \
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname, a.attnum";
const POSTGRES_CONSTRAINTS: &str = "select conrelid::regclass, conname from pg_constraint \
     where contype in ('c', 'f') and connamespace = 'public'::regnamespace order by 1, 2";
const SQLITE_GUARDS: &str =
    "select tbl_name, name from sqlite_master where type = 'trigger' order by 1, 2";
const POSTGRES_GUARDS: &str = "select t.tgrelid::regclass, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid \
     where not t.tgisinternal and c.relnamespace = 'public'::regnamespace order by 1, 2";

impl Raw {
    /// Connects as whoever has the database's password could.
    pub(super) async fn connect(database: &Fresh) -> Self {
        let url = &database.options.url;
        match database.engine() {
            Engine::Sqlite => {
                Raw::Sqlite(SqliteConnection::connect(url).await.expect("a connection"))
            }
            Engine::Postgres => {
                Raw::Postgres(PgConnection::connect(url).await.expect("a connection"))
            }
        }
    }

    /// Connects, and takes away every constraint and guard that would stand in the way.
    pub(super) async fn beside(database: &Fresh) -> Self {
        let mut raw = Self::connect(database).await;
        match database.engine() {
            Engine::Sqlite => {
                raw.run("pragma foreign_keys = off; pragma ignore_check_constraints = on")
                    .await;
            }
            Engine::Postgres => {
                for row in raw.rows(POSTGRES_CONSTRAINTS).await {
                    let [Some(table), Some(name)] = row.as_slice() else {
                        panic!("{row:?}");
                    };
                    raw.run(&format!("alter table {table} drop constraint {name}"))
                        .await;
                }
            }
        }
        raw.drop_guards().await;
        raw
    }

    /// Takes away what keeps the log from being changed: only who owns the database can.
    async fn drop_guards(&mut self) {
        let guards = match self {
            Raw::Sqlite(_) => SQLITE_GUARDS,
            Raw::Postgres(_) => POSTGRES_GUARDS,
        };
        for row in self.rows(guards).await {
            let [Some(table), Some(name)] = row.as_slice() else {
                panic!("{row:?}");
            };
            let drop = match self {
                Raw::Sqlite(_) => format!("drop trigger {name}"),
                Raw::Postgres(_) => format!("drop trigger {name} on {table}"),
            };
            self.run(&drop).await;
        }
    }

    /// Runs what may be refused; gives what the database said then.
    pub(super) async fn attempt(&mut self, sql: &str) -> Result<(), String> {
        let text = AssertSqlSafe(sql.to_owned());
        let done = match self {
            Raw::Sqlite(connection) => sqlx::raw_sql(text).execute(connection).await.map(drop),
            Raw::Postgres(connection) => sqlx::raw_sql(text).execute(connection).await.map(drop),
        };
        done.map_err(|error| error.to_string())
    }

    pub(super) async fn run(&mut self, sql: &str) {
        let done = self.attempt(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Rows of a query, every column as text.
    pub(super) async fn rows(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        let failed = |error: sqlx::Error| -> Vec<Vec<Option<String>>> { panic!("{sql}: {error}") };
        match self {
            Raw::Sqlite(connection) => {
                let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                    .fetch_all(connection)
                    .await;
                let text = |row: &sqlx::sqlite::SqliteRow| {
                    let get = |column: &sqlx::sqlite::SqliteColumn| {
                        row.get_unchecked::<Option<String>, _>(column.ordinal())
                    };
                    row.columns().iter().map(get).collect()
                };
                rows.map_or_else(failed, |rows| rows.iter().map(text).collect())
            }
            Raw::Postgres(connection) => {
                // The simple protocol gives every value as text.
                let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                    .fetch_all(connection)
                    .await;
                let text = |row: &sqlx::postgres::PgRow| {
                    let get = |column: &sqlx::postgres::PgColumn| {
                        row.get_unchecked::<Option<String>, _>(column.ordinal())
                    };
                    row.columns().iter().map(get).collect()
                };
                rows.map_or_else(failed, |rows| rows.iter().map(text).collect())
            }
        }
    }

    pub(super) async fn tables(&mut self) -> Vec<Table> {
        let sql = match self {
            Raw::Sqlite(_) => SQLITE_COLUMNS,
            Raw::Postgres(_) => POSTGRES_COLUMNS,
        };
        let mut tables: Vec<Table> = Vec::new();
        for row in self.rows(sql).await {
            let row: Vec<String> = row.into_iter().flatten().collect();
            let [table, name, kind, is_required, is_key] = row.as_slice() else {
                panic!("{row:?}");
            };
            if tables.last().is_none_or(|last| last.name != *table) {
                tables.push(Table {
                    name: table.clone(),
                    columns: Vec::new(),
                });
            }
            let is_key = is_key == "1";
            let column = TableColumn {
                name: name.clone(),
                kind: match kind.to_lowercase().as_str() {
                    "integer" | "bigint" => CellKind::Int,
                    "text" => CellKind::Text,
                    "blob" | "bytea" => CellKind::Bytes,
                    other => panic!("{table}.{name} is of unknown type {other}"),
                },
                is_nullable: is_required == "0" && !is_key,
                is_key,
            };
            tables.last_mut().expect("a table").columns.push(column);
        }
        tables
    }

    /// A column's cells in the order of the table's key.
    pub(super) async fn cells(&mut self, table: &Table, column: &TableColumn) -> Vec<Cell> {
        let keys = table.keys();
        let literal = |key: &&TableColumn| match self {
            Raw::Sqlite(_) => format!("quote({})", key.name),
            Raw::Postgres(_) => format!("quote_literal({}::text)", key.name),
        };
        let value = match (column.kind, &self) {
            (CellKind::Bytes, Raw::Sqlite(_)) => {
                format!("case when {0} is not null then hex({0}) end", column.name)
            }
            (CellKind::Bytes, Raw::Postgres(_)) => format!("encode({}, 'hex')", column.name),
            _ => format!("cast({} as text)", column.name),
        };
        let seq = table.seq_column().unwrap_or("null");
        let order: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
        let sql = format!(
            "select {value}, cast({seq} as text), {} from {} order by {}",
            keys.iter().map(literal).collect::<Vec<_>>().join(", "),
            table.name,
            order.join(", ")
        );
        let cell = |row: Vec<Option<String>>| {
            let tests = keys.iter().zip(row.iter().skip(2)).map(|(key, literal)| {
                let literal = literal.as_ref().expect("keys are never null");
                format!("{} = {literal}", key.name)
            });
            Cell {
                place: tests.collect::<Vec<_>>().join(" and "),
                seq: row[1].as_ref().map(|seq| seq.parse().expect("a number")),
                value: row[0].clone(),
            }
        };
        self.rows(&sql).await.into_iter().map(cell).collect()
    }

    pub(super) async fn set(
        &mut self,
        table: &str,
        column: &TableColumn,
        place: &str,
        value: Option<&str>,
    ) {
        let literal = match (value, column.kind) {
            (None, _) => "null".to_owned(),
            (Some(value), CellKind::Int) => value.to_owned(),
            (Some(value), CellKind::Text) => format!("'{}'", value.replace('\'', "''")),
            (Some(value), CellKind::Bytes) => self.bytes(value),
        };
        let name = &column.name;
        self.run(&format!(
            "update {table} set {name} = {literal} where {place}"
        ))
        .await;
    }

    /// A literal of bytes given as hex.
    pub(super) fn bytes(&self, hex: &str) -> String {
        match self {
            Raw::Sqlite(_) => format!("x'{hex}'"),
            Raw::Postgres(_) => format!("decode('{hex}', 'hex')"),
        }
    }

    /// Keeps a table's rows, to bring them back with [`Raw::restore`].
    pub(super) async fn save(&mut self, table: &str) {
        self.run(&format!(
            "create temporary table saved_{table} as select * from {table}"
        ))
        .await;
    }

    pub(super) async fn restore(&mut self, table: &str) {
        self.run(&format!(
            "delete from {table}; insert into {table} select * from saved_{table}"
        ))
        .await;
    }
}

/// Values that differ from a cell's in one byte; null, or something instead of null, where that is possible.
pub(super) fn altered(column: &TableColumn, value: Option<&str>) -> Vec<Option<String>> {
    let Some(value) = value else {
        let something = match column.kind {
            CellKind::Int => "1",
            CellKind::Text => "{}",
            CellKind::Bytes => "00112233445566778899aabbccddeeff",
        };
        return vec![Some(something.to_owned())];
    };
    let mut found = match column.kind {
        CellKind::Int => {
            let number: i64 = value.parse().expect("a number");
            vec![Some((number ^ 256).to_string())]
        }
        CellKind::Text if value.is_empty() => vec![Some("x".to_owned())],
        CellKind::Text => {
            let characters: Vec<char> = value.chars().collect();
            let flip = |place: usize| {
                let mut altered = characters.clone();
                altered[place] = if altered[place] == 'x' { 'y' } else { 'x' };
                Some(altered.into_iter().collect())
            };
            vec![
                flip(0),
                flip(characters.len() / 2),
                flip(characters.len() - 1),
            ]
        }
        CellKind::Bytes => {
            let bytes: Vec<u8> = (0..value.len() / 2)
                .map(|place| u8::from_str_radix(&value[place * 2..place * 2 + 2], 16).expect("hex"))
                .collect();
            let flip = |place: usize| {
                let mut altered = bytes.clone();
                altered[place] ^= 1;
                Some(hex(&altered))
            };
            vec![flip(0), flip(bytes.len() - 1)]
        }
    };
    if column.is_nullable {
        found.push(None);
    }
    found
}
