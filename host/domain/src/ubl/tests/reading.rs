//! A small reader of what `ubl` writes: leaf elements by their paths, and the totals that follow from them.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{adjustment, line, tax, totals};
use crate::invoice::{Adjustment, Line};
use crate::money::Money;
use crate::totals::{Tax, Totals};

/// Leaf elements with their paths, in the order of the document.
pub fn leaves(text: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(text);
    let (mut path, mut leaves, mut content) = (Vec::new(), Vec::new(), None);
    loop {
        match reader.read_event().expect("the text is XML") {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                content = Some(String::new());
            }
            Event::Text(text) => write_to(&mut content, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = match &*reference.xml10_content() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "#13" => "\r",
                    other => panic!("{other}"),
                };
                write_to(&mut content, text);
            }
            Event::End(_) => {
                if let Some(content) = content.take() {
                    leaves.push((path.join("/"), content));
                }
                path.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    leaves
}

fn write_to(content: &mut Option<String>, text: &str) {
    if let Some(content) = content {
        content.push_str(text);
    }
}

pub fn values<'a>(leaves: &'a [(String, String)], path: &str) -> Vec<&'a str> {
    let found = leaves.iter().filter(|(its_path, _)| its_path == path);
    found.map(|(_, value)| value.as_str()).collect()
}

/// The text cut before each line of an invoice; the header comes first.
fn parts(text: &str) -> Vec<Vec<(String, String)>> {
    let leaves = leaves(text);
    let begins = |leaf: &(String, String)| leaf.0.ends_with("Line/cbc:ID");
    leaves
        .chunk_by(|_, next| !begins(next))
        .map(<[_]>::to_vec)
        .collect()
}

fn adjustments_of(part: &[(String, String)], path: &str, own: Option<&Tax>) -> Vec<Adjustment> {
    let column = |name: &str| values(part, &format!("{path}/cac:AllowanceCharge/{name}"));
    let (indicators, amounts) = (column("cbc:ChargeIndicator"), column("cbc:Amount"));
    let (categories, rates) = (
        column("cac:TaxCategory/cbc:ID"),
        column("cac:TaxCategory/cbc:Percent"),
    );
    let taxes = categories
        .iter()
        .zip(rates)
        .map(|(category, rate)| tax(category, rate));
    let taxes: Vec<Tax> = match own {
        Some(own) => vec![own.clone(); amounts.len()],
        None => taxes.collect(),
    };
    let rows = indicators.iter().zip(amounts).zip(taxes);
    rows.map(|((indicator, amount), tax)| adjustment(*indicator == "true", amount, &tax))
        .collect()
}

fn line_of(part: &[(String, String)]) -> Line {
    let root = "Invoice/cac:InvoiceLine";
    let one = |path: &str| {
        let found = values(part, &format!("{root}/{path}"));
        found
            .first()
            .copied()
            .expect("each line has one")
            .to_owned()
    };
    let category = "cac:Item/cac:ClassifiedTaxCategory";
    let own = tax(
        &one(&format!("{category}/cbc:ID")),
        &one(&format!("{category}/cbc:Percent")),
    );
    Line {
        takes_back: None,
        adjustments: adjustments_of(part, root, Some(&own)),
        ..line(
            &one("cbc:InvoicedQuantity"),
            &one("cac:Price/cbc:PriceAmount"),
            &own,
        )
    }
}

/// Totals computed anew from what the text says.
pub fn recomputed(text: &str, currency: &str) -> Totals {
    let parts = parts(text);
    let [header, lines @ ..] = parts.as_slice() else {
        panic!("there is a header");
    };
    let lines: Vec<Line> = lines.iter().map(|part| line_of(part)).collect();
    totals(&lines, &adjustments_of(header, "Invoice", None), currency)
}

pub fn check_stated(text: &str, totals: &Totals) {
    let leaves = leaves(text);
    let sum = |name: &str| {
        values(
            &leaves,
            &format!("Invoice/cac:LegalMonetaryTotal/cbc:{name}"),
        )
        .concat()
    };
    let stated = [
        sum("TaxExclusiveAmount"),
        sum("TaxInclusiveAmount"),
        sum("PayableAmount"),
    ];
    let expected = [totals.net, totals.gross, totals.gross].map(Money::amount_text);
    assert_eq!(stated, expected);
    let nets = values(&leaves, "Invoice/cac:InvoiceLine/cbc:LineExtensionAmount");
    let expected: Vec<String> = totals
        .line_nets
        .iter()
        .map(|net| net.amount_text())
        .collect();
    assert_eq!(nets, expected);
    let taxes = values(
        &leaves,
        "Invoice/cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount",
    );
    let expected: Vec<String> = totals
        .tax_totals
        .iter()
        .map(|it| it.amount.amount_text())
        .collect();
    assert_eq!(taxes, expected);
}
