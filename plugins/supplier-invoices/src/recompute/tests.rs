use super::*;
use crate::einvoice::Totals;

fn figure(text: &str) -> Figure {
    Figure {
        text: text.to_owned(),
        value: Exact::parse(text).unwrap_or_else(|| panic!("{text} is a number")),
    }
}

fn judged(theirs: &str, exact: &str, slack: Slack, is_in_whole_units: bool) -> String {
    let mut judge = Judge {
        digits: 2,
        is_in_whole_units,
        findings: Findings::default(),
    };
    let exact = Exact::parse(exact);
    judge.compare("BT-0", "document", Some(&figure(theirs)), exact, slack);
    let Findings { deviations, faults } = judge.findings;
    match (deviations.as_slice(), faults.as_slice()) {
        ([], []) => "equal".to_owned(),
        ([one], []) => format!("{} for {}: {}", one.theirs, one.ours, one.cause.word()),
        _ => "fault".to_owned(),
    }
}

#[test]
fn a_difference_is_explained_tolerated_or_a_fault() {
    let check = |theirs, exact, slack, expected: &str| {
        assert_eq!(
            judged(theirs, exact, slack, false),
            expected,
            "{theirs} of {exact}"
        );
    };
    check("1.01", "1.005", Slack::Sum, "equal");
    check("1.0100", "1.005", Slack::Sum, "equal");
    check("-1.00", "-1.005", Slack::Sum, "-1.00 for -1.01: rounding");
    check("1.005", "1.005", Slack::Sum, "1.005 for 1.01: rounding");
    check("1.02", "1.00", Slack::Sum, "1.02 for 1: tolerated");
    check("1.03", "1.00", Slack::Sum, "fault");
    check("1.99", "1.00", Slack::Tax, "1.99 for 1: tolerated");
    check("2.00", "1.00", Slack::Tax, "fault");
    check("0.00", "1.00", Slack::Tax, "fault");
    check("-5.00", "5.00", Slack::Line, "-5.00 for 5: sign");
    check("4.00", "5.00", Slack::Line, "4.00 for 5: stated");
    check("4.00", "5.00", Slack::Unused, "4.00 for 5: not-used");
}

#[test]
fn whole_units_explain_only_a_sender_that_writes_no_others() {
    assert_eq!(
        judged("4321", "4320.63", Slack::Sum, true),
        "4321 for 4320.63: rounding"
    );
    assert_eq!(judged("4321", "4320.63", Slack::Sum, false), "fault");
}

#[test]
fn a_figure_out_of_range_is_a_fault() {
    let mut judge = Judge {
        digits: 2,
        is_in_whole_units: false,
        findings: Findings::default(),
    };
    judge.compare("BT-0", "line 1", Some(&figure("1")), None, Slack::Unused);
    assert_eq!(judge.findings.faults.len(), 1);
}

fn line(net: &str, category: &str, rate: &str) -> Line {
    Line {
        id: "1".to_owned(),
        quantity: figure("1"),
        price: figure(net),
        net: figure(net),
        tax: Some(tax(category, rate)),
        ..Line::default()
    }
}

fn tax(category: &str, rate: &str) -> Tax {
    Tax {
        category: category.to_owned(),
        rate: rate.to_owned(),
    }
}

fn faults_of(invoice: &Invoice) -> Vec<String> {
    let faults = check(invoice).faults.into_iter();
    faults
        .map(|fault| format!("{} {}", fault.term, fault.place))
        .collect()
}

#[test]
fn a_category_is_broken_down_once_and_wholly() {
    let subtotal = |category, rate, taxable, amount| crate::einvoice::TaxSubtotal {
        tax: tax(category, rate),
        taxable: figure(taxable),
        amount: figure(amount),
        ..crate::einvoice::TaxSubtotal::default()
    };
    let mut invoice = Invoice {
        currency: "EUR".to_owned(),
        lines: vec![line("100.00", "S", "20"), line("50.00", "E", "0")],
        taxes: vec![
            subtotal("S", "20", "100.00", "20.00"),
            subtotal("E", "0", "50.00", "0"),
        ],
        totals: Totals {
            lines: figure("150.00"),
            net: figure("150.00"),
            tax: Some(figure("20.00")),
            gross: figure("170.00"),
            due: figure("170.00"),
            ..Totals::default()
        },
        ..Invoice::default()
    };
    assert_eq!(check(&invoice), Findings::default());
    invoice.taxes[1] = subtotal("E", "0", "20.00", "0");
    invoice.taxes.push(subtotal("E", "0", "30.00", "0"));
    assert_eq!(check(&invoice), Findings::default());
    invoice.taxes.truncate(1);
    assert_eq!(faults_of(&invoice), ["BT-116 VAT E 0"]);
    invoice.taxes.push(subtotal("E", "0", "50.00", "0"));
    invoice.taxes.push(subtotal("S", "10", "5.00", "0.50"));
    assert_eq!(faults_of(&invoice), ["BT-116 VAT S 10", "BT-110 document"]);
}

#[test]
fn an_optional_sum_may_be_left_out() {
    let mut invoice = Invoice {
        currency: "EUR".to_owned(),
        lines: vec![line("100.00", "S", "20")],
        adjustments: vec![Adjustment {
            is_charge: true,
            amount: figure("10.00"),
            tax: Some(tax("S", "20")),
            ..Adjustment::default()
        }],
        taxes: vec![crate::einvoice::TaxSubtotal {
            tax: tax("S", "20"),
            taxable: figure("110.00"),
            amount: figure("22.00"),
            ..crate::einvoice::TaxSubtotal::default()
        }],
        totals: Totals {
            lines: figure("100.00"),
            net: figure("110.00"),
            gross: figure("132.00"),
            due: figure("132.00"),
            ..Totals::default()
        },
        ..Invoice::default()
    };
    let Findings { deviations, faults } = check(&invoice);
    assert_eq!(faults, []);
    let found = deviations
        .iter()
        .map(|it| (it.term, it.ours.as_str(), it.cause));
    let expected = [
        ("BT-108", "10", Cause::LeftOut),
        ("BT-110", "22", Cause::LeftOut),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    invoice.totals.charges = Some(figure("11.00"));
    assert_eq!(faults_of(&invoice), ["BT-108 document", "BT-109 document"]);
}
