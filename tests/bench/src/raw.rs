//! What the disk and SQLite allow: the very values that the commits wrote, in one plain table without keys or indexes.
//!
//! The same rows as the log, the images and the runs got, of the same group size, in one prepared statement a group, under
//! the same settings of SQLite. Nothing is read, checked, hashed or looked up.

use std::{fmt::Write, path::Path, sync::Arc, time::Instant};

use sqlx::{
    Arguments, AssertSqlSafe, SqlSafeStr, SqlitePool,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};

use crate::{
    Fault,
    log::{Bound, COLUMNS, Span, Written},
    measures::Measured,
};

/// Rows that one run's commit writes.
const ROWS_PER_RUN: usize = 4;

/// A file of its own.
pub struct Raw {
    pool: SqlitePool,
}

impl Raw {
    /// With the settings that the host opens its database with.
    pub async fn open(file: &Path) -> Result<Self, Fault> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("cache_size", "-16384")
            .pragma("mmap_size", "1073741824")
            .pragma("wal_autocheckpoint", "4000")
            .pragma("temp_store", "memory");
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        sqlx::query("create table raw (a, b, c, d, e, f, g, h, i)")
            .execute(&pool)
            .await?;
        Ok(Self { pool })
    }

    /// Writes the rows of so many runs in one transaction each.
    pub async fn insert(&self, written: &Written, group: usize) -> Result<Measured, Fault> {
        let group = group.max(1);
        // What is left over would need a statement of its own.
        let groups: Vec<Vec<Bound>> = written.runs.chunks_exact(group).map(values).collect();
        let count = groups.len() * group;
        let sql: Arc<str> = statement(group * ROWS_PER_RUN).into();
        let mut connection = self.pool.acquire().await?;
        let started = Instant::now();
        for values in groups {
            let mut bound = SqliteArguments::default();
            for value in values {
                match value {
                    Bound::Int(value) => bound.add(value),
                    Bound::Text(value) => bound.add(value),
                    Bound::Bytes(value) => bound.add(value),
                    Bound::Null => bound.add(None::<i64>),
                }?;
            }
            sqlx::query("begin immediate")
                .execute(&mut *connection)
                .await?;
            let sql = AssertSqlSafe(sql.clone()).into_sql_str();
            sqlx::query_with(sql, bound)
                .execute(&mut *connection)
                .await?;
            sqlx::query("commit").execute(&mut *connection).await?;
        }
        Ok(Measured {
            count,
            took: started.elapsed(),
            span: Span::default(),
        })
    }
}

/// Table by table, as the committer writes them.
fn values(runs: &[[[Bound; COLUMNS]; ROWS_PER_RUN]]) -> Vec<Bound> {
    let table = |place: usize| {
        runs.iter()
            .filter_map(move |rows| rows.get(place))
            .flatten()
            .cloned()
    };
    (0..ROWS_PER_RUN).flat_map(table).collect()
}

fn statement(rows: usize) -> String {
    let mut text = "insert into raw values ".to_owned();
    for row in 0..rows {
        let comma = if row == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}(?,?,?,?,?,?,?,?,?)");
    }
    text
}
