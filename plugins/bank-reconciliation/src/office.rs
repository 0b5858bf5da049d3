//! The host's side: reads the books a statement needs, and carries decisions out.
//!
//! Decides nothing. Every effect has a key made of the account and the bank's reference, so that the same entry, in
//! whatever statement it comes again, has its effect once.

use std::collections::{BTreeMap, BTreeSet};

use bursar_sdk::invoices_write::{self, Allocation, NewPayment};
use bursar_sdk::rows::{self, Document, Flow, InvoiceKind};
use bursar_sdk::tasks::{self, NewTask};
use bursar_sdk::types::Condition;
use bursar_sdk::{Error, Failure, Problem, filter, invoices, log, records};
use serde::Deserialize;
use serde_json::json;

use crate::booking::{self, Booking};
use crate::camt::{Statement, short_digest};
use crate::config::Config;
use crate::matching::{
    Choice, Decision, Invoice, Ledger, Party, Payment, Question, Reversal, Step,
};

/// Values that one condition takes.
const VALUES_MAX: usize = 200;
/// Longest effect key that is made of plain references, in bytes.
const KEY_BYTES_MAX: usize = 200;

/// A party's record, as far as payers are told by it.
#[derive(Deserialize)]
struct PartyBody {
    name: String,
    #[serde(default)]
    iban: Accounts,
}

/// One account or a list of them.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Accounts {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

/// The books as far as these statements need them, read in few calls however many entries there are.
pub fn load(
    legal_entity: &str,
    config: &Config,
    statements: &[Statement],
) -> Result<Ledger, Failure> {
    let bookings: Vec<Booking> = statements.iter().flat_map(booking::bookings).collect();
    let open = open_receivables(legal_entity)?;
    let mut ledger = Ledger::new(open, &parties()?, &config.invoice_prefixes);
    let mut payments = recorded_payments(&bookings)?;
    payments.extend(possible_originals(&bookings)?);
    let names: BTreeMap<String, Payment> = payments
        .into_iter()
        .map(|payment| (payment.id.clone(), payment))
        .collect();
    for payment in names.into_values() {
        ledger.add_payment(payment);
    }
    Ok(ledger)
}

fn open_receivables(legal_entity: &str) -> Result<Vec<Invoice>, Failure> {
    let conditions = vec![
        filter::equal("flow", "receivable"),
        filter::equal("state", "issued"),
        filter::equal("legal-entity", legal_entity),
        filter::greater("outstanding", 0),
    ];
    let mut open = Vec::new();
    for head in invoices::all(conditions, vec![filter::ascending("number")]) {
        let head = head?;
        if head.kind == InvoiceKind::CreditNote {
            continue;
        }
        open.push(Invoice {
            id: head.id,
            number: head.number.unwrap_or(head.number_text),
            reference: head.reference,
            party: head.party,
            party_name: head.party_name,
            issue_date: head.issue_date,
            gross: head.gross,
            outstanding: head.outstanding,
        });
    }
    Ok(open)
}

fn parties() -> Result<Vec<Party>, Failure> {
    let mut parties = Vec::new();
    for row in records::all("parties", vec![], vec![]) {
        let row = row?;
        let body: PartyBody = row.read()?;
        parties.push(Party {
            id: row.id,
            name: body.name,
            accounts: match body.iban {
                Accounts::None => Vec::new(),
                Accounts::One(account) => vec![account],
                Accounts::Several(accounts) => accounts,
            },
        });
    }
    Ok(parties)
}

/// Payments under the references of these bookings, whoever recorded them.
fn recorded_payments(bookings: &[Booking]) -> Result<Vec<Payment>, Failure> {
    let own = bookings.iter().map(|booking| &booking.bank_reference);
    let batches = bookings.iter().filter_map(|booking| booking.batch.as_ref());
    let references: BTreeSet<&String> = own
        .chain(batches.map(|batch| &batch.bank_reference))
        .collect();
    let references: Vec<&String> = references.into_iter().collect();
    let mut payments = Vec::new();
    for chunk in references.chunks(VALUES_MAX) {
        payments.extend(payments_where(vec![filter::one_of(
            "bank-reference",
            chunk,
        )])?);
    }
    Ok(payments)
}

