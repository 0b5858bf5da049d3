//! What EN 16931 demands beyond the arithmetic.

use super::{Particulars, Trader, UblError};
use crate::invoice::{Adjustment, Invoice, InvoiceKind, Line};
use crate::totals::Tax;

/// The category of what is outside the scope of VAT; it has no rate and mixes with no other.
pub const OUT_OF_SCOPE: &str = "O";

const STANDARD: &str = "S";
const EXEMPT: &str = "E";
const REVERSE_CHARGE: &str = "AE";
const WITHIN_UNION: &str = "K";
const EXPORT: &str = "G";
/// Those whose tax is zero.
const ZERO_RATED: [&str; 6] = [
    "Z",
    EXEMPT,
    REVERSE_CHARGE,
    WITHIN_UNION,
    EXPORT,
    OUT_OF_SCOPE,
];
/// IGIC and IPSI, whose rate may be zero.
const OTHERS_RATED: [&str; 2] = ["L", "M"];
/// Longest code of UN/ECE Rec 20 and Rec 21.
const UNIT_BYTES_MAX: usize = 3;

/// Why no tax is due (BT-120, BT-121).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exemption<'a> {
    /// Of the list VATEX.
    pub code: Option<&'a str>,
    /// For people.
    pub reason: Option<&'a str>,
}

/// The exemption of a category: its code where the list has just one for it, else the invoice's reason.
pub fn exemption<'a>(tax: &Tax, particulars: &'a Particulars) -> Exemption<'a> {
    let code = match tax.category.as_str() {
        REVERSE_CHARGE => Some("VATEX-EU-AE"),
        WITHIN_UNION => Some("VATEX-EU-IC"),
        EXPORT => Some("VATEX-EU-G"),
        OUT_OF_SCOPE => Some("VATEX-EU-O"),
        _ => None,
    };
    let is_exempt = tax.category == EXEMPT;
    let reason = particulars.exemption_reason.as_deref();
    Exemption {
        code,
        reason: reason.filter(|_| is_exempt),
    }
}

/// Whether nothing of the invoice is in the scope of VAT.
pub fn is_out_of_scope(invoice: &Invoice) -> bool {
    let mut totals = invoice.totals.tax_totals.iter();
    totals.any(|total| total.tax.category == OUT_OF_SCOPE)
}

/// Checks everything that makes a receiver refuse an invoice.
pub fn check(
    seller: &Trader,
    buyer: &Trader,
    invoice: &Invoice,
    particulars: &Particulars,
) -> Result<(), UblError> {
    check_trader(seller, "seller", ["BT-27", "BT-40", "BT-31"])?;
    check_trader(buyer, "buyer", ["BT-44", "BT-55", "BT-48"])?;
    check_particulars(particulars)?;
    if invoice.content.lines.is_empty() {
        return missing("BG-25", "document");
    }
    for (id, line) in (1_u32..).zip(&invoice.content.lines) {
        check_line(&format!("line {id}"), line)?;
    }
    for adjustment in &invoice.content.adjustments {
        check_adjustment("document", adjustment)?;
        check_tax("document", &adjustment.tax)?;
    }
    let categories = || {
        invoice
            .totals
            .tax_totals
            .iter()
            .map(|total| total.tax.category.as_str())
    };
    if is_out_of_scope(invoice) && categories().any(|category| category != OUT_OF_SCOPE) {
        return malformed(
            "BT-118",
            "VAT O",
            "nothing else beside category O (BR-O-11)",
        );
    }
    for category in categories() {
        check_category(category, seller, buyer, invoice, particulars)?;
    }
    check_identified(seller, invoice)?;
    check_due(invoice, particulars)
}

fn missing(term: &'static str, place: &str) -> Result<(), UblError> {
    Err(UblError::Missing {
        term,
        place: place.to_owned(),
    })
}

fn malformed(term: &'static str, place: &str, reason: &'static str) -> Result<(), UblError> {
    Err(UblError::Malformed {
        term,
        place: place.to_owned(),
        reason,
    })
}

fn require(text: Option<&str>, term: &'static str, place: &str) -> Result<(), UblError> {
    match text {
        Some(text) if !text.trim().is_empty() => Ok(()),
        _ => missing(term, place),
    }
}

/// What is given is not empty: an empty element is none (BR-05 of the syntax rules).
fn check_given(text: Option<&str>, term: &'static str, place: &str) -> Result<(), UblError> {
    text.map_or(Ok(()), |text| require(Some(text), term, place))
}

