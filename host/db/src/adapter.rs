//! One SQL text, two native drivers, behind one closed enum.
//!
//! Placeholders are `$1`, `$2`, …. `{rows}` in a text stands for a set of rows: multi-row `values` on SQLite, `unnest` of
//! one array per column on PostgreSQL. The kinds of all arguments are checked at every call, because neither driver does.

mod pools;
mod readers;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{
    Arguments, AssertSqlSafe, Encode, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction,
    Type,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

pub(crate) use pools::Pools;
use readers::Reading;

use crate::error::Error;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Kind of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    const fn postgres(self) -> &'static str {
        match self {
            Kind::Int => "int8",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        }
    }
}

/// A statement's text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sql {
    /// The same on both engines.
    Same(&'static str),
    /// A real difference; a test counts them.
    Differs {
        sqlite: &'static str,
        postgres: &'static str,
    },
}

impl Sql {
    pub(crate) const fn text(self, engine: Engine) -> &'static str {
        match (self, engine) {
            (Sql::Same(text), _) => text,
            (Sql::Differs { sqlite, .. }, Engine::Sqlite) => sqlite,
            (Sql::Differs { postgres, .. }, Engine::Postgres) => postgres,
        }
    }
}

/// A statement and the kinds of its arguments; of one row's arguments if it holds `{rows}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub sql: Sql,
    pub kinds: &'static [Kind],
}

pub(crate) const fn same(text: &'static str, kinds: &'static [Kind]) -> Statement {
    Statement {
        sql: Sql::Same(text),
        kinds,
    }
}

impl Statement {
    /// Most rows of one set on SQLite. Sets come in powers of two, so that the statement caches stay small; what is short of
    /// one is filled up with rows of nulls, which the text leaves out again: a group costs one round trip for each statement.
    const SET_ROWS_MAX: usize = 256;

    /// What a row of nulls binds, again and again.
    fn nulls(&self) -> impl Iterator<Item = Arg> {
        let null = |kind: &Kind| match kind {
            Kind::Int => Arg::Int(None),
            Kind::Text => Arg::Text(None),
            Kind::Bytes => Arg::Bytes(None),
        };
        self.kinds.iter().cycle().map(null)
    }

    /// [`Statement::render`], kept for the process: a text of many rows takes longer to write than to run.
    fn rendered(&self, engine: Engine, rows: usize) -> SqlStr {
        type Texts = HashMap<(&'static str, Engine, usize), Arc<str>>;
        static KEPT: Mutex<Option<Texts>> = Mutex::new(None);
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let text = kept
            .get_or_insert_default()
            .entry((self.sql.text(engine), engine, rows))
            .or_insert_with(|| self.render(engine, rows).into());
        AssertSqlSafe(text.clone()).into_sql_str()
    }

    /// The text for a number of rows. On PostgreSQL it does not depend on the number.
    pub(crate) fn render(&self, engine: Engine, rows: usize) -> String {
        let width = self.kinds.len();
        let source = match engine {
            Engine::Sqlite => {
                // Without numbers: SQLite finds a numbered place by walking along all of them.
                let row = format!("({})", vec!["?"; width].join(","));
                let rows = vec![row; rows].join(",");
                format!("select * from (values {rows}) where column1 is not null")
            }
            Engine::Postgres => {
                let columns: Vec<_> = self
                    .kinds
                    .iter()
                    .enumerate()
                    .map(|(i, kind)| format!("${}::{}[]", i + 1, kind.postgres()))
                    .collect();
                format!("select * from unnest({})", columns.join(","))
            }
        };
        self.sql.text(engine).replace("{rows}", &source)
    }
}

/// A value to bind. A null keeps its kind: PostgreSQL fixes a parameter's type when it prepares a statement.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(Option<i64>),
    /// Shared: keys and bodies are bound several times in one group, and neither copy nor owner is needed for that.
    Text(Option<Arc<str>>),
    Bytes(Option<Vec<u8>>),
}

impl Arg {
    fn kind(&self) -> Kind {
        match self {
            Arg::Int(_) => Kind::Int,
            Arg::Text(_) => Kind::Text,
            Arg::Bytes(_) => Kind::Bytes,
        }
    }

    const fn is_null(&self) -> bool {
        matches!(self, Arg::Int(None) | Arg::Text(None) | Arg::Bytes(None))
    }
}

macro_rules! arg_from {
    ($($variant:ident: $plain:ty),* $(,)?) => {$(
        impl From<$plain> for Arg { fn from(value: $plain) -> Self { Arg::$variant(Some(value.into())) } }
        impl From<Option<$plain>> for Arg { fn from(value: Option<$plain>) -> Self { Arg::$variant(value.map(Into::into)) } }
    )*};
}
arg_from!(Int: i64, Text: String, Text: &str, Text: Arc<str>, Bytes: Vec<u8>, Bytes: [u8; 32], Bytes: [u8; 16], Bytes: &[u8]);

macro_rules! args { ($($arg:expr),* $(,)?) => { vec![$($crate::adapter::Arg::from($arg)),*] }; }
pub(crate) use args;

