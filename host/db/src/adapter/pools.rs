//! Opening a database, and handing out its transactions.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{Engine, Inner, Tx, connections::Connections};
use crate::{Options, error::Error};

/// Statements kept prepared on each connection.
const STATEMENTS_CACHED_MAX: usize = 256;
/// How long a writer waits for SQLite's lock before [`Error::Locked`].
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Connections for those who hold one already.
const BESIDE_MAX: u32 = 8;

/// The connections.
#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite {
        read: Arc<Connections>,
        beside: Arc<Connections>,
        write: Arc<Connections>,
    },
    /// However many readers there are, the committer finds a connection.
    Postgres {
        read: PgPool,
        beside: PgPool,
        write: PgPool,
    },
}

impl Pools {
    pub(crate) async fn open(options: &Options) -> Result<Self, Error> {
        if let Some(path) = options.url.strip_prefix("sqlite:") {
            let failed = |source: sqlx::Error| match Error::from(source) {
                Error::Sql(source) => Error::Open {
                    what: path.to_owned(),
                    source,
                },
                typed => typed,
            };
            return Self::open_sqlite(path, options).await.map_err(failed);
        }
        let failed = |source: sqlx::Error| Error::Open {
            what: "the PostgreSQL server".to_owned(),
            source: source.into(),
        };
        let connect = PgConnectOptions::from_str(&options.url)
            .map_err(failed)?
            .statement_cache_capacity(STATEMENTS_CACHED_MAX);
        // A pool would try for half a minute to reach a server that is not there.
        let probe = PgConnection::connect_with(&connect).await.map_err(failed)?;
        probe.close().await.map_err(failed)?;
        let pool = |connections_max| {
            PgPoolOptions::new()
                .max_connections(connections_max)
                .connect_lazy_with(connect.clone())
        };
        Ok(Pools::Postgres {
            read: pool(options.readers_max),
            write: pool(2),
            beside: pool(BESIDE_MAX),
        })
    }

    async fn open_sqlite(path: &str, options: &Options) -> Result<Self, sqlx::Error> {
        let mut connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(LOCK_WAIT)
            // Reads come from the mapped file; SQLite looks through the whole cache at every commit.
            .pragma("cache_size", "-16384")
            .pragma("mmap_size", "1073741824")
            .pragma("wal_autocheckpoint", "4000")
            // What a statement of many rows would need to be undone goes to memory, not to a file.
            .pragma("temp_store", "memory")
            .statement_cache_capacity(STATEMENTS_CACHED_MAX)
            .row_buffer_size(1024);
        if let Some(bytes) = options.database_bytes_max {
            connect = connect.pragma("max_page_count", (bytes / 4096).max(1).to_string());
        }
        // The writer opens first: it makes the file and switches it to WAL.
        let write = Connections::new(connect.clone(), 1, "begin immediate");
        write.open_one().await?;
        // A reader forgets its cache and its mapping of the file whenever somebody has committed: it keeps little, and maps
        // nothing.
        let connect = connect
            .read_only(true)
            .pragma("cache_size", "-2048")
            .pragma("mmap_size", "0")
            .pragma("temp_store", "default");
        let beside = Connections::new(connect.clone(), BESIDE_MAX, "begin deferred");
        let read = Connections::new(connect, options.readers_max, "begin deferred");
        Ok(Pools::Sqlite {
            read,
            beside,
            write,
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    /// A read-only transaction. Both engines pin it at its first statement.
    pub(crate) async fn reading(&self) -> Result<Tx, Error> {
        let inner = match self {
            Pools::Sqlite { read, .. } => Inner::Sqlite(read.lend().await?),
            Pools::Postgres { read, .. } => Inner::Postgres(
                read.begin_with("begin isolation level repeatable read read only")
                    .await?,
            ),
        };
        Ok(Tx::of(inner))
    }

    /// As [`Pools::reading`], for one statement.
    pub(crate) async fn looking(&self) -> Result<Tx, Error> {
        match self {
            Pools::Sqlite { read, .. } => Ok(Tx::of(Inner::Sqlite(read.lend().await?.bare()))),
            Pools::Postgres { .. } => self.reading().await,
        }
    }

    /// A writing transaction. The committer takes the head's lock first thing in it.
    pub(crate) async fn writing(&self) -> Result<Tx, Error> {
        let inner = match self {
            Pools::Sqlite { write, .. } => Inner::Sqlite(write.lend().await?),
            Pools::Postgres { write, .. } => Inner::Postgres(
                write
                    .begin_with("begin isolation level read committed")
                    .await?,
            ),
        };
        Ok(Tx::of(inner))
    }

    /// As [`Pools::reading`], for whoever may hold a reading transaction already: were both of one pool, all of its
    /// connections could be held by those who wait for another. Nothing else is awaited while this one is open. On
    /// PostgreSQL it may write, which blobs do.
    pub(crate) async fn beside(&self) -> Result<Tx, Error> {
        let inner = match self {
            Pools::Sqlite { beside, .. } => Inner::Sqlite(beside.lend().await?),
            Pools::Postgres { beside, .. } => Inner::Postgres(
                beside
                    .begin_with("begin isolation level read committed")
                    .await?,
            ),
        };
        Ok(Tx::of(inner))
    }

    pub(crate) async fn close(&self) {
        match self {
            Pools::Sqlite {
                read,
                beside,
                write,
            } => {
                read.close().await;
                beside.close().await;
                // The last group's transaction may still be on its way to its end.
                drop(write.lend().await);
                write.close().await;
            }
            Pools::Postgres {
                read,
                beside,
                write,
            } => {
                read.close().await;
                beside.close().await;
                write.close().await;
            }
        }
    }
}
