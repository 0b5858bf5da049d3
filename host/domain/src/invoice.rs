//! Invoices, payments and allocations as they are stored, and the rules that hold between their images.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    decimal::Decimal,
    money::Money,
    problem::Problem,
    totals::{Tax, Totals},
};

/// Who owes: the customer us, or we the supplier.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Customers owe us.
    Receivable,
    /// We owe suppliers.
    Payable,
}

/// What the document is (EN 16931 BT-3, by meaning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceKind {
    /// Commercial invoice (380).
    Invoice,
    /// Credit note (381).
    CreditNote,
    /// Corrected invoice (384).
    Corrective,
    /// Prepayment invoice (386).
    Prepayment,
}

/// Stored state. Paid, part-paid and overdue are derived, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceState {
    /// A receivable that may still change.
    Draft,
    /// A receivable with its number; its content is final.
    Issued,
    /// A supplier's invoice that was taken in.
    Received,
}

/// One allowance (reduces) or charge (adds), net of tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// A charge adds, an allowance reduces.
    pub is_charge: bool,
    /// Not negative, in the invoice's currency.
    pub amount: Decimal,
    /// For people.
    pub reason: String,
    /// Tax of a document-level adjustment; on a line it is the line's.
    pub tax: Tax,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What was supplied (BT-153).
    pub description: String,
    /// How much (BT-129).
    pub quantity: Decimal,
    /// UN/ECE Rec 20 code (BT-130).
    pub unit: String,
    /// Net price of one unit (BT-146).
    pub unit_price: Decimal,
    /// Tax category and rate (BT-151, BT-152).
    pub tax: Tax,
    /// Allowances and charges on the line (BG-27, BG-28).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Further terms.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// Everything that an author of an invoice decides. Totals are the host's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceContent {
    /// Who owes whom.
    pub flow: Flow,
    /// What document it is.
    pub kind: InvoiceKind,
    /// Our legal entity.
    pub legal_entity: String,
    /// The other party: a record of the collection `parties`.
    pub party: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Date of supply, if it is not the issue date (BT-72).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supply_date: Option<Date>,
    /// When payment is due (BT-9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// 1 to 1000 lines.
    pub lines: Vec<Line>,
    /// Allowances and charges on the document (BG-20, BG-21).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// The supplier's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_number: Option<String>,
    /// The invoice that a note or corrective refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<String>,
    /// Further terms.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// An invoice as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Invoice {
    /// What the author decided, but for what stands beside it.
    #[serde(flatten)]
    pub content: InvoiceContent,
    /// Where it stands.
    pub state: InvoiceState,
    /// From the series, at commit.
    pub number: Option<String>,
    /// The date of issue (BT-2).
    pub issue_date: Option<Date>,
    /// The party's name when it was drafted or issued.
    pub party_name: String,
    /// Computed from the content.
    pub totals: Totals,
    /// Gross less allocations, credits and write-offs; zero while a draft.
    pub outstanding: Money,
    /// Highest dunning level recorded, 0 for none.
    pub dunning_level: u32,
    /// Structured creditor reference (ISO 11649), made from the number.
    pub reference: Option<String>,
}

/// A payment or the reversal of one. Only `unallocated` and `reversed_by` ever change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Payment {
    /// Receivable: money that came in. Payable: money that went out.
    pub flow: Flow,
    /// Our legal entity.
    pub legal_entity: String,
    /// Who paid or was paid, if known.
    pub party: Option<String>,
    /// Positive; a reversal's is negative.
    pub amount: Money,
    /// The bank's value date.
    pub value_date: Date,
    /// The bank's own reference, unique per bank account; may be empty.
    pub bank_reference: String,
    /// Our account, as an IBAN or the bank's own name for it.
    pub bank_account: String,
    /// What the bank statement said.
    pub text: String,
    /// Part of `amount` not allocated yet.
    pub unallocated: Money,
    /// The payment that this one takes back.
    pub reverses: Option<String>,
    /// The payment that takes this one back.
    pub reversed_by: Option<String>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

/// What settles (part of) an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// Money of a payment.
    Payment,
    /// Nobody will pay it: see the reason.
    WriteOff,
}

/// A part of a payment, or a write-off, that settles one invoice; a negative amount takes one back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Allocation {
    /// What settles.
    pub settlement: Settlement,
    /// The payment, or "" for a write-off.
    pub source: String,
    /// The invoice settled.
    pub invoice: String,
    /// In the invoice's currency.
    pub amount: Money,
    /// When it counts.
    pub date: Date,
    /// Why, for write-offs: bad-debt, cash-discount, rounding, bank-fee (open).
    pub reason: String,
}

/// A number series of one legal entity and fiscal year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The last number given; numbers are 1..=last without a gap.
    pub last: i64,
    /// Issue dates never go back.
    pub last_issue_date: Date,
}

/// The text that stands for a pending number until the commit replaces it.
pub fn number_token(invoice: &str) -> String {
    format!("⟦number:{invoice}⟧")
}

/// The text of the nth number of a series.
pub fn number_text(series: &str, fiscal_year: i16, ordinal: i64) -> String {
    format!("{series}-{fiscal_year:04}-{ordinal:06}")
}

/// A creditor reference (ISO 11649): "RF", two check digits by ISO 7064 mod 97-10, then the alphanumerics of the number.
pub fn creditor_reference(number: &str) -> String {
    let body: String = number
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .take(21)
        .collect();
    let digits = body
        .chars()
        .chain("RF00".chars())
        .filter_map(|c| c.to_digit(36));
    let remainder = digits.fold(0_u32, |rest, digit| {
        let shift = if digit > 9 { 100 } else { 10 };
        rest.wrapping_mul(shift).wrapping_add(digit) % 97
    });
    format!("RF{:02}{body}", 98_u32.wrapping_sub(remainder))
}

