//! The arithmetic of an invoice: from quantities, prices and rates to net, tax and gross.
//!
//! The rules are EN 16931's, strictly: a line's net is rounded once, tax is computed on the sum per (category, rate) and
//! then rounded. Every rounding is to the currency's minor unit, half away from zero. Knows no parties, numbers or
//! states, and does not judge whether a category may carry a rate. Entered by [`compute`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::decimal::{Decimal, DecimalError};
use crate::money::{Currency, Money, MoneyError};

/// Most lines of one invoice.
pub const LINES_MAX: usize = 1000;
/// Most allowances and charges of one line, and of the document.
pub const ADJUSTMENTS_MAX: usize = 100;
/// Longest code of a tax category, in bytes.
pub const CATEGORY_BYTES_MAX: usize = 16;

/// Why an invoice has no totals. Lines and adjustments are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TotalsError {
    /// The invoice has more than [`LINES_MAX`] lines.
    #[error("an invoice has at most {LINES_MAX} lines")]
    TooManyLines,
    /// A line or the document has more than [`ADJUSTMENTS_MAX`] allowances and charges.
    #[error("{place} has more than {ADJUSTMENTS_MAX} allowances and charges")]
    TooManyAdjustments {
        /// Where.
        place: Place,
    },
    /// The category is empty or longer than [`CATEGORY_BYTES_MAX`], or the rate is negative.
    #[error(
        "the tax of {place} needs a category of 1 to {CATEGORY_BYTES_MAX} bytes and a rate of at least 0"
    )]
    InvalidTax {
        /// Where.
        place: Place,
    },
    /// A line's allowance or charge names another tax than its line; EN 16931 taxes them together.
    #[error("an allowance or charge of {place} has another tax than the line")]
    MixedTax {
        /// Where.
        place: Place,
    },
    /// A figure is too large or has too many digits.
    #[error("a figure of {place} is out of range")]
    OutOfRange {
        /// Where.
        place: Place,
        /// What the arithmetic met.
        source: MoneyError,
    },
}

/// The part of an invoice that an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line, by index.
    Line(usize),
    /// An allowance or charge of the document, by index.
    DocumentAdjustment(usize),
    /// The document's sums.
    Document,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(index) => write!(formatter, "line {index}"),
            Self::DocumentAdjustment(index) => write!(formatter, "document adjustment {index}"),
            Self::Document => formatter.write_str("the document"),
        }
    }
}

/// A tax category and its rate. The derived order is the order of tax totals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// EN 16931 VAT category code (BT-151), such as "S".
    pub category: String,
    /// Rate in percent (BT-152).
    pub rate: Decimal,
}

/// One allowance or charge, net of tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentInput {
    /// A charge adds, an allowance takes away.
    pub is_charge: bool,
    /// How much, in major units.
    pub amount: Decimal,
    /// On a line: the line's tax. On the document: the tax of the sum that it changes.
    pub tax: Tax,
}

/// What a line's net is computed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineInput {
    /// Invoiced quantity (BT-129); negative for what is taken back.
    pub quantity: Decimal,
    /// Net price of one unit (BT-146), in major units.
    pub unit_price: Decimal,
    /// Allowances and charges of this line (BG-27, BG-28).
    pub adjustments: Vec<AdjustmentInput>,
    /// The line's tax.
    pub tax: Tax,
}

/// The sum of one (category, rate) and its tax (BG-23).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxTotal {
    /// Category and rate, the rate without zeros at its end.
    pub tax: Tax,
    /// What is taxed (BT-116).
    pub taxable: Money,
    /// The tax (BT-117).
    pub amount: Money,
}

/// Every computed figure of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_field_names,
    reason = "one word per idea: the contract says tax-totals"
)]
pub struct Totals {
    /// Net of each line (BT-131), in the order of the lines.
    pub line_nets: Vec<Money>,
    /// Sum without tax, document adjustments included (BT-109).
    pub net: Money,
    /// Sum of the tax totals (BT-110).
    pub tax: Money,
    /// Sum with tax (BT-112).
    pub gross: Money,
    /// One for each (category, rate) that occurs, by category, then rate.
    pub tax_totals: Vec<TaxTotal>,
    /// What is to be paid after all (BT-115), if something was paid in advance or is rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Money>,
}

impl Totals {
    /// What is to be paid: the sum with tax, unless something was paid in advance or is rounded.
    pub fn payable(&self) -> Money {
        self.due.unwrap_or(self.gross)
    }

    /// The same with what was paid in advance (BT-113) and what rounds (BT-114), in major units.
    pub fn settled_by(
        self,
        prepaid: Option<Decimal>,
        rounding: Option<Decimal>,
    ) -> Result<Self, MoneyError> {
        if prepaid.is_none() && rounding.is_none() {
            return Ok(Self { due: None, ..self });
        }
        let part = |amount: Option<Decimal>| {
            let none = Money::zero(self.gross.currency);
            amount.map_or(Ok(none), |it| Money::from_decimal(it, self.gross.currency))
        };
        let due = self
            .gross
            .checked_sub(part(prepaid)?)?
            .checked_add(part(rounding)?)?;
        Ok(Self {
            due: Some(due),
            ..self
        })
    }
}