/// Reads from both engines; tuples do.
pub(crate) trait Fetch:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}
impl<T> Fetch for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

/// A transaction. Dropped, it is rolled back.
pub(crate) struct Tx {
    inner: Inner,
    /// A statement failed or was abandoned: PostgreSQL would answer `commit` with a rollback, which its driver calls success.
    failed: bool,
}

enum Inner {
    SqliteReading(Reading),
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

enum Bound {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Tx {
    pub(crate) fn engine(&self) -> Engine {
        match self.inner {
            Inner::SqliteReading(_) | Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// All rows of a statement.
    pub(crate) async fn all<T: Fetch>(
        &mut self,
        statement: &Statement,
        args: Vec<Arg>,
    ) -> Result<Vec<T>, Error> {
        let (sql, bound) = self.plain(statement, args)?;
        self.fetch(sql, bound).await
    }

    /// The row of a statement that gives one or none.
    pub(crate) async fn find<T: Fetch>(
        &mut self,
        statement: &Statement,
        args: Vec<Arg>,
    ) -> Result<Option<T>, Error> {
        Ok(self.all(statement, args).await?.pop())
    }

    /// The row of a statement that gives exactly one.
    pub(crate) async fn one<T: Fetch>(
        &mut self,
        statement: &Statement,
        args: Vec<Arg>,
    ) -> Result<T, Error> {
        self.find(statement, args)
            .await?
            .ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Runs a statement; gives the number of rows it touched.
    pub(crate) async fn run(
        &mut self,
        statement: &Statement,
        args: Vec<Arg>,
    ) -> Result<u64, Error> {
        let (sql, bound) = self.plain(statement, args)?;
        self.execute(sql, bound).await
    }

    /// As [`Tx::all`], for a statement over rows.
    pub(crate) async fn all_of<T: Fetch>(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Arg>>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        for (sql, bound) in self.sets(statement, rows)? {
            found.append(&mut self.fetch(sql, bound).await?);
        }
        Ok(found)
    }

    /// As [`Tx::run`], for a statement over rows.
    pub(crate) async fn run_of(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Arg>>,
    ) -> Result<u64, Error> {
        let mut touched = 0;
        for (sql, bound) in self.sets(statement, rows)? {
            touched += self.execute(sql, bound).await?;
        }
        Ok(touched)
    }

    /// Many statements without arguments.
    pub(crate) async fn script(&mut self, sql: Sql) -> Result<(), Error> {
        self.failed = true;
        match &mut self.inner {
            Inner::SqliteReading(_) => return Err(reads_only()),
            Inner::Sqlite(tx) => sqlx::raw_sql(sql.text(Engine::Sqlite))
                .execute(&mut **tx)
                .await
                .map(drop)?,
            Inner::Postgres(tx) => sqlx::raw_sql(sql.text(Engine::Postgres))
                .execute(&mut **tx)
                .await
                .map(drop)?,
        }
        self.failed = false;
        Ok(())
    }

    /// Prepares without running: the test that proves every statement on both engines.
    #[cfg(test)]
    pub(crate) async fn prepare(&mut self, text: String) -> Result<(), Error> {
        use sqlx::Executor;
        let sql = AssertSqlSafe(text).into_sql_str();
        match &mut self.inner {
            Inner::SqliteReading(_) => return Err(reads_only()),
            Inner::Sqlite(tx) => tx.prepare(sql).await.map(drop)?,
            Inner::Postgres(tx) => tx.prepare(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// How SQLite would go about a statement, step by step.
    #[cfg(test)]
    pub(crate) async fn plan(&mut self, text: String) -> Result<Vec<String>, Error> {
        let Inner::Sqlite(tx) = &mut self.inner else {
            return Ok(Vec::new());
        };
        let sql = AssertSqlSafe(format!("explain query plan {text}")).into_sql_str();
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(sql).fetch_all(&mut **tx).await?;
        Ok(steps.into_iter().map(|(_, _, _, step)| step).collect())
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        if self.failed {
            self.rollback().await?;
            return Err(sqlx::Error::Protocol(
                "a statement of this transaction failed: rolled back".into(),
            )
            .into());
        }
        match self.inner {
            Inner::SqliteReading(reading) => drop(reading),
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self.inner {
            Inner::SqliteReading(reading) => drop(reading),
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    fn plain(&self, statement: &Statement, args: Vec<Arg>) -> Result<(SqlStr, Bound), Error> {
        check(statement, &args)?;
        let bound = match self.engine() {
            Engine::Sqlite => Bound::Sqlite(bind(args)?),
            Engine::Postgres => Bound::Postgres(bind(args)?),
        };
        Ok((statement.sql.text(self.engine()).into_sql_str(), bound))
    }

    fn sets(
        &self,
        statement: &Statement,
        rows: Vec<Vec<Arg>>,
    ) -> Result<Vec<(SqlStr, Bound)>, Error> {
        for row in &rows {
            check(statement, row)?;
            if row.first().is_none_or(Arg::is_null) {
                let message = format!("a row without its key: {:?}", statement.sql);
                return Err(sqlx::Error::Protocol(message).into());
            }
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match self.engine() {
            Engine::Postgres => {
                let sql = statement.rendered(Engine::Postgres, 1);
                Ok(vec![(sql, Bound::Postgres(columns(statement, rows)?))])
            }
            Engine::Sqlite => {
                let mut sets = Vec::new();
                let mut rows = rows.into_iter();
                while rows.len() > 0 {
                    let count = rows.len().min(Statement::SET_ROWS_MAX);
                    let size = count.next_power_of_two();
                    let nulls = statement
                        .nulls()
                        .take((size - count) * statement.kinds.len());
                    let args = rows.by_ref().take(count).flatten().chain(nulls);
                    let sql = statement.rendered(Engine::Sqlite, size);
                    sets.push((sql, Bound::Sqlite(bind(args)?)));
                }
                Ok(sets)
            }
        }
    }

    async fn fetch<T: Fetch>(&mut self, sql: SqlStr, bound: Bound) -> Result<Vec<T>, Error> {
        let failed = std::mem::replace(&mut self.failed, true); // and stays so if this future is dropped halfway
        let rows = match (&mut self.inner, bound) {
            (Inner::SqliteReading(reading), Bound::Sqlite(args)) => {
                let (connection, sql) = reading.next(sql)?;
                let rows = sqlx::query_as_with(sql, args).fetch_all(connection).await;
                if rows.is_ok() {
                    reading.done();
                }
                rows
            }
            (Inner::Sqlite(tx), Bound::Sqlite(args)) => {
                sqlx::query_as_with(sql, args).fetch_all(&mut **tx).await
            }
            (Inner::Postgres(tx), Bound::Postgres(args)) => {
                sqlx::query_as_with(sql, args).fetch_all(&mut **tx).await
            }
            _ => unreachable!("arguments are bound for the engine at hand"),
        };
        self.failed = failed || rows.is_err();
        Ok(rows?)
    }

    async fn execute(&mut self, sql: SqlStr, bound: Bound) -> Result<u64, Error> {
        let failed = std::mem::replace(&mut self.failed, true);
        let done = match (&mut self.inner, bound) {
            (Inner::SqliteReading(_), _) => return Err(reads_only()),
            (Inner::Sqlite(tx), Bound::Sqlite(args)) => sqlx::query_with(sql, args)
                .execute(&mut **tx)
                .await
                .map(|r| r.rows_affected()),
            (Inner::Postgres(tx), Bound::Postgres(args)) => sqlx::query_with(sql, args)
                .execute(&mut **tx)
                .await
                .map(|r| r.rows_affected()),
            _ => unreachable!("arguments are bound for the engine at hand"),
        };
        self.failed = failed || done.is_err();
        Ok(done?)
    }
}

fn reads_only() -> Error {
    sqlx::Error::Protocol("this transaction only reads".to_owned()).into()
}

fn check(statement: &Statement, args: &[Arg]) -> Result<(), Error> {
    if args
        .iter()
        .map(Arg::kind)
        .eq(statement.kinds.iter().copied())
    {
        return Ok(());
    }
    let given: Vec<Kind> = args.iter().map(Arg::kind).collect();
    Err(sqlx::Error::Protocol(format!(
        "expected {:?}, got {given:?}: {:?}",
        statement.kinds, statement.sql
    ))
    .into())
}

fn bind<A: Arguments>(args: impl IntoIterator<Item = Arg>) -> Result<A, Error>
where
    Option<i64>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<Arc<str>>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<Vec<u8>>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
{
    let mut bound = A::default();
    let args = args.into_iter();
    bound.reserve(args.size_hint().0, 0);
    for arg in args {
        match arg {
            Arg::Int(value) => bound.add(value),
            Arg::Text(value) => bound.add(value),
            Arg::Bytes(value) => bound.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

/// One array per column.
fn columns(statement: &Statement, rows: Vec<Vec<Arg>>) -> Result<PgArguments, Error> {
    let mut columns: Vec<Vec<Arg>> = statement
        .kinds
        .iter()
        .map(|_| Vec::with_capacity(rows.len()))
        .collect();
    for row in rows {
        for (column, arg) in columns.iter_mut().zip(row) {
            column.push(arg);
        }
    }
    let mut bound = PgArguments::default();
    // Kinds were checked row by row: the other arms of these matches are never taken.
    for (kind, column) in statement.kinds.iter().zip(columns) {
        let added = match kind {
            Kind::Int => bound.add(
                column
                    .into_iter()
                    .map(|arg| {
                        if let Arg::Int(value) = arg {
                            value
                        } else {
                            None
                        }
                    })
                    .collect::<Vec<_>>(),
            ),
            Kind::Text => bound.add(
                column
                    .into_iter()
                    .map(|arg| {
                        if let Arg::Text(value) = arg {
                            value.map(|text| text.to_string())
                        } else {
                            None
                        }
                    })
                    .collect::<Vec<_>>(),
            ),
            Kind::Bytes => bound.add(
                column
                    .into_iter()
                    .map(|arg| {
                        if let Arg::Bytes(value) = arg {
                            value
                        } else {
                            None
                        }
                    })
                    .collect::<Vec<_>>(),
            ),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}
