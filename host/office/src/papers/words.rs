//! What a page says beside the invoice's own words, in the languages that it knows.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, InvoiceKind, InvoiceState},
    money::Money,
};
use jiff::civil::Date;
use serde::Serialize;

/// One language.
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
    /// Between whole and fraction, and between thousands.
    #[serde(skip)]
    marks: (char, char),
    /// As `strftime` writes it.
    #[serde(skip)]
    date: &'static str,
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
    marks: ('.', ','),
    date: "%-d %B %Y",
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
    marks: (',', '.'),
    date: "%d.%m.%Y",
};

impl Words {
    /// Those of a language tag (BCP 47); English for all that it does not know.
    pub(super) fn of(tag: &str) -> &'static Self {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
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
        date.strftime(self.date).to_string()
    }

    /// An amount with its currency.
    pub(super) fn money(&self, amount: Money) -> String {
        format!("{} {}", self.plain(&amount.amount_text()), amount.currency)
    }

    /// A number with the marks of the language.
    pub(super) fn number(&self, number: Decimal) -> String {
        self.plain(&number.to_string())
    }

    fn plain(&self, text: &str) -> String {
        let (point, between) = self.marks;
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("\u{2212}", digits),
            None => ("", text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut written = String::from(sign);
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                written.push(between);
            }
            written.push(digit);
        }
        if !fraction.is_empty() {
            written.push(point);
            written.push_str(fraction);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_marks_of_their_language() {
        let check = |text: &str, english: &str, german: &str| {
            let number: Decimal = text.parse().expect("a decimal");
            assert_eq!(ENGLISH.number(number), english);
            assert_eq!(GERMAN.number(number), german);
        };
        check("0", "0", "0");
        check("999.5", "999.5", "999,5");
        check("1000", "1,000", "1.000");
        check(
            "-1234567.89",
            "\u{2212}1,234,567.89",
            "\u{2212}1.234.567,89",
        );
    }

    #[test]
    fn languages_are_found_by_their_first_part() {
        for (tag, expected) in [
            ("de-AT", "de"),
            ("DE", "de"),
            ("en-GB", "en"),
            ("fr", "en"),
            ("", "en"),
        ] {
            assert_eq!(Words::of(tag).language, expected, "{tag}");
        }
    }
}