impl Invoice {
    /// Whether money can be set against it.
    pub fn is_open(&self) -> bool {
        self.state != InvoiceState::Draft && self.outstanding.minor > 0
    }

    /// Gives an invoice its number, date and reference: only the commit does it, and only once. Its outstanding amount
    /// was set to the gross amount when the run issued it, and may have been settled in part since.
    pub fn issue(&mut self, number: String, issue_date: Date) {
        self.state = InvoiceState::Issued;
        self.reference = Some(creditor_reference(&number));
        self.number = Some(number);
        self.issue_date = Some(issue_date);
    }
}

/// INV-1, INV-3, INV-4 and INV-8 between the images of one proposal, whatever the run read before.
///
/// `invoices` and `payments` hold each touched row's images before and after; `allocations` are the new ones.
pub fn check_settlement(
    invoices: &BTreeMap<String, (Option<Invoice>, Invoice)>,
    payments: &BTreeMap<String, (Option<Payment>, Payment)>,
    allocations: &[Allocation],
) -> Result<(), Problem> {
    for (id, (before, after)) in invoices {
        let settled = sum(allocations, |allocation| allocation.invoice == *id);
        check_invoice(id, before.as_ref(), after, settled)?;
    }
    for (id, (before, after)) in payments {
        let used = sum(allocations, |allocation| {
            allocation.settlement == Settlement::Payment && allocation.source == *id
        });
        check_payment(id, before.as_ref(), after, used)?;
    }
    allocations.iter().try_for_each(|allocation| {
        let known = invoices.contains_key(&allocation.invoice)
            && (allocation.settlement == Settlement::WriteOff
                || payments.contains_key(&allocation.source));
        if known {
            Ok(())
        } else {
            Err(Problem::new(
                "allocation-unbalanced",
                "an allocation changes its invoice and its payment",
            ))
        }
    })
}

/// Sum of some allocations; none if it is out of range.
fn sum(allocations: &[Allocation], of: impl Fn(&Allocation) -> bool) -> Option<i64> {
    allocations
        .iter()
        .filter(|allocation| of(allocation))
        .try_fold(0_i64, |sum, allocation| {
            sum.checked_add(allocation.amount.minor)
        })
}

fn check_invoice(
    id: &str,
    before: Option<&Invoice>,
    after: &Invoice,
    settled: Option<i64>,
) -> Result<(), Problem> {
    let opening = opening(id, before, after)?;
    let expected = settled.and_then(|sum| opening.checked_sub(sum));
    let allowed = 0..=after.totals.gross.minor.max(0);
    if expected == Some(after.outstanding.minor) && allowed.contains(&after.outstanding.minor) {
        return Ok(());
    }
    Err(Problem::new(
        "invoice-over-settled",
        format!("allocations of invoice {id} do not add up to its outstanding amount"),
    ))
}

/// What was open before this proposal's allocations.
fn opening(id: &str, before: Option<&Invoice>, after: &Invoice) -> Result<i64, Problem> {
    let is_issued_now = after.state == InvoiceState::Issued;
    match before {
        None if after.state == InvoiceState::Draft => Ok(0),
        None => Ok(after.totals.gross.minor),
        Some(before) if before.state == InvoiceState::Draft && is_issued_now => {
            Ok(after.totals.gross.minor)
        }
        Some(before) if before.state != after.state => Err(Problem::new(
            "invoice-transition",
            format!(
                "invoice {id} cannot go from {:?} to {:?}",
                before.state, after.state
            ),
        )),
        Some(before) if before.state != InvoiceState::Draft && !same_content(before, after) => {
            Err(Problem::new(
                "invoice-final",
                format!("the content of invoice {id} is final"),
            ))
        }
        Some(before) => Ok(before.outstanding.minor),
    }
}

fn check_payment(
    id: &str,
    before: Option<&Payment>,
    after: &Payment,
    used: Option<i64>,
) -> Result<(), Problem> {
    let fixed = |before: &Payment| Payment {
        unallocated: before.unallocated,
        reversed_by: before.reversed_by.clone(),
        ..after.clone()
    };
    if before.is_some_and(|before| fixed(before) != *before) {
        return Err(Problem::new(
            "payment-final",
            format!("payment {id} is final: reverse it"),
        ));
    }
    if after.reverses.is_some() || after.reversed_by.is_some() {
        if after.unallocated.minor == 0 {
            return Ok(());
        }
        return Err(Problem::new(
            "payment-reversed",
            format!("payment {id} is reversed: nothing of it can be allocated"),
        ));
    }
    let opening = before.map_or(after.amount.minor, |before| before.unallocated.minor);
    let expected = used.and_then(|sum| opening.checked_sub(sum));
    let allowed = 0..=after.amount.minor;
    if expected == Some(after.unallocated.minor) && allowed.contains(&after.unallocated.minor) {
        return Ok(());
    }
    Err(Problem::new(
        "payment-over-allocated",
        format!("allocations of payment {id} do not add up to its unallocated amount"),
    ))
}

fn same_content(before: &Invoice, after: &Invoice) -> bool {
    Invoice {
        outstanding: before.outstanding,
        dunning_level: before.dunning_level,
        ..after.clone()
    } == *before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creditor_references_match_the_standards_example() {
        // ISO 11649's own example is RF18 5390 0754 7034.
        assert_eq!(creditor_reference("539007547034"), "RF18539007547034");
        assert_eq!(
            creditor_reference("inv-2026-000123").len(),
            "RF00INV2026000123".len()
        );
    }
}
