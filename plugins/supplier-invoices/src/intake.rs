//! What becomes of a supplier's invoice: taken in, known already, or a question. Pure. Entered through [`decide`].

use bursar_sdk::Money;
use bursar_sdk::exponent;
use bursar_sdk::rows::{InvoiceContent, InvoiceKind};
use sha2::{Digest, Sha256};

use crate::content::{self, Frame, Signs};
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

/// Decides about an invoice. `payables` are those of its supplier under its number, those that it refers to, and others of
/// its amount.
pub fn decide(
    parsed: &Parsed,
    found: Found<'_>,
    payables: &[Payable],
    legal_entity: &str,
    sha256: &str,
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
        corrects: corrected(invoice, payables),
        sha256,
    };
    match content::content(invoice, &findings.deviations, &frame) {
        Ok(content) => taken_in(invoice, party, payables, content, findings.deviations),
        Err(fault) => Decision::ask(Outcome::Broken, question::broken(invoice, &[fault])),
    }
}

fn taken_in(
    invoice: &Invoice,
    party: &Party,
    payables: &[Payable],
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
    if let Some(there) = payables
        .iter()
        .find(|it| it.number.as_ref() == Some(&invoice.number))
    {
        return known_or_taken(invoice, there, &content, &gross);
    }
    let due = Money::new(due, &invoice.currency);
    let mut questions = Vec::new();
    let doubtful = deviations.iter().filter(|it| it.cause == Cause::Stated);
    let doubtful: Vec<&Deviation> = doubtful.collect();
    if !doubtful.is_empty() {
        questions.push(question::other_line_nets(invoice, &doubtful));
    }
    if due != gross {
        questions.push(question::other_amount_due(invoice, &due, &gross));
    }
    let is_similar = |it: &&Payable| {
        let is_same = it.kind == content.kind && it.gross == gross;
        it.number.is_none() && is_same && is_near(it, content.due_date.as_deref())
    };
    if payables.iter().any(|it| is_similar(&it)) {
        questions.push(question::similar(invoice));
    }
    if supplier::is_other_account(invoice, party) {
        questions.push(question::other_account(invoice, party));
    }
    Decision {
        outcome: Outcome::TakenIn,
        draft: Some((key(&party.id, &invoice.number), content)),
        questions,
        deviations,
    }
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
        return Decision {
            outcome: Outcome::Known,
            draft: None,
            questions: Vec::new(),
            deviations: Vec::new(),
        };
    }
    let reason = format!("it is of {}, this one of {gross}", there.gross);
    Decision::ask(
        Outcome::NumberTaken,
        question::number_taken(invoice, &reason),
    )
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

/// The same invoice has its effect once: whatever file it comes in, it has its supplier and number.
fn key(party: &str, number: &str) -> String {
    let plain = format!("invoice/{party}/{}", supplier::compact(number));
    if plain.len() <= KEY_BYTES_MAX {
        return plain;
    }
    let digest = Sha256::digest(plain.as_bytes());
    digest.iter().fold("invoice/".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_by_the_number_however_it_is_written() {
        assert_eq!(key("p1", "re-2026/17 a"), "invoice/p1/RE202617A");
        assert_eq!(key("p1", "RE 2026 17A"), key("p1", "re-2026/17 a"));
        let long = key("p1", &"9".repeat(300));
        assert_eq!(long.len(), "invoice/".len() + 64);
    }
}
