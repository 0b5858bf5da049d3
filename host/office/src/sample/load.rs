//! Loads an organisation: a list of steps, a commit for each that does something.
//!
//! Every row is made under an effect key, so that a load that was interrupted goes on where it ended. Books of the past are
//! kept as of their own days: what a step dates is done in a session of that day.

mod books;
mod organisation;

use std::collections::HashMap;

use bursar_db::Database;
use bursar_domain::{calendar::EntryContent, log::sha256_hex, problem::Problem, time};
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::{
    Company, SampleCalendar, SampleCollection, SampleCreditNote, SampleDocument, SampleDunning,
    SampleInvoice, SampleLoaded, SamplePayment, SampleRecord, SampleReversal, SampleWriteOff,
    company,
};
use crate::{
    commit::propose,
    effects::Request,
    error::Error,
    session::{Context, Session},
};

/// Most rows of one step.
const STEP_ROWS_MAX: usize = 100;
/// Tries of a step that others overtake.
const TRIES_MAX: u64 = 20;
const NOON_HOUR: i8 = 12;

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows of the document that are behind it.
    pub rows_done: u64,
    /// All its rows.
    pub rows_total: u64,
}

/// Whom to tell.
type Told<'t> = &'t mut (dyn FnMut(Progress) + Send);

/// Loads a document in the name, and under the effect keys, of a context. For administrators.
///
/// Dropped or failed half-way, the steps so far are committed, and the same document continues behind them.
pub async fn load(
    database: &Database,
    context: &Context,
    document: &Company,
    told: Told<'_>,
) -> Result<SampleLoaded, Error> {
    let mut loaded = SampleLoaded::of(document);
    loaded.changed = Loader::new(database, context, document)
        .perform(None, told)
        .await?;
    Ok(loaded)
}

/// Loads the invented company as it is on a day, today unless given. For administrators.
///
/// The day of the first load stays its day: a load that was interrupted is continued as of then, and one that is complete
/// changes nothing. An organisation that holds anything under the company's keys is left alone.
pub async fn load_company(
    database: &Database,
    context: &Context,
    today: Option<Date>,
    told: Told<'_>,
) -> Result<SampleLoaded, Error> {
    let mut session = Session::new(database, context.clone());
    let begun = session.earlier(&begun()).await?;
    let is_done = session.earlier(&done()).await?.is_some();
    let wanted = match (&begun, today) {
        (Some(earlier), _) => time::date(&earlier.result)
            .map_err(|_| Error::Broken(format!("{:?} is no date", earlier.result)))?,
        (None, Some(today)) => today,
        (None, None) => {
            let zone = time::zone(company::ZONE).map_err(broken)?;
            time::date_in_zone(context.now_us, &zone).map_err(broken)?
        }
    };
    let document = company(wanted)?;
    let mut loaded = SampleLoaded::of(&document);
    loaded.today = Some(wanted);
    if !is_done {
        let start = Start {
            today: wanted,
            is_begun: begun.is_some(),
        };
        loaded.changed = Loader::new(database, context, &document)
            .perform(Some(start), told)
            .await?;
    }
    Ok(loaded)
}

/// How the invented company is begun.
#[derive(Clone, Copy)]
struct Start {
    today: Date,
    is_begun: bool,
}

/// Under this key the first step notes the company's day, so that no other load begins.
fn begun() -> Request {
    note_of("sample-company/begun")
}

/// Under this key the last step notes that nothing is left to do.
fn done() -> Request {
    note_of("sample-company/done")
}

fn note_of(key: &str) -> Request {
    Request {
        key: key.to_owned(),
        sha256: sha256_hex(key.as_bytes()),
    }
}

/// Ids of what the document names by key.
#[derive(Default)]
struct Ids {
    records: HashMap<(String, String), String>,
    invoices: HashMap<String, String>,
    payments: HashMap<String, String>,
}

impl Ids {
    fn record(&self, collection: &str, key: &str) -> Result<String, Error> {
        let place = (collection.to_owned(), key.to_owned());
        named(self.records.get(&place), key)
    }

    fn invoice(&self, key: &str) -> Result<String, Error> {
        named(self.invoices.get(key), key)
    }
}

