//! UN/CEFACT Cross Industry Invoice D16B, by the bindings of CEN/TS 16931-3-3.

use foreign_xml::Element;

use super::fields::{Fields, one_line, text, texts};
use super::{
    ADJUSTMENTS_MAX, Adjustment, Fault, Figure, Invoice, LINES_MAX, Line, Refusal, Seller, Syntax,
    Tax, TaxSubtotal, Totals,
};
use crate::exact::Exact;

/// Namespace of the root.
pub const INVOICE: &str = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100";

const TRANSACTION: &str = "SupplyChainTradeTransaction";

/// The parts that a header's terms are in.
struct Parts<'a> {
    document: &'a Element,
    agreement: &'a Element,
    delivery: &'a Element,
    settlement: &'a Element,
}

/// Reads the invoice under a root.
pub fn read(root: &Element, faults: &mut Vec<Fault>) -> Result<Invoice, Refusal> {
    let nothing = Element::default();
    let transaction = root.find(TRANSACTION).unwrap_or(&nothing);
    let part = |name| transaction.find(name).unwrap_or(&nothing);
    let parts = Parts {
        document: root.find("ExchangedDocument").unwrap_or(&nothing),
        agreement: part("ApplicableHeaderTradeAgreement"),
        delivery: part("ApplicableHeaderTradeDelivery"),
        settlement: part("ApplicableHeaderTradeSettlement"),
    };
    let lines = transaction.all("IncludedSupplyChainTradeLineItem");
    if lines.len() > LINES_MAX {
        return Err(Refusal::TooLarge("more than 1,000 lines"));
    }
    let mut fields = Fields {
        place: "document".to_owned(),
        faults,
    };
    let mut invoice = header(&parts, &mut fields);
    invoice.adjustments = adjustments(parts.settlement, &mut fields)?;
    invoice
        .adjustments
        .extend(service_charges(parts.settlement, &mut fields)?);
    check_count(invoice.adjustments.len())?;
    invoice.totals = totals(parts.settlement, &invoice.currency, &mut fields);
    let subtotals = parts.settlement.all("ApplicableTradeTax").into_iter();
    invoice.taxes = subtotals.map(|it| subtotal(it, &mut fields)).collect();
    for element in lines {
        invoice.lines.push(line(element, faults)?);
    }
    Ok(invoice)
}

fn header(parts: &Parts<'_>, fields: &mut Fields<'_>) -> Invoice {
    let Parts {
        document,
        agreement,
        delivery,
        settlement,
    } = parts;
    let issue_date = date(document, "IssueDateTime");
    if issue_date.is_none() {
        fields.fault("BT-2", "it is missing");
    }
    let delivery_date = date(
        delivery,
        "ActualDeliverySupplyChainEvent/OccurrenceDateTime",
    );
    let means = "SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount";
    let mut accounts = texts(settlement, &format!("{means}/IBANID"));
    accounts.extend(texts(settlement, &format!("{means}/ProprietaryID")));
    Invoice {
        syntax: Syntax::Cii,
        is_credit_note_element: false,
        number: fields.required_text(document, "ID", "BT-1"),
        issue_date: fields.date(issue_date, "BT-2"),
        type_code: fields.required_text(document, "TypeCode", "BT-3"),
        currency: fields.required_text(settlement, "InvoiceCurrencyCode", "BT-5"),
        tax_currency: text(settlement, "TaxCurrencyCode"),
        tax_point_date: fields.date(
            settlement.text("ApplicableTradeTax/TaxPointDate/DateString"),
            "BT-7",
        ),
        due_date: fields.date(
            date(settlement, "SpecifiedTradePaymentTerms/DueDateDateTime"),
            "BT-9",
        ),
        buyer_reference: text(agreement, "BuyerReference"),
        contract: text(agreement, "ContractReferencedDocument/IssuerAssignedID"),
        order: text(agreement, "BuyerOrderReferencedDocument/IssuerAssignedID"),
        payment_terms: text(settlement, "SpecifiedTradePaymentTerms/Description"),
        notes: texts(document, "IncludedNote/Content"),
        preceding: texts(settlement, "InvoiceReferencedDocument/IssuerAssignedID"),
        seller: seller(agreement),
        buyer_name: text(agreement, "BuyerTradeParty/Name"),
        buyer_vat_id: text(agreement, "BuyerTradeParty/SpecifiedTaxRegistration/ID"),
        payee_name: text(settlement, "PayeeTradeParty/Name"),
        delivery_date: fields.date(delivery_date, "BT-72"),
        payment_reference: text(settlement, "PaymentReference"),
        accounts,
        ..Invoice::default()
    }
}

