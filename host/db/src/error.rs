//! What can go wrong with the database itself. None of it ever reaches a guest.

/// Host trouble: storage, versions, corruption.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk, or the configured largest size, is full. Nothing was changed.
    #[error("the database is full: free some space or raise its limit")]
    Full,
    /// Another process holds the database's write lock for too long.
    #[error("the database is locked by another process")]
    Locked,
    /// The database was written by a newer version.
    #[error(
        "the database has schema version {found}, this program knows {known}: use a newer program"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The database was made by a program whose schema of the same version is another one.
    #[error("the database's schema {version} is not this program's schema {version}")]
    OtherSchema {
        /// The version that differs.
        version: i64,
    },
    /// The database cannot be opened.
    #[error("cannot open {what}")]
    Open {
        /// The file or server, without secrets.
        what: String,
        /// Why.
        #[source]
        source: std::sync::Arc<sqlx::Error>,
    },
    /// What is stored contradicts itself: `audit verify` says where.
    #[error("the stored data is inconsistent: {0}")]
    Corrupt(String),
    /// A blob is missing or damaged.
    #[error("blob {sha256}: {message}")]
    Blob {
        /// The blob's name.
        sha256: String,
        /// What is wrong.
        message: String,
    },
    /// The committer has ended.
    #[error("the database is closing")]
    Closed,
    /// Anything else that the database said. Whether a commit took place is open: look at the run before trying again.
    #[error("the database failed")]
    Sql(#[source] std::sync::Arc<sqlx::Error>),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .map(std::borrow::Cow::into_owned);
        match code.as_deref() {
            // SQLITE_FULL, and PostgreSQL's disk_full.
            Some("13" | "53100") => Error::Full,
            // SQLITE_BUSY and its extended forms, and PostgreSQL's lock_not_available.
            Some("5" | "261" | "517" | "55P03") => Error::Locked,
            // SQLITE_CORRUPT, SQLITE_NOTADB.
            Some("11" | "26") => Error::Corrupt(error.to_string()),
            _ => Error::Sql(std::sync::Arc::new(error)),
        }
    }
}

impl Error {
    /// The database answered and refused a statement: nothing of the transaction happened.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Error::Sql(error) if error.as_database_error().is_some() || matches!(**error, sqlx::Error::Encode(_)))
    }
}
