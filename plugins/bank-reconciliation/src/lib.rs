//! Reconciles bank statements with open invoices.
//!
//! Parses camt.053 inside the sandbox (`camt`, over the crate `foreign-xml`), takes it apart into bookings (`booking`),
//! decides what each means (`matching`, over `reference`), and carries the decisions out (`office`). All but `office` and
//! this file are pure. Entered through [`BankReconciliation`].

mod booking;
mod camt;
mod config;
mod matching;
mod office;
mod reference;

#[cfg(test)]
mod cases;

use std::collections::BTreeMap;

use bursar_sdk::rows::Document;
use bursar_sdk::{Failure, Plugin, Problem, Run, Summary, documents, state};
use serde::Deserialize;

use camt::{Statement, StatementError, compact_account};
use config::{Config, Percent};
use matching::{Outcome, Rules, Step};

/// The automation.
pub struct BankReconciliation;

bursar_sdk::plugin!(BankReconciliation);

/// Name of the state that lists digests of documents that were gone through, the latest last. It saves time only: that
/// nothing is booked twice rests on effect keys.
const DONE: &str = "done";
/// Most digests kept: 900 of them stay below the 64 KiB that a value may have.
const DONE_MAX: usize = 900;

/// What a person may hand to a manual run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Input {
    /// The one statement to reconcile; without it, every new document of the configured folder.
    document: Option<String>,
}

impl Plugin for BankReconciliation {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let config: Config = run.config()?;
        let rules = rules(&config)?;
        let input: Input = run.input()?.unwrap_or_default();
        let mut tally = Tally::default();
        match input.document {
            Some(id) => {
                let statements = read(&documents::get(&id)?, &config)??;
                reconcile(run, &config, &rules, &statements, &mut tally)?;
            }
            None => reconcile_folder(run, &config, &rules, &mut tally)?,
        }
        Ok(tally.summary())
    }
}

/// Every document of the folder that was not gone through before. One that cannot be read becomes a question, so that it
/// does not hold up the others.
fn reconcile_folder(
    run: &Run,
    config: &Config,
    rules: &Rules,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut done: Vec<String> = state::load(DONE)?.unwrap_or_default();
    for document in documents::all(&config.folder, "") {
        let document = document?;
        if done.contains(&document.sha256) {
            continue;
        }
        match read(&document, config)? {
            Ok(statements) => reconcile(run, config, rules, &statements, tally)?,
            Err(problem) => {
                office::ask_about_document(config, &document, &problem)?;
                tally.unreadable += 1;
            }
        }
        done.push(document.sha256);
    }
    let forgotten = done.len().saturating_sub(DONE_MAX);
    state::save(DONE, &&done[forgotten..])
}

fn rules(config: &Config) -> Result<Rules, Failure> {
    let cash_discount_max = Percent::parse(&config.cash_discount_percent_max).ok_or_else(|| {
        Problem::new("config-unreadable", "not a percentage from 0 to 100")
            .at("/cash_discount_percent_max")
    })?;
    Ok(Rules {
        cash_discount_max,
        cash_discount_days: config.cash_discount_days,
    })
}

/// A document's statements, or why they cannot be used.
fn read(document: &Document, config: &Config) -> Result<Result<Vec<Statement>, Problem>, Failure> {
    let is_too_large = document.bytes > foreign_xml::DOCUMENT_BYTES_MAX as u64;
    let parsed = if is_too_large {
        Err(StatementError::TooLarge("more than 16 MiB"))
    } else {
        camt::parse(&documents::read_all(&document.id)?)
    };
    let statements =
        parsed.map_err(|error| Problem::new(error.code(), format!("{}: {error}", document.name)));
    Ok(statements.and_then(|statements| of_our_accounts(document, config, statements)))
}

fn of_our_accounts(
    document: &Document,
    config: &Config,
    statements: Vec<Statement>,
) -> Result<Vec<Statement>, Problem> {
    let ours: Vec<String> = config
        .accounts
        .iter()
        .map(|account| compact_account(account))
        .collect();
    let is_other = |statement: &&Statement| !ours.is_empty() && !ours.contains(&statement.account);
    match statements.iter().find(is_other) {
        None => Ok(statements),
        Some(other) => {
            let message = format!(
                "{}: account {} is none of ours",
                document.name, other.account
            );
            Err(Problem::new("statement-other-account", message))
        }
    }
}

fn reconcile(
    run: &Run,
    config: &Config,
    rules: &Rules,
    statements: &[Statement],
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut ledger = office::load(&run.context.legal_entity, config, statements)?;
    let steps = matching::reconcile(statements, &mut ledger, rules);
    office::carry_out(&run.context.legal_entity, config, &steps)?;
    for statement in statements {
        if let Some(question) = matching::balance_question(statement) {
            office::ask_about_statement(config, statement, &question)?;
            tally.tasks += 1;
        }
    }
    tally.add(&steps);
    Ok(())
}

/// Counters for the run list.
#[derive(Debug, Default)]
struct Tally {
    outcomes: BTreeMap<Outcome, u64>,
    entries: u64,
    booked: u64,
    tasks: u64,
    unreadable: u64,
}

impl Tally {
    fn add(&mut self, steps: &[Step]) {
        for Step { decision, .. } in steps {
            *self.outcomes.entry(decision.outcome).or_default() += 1;
            self.entries += 1;
            self.booked += u64::from(decision.payment.is_some() || decision.reversal.is_some());
            self.tasks += u64::from(decision.question.is_some());
        }
    }

    fn of(&self, outcomes: &[Outcome]) -> u64 {
        outcomes
            .iter()
            .filter_map(|outcome| self.outcomes.get(outcome))
            .sum()
    }

    fn summary(&self) -> Summary {
        let matched = self.of(&[
            Outcome::Matched,
            Outcome::Several,
            Outcome::CashDiscount,
            Outcome::BankFeeDeducted,
        ]);
        let duplicates = self.of(&[Outcome::Duplicate]);
        let text = format!(
            "{} entries: {} booked, {matched} matched, {} questions for a person, {duplicates} known already",
            self.entries, self.booked, self.tasks
        );
        Summary::new(text)
            .count("entries", self.entries)
            .count("booked", self.booked)
            .count("matched", matched)
            .count("part", self.of(&[Outcome::Part]))
            .count("over", self.of(&[Outcome::Over]))
            .count("tasks", self.tasks + self.unreadable)
            .count("duplicates", duplicates)
            .count("skipped", self.of(&[Outcome::Pending, Outcome::Empty]))
            .count("unreadable", self.unreadable)
    }
}
