//! One SQL text, two native drivers, behind one closed enum.
//!
//! Placeholders are `$1`, `$2`, …. `{rows}` in a text stands for a set of rows: multi-row `values` on SQLite, `unnest` of
//! one array per column on PostgreSQL. The kinds of all arguments are checked at every call, because neither driver does.

mod batch;
mod connections;
mod pools;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::join;
use sqlx::{
    Arguments, AssertSqlSafe, Encode, FromRow, Postgres, SqlSafeStr, SqlStr, Transaction, Type,
    postgres::PgRow, sqlite::SqliteRow,
};

use batch::{Bound, Part, Text};
use connections::Lent;
pub(crate) use pools::Pools;

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

    fn into_int(self) -> Option<i64> {
        if let Arg::Int(value) = self {
            value
        } else {
            None
        }
    }

    fn into_text(self) -> Option<String> {
        if let Arg::Text(value) = self {
            value.map(|text| text.to_string())
        } else {
            None
        }
    }

    fn into_bytes(self) -> Option<Vec<u8>> {
        if let Arg::Bytes(value) = self {
            value
        } else {
            None
        }
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

/// Rows as they came.
pub(crate) enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    const fn none(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Rows::Sqlite(Vec::new()),
            Engine::Postgres => Rows::Postgres(Vec::new()),
        }
    }

    fn append(&mut self, more: Self) {
        match (self, more) {
            (Rows::Sqlite(rows), Rows::Sqlite(more)) => rows.extend(more),
            (Rows::Postgres(rows), Rows::Postgres(more)) => rows.extend(more),
            _ => unreachable!("all rows are of the engine at hand"),
        }
    }

    pub(crate) fn read<T: Fetch>(&self) -> Result<Vec<T>, Error> {
        let read: Result<Vec<T>, sqlx::Error> = match self {
            Rows::Sqlite(rows) => rows.iter().map(T::from_row).collect(),
            Rows::Postgres(rows) => rows.iter().map(T::from_row).collect(),
        };
        Ok(read?)
    }
}

/// A transaction. Dropped, it is rolled back.
///
/// What is written waits until something is read or committed, and goes along with that.
pub(crate) struct Tx {
    inner: Inner,
    writes: Vec<Part>,
    /// A statement failed or was abandoned: PostgreSQL would answer `commit` with a rollback, which its driver calls success.
    failed: bool,
}

