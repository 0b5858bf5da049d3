//! The groups of an invoice, in the order in which UBL wants its elements.

use super::text::Document;
use super::{CUSTOMIZATION, Issued, Particulars, Trader, UblError, rules};
use crate::decimal::Decimal;
use crate::invoice::{Adjustment, Invoice, InvoiceKind, Line};
use crate::money::{Currency, Money, MoneyError};
use crate::totals::{Tax, TaxTotal};

pub fn header(
    document: &mut Document,
    issued: &Issued<'_>,
    invoice: &Invoice,
    particulars: &Particulars,
) {
    document.leaf("cbc:CustomizationID", CUSTOMIZATION);
    document.leaf("cbc:ID", issued.number);
    document.leaf("cbc:IssueDate", &issued.issue_date.to_string());
    if let (Some(date), false) = (invoice.content.due_date, is_note(invoice)) {
        document.leaf("cbc:DueDate", &date.to_string());
    }
    document.leaf(issued.type_element, issued.type_code);
    document.leaf("cbc:DocumentCurrencyCode", issued.currency.code());
    document.optional("cbc:BuyerReference", particulars.buyer_reference.as_deref());
    if let Some(preceding) = &particulars.preceding {
        document.open("cac:BillingReference");
        document.open("cac:InvoiceDocumentReference");
        document.leaf("cbc:ID", &preceding.number);
        let date = preceding.issue_date.map(|date| date.to_string());
        document.optional("cbc:IssueDate", date.as_deref());
        document.close();
        document.close();
    }
}

fn is_note(invoice: &Invoice) -> bool {
    invoice.content.kind == InvoiceKind::CreditNote
}

pub fn trader(document: &mut Document, role: &'static str, trader: &Trader, is_out_of_scope: bool) {
    document.open(role);
    document.open("cac:Party");
    let address = &trader.address;
    document.open("cac:PostalAddress");
    document.optional("cbc:StreetName", address.street.as_deref());
    document.optional("cbc:CityName", address.city.as_deref());
    document.optional("cbc:PostalZone", address.postcode.as_deref());
    country(document, &address.country);
    document.close();
    let vat_id = trader.vat_id.as_deref().filter(|_| !is_out_of_scope);
    for (id, scheme) in [(vat_id, "VAT"), (trader.tax_number.as_deref(), "FC")] {
        if let Some(id) = id {
            document.open("cac:PartyTaxScheme");
            document.leaf("cbc:CompanyID", id);
            tax_scheme(document, scheme);
            document.close();
        }
    }
    document.open("cac:PartyLegalEntity");
    document.leaf("cbc:RegistrationName", &trader.name);
    document.optional("cbc:CompanyID", trader.company_id.as_deref());
    document.close();
    document.close();
    document.close();
}

fn country(document: &mut Document, code: &str) {
    document.open("cac:Country");
    document.leaf("cbc:IdentificationCode", code);
    document.close();
}

fn tax_scheme(document: &mut Document, scheme: &str) {
    document.open("cac:TaxScheme");
    document.leaf("cbc:ID", scheme);
    document.close();
}

/// BG-13
pub fn delivery(document: &mut Document, invoice: &Invoice, particulars: &Particulars) {
    let date = invoice.content.supply_date.map(|date| date.to_string());
    if date.is_none() && particulars.deliver_to_country.is_none() {
        return;
    }
    document.open("cac:Delivery");
    document.optional("cbc:ActualDeliveryDate", date.as_deref());
    if let Some(code) = &particulars.deliver_to_country {
        document.open("cac:DeliveryLocation");
        document.open("cac:Address");
        country(document, code);
        document.close();
        document.close();
    }
    document.close();
}

/// BG-16, and BT-20. A credit note has its due date here (BT-9).
pub fn payment(
    document: &mut Document,
    issued: &Issued<'_>,
    invoice: &Invoice,
    particulars: &Particulars,
) {
    let due_date = invoice.content.due_date.filter(|_| is_note(invoice));
    if particulars.account.is_some() || due_date.is_some() {
        document.open("cac:PaymentMeans");
        // UNTDID 4461: a credit transfer, or an instrument that is not defined.
        let code = if particulars.account.is_some() {
            "30"
        } else {
            "1"
        };
        document.leaf("cbc:PaymentMeansCode", code);
        let due_date = due_date.map(|date| date.to_string());
        document.optional("cbc:PaymentDueDate", due_date.as_deref());
        let reference = invoice.reference.as_deref().unwrap_or(issued.number);
        document.leaf("cbc:PaymentID", reference);
        if let Some(account) = &particulars.account {
            document.open("cac:PayeeFinancialAccount");
            document.leaf("cbc:ID", account);
            document.close();
        }
        document.close();
    }
    if let Some(terms) = &particulars.payment_terms {
        document.open("cac:PaymentTerms");
        document.leaf("cbc:Note", terms);
        document.close();
    }
}

