//! What a page says beside the invoice's own words, in the languages that it knows.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, InvoiceKind, InvoiceState},
    money::Money,
};
use jiff::civil::Date;
use serde::Serialize;

use crate::language::{self, Language};

/// The words of one language.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    /// BCP 47.
    pub language: &'static str,
    pub invoice: &'static str,
    pub credit_note: &'static str,
    pub corrective: &'static str,
    pub prepayment: &'static str,
    pub draft: &'static str,
    pub rejected: &'static str,
    pub seller: &'static str,
    pub buyer: &'static str,
    pub vat_id: &'static str,
    pub tax_number: &'static str,
    pub company_id: &'static str,
    pub number: &'static str,
    pub issue_date: &'static str,
    pub supply_date: &'static str,
    pub due_date: &'static str,
    pub corrects: &'static str,
    pub reference: &'static str,
    pub account: &'static str,
    pub lines: &'static str,
    pub position: &'static str,
    pub description: &'static str,
    pub quantity: &'static str,
    pub unit_price: &'static str,
    pub tax: &'static str,
    pub net: &'static str,
    pub sums: &'static str,
    pub net_sum: &'static str,
    pub gross: &'static str,
    pub prepaid: &'static str,
    pub rounding: &'static str,
    pub due: &'static str,
    pub allowance: &'static str,
    pub charge: &'static str,
    /// Of an exempt tax category.
    pub exempt: &'static str,
    #[serde(skip)]
    written: &'static Language,
}

const ENGLISH: Words = Words {
    language: "en",
    invoice: "Invoice",
    credit_note: "Credit note",
    corrective: "Corrected invoice",
    prepayment: "Prepayment invoice",
    draft: "draft",
    rejected: "not owed",
    seller: "From",
    buyer: "To",
    vat_id: "VAT id",
    tax_number: "Tax number",
    company_id: "Company register",
    number: "Number",
    issue_date: "Date of issue",
    supply_date: "Date of supply",
    due_date: "Due on",
    corrects: "Corrects",
    reference: "Payment reference",
    account: "Account",
    lines: "Items",
    position: "No.",
    description: "Description",
    quantity: "Quantity",
    unit_price: "Unit price",
    tax: "VAT",
    net: "Net",
    sums: "Totals",
    net_sum: "Net total",
    gross: "Total with VAT",
    prepaid: "Paid in advance",
    rounding: "Rounding",
    due: "Amount due",
    allowance: "Allowance",
    charge: "Charge",
    exempt: "exempt",
    written: &language::ENGLISH,
};

const GERMAN: Words = Words {
    language: "de",
    invoice: "Rechnung",
    credit_note: "Gutschrift",
    corrective: "Rechnungskorrektur",
    prepayment: "Anzahlungsrechnung",
    draft: "Entwurf",
    rejected: "nicht geschuldet",
    seller: "Von",
    buyer: "An",
    vat_id: "USt-IdNr.",
    tax_number: "Steuernummer",
    company_id: "Firmenbuch / Handelsregister",
    number: "Nummer",
    issue_date: "Rechnungsdatum",
    supply_date: "Leistungsdatum",
    due_date: "Fällig am",
    corrects: "Berichtigt",
    reference: "Zahlungsreferenz",
    account: "Konto",
    lines: "Positionen",
    position: "Nr.",
    description: "Bezeichnung",
    quantity: "Menge",
    unit_price: "Einzelpreis",
    tax: "USt.",
    net: "Netto",
    sums: "Summen",
    net_sum: "Nettosumme",
    gross: "Gesamtbetrag mit USt.",
    prepaid: "Bereits bezahlt",
    rounding: "Rundung",
    due: "Zu zahlen",
    allowance: "Nachlass",
    charge: "Zuschlag",
    exempt: "steuerfrei",
    written: &language::GERMAN,
};

impl Words {
    /// Those of a language tag (BCP 47); English for all that it does not know.
    pub(super) fn of(tag: &str) -> &'static Self {
        if Language::of(tag) == &language::GERMAN {
            &GERMAN
        } else {
            &ENGLISH
        }
    }

    pub(super) const fn kind(&self, kind: InvoiceKind) -> &'static str {
        match kind {
            InvoiceKind::Invoice => self.invoice,
            InvoiceKind::CreditNote => self.credit_note,
            InvoiceKind::Corrective => self.corrective,
            InvoiceKind::Prepayment => self.prepayment,
        }
    }

    /// What is to be said of a document that is not owed.
    pub(super) const fn caveat(&self, flow: Flow, state: InvoiceState) -> Option<&'static str> {
        match (flow, state) {
            (_, InvoiceState::Draft) => Some(self.draft),
            (_, InvoiceState::Rejected | InvoiceState::Discarded) => Some(self.rejected),
            _ => None,
        }
    }

    pub(super) fn date(&self, date: Date) -> String {
        self.written.date(date)
    }

    /// An amount with its currency.
    pub(super) fn money(&self, amount: Money) -> String {
        self.written.money(amount)
    }

    /// A number with the marks of the language.
    pub(super) fn number(&self, number: Decimal) -> String {
        self.written.number(number)
    }
}
