//! Receivables of two years, and what became of them.

use std::collections::BTreeMap;

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, Line, number_text},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    broken,
    data::{Article, Data, Partner},
    days::{Days, after},
    dice::Dice,
    trade::{Receipt, Terms},
};
use crate::{
    credits::LineCredit,
    error::Error,
    sample::{SampleCreditNote, SampleDunning, SampleInvoice, SampleWriteOff},
};

/// Invoices that nobody has issued yet.
const DRAFTS: usize = 5;
/// Most of a rest that is written off, in cents: the legal entity's limit.
const WRITE_OFF_CENTS_MAX: i64 = 1_000_000;
/// Days past due after which a debt is given up.
const GIVEN_UP_DAYS: i64 = 150;
/// Days past due from which each level of reminders is sent.
const REMINDED_DAYS: [i64; 3] = [14, 30, 45];
/// A payment that the bank took back so long ago has been made again.
const TAKEN_BACK_DAYS_MAX: i64 = 120;
/// What customers say.
const DISPUTES: [&str; 3] = [
    "One cabinet arrived with a broken door.",
    "The agreed discount is missing.",
    "Delivered to the wrong floor; the carrier's bill is deducted.",
];

/// Receivables and what belongs to them.
#[derive(Default)]
pub(super) struct Sales {
    pub invoices: Vec<SampleInvoice>,
    pub credit_notes: Vec<SampleCreditNote>,
    pub receipts: Vec<Receipt>,
    pub write_offs: Vec<SampleWriteOff>,
    pub dunnings: Vec<SampleDunning>,
}

/// What becomes of an invoice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Paid,
    Credited,
    Returned,
    InParts,
    Short,
    Never,
    Disputed,
    TakenBack,
    TooMuch,
}

/// An invoice that was issued.
struct Sale<'d> {
    key: String,
    number: String,
    customer: &'d Partner,
    terms: Terms,
    lines: Vec<Line>,
    issued_on: Date,
    due_on: Date,
    due_minor: i64,
    /// What is open of it today.
    open_minor: i64,
}

pub(super) fn sell(data: &Data, days: &Days) -> Result<Sales, Error> {
    let mut seller = Seller {
        data,
        days,
        dice: Dice::of("sales"),
        goods: data
            .stock
            .iter()
            .filter(|it| it.price_cents.is_some())
            .collect(),
        numbers: BTreeMap::new(),
        made: Sales::default(),
    };
    for day in days.open_days() {
        let count = match seller.dice.within(1..=100) {
            ..=35 => 0,
            36..=80 => 1,
            _ => 2,
        };
        for _ in 0..count {
            seller.sale(day)?;
        }
    }
    for _ in 0..DRAFTS {
        let customer = seller.dice.pick(&data.customers)?;
        let (_, draft) = seller.draft(customer, Value::Null)?;
        seller.made.invoices.push(draft);
    }
    let mut made = seller.made;
    made.credit_notes.sort_by_key(|note| note.issue_date);
    made.write_offs.sort_by_key(|row| row.date);
    Ok(made)
}

struct Seller<'d> {
    data: &'d Data,
    days: &'d Days,
    dice: Dice,
    goods: Vec<&'d Article>,
    /// The last number of each year.
    numbers: BTreeMap<i16, i64>,
    made: Sales,
}

impl<'d> Seller<'d> {
    fn draft(&mut self, customer: &Partner, extra: Value) -> Result<(Terms, SampleInvoice), Error> {
        let terms = Terms::of(&customer.country)?;
        let mut lines = Vec::new();
        for _ in 0..self.dice.within(1..=4) {
            let article = self.dice.pick(&self.goods)?;
            let cents = article.price_cents.unwrap_or(article.cost_cents);
            let pieces = self.dice.within(1..=8);
            lines.push(terms.line(&article.name, pieces, cents)?);
        }
        let invoice = SampleInvoice {
            key: format!("r{:04}", self.made.invoices.len() + 1),
            party: customer.key.clone(),
            flow: Flow::Receivable,
            currency: terms.currency.code().to_owned(),
            issue_date: None,
            due_date: Some(after(self.days.today, customer.terms_days)),
            lines,
            issue: false,
            supplier_number: None,
            supplier_date: None,
            steps: Vec::new(),
            extra,
        };
        Ok((terms, invoice))
    }

    /// An invoice that is issued on a day, and what became of it since.
    fn sale(&mut self, day: Date) -> Result<(), Error> {
        let customer = self.dice.pick(&self.data.customers)?;
        let fate = self.fate();
        let extra = match fate {
            Fate::Disputed => json!({"disputed": self.dice.pick(&DISPUTES)?}),
            _ => Value::Null,
        };
        let (terms, mut invoice) = self.draft(customer, extra)?;
        let due_on = after(day, customer.terms_days);
        invoice.issue = true;
        invoice.issue_date = Some(day);
        invoice.due_date = Some(due_on);
        let last = self.numbers.entry(day.year()).or_default();
        *last += 1;
        let due_minor = terms.due(&invoice.lines)?.minor;
        let mut sale = Sale {
            key: invoice.key.clone(),
            number: number_text("INV", day.year(), *last),
            customer,
            terms,
            lines: invoice.lines.clone(),
            issued_on: day,
            due_on,
            due_minor,
            open_minor: due_minor,
        };
        self.made.invoices.push(invoice);
        self.settle(&mut sale, fate)?;
        if fate != Fate::Disputed {
            self.remind(&sale);
        }
        Ok(())
    }

