//! What becomes of a supplier's invoice: taken in, known already, or a question. Pure. Entered through [`decide`].

use bursar_sdk::rows::{InvoiceContent, InvoiceKind};
use bursar_sdk::{Money, Problem, exponent};
use sha2::{Digest, Sha256};

use crate::content::{self, Frame, Signs, Source};
use crate::einvoice::{Fault, Invoice, Parsed, day_number};
use crate::question::{self, Question};
use crate::recompute::{self, Cause, Deviation};
use crate::supplier::{self, Found, Party};

/// Days between the due dates of two invoices of the same amount that may be one.
const NEAR_DAYS: i64 = 7;
/// Longest effect key, in bytes.
const KEY_BYTES_MAX: usize = 200;

/// An invoice of the supplier that the books have under a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payable {
    /// Its id.
    pub id: String,
    /// The supplier's number that it was found under; none if it was found by its amount.
    pub number: Option<String>,
    /// What document it is.
    pub kind: InvoiceKind,
    /// With tax.
    pub gross: Money,
    /// "YYYY-MM-DD"
    pub due_date: Option<String>,
}

/// An invoice under the same number that the supplier sent before and that was rejected. Its number is free again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its id.
    pub id: String,
    /// The document that it came in.
    pub document: String,
    /// The digest of that document's content.
    pub sha256: String,
}

/// What the books have of a supplier that one of its invoices is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// What is owed or was paid under its number, under those that it refers to, and of its amount.
    pub payables: Vec<Payable>,
    /// What was rejected under its number.
    pub rejected: Vec<Rejected>,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It becomes a payable.
    TakenIn,
    /// The books have it.
    Known,
    /// Nobody, or more than one, is known as its sender.
    UnknownSupplier,
    /// The books have another one of that number.
    NumberTaken,
    /// It lacks something or does not add up.
    Broken,
}

impl Outcome {
    /// For logs and cases.
    pub fn word(self) -> &'static str {
        match self {
            Self::TakenIn => "taken-in",
            Self::Known => "known",
            Self::UnknownSupplier => "unknown-supplier",
            Self::NumberTaken => "number-taken",
            Self::Broken => "broken",
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How it ends.
    pub outcome: Outcome,
    /// To be drafted under this key.
    pub draft: Option<(String, InvoiceContent)>,
    /// To be asked.
    pub questions: Vec<Question>,
    /// Figures that are not the host's.
    pub deviations: Vec<Deviation>,
}

impl Decision {
    /// Nothing but a question.
    pub fn ask(outcome: Outcome, question: Question) -> Self {
        Self {
            outcome,
            draft: None,
            questions: vec![question],
            deviations: Vec::new(),
        }
    }
}

/// Decides about an invoice. The books are those of its supplier.
pub fn decide(
    parsed: &Parsed,
    found: Found<'_>,
    books: &Books,
    legal_entity: &str,
    source: Source<'_>,
) -> Decision {
    let invoice = &parsed.invoice;
    let findings = recompute::check(invoice);
    let faults: Vec<Fault> = match parsed.faults.as_slice() {
        // Of an invoice that lacks figures it is known already that it does not add up.
        [] => findings.faults,
        lacking => lacking.to_vec(),
    };
    if !faults.is_empty() {
        return Decision::ask(Outcome::Broken, question::broken(invoice, &faults));
    }
    let party = match found {
        Found::One(party) => party,
        Found::Nobody => {
            return Decision::ask(
                Outcome::UnknownSupplier,
                question::unknown_supplier(invoice),
            );
        }
        Found::Several(means) => {
            let question = question::ambiguous_supplier(invoice, means);
            return Decision::ask(Outcome::UnknownSupplier, question);
        }
    };
    let frame = Frame {
        legal_entity,
        party: &party.id,
        corrects: corrected(invoice, &books.payables),
        source,
    };
    match content::content(invoice, &findings.deviations, &frame) {
        Ok(content) => taken_in(invoice, party, books, source, content, findings.deviations),
        Err(fault) => Decision::ask(Outcome::Broken, question::broken(invoice, &[fault])),
    }
}

fn taken_in(
    invoice: &Invoice,
    party: &Party,
    books: &Books,
    source: Source<'_>,
    content: InvoiceContent,
    deviations: Vec<Deviation>,
) -> Decision {
    let digits = u32::from(exponent(&invoice.currency));
    let due = Signs::of(invoice).apply(invoice.totals.due.value);
    let due = due.minor_units(digits);
    let gross = content::host_totals(&content).map(|totals| totals.gross);
    let (Some(due), Some(gross)) = (due, gross) else {
        let fault = Fault {
            term: "BT-115",
            place: "document".to_owned(),
            message: "a figure has more digits than the books can hold".to_owned(),
        };
        return Decision::ask(Outcome::Broken, question::broken(invoice, &[fault]));
    };
    if let Some(there) = books
        .payables
        .iter()
        .find(|it| it.number.as_ref() == Some(&invoice.number))
    {
        return known_or_taken(invoice, there, &content, &gross);
    }
    if books.rejected.iter().any(|it| is_from(it, source)) {
        return known();
    }
    let due = Money::new(due, &invoice.currency);
    let questions = questions(invoice, party, books, &content, &deviations, (&due, &gross));
    Decision {
        outcome: Outcome::TakenIn,
        draft: Some((key(&party.id, &invoice.number, &books.rejected), content)),
        questions,
        deviations,
    }
}

/// Whether a document is the very one that was rejected, and not the supplier's next try.
fn is_from(rejected: &Rejected, source: Source<'_>) -> bool {
    rejected.document == source.document && rejected.sha256 == source.sha256
}

/// What a person is asked about an invoice that is taken in.
fn questions(
    invoice: &Invoice,
    party: &Party,
    books: &Books,
    content: &InvoiceContent,
    deviations: &[Deviation],
    (due, gross): (&Money, &Money),
) -> Vec<Question> {
    let mut questions = Vec::new();
    let doubtful = deviations.iter().filter(|it| it.cause == Cause::Stated);
    let doubtful: Vec<&Deviation> = doubtful.collect();
    if !doubtful.is_empty() {
        questions.push(question::other_line_nets(invoice, &doubtful));
    }
    if due != gross {
        questions.push(question::other_amount_due(invoice, due, gross));
    }
    let is_similar = |it: &&Payable| {
        let is_same = it.kind == content.kind && it.gross == *gross;
        it.number.is_none() && is_same && is_near(it, content.due_date.as_deref())
    };
    if books.payables.iter().any(|it| is_similar(&it)) {
        questions.push(question::similar(invoice));
    }
    if supplier::is_other_account(invoice, party) {
        questions.push(question::other_account(invoice, party));
    }
    questions
}

fn is_near(payable: &Payable, due_date: Option<&str>) -> bool {
    match (payable.due_date.as_deref(), due_date) {
        (Some(theirs), Some(ours)) => match (day_number(theirs), day_number(ours)) {
            (Some(theirs), Some(ours)) => (theirs - ours).abs() <= NEAR_DAYS,
            _ => false,
        },
        (None, None) => true,
        _ => false,
    }
}

fn known_or_taken(
    invoice: &Invoice,
    there: &Payable,
    content: &InvoiceContent,
    gross: &Money,
) -> Decision {
    if there.kind == content.kind && there.gross == *gross {
        return known();
    }
    let reason = format!("it is of {}, this one of {gross}", there.gross);
    Decision::ask(
        Outcome::NumberTaken,
        question::number_taken(invoice, &reason),
    )
}

/// Nothing is to be done.
fn known() -> Decision {
    Decision {
        outcome: Outcome::Known,
        draft: None,
        questions: Vec::new(),
        deviations: Vec::new(),
    }
}

/// What becomes of an invoice that the books do not take because of what they have, by the code of the problem.
pub fn conflict(invoice: &Invoice, problem: &Problem) -> Decision {
    match problem.code.as_str() {
        "not-unique" => Decision::ask(Outcome::NumberTaken, question::number_alike(invoice)),
        "key-reused" => Decision::ask(Outcome::NumberTaken, question::taken_in_before(invoice)),
        _ => Decision::ask(
            Outcome::Broken,
            question::refused(invoice, &problem.message),
        ),
    }
}

/// The one invoice of the same currency in the books that this one refers to.
fn corrected(invoice: &Invoice, payables: &[Payable]) -> Option<String> {
    let is_meant = |payable: &&Payable| {
        let number = payable.number.as_ref();
        number.is_some_and(|number| invoice.preceding.contains(number) && *number != invoice.number)
            && payable.gross.currency == invoice.currency
    };
    let mut meant = payables.iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(only), None) => Some(only.id.clone()),
        _ => None,
    }
}

