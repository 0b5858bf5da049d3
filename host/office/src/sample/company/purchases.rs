//! Payables of two years, and how far each has come.

use bursar_domain::invoice::{
    Flow,
    InvoiceState::{self, Approved, Matched, NeedsAttention, Rejected, Scheduled},
};
use jiff::civil::Date;
use serde_json::Value;

use super::{
    data::{Article, Data, Partner},
    days::{Days, after},
    dice::Dice,
    trade::{Receipt, Terms},
};
use crate::{error::Error, sample::SampleInvoice};

/// Of a hundred open days so many bring a supplier's invoice.
const EACH_DAY_PERCENT: i64 = 55;
/// Of a hundred invoices so many are not as ordered, and so many are not owed.
const ATTENTION_PERCENT: i64 = 4;
const REJECTED_PERCENT: i64 = 2;
/// Of a hundred invoices that are due so many are left lying.
const FORGOTTEN_PERCENT: i64 = 3;

/// Of the last open days each brings one, the last first: so that on any day one is there at each step.
const LATEST: [&[InvoiceState]; 4] = [&[], &[NeedsAttention], &[Matched], &[Matched, Approved]];

/// Payables and what was paid of them.
#[derive(Default)]
pub(super) struct Purchases {
    pub invoices: Vec<SampleInvoice>,
    pub receipts: Vec<Receipt>,
}

pub(super) fn buy(data: &Data, days: &Days) -> Result<Purchases, Error> {
    let mut dice = Dice::of("purchases");
    let mut made = Purchases::default();
    let open_days: Vec<Date> = days.open_days().collect();
    for (left, day) in (0..open_days.len()).rev().zip(open_days) {
        let latest = LATEST.get(left).map(|steps| steps.to_vec());
        if latest.is_some() || dice.is(EACH_DAY_PERCENT) {
            let supplier = dice.pick(&data.suppliers)?;
            let steps = latest.unwrap_or_else(|| steps(days.ago(day), &mut dice));
            purchase(data, days, &mut dice, supplier, (day, steps), &mut made)?;
        }
    }
    Ok(made)
}

/// A supplier's invoice of a day, and the steps that it has taken.
fn purchase(
    data: &Data,
    days: &Days,
    dice: &mut Dice,
    supplier: &Partner,
    (day, steps): (Date, Vec<InvoiceState>),
    made: &mut Purchases,
) -> Result<(), Error> {
    let terms = Terms::of(&supplier.country)?;
    let ordinal = made.invoices.len() + 1;
    let is_theirs = |article: &&Article| article.supplier.as_ref() == Some(&supplier.key);
    let articles: Vec<&Article> = data.stock.iter().filter(is_theirs).collect();
    let mut lines = Vec::new();
    if articles.is_empty() {
        let words = format!("Services, {}", day.strftime("%B %Y"));
        lines.push(terms.line(&words, 1, dice.within(9_000..=180_000))?);
    }
    for article in articles.iter().take(3) {
        let pieces = dice.within(1..=40);
        lines.push(terms.line(&article.name, pieces, article.cost_cents)?);
    }
    let due_on = after(day, supplier.terms_days);
    let number = format!("{}-{:05}", day.year(), 20_000 + ordinal * 7);
    let is_payable = steps.last().is_some_and(|state| state.is_approved());
    let paid_on = days.open_from(due_on)?;
    if is_payable && paid_on <= days.today && !dice.is(FORGOTTEN_PERCENT) {
        made.receipts.push(Receipt {
            flow: Flow::Payable,
            party: Some(supplier.key.clone()),
            invoice: Some((format!("p{ordinal:04}"), number.clone())),
            amount: terms.due(&lines)?,
            value_date: paid_on,
            taken_back_on: None,
        });
    }
    made.invoices.push(SampleInvoice {
        key: format!("p{ordinal:04}"),
        party: supplier.key.clone(),
        flow: Flow::Payable,
        currency: terms.currency.code().to_owned(),
        issue_date: None,
        due_date: Some(due_on),
        lines,
        issue: false,
        supplier_number: Some(number),
        supplier_date: Some(day),
        steps,
        extra: Value::Null,
    });
    Ok(())
}

/// The steps that an invoice of so many days ago has taken.
fn steps(age_days: i64, dice: &mut Dice) -> Vec<InvoiceState> {
    if dice.is(REJECTED_PERCENT) {
        return vec![NeedsAttention, Rejected];
    }
    let is_odd = dice.is(ATTENTION_PERCENT);
    match age_days {
        ..=40 if is_odd => vec![NeedsAttention],
        ..=8 => vec![Matched],
        9..=16 => vec![Matched, Approved],
        _ => vec![Matched, Approved, Scheduled],
    }
}