/// Payments of the amounts that came back, and what already took them back: reversals are below zero.
fn possible_originals(bookings: &[Booking]) -> Result<Vec<Payment>, Failure> {
    let mut amounts: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for booking in bookings.iter().filter(|booking| booking.is_return) {
        let money = &booking.amount;
        amounts
            .entry(&money.currency)
            .or_default()
            .extend([money.minor, -money.minor]);
    }
    let mut payments = Vec::new();
    for (currency, minors) in amounts {
        let minors: Vec<i64> = minors.into_iter().collect();
        for chunk in minors.chunks(VALUES_MAX) {
            let conditions = vec![
                filter::equal("currency", currency),
                filter::one_of("amount", chunk),
            ];
            payments.extend(payments_where(conditions)?);
        }
    }
    Ok(payments)
}

fn payments_where(conditions: Vec<Condition>) -> Result<Vec<Payment>, Failure> {
    let found = invoices::all_payments(conditions, vec![]);
    found.map(|payment| Ok(recorded(payment?))).collect()
}

fn recorded(payment: rows::Payment) -> Payment {
    Payment {
        id: payment.id,
        flow: payment.flow,
        party: payment.party,
        amount: payment.amount,
        bank_reference: payment.bank_reference,
        bank_account: payment.bank_account,
        text: payment.text,
        reverses: payment.reverses,
    }
}

/// Does what was decided, in the order of the statements.
pub fn carry_out(legal_entity: &str, config: &Config, steps: &[Step]) -> Result<(), Failure> {
    let mut made = BTreeMap::new();
    for Step { booking, decision } in steps {
        let payment = match &decision.payment {
            Some(_) => Some(record_payment(legal_entity, booking, decision)?),
            None => None,
        };
        if let Some(id) = &payment {
            made.insert(
                (booking.account.clone(), booking.bank_reference.clone()),
                id.clone(),
            );
            settle(booking, decision, id)?;
        }
        if let Some(reversal) = &decision.reversal {
            take_back(booking, reversal, &made)?;
        }
        if let Some(question) = &decision.question {
            ask_about_booking(config, booking, decision, question, payment.as_deref())?;
        }
        write_log(booking, decision);
    }
    Ok(())
}

fn record_payment(
    legal_entity: &str,
    booking: &Booking,
    decision: &Decision,
) -> Result<String, Failure> {
    let (flow, party, text) = match &decision.payment {
        Some(payment) => (payment.flow, payment.party.clone(), payment.text.clone()),
        None => (Flow::Receivable, None, String::new()),
    };
    let extra = json!({
        "outcome": decision.outcome.word(),
        "end_to_end_id": booking.details.end_to_end_id,
        "mandate_id": booking.details.mandate_id,
        "counterparty": booking.counterparty().name,
        "counterparty_account": booking.counterparty().account,
    });
    let payment = NewPayment {
        flow,
        legal_entity: legal_entity.to_owned(),
        party,
        amount: booking.amount.clone(),
        value_date: booking.value_date.clone(),
        bank_reference: booking.bank_reference.clone(),
        bank_account: booking.account.clone(),
        text,
        extra: extra.to_string(),
    };
    Ok(invoices_write::record_payment(&key("payment", booking), &payment)?.id)
}

fn settle(booking: &Booking, decision: &Decision, payment: &str) -> Result<(), Failure> {
    let allocations: Vec<Allocation> = decision
        .allocations
        .iter()
        .map(|part| Allocation {
            invoice: part.invoice.clone(),
            amount: part.amount.clone(),
        })
        .collect();
    if !allocations.is_empty() {
        invoices_write::allocate(&key("allocation", booking), payment, &allocations)?;
    }
    for write_off in &decision.write_offs {
        let part = &write_off.settlement;
        let key = key("write-off", booking);
        invoices_write::write_off(&key, &part.invoice, &part.amount, write_off.reason)?;
    }
    Ok(())
}

