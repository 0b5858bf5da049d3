//! Invoices, payments and allocations as they are stored.

use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    decimal::Decimal,
    money::Money,
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
    /// It agrees with what was ordered and delivered.
    Matched,
    /// It does not: somebody has to look at it.
    NeedsAttention,
    /// It may be paid.
    Approved,
    /// It is part of a payment run.
    Scheduled,
    /// A supplier's invoice that is not owed.
    Rejected,
    /// A receivable that was never issued; it used up no number.
    Discarded,
}

impl InvoiceState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        InvoiceState::Draft,
        InvoiceState::Issued,
        InvoiceState::Received,
        InvoiceState::Matched,
        InvoiceState::NeedsAttention,
        InvoiceState::Approved,
        InvoiceState::Scheduled,
        InvoiceState::Rejected,
        InvoiceState::Discarded,
    ];

    /// Whether the document is owed: money can be set against it.
    pub const fn is_owed(self) -> bool {
        !matches!(
            self,
            InvoiceState::Draft | InvoiceState::Rejected | InvoiceState::Discarded
        )
    }

    /// Whether a supplier's document was approved.
    pub const fn is_approved(self) -> bool {
        matches!(self, InvoiceState::Approved | InvoiceState::Scheduled)
    }

    /// Whether steps lead from here to there, one or more: a change set may hold several.
    pub fn leads_to(self, end: Self) -> bool {
        let mut reached = vec![self];
        let next =
            |reached: &[Self], state: Self| reached.iter().any(|from| from.may_become(state));
        let is_new =
            |reached: &[Self], state: Self| !reached.contains(&state) && next(reached, state);
        while let Some(new) = Self::ALL.into_iter().find(|state| is_new(&reached, *state)) {
            reached.push(new);
        }
        next(&reached, end)
    }

    /// Whether one step leads from here to there (INV-8).
    pub const fn may_become(self, next: Self) -> bool {
        use InvoiceState::{
            Approved, Discarded, Draft, Issued, Matched, NeedsAttention, Received, Rejected,
            Scheduled,
        };
        matches!(
            (self, next),
            (Draft, Issued | Discarded)
                | (Received, Matched | NeedsAttention | Rejected)
                | (Matched, Approved | NeedsAttention | Rejected)
                | (NeedsAttention, Matched | Rejected)
                | (Approved, Scheduled | NeedsAttention | Rejected)
                | (Scheduled, Approved)
        )
    }
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
    /// On a credit note: the line of the corrected invoice that it takes back, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_back: Option<u32>,
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
    /// The date of issue that a supplier's document says (BT-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_date: Option<Date>,
    /// What was paid in advance (BT-113), in the invoice's currency; not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepaid: Option<Decimal>,
    /// What rounds the amount that is due (BT-114), in the invoice's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Decimal>,
    /// The invoice that a note or corrective refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<String>,
    /// Further terms.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
}

impl InvoiceContent {
    /// Whether it corrects another: an invoice, no other credit note, of the same two parties in the same currency.
    pub fn may_correct(&self, other: &Self) -> bool {
        other.kind != InvoiceKind::CreditNote
            && self.flow == other.flow
            && self.legal_entity == other.legal_entity
            && self.party == other.party
            && self.currency == other.currency
    }
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
    /// The date that a supplier's document counts from: its own if the period was open then, else that of its taking in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted_on: Option<Date>,
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
    /// Its number was given before this office began, outside of the series.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_external: bool,
    /// What credit notes have taken back of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credited: Option<Credited>,
}

/// What issued credit notes have taken back of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credited {
    /// Sum of the notes' gross amounts.
    pub gross: Money,
    /// Net of what the notes' lines take back of each line, in the order of the lines.
    pub line_nets: Vec<Money>,
}

impl Credited {
    /// Whether nothing is left of an invoice that a credit note could take back, but for what rounds it.
    pub fn is_all_of(&self, invoice: &Invoice) -> bool {
        let totals = &invoice.totals;
        // Each note's tax is rounded by itself: without allowances and charges the lines say it all.
        let are_lines_all = invoice.content.adjustments.is_empty();
        self.gross == totals.gross || (are_lines_all && self.line_nets == totals.line_nets)
    }
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
    /// A credit note of the same party.
    CreditNote,
    /// What was settled before this office began.
    Opening,
    /// Nobody will pay it: see the reason.
    WriteOff,
}

/// A part of a payment or credit note, or a write-off, that settles one invoice; a negative amount takes one back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Allocation {
    /// What settles.
    pub settlement: Settlement,
    /// The payment or credit note; "" for a write-off and for an opening.
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

/// Whether a number could be one that a series gives: those are the commit's alone.
pub fn is_of_a_series(number: &str) -> bool {
    let mut parts = number.rsplitn(3, '-');
    let digits = |part: Option<&str>, least: usize| {
        part.is_some_and(|part| part.len() >= least && part.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(parts.next(), 6) && digits(parts.next(), 4) && parts.next().is_some()
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
    /// Whether it takes back what another invoice says.
    pub fn is_credit_note(&self) -> bool {
        self.content.kind == InvoiceKind::CreditNote
    }

    /// Whether it counts: a supplier's credit note does once it is approved, anything else as soon as it is owed.
    pub fn counts(&self) -> bool {
        match (self.content.flow, self.is_credit_note()) {
            (Flow::Payable, true) => self.state.is_approved(),
            _ => self.state.is_owed(),
        }
    }

    /// The date from which it is owed. A supplier's document of before there was such a date has been since the one that it
    /// bears itself, or if it bears none, since 1970.
    pub fn counts_from(&self) -> Date {
        let posted = self.issue_date.or(self.posted_on);
        let of_its_own = self.dated().or(self.content.due_date);
        posted.or(of_its_own).unwrap_or(date(1970, 1, 1))
    }

    /// The date that the document says, or that it was taken in.
    pub fn dated(&self) -> Option<Date> {
        let of_supplier = self.content.supplier_date.or(self.content.supply_date);
        self.issue_date.or(of_supplier).or(self.posted_on)
    }

    /// Whether money can be set against it.
    pub fn is_open(&self) -> bool {
        self.state.is_owed() && self.outstanding.minor > 0
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
