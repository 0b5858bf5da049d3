//! The host's side: reads the books that an invoice needs, and carries the decision out.
//!
//! Decides nothing. An invoice is drafted under a key of supplier and number, a question is asked once for each document.

use bursar_sdk::rows::{Document, InvoiceHead, InvoiceState};
use bursar_sdk::tasks::{self, NewTask};
use bursar_sdk::types::Condition;
use bursar_sdk::{
    Error, Failure, Problem, exponent, filter, invoices, invoices_write, log, records,
};
use serde::Deserialize;
use serde_json::json;

use crate::config::Config;
use crate::content::Signs;
use crate::einvoice::Invoice;
use crate::intake::{self, Books, Decision, Outcome, Payable, Rejected};
use crate::question::{self, Question, Words};
use crate::supplier::Party;

/// Most payables that are looked at for one number or amount.
const PAYABLES_MAX: usize = 1000;

/// A party's record, as far as suppliers are told by it.
#[derive(Deserialize)]
struct PartyBody {
    name: String,
    #[serde(default)]
    tax_id: Option<String>,
    #[serde(default)]
    iban: Vec<String>,
}

/// Which document an invoice came in, as far as it says so.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Origin {
    document: String,
    document_sha256: String,
}

/// Everybody on record.
pub fn parties() -> Result<Vec<Party>, Failure> {
    let mut parties = Vec::new();
    for row in records::all("parties", vec![], vec![]) {
        let row = row?;
        let body: PartyBody = row.read()?;
        parties.push(Party {
            id: row.id,
            name: body.name,
            tax_id: body.tax_id,
            accounts: body.iban,
        });
    }
    Ok(parties)
}

/// The supplier's payables under an invoice's number and under those that it refers to, and others of its amount.
pub fn books(party: &Party, invoice: &Invoice) -> Result<Books, Failure> {
    let mut books = Books::default();
    for number in invoice.preceding.iter().chain([&invoice.number]) {
        let condition = filter::equal("supplier-number", number);
        for head in payables_where(party, vec![condition])? {
            if head.state != InvoiceState::Rejected {
                books.payables.push(payable(head, Some(number)));
            } else if *number == invoice.number {
                books.rejected.push(rejected(head.id)?);
            }
        }
    }
    let gross = Signs::of(invoice).apply(invoice.totals.gross.value);
    if let Some(minor) = gross.minor_units(u32::from(exponent(&invoice.currency))) {
        let conditions = vec![
            filter::equal("currency", &invoice.currency),
            filter::equal("gross", minor),
        ];
        let mut others = payables_where(party, conditions)?;
        others.retain(|other| {
            let is_owed = other.state != InvoiceState::Rejected;
            is_owed && books.payables.iter().all(|it| it.id != other.id)
        });
        let others = others.into_iter().map(|head| payable(head, None));
        books.payables.extend(others);
    }
    Ok(books)
}

fn payable(head: InvoiceHead, number: Option<&String>) -> Payable {
    Payable {
        id: head.id,
        number: number.cloned(),
        kind: head.kind,
        gross: head.gross,
        due_date: head.due_date,
    }
}

fn rejected(id: String) -> Result<Rejected, Failure> {
    let extra = invoices::get(&id)?.content.extra;
    let origin: Origin = serde_json::from_str(&extra).unwrap_or_default();
    Ok(Rejected {
        id,
        document: origin.document,
        sha256: origin.document_sha256,
    })
}

fn payables_where(
    party: &Party,
    mut conditions: Vec<Condition>,
) -> Result<Vec<InvoiceHead>, Failure> {
    conditions.push(filter::equal("flow", "payable"));
    conditions.push(filter::equal("party", &party.id));
    let heads = invoices::all(conditions, vec![]).take(PAYABLES_MAX);
    heads.map(|head| Ok(head?)).collect()
}

/// Does what was decided, and says how it ended: what the books refuse becomes a question.
pub fn carry_out(
    config: &Config,
    document: &Document,
    invoice: &Invoice,
    decision: Decision,
) -> Result<Decision, Failure> {
    let mut decision = decision;
    let mut subjects = vec![format!("document/{}", document.id)];
    if let Some((key, content)) = &decision.draft {
        match invoices_write::draft(key, content) {
            Ok(head) => subjects.push(format!("invoice/{}", head.id)),
            Err(Error::Conflict(problem)) => decision = intake::conflict(invoice, &problem),
            Err(Error::Invalid(problems)) => {
                let reason = Error::Invalid(problems).into_problem().message;
                decision = Decision::ask(Outcome::Broken, question::refused(invoice, &reason));
            }
            Err(error) => return Err(error.into()),
        }
    }
    for question in &decision.questions {
        ask(config, document, question, subjects.clone())?;
    }
    write_log(document, invoice, &decision);
    Ok(decision)
}

/// Asks about a document that cannot be read.
pub fn ask_about_document(
    config: &Config,
    document: &Document,
    problem: &Problem,
) -> Result<(), Failure> {
    let question = Question {
        kind: "unreadable",
        title: "A supplier's invoice cannot be read".into(),
        text: format!("{} ({}).", problem.message, problem.code),
        choices: vec![("seen", "Seen; the file will be replaced", Words::None)],
    };
    log::warn(
        &problem.message,
        &[("code", &problem.code), ("document", &document.id)],
    );
    let subjects = vec![format!("document/{}", document.id)];
    ask(config, document, &question, subjects)
}

/// Asks once: a question about the same document was asked before, even if the books have changed its words since.
fn ask(
    config: &Config,
    document: &Document,
    question: &Question,
    subjects: Vec<String>,
) -> Result<(), Failure> {
    let choices = question.choices.iter();
    let choices = choices.map(|(value, label, words)| tasks::Choice {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        needs_note: *words == Words::Needed,
    });
    let task = NewTask {
        assignee: format!("role:{}", config.task_role),
        title: question.title.clone(),
        text: question.text.clone(),
        choices: choices.collect(),
        due: None,
        subjects,
        memo: json!({"document": document.id, "question": question.kind}).to_string(),
    };
    let key = format!("task/{}/{}/{}", question.kind, document.id, document.sha256);
    match tasks::create(&key, &task) {
        Ok(_) | Err(Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write_log(document: &Document, invoice: &Invoice, decision: &Decision) {
    let deviations = decision.deviations.len().to_string();
    let fields = [
        ("document", document.id.as_str()),
        ("number", invoice.number.as_str()),
        ("outcome", decision.outcome.word()),
        ("deviations", &deviations),
    ];
    log::info(
        &format!("{}: {}", document.name, decision.outcome.word()),
        &fields,
    );
}
