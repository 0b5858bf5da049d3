//! Whether an invoice adds up: every figure that follows from others, by the rules of EN 16931.
//!
//! Each rule is applied to the sender's own figures, as the official validators do, so that one difference is told once.
//! A figure that another common rounding explains, or that lies within the validators' tolerance, is a deviation; a sum or
//! a tax beyond it is a fault. Entered through [`check`].

use std::collections::BTreeMap;

use bursar_sdk::exponent;

use crate::einvoice::{Adjustment, Fault, Figure, Invoice, Line, Tax};
use crate::exact::{Exact, Rounding};

/// How far a line or a sum may be off, in hundredths of the currency's major unit (as in the Peppol rule R120).
const SLACK_HUNDREDTHS: i128 = 2;
/// How far a tax or what it is computed on must not be off, in major units (as in BR-CO-17 and BR-S-08).
const TAX_SLACK: i128 = 1;
/// Most digits after the point of an amount in EN 16931, whatever the currency.
const STANDARD_DIGITS: u32 = 2;

/// A figure that is not what the host computes, and is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Term of EN 16931.
    pub term: &'static str,
    /// Where, as in [`Fault`].
    pub place: String,
    /// As the sender wrote it, "" where it is missing.
    pub theirs: String,
    /// By the host's rounding.
    pub ours: String,
    /// Why it is accepted.
    pub cause: Cause,
}

/// Why a deviation is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Another rounding gives the sender's figure: half toward plus infinity, to whole units, or none.
    Rounding,
    /// The validators accept a difference of this size.
    Tolerated,
    /// A line of something returned whose quantity and price leave the minus out.
    Sign,
    /// A line whose net does not follow from quantity and price, which no validator looks at: a person should.
    Stated,
    /// A sum that may be left out, and is.
    LeftOut,
    /// Nothing is computed from it.
    NotUsed,
}

impl Cause {
    /// As it is recorded.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rounding => "rounding",
            Self::Tolerated => "tolerated",
            Self::Sign => "sign",
            Self::Stated => "stated",
            Self::LeftOut => "left-out",
            Self::NotUsed => "not-used",
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Accepted.
    pub deviations: Vec<Deviation>,
    /// Not accepted.
    pub faults: Vec<Fault>,
}

/// Recomputes an invoice.
pub fn check(invoice: &Invoice) -> Findings {
    let mut judge = Judge {
        digits: u32::from(exponent(&invoice.currency)),
        is_in_whole_units: stated(invoice).all(|figure| figure.value.is_whole()),
        findings: Findings::default(),
    };
    for line in &invoice.lines {
        check_line(&mut judge, line);
    }
    for (index, adjustment) in invoice.adjustments.iter().enumerate() {
        let place = format!("allowance or charge {}", index + 1);
        check_percentage(&mut judge, &place, adjustment);
    }
    check_sums(&mut judge, invoice);
    check_taxes(&mut judge, invoice);
    check_totals(&mut judge, invoice);
    judge.findings
}

/// Quantity times price, with the line's allowances and charges (BT-131 before it is rounded).
pub fn line_net(line: &Line) -> Option<Exact> {
    let one = Exact::whole(1);
    let base = line.base_quantity.as_ref().map_or(one, |it| it.value);
    let price = line.price.value.over(base)?;
    let of_quantity = line.quantity.value.times(price)?;
    let mut adjustments = line.adjustments.iter();
    adjustments.try_fold(of_quantity, |sum, it| sum.plus(effect(it)))
}

fn effect(adjustment: &Adjustment) -> Exact {
    if adjustment.is_charge {
        adjustment.amount.value
    } else {
        adjustment.amount.value.negated()
    }
}

/// Every amount that shows in what units the sender rounds.
fn stated(invoice: &Invoice) -> impl Iterator<Item = &Figure> {
    let totals = &invoice.totals;
    let sums = [&totals.lines, &totals.net, &totals.gross];
    let taxes = invoice.taxes.iter();
    let lines = invoice.lines.iter().map(|line| &line.net);
    sums.into_iter()
        .chain(lines)
        .chain(taxes.flat_map(|tax| [&tax.taxable, &tax.amount]))
}

/// How far a figure may be off.
#[derive(Clone, Copy)]
enum Slack {
    Line,
    Sum,
    Tax,
    Unused,
}

struct Judge {
    digits: u32,
    is_in_whole_units: bool,
    findings: Findings,
}

