//! Issued invoices as UBL 2.1 text by EN 16931, produced strictly.
//!
//! What the standard demands is there or the invoice is refused by the name of the term that is missing; no figure is
//! rounded on the way out. Rules are named as in the standard (BR), terms too (BT, BG). Knows no transport and no rules
//! beyond EN 16931, such as a country's own. Entered by [`write()`].

mod parts;
mod rules;
mod text;

use jiff::civil::Date;

use crate::invoice::{Invoice, InvoiceKind, InvoiceState};
use crate::money::{Currency, MoneyError};
use text::Document;

/// What the text declares to keep to (BT-24).
pub const CUSTOMIZATION: &str = "urn:cen.eu:en16931:2017";
/// Most digits after the point of an amount in EN 16931.
pub const AMOUNT_DIGITS_MAX: u32 = 2;

/// Why an invoice cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UblError {
    /// It is a draft or a supplier's: only what we issued is ours to send.
    #[error("only an issued invoice with its number and date can be written")]
    NotIssued,
    /// Its currency has more decimals than the standard allows; refused, not rounded.
    #[error("EN 16931 allows {AMOUNT_DIGITS_MAX} decimals, {currency} has more")]
    TooManyDecimals {
        /// The invoice's currency.
        currency: Currency,
    },
    /// A term that must be there is not.
    #[error("{term} is missing ({place})")]
    Missing {
        /// Such as "BT-40".
        term: &'static str,
        /// Where: "seller", "buyer", "document", "line 1", "VAT K".
        place: String,
    },
    /// A term is there and cannot be what the standard wants it to be.
    #[error("{term} is not as EN 16931 wants it: {reason} ({place})")]
    Malformed {
        /// Such as "BT-31".
        term: &'static str,
        /// Where.
        place: String,
        /// What is wanted.
        reason: &'static str,
    },
    /// A text has a character that XML 1.0 cannot hold.
    #[error("{element} has the character U+{code:04X}, which XML cannot hold")]
    Character {
        /// The element that it would stand in.
        element: &'static str,
        /// The character.
        code: u32,
    },
    /// The totals are not those of the content.
    #[error("the invoice's totals do not belong to its content")]
    Inconsistent,
    /// A figure is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// An address (BG-5, BG-8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// BT-35, BT-50
    pub street: Option<String>,
    /// BT-38, BT-53
    pub postcode: Option<String>,
    /// BT-37, BT-52
    pub city: Option<String>,
    /// ISO 3166-1 code of two letters (BT-40, BT-55).
    pub country: String,
}

/// The seller (BG-4) or the buyer (BG-7), as they were when the invoice was issued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trader {
    /// BT-27, BT-44
    pub name: String,
    /// With the prefix of its country (BT-31, BT-48).
    pub vat_id: Option<String>,
    /// A tax number that is no VAT id (BT-32), the seller's only.
    pub tax_number: Option<String>,
    /// In a register of companies (BT-30, BT-47).
    pub company_id: Option<String>,
    /// BG-5, BG-8
    pub address: Address,
}

/// The invoice that a note or corrective refers to (BG-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preceding {
    /// BT-25
    pub number: String,
    /// BT-26
    pub issue_date: Option<Date>,
}

/// What an invoice says beside its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    /// BT-10
    pub buyer_reference: Option<String>,
    /// BG-3
    pub preceding: Option<Preceding>,
    /// BT-80: where goods went; a supply within the Union needs it.
    pub deliver_to_country: Option<String>,
    /// BT-84: the account to pay to.
    pub account: Option<String>,
    /// BT-20
    pub payment_terms: Option<String>,
    /// BT-120 for category E; the other exempt categories have codes of their own.
    pub exemption_reason: Option<String>,
}

/// The text of an issued invoice: `Invoice`, or `CreditNote` for a credit note.
///
/// For category O no VAT ids are written, whoever has them (BR-O-02). The standard knows no negative price (BR-27): of
/// such a line the minus goes to the quantity.
pub fn write(
    seller: &Trader,
    buyer: &Trader,
    invoice: &Invoice,
    particulars: &Particulars,
) -> Result<String, UblError> {
    let issued = issued(invoice)?;
    rules::check(seller, buyer, invoice, particulars)?;
    let mut document = Document::new(issued.root);
    parts::header(&mut document, &issued, invoice, particulars);
    let is_out_of_scope = rules::is_out_of_scope(invoice);
    parts::trader(
        &mut document,
        "cac:AccountingSupplierParty",
        seller,
        is_out_of_scope,
    );
    parts::trader(
        &mut document,
        "cac:AccountingCustomerParty",
        buyer,
        is_out_of_scope,
    );
    parts::delivery(&mut document, invoice, particulars);
    parts::payment(&mut document, &issued, invoice, particulars);
    for adjustment in &invoice.content.adjustments {
        let tax = Some(&adjustment.tax);
        parts::adjustment(&mut document, adjustment, tax, issued.currency)?;
    }
    parts::taxes(&mut document, invoice, particulars);
    parts::totals(&mut document, invoice, issued.currency)?;
    for (id, (line, net)) in
        (1_u32..).zip(invoice.content.lines.iter().zip(&invoice.totals.line_nets))
    {
        parts::line(&mut document, &issued, id, line, *net)?;
    }
    document.finish()
}

/// What the two kinds of documents name differently, and what an issued invoice has.
struct Issued<'a> {
    number: &'a str,
    issue_date: Date,
    currency: Currency,
    root: &'static str,
    type_element: &'static str,
    type_code: &'static str,
    line: &'static str,
    quantity: &'static str,
}

fn issued(invoice: &Invoice) -> Result<Issued<'_>, UblError> {
    let is_issued = invoice.state == InvoiceState::Issued;
    let (true, Some(number), Some(issue_date)) = (is_issued, &invoice.number, invoice.issue_date)
    else {
        return Err(UblError::NotIssued);
    };
    let currency = Currency::parse(&invoice.content.currency)?;
    if currency.exponent() > AMOUNT_DIGITS_MAX {
        return Err(UblError::TooManyDecimals { currency });
    }
    let type_code = match invoice.content.kind {
        InvoiceKind::Invoice => "380",
        InvoiceKind::CreditNote => "381",
        InvoiceKind::Corrective => "384",
        InvoiceKind::Prepayment => "386",
    };
    let is_note = invoice.content.kind == InvoiceKind::CreditNote;
    let named = |of_note, of_invoice| if is_note { of_note } else { of_invoice };
    Ok(Issued {
        number,
        issue_date,
        currency,
        root: named("CreditNote", "Invoice"),
        type_element: named("cbc:CreditNoteTypeCode", "cbc:InvoiceTypeCode"),
        type_code,
        line: named("cac:CreditNoteLine", "cac:InvoiceLine"),
        quantity: named("cbc:CreditedQuantity", "cbc:InvoicedQuantity"),
    })
}

#[cfg(test)]
mod tests;
