//! The cases beside this crate: the books, an invoice, and what must become of it.
//!
//! Runs reader and rules over them without a host. Each invoice that is taken in is put into the books and comes a second
//! time, which must take in nothing.

use std::path::{Path, PathBuf};

use bursar_sdk::rows::{InvoiceContent, InvoiceKind};
use bursar_sdk::{Money, exponent};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::content::{self, Source};
use crate::einvoice::{self, Invoice, Parsed};
use crate::intake::{self, Books, Decision, Outcome, Payable, Rejected};
use crate::recompute::{self, Deviation};
use crate::supplier::{self, Party};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    parties: Vec<SeedParty>,
    invoices: Vec<SeedInvoice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedParty {
    id: String,
    name: String,
    kind: String,
    tax_id: Option<String>,
    iban: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedInvoice {
    number: String,
    flow: String,
    party: String,
    gross: String,
    #[serde(default)]
    due_date: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

fn party(seed: &SeedParty) -> Party {
    assert_eq!(seed.kind, "supplier");
    Party {
        id: seed.id.clone(),
        name: seed.name.clone(),
        tax_id: seed.tax_id.clone(),
        accounts: seed.iban.clone(),
    }
}

/// As the books give them: with their number only where that was asked for. A case calls an invoice by its number.
fn books(seed: &Seed, invoice: &Invoice) -> Books {
    let mut books = Books::default();
    for it in &seed.invoices {
        assert_eq!(it.flow, "payable");
        assert!(seed.parties.iter().any(|party| party.id == it.party));
        match it.state.as_deref() {
            None => books.payables.push(payable(it, invoice)),
            Some("rejected") if it.number == invoice.number => books.rejected.push(Rejected {
                id: it.number.clone(),
                document: "another".to_owned(),
                sha256: "another".to_owned(),
            }),
            Some(state) => assert_eq!(state, "rejected"),
        }
    }
    books
}

fn payable(seed: &SeedInvoice, invoice: &Invoice) -> Payable {
    let is_named = seed.number == invoice.number || invoice.preceding.contains(&seed.number);
    Payable {
        id: seed.number.clone(),
        due_date: seed.due_date.clone(),
        number: is_named.then(|| seed.number.clone()),
        kind: InvoiceKind::Invoice,
        gross: Money::parse(&seed.gross).expect("the seed has an amount"),
    }
}

fn kind_word(kind: InvoiceKind) -> &'static str {
    match kind {
        InvoiceKind::Invoice => "invoice",
        InvoiceKind::CreditNote => "credit-note",
        InvoiceKind::Corrective => "corrective",
        InvoiceKind::Prepayment => "prepayment",
    }
}

fn shown(parsed: &Parsed, decision: &Decision) -> Value {
    let questions = decision.questions.iter();
    let questions: Vec<&str> = questions.map(|question| question.kind).collect();
    let deviations: Vec<String> = decision.deviations.iter().map(deviation).collect();
    let mut shown = json!({
        "outcome": decision.outcome.word(), "questions": questions, "deviations": deviations,
    });
    if decision.outcome == Outcome::Broken {
        let lacking = parsed.faults.iter().cloned();
        let wrong = recompute::check(&parsed.invoice).faults;
        let faults = lacking.chain(wrong.into_iter().filter(|_| parsed.faults.is_empty()));
        let faults = faults.map(|fault| format!("{} {}", fault.term, fault.place));
        shown["faults"] = faults.collect();
    }
    if let Some((_, content)) = &decision.draft {
        add_content(&mut shown, content);
    }
    shown
}

fn add_content(shown: &mut Value, content: &InvoiceContent) {
    let totals = content::host_totals(content).expect("the figures fit");
    let nets = totals.line_nets.iter().map(ToString::to_string);
    shown["party"] = json!(content.party);
    shown["kind"] = json!(kind_word(content.kind));
    shown["number"] = json!(content.supplier_number);
    shown["due_date"] = json!(content.due_date);
    shown["corrects"] = json!(content.corrects);
    shown["line_nets"] = nets.collect();
    shown["net"] = json!(totals.net.to_string());
    shown["tax"] = json!(totals.tax.to_string());
    shown["gross"] = json!(totals.gross.to_string());
}

fn deviation(of: &Deviation) -> String {
    let Deviation {
        term,
        place,
        theirs,
        ours,
        cause,
    } = of;
    format!("{term} {place}: {theirs} for {ours} ({})", cause.word())
}

const SOURCE: Source<'_> = Source {
    document: "document",
    sha256: "digest",
};

fn decided(parsed: &Parsed, parties: &[Party], books: &Books) -> Decision {
    let found = supplier::find(&parsed.invoice, parties);
    intake::decide(parsed, found, books, "entity", SOURCE)
}

