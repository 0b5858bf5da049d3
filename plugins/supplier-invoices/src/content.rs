//! A supplier's invoice as the host takes it in, and what the host will compute from it.
//!
//! The host multiplies, rounds half away from zero and taxes the sum per category and rate. Where a line of the sender
//! differs from that, the difference stands on the line as an allowance or charge, so that its net stays the sender's. A
//! total below zero is what goes the other way: the same invoice with its signs turned is a credit note, and the reverse.
//! What the host has no field for is kept in `extra`. Pure. Entered through [`content`].

use std::collections::BTreeMap;

use bursar_sdk::rows::{self, Flow, InvoiceContent, InvoiceKind, InvoiceLine};
use bursar_sdk::{Money, exponent};

use crate::einvoice::{self, Adjustment, Fault, Invoice, Line};
use crate::exact::{Exact, Rounding};
use crate::extra;
use crate::recompute::{self, Deviation, tax_on};

/// Unit of a line that names none: "one" (UN/ECE Rec 20).
const UNIT_ONE: &str = "C62";
/// Longest unit code or number that the host takes, in bytes.
const CODE_BYTES_MAX: usize = 100;
/// Stands on an allowance or charge that keeps a line's net as the sender has it.
pub const DIFFERENCE_REASON: &str = "Difference to the supplier's own line total";

/// The document that an invoice comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its id.
    pub document: &'a str,
    /// The digest of its content.
    pub sha256: &'a str,
}

/// Who it is for and from, and which file it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Ours.
    pub legal_entity: &'a str,
    /// The supplier's record.
    pub party: &'a str,
    /// The invoice that it refers to, if the books have it.
    pub corrects: Option<String>,
    /// The file.
    pub source: Source<'a>,
}

/// What the host computes from a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTotals {
    /// Net of each line.
    pub line_nets: Vec<Money>,
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// With tax.
    pub gross: Money,
}

/// Which way the sender's signs go in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// As they stand.
    Kept,
    /// Turned, since the total is below zero.
    Turned,
}

impl Signs {
    /// Of an invoice as a whole.
    pub fn of(invoice: &Invoice) -> Self {
        if invoice.totals.gross.value.is_negative() {
            Self::Turned
        } else {
            Self::Kept
        }
    }

    /// A figure in the books.
    pub fn apply(self, value: Exact) -> Exact {
        match self {
            Self::Kept => value,
            Self::Turned => value.negated(),
        }
    }
}

/// The content that an invoice becomes. A figure that the host cannot hold is a fault.
pub fn content(
    invoice: &Invoice,
    deviations: &[Deviation],
    frame: &Frame<'_>,
) -> Result<InvoiceContent, Fault> {
    let signs = Signs::of(invoice);
    let digits = u32::from(exponent(&invoice.currency));
    let lines = invoice.lines.iter().enumerate();
    let lines: Result<Vec<InvoiceLine>, Fault> = lines
        .map(|(index, line)| {
            let held = host_line(index, line, signs, digits);
            held.ok_or_else(|| out_of_range("BT-131", format!("line {}", line.id)))
        })
        .collect();
    let adjustments = invoice.adjustments.iter();
    let adjustments: Option<Vec<rows::Adjustment>> = adjustments
        .map(|it| adjustment(it, &tax(it.tax.as_ref()), signs))
        .collect();
    Ok(InvoiceContent {
        flow: Flow::Payable,
        kind: kind(invoice, signs),
        legal_entity: frame.legal_entity.to_owned(),
        party: frame.party.to_owned(),
        currency: invoice.currency.clone(),
        supply_date: invoice.delivery_date.clone(),
        due_date: invoice.due_date.clone(),
        lines: lines?,
        adjustments: adjustments.ok_or_else(|| out_of_range("BT-92", "document".to_owned()))?,
        supplier_number: Some(number(invoice)?),
        corrects: frame.corrects.clone(),
        extra: extra::of_invoice(invoice, deviations, signs, frame.source).to_string(),
    })
}

fn out_of_range(term: &'static str, place: String) -> Fault {
    Fault {
        term,
        place,
        message: "a figure has more digits than the books can hold".to_owned(),
    }
}

fn number(invoice: &Invoice) -> Result<String, Fault> {
    let number = invoice.number.as_str();
    let is_usable = number.len() <= CODE_BYTES_MAX && number.chars().any(char::is_alphanumeric);
    if is_usable {
        return Ok(number.to_owned());
    }
    Err(Fault {
        term: "BT-1",
        place: "document".to_owned(),
        message: format!("a number has letters or digits and at most {CODE_BYTES_MAX} bytes"),
    })
}

/// BT-3 by meaning.
fn kind(invoice: &Invoice, signs: Signs) -> InvoiceKind {
    match (invoice.is_credit_note(), signs) {
        (true, Signs::Kept) | (false, Signs::Turned) => InvoiceKind::CreditNote,
        (true, Signs::Turned) => InvoiceKind::Invoice,
        (false, Signs::Kept) => match invoice.type_code.as_str() {
            "384" => InvoiceKind::Corrective,
            "386" => InvoiceKind::Prepayment,
            _ => InvoiceKind::Invoice,
        },
    }
}

