//! A whole file: looked at, or committed chunk by chunk.

use std::io::{Read, Seek};

use bursar_db::Database;
use bursar_domain::manifest::{Need, RecordOperation};
use futures_util::future::join;
use sha2::{Digest, Sha256};

use super::{
    CHUNK_ROWS_MAX, End, Import, Imported, Key, Mode, ROWS_MAX, Report,
    plan::Plan,
    source::{Rows, SourceRow, unreadable},
    stage::{Outcome, Staged, Stager},
};
use crate::{
    commit::propose,
    error::Error,
    session::{Context, Session},
    write::Write,
};

/// Most bytes of rows in one chunk; whichever row exceeds it is the chunk's last.
const CHUNK_BYTES_MAX: usize = 8 << 20;
/// What is done with a collection that is imported into.
const OPERATIONS: [RecordOperation; 3] = [
    RecordOperation::Read,
    RecordOperation::Create,
    RecordOperation::Update,
];
/// Tries of a chunk that others overtake.
const TRIES_MAX: u64 = 20;

/// What an import is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Rows are checked; nothing is committed.
    Checking,
    /// Rows are committed.
    Committing,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Rows done in this stage.
    pub rows_done: u64,
    /// Rows of the file, once they were counted.
    pub rows_total: Option<u64>,
}

/// Whom to tell.
type Told<'t> = &'t mut (dyn FnMut(Progress) + Send);

/// Says what a file would do, and changes nothing.
///
/// Needs `records: read, create, update`. The file is read from its start. Each chunk is compared with the records as
/// they are when its turn comes.
pub async fn preview<R: Read + Seek + Send>(
    database: &Database,
    context: &Context,
    import: &Import,
    source: &mut R,
    progress: Told<'_>,
) -> Result<Report, Error> {
    check(context, import)?;
    let mut pass = Pass::open(database, context, import, source).await?;
    let mut report = Report::default();
    while let Some(chunk) = pass.next_chunk()? {
        let mut session = pass.session(chunk.number, 0, context.now_us);
        let staged = pass.stager.stage(&mut session, &chunk.rows).await?;
        report.add(&staged);
        progress(Progress {
            stage: Stage::Checking,
            rows_done: report.counts.rows,
            rows_total: None,
        });
    }
    Ok(report)
}

/// Imports a file, a commit for each chunk of rows that does something.
///
/// Unless bad rows are to be skipped, the whole file is checked first, and nothing is committed if a row is bad. Dropped
/// or failed half-way, the chunks so far are committed, and the same import continues behind them. Needs
/// `records: read, create, update`.
pub async fn commit<R: Read + Seek + Send>(
    database: &Database,
    context: &Context,
    import: &Import,
    source: &mut R,
    progress: Told<'_>,
) -> Result<Imported, Error> {
    let mut imported = Imported {
        end: End::Complete,
        report: Report::default(),
        commits: 0,
        last_seq: None,
    };
    let mut rows_total = None;
    if import.mode == Mode::AllOrNothing {
        let report = preview(database, context, import, source, progress).await?;
        rows_total = Some(report.counts.rows);
        if report.counts.bad > 0 {
            (imported.end, imported.report) = (End::Refused, report);
            return Ok(imported);
        }
    }
    check(context, import)?;
    let mut pass = Pass::open(database, context, import, source).await?;
    let mut next = pass.prepare_next().await?;
    while let Some(chunk) = next {
        let After::Committed(following) =
            pass.commit_chunk(chunk, import.mode, &mut imported).await?
        else {
            imported.end = End::Stopped;
            break;
        };
        progress(Progress {
            stage: Stage::Committing,
            rows_done: imported.report.counts.rows,
            rows_total,
        });
        next = following?;
    }
    Ok(imported)
}

/// What can be said of an import before its file is opened.
fn check(context: &Context, import: &Import) -> Result<(), Error> {
    for operation in OPERATIONS {
        if !context
            .authority
            .allows(Need::Records(&import.collection, operation))
        {
            let message = format!("not granted: {operation:?} on the collection's records");
            return Err(Error::denied("not-granted", message.to_lowercase()));
        }
    }
    if !(1..=CHUNK_ROWS_MAX).contains(&import.chunk_rows) {
        let message = format!("1 to {CHUNK_ROWS_MAX}");
        return Err(Error::invalid("out-of-range", "/chunk_rows", message));
    }
    Ok(())
}

/// Rows that are committed together.
struct Chunk {
    /// From 1.
    number: u64,
    rows: Vec<SourceRow>,
}

/// A chunk that can be proposed.
struct Prepared {
    chunk: Chunk,
    session: Session,
    report: Report,
}

/// What came of a chunk.
enum After {
    /// It is committed; the next one, if there is one, is ready, or cannot be made so.
    Committed(Result<Option<Box<Prepared>>, Error>),
    /// Rows are bad that must not be: nothing is done.
    Refused,
}

/// One reading of the file from its start to its end.
struct Pass<'p, R> {
    database: &'p Database,
    context: &'p Context,
    rows: Rows<&'p mut R>,
    stager: Stager,
    chunk_rows: usize,
    rows_read: u64,
    chunks: u64,
}