fn take_back(
    booking: &Booking,
    reversal: &Reversal,
    made: &BTreeMap<(String, String), String>,
) -> Result<(), Failure> {
    let original = &reversal.original;
    let place = (booking.account.clone(), original.bank_reference.clone());
    let id = if original.id.is_empty() {
        made.get(&place).cloned().unwrap_or_default()
    } else {
        original.id.clone()
    };
    let key = key("reversal", booking);
    invoices_write::reverse_payment(&key, &id, &booking.value_date, &reversal.reason)?;
    Ok(())
}

fn ask_about_booking(
    config: &Config,
    booking: &Booking,
    decision: &Decision,
    question: &Question,
    payment: Option<&str>,
) -> Result<(), Failure> {
    let numbers: Vec<&String> = decision
        .allocations
        .iter()
        .map(|part| &part.number)
        .collect();
    let memo = json!({
        "outcome": decision.outcome.word(),
        "account": booking.account,
        "bank_reference": booking.bank_reference,
        "amount": booking.amount.to_string(),
        "invoices": numbers,
        "payment": payment,
    });
    let mut task = task(config, question, memo.to_string());
    task.subjects
        .extend(payment.map(|id| format!("payment/{id}")));
    ask(&key("task", booking), &task)
}

/// Asks about a statement as a whole.
pub fn ask_about_statement(
    config: &Config,
    statement: &Statement,
    question: &Question,
) -> Result<(), Failure> {
    let memo = json!({ "account": statement.account, "statement": statement.id });
    let key = short_digest(
        "statement",
        &[&statement.account, &statement.id, &question.text],
    );
    ask(&key, &task(config, question, memo.to_string()))
}

/// Asks about a document that cannot be read.
pub fn ask_about_document(
    config: &Config,
    document: &Document,
    problem: &Problem,
) -> Result<(), Failure> {
    let question = Question {
        title: "A statement cannot be read".into(),
        text: format!("{} ({}).", problem.message, problem.code),
        choices: vec![Choice {
            value: "seen".into(),
            label: "Seen; the file will be replaced".into(),
            needs_note: false,
        }],
        invoices: Vec::new(),
    };
    let memo = json!({ "document": document.id, "code": problem.code });
    let mut task = task(config, &question, memo.to_string());
    task.subjects = vec![format!("document/{}", document.id)];
    log::warn(
        &problem.message,
        &[("code", &problem.code), ("document", &document.id)],
    );
    ask(
        &short_digest("document", &[&document.id, &document.sha256]),
        &task,
    )
}

fn task(config: &Config, question: &Question, memo: String) -> NewTask {
    let choices = question.choices.iter().map(|choice| tasks::Choice {
        value: choice.value.clone(),
        label: choice.label.clone(),
        needs_note: choice.needs_note,
    });
    NewTask {
        assignee: format!("role:{}", config.task_role),
        title: question.title.clone(),
        text: question.text.clone(),
        choices: choices.collect(),
        due: None,
        subjects: question
            .invoices
            .iter()
            .map(|id| format!("invoice/{id}"))
            .collect(),
        memo,
    }
}

/// Asks once: a question under the same key was asked before, even if the books have changed its words since.
fn ask(key: &str, task: &NewTask) -> Result<(), Failure> {
    match tasks::create(key, task) {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn key(effect: &str, booking: &Booking) -> String {
    let plain = format!("{effect}/{}/{}", booking.account, booking.bank_reference);
    if plain.len() > KEY_BYTES_MAX {
        short_digest(effect, &[&booking.account, &booking.bank_reference])
    } else {
        plain
    }
}

fn write_log(booking: &Booking, decision: &Decision) {
    let parts = decision.allocations.iter();
    let numbers: Vec<&str> = parts.map(|part| part.number.as_str()).collect();
    let fields = [
        ("bank_reference", booking.bank_reference.as_str()),
        ("outcome", decision.outcome.word()),
        ("invoices", &numbers.join(" ")),
    ];
    log::info(&decision.reason, &fields);
}
