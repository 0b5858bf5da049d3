//! Tables of both engines, and their migrations: forward only, each once, in one transaction.

use std::sync::Arc;

use bursar_domain::{log::sha256_hex, row::Kind};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    adapter::{
        Engine,
        Kind::{Int, Text},
        Pools, Sql, Statement, args, same,
    },
    error::Error,
    ledger,
    reproject::reproject_kind,
    views,
};

/// A step of the schema.
pub(crate) struct Migration {
    pub version: i64,
    pub sql: Sql,
}

impl Migration {
    /// Digest of the step's text: a database whose step differs was made by another program.
    pub(crate) fn checksum(&self, engine: Engine) -> String {
        sha256_hex(self.sql.text(engine).as_bytes())
    }
}

/// The step that makes the ledger: what is in it follows from rows whose amounts only Rust can read.
const LEDGER: i64 = 3;
/// The step that makes it anew: a supplier's document without a date of posting had been owed since the year -9999.
const LEDGER_DATED: i64 = 4;
/// The step that makes the table of blobs.
const BLOBS: i64 = 5;
/// The step that makes the views: their columns follow from definitions.
const VIEWS: i64 = 6;
/// The step that lists tasks by when they are due, and when something is to be done about them.
const TASKS: i64 = 7;
/// The step that makes the database refuse whatever changes the log.
const APPEND_ONLY: i64 = 8;

/// A step that only Rust takes.
const NOTHING: &str = "select 1";

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: Sql::Differs {
            sqlite: include_str!("schema/1.sqlite.sql"),
            postgres: include_str!("schema/1.postgres.sql"),
        },
    },
    Migration {
        version: 2,
        sql: Sql::Differs {
            sqlite: include_str!("schema/2.sqlite.sql"),
            postgres: include_str!("schema/2.postgres.sql"),
        },
    },
    Migration {
        version: LEDGER,
        sql: Sql::Differs {
            sqlite: include_str!("schema/3.sqlite.sql"),
            postgres: include_str!("schema/3.postgres.sql"),
        },
    },
    Migration {
        version: LEDGER_DATED,
        sql: Sql::Same("delete from ledger"),
    },
    Migration {
        version: BLOBS,
        sql: Sql::Differs {
            sqlite: NOTHING,
            postgres: include_str!("schema/5.postgres.sql"),
        },
    },
    Migration {
        version: VIEWS,
        sql: Sql::Same(NOTHING),
    },
    Migration {
        version: TASKS,
        sql: Sql::Same(NOTHING),
    },
    Migration {
        version: APPEND_ONLY,
        sql: Sql::Differs {
            sqlite: include_str!("schema/8.sqlite.sql"),
            postgres: include_str!("schema/8.postgres.sql"),
        },
    },
];

const TABLE: Sql = Sql::Differs {
    sqlite: "create table if not exists migration (version integer primary key, checksum text not null) strict",
    postgres: "create table if not exists migration (version bigint primary key, checksum text collate \"C\" not null)",
};
/// One migrator at a time: SQLite's write transaction already is.
const LOCK: Sql = Sql::Differs {
    sqlite: "select 1",
    postgres: "select pg_advisory_xact_lock(7305809161)",
};
pub(crate) const APPLIED: Statement = same(
    "select version, checksum from migration order by version",
    &[],
);
pub(crate) const RECORD: Statement = same(
    "insert into migration (version, checksum) {rows}",
    &[Int, Text],
);

/// Makes a database at a PostgreSQL server and gives its URL. Texts are ordered by their bytes in it.
pub(crate) async fn create(server: &str, name: &str) -> Result<String, Error> {
    let failed = |error| Error::Open {
        what: format!("the database {name}"),
        source: Arc::new(error),
    };
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(failed(sqlx::Error::Configuration(
            "its name has lower-case letters, digits and underscores".into(),
        )));
    }
    let address = format!("{}/postgres", server.trim_end_matches('/'));
    let mut admin = PgConnection::connect(&address).await.map_err(failed)?;
    let create = format!(
        "create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
    );
    let created = sqlx::raw_sql(AssertSqlSafe(create))
        .execute(&mut admin)
        .await;
    created.map_err(failed)?;
    Ok(format!("{}/{name}", server.trim_end_matches('/')))
}

/// Brings the database to the newest version, or refuses one that is newer still.
pub(crate) async fn migrate(pools: &Pools) -> Result<(), Error> {
    let mut tx = pools.writing().await?;
    tx.script(LOCK).await?;
    tx.script(TABLE).await?;
    let applied: Vec<(i64, String)> = tx.all(&APPLIED, args![]).await?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    let found = applied.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for migration in MIGRATIONS {
        let checksum = migration.checksum(pools.engine());
        let done = applied
            .iter()
            .find(|(version, _)| *version == migration.version);
        if let Some((version, other)) = done {
            if *other != checksum {
                return Err(Error::OtherSchema { version: *version });
            }
            continue;
        }
        tx.script(migration.sql).await?;
        if [LEDGER, LEDGER_DATED].contains(&migration.version) {
            ledger::fill(&mut tx).await?;
        }
        if migration.version == VIEWS {
            views::fill(&mut tx).await?;
        }
        if migration.version == TASKS {
            reproject_kind(&mut tx, Kind::Task).await?;
        }
        tx.write(&RECORD, vec![args![migration.version, checksum]])?;
    }
    tx.commit().await
}
