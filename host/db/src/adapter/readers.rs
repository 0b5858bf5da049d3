//! SQLite's reading connections, handed out one transaction at a time.
//!
//! A read is short, and each word between this thread and the connection's own costs as much as the read: a transaction
//! begins together with its first statement, and is rolled back behind the back of whoever is done with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlStr, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// The connections that nobody reads through at the moment, and room for further ones.
pub(crate) struct Readers {
    options: SqliteConnectOptions,
    room: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    pub(crate) fn new(options: SqliteConnectOptions, readers_max: u32) -> Arc<Self> {
        let room = usize::try_from(readers_max.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            options,
            room: Arc::new(Semaphore::new(room)),
            idle: Mutex::default(),
        })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a connection, and opens one if there is room for it.
    pub(crate) async fn reading(self: &Arc<Self>) -> Result<Reading, Error> {
        let permit = self.room.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::Closed)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(Reading {
            held: Some((connection, permit)),
            readers: self.clone(),
            has_begun: false,
            is_broken: false,
        })
    }

    /// Closes what is idle; what is read through is closed when its reader is done.
    pub(crate) async fn close(&self) {
        self.room.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // It only ever read: there is nothing that a failure could lose.
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

/// A read transaction. Dropped, it ends.
pub(crate) struct Reading {
    held: Option<(SqliteConnection, OwnedSemaphorePermit)>,
    readers: Arc<Readers>,
    has_begun: bool,
    is_broken: bool,
}

impl Reading {
    /// The connection, and the statement as it must be given to it: the first one begins the transaction.
    ///
    /// Until [`Reading::done`] says otherwise the connection counts as broken.
    pub(crate) fn next(&mut self, sql: SqlStr) -> Result<(&mut SqliteConnection, SqlStr), Error> {
        let (connection, _) = self.held.as_mut().ok_or(Error::Closed)?;
        self.is_broken = true;
        if self.has_begun {
            return Ok((connection, sql));
        }
        self.has_begun = true;
        let begins = format!("begin deferred; {}", sql.as_str());
        Ok((connection, AssertSqlSafe(begins).into_sql_str()))
    }

    /// The statement was executed to its end.
    pub(crate) fn done(&mut self) {
        self.is_broken = false;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some((mut connection, permit)) = self.held.take() else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_broken {
            return;
        }
        let (readers, has_begun) = (self.readers.clone(), self.has_begun);
        if !has_begun {
            return readers.give_back(connection);
        }
        runtime.spawn(async move {
            let ended = sqlx::query("rollback").execute(&mut connection).await;
            if ended.is_ok() {
                readers.give_back(connection);
            }
            drop(permit);
        });
    }
}