/// BG-20, BG-21, BG-27 or BG-28; on a line the tax is the line's.
pub fn adjustment(
    document: &mut Document,
    adjustment: &Adjustment,
    tax: Option<&Tax>,
    currency: Currency,
) -> Result<(), UblError> {
    let amount = Money::from_decimal(adjustment.amount, currency)?;
    document.open("cac:AllowanceCharge");
    document.leaf(
        "cbc:ChargeIndicator",
        if adjustment.is_charge {
            "true"
        } else {
            "false"
        },
    );
    document.leaf("cbc:AllowanceChargeReason", &adjustment.reason);
    document.amount("cbc:Amount", amount);
    if let Some(tax) = tax {
        category(
            document,
            "cac:TaxCategory",
            tax,
            &rules::Exemption::default(),
        );
    }
    document.close();
    Ok(())
}

fn category(
    document: &mut Document,
    element: &'static str,
    tax: &Tax,
    exemption: &rules::Exemption<'_>,
) {
    document.open(element);
    document.leaf("cbc:ID", &tax.category);
    if tax.category != rules::OUT_OF_SCOPE {
        document.leaf("cbc:Percent", &tax.rate.normalized().to_string());
    }
    document.optional("cbc:TaxExemptionReasonCode", exemption.code);
    document.optional("cbc:TaxExemptionReason", exemption.reason);
    tax_scheme(document, "VAT");
    document.close();
}

/// BG-23
pub fn taxes(document: &mut Document, invoice: &Invoice, particulars: &Particulars) {
    document.open("cac:TaxTotal");
    document.amount("cbc:TaxAmount", invoice.totals.tax);
    for TaxTotal {
        tax,
        taxable,
        amount,
    } in &invoice.totals.tax_totals
    {
        document.open("cac:TaxSubtotal");
        document.amount("cbc:TaxableAmount", *taxable);
        document.amount("cbc:TaxAmount", *amount);
        let exemption = rules::exemption(tax, particulars);
        category(document, "cac:TaxCategory", tax, &exemption);
        document.close();
    }
    document.close();
}

/// BG-22
pub fn totals(
    document: &mut Document,
    invoice: &Invoice,
    currency: Currency,
) -> Result<(), UblError> {
    let totals = &invoice.totals;
    let adjusted = |is_charge| {
        let adjustments = invoice.content.adjustments.iter();
        let amounts = adjustments
            .filter(move |it| it.is_charge == is_charge)
            .map(|it| Money::from_decimal(it.amount, currency));
        let amounts = amounts.collect::<Result<Vec<Money>, MoneyError>>()?;
        Money::checked_sum(amounts, currency)
    };
    let lines = Money::checked_sum(totals.line_nets.iter().copied(), currency)?;
    let (allowances, charges) = (adjusted(false)?, adjusted(true)?);
    let net = lines.checked_sub(allowances)?.checked_add(charges)?;
    let (prepaid, rounding) = (invoice.content.prepaid, invoice.content.rounding);
    let is_consistent = totals.line_nets.len() == invoice.content.lines.len()
        && net == totals.net
        && net.checked_add(totals.tax)? == totals.gross
        && totals.clone().settled_by(prepaid, rounding)? == *totals;
    if !is_consistent {
        return Err(UblError::Inconsistent);
    }
    document.open("cac:LegalMonetaryTotal");
    document.amount("cbc:LineExtensionAmount", lines);
    document.amount("cbc:TaxExclusiveAmount", totals.net);
    document.amount("cbc:TaxInclusiveAmount", totals.gross);
    if !allowances.is_zero() {
        document.amount("cbc:AllowanceTotalAmount", allowances);
    }
    if !charges.is_zero() {
        document.amount("cbc:ChargeTotalAmount", charges);
    }
    for (element, part) in [
        ("cbc:PrepaidAmount", prepaid),
        ("cbc:PayableRoundingAmount", rounding),
    ] {
        if let Some(part) = part {
            document.amount(element, Money::from_decimal(part, currency)?);
        }
    }
    document.amount("cbc:PayableAmount", totals.payable());
    document.close();
    Ok(())
}

/// BG-25
pub fn line(
    document: &mut Document,
    issued: &Issued<'_>,
    id: u32,
    line: &Line,
    net: Money,
) -> Result<(), UblError> {
    let (quantity, price) = signed(line.quantity, line.unit_price);
    document.open(issued.line);
    document.leaf("cbc:ID", &id.to_string());
    document.quantity(issued.quantity, quantity, &line.unit);
    document.amount("cbc:LineExtensionAmount", net);
    for it in &line.adjustments {
        adjustment(document, it, None, issued.currency)?;
    }
    document.open("cac:Item");
    document.leaf("cbc:Name", &line.description);
    let no_exemption = rules::Exemption::default();
    category(
        document,
        "cac:ClassifiedTaxCategory",
        &line.tax,
        &no_exemption,
    );
    document.close();
    document.open("cac:Price");
    document.price("cbc:PriceAmount", price, issued.currency);
    document.close();
    document.close();
    Ok(())
}

/// BR-27: a price is not below zero.
fn signed(quantity: Decimal, price: Decimal) -> (Decimal, Decimal) {
    if price.is_negative() {
        (quantity.negated(), price.negated())
    } else {
        (quantity, price)
    }
}