    fn fate(&mut self) -> Fate {
        match self.dice.within(1..=100) {
            1..=3 => Fate::Credited,
            4..=6 => Fate::Returned,
            7..=9 => Fate::InParts,
            10..=11 => Fate::Short,
            12..=13 => Fate::Never,
            14..=15 => Fate::Disputed,
            16..=17 => Fate::TakenBack,
            18 => Fate::TooMuch,
            _ => Fate::Paid,
        }
    }

    fn settle(&mut self, sale: &mut Sale<'d>, fate: Fate) -> Result<(), Error> {
        let late_days = sale.customer.late_days + self.dice.within(-2..=6);
        let paid_on = self
            .days
            .open_from(after(sale.due_on, late_days).max(sale.issued_on))?;
        let due = sale.due_minor;
        match fate {
            Fate::Paid => self.pay(sale, due, paid_on),
            Fate::Credited => self.credit(sale, &[])?,
            Fate::Returned => {
                let line = sale.lines.first().cloned();
                let one = Decimal::new(1, 0).map_err(broken)?;
                let returned = line.map(|line| Line {
                    quantity: one,
                    ..line
                });
                self.credit(sale, returned.as_slice())?;
                self.pay(sale, sale.open_minor, paid_on);
            }
            Fate::InParts => {
                self.pay(sale, due / 2, paid_on);
                let rest_on = self.days.open_from(after(paid_on, 75))?;
                self.pay(sale, due - due / 2, rest_on);
            }
            Fate::Short => {
                let rest = self.dice.within(1..=90) * i64::from(sale.terms.is_in_euros());
                self.pay(sale, due - rest, paid_on);
                self.give_up(sale, rest, self.days.booked_on(paid_on), "cash-discount");
            }
            Fate::Never => {
                let given_up_on = self.days.open_from(after(sale.due_on, GIVEN_UP_DAYS))?;
                self.give_up(sale, due, given_up_on, "bad-debt");
            }
            Fate::Disputed => {
                let settled_on = self.days.open_from(after(sale.due_on, 100))?;
                self.pay(sale, due, settled_on);
            }
            Fate::TakenBack => {
                let taken_back_on = self.days.open_from(after(paid_on, 3))?;
                let is_recent = (0..=TAKEN_BACK_DAYS_MAX).contains(&self.days.ago(taken_back_on));
                self.pay(sale, due, paid_on);
                if let Some(receipt) = self.made.receipts.last_mut().filter(|_| is_recent) {
                    receipt.taken_back_on = Some(taken_back_on);
                    sale.open_minor = due;
                }
            }
            Fate::TooMuch => {
                let too_much = self.dice.within(100..=5000);
                self.pay(sale, due, paid_on);
                self.receive(sale, None, too_much, paid_on);
            }
        }
        Ok(())
    }

    /// Part of it is paid on a day, if that day has come.
    fn pay(&mut self, sale: &mut Sale<'d>, minor: i64, value_date: Date) {
        if value_date <= self.days.today && minor > 0 {
            let names = (sale.key.clone(), sale.number.clone());
            self.receive(sale, Some(names), minor, value_date);
            sale.open_minor -= minor;
        }
    }

    fn receive(
        &mut self,
        sale: &Sale<'d>,
        invoice: Option<(String, String)>,
        minor: i64,
        value_date: Date,
    ) {
        if value_date <= self.days.today {
            self.made.receipts.push(Receipt {
                flow: Flow::Receivable,
                party: Some(sale.customer.key.clone()),
                invoice,
                amount: sale.terms.money(minor),
                value_date,
                taken_back_on: None,
            });
        }
    }

    /// A credit note of the whole invoice, or of its first line as it is given.
    fn credit(&mut self, sale: &mut Sale<'d>, lines: &[Line]) -> Result<(), Error> {
        let wanted_on = after(sale.issued_on, self.dice.within(3..=10));
        let issue_date = self.days.open_from(wanted_on)?;
        if issue_date > self.days.today {
            return Ok(());
        }
        let credited = match lines {
            [] => sale.due_minor,
            lines => sale.terms.due(lines)?.minor,
        };
        let taken_back = lines.iter().map(|line| LineCredit {
            line: 1,
            quantity: line.quantity,
        });
        self.made.credit_notes.push(SampleCreditNote {
            key: format!("{}-cn", sale.key),
            invoice: sale.key.clone(),
            lines: taken_back.collect(),
            issue_date,
        });
        sale.open_minor -= credited;
        Ok(())
    }

    /// What is open is written off on a day, if that day has come and the limit, which is in euros, allows it.
    fn give_up(&mut self, sale: &mut Sale<'d>, minor: i64, date: Date, reason: &str) {
        let is_allowed = sale.terms.is_in_euros() && (1..=WRITE_OFF_CENTS_MAX).contains(&minor);
        if date <= self.days.today && is_allowed && sale.open_minor == minor {
            self.made.write_offs.push(SampleWriteOff {
                invoice: sale.key.clone(),
                amount: sale.terms.money(minor).to_string(),
                reason: reason.to_owned(),
                date: Some(date),
            });
            sale.open_minor -= minor;
        }
    }

    fn remind(&mut self, sale: &Sale<'d>) {
        let past_due = self.days.ago(sale.due_on);
        let levels = REMINDED_DAYS.iter().filter(|days| past_due > **days);
        let level = u32::try_from(levels.count()).unwrap_or(0);
        if level > 0 && sale.open_minor > 0 {
            self.made.dunnings.push(SampleDunning {
                invoice: sale.key.clone(),
                level,
            });
        }
    }
}