enum Inner {
    Sqlite(Lent),
    Postgres(Transaction<'static, Postgres>),
}

/// How SQLite commits.
const COMMIT: Statement = same("commit", &[]);

impl Tx {
    fn of(inner: Inner) -> Self {
        Self {
            inner,
            writes: Vec::new(),
            failed: false,
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// All rows of a statement.
    pub(crate) async fn all<T: Fetch>(
        &mut self,
        statement: &Statement,
        args: Vec<Arg>,
    ) -> Result<Vec<T>, Error> {
        let part = Part::plain(statement, args)?;
        read_all(&self.execute(vec![part]).await?)
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

    /// As [`Tx::all`], for a statement over rows.
    pub(crate) async fn all_of<T: Fetch>(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Arg>>,
    ) -> Result<Vec<T>, Error> {
        let sets = Part::sets(self.engine(), statement, rows)?;
        read_all(&self.execute(sets).await?)
    }

    /// As [`Tx::all_of`], for several statements that do not wait for each other's answers.
    pub(crate) async fn all_of_each<const N: usize>(
        &mut self,
        asked: [(&Statement, Vec<Vec<Arg>>); N],
    ) -> Result<[Rows; N], Error> {
        let engine = self.engine();
        let (mut parts, mut places) = (Vec::new(), Vec::new());
        for (place, (statement, rows)) in asked.into_iter().enumerate() {
            let sets = Part::sets(engine, statement, rows)?;
            places.extend(sets.iter().map(|_| place));
            parts.extend(sets);
        }
        let mut found = std::array::from_fn(|_| Rows::none(engine));
        for (place, rows) in places.into_iter().zip(self.execute(parts).await?) {
            if let Some(found) = found.get_mut(place) {
                found.append(rows);
            }
        }
        Ok(found)
    }

    /// Writes rows with a statement over rows. Whether that is well is told by what comes next.
    pub(crate) fn write(
        &mut self,
        statement: &Statement,
        rows: Vec<Vec<Arg>>,
    ) -> Result<(), Error> {
        let sets = Part::sets(self.engine(), statement, rows)?;
        self.writes.extend(sets);
        Ok(())
    }

    /// Executes what was written and these parts, in order; gives the rows of each of the parts.
    async fn execute(&mut self, parts: Vec<Part>) -> Result<Vec<Rows>, Error> {
        let engine = self.engine();
        let written = self.writes.len();
        let parts = std::mem::take(&mut self.writes).into_iter().chain(parts);
        let mut batches = batch::together(engine, parts).into_iter();
        let mut rows = Vec::new();
        let mut next = batches.next().map(|batch| batch.text(engine)).transpose()?;
        while let Some(text) = next {
            // The next text is made while this one is executed.
            let following = async { batches.next().map(|batch| batch.text(engine)).transpose() };
            let (executed, following) = join(self.execute_text(text), following).await;
            rows.extend(executed?);
            next = following?;
        }
        Ok(rows.split_off(written.min(rows.len())))
    }

    /// Many statements without arguments.
    pub(crate) async fn script(&mut self, sql: Sql) -> Result<(), Error> {
        let text = sql.text(self.engine());
        self.run_script(text.into_sql_str()).await
    }

    /// As [`Tx::script`], for statements that are made: whoever makes them has quoted what is in them.
    pub(crate) async fn script_text(&mut self, text: String) -> Result<(), Error> {
        self.run_script(AssertSqlSafe(text).into_sql_str()).await
    }

    async fn run_script(&mut self, text: SqlStr) -> Result<(), Error> {
        self.execute(Vec::new()).await?;
        if std::mem::replace(&mut self.failed, true) {
            return Err(failed_before());
        }
        match &mut self.inner {
            Inner::Sqlite(lent) => lent.script(text).await?,
            Inner::Postgres(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop)?,
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
            Inner::Sqlite(lent) => lent.connection()?.prepare(sql).await.map(drop)?,
            Inner::Postgres(tx) => tx.prepare(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// How SQLite would go about a statement, step by step.
    #[cfg(test)]
    pub(crate) async fn plan(&mut self, text: String) -> Result<Vec<String>, Error> {
        let Inner::Sqlite(lent) = &mut self.inner else {
            return Ok(Vec::new());
        };
        let sql = AssertSqlSafe(format!("explain query plan {text}")).into_sql_str();
        let steps = sqlx::query_as(sql).fetch_all(lent.connection()?).await;
        let steps: Vec<(i64, i64, i64, String)> = steps?;
        Ok(steps.into_iter().map(|(_, _, _, step)| step).collect())
    }

    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        if self.failed {
            self.rollback().await?;
            return Err(failed_before());
        }
        if let Inner::Sqlite(lent) = &self.inner
            && self.writes.is_empty()
            && !lent.has_begun()
        {
            return Ok(());
        }
        if self.engine() == Engine::Sqlite {
            self.writes.push(Part::plain(&COMMIT, Vec::new())?);
        }
        self.execute(Vec::new()).await?;
        match self.inner {
            Inner::Sqlite(mut lent) => lent.committed(),
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self.inner {
            Inner::Sqlite(lent) => lent.roll_back().await,
            Inner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// Executes a text; gives the rows of each of its statements.
    async fn execute_text(&mut self, text: Text) -> Result<Vec<Rows>, Error> {
        if std::mem::replace(&mut self.failed, true) {
            return Err(failed_before());
        }
        let rows = match (&mut self.inner, text.bound) {
            (Inner::Sqlite(lent), Bound::Sqlite(args)) => {
                lent.execute(text.sql, args, text.statements).await?
            }
            (Inner::Postgres(tx), Bound::Postgres(args)) => {
                let rows = sqlx::query_with(text.sql, args).fetch_all(&mut **tx).await;
                vec![Rows::Postgres(rows?)]
            }
            _ => unreachable!("arguments are bound for the engine at hand"),
        };
        // And it stays true if there was an error, or if this future was dropped halfway.
        self.failed = false;
        Ok(rows)
    }
}

fn failed_before() -> Error {
    sqlx::Error::Protocol("a statement of this transaction failed".to_owned()).into()
}

fn read_all<T: Fetch>(rows: &[Rows]) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    for rows in rows {
        found.append(&mut rows.read()?);
    }
    Ok(found)
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
