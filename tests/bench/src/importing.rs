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
    log::{self, Log, Stored},
    plain,
    raw::{Raw, Shape},
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

/// A table that an import's commits write rows of.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    /// How a row finds its commit.
    commit: &'static str,
    /// The order in which a commit's rows are written.
    order: &'static str,
}

/// By a row's own commit.
const ITS_COMMIT: &str = "l.seq = t.seq";
/// By the record, which was written once.
const ITS_RECORD: &str = "l.seq = (select i.revision from image i where i.kind = t.kind and i.collection = t.collection \
                          and i.id = t.id)";

/// In the committer's order.
const TABLES: [Table; 5] = [
    Table {
        name: "log_commit",
        columns: log::COMMIT,
        commit: ITS_COMMIT,
        order: "seq",
    },
    Table {
        name: "change",
        columns: log::CHANGE,
        commit: ITS_COMMIT,
        order: "ordinal",
    },
    Table {
        name: "image",
        columns: log::IMAGE,
        commit: "l.seq = t.revision",
        order: "id",
    },
    Table {
        name: "field_index",
        columns: &["kind", "collection", "field", "order_key", "id"],
        commit: ITS_RECORD,
        order: "id",
    },
    Table {
        name: "unique_key",
        columns: &["space", "value", "kind", "collection", "id"],
        commit: ITS_RECORD,
        order: "value",
    },
];

impl Table {
    /// Selects what imports wrote into it, the commit first.
    fn written(&self) -> String {
        let Self {
            name,
            commit,
            order,
            ..
        } = self;
        let columns = self.columns.join(", t.");
        format!(
            "select l.seq, t.{columns} from {name} t join log_commit l on {commit} where l.cause = 'import' \
             order by l.seq, t.{order}"
        )
    }
}

/// Of each commit, of each table, the values of its rows.
type Commits = Vec<Vec<Vec<Stored>>>;

/// What one round took, in milliseconds.
pub struct Round {
    ours: f64,
    raw: f64,
    table: f64,
}

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

    pub fn compared(rounds: &[Round]) -> [Compared; 2] {
        let ours = "100,000 rows of a CSV file: checked, validated, logged, indexed";
        let raw = Subject {
            name: "import",
            what: "import / plain inserts of the same rows",
            ours,
            theirs: "the rows that the import wrote, inserted and nothing else",
            bound: Bound::AtLeast(IMPORT_TO_RAW_MIN),
            note: "milliseconds; ours: bursar_office::import::commit of a file on the disk into a collection with a JSON \
                   Schema and one unique field, which is the key: the whole file is checked first, then committed in \
                   chunks; theirs: the very rows that this wrote (commit, change, image, unique key, index), into tables \
                   with the same keys, indexes and checks, 500 rows a prepared insert, one transaction a commit, the same \
                   settings of SQLite",
        };
        let table = Subject {
            name: "import_to_table",
            what: "import / bulk inserts of the file into one table",
            ours,
            theirs: "the file's rows inserted into one table in transactions of 10,000",
            bound: Bound::Unbounded,
            note: "milliseconds; ours: as above; theirs: lines split at commas, 500 rows bound to one prepared insert, \
                   10,000 rows a transaction, the same settings of SQLite, into a table with an integer primary key and a \
                   unique index: no log, no history, nothing checked; no bar",
        };
        let pairs = |theirs: fn(&Round) -> f64| {
            let pair = |round: &Round| Pair {
                ours_ms: round.ours,
                theirs_ms: theirs(round),
            };
            rounds.iter().map(pair).collect()
        };
        [
            Compared::new(raw, ROWS, pairs(|round| round.raw)),
            Compared::new(table, ROWS, pairs(|round| round.table)),
        ]
    }

    /// Every way once, each into a fresh database.
    pub async fn round(&self) -> Result<Round, Fault> {
        let (ours, commits) = self.imported().await?;
        let raw = self.rewritten(commits).await?;
        let table = self.inserted().await?;
        Ok(Round { ours, raw, table })
    }

    /// Milliseconds, and what the import's commits wrote.
    async fn imported(&self) -> Result<(f64, Commits), Fault> {
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
        let texts = TABLES.each_ref().map(Table::written);
        let log = Log::open(&folder.join("bursar.db"));
        let commits = log.by_commit(&texts).await?;
        log.close().await;
        std::fs::remove_dir_all(&folder)?;
        Ok((took_ms, commits))
    }

    async fn rewritten(&self, commits: Commits) -> Result<f64, Fault> {
        let folder = self.folder.join("raw");
        let raw = Raw::open(&folder, Shape::Keyed).await?;
        let took = raw
            .insert_commits(
                &TABLES.each_ref().map(|table| (table.name, table.columns)),
                commits,
            )
            .await?;
        raw.close().await;
        std::fs::remove_dir_all(&folder)?;
        Ok(took.as_secs_f64() * 1000.0)
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
