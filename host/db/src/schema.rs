//! Tables of both engines, and their migrations: forward only, each once, in one transaction.

use bursar_domain::log::sha256_hex;

use crate::{
    adapter::{Engine, Kind::Int, Kind::Text, Pools, Sql, Statement, args, same},
    error::Error,
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
        tx.write(&RECORD, vec![args![migration.version, checksum]])?;
    }
    tx.commit().await
}
