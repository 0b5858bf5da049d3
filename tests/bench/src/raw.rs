//! What SQLite allows: the very rows that the commits wrote, inserted and nothing else.
//!
//! The same group size and the same settings of SQLite; one prepared statement for all rows of a table. Nothing is read,
//! compared, decided, hashed or replaced.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bursar_db::{Database, Options};
use sqlx::{
    Arguments, AssertSqlSafe, SqlSafeStr, SqlitePool,
    sqlite::{SqliteArguments, SqlitePoolOptions},
};

use crate::{
    Fault,
    desk::keys,
    log::{Span, Stored, TABLES, Written},
    measures::Measured,
    plain,
};

/// Rows of one statement, where there are many: each statement costs a word between two threads.
const STATEMENT_ROWS: usize = 500;

/// What the tables look like that are inserted into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As the host's: keys, indexes and checks.
    Keyed,
    /// Plain heaps: rows that nobody could find again.
    Heap,
}

/// A file of its own.
pub struct Raw {
    pool: SqlitePool,
}

impl Raw {
    /// A new file, with the settings that the host opens its database with.
    pub async fn open(folder: &Path, shape: Shape) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join("raw.db");
        if shape == Shape::Keyed {
            let options = Options {
                url: format!("sqlite:{}", file.display()),
                readers_max: 1,
                database_bytes_max: None,
                keys: keys(),
            };
            Database::open(&options, folder).await?.close().await;
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(plain::writer(&file))
            .await?;
        if shape == Shape::Heap {
            for table in TABLES {
                let sql = format!("create table {} ({})", table.name, table.columns.join(", "));
                sqlx::query(AssertSqlSafe(sql)).execute(&pool).await?;
            }
        }
        Ok(Self { pool })
    }

    /// Writes the rows of so many runs in one transaction each.
    pub async fn insert(&self, written: &Written, group: usize) -> Result<Measured, Fault> {
        let group = group.clamp(1, written.runs.max(1));
        // What is left over would need statements of its own.
        let groups = written.runs / group;
        let statements: Vec<Arc<str>> = TABLES
            .iter()
            .map(|table| statement(table.name, table.columns, group))
            .collect();
        let values = |place: usize| -> Vec<Vec<Stored>> {
            let tables = written.tables.iter();
            let rows = tables.map(|rows| rows.iter().skip(place * group).take(group));
            rows.map(|rows| rows.flatten().cloned().collect()).collect()
        };
        let all: Vec<Vec<Vec<Stored>>> = (0..groups).map(values).collect();
        let mut connection = self.pool.acquire().await?;
        let started = Instant::now();
        for tables in all {
            sqlx::query("begin immediate")
                .execute(&mut *connection)
                .await?;
            for (sql, values) in statements.iter().zip(tables) {
                let sql = AssertSqlSafe(sql.clone()).into_sql_str();
                sqlx::query_with(sql, bind(values)?)
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query("commit").execute(&mut *connection).await?;
        }
        Ok(Measured {
            count: groups * group,
            took: started.elapsed(),
            span: Span::default(),
        })
    }

    /// Writes the rows of commits in one transaction each: of each commit the values of each of these tables, row by row.
    pub async fn insert_commits(
        &self,
        tables: &[(&str, &[&str])],
        commits: Vec<Vec<Vec<Stored>>>,
    ) -> Result<Duration, Fault> {
        let full: Vec<Arc<str>> = tables
            .iter()
            .map(|(name, columns)| statement(name, columns, STATEMENT_ROWS))
            .collect();
        let mut connection = self.pool.acquire().await?;
        let started = Instant::now();
        for commit in commits {
            sqlx::query("begin immediate")
                .execute(&mut *connection)
                .await?;
            for (((name, columns), full), mut values) in tables.iter().zip(&full).zip(commit) {
                while !values.is_empty() {
                    let rest = values.split_off(values.len().min(STATEMENT_ROWS * columns.len()));
                    let rows = values.len() / columns.len();
                    let sql = if rows == STATEMENT_ROWS {
                        full.clone()
                    } else {
                        statement(name, columns, rows)
                    };
                    sqlx::query_with(AssertSqlSafe(sql).into_sql_str(), bind(values)?)
                        .execute(&mut *connection)
                        .await?;
                    values = rest;
                }
            }
            sqlx::query("commit").execute(&mut *connection).await?;
        }
        Ok(started.elapsed())
    }

    pub async fn close(self) {
        self.pool.close().await;
    }
}

fn bind(values: Vec<Stored>) -> Result<SqliteArguments, Fault> {
    let mut bound = SqliteArguments::default();
    for value in values {
        match value {
            Stored::Int(value) => bound.add(value),
            Stored::Text(value) => bound.add(value),
            Stored::Bytes(value) => bound.add(value),
            Stored::Null => bound.add(None::<i64>),
        }?;
    }
    Ok(bound)
}

fn statement(name: &str, columns: &[&str], rows: usize) -> Arc<str> {
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let columns = columns.join(",");
    let rows = vec![row; rows].join(",");
    format!("insert into {name} ({columns}) values {rows}").into()
}
