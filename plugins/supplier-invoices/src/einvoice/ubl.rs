//! UBL 2.1 Invoice and `CreditNote`, by the bindings of CEN/TS 16931-3-2.

use foreign_xml::Element;

use super::fields::{Fields, one_line, text, texts};
use super::{
    ADJUSTMENTS_MAX, Adjustment, Fault, Invoice, LINES_MAX, Line, Refusal, Seller, Syntax, Tax,
    TaxSubtotal, Totals,
};

/// Namespace of the root of an invoice.
pub const INVOICE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
/// Namespace of the root of a credit note.
pub const CREDIT_NOTE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2";

/// What the two documents name differently.
pub struct Names {
    is_credit_note: bool,
    type_code: &'static str,
    line: &'static str,
    quantity: &'static str,
}

/// The names of an invoice.
pub const NAMES_OF_INVOICE: Names = Names {
    is_credit_note: false,
    type_code: "InvoiceTypeCode",
    line: "InvoiceLine",
    quantity: "InvoicedQuantity",
};
/// The names of a credit note.
pub const NAMES_OF_CREDIT_NOTE: Names = Names {
    is_credit_note: true,
    type_code: "CreditNoteTypeCode",
    line: "CreditNoteLine",
    quantity: "CreditedQuantity",
};

/// Reads the invoice under a root.
pub fn read(root: &Element, names: &Names, faults: &mut Vec<Fault>) -> Result<Invoice, Refusal> {
    let lines = root.all(names.line);
    if lines.len() > LINES_MAX {
        return Err(Refusal::TooLarge("more than 1,000 lines"));
    }
    let mut fields = Fields {
        place: "document".to_owned(),
        faults,
    };
    let mut invoice = header(root, names, &mut fields);
    invoice.adjustments = adjustments(root, &mut fields)?;
    let tax_total = tax_total(root, &invoice.currency);
    invoice.totals = totals(root, tax_total, &mut fields);
    invoice.totals.tax_in_tax_currency = other_tax_total(root, tax_total, &mut fields);
    let subtotals = tax_total.map(|total| total.all("TaxSubtotal"));
    let subtotals = subtotals.unwrap_or_default().into_iter();
    invoice.taxes = subtotals.map(|it| subtotal(it, &mut fields)).collect();
    for element in lines {
        invoice.lines.push(line(element, names, faults)?);
    }
    Ok(invoice)
}

fn header(root: &Element, names: &Names, fields: &mut Fields<'_>) -> Invoice {
    let due_date = root
        .text("DueDate")
        .or_else(|| root.text("PaymentMeans/PaymentDueDate"))
        .or_else(|| root.text("PaymentTerms/PaymentDueDate"));
    let order = text(root, "OrderReference/ID");
    let issue_date = fields.required_text(root, "IssueDate", "BT-2");
    Invoice {
        syntax: Syntax::Ubl,
        is_credit_note_element: names.is_credit_note,
        number: fields.required_text(root, "ID", "BT-1"),
        issue_date: fields.date(
            Some(issue_date.as_str()).filter(|it| !it.is_empty()),
            "BT-2",
        ),
        type_code: text(root, names.type_code).unwrap_or_else(|| default_type(names)),
        currency: fields.required_text(root, "DocumentCurrencyCode", "BT-5"),
        tax_currency: text(root, "TaxCurrencyCode"),
        tax_point_date: fields.date(root.text("TaxPointDate"), "BT-7"),
        due_date: fields.date(due_date, "BT-9"),
        buyer_reference: text(root, "BuyerReference"),
        contract: text(root, "ContractDocumentReference/ID"),
        order: order.filter(|order| order != "NA"),
        payment_terms: text(root, "PaymentTerms/Note"),
        notes: texts(root, "Note"),
        preceding: texts(root, "BillingReference/InvoiceDocumentReference/ID"),
        seller: seller(root),
        buyer_name: text(
            root,
            "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
        )
        .or_else(|| text(root, "AccountingCustomerParty/Party/PartyName/Name")),
        buyer_vat_id: text(
            root,
            "AccountingCustomerParty/Party/PartyTaxScheme/CompanyID",
        ),
        payee_name: text(root, "PayeeParty/PartyName/Name"),
        delivery_date: fields.date(root.text("Delivery/ActualDeliveryDate"), "BT-72"),
        payment_reference: text(root, "PaymentMeans/PaymentID"),
        accounts: texts(root, "PaymentMeans/PayeeFinancialAccount/ID"),
        ..Invoice::default()
    }
}

fn default_type(names: &Names) -> String {
    let code = if names.is_credit_note { "381" } else { "380" };
    code.to_owned()
}

fn seller(root: &Element) -> Seller {
    let Some(party) = root.find("AccountingSupplierParty/Party") else {
        return Seller::default();
    };
    let mut seller = Seller {
        names: texts(party, "PartyLegalEntity/RegistrationName"),
        company_ids: texts(party, "PartyLegalEntity/CompanyID"),
        ..Seller::default()
    };
    seller.names.extend(texts(party, "PartyName/Name"));
    seller
        .company_ids
        .extend(texts(party, "PartyIdentification/ID"));
    for scheme in party.all("PartyTaxScheme") {
        let ids = texts(scheme, "CompanyID");
        match scheme.text("TaxScheme/ID") {
            Some("VAT") => seller.vat_ids.extend(ids),
            _ => seller.tax_registrations.extend(ids),
        }
    }
    seller
}