/// Computes the figures of an invoice. An invoice without lines has totals of nothing.
///
/// ```
/// use bursar_domain::decimal::Decimal;
/// use bursar_domain::money::Currency;
/// use bursar_domain::totals::{LineInput, Tax, compute};
///
/// let line = LineInput {
///     quantity: Decimal::parse("3")?,
///     unit_price: Decimal::parse("9.995")?,
///     adjustments: Vec::new(),
///     tax: Tax { category: "S".to_owned(), rate: Decimal::parse("20")? },
/// };
/// let totals = compute(&[line], &[], Currency::parse("EUR")?)?;
/// assert_eq!(totals.net.format(), "29.99 EUR");
/// assert_eq!(totals.gross.format(), "35.99 EUR");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compute(
    lines: &[LineInput],
    adjustments: &[AdjustmentInput],
    currency: Currency,
) -> Result<Totals, TotalsError> {
    if lines.len() > LINES_MAX {
        return Err(TotalsError::TooManyLines);
    }
    check_count(adjustments, Place::Document)?;
    let mut line_nets = Vec::with_capacity(lines.len());
    let mut taxable = Taxable {
        currency,
        sums: BTreeMap::new(),
    };
    for (index, line) in lines.iter().enumerate() {
        let place = Place::Line(index);
        check_line(line, place)?;
        let net = line_net(line, currency).map_err(out_of_range(place))?;
        taxable.add(&line.tax, net)?;
        line_nets.push(net);
    }
    for (index, adjustment) in adjustments.iter().enumerate() {
        let place = Place::DocumentAdjustment(index);
        check_tax(&adjustment.tax, place)?;
        let effect =
            Money::round_from(effect(adjustment), currency).map_err(out_of_range(place))?;
        taxable.add(&adjustment.tax, effect)?;
    }
    sum_up(line_nets, taxable).map_err(out_of_range(Place::Document))
}

/// Sums by tax, rates by value: "20" and "20.0" are one sum, named by the shorter text.
struct Taxable {
    currency: Currency,
    sums: BTreeMap<Tax, Money>,
}

impl Taxable {
    fn add(&mut self, tax: &Tax, amount: Money) -> Result<(), TotalsError> {
        let tax = Tax {
            category: tax.category.clone(),
            rate: tax.rate.normalized(),
        };
        let sum = self.sums.entry(tax).or_insert(Money::zero(self.currency));
        *sum = sum
            .checked_add(amount)
            .map_err(out_of_range(Place::Document))?;
        Ok(())
    }
}

fn sum_up(line_nets: Vec<Money>, taxable: Taxable) -> Result<Totals, MoneyError> {
    let Taxable { currency, sums } = taxable;
    let mut tax_totals = Vec::with_capacity(sums.len());
    for (tax, taxable) in sums {
        let amount = tax_amount(taxable, tax.rate)?;
        tax_totals.push(TaxTotal {
            tax,
            taxable,
            amount,
        });
    }
    // Every line and adjustment is in exactly one of the sums, so the sums add up to the net.
    let net = Money::checked_sum(tax_totals.iter().map(|total| total.taxable), currency)?;
    let tax = Money::checked_sum(tax_totals.iter().map(|total| total.amount), currency)?;
    let gross = net.checked_add(tax)?;
    Ok(Totals {
        line_nets,
        net,
        tax,
        gross,
        tax_totals,
        due: None,
    })
}

fn line_net(line: &LineInput, currency: Currency) -> Result<Money, MoneyError> {
    let price = line.quantity.checked_mul(line.unit_price)?;
    let exact = line
        .adjustments
        .iter()
        .map(effect)
        .try_fold(price, Decimal::checked_add)?;
    Money::round_from(exact, currency)
}

/// What an allowance or charge adds; an allowance adds less than nothing.
fn effect(adjustment: &AdjustmentInput) -> Decimal {
    if adjustment.is_charge {
        adjustment.amount
    } else {
        adjustment.amount.negated()
    }
}

fn tax_amount(taxable: Money, rate_percent: Decimal) -> Result<Money, MoneyError> {
    let hundredth: Result<Decimal, DecimalError> = Decimal::new(1, 2);
    let exact = taxable
        .to_decimal()
        .checked_mul(rate_percent)?
        .checked_mul(hundredth?)?;
    Money::round_from(exact, taxable.currency)
}

fn check_line(line: &LineInput, place: Place) -> Result<(), TotalsError> {
    check_tax(&line.tax, place)?;
    check_count(&line.adjustments, place)?;
    if line
        .adjustments
        .iter()
        .any(|adjustment| adjustment.tax != line.tax)
    {
        return Err(TotalsError::MixedTax { place });
    }
    Ok(())
}

fn check_count(adjustments: &[AdjustmentInput], place: Place) -> Result<(), TotalsError> {
    if adjustments.len() > ADJUSTMENTS_MAX {
        return Err(TotalsError::TooManyAdjustments { place });
    }
    Ok(())
}

fn check_tax(tax: &Tax, place: Place) -> Result<(), TotalsError> {
    let category_is_valid = (1..=CATEGORY_BYTES_MAX).contains(&tax.category.len());
    if category_is_valid && !tax.rate.is_negative() {
        Ok(())
    } else {
        Err(TotalsError::InvalidTax { place })
    }
}

fn out_of_range(place: Place) -> impl Fn(MoneyError) -> TotalsError {
    move |source| TotalsError::OutOfRange { place, source }
}

#[cfg(test)]
mod tests;