/// What the books have once a draft is in them.
fn booked(decision: &Decision) -> Option<Payable> {
    let (_, content) = decision.draft.as_ref()?;
    Some(Payable {
        id: "new".to_owned(),
        number: content.supplier_number.clone(),
        due_date: content.due_date.clone(),
        kind: content.kind,
        gross: content::host_totals(content)?.gross,
    })
}

fn check(folder: &Path) {
    let name = folder.display();
    let seed: Seed = json_of(&folder.join("seed.json"));
    let expected: Value = json_of(&folder.join("expected.json"));
    let bytes = read(&folder.join("invoice.xml"));
    let parsed = match einvoice::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(refusal) => {
            assert_eq!(json!({"failure": refusal.code()}), expected, "{name}");
            return;
        }
    };
    let parties: Vec<Party> = seed.parties.iter().map(party).collect();
    let mut books = books(&seed, &parsed.invoice);
    let decision = decided(&parsed, &parties, &books);
    let found = shown(&parsed, &decision);
    assert!(
        found == expected,
        "{name}\nfound {found:#}\nexpected {expected:#}"
    );
    if let Some(booked) = booked(&decision) {
        books.payables.push(booked);
        check_that_it_is_known(&decided(&parsed, &parties, &books), folder);
        books.payables.pop();
        books.rejected.push(Rejected {
            id: "new".to_owned(),
            document: SOURCE.document.to_owned(),
            sha256: SOURCE.sha256.to_owned(),
        });
        check_that_it_is_known(&decided(&parsed, &parties, &books), folder);
        check_that_the_next_try_is_taken_in(&parsed, &parties, &books, &decision);
    }
}

fn check_that_it_is_known(again: &Decision, folder: &Path) {
    assert_eq!(again.outcome, Outcome::Known, "{}", folder.display());
    let effects = (&again.draft, again.questions.len());
    assert_eq!(effects, (&None, 0), "{}", folder.display());
}

/// Rejected, and sent again in another document, equal or not.
fn check_that_the_next_try_is_taken_in(
    parsed: &Parsed,
    parties: &[Party],
    books: &Books,
    first: &Decision,
) {
    for source in [
        Source {
            document: "next",
            ..SOURCE
        },
        Source {
            sha256: "next",
            ..SOURCE
        },
    ] {
        let found = supplier::find(&parsed.invoice, parties);
        let next = intake::decide(parsed, found, books, "entity", source);
        assert_eq!(next.outcome, Outcome::TakenIn);
        let key = |of: &Decision| of.draft.as_ref().map(|(key, _)| key.clone());
        assert_ne!(key(&next), key(first), "its effect has a key of its own");
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
    assert!(folders.len() >= 10, "the cases are missing");
    folders
}

#[test]
fn every_case_ends_as_expected_and_takes_in_nothing_the_second_time() {
    for folder in case_folders() {
        check(&folder);
    }
}

/// Bytes that are cut out of a document, and how far apart the cuts begin.
const DAMAGE_BYTES: usize = 5;
const DAMAGE_STEP_BYTES: usize = 13;

#[test]
fn a_damaged_document_is_refused_asked_about_or_taken_in_as_it_says() {
    let mut taken_in = 0;
    for folder in case_folders() {
        let seed: Seed = json_of(&folder.join("seed.json"));
        let parties: Vec<Party> = seed.parties.iter().map(party).collect();
        let bytes = read(&folder.join("invoice.xml"));
        let places = (0..bytes.len().saturating_sub(DAMAGE_BYTES)).step_by(DAMAGE_STEP_BYTES);
        for place in places {
            let damaged = [&bytes[..place], &bytes[place + DAMAGE_BYTES..]].concat();
            let Ok(parsed) = einvoice::parse(&damaged) else {
                continue;
            };
            let decision = decided(&parsed, &parties, &Books::default());
            taken_in += usize::from(decision.draft.is_some());
            check_that_it_is_as_it_says(&folder, &parsed, &decision);
        }
    }
    assert!(taken_in > 0, "every document was refused");
}

/// Without a question, what is open in the books is what the sender asks for.
fn check_that_it_is_as_it_says(folder: &Path, parsed: &Parsed, decision: &Decision) {
    let Some((_, content)) = &decision.draft else {
        assert!(!decision.questions.is_empty(), "{}", folder.display());
        return;
    };
    let asks_about_due = decision.questions.iter().any(|it| it.kind == "due");
    let gross = content::host_totals(content)
        .expect("the figures fit")
        .gross;
    let due = content::Signs::of(&parsed.invoice).apply(parsed.invoice.totals.due.value);
    let is_due = due.minor_units(u32::from(exponent(&content.currency))) == Some(gross.minor);
    assert!(is_due != asks_about_due, "{}", folder.display());
}
