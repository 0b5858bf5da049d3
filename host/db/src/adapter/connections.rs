//! SQLite's connections, lent for one transaction at a time.
//!
//! A statement is short, and each word between this thread and the connection's own costs as much as the statement: a
//! transaction begins together with its first statement and is committed together with its last writes, and what only read
//! is rolled back behind the back of whoever is done with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlStr, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// The connections that nobody uses at the moment, and room for further ones.
pub(crate) struct Connections {
    options: SqliteConnectOptions,
    begin: &'static str,
    room: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Connections {
    /// At most so many, whose transactions begin so.
    pub(crate) fn new(
        options: SqliteConnectOptions,
        count_max: u32,
        begin: &'static str,
    ) -> Arc<Self> {
        let room = usize::try_from(count_max.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            options,
            begin,
            room: Arc::new(Semaphore::new(room)),
            idle: Mutex::default(),
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one before it is needed.
    pub(crate) async fn open_one(&self) -> Result<(), sqlx::Error> {
        let connection = self.options.connect().await?;
        self.give_back(connection);
        Ok(())
    }

    /// Waits for a connection, and opens one if there is room for it.
    pub(crate) async fn lend(self: &Arc<Self>) -> Result<Lent, Error> {
        let permit = self.room.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(Lent {
            held: Some((connection, permit)),
            lender: self.clone(),
            has_begun: false,
            is_bare: false,
            is_unknown: false,
        })
    }

    /// Closes what is idle; what is lent is closed when it comes back.
    pub(crate) async fn close(&self) {
        self.room.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // Nothing is open on it: there is nothing that a failure could lose.
            drop(connection.close().await);
        }
    }

    fn give_back(&self, connection: SqliteConnection) {
        let mut idle = self.idle();
        if !self.room.is_closed() {
            idle.push(connection);
        }
    }
}

/// A connection with its transaction. Dropped, that is rolled back.
pub(crate) struct Lent {
    held: Option<(SqliteConnection, OwnedSemaphorePermit)>,
    lender: Arc<Connections>,
    has_begun: bool,
    /// Each statement is a transaction of its own.
    is_bare: bool,
    /// A statement was begun, and nobody waited for its end.
    is_unknown: bool,
}

impl Lent {
    /// Without a transaction: for one statement.
    pub(crate) fn bare(mut self) -> Self {
        self.is_bare = true;
        self
    }

    /// The connection, and the text as it must be given to it: the first one begins the transaction.
    ///
    /// Until [`Lent::answered`] the connection's state is unknown.
    pub(crate) fn next(&mut self, sql: SqlStr) -> Result<(&mut SqliteConnection, SqlStr), Error> {
        let (connection, _) = self.held.as_mut().ok_or(Error::Closed)?;
        self.is_unknown = true;
        if self.has_begun || self.is_bare {
            return Ok((connection, sql));
        }
        self.has_begun = true;
        let begins = format!("{}; {}", self.lender.begin, sql.as_str());
        Ok((connection, AssertSqlSafe(begins).into_sql_str()))
    }

    /// What was given to the connection has ended, well or not.
    pub(crate) fn answered(&mut self) {
        self.is_unknown = false;
    }

    /// The connection alone: no transaction begins.
    #[cfg(test)]
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, Error> {
        let (connection, _) = self.held.as_mut().ok_or(Error::Closed)?;
        Ok(connection)
    }

    /// Whether there is a transaction that may have to be ended.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The transaction was committed.
    pub(crate) fn committed(&mut self) {
        self.has_begun = false;
    }

    /// Ends the transaction without a trace.
    pub(crate) async fn roll_back(mut self) {
        if let Some(end) = self.end() {
            end.await;
        }
    }

    /// How the connection comes back; none if it is back, or of no more use.
    fn end(&mut self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (mut connection, permit) = self.held.take()?;
        let lender = self.lender.clone();
        if self.is_unknown {
            return None;
        }
        if !self.has_begun {
            lender.give_back(connection);
            return None;
        }
        Some(async move {
            // Where SQLite has rolled back by itself, as on a full disk, this fails: the next one opens another connection.
            let ended = sqlx::query("rollback").execute(&mut connection).await;
            if ended.is_ok() {
                lender.give_back(connection);
            }
            drop(permit);
        })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(end), Ok(runtime)) = (self.end(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(end);
        }
    }
}