fn named(found: Option<&String>, key: &str) -> Result<String, Error> {
    found.cloned().ok_or_else(|| {
        let message = format!("the document names {key:?} and does not hold it before");
        Problem::at("unknown", "", message).into()
    })
}

/// What is committed together.
enum Step<'d> {
    Organisation(Option<Start>),
    Records(&'d SampleCollection, &'d [SampleRecord]),
    Entries(&'d SampleCalendar, &'d [EntryContent]),
    Documents(&'d [SampleDocument]),
    Invoices(&'d [SampleInvoice]),
    CreditNotes(&'d [SampleCreditNote]),
    Payments(&'d [SamplePayment]),
    Reversals(&'d [SampleReversal]),
    WriteOffs(&'d [SampleWriteOff]),
    Dunnings(&'d [SampleDunning]),
    End(Option<Start>),
}

impl Step<'_> {
    /// As the log names it.
    fn cause(&self) -> &'static str {
        match self {
            Step::Organisation(_) => "sample-organisation",
            Step::Records(..) => "sample-records",
            Step::Entries(..) => "sample-entries",
            Step::Documents(_) => "sample-documents",
            Step::Invoices(_) | Step::CreditNotes(_) => "sample-books",
            Step::Payments(_) | Step::Reversals(_) | Step::WriteOffs(_) => "sample-payments",
            Step::Dunnings(_) => "sample-dunnings",
            Step::End(_) => "sample-end",
        }
    }

    fn rows(&self, document: &Company) -> u64 {
        let rows = match self {
            Step::Organisation(_) => document.parties.len(),
            Step::Records(_, rows) => rows.len(),
            Step::Entries(_, rows) => rows.len(),
            Step::Documents(rows) => rows.len(),
            Step::Invoices(rows) => rows.len(),
            Step::CreditNotes(rows) => rows.len(),
            Step::Payments(rows) => rows.len(),
            Step::Reversals(rows) => rows.len(),
            Step::WriteOffs(rows) => rows.len(),
            Step::Dunnings(rows) => rows.len(),
            Step::End(_) => 0,
        };
        rows as u64
    }

    /// The day that it is done as of; today if it has none of its own.
    fn date(&self) -> Option<Date> {
        match self {
            Step::Payments(rows) => rows.first().and_then(|row| row.allocated_on),
            Step::WriteOffs(rows) => rows.first().and_then(|row| row.date),
            _ => None,
        }
    }
}

/// All steps of a document, in their order. Numbers come with the commit: what is paid is issued in an earlier step.
fn steps(document: &Company, start: Option<Start>) -> Vec<Step<'_>> {
    let mut steps = vec![Step::Organisation(start)];
    for collection in &document.collections {
        let parts = collection.records.chunks(STEP_ROWS_MAX);
        steps.extend(parts.map(|rows| Step::Records(collection, rows)));
    }
    for calendar in &document.calendars {
        let parts = calendar.entries.chunks(STEP_ROWS_MAX);
        steps.extend(parts.map(|rows| Step::Entries(calendar, rows)));
    }
    steps.extend(
        document
            .documents
            .chunks(STEP_ROWS_MAX)
            .map(Step::Documents),
    );
    steps.extend(document.invoices.chunks(STEP_ROWS_MAX).map(Step::Invoices));
    steps.extend(
        document
            .credit_notes
            .chunks(STEP_ROWS_MAX)
            .map(Step::CreditNotes),
    );
    let payments = dated(&document.payments, |row| row.allocated_on);
    steps.extend(payments.map(Step::Payments));
    steps.extend(
        document
            .reversals
            .chunks(STEP_ROWS_MAX)
            .map(Step::Reversals),
    );
    let write_offs = dated(&document.write_offs, |row| row.date);
    steps.extend(write_offs.map(Step::WriteOffs));
    steps.extend(document.dunnings.chunks(STEP_ROWS_MAX).map(Step::Dunnings));
    steps.push(Step::End(start));
    steps
}

/// Rows that follow each other and have one date, as parts of a bounded size.
fn dated<T>(rows: &[T], date: fn(&T) -> Option<Date>) -> impl Iterator<Item = &[T]> {
    rows.chunk_by(move |one, next| date(one) == date(next))
        .flat_map(|rows| rows.chunks(STEP_ROWS_MAX))
}

/// One loading of a document.
struct Loader<'d> {
    database: &'d Database,
    context: &'d Context,
    document: &'d Company,
    ids: Ids,
    sessions: u64,
}

impl<'d> Loader<'d> {
    fn new(database: &'d Database, context: &'d Context, document: &'d Company) -> Self {
        Self {
            database,
            context,
            document,
            ids: Ids::default(),
            sessions: 0,
        }
    }

    /// Takes all steps; whether anything was new.
    async fn perform(&mut self, start: Option<Start>, told: Told<'_>) -> Result<bool, Error> {
        let steps = steps(self.document, start);
        let rows_total = steps.iter().map(|step| step.rows(self.document)).sum();
        let (mut rows_done, mut changed) = (0_u64, false);
        for step in &steps {
            changed |= self.commit(step).await?;
            rows_done = rows_done.saturating_add(step.rows(self.document));
            told(Progress {
                rows_done,
                rows_total,
            });
        }
        Ok(changed)
    }

    /// Takes a step and commits it, again if others were quicker.
    async fn commit(&mut self, step: &Step<'_>) -> Result<bool, Error> {
        for _ in 0..TRIES_MAX {
            let mut session = self.session(step.date())?;
            self.take(step, &mut session).await?;
            if let Some(seq) = propose(self.database, step.cause(), session).await? {
                return Ok(seq > 0);
            }
        }
        let message = "others keep changing the same rows: try again";
        Err(Error::conflict("contention", message))
    }

    async fn take(&mut self, step: &Step<'_>, session: &mut Session) -> Result<(), Error> {
        let (document, ids) = (self.document, &mut self.ids);
        match *step {
            Step::Organisation(start) => organisation::make(session, document, start, ids).await,
            Step::Records(collection, rows) => {
                organisation::records(session, collection, rows, ids).await
            }
            Step::Entries(calendar, rows) => organisation::entries(session, calendar, rows).await,
            Step::Documents(rows) => organisation::documents(session, rows).await,
            Step::Invoices(rows) => books::invoices(session, document, rows, ids).await,
            Step::CreditNotes(rows) => books::credit_notes(session, rows, ids).await,
            Step::Payments(rows) => books::payments(session, document, rows, ids).await,
            Step::Reversals(rows) => books::reversals(session, rows, ids).await,
            Step::WriteOffs(rows) => books::write_offs(session, rows, ids).await,
            Step::Dunnings(rows) => books::dunnings(session, rows, ids).await,
            Step::End(start) => organisation::end(session, document, start).await,
        }
    }

    /// A session of a day, whose made ids are its own.
    fn session(&mut self, date: Option<Date>) -> Result<Session, Error> {
        self.sessions = self.sessions.saturating_add(1);
        let seed = Sha256::new()
            .chain_update(self.context.seed)
            .chain_update(self.sessions.to_be_bytes())
            .finalize()
            .into();
        let now_us = date.map_or(Ok(self.context.now_us), |date| self.noon_us(date))?;
        let context = Context {
            now_us,
            seed,
            ..self.context.clone()
        };
        Ok(Session::new(self.database, context))
    }

    fn noon_us(&self, date: Date) -> Result<i64, Error> {
        let entity = &self.document.legal_entity;
        let message = "an IANA zone such as Europe/Vienna";
        let zone = time::zone(&entity.zone)
            .map_err(|_| Error::invalid("unknown-zone", "/legal_entity/zone", message))?;
        let noon = date.at(NOON_HOUR, 0, 0, 0).to_zoned(zone);
        let noon = noon.map_err(|error| Error::invalid("out-of-range", "", error.to_string()))?;
        Ok(noon.timestamp().as_microsecond())
    }
}

/// Text of the document that the loader has to understand.
fn money(pointer: &str, text: &str) -> Result<bursar_domain::money::Money, Error> {
    text.parse().map_err(|error| {
        let message = format!("{text:?}: {error}");
        Error::from(Problem::at("not-money", pointer, message))
    })
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken(error.to_string())
}
