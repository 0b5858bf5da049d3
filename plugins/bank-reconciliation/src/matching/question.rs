//! What a person is asked, in words.

use super::{Decision, Invoice, Outcome};
use crate::booking::Booking;
use crate::camt::{Direction, Statement};

/// Most invoices that are proposed at once.
const CANDIDATES_MAX: usize = 10;
/// Most invoices to look at.
const SUBJECTS_MAX: usize = 90;
/// Longest label of a choice and longest title, in bytes.
const LINE_BYTES_MAX: usize = 200;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// A question with its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// One line.
    pub title: String,
    /// Both sides and the amounts.
    pub text: String,
    /// At least one.
    pub choices: Vec<Choice>,
    /// Invoices to look at.
    pub invoices: Vec<String>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Comes back.
    pub value: String,
    /// Is shown.
    pub label: String,
    /// Needs words.
    pub needs_note: bool,
}

impl Choice {
    fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            needs_note: false,
        }
    }

    fn with_note(value: &str, label: &str) -> Self {
        Self {
            needs_note: true,
            ..Self::new(value, label)
        }
    }
}

/// Asks about a booking; the candidates become its first choices.
pub fn about(booking: &Booking, decision: &Decision, candidates: &[&Invoice]) -> Question {
    let candidates = &candidates[..candidates.len().min(CANDIDATES_MAX)];
    let settled = decision.allocations.iter().map(|part| part.invoice.clone());
    let proposed = candidates.iter().map(|invoice| invoice.id.clone());
    Question {
        title: format!(
            "{}: {} on {}",
            title(decision.outcome),
            booking.amount,
            booking.value_date
        ),
        text: text(booking, decision, candidates),
        choices: choices(decision.outcome, candidates),
        invoices: settled.chain(proposed).take(SUBJECTS_MAX).collect(),
    }
}

fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Over => "Over-payment",
        Outcome::WrongReference => "Payment with a wrong reference",
        Outcome::Ambiguous => "Payment that fits more than one invoice",
        Outcome::Foreign => "Payment in another currency",
        _ => "Payment without an invoice",
    }
}

fn text(booking: &Booking, decision: &Decision, candidates: &[&Invoice]) -> String {
    let details = &booking.details;
    let (verb, preposition) = match booking.direction {
        Direction::Credit => ("came in", "from"),
        Direction::Debit => ("went out", "to"),
    };
    let side = booking.counterparty();
    let name = side
        .name
        .as_deref()
        .unwrap_or("somebody the bank does not name");
    let account = side.account.as_deref().unwrap_or("no account named");
    let mut lines = vec![
        format!(
            "{} {verb} on {}, account {}.",
            booking.amount, booking.value_date, booking.account
        ),
        format!(
            "Entry {} {preposition} {name} ({account}).",
            booking.bank_reference
        ),
        format!("Reason: {}.", decision.reason),
    ];
    if !details.references.is_empty() {
        lines.push(format!("Reference: {}", details.references.join(", ")));
    }
    if !details.text.is_empty() {
        lines.push(format!("Text: {}", details.text.join(" ")));
    }
    if let Some(instructed) = &details.instructed {
        lines.push(format!("Ordered: {instructed}"));
    }
    for part in &decision.allocations {
        lines.push(format!("Allocated: {} to {}", part.amount, part.number));
    }
    for invoice in candidates {
        lines.push(format!("Candidate: {}", label(invoice)));
    }
    cut(lines.join("\n"), TEXT_BYTES_MAX)
}

fn label(invoice: &Invoice) -> String {
    let Invoice {
        number,
        party_name,
        outstanding,
        ..
    } = invoice;
    cut(
        format!("{number}, {party_name}, {outstanding} open"),
        LINE_BYTES_MAX,
    )
}

/// The beginning of a text, at most so many bytes of it.
fn cut(mut text: String, bytes_max: usize) -> String {
    let mut places = (0..=bytes_max.min(text.len())).rev();
    let end = places.find(|&place| text.is_char_boundary(place));
    text.truncate(end.unwrap_or_default());
    text
}

fn choices(outcome: Outcome, candidates: &[&Invoice]) -> Vec<Choice> {
    if outcome == Outcome::Over {
        return vec![
            Choice::new("keep", "Keep the rest for the next invoice"),
            Choice::new("refund", "Pay the rest back"),
            Choice::with_note("other", "Something else"),
        ];
    }
    let proposed = candidates
        .iter()
        .map(|invoice| Choice::new(format!("invoice/{}", invoice.id), label(invoice)));
    let none = match candidates {
        [] => Choice::with_note("explain", "Say what it is"),
        _ => Choice::with_note("none", "None of these"),
    };
    proposed.chain([none]).collect()
}

/// Asks about a statement whose balances and entries disagree.
pub fn balance(statement: &Statement) -> Question {
    let shown = |balance: &Option<_>| balance.as_ref().map_or("none".into(), ToString::to_string);
    Question {
        title: cut(
            format!("Statement {} does not add up", statement.id),
            LINE_BYTES_MAX,
        ),
        text: format!(
            "Account {}: opening balance {}, closing balance {}, but the {} entries in between do not lead from one to \
             the other. They were booked as they stand; an entry may be missing or doubled in the file.",
            statement.account,
            shown(&statement.opening),
            shown(&statement.closing),
            statement.entries.len(),
        ),
        choices: vec![
            Choice::new("checked", "Checked with the bank"),
            Choice::with_note("wrong", "The file is wrong"),
        ],
        invoices: Vec::new(),
    }
}
