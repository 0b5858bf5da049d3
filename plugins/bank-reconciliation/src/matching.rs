//! What each entry of a statement means for the books: a pure function from statements and ledger to decisions.
//!
//! Rules, in order: what is not booked or is recorded already does nothing; what comes back takes its payment back; money
//! that went out is recorded; money that came in is matched by reference, then by amount and party. What is ambiguous is
//! recorded, left unallocated, and becomes a question to a person. Knows neither XML nor the host. Entered through
//! [`reconcile`].

mod credit;
mod debit;
mod ledger;
mod question;

use bursar_sdk::Money;
use bursar_sdk::rows::Flow;

pub use ledger::{Invoice, Ledger, Party, Payer, Payment};
pub use question::{Choice, Question};

use crate::booking::{self, Booking};
use crate::camt::{Direction, Statement, Status};
use crate::config::Percent;

/// Longest text kept with a payment, in characters.
const TEXT_LENGTH_MAX: usize = 500;

/// What a department allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Most that a payer may take off.
    pub cash_discount_max: Percent,
    /// Days after the issue date within which the money must be there for it.
    pub cash_discount_days: u32,
}

/// How an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Paid one invoice in full.
    Matched,
    /// Paid a part of one invoice.
    Part,
    /// More than is open: the rest stays unapplied.
    Over,
    /// Paid several invoices in full.
    Several,
    /// Paid one invoice but for an allowed discount.
    CashDiscount,
    /// Paid one invoice but for charges that banks took on the way.
    BankFeeDeducted,
    /// A fee of our own bank.
    Fee,
    /// Took an earlier payment back.
    Returned,
    /// Names what is not open or belongs to somebody else.
    WrongReference,
    /// More than one reading fits.
    Ambiguous,
    /// Paid in another currency than the invoice's.
    Foreign,
    /// Nothing fits.
    Unmatched,
    /// Recorded already.
    Duplicate,
    /// Not booked by the bank yet.
    Pending,
    /// Of no amount.
    Empty,
}

impl Outcome {
    /// The stable word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Part => "part",
            Self::Over => "over",
            Self::Several => "several",
            Self::CashDiscount => "cash-discount",
            Self::BankFeeDeducted => "bank-fee-deducted",
            Self::Fee => "fee",
            Self::Returned => "returned",
            Self::WrongReference => "wrong-reference",
            Self::Ambiguous => "ambiguous",
            Self::Foreign => "foreign",
            Self::Unmatched => "unmatched",
            Self::Duplicate => "duplicate",
            Self::Pending => "pending",
            Self::Empty => "empty",
        }
    }
}

/// What is to be done about one booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in a sentence for people.
    pub reason: String,
    /// Money to record.
    pub payment: Option<NewPayment>,
    /// A payment to take back.
    pub reversal: Option<Reversal>,
    /// Parts of the payment that settle invoices.
    pub allocations: Vec<Settlement>,
    /// Rests that will not come.
    pub write_offs: Vec<WriteOff>,
    /// What a person must decide.
    pub question: Option<Question>,
}

/// Money to record; amount, date and references are the booking's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// Which way it went.
    pub flow: Flow,
    /// Whose it is, if that is certain.
    pub party: Option<String>,
    /// Remittance text and end-to-end id.
    pub text: String,
}

/// A payment to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// The payment.
    pub original: Payment,
    /// Names the booking that took it back, so that it is known the next time.
    pub reason: String,
}

/// Part of a payment for one invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The host's id.
    pub invoice: String,
    /// For people.
    pub number: String,
    /// How much.
    pub amount: Money,
}

/// A rest that will not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOff {
    /// Which invoice, and how much.
    pub settlement: Settlement,
    /// The host's word: "cash-discount" or "bank-fee".
    pub reason: &'static str,
}

impl Decision {
    fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            payment: None,
            reversal: None,
            allocations: Vec::new(),
            write_offs: Vec::new(),
            question: None,
        }
    }

    fn recorded(mut self, booking: &Booking, party: Option<&str>) -> Self {
        self.payment = Some(NewPayment {
            flow: flow_of(booking.direction),
            party: party.map(str::to_owned),
            text: payment_text(booking),
        });
        self
    }

    fn asked(mut self, booking: &Booking, candidates: &[&Invoice]) -> Self {
        self.question = Some(question::about(booking, &self, candidates));
        self
    }

    /// Invoices and what is taken off each, by payment and by write-off.
    pub fn settled(&self) -> impl Iterator<Item = (&str, &Money)> {
        let written_off = self
            .write_offs
            .iter()
            .map(|write_off| &write_off.settlement);
        let settlements = self.allocations.iter().chain(written_off);
        settlements.map(|settlement| (settlement.invoice.as_str(), &settlement.amount))
    }
}