fn tax(tax: Option<&einvoice::Tax>) -> rows::Tax {
    let tax = tax.cloned().unwrap_or_default();
    rows::Tax {
        category: tax.category,
        rate: tax.rate,
    }
}

fn host_line(index: usize, line: &Line, signs: Signs, digits: u32) -> Option<InvoiceLine> {
    let tax = tax(line.tax.as_ref());
    let one = Exact::whole(1);
    let base = line.base_quantity.as_ref().map_or(one, |it| it.value);
    let adjustments = line.adjustments.iter();
    let adjustments: Option<Vec<rows::Adjustment>> =
        adjustments.map(|it| adjustment(it, &tax, signs)).collect();
    let unit = line
        .unit
        .as_deref()
        .map(|unit| einvoice::cut(unit, CODE_BYTES_MAX));
    let mut held = InvoiceLine {
        description: description(index, line),
        quantity: signs.apply(quantity(line, digits)?).to_decimal()?,
        unit: unit.unwrap_or(UNIT_ONE).to_owned(),
        unit_price: line.price.value.over(base)?.to_decimal()?,
        tax,
        adjustments: adjustments?,
        extra: extra::of_line(line).to_string(),
    };
    let theirs = signs
        .apply(line.net.value)
        .round(digits, Rounding::HalfAwayFromZero)?;
    let ours = line_net(&held)?.round(digits, Rounding::HalfAwayFromZero)?;
    let difference = theirs.minus(ours)?;
    if !difference.is_zero() {
        held.adjustments.push(rows::Adjustment {
            is_charge: !difference.is_negative(),
            amount: difference.absolute().to_decimal()?,
            reason: DIFFERENCE_REASON.to_owned(),
            tax: held.tax.clone(),
        });
    }
    Some(held)
}

/// BT-129, below zero where the line's net shows that something was returned and the sender leaves the minus out.
fn quantity(line: &Line, digits: u32) -> Option<Exact> {
    let computed = recompute::line_net(line)?.round(digits, Rounding::HalfAwayFromZero)?;
    let is_minus_left_out = !computed.is_zero() && line.net.value == computed.negated();
    let quantity = line.quantity.value;
    Some(if is_minus_left_out && line.adjustments.is_empty() {
        quantity.negated()
    } else {
        quantity
    })
}

fn description(index: usize, line: &Line) -> String {
    if line.name.is_empty() {
        format!("Line {}", index + 1)
    } else {
        line.name.clone()
    }
}

/// The host's amounts are not below zero: a negative allowance is a charge.
fn adjustment(of: &Adjustment, tax: &rows::Tax, signs: Signs) -> Option<rows::Adjustment> {
    let amount = signs.apply(of.amount.value);
    Some(rows::Adjustment {
        is_charge: of.is_charge != amount.is_negative(),
        amount: amount.absolute().to_decimal()?,
        reason: of.reason.clone(),
        tax: tax.clone(),
    })
}

/// What the host makes of a content; none if a figure is out of range.
pub fn host_totals(content: &InvoiceContent) -> Option<HostTotals> {
    let digits = u32::from(exponent(&content.currency));
    let rounded = |value: Exact| value.round(digits, Rounding::HalfAwayFromZero);
    let money = |value: Exact| Some(Money::new(value.minor_units(digits)?, &content.currency));
    let mut taxable: BTreeMap<(&str, &str), Exact> = BTreeMap::new();
    let mut line_nets = Vec::with_capacity(content.lines.len());
    for line in &content.lines {
        let net = rounded(line_net(line)?)?;
        line_nets.push(money(net)?);
        let sum = taxable.entry(tax_key(&line.tax)).or_default();
        *sum = sum.plus(net)?;
    }
    for adjustment in &content.adjustments {
        let sum = taxable.entry(tax_key(&adjustment.tax)).or_default();
        *sum = sum.plus(rounded(effect(adjustment)?)?)?;
    }
    let (mut net, mut tax) = (Exact::ZERO, Exact::ZERO);
    for ((_, rate), sum) in taxable {
        net = net.plus(sum)?;
        tax = tax.plus(rounded(tax_on(sum, rate)?)?)?;
    }
    Some(HostTotals {
        line_nets,
        net: money(net)?,
        tax: money(tax)?,
        gross: money(net.plus(tax)?)?,
    })
}

fn tax_key(tax: &rows::Tax) -> (&str, &str) {
    (&tax.category, &tax.rate)
}

fn line_net(line: &InvoiceLine) -> Option<Exact> {
    let price = Exact::parse(&line.unit_price)?;
    let of_quantity = Exact::parse(&line.quantity)?.times(price)?;
    let mut adjustments = line.adjustments.iter();
    adjustments.try_fold(of_quantity, |sum, it| sum.plus(effect(it)?))
}

fn effect(adjustment: &rows::Adjustment) -> Option<Exact> {
    let amount = Exact::parse(&adjustment.amount)?;
    Some(if adjustment.is_charge {
        amount
    } else {
        amount.negated()
    })
}

#[cfg(test)]
mod tests;
