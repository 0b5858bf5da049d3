//! Cases of `ubl`: what is written is read back, and what the standard does not want is refused.

mod reading;

use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::decimal::Decimal;
use crate::invoice::{Adjustment, Flow, InvoiceContent, Line};
use crate::totals::{AdjustmentInput, LineInput, Tax, Totals, compute};
use reading::{check_stated, leaves, recomputed, values};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("the test writes plain decimals")
}

fn tax(category: &str, rate: &str) -> Tax {
    Tax {
        category: category.to_owned(),
        rate: decimal(rate),
    }
}

fn line(quantity: &str, unit_price: &str, tax: &Tax) -> Line {
    Line {
        takes_back: None,
        description: "Roof tiles <red> & \"glazed\"".to_owned(),
        quantity: decimal(quantity),
        unit: "C62".to_owned(),
        unit_price: decimal(unit_price),
        tax: tax.clone(),
        adjustments: Vec::new(),
        extra: serde_json::Value::Null,
    }
}

fn adjustment(is_charge: bool, amount: &str, tax: &Tax) -> Adjustment {
    Adjustment {
        is_charge,
        amount: decimal(amount),
        reason: "Agreed".to_owned(),
        tax: tax.clone(),
    }
}

fn inputs(adjustments: &[Adjustment]) -> Vec<AdjustmentInput> {
    let input = |it: &Adjustment| AdjustmentInput {
        is_charge: it.is_charge,
        amount: it.amount,
        tax: it.tax.clone(),
    };
    adjustments.iter().map(input).collect()
}

fn totals(lines: &[Line], adjustments: &[Adjustment], currency: &str) -> Totals {
    let line = |it: &Line| LineInput {
        quantity: it.quantity,
        unit_price: it.unit_price,
        adjustments: inputs(&it.adjustments),
        tax: it.tax.clone(),
    };
    let lines: Vec<LineInput> = lines.iter().map(line).collect();
    let currency = Currency::parse(currency).expect("known");
    compute(&lines, &inputs(adjustments), currency).expect("computes")
}

fn invoice(
    kind: InvoiceKind,
    lines: Vec<Line>,
    adjustments: Vec<Adjustment>,
    currency: &str,
) -> Invoice {
    let totals = totals(&lines, &adjustments, currency);
    Invoice {
        state: InvoiceState::Issued,
        number: Some("INV-2026-000017".to_owned()),
        issue_date: Some(date(2026, 3, 16)),
        party_name: "Weidenthal Bau GmbH".to_owned(),
        outstanding: totals.gross,
        totals,
        dunning_level: 0,
        reference: None,
        is_external: false,
        credited: None,
        posted_on: None,
        content: InvoiceContent {
            flow: Flow::Receivable,
            kind,
            legal_entity: "entity-1".to_owned(),
            party: "weidenthal".to_owned(),
            currency: currency.to_owned(),
            supply_date: Some(date(2026, 3, 10)),
            due_date: Some(date(2026, 4, 15)),
            lines,
            adjustments,
            supplier_number: None,
            supplier_date: None,
            prepaid: None,
            rounding: None,
            corrects: None,
            extra: serde_json::Value::Null,
        },
    }
}

fn date(year: i16, month: i8, day: i8) -> Date {
    Date::new(year, month, day).expect("a date")
}

fn trader(name: &str, vat_id: &str, country: &str) -> Trader {
    Trader {
        name: name.to_owned(),
        vat_id: Some(vat_id.to_owned()),
        tax_number: None,
        company_id: Some("FN 900001 a".to_owned()),
        address: Address {
            street: Some("Am Anger 3".to_owned()),
            postcode: Some("4020".to_owned()),
            city: Some("Linz".to_owned()),
            country: country.to_owned(),
        },
    }
}

fn seller() -> Trader {
    trader("Steinadler Service GmbH", "ATU99000099", "AT")
}

fn buyer() -> Trader {
    trader("Weidenthal Bau GmbH", "DE999000021", "DE")
}

fn particulars() -> Particulars {
    Particulars {
        account: Some("AT483200000012345864".to_owned()),
        ..Particulars::default()
    }
}

fn written(invoice: &Invoice) -> Result<String, UblError> {
    write(&seller(), &buyer(), invoice, &particulars())
}

fn any_decimal(mantissas: RangeInclusive<i64>, scale: u32) -> impl Strategy<Value = Decimal> {
    mantissas.prop_map(move |mantissa| Decimal::new(mantissa, scale).expect("fits"))
}