/// A date at a path, in any of the forms that CII has for one.
fn date<'a>(element: &'a Element, path: &str) -> Option<&'a str> {
    ["DateTimeString", "DateTime", "Date", "DateString"]
        .iter()
        .find_map(|form| element.text(&format!("{path}/{form}")))
}

fn seller(agreement: &Element) -> Seller {
    let Some(party) = agreement.find("SellerTradeParty") else {
        return Seller::default();
    };
    let mut seller = Seller {
        names: texts(party, "Name"),
        company_ids: texts(party, "SpecifiedLegalOrganization/ID"),
        ..Seller::default()
    };
    seller.names.extend(texts(
        party,
        "SpecifiedLegalOrganization/TradingBusinessName",
    ));
    seller.company_ids.extend(texts(party, "ID"));
    seller.company_ids.extend(texts(party, "GlobalID"));
    for id in party.all("SpecifiedTaxRegistration/ID") {
        let Some(text) = id.own_text() else { continue };
        match id.attribute("schemeID") {
            Some("VA" | "VAT") => seller.vat_ids.push(text.to_owned()),
            _ => seller.tax_registrations.push(text.to_owned()),
        }
    }
    seller
}

/// BG-20 and BG-21 of the document, BG-27 and BG-28 of a line.
fn adjustments(element: &Element, fields: &mut Fields<'_>) -> Result<Vec<Adjustment>, Refusal> {
    let found = limited(element.all("SpecifiedTradeAllowanceCharge"))?;
    let read = found.into_iter().map(|it| Adjustment {
        is_charge: matches!(it.text("ChargeIndicator/Indicator"), Some("true" | "1")),
        amount: fields.required_figure(Some(it), "ActualAmount", "BT-92"),
        base: fields.figure(it, "BasisAmount", "BT-93"),
        percent: fields.figure(it, "CalculationPercent", "BT-94"),
        reason: text(it, "Reason")
            .or_else(|| text(it, "ReasonCode"))
            .unwrap_or_default(),
        tax: tax(it.find("CategoryTradeTax"), fields),
    });
    Ok(read.collect())
}

/// Freight and the like, a charge of its own kind in CII.
fn service_charges(
    settlement: &Element,
    fields: &mut Fields<'_>,
) -> Result<Vec<Adjustment>, Refusal> {
    let found = limited(settlement.all("SpecifiedLogisticsServiceCharge"))?;
    let read = found.into_iter().map(|it| Adjustment {
        is_charge: true,
        amount: fields.required_figure(Some(it), "AppliedAmount", "BT-99"),
        base: None,
        percent: None,
        reason: text(it, "Description").unwrap_or_default(),
        tax: tax(it.find("AppliedTradeTax"), fields),
    });
    Ok(read.collect())
}

fn limited(found: Vec<&Element>) -> Result<Vec<&Element>, Refusal> {
    check_count(found.len())?;
    Ok(found)
}

fn check_count(adjustments: usize) -> Result<(), Refusal> {
    if adjustments > ADJUSTMENTS_MAX {
        return Err(Refusal::TooLarge(
            "more than 100 allowances and charges in one place",
        ));
    }
    Ok(())
}

fn tax(element: Option<&Element>, fields: &mut Fields<'_>) -> Option<Tax> {
    fields.tax(element, "CategoryCode", "RateApplicablePercent", "BT-152")
}

fn subtotal(element: &Element, fields: &mut Fields<'_>) -> TaxSubtotal {
    let tax = tax(Some(element), fields);
    if tax.is_none() {
        fields.fault("BT-118", "a tax subtotal has no category");
    }
    TaxSubtotal {
        tax: tax.unwrap_or_default(),
        taxable: fields.required_figure(Some(element), "BasisAmount", "BT-116"),
        amount: fields.required_figure(Some(element), "CalculatedAmount", "BT-117"),
        exemption_reason: text(element, "ExemptionReason"),
        exemption_code: text(element, "ExemptionReasonCode"),
    }
}