impl Judge {
    /// Holds a figure against what it must be before it is rounded; none of it is out of range.
    fn compare(
        &mut self,
        term: &'static str,
        place: &str,
        theirs: Option<&Figure>,
        exact: Option<Exact>,
        slack: Slack,
    ) {
        let value = theirs.map_or(Exact::ZERO, |it| it.value);
        let theirs = theirs.map_or("", |it| it.text.as_str());
        let rounded = exact.and_then(|exact| exact.round(self.digits, Rounding::HalfAwayFromZero));
        let (Some(exact), Some(ours)) = (exact, rounded) else {
            self.fault(
                term,
                place,
                "the figures it follows from are out of range".to_owned(),
            );
            return;
        };
        if value == ours {
            return;
        }
        let Some(cause) = self.cause(value, exact, slack) else {
            let stated = if theirs.is_empty() { "nothing" } else { theirs };
            self.fault(
                term,
                place,
                format!("{stated} is stated, {ours} follows from the other figures"),
            );
            return;
        };
        self.findings.deviations.push(Deviation {
            term,
            place: place.to_owned(),
            theirs: theirs.to_owned(),
            ours: ours.to_string(),
            cause,
        });
    }

    /// What a sum is that may be left out: as it is stated, else as it follows.
    fn optional_sum(
        &mut self,
        term: &'static str,
        stated: Option<&Figure>,
        exact: Option<Exact>,
    ) -> Option<Exact> {
        if let (None, Some(exact)) = (stated, exact) {
            if !exact.is_zero() {
                self.findings.deviations.push(Deviation {
                    term,
                    place: "document".to_owned(),
                    theirs: String::new(),
                    ours: exact.to_string(),
                    cause: Cause::LeftOut,
                });
            }
            return Some(exact);
        }
        self.compare(term, "document", stated, exact, Slack::Sum);
        stated.map(|it| it.value).or(exact)
    }

    fn cause(&self, theirs: Exact, exact: Exact, slack: Slack) -> Option<Cause> {
        let rounded = |digits, rounding| exact.round(digits, rounding) == Some(theirs);
        let mut digits = vec![self.digits, STANDARD_DIGITS];
        if self.is_in_whole_units {
            digits.push(0);
        }
        let is_rounded = digits.into_iter().any(|digits| {
            rounded(digits, Rounding::HalfPlusInfinity)
                || rounded(digits, Rounding::HalfAwayFromZero)
        });
        if theirs == exact || is_rounded {
            return Some(Cause::Rounding);
        }
        let difference = theirs.minus(exact)?.absolute();
        let most = Exact::whole(SLACK_HUNDREDTHS).over(Exact::whole(100))?;
        let is_close = !most.is_less_than(difference)?;
        match slack {
            Slack::Line if is_close => Some(Cause::Tolerated),
            Slack::Line
                if theirs.negated() == exact.round(self.digits, Rounding::HalfAwayFromZero)? =>
            {
                Some(Cause::Sign)
            }
            Slack::Line => Some(Cause::Stated),
            Slack::Sum => is_close.then_some(Cause::Tolerated),
            Slack::Tax => {
                let is_within = difference.is_less_than(Exact::whole(TAX_SLACK))?;
                is_within.then_some(Cause::Tolerated)
            }
            Slack::Unused => Some(Cause::NotUsed),
        }
    }

    fn fault(&mut self, term: &'static str, place: &str, message: String) {
        self.findings.faults.push(Fault {
            term,
            place: place.to_owned(),
            message,
        });
    }
}

fn check_line(judge: &mut Judge, line: &Line) {
    let place = format!("line {}", line.id);
    judge.compare(
        "BT-131",
        &place,
        Some(&line.net),
        line_net(line),
        Slack::Line,
    );
    if let (Some(discount), Some(gross)) = (&line.price_discount, &line.gross_price) {
        let digits = judge.digits;
        // Prices are exact: there is nothing to round.
        judge.digits = crate::exact::FRACTION_DIGITS_MAX;
        let price = gross.value.minus(discount.value);
        judge.compare("BT-146", &place, Some(&line.price), price, Slack::Unused);
        judge.digits = digits;
    }
    for adjustment in &line.adjustments {
        check_percentage(judge, &place, adjustment);
    }
}

/// An allowance or charge that names its percentage and base; its amount is what counts.
fn check_percentage(judge: &mut Judge, place: &str, adjustment: &Adjustment) {
    let (Some(base), Some(percent)) = (&adjustment.base, &adjustment.percent) else {
        return;
    };
    let hundredfold = base.value.times(percent.value);
    let exact = hundredfold.and_then(|it| it.over(Exact::whole(100)));
    judge.compare(
        "BT-92",
        place,
        Some(&adjustment.amount),
        exact,
        Slack::Unused,
    );
}

