//! Importing a file, beside inserting its rows into a table.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::Instant,
};

use bursar_office::import::{self, CHUNK_ROWS, End, Format, Formulas, Import, Key, Mapping, Mode};
use sqlx::{
    Arguments, AssertSqlSafe, Connection, SqlSafeStr, SqliteConnection, sqlite::SqliteArguments,
};

use crate::{
    Fault,
    compared::{Compared, Pair, Subject},
    desk::Desk,
    plain,
    sample::{self, COLLECTION, COLUMNS, ROWS},
    summary::Bound,
};

/// Least share of the rows a second that a bulk load of the same file inserts.
const IMPORT_TO_RAW_MIN: f64 = 0.3;

/// Rows of one transaction.
const TRANSACTION_ROWS: usize = 10_000;
/// Rows of one statement: each costs a word between two threads.
const STATEMENT_ROWS: usize = 500;

/// What every good engineer would have, and nothing else.
const TABLE: &str = include_str!("sql/orders.sql");

/// A file on the disk, and where databases are made.
pub struct Importing {
    file: PathBuf,
    folder: PathBuf,
}

impl Importing {
    pub fn set(folder: &Path) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join("orders.csv");
        std::fs::write(&file, sample::table())?;
        Ok(Self {
            file,
            folder: folder.to_owned(),
        })
    }

    pub fn compared(rounds: Vec<Pair>) -> Compared {
        let subject = Subject {
            name: "import",
            what: "import / bulk inserts of the same file",
            ours: "100,000 rows of a CSV file: checked, validated, logged, indexed",
            theirs: "the same rows inserted into one table in transactions of 10,000",
            bound: Bound::AtLeast(IMPORT_TO_RAW_MIN),
            note: "milliseconds; ours: bursar_office::import::commit of a file on the disk into a collection with a JSON \
                   Schema and one unique field, which is the key: the whole file is checked first, then committed in \
                   chunks; theirs: lines split at commas, 500 rows bound to one prepared insert, 10,000 rows a \
                   transaction, the same settings of SQLite, into a table with an integer primary key and a unique index",
        };
        Compared::new(subject, ROWS, rounds)
    }

    /// Both ways once, each into a fresh database.
    pub async fn round(&self) -> Result<Pair, Fault> {
        let ours_ms = self.imported().await?;
        let theirs_ms = self.inserted().await?;
        Ok(Pair { ours_ms, theirs_ms })
    }

    async fn imported(&self) -> Result<f64, Fault> {
        let folder = self.folder.join("office");
        let desk = Desk::open(&folder, 4).await?;
        let mut session = desk.session();
        let definition = sample::definition(&["number"])?;
        session.define_collection(COLLECTION, &definition).await?;
        desk.commit(session).await?;
        let started = Instant::now();
        import(&desk, &mut File::open(&self.file)?).await?;
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        desk.database.close().await;
        std::fs::remove_dir_all(&folder)?;
        Ok(took_ms)
    }

    async fn inserted(&self) -> Result<f64, Fault> {
        let folder = self.folder.join("plain");
        std::fs::create_dir_all(&folder)?;
        let mut connection = plain::open(&folder.join("plain.db")).await?;
        sqlx::raw_sql(TABLE).execute(&mut connection).await?;
        let started = Instant::now();
        insert(&mut connection, File::open(&self.file)?).await?;
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        let (rows,): (i64,) = sqlx::query_as("select count(*) from orders")
            .fetch_one(&mut connection)
            .await?;
        if usize::try_from(rows)? != ROWS {
            return Err(format!("{rows} rows were inserted").into());
        }
        connection.close().await?;
        std::fs::remove_dir_all(&folder)?;
        Ok(took_ms)
    }
}

/// By the path that every import takes: checked to its end, then committed.
pub async fn import(desk: &Desk, file: &mut File) -> Result<(), Fault> {
    let import = Import {
        collection: COLLECTION.to_owned(),
        format: Format::Csv {
            delimiter: None,
            formulas: Formulas::default(),
        },
        mapping: Mapping::default(),
        key: Key::Properties(vec!["number".to_owned()]),
        mode: Mode::AllOrNothing,
        chunk_rows: CHUNK_ROWS,
    };
    let told = &mut |_| ();
    let imported = import::commit(&desk.database, &desk.context(), &import, file, told).await?;
    let new = usize::try_from(imported.report.counts.new)?;
    if imported.end == End::Complete && new == ROWS {
        return Ok(());
    }
    Err(format!("{:?}: {:?}", imported.end, imported.report.counts).into())
}

/// Lines split at commas, rows bound as they come.
async fn insert(connection: &mut SqliteConnection, file: File) -> Result<(), Fault> {
    let row = format!("({})", ["?"; COLUMNS.len()].join(","));
    let statement = |rows| {
        let (columns, rows) = (COLUMNS.join(","), vec![row.as_str(); rows].join(","));
        let text = format!("insert into orders ({columns}) values {rows}");
        AssertSqlSafe(text).into_sql_str()
    };
    let full = statement(STATEMENT_ROWS);
    let mut lines = BufReader::new(file).lines().skip(1);
    let mut is_over = false;
    while !is_over {
        let mut transaction = connection.begin().await?;
        for _ in 0..TRANSACTION_ROWS / STATEMENT_ROWS {
            let (mut bound, mut rows) = (SqliteArguments::default(), 0);
            for line in lines.by_ref().take(STATEMENT_ROWS) {
                for cell in line?.split(',') {
                    bound.add(cell.to_owned())?;
                }
                rows += 1;
            }
            is_over = rows < STATEMENT_ROWS;
            if rows > 0 {
                let text = if is_over {
                    statement(rows)
                } else {
                    full.clone()
                };
                sqlx::query_with(text, bound)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
    }
    Ok(())
}
