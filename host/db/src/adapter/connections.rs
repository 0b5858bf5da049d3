//! SQLite's connections, lent for one transaction at a time.
//!
//! A statement is short, and each word between this thread and the connection's own costs as much as the statement: a
//! transaction begins together with its first statement and is committed together with its last writes, and what only read
//! is rolled back behind the back of whoever is done with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Either, Executor, SqlSafeStr, SqlStr,
    SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Rows;
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

    /// Closes what is idle; what is lent is dropped when it comes back.
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

    /// Executes a text of so many statements, the first of all begins the transaction; gives the rows of each.
    pub(crate) async fn execute(
        &mut self,
        sql: SqlStr,
        args: SqliteArguments,
        statements: usize,
    ) -> Result<Vec<Rows>, Error> {
        let (sql, before) = self.begun(sql);
        self.is_unknown = true;
        let (connection, _) = self.held.as_mut().ok_or(Error::Closed)?;
        let done = answers(connection, sql, args, before + statements).await;
        // What became of a transaction is told by its end; without one a connection that fails is of no more use.
        self.is_unknown = done.is_err() && self.is_bare;
        Ok(done?.into_iter().skip(before).map(Rows::Sqlite).collect())
    }

    /// Executes many statements without arguments.
    pub(crate) async fn script(&mut self, sql: SqlStr) -> Result<(), Error> {
        let (sql, _) = self.begun(sql);
        self.is_unknown = true;
        let (connection, _) = self.held.as_mut().ok_or(Error::Closed)?;
        let done = sqlx::raw_sql(sql).execute(connection).await;
        self.is_unknown = false;
        Ok(done.map(drop)?)
    }

    /// A text as it must be given to the connection, and how many statements come before its own.
    fn begun(&mut self, sql: SqlStr) -> (SqlStr, usize) {
        if self.has_begun || self.is_bare {
            return (sql, 0);
        }
        self.has_begun = true;
        let begins = format!("{}; {}", self.lender.begin, sql.as_str());
        (AssertSqlSafe(begins).into_sql_str(), 1)
    }

    /// The connection alone: no transaction begins.
    #[cfg(test)]
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, Error> {
        let (connection, _) = self.held.as_mut().ok_or(Error::Closed)?;
        Ok(connection)
    }

    /// Whether a transaction was begun, or could not be begun.
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
            // This fails where SQLite has rolled back by itself, as on a full disk, and where it did not begin, as on a
            // locked database: the next one opens another connection.
            let ended = sqlx::query("rollback").execute(&mut connection).await;
            if ended.is_ok() {
                lender.give_back(connection);
            }
            drop(permit);
        })
    }
}

/// The rows of each statement of a text. A connection's thread that ends halfway just stops to answer.
async fn answers(
    connection: &mut SqliteConnection,
    sql: SqlStr,
    args: SqliteArguments,
    statements: usize,
) -> Result<Vec<Vec<SqliteRow>>, sqlx::Error> {
    let mut answers = connection.fetch_many(sqlx::query_with(sql, args));
    let mut found = Vec::with_capacity(statements);
    let mut rows = Vec::new();
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(_) => found.push(std::mem::take(&mut rows)),
            Either::Right(row) => rows.push(row),
        }
    }
    if found.len() == statements {
        Ok(found)
    } else {
        Err(sqlx::Error::WorkerCrashed)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(end), Ok(runtime)) = (self.end(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(end);
        }
    }
}