/// BG-20 and BG-21 of the document, BG-27 and BG-28 of a line.
fn adjustments(element: &Element, fields: &mut Fields<'_>) -> Result<Vec<Adjustment>, Refusal> {
    let found = element.all("AllowanceCharge");
    if found.len() > ADJUSTMENTS_MAX {
        return Err(Refusal::TooLarge(
            "more than 100 allowances and charges in one place",
        ));
    }
    let read = found.into_iter().map(|it| Adjustment {
        is_charge: matches!(it.text("ChargeIndicator"), Some("true" | "1")),
        amount: fields.required_figure(Some(it), "Amount", "BT-92"),
        base: fields.figure(it, "BaseAmount", "BT-93"),
        percent: fields.figure(it, "MultiplierFactorNumeric", "BT-94"),
        reason: text(it, "AllowanceChargeReason")
            .or_else(|| text(it, "AllowanceChargeReasonCode"))
            .unwrap_or_default(),
        tax: tax(it.find("TaxCategory"), fields),
    });
    Ok(read.collect())
}

fn tax(category: Option<&Element>, fields: &mut Fields<'_>) -> Option<Tax> {
    fields.tax(category, "ID", "Percent", "BT-152")
}

/// The tax total in the document's currency: of several the one that is broken down.
fn tax_total<'a>(root: &'a Element, currency: &str) -> Option<&'a Element> {
    let totals = root.all("TaxTotal");
    let is_ours = |total: &&&Element| {
        let amount = total.find("TaxAmount");
        let stated = amount.and_then(|amount| amount.attribute("currencyID"));
        stated.is_none_or(|stated| stated == currency)
    };
    let ours: Vec<&Element> = totals.iter().filter(is_ours).copied().collect();
    let broken_down = ours
        .iter()
        .find(|total| total.find("TaxSubtotal").is_some());
    broken_down.or(ours.first()).copied()
}

fn other_tax_total(
    root: &Element,
    tax_total: Option<&Element>,
    fields: &mut Fields<'_>,
) -> Option<super::Figure> {
    let is_other = |total: &&Element| tax_total.is_none_or(|ours| !std::ptr::eq(ours, *total));
    let other = root.all("TaxTotal").into_iter().find(is_other)?;
    fields.figure(other, "TaxAmount", "BT-111")
}

fn subtotal(element: &Element, fields: &mut Fields<'_>) -> TaxSubtotal {
    let category = element.find("TaxCategory");
    let tax = tax(category, fields);
    if tax.is_none() {
        fields.fault("BT-118", "a tax subtotal has no category");
    }
    TaxSubtotal {
        tax: tax.unwrap_or_default(),
        taxable: fields.required_figure(Some(element), "TaxableAmount", "BT-116"),
        amount: fields.required_figure(Some(element), "TaxAmount", "BT-117"),
        exemption_reason: category.and_then(|it| text(it, "TaxExemptionReason")),
        exemption_code: category.and_then(|it| text(it, "TaxExemptionReasonCode")),
    }
}

fn totals(root: &Element, tax_total: Option<&Element>, fields: &mut Fields<'_>) -> Totals {
    let sums = root.find("LegalMonetaryTotal");
    let mut optional = |path, term| fields.figure(sums?, path, term);
    let allowances = optional("AllowanceTotalAmount", "BT-107");
    let charges = optional("ChargeTotalAmount", "BT-108");
    let prepaid = optional("PrepaidAmount", "BT-113");
    let rounding = optional("PayableRoundingAmount", "BT-114");
    Totals {
        lines: fields.required_figure(sums, "LineExtensionAmount", "BT-106"),
        allowances,
        charges,
        net: fields.required_figure(sums, "TaxExclusiveAmount", "BT-109"),
        tax: tax_total.and_then(|total| fields.figure(total, "TaxAmount", "BT-110")),
        tax_in_tax_currency: None,
        gross: fields.required_figure(sums, "TaxInclusiveAmount", "BT-112"),
        prepaid,
        rounding,
        due: fields.required_figure(sums, "PayableAmount", "BT-115"),
    }
}

fn line(element: &Element, names: &Names, faults: &mut Vec<Fault>) -> Result<Line, Refusal> {
    let id = text(element, "ID").unwrap_or_else(|| "?".to_owned());
    let mut fields = Fields {
        place: format!("line {id}"),
        faults,
    };
    let quantity = element.find(names.quantity);
    let name = text(element, "Item/Name").or_else(|| text(element, "Item/Description"));
    Ok(Line {
        id,
        name: name.unwrap_or_default(),
        description: text(element, "Item/Description"),
        note: text(element, "Note"),
        seller_item: text(element, "Item/SellersItemIdentification/ID"),
        quantity: fields.required_figure(Some(element), names.quantity, "BT-129"),
        unit: quantity
            .and_then(|it| it.attribute("unitCode"))
            .map(one_line),
        net: fields.required_figure(Some(element), "LineExtensionAmount", "BT-131"),
        price: fields.required_figure(Some(element), "Price/PriceAmount", "BT-146"),
        price_discount: fields.figure(element, "Price/AllowanceCharge/Amount", "BT-147"),
        gross_price: fields.figure(element, "Price/AllowanceCharge/BaseAmount", "BT-148"),
        base_quantity: fields.figure(element, "Price/BaseQuantity", "BT-149"),
        tax: tax(element.find("Item/ClassifiedTaxCategory"), &mut fields),
        adjustments: adjustments(element, &mut fields)?,
    })
}
