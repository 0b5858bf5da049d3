//! SQLite without the host, as the host sets it up.

use std::path::Path;

use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::Fault;

/// Rows that a connection's thread hands over before it waits for somebody to take them.
const ROWS_ON_THE_WAY: usize = 1024;

/// How the host's one writer opens a file.
pub fn writer(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("cache_size", "-16384")
        .pragma("mmap_size", "1073741824")
        .pragma("wal_autocheckpoint", "4000")
        .pragma("temp_store", "memory")
        .row_buffer_size(ROWS_ON_THE_WAY)
}

/// A connection to a file of its own.
pub async fn open(file: &Path) -> Result<SqliteConnection, Fault> {
    Ok(SqliteConnection::connect_with(&writer(file)).await?)
}

/// How the host's readers open a file.
pub fn reader(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .pragma("cache_size", "-2048")
        .row_buffer_size(ROWS_ON_THE_WAY)
}
