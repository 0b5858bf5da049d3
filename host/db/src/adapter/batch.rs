//! Statements that are executed together: on SQLite one text, so that a group's writes cost one word between two threads
//! instead of one each. PostgreSQL prepares statements one by one.

use sqlx::{
    Arguments, AssertSqlSafe, SqlSafeStr, SqlStr, postgres::PgArguments, sqlite::SqliteArguments,
};

use super::{Arg, Engine, Kind, Statement, bind, check};
use crate::error::Error;

/// Most rows of one set on SQLite. Sets come in powers of two, so that the statement caches stay small; what is short of
/// one is filled up with rows of nulls, which the text leaves out again.
const SET_ROWS_MAX: usize = 1024;
/// Most rows of a set that is executed together with others. All of them are filled up to one size, or the texts would be
/// as many as there are combinations of sizes; with more rows the words between threads weigh little.
const SHARED_ROWS_MAX: usize = 16;

/// A statement and what it is executed with.
pub(super) enum Part {
    /// A set of rows.
    Set(Statement, Vec<Vec<Arg>>),
    /// The arguments of a statement that is not over rows. It is the last of its batch: the driver counts no places after
    /// numbered ones.
    Plain(Statement, Vec<Arg>),
}

impl Part {
    pub(super) fn plain(statement: &Statement, args: Vec<Arg>) -> Result<Self, Error> {
        check(statement, &args)?;
        Ok(Part::Plain(*statement, args))
    }

    /// The sets that rows are split into.
    pub(super) fn sets(
        engine: Engine,
        statement: &Statement,
        mut rows: Vec<Vec<Arg>>,
    ) -> Result<Vec<Self>, Error> {
        for row in &rows {
            check(statement, row)?;
            if row.first().is_none_or(Arg::is_null) {
                let message = format!("a row without its key: {:?}", statement.sql);
                return Err(sqlx::Error::Protocol(message).into());
            }
        }
        let set_rows_max = match engine {
            Engine::Sqlite => SET_ROWS_MAX,
            Engine::Postgres => usize::MAX,
        };
        let mut sets = Vec::new();
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(set_rows_max));
            sets.push(Part::Set(*statement, std::mem::replace(&mut rows, rest)));
        }
        Ok(sets)
    }

    fn rows_count(&self) -> usize {
        match self {
            Part::Set(_, rows) => rows.len(),
            Part::Plain(..) => 0,
        }
    }
}

/// What a driver executes at once.
pub(super) struct Text {
    pub sql: SqlStr,
    pub bound: Bound,
    /// How many statements it holds.
    pub statements: usize,
}

pub(super) enum Bound {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// Parts of one text.
pub(super) struct Batch(Vec<Part>);

/// Parts in their order, as many of them in one text as can be.
pub(super) fn together(engine: Engine, parts: impl Iterator<Item = Part>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for part in parts {
        match batches.last_mut() {
            Some(batch) if batch.takes(engine, &part) => batch.0.push(part),
            _ => batches.push(Batch(vec![part])),
        }
    }
    batches
}

impl Batch {
    /// Whether a further part can be executed together with those that are here.
    fn takes(&self, engine: Engine, part: &Part) -> bool {
        let is_small = |part: &Part| part.rows_count() <= SHARED_ROWS_MAX;
        let goes_on = |part: &Part| is_small(part) && !matches!(part, Part::Plain(..));
        match engine {
            Engine::Sqlite => is_small(part) && self.0.iter().all(goes_on),
            Engine::Postgres => false,
        }
    }

    pub(super) fn text(self, engine: Engine) -> Result<Text, Error> {
        match engine {
            Engine::Sqlite => self.sqlite(),
            Engine::Postgres => self.postgres(),
        }
    }

    fn sqlite(self) -> Result<Text, Error> {
        let rows_max = self.0.iter().map(Part::rows_count).max().unwrap_or(0);
        let size = rows_max.next_power_of_two();
        let statements = self.0.len();
        let mut texts = Vec::with_capacity(self.0.len());
        let mut args = Vec::new();
        for part in self.0 {
            match part {
                Part::Set(statement, rows) => {
                    let missing = (size - rows.len()) * statement.kinds.len();
                    texts.push(statement.rendered(Engine::Sqlite, size));
                    args.extend(rows.into_iter().flatten());
                    let nulls = statement.kinds.iter().cycle().copied().map(null);
                    args.extend(nulls.take(missing));
                }
                Part::Plain(statement, of_plain) => {
                    let text = statement.sql.text(Engine::Sqlite);
                    texts.push(shifted(text, args.len()));
                    args.extend(of_plain);
                }
            }
        }
        let sql = match texts.pop() {
            Some(text) if statements == 1 => text,
            last => {
                texts.extend(last);
                let texts: Vec<&str> = texts.iter().map(SqlStr::as_str).collect();
                AssertSqlSafe(texts.join("; ")).into_sql_str()
            }
        };
        let bound = Bound::Sqlite(bind(args)?);
        Ok(Text {
            sql,
            bound,
            statements,
        })
    }

    fn postgres(mut self) -> Result<Text, Error> {
        match self.0.pop() {
            Some(Part::Set(statement, rows)) => Ok(Text {
                sql: statement.rendered(Engine::Postgres, 1),
                bound: Bound::Postgres(columns(&statement, rows)?),
                statements: 1,
            }),
            Some(Part::Plain(statement, args)) => Ok(Text {
                sql: statement.sql.text(Engine::Postgres).into_sql_str(),
                bound: Bound::Postgres(bind(args)?),
                statements: 1,
            }),
            None => Err(sqlx::Error::Protocol("nothing to execute".to_owned()).into()),
        }
    }
}

const fn null(kind: Kind) -> Arg {
    match kind {
        Kind::Int => Arg::Int(None),
        Kind::Text => Arg::Text(None),
        Kind::Bytes => Arg::Bytes(None),
    }
}

/// A text whose numbered places come behind others.
fn shifted(text: &'static str, by: usize) -> SqlStr {
    if by == 0 {
        return text.into_sql_str();
    }
    let mut pieces = text.split('$');
    let mut found = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        let number = number.parse::<usize>().unwrap_or_default() + by;
        found.push('$');
        found.push_str(&number.to_string());
        found.push_str(rest);
    }
    AssertSqlSafe(found).into_sql_str()
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
    // Kinds were checked row by row.
    for (kind, column) in statement.kinds.iter().zip(columns) {
        let column = column.into_iter();
        let added = match kind {
            Kind::Int => bound.add(column.map(Arg::into_int).collect::<Vec<_>>()),
            Kind::Text => bound.add(column.map(Arg::into_text).collect::<Vec<_>>()),
            Kind::Bytes => bound.add(column.map(Arg::into_bytes).collect::<Vec<_>>()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_places_are_shifted() {
        let sql = shifted("select $1, $2 where $12 = $1 limit 3", 40);
        assert_eq!(sql.as_str(), "select $41, $42 where $52 = $41 limit 3");
        assert_eq!(shifted("select $1", 0).as_str(), "select $1");
    }
}
