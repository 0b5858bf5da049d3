//! A fresh database per engine, for this crate's tests.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{Database, Keys, Options, adapter::Engine};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) fn keys() -> Keys {
    Keys::derive(&[7; 32])
}

/// A database in a folder that outlives the test's assertions.
pub(crate) struct Fresh {
    pub database: Database,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Fresh {
    type Target = Database;
    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Database {
    pub(crate) fn engine(&self) -> Engine {
        self.pools.engine()
    }
}

async fn fresh(url: impl Fn(&std::path::Path) -> String) -> Fresh {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = url(folder.path());
    let options = Options {
        url: url.clone(),
        readers_max: 4,
        database_bytes_max: None,
        keys: keys(),
    };
    let database = Database::open(&options, folder.path())
        .await
        .expect("a fresh database");
    Fresh {
        database,
        url,
        _folder: folder,
    }
}

pub(crate) async fn sqlite() -> Fresh {
    fresh(|folder| format!("sqlite:{}", folder.join("bursar.db").display())).await
}

/// SQLite, and PostgreSQL where the test runner started one.
pub(crate) async fn databases() -> Vec<Fresh> {
    let mut found = vec![sqlite().await];
    match std::env::var("BURSAR_TEST_POSTGRES") {
        Ok(server) => {
            let name = format!(
                "bursar_db_{}_{}",
                std::process::id(),
                NEXT.fetch_add(1, Ordering::Relaxed)
            );
            let mut admin = PgConnection::connect(&format!("{server}/postgres"))
                .await
                .expect("the test server answers");
            let create = format!(
                "create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
            );
            sqlx::raw_sql(AssertSqlSafe(create))
                .execute(&mut admin)
                .await
                .expect("a new database");
            found.push(fresh(|_| format!("{server}/{name}")).await);
        }
        Err(_) => {
            assert!(
                std::env::var("BURSAR_REQUIRE_ALL").is_err(),
                "BURSAR_TEST_POSTGRES is not set"
            );
            eprintln!("skipped: PostgreSQL (BURSAR_TEST_POSTGRES is not set)");
        }
    }
    found
}