/// The same invoice has its effect once: whatever file it comes in, it has its supplier and number. What is sent again after
/// it was rejected is another one.
fn key(party: &str, number: &str, rejected: &[Rejected]) -> String {
    let plain = match rejected.iter().map(|it| &it.id).max() {
        None => format!("invoice/{party}/{number}"),
        Some(last) => format!("invoice-after/{last}/{number}"),
    };
    if plain.len() <= KEY_BYTES_MAX && !plain.contains(char::is_control) {
        return plain;
    }
    format!("invoice/{}", digest(&plain))
}

/// SHA-256 of a text in hexadecimal digits.
pub fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_by_supplier_and_number_and_the_last_rejection() {
        assert_eq!(key("p1", "re-2026/17 a", &[]), "invoice/p1/re-2026/17 a");
        let rejected = |id: &str| Rejected {
            id: id.to_owned(),
            document: String::new(),
            sha256: String::new(),
        };
        let twice = [rejected("i2"), rejected("i1")];
        assert_eq!(key("p1", "17", &twice), "invoice-after/i2/17");
        assert_eq!(key("p1", "17", &twice[1..]), "invoice-after/i1/17");
        for number in ["9".repeat(300), "1\n7".to_owned()] {
            assert_eq!(key("p1", &number, &[]).len(), "invoice/".len() + 64);
        }
    }

    #[test]
    fn a_conflict_is_told_by_its_code() {
        let check = |code: &str, outcome: Outcome, kind: &str| {
            let problem = Problem::new(code, "why");
            let decision = conflict(&Invoice::default(), &problem);
            assert_eq!(decision.outcome, outcome, "{code}");
            let kinds: Vec<&str> = decision.questions.iter().map(|it| it.kind).collect();
            assert_eq!((kinds, decision.draft), (vec![kind], None), "{code}");
        };
        check("not-unique", Outcome::NumberTaken, "number");
        check("key-reused", Outcome::NumberTaken, "again");
        check("contention", Outcome::Broken, "refused");
    }
}
