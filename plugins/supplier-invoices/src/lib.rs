//! Takes in suppliers' electronic invoices.
//!
//! Reads UBL 2.1 and CII inside the sandbox (`einvoice`, over the crate `foreign-xml`), recomputes them (`recompute`,
//! over `exact`), finds the supplier (`supplier`), makes of them what the host takes (`content`, `extra`), decides
//! (`intake`, over `question`), and carries the decision out (`office`). All but `office` and this file are pure. Entered
//! through [`SupplierInvoices`].

mod config;
mod content;
mod einvoice;
mod exact;
mod extra;
mod intake;
mod office;
mod question;
mod recompute;
mod supplier;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod examples;

use bursar_sdk::rows::Document;
use bursar_sdk::{Failure, Plugin, Problem, Run, Summary, documents, state};
use serde::Deserialize;

use config::Config;
use content::Source;
use einvoice::{Parsed, Refusal};
use intake::{Books, Decision, Outcome};
use supplier::{Found, Party};

/// The automation.
pub struct SupplierInvoices;

bursar_sdk::plugin!(SupplierInvoices);

/// Name of the state that lists marks of documents that were gone through, the latest last. It saves time only: that
/// nothing is taken in twice rests on effect keys.
const DONE: &str = "done";
/// Most marks kept: 3000 of them stay below the 64 KiB that a value may have.
const DONE_MAX: usize = 3000;
/// Digits of a mark.
const MARK_DIGITS: usize = 16;

/// What a person may hand to a manual run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Input {
    /// The one document to take in; without it, every new document of the configured folder.
    document: Option<String>,
}

impl Plugin for SupplierInvoices {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let config: Config = run.config()?;
        let input: Input = run.input()?.unwrap_or_default();
        let parties = office::parties()?;
        let mut tally = Tally::default();
        match input.document {
            Some(id) => {
                let document = documents::get(&id)?;
                let parsed = read(&document)??;
                let decision = take_in(run, &config, &parties, &document, &parsed)?;
                tally.add(&decision);
            }
            None => take_in_folder(run, &config, &parties, &mut tally)?,
        }
        Ok(tally.summary())
    }
}

/// Every document of the folder that was not gone through before. One that cannot be read becomes a question, so that it
/// does not hold up the others; one of an unknown supplier is looked at again in the next run.
fn take_in_folder(
    run: &Run,
    config: &Config,
    parties: &[Party],
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut done: Vec<String> = state::load(DONE)?.unwrap_or_default();
    // Marks of another length are an earlier version's, and name nothing any more.
    done.retain(|mark| mark.len() == MARK_DIGITS);
    for document in documents::all(&config.folder, "") {
        let document = document?;
        let mark = mark(&document);
        if done.contains(&mark) {
            continue;
        }
        match read(&document)? {
            Ok(parsed) => {
                let decision = take_in(run, config, parties, &document, &parsed)?;
                tally.add(&decision);
                if decision.outcome == Outcome::UnknownSupplier {
                    continue;
                }
            }
            Err(problem) => {
                office::ask_about_document(config, &document, &problem)?;
                tally.unreadable += 1;
            }
        }
        done.push(mark);
    }
    let forgotten = done.len().saturating_sub(DONE_MAX);
    state::save(DONE, &&done[forgotten..])
}

/// A document with this content: an equal one under another name may be a supplier's next try, and is gone through.
fn mark(document: &Document) -> String {
    let mut mark = intake::digest(&format!("{}/{}", document.id, document.sha256));
    mark.truncate(MARK_DIGITS);
    mark
}

/// A document's invoice, or why it has none.
fn read(document: &Document) -> Result<Result<Parsed, Problem>, Failure> {
    let is_too_large = document.bytes > foreign_xml::DOCUMENT_BYTES_MAX as u64;
    let parsed = if is_too_large {
        Err(Refusal::TooLarge("more than 16 MiB"))
    } else {
        einvoice::parse(&documents::read_all(&document.id)?)
    };
    Ok(parsed
        .map_err(|refusal| Problem::new(refusal.code(), format!("{}: {refusal}", document.name))))
}

fn take_in(
    run: &Run,
    config: &Config,
    parties: &[Party],
    document: &Document,
    parsed: &Parsed,
) -> Result<Decision, Failure> {
    let invoice = &parsed.invoice;
    let found = supplier::find(invoice, parties);
    let books = match found {
        Found::One(party) => office::books(party, invoice)?,
        Found::Nobody | Found::Several(_) => Books::default(),
    };
    let source = Source {
        document: &document.id,
        sha256: &document.sha256,
    };
    let decision = intake::decide(parsed, found, &books, &run.context.legal_entity, source);
    office::carry_out(config, document, invoice, decision)
}

/// Counters for the run list.
#[derive(Debug, Default)]
struct Tally {
    taken_in: u64,
    known: u64,
    questions: u64,
    deviations: u64,
    unreadable: u64,
}

impl Tally {
    fn add(&mut self, decision: &Decision) {
        self.taken_in += u64::from(decision.outcome == Outcome::TakenIn);
        self.known += u64::from(decision.outcome == Outcome::Known);
        self.questions += decision.questions.len() as u64;
        self.deviations += decision.deviations.len() as u64;
    }

    fn summary(&self) -> Summary {
        let questions = self.questions + self.unreadable;
        let text = format!(
            "{} invoices taken in, {questions} questions for a person, {} known already",
            self.taken_in, self.known
        );
        Summary::new(text)
            .count("taken-in", self.taken_in)
            .count("known", self.known)
            .count("tasks", questions)
            .count("deviations", self.deviations)
            .count("unreadable", self.unreadable)
    }
}
