//! A whole file: looked at, or committed chunk by chunk.

use std::io::{Read, Seek};

use bursar_db::{Database, Proposal, Verdict};
use bursar_domain::{
    manifest::{Need, RecordOperation},
    problem::Problem,
    row::Seq,
};
use sha2::{Digest, Sha256};

use super::{
    CHUNK_ROWS_MAX, End, Import, Imported, Key, Mode, ROWS_MAX, Report,
    plan::Plan,
    source::{Rows, SourceRow, unreadable},
    stage::{Outcome, Staged, Stager},
};
use crate::{
    error::Error,
    session::{Context, Session},
    write::Write,
};

/// Most bytes of rows in one chunk; whichever row exceeds it is the chunk's last.
const CHUNK_BYTES_MAX: usize = 8 << 20;
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
    while let Some(rows) = pass.next_chunk()? {
        let mut session = pass.session(0, context.now_us);
        let staged = pass.stager.stage(&mut session, &rows).await?;
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
    while let Some(rows) = pass.next_chunk()? {
        let is_good = pass.commit_chunk(&rows, import.mode, &mut imported).await?;
        if !is_good {
            imported.end = End::Stopped;
            break;
        }
        progress(Progress {
            stage: Stage::Committing,
            rows_done: imported.report.counts.rows,
            rows_total,
        });
    }
    Ok(imported)
}

/// What can be said of an import before its file is opened.
fn check(context: &Context, import: &Import) -> Result<(), Error> {
    for operation in [
        RecordOperation::Read,
        RecordOperation::Create,
        RecordOperation::Update,
    ] {
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
        let sight = session.sight(&import.collection).await?;
        sight.check_whole()?;
        let definition = sight.definition;
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
    fn next_chunk(&mut self) -> Result<Option<Vec<SourceRow>>, Error> {
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
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }

    /// A session whose made ids are its own.
    fn session(&self, attempt: u64, now_us: i64) -> Session {
        let seed = Sha256::new()
            .chain_update(self.context.seed)
            .chain_update(self.chunks.to_be_bytes())
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

    /// Commits a chunk, again if others were quicker. False, and nothing is done, if rows are bad that must not be.
    async fn commit_chunk(
        &mut self,
        rows: &[SourceRow],
        mode: Mode,
        imported: &mut Imported,
    ) -> Result<bool, Error> {
        for attempt in 0..TRIES_MAX {
            // Made ids begin with the time: those of one chunk follow those of the chunk before.
            let now_us = self.database.now_us().await?;
            let mut session = self.session(attempt, now_us);
            self.depend(&mut session).await?;
            let staged = self.stager.stage(&mut session, rows).await?;
            let is_bad = |row: &Staged| matches!(row.outcome, Outcome::Bad(_));
            let mut report = Report::default();
            if mode == Mode::AllOrNothing && staged.iter().any(is_bad) {
                imported.report.add(&staged);
                return Ok(false);
            }
            report.add(&staged);
            session.apply(staged.into_iter().filter_map(written).collect())?;
            if let Some(seq) = propose(self.database, session).await? {
                imported.report.join(report);
                imported.commits += u64::from(seq > 0);
                imported.last_seq = Some(seq).filter(|seq| *seq > 0).or(imported.last_seq);
                return Ok(true);
            }
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

/// The commit's number, 0 if there was nothing to commit, none if others were quicker.
async fn propose(database: &Database, session: Session) -> Result<Option<Seq>, Error> {
    let author = session.context().actor.clone();
    let (draft, _) = session.into_parts();
    if draft.is_empty() {
        return Ok(Some(0));
    }
    let proposal = Proposal {
        author,
        cause: "import".to_owned(),
        draft,
        settles: None,
    };
    match database.propose(proposal).await? {
        Verdict::Committed { seq, .. } => Ok(Some(seq)),
        Verdict::Stale(_) | Verdict::Fenced => Ok(None),
        Verdict::Refused(Problem { code, message, .. }) => Err(Error::conflict(&code, message)),
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
