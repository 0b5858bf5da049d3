//! The bank's statements: what moves on one day, between us and one party, is one payment.

use std::collections::BTreeMap;

use bursar_domain::{
    invoice::Flow,
    money::{Currency, Money},
};
use jiff::civil::Date;

use super::{
    broken,
    days::{Days, after},
    dice::Dice,
    trade::Receipt,
};
use crate::{
    error::Error,
    sample::{SampleAccount, SampleAllocation, SamplePayment, SampleReversal},
};

/// How long ago money came that nobody can tell from what for, and how much, in cents.
const UNKNOWN: [(i64, i64); 3] = [(23, 41_250), (9, 129_900), (2, 8_640)];

/// What the bank tells.
#[derive(Default)]
pub(super) struct Statement {
    pub payments: Vec<SamplePayment>,
    pub reversals: Vec<SampleReversal>,
}

/// Payments in the order in which they are booked, then in that of the value dates.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Movement {
    booked_on: Date,
    value_date: Date,
    flow: Flow,
    party: Option<String>,
    currency: Currency,
    /// One that was taken back stands alone.
    alone: Option<String>,
}

pub(super) fn statement(
    receipts: impl Iterator<Item = Receipt>,
    accounts: &[SampleAccount],
    days: &Days,
) -> Result<Statement, Error> {
    let mut movements: BTreeMap<Movement, Vec<Receipt>> = BTreeMap::new();
    for receipt in receipts.chain(unknown(days)?) {
        let taken_back = receipt.taken_back_on.and(receipt.invoice.as_ref());
        let movement = Movement {
            booked_on: days.booked_on(receipt.value_date),
            value_date: receipt.value_date,
            flow: receipt.flow,
            party: receipt.party.clone(),
            currency: receipt.amount.currency,
            alone: taken_back.map(|(key, _)| key.clone()),
        };
        movements.entry(movement).or_default().push(receipt);
    }
    let mut dice = Dice::of("bank");
    let mut told = Statement::default();
    for (movement, receipts) in movements {
        let key = format!("m{:04}", told.payments.len() + 1);
        let reference = format!(
            "{}{}{}",
            movement.value_date.strftime("%Y%m%d"),
            dice.digits(6),
            key.to_uppercase()
        );
        let taken_back_on = receipts.iter().find_map(|receipt| receipt.taken_back_on);
        told.reversals
            .extend(taken_back_on.map(|value_date| SampleReversal {
                payment: key.clone(),
                value_date,
                reason: "Direct debit returned: no cover.".to_owned(),
            }));
        let account = account(accounts, movement.currency)?;
        told.payments
            .push(payment(key, &movement, &receipts, reference, account)?);
    }
    Ok(told)
}

fn payment(
    key: String,
    movement: &Movement,
    receipts: &[Receipt],
    bank_reference: String,
    bank_account: String,
) -> Result<SamplePayment, Error> {
    let amounts = receipts.iter().map(|receipt| receipt.amount);
    let amount = Money::checked_sum(amounts, movement.currency).map_err(broken)?;
    let named = receipts.iter().filter_map(|receipt| {
        let (invoice, number) = receipt.invoice.as_ref()?;
        Some((invoice, number, receipt.amount))
    });
    let numbers: Vec<&str> = named
        .clone()
        .map(|(_, number, _)| number.as_str())
        .collect();
    let allocations = named.map(|(invoice, _, amount)| SampleAllocation {
        invoice: invoice.clone(),
        amount: amount.to_string(),
    });
    let text = match numbers.as_slice() {
        [] => "Thank you".to_owned(),
        numbers => numbers.join(", "),
    };
    Ok(SamplePayment {
        key,
        flow: movement.flow,
        party: movement.party.clone(),
        amount: amount.to_string(),
        value_date: movement.value_date,
        bank_reference,
        bank_account,
        text,
        allocated_on: Some(movement.booked_on),
        allocations: allocations.collect(),
    })
}

/// Our account for a currency: of euros, of francs, of everything else.
fn account(accounts: &[SampleAccount], currency: Currency) -> Result<String, Error> {
    let found = match currency.code() {
        "EUR" => accounts.first(),
        "CHF" => accounts.get(1),
        _ => accounts.get(2),
    };
    let found = found.ok_or_else(|| Error::Broken("an account is missing".to_owned()))?;
    Ok(found.iban.clone())
}

fn unknown(days: &Days) -> Result<Vec<Receipt>, Error> {
    let currency: Currency = "EUR".parse().map_err(broken)?;
    let receipt = |(ago, cents): &(i64, i64)| Receipt {
        flow: Flow::Receivable,
        party: None,
        invoice: None,
        amount: Money::new(*cents, currency),
        value_date: after(days.today, -ago),
        taken_back_on: None,
    };
    Ok(UNKNOWN.iter().map(receipt).collect())
}