fn totals(settlement: &Element, currency: &str, fields: &mut Fields<'_>) -> Totals {
    let sums = settlement.find("SpecifiedTradeSettlementHeaderMonetarySummation");
    let nothing = Element::default();
    let sums = sums.unwrap_or(&nothing);
    let mut optional = |path, term| fields.figure(sums, path, term);
    let allowances = optional("AllowanceTotalAmount", "BT-107");
    let charges = optional("ChargeTotalAmount", "BT-108");
    let prepaid = optional("TotalPrepaidAmount", "BT-113");
    let rounding = optional("RoundingAmount", "BT-114");
    let taxes = sums.all("TaxTotalAmount");
    let mut of_tax = |is_ours: bool, term| {
        let found = taxes.iter().find(|tax| is_in(tax, currency) == is_ours);
        fields.figure_of(found?.own_text()?, term)
    };
    let tax = of_tax(true, "BT-110");
    let tax_in_tax_currency = of_tax(false, "BT-111");
    Totals {
        lines: fields.required_figure(Some(sums), "LineTotalAmount", "BT-106"),
        allowances,
        charges,
        net: required_sum(sums, "TaxBasisTotalAmount", currency, "BT-109", fields),
        tax,
        tax_in_tax_currency,
        gross: required_sum(sums, "GrandTotalAmount", currency, "BT-112", fields),
        prepaid,
        rounding,
        due: required_sum(sums, "DuePayableAmount", currency, "BT-115", fields),
    }
}

/// Whether an amount names the document's currency, or none.
fn is_in(amount: &Element, currency: &str) -> bool {
    let stated = amount.attribute("currencyID");
    stated.is_none_or(|stated| stated == currency)
}

/// A total that may stand there in the tax currency too.
fn required_sum(
    sums: &Element,
    name: &str,
    currency: &str,
    term: &'static str,
    fields: &mut Fields<'_>,
) -> Figure {
    let stated = sums.all(name);
    let ours = stated.iter().find(|amount| is_in(amount, currency));
    match ours.and_then(|amount| amount.own_text()) {
        Some(text) => fields.figure_of(text, term).unwrap_or_default(),
        None => fields.required_figure(None, name, term),
    }
}

fn line(element: &Element, faults: &mut Vec<Fault>) -> Result<Line, Refusal> {
    let nothing = Element::default();
    let part = |name| element.find(name).unwrap_or(&nothing);
    let product = part("SpecifiedTradeProduct");
    let delivery = part("SpecifiedLineTradeDelivery");
    let settlement = part("SpecifiedLineTradeSettlement");
    let agreement = part("SpecifiedLineTradeAgreement");
    let id = text(element, "AssociatedDocumentLineDocument/LineID");
    let id = id.unwrap_or_else(|| "?".to_owned());
    let mut fields = Fields {
        place: format!("line {id}"),
        faults,
    };
    let sum = "SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount";
    let quantity = delivery.find("BilledQuantity");
    let name = text(product, "Name").or_else(|| text(product, "Description"));
    let line = Line {
        id,
        name: name.unwrap_or_default(),
        description: text(product, "Description"),
        note: text(
            element,
            "AssociatedDocumentLineDocument/IncludedNote/Content",
        ),
        seller_item: text(product, "SellerAssignedID"),
        quantity: fields.required_figure(Some(delivery), "BilledQuantity", "BT-129"),
        unit: quantity
            .and_then(|it| it.attribute("unitCode"))
            .map(one_line),
        net: fields.required_figure(Some(settlement), sum, "BT-131"),
        tax: tax(settlement.find("ApplicableTradeTax"), &mut fields),
        adjustments: adjustments(settlement, &mut fields)?,
        ..Line::default()
    };
    Ok(priced(line, agreement, &mut fields))
}

/// BG-29: the net price, or what the gross price and its discount leave.
fn priced(line: Line, agreement: &Element, fields: &mut Fields<'_>) -> Line {
    let gross = "GrossPriceProductTradePrice";
    let net = "NetPriceProductTradePrice";
    let gross_price = fields.figure(agreement, &format!("{gross}/ChargeAmount"), "BT-148");
    let allowance = format!("{gross}/AppliedTradeAllowanceCharge/ActualAmount");
    let price_discount = fields.figure(agreement, &allowance, "BT-147");
    let net_price = fields.figure(agreement, &format!("{net}/ChargeAmount"), "BT-146");
    let price = net_price.or_else(|| {
        let discount = price_discount.as_ref().map_or(Exact::ZERO, |it| it.value);
        let value = gross_price.as_ref()?.value.minus(discount)?;
        Some(Figure {
            text: value.to_string(),
            value,
        })
    });
    if price.is_none() {
        fields.fault("BT-146", "it is missing");
    }
    let base_quantity = fields
        .figure(agreement, &format!("{net}/BasisQuantity"), "BT-149")
        .or_else(|| fields.figure(agreement, &format!("{gross}/BasisQuantity"), "BT-149"));
    Line {
        price: price.unwrap_or_default(),
        price_discount,
        gross_price,
        base_quantity,
        ..line
    }
}