impl<'p, R: Read + Seek + Send> Pass<'p, R> {
    async fn open(
        database: &'p Database,
        context: &'p Context,
        import: &Import,
        source: &'p mut R,
    ) -> Result<Self, Error> {
        let file_sha256 = match import.key {
            Key::Line | Key::Id => digest(source)?,
            Key::Properties(_) => [0; 32],
        };
        source.rewind().map_err(|error| unreadable(&error))?;
        let mut session = Session::new(database, context.clone());
        for operation in OPERATIONS {
            let sight = session.sight(&import.collection, &[operation]).await?;
            sight.check_whole()?;
        }
        let definition = session.definition(&import.collection).await?;
        let rows = Rows::open(&import.format, source)?;
        let plan = Plan::new(import, definition, rows.header())?;
        Ok(Self {
            database,
            context,
            rows,
            stager: Stager::new(plan, file_sha256),
            chunk_rows: usize::try_from(import.chunk_rows).unwrap_or(usize::MAX),
            rows_read: 0,
            chunks: 0,
        })
    }

    /// The next rows; none at the end.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < self.chunk_rows && bytes < CHUNK_BYTES_MAX {
            let Some(row) = self.rows.next_row()? else {
                break;
            };
            bytes += row.bytes;
            rows.push(row);
        }
        self.rows_read += rows.len() as u64;
        self.chunks += 1;
        if self.rows_read > ROWS_MAX {
            let message = format!("an import has at most {ROWS_MAX} rows: split the file");
            return Err(Error::invalid("too-many", "", message));
        }
        let number = self.chunks;
        Ok((!rows.is_empty()).then_some(Chunk { number, rows }))
    }

    /// A session whose made ids are its own.
    fn session(&self, chunk: u64, attempt: u64, now_us: i64) -> Session {
        let seed = Sha256::new()
            .chain_update(self.context.seed)
            .chain_update(chunk.to_be_bytes())
            .chain_update(attempt.to_be_bytes())
            .finalize()
            .into();
        let context = Context {
            now_us,
            seed,
            ..self.context.clone()
        };
        Session::new(self.database, context)
    }

    /// Makes the next chunk ready; none at the end.
    async fn prepare_next(&mut self) -> Result<Option<Box<Prepared>>, Error> {
        match self.next_chunk()? {
            Some(chunk) => Ok(Some(self.prepare(chunk, 0).await?)),
            None => Ok(None),
        }
    }

    async fn prepare(&mut self, chunk: Chunk, attempt: u64) -> Result<Box<Prepared>, Error> {
        // Made ids begin with the time: those of one chunk follow those of the chunk before.
        let now_us = self.database.now_us().await?;
        let mut session = self.session(chunk.number, attempt, now_us);
        self.depend(&mut session).await?;
        let staged = self.stager.stage(&mut session, &chunk.rows).await?;
        let mut report = Report::default();
        report.add(&staged);
        session.apply(staged.into_iter().filter_map(written).collect())?;
        Ok(Box::new(Prepared {
            chunk,
            session,
            report,
        }))
    }

    /// Commits a chunk, again if others were quicker, and makes the next one ready.
    ///
    /// What was checked as a whole is looked at while the chunk before is on its way to the disk: the check saw none of the
    /// file's rows among the records either, and what others changed meanwhile makes the chunk stale.
    async fn commit_chunk(
        &mut self,
        mut now: Box<Prepared>,
        mode: Mode,
        imported: &mut Imported,
    ) -> Result<After, Error> {
        let mut next = Ok(None);
        for attempt in 1..=TRIES_MAX {
            let Prepared {
                chunk,
                session,
                report,
            } = *now;
            if mode == Mode::AllOrNothing && report.counts.bad > 0 {
                imported.report.join(report);
                return Ok(After::Refused);
            }
            let proposed = propose(self.database, "import", session);
            let proposed = if mode == Mode::AllOrNothing && attempt == 1 {
                let (proposed, following) = join(proposed, self.prepare_next()).await;
                next = following;
                proposed?
            } else {
                proposed.await?
            };
            if let Some(seq) = proposed {
                imported.report.join(report);
                imported.commits += u64::from(seq > 0);
                imported.last_seq = Some(seq).filter(|seq| *seq > 0).or(imported.last_seq);
                if mode == Mode::SkipBadRows {
                    next = self.prepare_next().await;
                }
                return Ok(After::Committed(next));
            }
            now = self.prepare(chunk, attempt).await?;
        }
        let message = "others keep changing the same records: try again";
        Err(Error::conflict("contention", message))
    }

    /// The chunk stands on the collection's definition.
    async fn depend(&self, session: &mut Session) -> Result<(), Error> {
        let plan = &self.stager.plan;
        let definition = session.definition(&plan.collection).await?;
        if definition.collection == plan.definition.collection {
            return Ok(());
        }
        let message = "the collection was defined anew meanwhile: run the import again";
        Err(Error::conflict("collection-changed", message))
    }
}

fn written(staged: Staged) -> Option<Write> {
    match staged.outcome {
        Outcome::New(write) | Outcome::Changed(write, _) => Some(write),
        Outcome::Same(_) | Outcome::Bad(_) => None,
    }
}

fn digest<R: Read + Seek>(source: &mut R) -> Result<[u8; 32], Error> {
    source.rewind().map_err(|error| unreadable(&error))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
}