/// BR-06 to BR-11, BR-CO-09
fn check_trader(trader: &Trader, place: &str, terms: [&'static str; 3]) -> Result<(), UblError> {
    let [name, country, vat_id] = terms;
    require(Some(&trader.name), name, place)?;
    check_country(&trader.address.country, country, place)?;
    check_given(trader.tax_number.as_deref(), "BT-32", place)?;
    check_given(trader.company_id.as_deref(), "BT-30", place)?;
    let prefix = trader
        .vat_id
        .as_deref()
        .map(|id| id.get(..2).unwrap_or_default());
    match prefix {
        Some(prefix) if !is_two_capitals(prefix) => {
            malformed(vat_id, place, "it begins with the code of its country")
        }
        _ => Ok(()),
    }
}

fn check_country(code: &str, term: &'static str, place: &str) -> Result<(), UblError> {
    require(Some(code), term, place)?;
    if is_two_capitals(code) {
        Ok(())
    } else {
        malformed(term, place, "a code of two capital letters")
    }
}

fn is_two_capitals(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn check_particulars(particulars: &Particulars) -> Result<(), UblError> {
    check_given(particulars.buyer_reference.as_deref(), "BT-10", "document")?;
    check_given(particulars.account.as_deref(), "BT-84", "document")?;
    check_given(particulars.payment_terms.as_deref(), "BT-20", "document")?;
    let preceding = particulars.preceding.as_ref();
    check_given(preceding.map(|it| it.number.as_str()), "BT-25", "document")?;
    match &particulars.deliver_to_country {
        Some(country) => check_country(country, "BT-80", "document"),
        None => Ok(()),
    }
}

/// BR-23, BR-25, BR-42, BR-44 and the rate of the line's category
fn check_line(place: &str, line: &Line) -> Result<(), UblError> {
    require(Some(&line.description), "BT-153", place)?;
    require(Some(&line.unit), "BT-130", place)?;
    let is_code = line.unit.len() <= UNIT_BYTES_MAX
        && line
            .unit
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_code {
        return malformed(
            "BT-130",
            place,
            "a code of UN/ECE Rec 20, such as C62 or HUR",
        );
    }
    for adjustment in &line.adjustments {
        check_adjustment(place, adjustment)?;
    }
    check_tax(place, &line.tax)
}

/// BR-33, BR-38: an allowance or charge says why.
fn check_adjustment(place: &str, adjustment: &Adjustment) -> Result<(), UblError> {
    let term = if adjustment.is_charge {
        "BT-104"
    } else {
        "BT-97"
    };
    require(Some(&adjustment.reason), term, place)
}

/// BR-S-05 and its like
fn check_tax(place: &str, tax: &Tax) -> Result<(), UblError> {
    let category = tax.category.as_str();
    let is_zero = tax.rate.is_zero();
    if ZERO_RATED.contains(&category) && !is_zero {
        return malformed("BT-152", place, "the rate of this category is zero");
    }
    if category == STANDARD && is_zero {
        return malformed("BT-152", place, "the rate of category S is above zero");
    }
    let is_known =
        category == STANDARD || ZERO_RATED.contains(&category) || OTHERS_RATED.contains(&category);
    if is_known && !tax.rate.is_negative() {
        Ok(())
    } else {
        malformed("BT-151", place, "one of S, Z, E, AE, K, G, O, L, M")
    }
}

/// Whose ids a category needs, and what else: BR-S-02, BR-AE-02, BR-IC-02, BR-IC-11, BR-IC-12, BR-G-02, BR-E-10.
fn check_category(
    category: &str,
    seller: &Trader,
    buyer: &Trader,
    invoice: &Invoice,
    particulars: &Particulars,
) -> Result<(), UblError> {
    let place = format!("VAT {category}");
    let vat_id = seller.vat_id.as_deref();
    let vat_id_or_number = vat_id.or(seller.tax_number.as_deref());
    match category {
        OUT_OF_SCOPE => Ok(()),
        EXPORT => require(vat_id, "BT-31", &place),
        WITHIN_UNION => {
            require(vat_id, "BT-31", &place)?;
            require(buyer.vat_id.as_deref(), "BT-48", &place)?;
            require(particulars.deliver_to_country.as_deref(), "BT-80", &place)?;
            match invoice.content.supply_date {
                Some(_) => Ok(()),
                None => missing("BT-72", &place),
            }
        }
        REVERSE_CHARGE => {
            require(vat_id_or_number, "BT-31", &place)?;
            let buyer_id = buyer.vat_id.as_deref().or(buyer.company_id.as_deref());
            require(buyer_id, "BT-48", &place)
        }
        EXEMPT => {
            require(vat_id_or_number, "BT-31", &place)?;
            require(particulars.exemption_reason.as_deref(), "BT-120", &place)
        }
        _ => require(vat_id_or_number, "BT-31", &place),
    }
}

/// BR-CO-26: the seller is told by a VAT id or a company id, of which O leaves only the second.
fn check_identified(seller: &Trader, invoice: &Invoice) -> Result<(), UblError> {
    let vat_id = seller
        .vat_id
        .as_deref()
        .filter(|_| !is_out_of_scope(invoice));
    require(vat_id.or(seller.company_id.as_deref()), "BT-30", "seller")
}

/// BR-CO-25
fn check_due(invoice: &Invoice, particulars: &Particulars) -> Result<(), UblError> {
    let is_owed =
        invoice.content.kind != InvoiceKind::CreditNote && invoice.totals.payable().minor > 0;
    let is_told = invoice.content.due_date.is_some() || particulars.payment_terms.is_some();
    if is_owed && !is_told {
        return missing("BT-9", "document");
    }
    Ok(())
}
