//! Money that went out, and money that came back.

use bursar_sdk::rows::Flow;

use super::{Decision, Ledger, Outcome, Payer, Payment, Reversal};
use crate::booking::Booking;
use crate::camt::{BankCode, Direction};

/// ISO sub-families that are a bank's own charges.
const FEE_SUB_FAMILIES: &[&str] = &["CHRG", "FEES", "COMM", "COME", "COMI", "COMT"];
/// Parts of banks' own codes that say the same (SWIFT's NCHG, the German 808).
const FEE_PROPRIETARY: &[&str] = &["NCHG", "CHG", "CHRG", "808"];

/// An outgoing booking: a fee is recorded, anything else is recorded and asked about.
pub fn outgoing(booking: &Booking, ledger: &Ledger) -> Decision {
    if is_fee(booking) {
        return Decision::new(Outcome::Fee, "it is a fee of the bank").recorded(booking, None);
    }
    let payer = ledger.payer(booking);
    Decision::new(
        Outcome::Unmatched,
        "money went out that no invoice here accounts for",
    )
    .recorded(booking, payer.party())
    .asked(booking, &[])
}

fn is_fee(booking: &Booking) -> bool {
    let other = booking.counterparty();
    let is_own = other.name.is_none() && other.account.is_none();
    let is_charge = booking.details.charges.as_ref() == Some(&booking.amount);
    is_fee_code(&booking.code) || (is_own && is_charge)
}

fn is_fee_code(code: &BankCode) -> bool {
    let mut parts = code
        .proprietary
        .split(|letter: char| !letter.is_alphanumeric());
    FEE_SUB_FAMILIES.contains(&code.sub_family.as_str())
        || parts.any(|part| FEE_PROPRIETARY.contains(&part))
}

/// A booking that takes an earlier one back: found by the references it names, then by amount and party.
pub fn returned(booking: &Booking, ledger: &Ledger) -> Decision {
    let fitting: Vec<&Payment> = ledger
        .payments()
        .iter()
        .filter(|payment| is_other_way(payment, booking))
        .collect();
    let known = fitting
        .iter()
        .filter_map(|payment| ledger.reversal_of(payment));
    if known
        .into_iter()
        .any(|reversal| reversal.text.ends_with(&by_entry(booking)))
    {
        return Decision::new(Outcome::Duplicate, "its return is recorded already");
    }
    let mut open = fitting;
    open.retain(|payment| ledger.reversal_of(payment).is_none());
    match original(booking, ledger, &open) {
        Some(original) => taken_back(booking, original),
        None => unknown_return(booking, ledger),
    }
}

fn is_other_way(payment: &Payment, booking: &Booking) -> bool {
    let flow = match booking.direction {
        Direction::Debit => Flow::Receivable,
        Direction::Credit => Flow::Payable,
    };
    payment.reverses.is_none()
        && payment.flow == flow
        && payment.amount == booking.amount
        && crate::camt::compact_account(&payment.bank_account) == booking.account
}

/// The one payment that is meant; two that fit equally well are none.
fn original<'a>(booking: &Booking, ledger: &Ledger, open: &[&'a Payment]) -> Option<&'a Payment> {
    let details = &booking.details;
    let references = details
        .bank_reference
        .iter()
        .chain([&booking.bank_reference]);
    let references: Vec<&String> = references.collect();
    let by_reference = |payment: &&&Payment| references.contains(&&payment.bank_reference);
    let by_end_to_end = |payment: &&&Payment| {
        let id = details.end_to_end_id.as_deref();
        id.is_some_and(|id| names_end_to_end(&payment.text, id))
    };
    let payer = other_party(booking, ledger);
    let by_party =
        |payment: &&&Payment| payer.is_some() && payment.party.as_deref() == payer.as_deref();
    only(open.iter().filter(by_reference))
        .or_else(|| only(open.iter().filter(by_end_to_end)))
        .or_else(|| only(open.iter().filter(by_party)))
        .copied()
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// A return keeps the roles of the original transaction or turns them round: banks do both.
fn other_party(booking: &Booking, ledger: &Ledger) -> Option<String> {
    let mut turned = booking.clone();
    std::mem::swap(&mut turned.details.debtor, &mut turned.details.creditor);
    [ledger.payer(booking), ledger.payer(&turned)]
        .iter()
        .find_map(Payer::party)
        .map(str::to_owned)
}

/// Our own payments end with the id; one that a person recorded may have it anywhere, as a word.
fn names_end_to_end(text: &str, id: &str) -> bool {
    text.ends_with(&format!("end-to-end {id}")) || text.split_whitespace().any(|word| word == id)
}

/// The end of a reversal's reason, by which the entry that caused it is known the next time.
fn by_entry(booking: &Booking) -> String {
    format!(", by entry {}", booking.bank_reference)
}

fn taken_back(booking: &Booking, original: &Payment) -> Decision {
    let why = booking
        .details
        .return_reason
        .as_deref()
        .unwrap_or("reversed by the bank");
    let reason = format!("it takes back {} ({why})", original.bank_reference);
    let mut decision = Decision::new(Outcome::Returned, reason);
    decision.reversal = Some(Reversal {
        original: original.clone(),
        reason: format!("{why}{}", by_entry(booking)),
    });
    decision
}

fn unknown_return(booking: &Booking, ledger: &Ledger) -> Decision {
    let party = other_party(booking, ledger);
    Decision::new(
        Outcome::Unmatched,
        "it takes back a payment that cannot be told",
    )
    .recorded(booking, party.as_deref())
    .asked(booking, &[])
}
