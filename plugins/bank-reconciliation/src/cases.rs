//! The cases beside this crate: a seed, a statement, and how every entry must end.
//!
//! Runs reader and rules over them without a host. Each case that can be reconciled is reconciled a second time, which must
//! book nothing.

use std::path::{Path, PathBuf};

use bursar_sdk::Money;
use bursar_sdk::rows::Flow;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::camt;
use crate::config::{Config, Percent};
use crate::matching::{self, Invoice, Ledger, Outcome, Party, Payment, Rules, Settlement, Step};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    config: Config,
    #[serde(default)]
    parties: Vec<SeedParty>,
    #[serde(default)]
    invoices: Vec<SeedInvoice>,
    #[serde(default)]
    payments: Vec<SeedPayment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedParty {
    id: String,
    name: String,
    #[serde(default)]
    iban: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedInvoice {
    number: String,
    reference: Option<String>,
    party: String,
    issue_date: String,
    gross: String,
    outstanding: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPayment {
    id: String,
    is_outgoing: bool,
    party: Option<String>,
    amount: String,
    bank_reference: String,
    bank_account: String,
    text: String,
    reverses: Option<String>,
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Seed {
    fn ledger(&self) -> Ledger {
        let parties: Vec<Party> = self.parties.iter().map(SeedParty::party).collect();
        let invoices = self
            .invoices
            .iter()
            .map(|invoice| invoice.invoice(&parties));
        let mut ledger = Ledger::new(invoices.collect(), &parties, &self.config.invoice_prefixes);
        for payment in &self.payments {
            ledger.add_payment(payment.payment());
        }
        ledger
    }

    fn rules(&self) -> Rules {
        let percent = &self.config.cash_discount_percent_max;
        Rules {
            cash_discount_max: Percent::parse(percent).expect("the seed has a percentage"),
            cash_discount_days: self.config.cash_discount_days,
        }
    }
}

impl SeedParty {
    fn party(&self) -> Party {
        Party {
            id: self.id.clone(),
            name: self.name.clone(),
            accounts: self.iban.clone(),
        }
    }
}

impl SeedInvoice {
    fn invoice(&self, parties: &[Party]) -> Invoice {
        let party = parties.iter().find(|party| party.id == self.party);
        Invoice {
            id: format!("id-of-{}", self.number),
            number: self.number.clone(),
            reference: self.reference.clone(),
            party: self.party.clone(),
            party_name: party
                .expect("the invoice's party is in the seed")
                .name
                .clone(),
            issue_date: Some(self.issue_date.clone()),
            gross: money(&self.gross),
            outstanding: money(self.outstanding.as_deref().unwrap_or(&self.gross)),
        }
    }
}

impl SeedPayment {
    fn payment(&self) -> Payment {
        Payment {
            id: self.id.clone(),
            flow: if self.is_outgoing {
                Flow::Payable
            } else {
                Flow::Receivable
            },
            party: self.party.clone(),
            amount: money(&self.amount),
            bank_reference: self.bank_reference.clone(),
            bank_account: self.bank_account.clone(),
            text: self.text.clone(),
            reverses: self.reverses.clone(),
        }
    }
}

fn shown(step: &Step) -> Value {
    let part =
        |part: &Settlement| json!({"number": part.number, "amount": part.amount.to_string()});
    let decision = &step.decision;
    let write_offs: Vec<Value> = decision
        .write_offs
        .iter()
        .map(|write_off| {
            let mut shown = part(&write_off.settlement);
            shown["reason"] = json!(write_off.reason);
            shown
        })
        .collect();
    json!({
        "bank_reference": step.booking.bank_reference,
        "outcome": decision.outcome.word(),
        "invoices": decision.allocations.iter().map(part).collect::<Vec<_>>(),
        "write_offs": write_offs,
        "task": decision.question.is_some(),
        "payment": decision.payment.as_ref().map(|_| step.booking.amount.to_string()),
    })
}

fn reconciled(bytes: &[u8], seed: &Seed, ledger: &mut Ledger) -> Value {
    match camt::parse(bytes) {
        Err(error) => json!({"failure": error.code()}),
        Ok(statements) => {
            let steps = matching::reconcile(&statements, ledger, &seed.rules());
            let entries: Vec<Value> = steps.iter().map(shown).collect();
            let doubtful = statements.iter().filter_map(matching::balance_question);
            match doubtful.count() {
                0 => json!({"entries": entries}),
                count => json!({"entries": entries, "statements_that_do_not_add_up": count}),
            }
        }
    }
}

fn check_that_again_books_nothing(name: &str, bytes: &[u8], seed: &Seed, ledger: &mut Ledger) {
    let Ok(statements) = camt::parse(bytes) else {
        return;
    };
    for step in matching::reconcile(&statements, ledger, &seed.rules()) {
        let decision = &step.decision;
        assert_eq!(
            decision.payment, None,
            "{name}: {}",
            step.booking.bank_reference
        );
        assert_eq!(
            decision.reversal, None,
            "{name}: {}",
            step.booking.bank_reference
        );
        assert_eq!(decision.settled().count(), 0, "{name}");
        let is_question_of_before = decision.outcome == Outcome::Ambiguous;
        assert!(
            decision.question.is_none() || is_question_of_before,
            "{name}"
        );
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json_of<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    serde_json::from_slice(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn case_folders() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let listing = std::fs::read_dir(cases).expect("the cases can be listed");
    let paths = listing.map(|file| file.expect("the cases can be listed").path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn every_case_ends_as_expected_and_books_nothing_the_second_time() {
    let folders = case_folders();
    assert!(folders.len() >= 10, "the cases are missing");
    for folder in folders {
        let name = folder.display().to_string();
        let seed: Seed = json_of(&folder.join("seed.json"));
        let expected: Value = json_of(&folder.join("expected.json"));
        let bytes = read(&folder.join("statement.xml"));
        let mut ledger = seed.ledger();
        let found = reconciled(&bytes, &seed, &mut ledger);
        assert!(
            found == expected,
            "{name}\nfound {found:#}\nexpected {expected:#}"
        );
        check_that_again_books_nothing(&name, &bytes, &seed, &mut ledger);
    }
}

#[test]
fn the_manifest_of_this_plugin_takes_the_default_configuration() {
    let manifest = include_str!("../plugin.toml");
    for field in [
        "folder",
        "task_role",
        "cash_discount_percent_max",
        "cash_discount_days",
        "invoice_prefixes",
        "accounts",
    ] {
        assert!(
            manifest.contains(&format!("[config.properties.{field}]")),
            "{field}"
        );
    }
}