fn any_tax() -> impl Strategy<Value = Tax> {
    select(vec![
        tax("S", "20"),
        tax("S", "7.5"),
        tax("Z", "0"),
        tax("AE", "0"),
    ])
}

fn any_adjustment(tax: Tax) -> impl Strategy<Value = Adjustment> {
    (any::<bool>(), 0_i64..10_000).prop_map(move |(is_charge, minor)| Adjustment {
        amount: Decimal::new(minor, 2).expect("fits"),
        ..adjustment(is_charge, "0", &tax)
    })
}

fn any_line() -> impl Strategy<Value = Line> {
    (
        any_decimal(-100_000..=100_000, 3),
        any_decimal(-1_000_000..=1_000_000, 4),
        any_tax(),
    )
        .prop_flat_map(|(quantity, unit_price, tax)| {
            let adjustments = prop::collection::vec(any_adjustment(tax.clone()), 0..3);
            adjustments.prop_map(move |adjustments| Line {
                takes_back: None,
                quantity,
                unit_price,
                adjustments,
                ..line("1", "1", &tax)
            })
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_to_the_same_lines_and_totals(
        lines in prop::collection::vec(any_line(), 1..6),
        adjustments in prop::collection::vec(any_tax().prop_flat_map(any_adjustment), 0..3),
    ) {
        let invoice = invoice(InvoiceKind::Invoice, lines, adjustments, "EUR");
        let text = written(&invoice).expect("nothing is missing");
        check_stated(&text, &invoice.totals);
        prop_assert_eq!(recomputed(&text, "EUR"), invoice.totals);
    }

    #[test]
    fn every_text_is_read_back_or_refused(description in "\\PC{1,20}|[\\x00-\\x20\u{fffe}<>&\"']{1,8}") {
        let mut lines = vec![line("1", "1", &tax("S", "20"))];
        lines[0].description.clone_from(&description);
        match written(&invoice(InvoiceKind::Invoice, lines, vec![], "EUR")) {
            Ok(text) => {
                let leaves = leaves(&text);
                prop_assert_eq!(values(&leaves, "Invoice/cac:InvoiceLine/cac:Item/cbc:Name"), [description.as_str()]);
            }
            Err(UblError::Character { element, .. }) => prop_assert_eq!(element, "cbc:Name"),
            Err(UblError::Missing { term, .. }) => prop_assert!(term == "BT-153" && description.trim().is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

fn example() -> Invoice {
    let (standard, reduced) = (tax("S", "20"), tax("S", "10.0"));
    let mut lines = vec![
        line("120", "1.2345", &standard),
        line("1", "-30.00", &reduced),
        line("8.5", "64.00", &reduced),
    ];
    lines[0].adjustments = vec![adjustment(false, "8.14", &standard)];
    let adjustments = vec![
        adjustment(false, "10.00", &standard),
        adjustment(true, "25.00", &standard),
    ];
    invoice(InvoiceKind::Invoice, lines, adjustments, "EUR")
}

fn credit_note() -> (Invoice, Particulars) {
    let mut note = invoice(
        InvoiceKind::CreditNote,
        vec![line("2", "10.00", &tax("E", "0"))],
        vec![],
        "CHF",
    );
    note.number = Some("CN-2026-000003".to_owned());
    let particulars = Particulars {
        preceding: Some(Preceding {
            number: "INV-2026-000017".to_owned(),
            issue_date: Some(date(2026, 3, 16)),
        }),
        exemption_reason: Some("Training, exempt by law".to_owned()),
        ..particulars()
    };
    (note, particulars)
}

/// The plugin `supplier-invoices` reads these two files in its own tests.
#[test]
fn the_whole_text_is_as_it_was() {
    let text = written(&example()).expect("nothing is missing");
    assert_eq!(text, include_str!("../../tests/ubl/invoice.xml"));
    let (note, particulars) = credit_note();
    let text = write(&seller(), &buyer(), &note, &particulars).expect("nothing is missing");
    assert_eq!(text, include_str!("../../tests/ubl/credit-note.xml"));
}

#[test]
fn only_issued_invoices_are_written() {
    let change: [fn(&mut Invoice); 3] = [
        |it| it.state = InvoiceState::Draft,
        |it| it.number = None,
        |it| it.issue_date = None,
    ];
    for change in change {
        let mut invoice = example();
        change(&mut invoice);
        assert_eq!(written(&invoice), Err(UblError::NotIssued));
    }
}

#[test]
fn a_currency_of_three_decimals_is_refused_and_none_is_no_trouble() {
    let of = |currency| {
        invoice(
            InvoiceKind::Invoice,
            vec![line("1", "100", &tax("S", "20"))],
            vec![],
            currency,
        )
    };
    let currency = Currency::parse("BHD").expect("known");
    assert_eq!(
        written(&of("BHD")),
        Err(UblError::TooManyDecimals { currency })
    );
    let text = written(&of("JPY")).expect("nothing is missing");
    assert!(
        text.contains("<cbc:PayableAmount currencyID=\"JPY\">120</cbc:PayableAmount>"),
        "{text}"
    );
}

#[test]
fn an_amount_finer_than_the_currency_is_refused() {
    let standard = tax("S", "20");
    let adjustments = vec![adjustment(false, "1.005", &standard)];
    let found = written(&invoice(
        InvoiceKind::Invoice,
        vec![line("1", "100", &standard)],
        adjustments,
        "EUR",
    ));
    assert!(
        matches!(found, Err(UblError::Money(MoneyError::TooFine { .. }))),
        "{found:?}"
    );
}

#[test]
fn what_was_paid_in_advance_and_what_rounds_is_told() {
    let mut partly = invoice(
        InvoiceKind::Invoice,
        vec![line("1", "99.98", &tax("S", "0.01"))],
        vec![],
        "EUR",
    );
    partly.content.prepaid = Some(decimal("30.5"));
    partly.content.rounding = Some(decimal("-0.01"));
    assert_eq!(written(&partly), Err(UblError::Inconsistent));
    let (prepaid, rounding) = (partly.content.prepaid, partly.content.rounding);
    let totals = partly.totals.clone().settled_by(prepaid, rounding);
    partly.totals = totals.expect("it adds up");
    assert_eq!(partly.totals.payable().format(), "69.48 EUR");
    let text = written(&partly).expect("nothing is missing");
    let leaves = leaves(&text);
    let total = |name: &str| {
        values(
            &leaves,
            &format!("Invoice/cac:LegalMonetaryTotal/cbc:{name}"),
        )
    };
    assert_eq!(total("PrepaidAmount"), ["30.50"]);
    assert_eq!(total("PayableRoundingAmount"), ["-0.01"]);
    assert_eq!(total("PayableAmount"), ["69.48"]);
    partly.content.rounding = Some(decimal("0.001"));
    assert!(matches!(written(&partly), Err(UblError::Money(_))));
}

#[test]
fn totals_of_another_content_are_refused() {
    let mut other = example();
    other.content.lines.pop();
    assert_eq!(written(&other), Err(UblError::Inconsistent));
    let mut other = example();
    other.totals.net.minor = 1;
    assert_eq!(written(&other), Err(UblError::Inconsistent));
}

/// What is refused when everything is right but one thing.
fn refusal(change: impl Fn(&mut Trader, &mut Trader, &mut Invoice, &mut Particulars)) -> String {
    let (mut seller, mut buyer, mut invoice, mut particulars) =
        (seller(), buyer(), example(), particulars());
    change(&mut seller, &mut buyer, &mut invoice, &mut particulars);
    match write(&seller, &buyer, &invoice, &particulars) {
        Err(UblError::Missing { term, place }) => format!("{term} missing in {place}"),
        Err(UblError::Malformed { term, place, .. }) => format!("{term} malformed in {place}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_missing_or_malformed_is_refused_by_its_term() {
    let check = |change: fn(&mut Trader, &mut Trader, &mut Invoice, &mut Particulars),
                 expected: &str| {
        assert_eq!(refusal(change), expected);
    };
    check(
        |seller, _, _, _| seller.name = " ".into(),
        "BT-27 missing in seller",
    );
    check(
        |_, buyer, _, _| buyer.name.clear(),
        "BT-44 missing in buyer",
    );
    check(
        |seller, _, _, _| seller.address.country.clear(),
        "BT-40 missing in seller",
    );
    check(
        |_, buyer, _, _| buyer.address.country = "Austria".into(),
        "BT-55 malformed in buyer",
    );
    check(
        |seller, _, _, _| seller.vat_id = Some("99000099".into()),
        "BT-31 malformed in seller",
    );
    check(
        |seller, _, _, _| seller.vat_id = None,
        "BT-31 missing in VAT S",
    );
    check(
        |_, _, it, _| it.content.due_date = None,
        "BT-9 missing in document",
    );
    check(
        |_, _, it, _| it.content.lines[1].unit = "hours".into(),
        "BT-130 malformed in line 2",
    );
    check(
        |_, _, it, _| it.content.lines[1].description.clear(),
        "BT-153 missing in line 2",
    );
    check(
        |_, _, it, _| it.content.lines.clear(),
        "BG-25 missing in document",
    );
    check(
        |_, _, it, _| it.content.lines[0].adjustments[0].reason.clear(),
        "BT-97 missing in line 1",
    );
    check(
        |_, _, it, _| it.content.adjustments[1].reason.clear(),
        "BT-104 missing in document",
    );
    check(
        |_, _, it, _| it.content.lines[0].tax.rate = Decimal::ZERO,
        "BT-152 malformed in line 1",
    );
    check(
        |_, _, it, _| it.content.lines[0].tax.category = "Q".into(),
        "BT-151 malformed in line 1",
    );
    check(
        |_, _, _, it| it.account = Some(String::new()),
        "BT-84 missing in document",
    );
}

fn of_category(category: &str) -> Invoice {
    invoice(
        InvoiceKind::Invoice,
        vec![line("1", "100", &tax(category, "0"))],
        vec![],
        "EUR",
    )
}

#[test]
fn each_category_has_its_own_demands() {
    let check = |category: &str,
                 change: fn(&mut Trader, &mut Trader, &mut Invoice, &mut Particulars),
                 expected: &str| {
        let found = refusal(|seller, buyer, invoice, particulars| {
            *invoice = of_category(category);
            particulars.deliver_to_country = Some("DE".to_owned());
            particulars.exemption_reason = Some("Exempt by law".to_owned());
            change(seller, buyer, invoice, particulars);
        });
        assert_eq!(found, expected, "{category}");
    };
    check(
        "E",
        |_, _, _, it| it.exemption_reason = None,
        "BT-120 missing in VAT E",
    );
    check(
        "G",
        |it, _, _, _| it.vat_id = None,
        "BT-31 missing in VAT G",
    );
    check(
        "K",
        |_, it, _, _| it.vat_id = None,
        "BT-48 missing in VAT K",
    );
    check(
        "K",
        |_, _, it, _| it.content.supply_date = None,
        "BT-72 missing in VAT K",
    );
    check(
        "K",
        |_, _, _, it| it.deliver_to_country = None,
        "BT-80 missing in VAT K",
    );
    let no_ids = |_: &mut Trader, it: &mut Trader, _: &mut Invoice, _: &mut Particulars| {
        (it.vat_id, it.company_id) = (None, None);
    };
    check("AE", no_ids, "BT-48 missing in VAT AE");
    check(
        "O",
        |it, _, _, _| it.company_id = None,
        "BT-30 missing in seller",
    );
    let mixed = |_: &mut Trader, _: &mut Trader, it: &mut Invoice, _: &mut Particulars| {
        *it = invoice(
            InvoiceKind::Invoice,
            vec![
                line("1", "1", &tax("O", "0")),
                line("1", "1", &tax("Z", "0")),
            ],
            vec![],
            "EUR",
        );
    };
    check("O", mixed, "BT-118 malformed in VAT O");
}

#[test]
fn exempt_categories_say_why_and_what_is_out_of_scope_names_no_vat_id() {
    let check = |category: &str, expected: &str| {
        let particulars = Particulars {
            deliver_to_country: Some("DE".to_owned()),
            exemption_reason: Some("Exempt by law".to_owned()),
            ..particulars()
        };
        let text = write(&seller(), &buyer(), &of_category(category), &particulars)
            .expect("nothing is missing");
        assert!(text.contains(expected), "{category}: {text}");
        let is_out_of_scope = category == "O";
        assert_eq!(text.contains("ATU99000099"), !is_out_of_scope, "{category}");
        assert_eq!(
            text.contains("<cbc:Percent>0</cbc:Percent>"),
            !is_out_of_scope,
            "{category}"
        );
    };
    check(
        "E",
        "<cbc:TaxExemptionReason>Exempt by law</cbc:TaxExemptionReason>",
    );
    check(
        "AE",
        "<cbc:TaxExemptionReasonCode>VATEX-EU-AE</cbc:TaxExemptionReasonCode>",
    );
    check(
        "K",
        "<cbc:TaxExemptionReasonCode>VATEX-EU-IC</cbc:TaxExemptionReasonCode>",
    );
    check(
        "G",
        "<cbc:TaxExemptionReasonCode>VATEX-EU-G</cbc:TaxExemptionReasonCode>",
    );
    check(
        "O",
        "<cbc:TaxExemptionReasonCode>VATEX-EU-O</cbc:TaxExemptionReasonCode>",
    );
}
