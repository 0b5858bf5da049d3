use super::*;

fn case(name: &str) -> String {
    let file = format!("{}/cases/{name}/invoice.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn parsed(text: &str) -> Parsed {
    parse(text.as_bytes()).expect("the document is an invoice")
}

fn faults_of(text: &str) -> Vec<String> {
    let faults = parsed(text).faults.into_iter();
    faults
        .map(|fault| format!("{} {}", fault.term, fault.place))
        .collect()
}

#[test]
fn a_ubl_invoice_is_read_term_by_term() {
    let Parsed { invoice, faults } = parsed(&case("ubl-invoice"));
    assert_eq!(faults, []);
    assert_eq!(invoice.number, "LP-2026/0417");
    assert_eq!(invoice.issue_date.as_deref(), Some("2026-03-16"));
    assert_eq!(invoice.seller.vat_ids, ["ATU99000001"]);
    assert_eq!(invoice.seller.company_ids, ["FN 900001 a"]);
    assert_eq!(invoice.accounts, ["AT483200000012345864"]);
    let [paper, notebook, _] = invoice.lines.as_slice() else {
        panic!("three lines");
    };
    assert_eq!(
        paper.base_quantity.as_ref().map(|it| it.text.as_str()),
        Some("500")
    );
    assert_eq!(paper.unit.as_deref(), Some("EA"));
    assert_eq!(
        paper.adjustments[0]
            .percent
            .as_ref()
            .map(|it| it.text.as_str()),
        Some("5")
    );
    assert_eq!(
        notebook.gross_price.as_ref().map(|it| it.text.as_str()),
        Some("2.50")
    );
    let charges: Vec<bool> = invoice.adjustments.iter().map(|it| it.is_charge).collect();
    assert_eq!(charges, [false, true]);
}

#[test]
fn a_cii_invoice_is_read_term_by_term() {
    let Parsed { invoice, faults } = parsed(&case("cii-invoice"));
    assert_eq!(faults, []);
    assert_eq!(invoice.syntax, Syntax::Cii);
    assert_eq!(invoice.issue_date.as_deref(), Some("2026-03-02"));
    assert_eq!(invoice.delivery_date.as_deref(), Some("2026-02-28"));
    assert_eq!(invoice.notes, ["Meter 4711", "Thank you"]);
    let text = |figure: &Option<Figure>| figure.as_ref().map(|it| it.text.clone());
    assert_eq!(text(&invoice.totals.tax).as_deref(), Some("70.93"));
    assert_eq!(
        text(&invoice.totals.tax_in_tax_currency).as_deref(),
        Some("76.60")
    );
    assert_eq!(
        text(&invoice.lines[0].price_discount).as_deref(),
        Some("1.37")
    );
    assert_eq!(invoice.adjustments.len(), 1);
    assert!(invoice.adjustments[0].is_charge);
}

#[test]
fn of_two_prices_the_net_one_counts_and_is_made_where_it_is_missing() {
    let text = case("cii-invoice");
    let start = text
        .find("<r:NetPriceProductTradePrice>")
        .expect("it has a net price");
    let end = text
        .find("</r:SpecifiedLineTradeAgreement>")
        .expect("it ends");
    let without = format!("{}{}", &text[..start], &text[end..]);
    let Parsed { invoice, faults } = parsed(&without);
    assert_eq!(faults, []);
    assert_eq!(invoice.lines[0].price.text, "29.63");
}

#[test]
fn what_is_missing_or_unreadable_is_named_with_its_place() {
    let good = case("ubl-invoice");
    let check = |from: &str, to: &str, expected: &[&str]| {
        assert!(good.contains(from), "{from}");
        assert_eq!(faults_of(&good.replacen(from, to, 1)), expected, "{from}");
    };
    check("<cbc:ID>LP-2026/0417</cbc:ID>", "", &["BT-1 document"]);
    check("2026-03-16", "16.03.2026", &["BT-2 document"]);
    check("2026-04-15", "2026-04-31", &["BT-9 document"]);
    check(">EUR<", ">Euro<", &["BT-5 document"]);
    check(">6.95<", ">6,95<", &["BT-146 line 1"]);
    check(">2400<", "><", &["BT-129 line 1"]);
    check(">31.69<", ">1e9<", &["BT-131 line 1"]);
    check("Lindenhof Papier GmbH", "", &["BT-27 document"]);
    check(
        "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID>",
        "<cac:ClassifiedTaxCategory>",
        &["BT-151 line 1"],
    );
    check(
        "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent>",
        "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID>",
        &["BT-152 line 1"],
    );
}

#[test]
fn one_category_stands_for_those_that_are_left_out() {
    let text = case("negative-invoice");
    let left_out = text.replacen(
        "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID>",
        "<cac:ClassifiedTaxCategory>",
        1,
    );
    assert_ne!(text, left_out);
    assert_eq!(parsed(&left_out), parsed(&text));
}

#[test]
fn a_root_of_another_name_or_namespace_is_no_invoice() {
    let good = case("ubl-invoice");
    for (from, to) in [
        ("xsd:Invoice-2", "xsd:CreditNote-2"),
        (
            "xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\"",
            "",
        ),
    ] {
        let other = good.replacen(from, to, 1);
        assert_eq!(parse(other.as_bytes()), Err(Refusal::NotAnInvoice), "{to}");
    }
}

#[test]
fn lines_and_adjustments_have_limits() {
    let good = case("negative-invoice");
    let check = |start: &str, end: &str, times: usize| {
        let (from, to) = (
            good.find(start).expect("starts"),
            good.find(end).expect("ends") + end.len(),
        );
        let many = good.replacen(&good[from..to], &good[from..to].repeat(times), 1);
        assert!(
            matches!(parse(many.as_bytes()), Err(Refusal::TooLarge(_))),
            "{start}"
        );
    };
    check("<cac:InvoiceLine>", "</cac:InvoiceLine>", LINES_MAX + 1);
    check("<cac:TaxSubtotal>", "</cac:TaxSubtotal>", TAXES_MAX + 1);
    let adjustment = "<cac:AllowanceCharge><cbc:Amount>1</cbc:Amount></cac:AllowanceCharge>";
    let many = adjustment.repeat(ADJUSTMENTS_MAX + 1);
    let many = good.replacen("<cac:TaxTotal>", &format!("{many}<cac:TaxTotal>"), 1);
    assert!(matches!(parse(many.as_bytes()), Err(Refusal::TooLarge(_))));
}

#[test]
fn a_document_that_is_cut_anywhere_never_panics() {
    for name in ["ubl-invoice", "cii-invoice", "ubl-credit-note"] {
        let text = case(name);
        let text = text.trim_end();
        for cut in (0..text.len())
            .step_by(7)
            .filter(|cut| text.is_char_boundary(*cut))
        {
            assert!(parse(&text.as_bytes()[..cut]).is_err(), "{name} at {cut}");
        }
    }
}