fn check_sums(judge: &mut Judge, invoice: &Invoice) {
    let totals = &invoice.totals;
    let lines = sum(invoice.lines.iter().map(|line| line.net.value));
    judge.compare("BT-106", "document", Some(&totals.lines), lines, Slack::Sum);
    let of = |is_charge| {
        let adjustments = invoice.adjustments.iter();
        sum(adjustments
            .filter(move |it| it.is_charge == is_charge)
            .map(|it| it.amount.value))
    };
    let allowances = judge.optional_sum("BT-107", totals.allowances.as_ref(), of(false));
    let charges = judge.optional_sum("BT-108", totals.charges.as_ref(), of(true));
    let net = allowances.and_then(|it| totals.lines.value.minus(it));
    let net = net.and_then(|it| it.plus(charges?));
    judge.compare("BT-109", "document", Some(&totals.net), net, Slack::Sum);
}

fn sum(mut values: impl Iterator<Item = Exact>) -> Option<Exact> {
    values.try_fold(Exact::ZERO, Exact::plus)
}

/// BG-23: what is taxed at each category and rate, and the tax on it.
fn check_taxes(judge: &mut Judge, invoice: &Invoice) {
    let mut computed: BTreeMap<Tax, Option<Exact>> = BTreeMap::new();
    let lines = invoice.lines.iter();
    let lines = lines.map(|line| (line.tax.clone(), line.net.value));
    let adjustments = invoice.adjustments.iter();
    let adjustments = adjustments.map(|it| (it.tax.clone(), effect(it)));
    for (tax, amount) in lines.chain(adjustments) {
        let taxable = computed.entry(tax.unwrap_or_default());
        let taxable = taxable.or_insert(Some(Exact::ZERO));
        *taxable = taxable.and_then(|sum| sum.plus(amount));
    }
    for subtotal in &invoice.taxes {
        computed
            .entry(subtotal.tax.clone())
            .or_insert(Some(Exact::ZERO));
    }
    for (tax, taxable) in computed {
        let place = format!("VAT {} {}", tax.category, tax.rate);
        let subtotals = invoice.taxes.iter().filter(|it| it.tax == tax);
        let subtotals: Vec<_> = subtotals.collect();
        let stated_taxable = together(subtotals.iter().map(|it| &it.taxable));
        let stated_tax = together(subtotals.iter().map(|it| &it.amount));
        judge.compare(
            "BT-116",
            &place,
            stated_taxable.as_ref(),
            taxable,
            Slack::Tax,
        );
        let on = stated_taxable.map(|it| it.value).or(taxable);
        let exact = on.and_then(|on| tax_on(on, &tax.rate));
        judge.compare("BT-117", &place, stated_tax.as_ref(), exact, Slack::Tax);
    }
}

/// The tax on an amount before it is rounded.
pub fn tax_on(taxable: Exact, rate: &str) -> Option<Exact> {
    let hundredfold = taxable.times(Exact::parse(rate)?)?;
    hundredfold.over(Exact::whole(100))
}

/// Figures that are one figure; none of none.
fn together<'a>(mut figures: impl Iterator<Item = &'a Figure>) -> Option<Figure> {
    let first = figures.next()?.clone();
    figures.try_fold(first, |sum, figure| {
        let value = sum.value.plus(figure.value)?;
        Some(Figure {
            text: value.to_string(),
            value,
        })
    })
}

fn check_totals(judge: &mut Judge, invoice: &Invoice) {
    let totals = &invoice.totals;
    let value = |figure: &Option<Figure>| figure.as_ref().map_or(Exact::ZERO, |it| it.value);
    let tax = sum(invoice.taxes.iter().map(|it| it.amount.value));
    let tax = judge.optional_sum("BT-110", totals.tax.as_ref(), tax);
    let gross = tax.and_then(|it| totals.net.value.plus(it));
    judge.compare("BT-112", "document", Some(&totals.gross), gross, Slack::Sum);
    let due = totals.gross.value.minus(value(&totals.prepaid));
    let due = due.and_then(|it| it.plus(value(&totals.rounding)));
    judge.compare("BT-115", "document", Some(&totals.due), due, Slack::Sum);
}

#[cfg(test)]
mod tests;