/// One booking and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the bank says.
    pub booking: Booking,
    /// What it means.
    pub decision: Decision,
}

/// Decides every booking of the statements in order; each sees what the ones before it did.
pub fn reconcile(statements: &[Statement], ledger: &mut Ledger, rules: &Rules) -> Vec<Step> {
    let bookings = statements.iter().flat_map(booking::bookings);
    bookings
        .map(|booking| {
            let decision = decide(&booking, ledger, rules);
            ledger.apply(&booking, &decision);
            Step { booking, decision }
        })
        .collect()
}

/// Decides one booking.
pub fn decide(booking: &Booking, ledger: &Ledger, rules: &Rules) -> Decision {
    if booking.status != Status::Booked {
        return Decision::new(Outcome::Pending, "the bank has not booked it");
    }
    if booking.amount.minor == 0 {
        return Decision::new(Outcome::Empty, "it moves no money");
    }
    if let Some(decision) = recorded_before(booking, ledger) {
        return decision;
    }
    if booking.is_return {
        return debit::returned(booking, ledger);
    }
    match booking.direction {
        Direction::Debit => debit::outgoing(booking, ledger),
        Direction::Credit => credit::incoming(booking, ledger, rules),
    }
}

/// A booking whose reference is on record: the same money, or something that only a person can tell.
fn recorded_before(booking: &Booking, ledger: &Ledger) -> Option<Decision> {
    let flow = flow_of(booking.direction);
    let own = [(&booking.bank_reference, &booking.amount)];
    let whole = booking
        .batch
        .iter()
        .map(|batch| (&batch.bank_reference, &batch.amount));
    let mut is_on_record = false;
    for (reference, amount) in own.into_iter().chain(whole) {
        for payment in ledger.recorded(&booking.account, reference) {
            if payment.flow == flow && payment.amount == *amount {
                return Some(Decision::new(Outcome::Duplicate, "it is recorded already"));
            }
            is_on_record = true;
        }
    }
    if !is_on_record || booking.is_return {
        return None;
    }
    let reason =
        "the bank's reference is on record with another amount or direction; nothing was booked";
    Some(Decision::new(Outcome::Ambiguous, reason).asked(booking, &[]))
}

/// A question if a statement's entries do not lead from its opening to its closing balance.
pub fn balance_question(statement: &Statement) -> Option<Question> {
    let (opening, closing) = (statement.opening.as_ref()?, statement.closing.as_ref()?);
    let entries = statement.entries.iter();
    let booked: Vec<_> = entries
        .filter(|entry| entry.status == Status::Booked)
        .collect();
    let is_one_currency = booked
        .iter()
        .all(|entry| entry.amount.currency == opening.currency);
    if opening.currency != closing.currency || !is_one_currency {
        return None;
    }
    let (mut all, mut once) = (i128::from(opening.minor), i128::from(opening.minor));
    let mut seen = std::collections::BTreeSet::new();
    for entry in booked {
        let minor = i128::from(entry.amount.minor);
        let is_credit = entry.direction == Direction::Credit;
        let signed = if is_credit { minor } else { -minor };
        all += signed;
        if seen.insert((&entry.bank_reference, minor, is_credit)) {
            once += signed;
        }
    }
    let closing_minor = i128::from(closing.minor);
    (all != closing_minor && once != closing_minor).then(|| question::balance(statement))
}

fn flow_of(direction: Direction) -> Flow {
    match direction {
        Direction::Credit => Flow::Receivable,
        Direction::Debit => Flow::Payable,
    }
}

fn payment_text(booking: &Booking) -> String {
    let details = &booking.details;
    let mut words: Vec<String> = details.references.clone();
    words.extend(details.text.clone());
    if words.is_empty() {
        words.extend(booking.counterparty().name.clone());
    }
    let mut text: String = words.join(" ").chars().take(TEXT_LENGTH_MAX).collect();
    if let Some(id) = &details.end_to_end_id {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str("end-to-end ");
        text.push_str(id);
    }
    text
}
