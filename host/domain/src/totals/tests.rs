//! Cases of `totals`.

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("the test writes plain decimals")
}

fn tax(category: &str, rate: &str) -> Tax {
    Tax {
        category: category.to_owned(),
        rate: decimal(rate),
    }
}

fn line(quantity: &str, unit_price: &str, rate: &str) -> LineInput {
    LineInput {
        quantity: decimal(quantity),
        unit_price: decimal(unit_price),
        adjustments: Vec::new(),
        tax: tax("S", rate),
    }
}

fn allowance(amount: &str, rate: &str) -> AdjustmentInput {
    AdjustmentInput {
        is_charge: false,
        amount: decimal(amount),
        tax: tax("S", rate),
    }
}

fn charge(amount: &str, rate: &str) -> AdjustmentInput {
    AdjustmentInput {
        is_charge: true,
        ..allowance(amount, rate)
    }
}

fn compute_in(
    code: &str,
    lines: &[LineInput],
    adjustments: &[AdjustmentInput],
) -> Result<Totals, TotalsError> {
    compute(lines, adjustments, Currency::parse(code).expect("known"))
}

fn check(
    code: &str,
    lines: &[LineInput],
    adjustments: &[AdjustmentInput],
    net_tax_gross: [&str; 3],
) {
    let totals = compute_in(code, lines, adjustments).expect("computes");
    assert_eq!(
        [totals.net, totals.tax, totals.gross].map(Money::amount_text),
        net_tax_gross
    );
}

#[test]
fn a_line_is_rounded_once_after_its_allowances_and_charges() {
    let mut adjusted = line("3", "0.3333", "0");
    adjusted.adjustments = vec![allowance("0.005", "0"), charge("0.0101", "0")];
    check("EUR", &[adjusted], &[], ["1.01", "0.00", "1.01"]);
    // Rounded before as well, it would be 1.00.
    let mut nearly = line("1", "1.004", "0");
    nearly.adjustments = vec![charge("0.004", "0")];
    check("EUR", &[nearly], &[], ["1.01", "0.00", "1.01"]);
    // Each of them counts.
    let mut several = line("1", "10", "0");
    several.adjustments = vec![
        allowance("1", "0"),
        charge("0.30", "0"),
        allowance("2", "0"),
    ];
    check("EUR", &[several], &[], ["7.30", "0.00", "7.30"]);
}

#[test]
fn tax_is_computed_on_the_sum_of_its_rate() {
    // Line by line it would be 3 times 0.01, as 0.05 * 20 % is 0.01.
    let lines = vec![line("1", "0.03", "20"); 3];
    check("EUR", &lines, &[], ["0.09", "0.02", "0.11"]);
    check(
        "EUR",
        &[line("1", "0.05", "10"), line("1", "0.05", "10.0")],
        &[],
        ["0.10", "0.01", "0.11"],
    );
}

#[test]
fn document_adjustments_change_the_sum_of_their_tax() {
    let lines = [line("1", "100", "20"), line("1", "50", "5")];
    let totals =
        compute_in("EUR", &lines, &[allowance("10", "20.00"), charge("1", "7")]).expect("computes");
    let found: Vec<[String; 3]> = totals
        .tax_totals
        .iter()
        .map(|total| {
            [
                total.tax.rate.to_string(),
                total.taxable.amount_text(),
                total.amount.amount_text(),
            ]
        })
        .collect();
    assert_eq!(
        found,
        [
            ["5", "50.00", "2.50"],
            ["7", "1.00", "0.07"],
            ["20", "90.00", "18.00"]
        ]
    );
    assert_eq!(
        totals
            .line_nets
            .iter()
            .map(Money::format)
            .collect::<Vec<_>>(),
        ["100.00 EUR", "50.00 EUR"]
    );
    assert_eq!(totals.gross.format(), "161.57 EUR");
}

#[test]
fn the_minor_unit_is_the_currencys() {
    check("JPY", &[line("3", "33.5", "10")], &[], ["101", "10", "111"]);
    check(
        "BHD",
        &[line("3", "0.3335", "10")],
        &[],
        ["1.001", "0.100", "1.101"],
    );
    check(
        "EUR",
        &[line("-1", "2.345", "0")],
        &[],
        ["-2.35", "0.00", "-2.35"],
    );
}

#[test]
fn nothing_costs_nothing() {
    check("EUR", &[], &[], ["0.00", "0.00", "0.00"]);
}

#[test]
fn one_rate_in_two_categories_is_taxed_apart() {
    let mut reverse_charge = line("1", "10", "0");
    reverse_charge.tax.category = "AE".to_owned();
    let totals = compute_in("EUR", &[line("1", "5", "0"), reverse_charge], &[]).expect("computes");
    let categories: Vec<&str> = totals
        .tax_totals
        .iter()
        .map(|total| total.tax.category.as_str())
        .collect();
    assert_eq!(categories, ["AE", "S"]);
}

#[test]
fn what_cannot_be_computed_is_refused_with_its_place() {
    let refuse = |lines: &[LineInput], adjustments: &[AdjustmentInput], expected: TotalsError| {
        assert_eq!(compute_in("EUR", lines, adjustments), Err(expected));
    };
    let good = line("1", "1", "20");
    refuse(
        &vec![good.clone(); LINES_MAX + 1],
        &[],
        TotalsError::TooManyLines,
    );
    let many = vec![charge("1", "20"); ADJUSTMENTS_MAX + 1];
    refuse(
        &[],
        &many,
        TotalsError::TooManyAdjustments {
            place: Place::Document,
        },
    );
    let crowded = LineInput {
        adjustments: many,
        ..good.clone()
    };
    refuse(
        &[good.clone(), crowded],
        &[],
        TotalsError::TooManyAdjustments {
            place: Place::Line(1),
        },
    );
    let mixed = LineInput {
        adjustments: vec![charge("1", "5")],
        ..good.clone()
    };
    refuse(
        &[mixed],
        &[],
        TotalsError::MixedTax {
            place: Place::Line(0),
        },
    );
    refuse(
        &[line("1", "1", "-1")],
        &[],
        TotalsError::InvalidTax {
            place: Place::Line(0),
        },
    );
    let nameless = AdjustmentInput {
        tax: tax("", "20"),
        ..charge("1", "20")
    };
    refuse(
        &[],
        &[nameless],
        TotalsError::InvalidTax {
            place: Place::DocumentAdjustment(0),
        },
    );
}

#[test]
fn figures_out_of_range_are_refused_with_their_place() {
    let refuse = |lines: &[LineInput], expected: Place, expected_source: MoneyError| {
        let expected = TotalsError::OutOfRange {
            place: expected,
            source: expected_source,
        };
        assert_eq!(compute_in("EUR", lines, &[]), Err(expected));
    };
    let digits = "9".repeat(18);
    let too_long = MoneyError::Decimal(DecimalError::Overflow);
    refuse(&[line(&digits, &digits, "0")], Place::Line(0), too_long);
    refuse(
        &[line(&digits, "1", "0")],
        Place::Line(0),
        MoneyError::Overflow,
    );
    let large = line("90000000000000000", "1", "20");
    refuse(
        &[large.clone(), large.clone()],
        Place::Document,
        MoneyError::Overflow,
    );
    refuse(&[large], Place::Document, MoneyError::Overflow);
}

#[test]
fn the_largest_invoice_still_has_totals() {
    let lines = vec![line("1", "0.01", "20"); LINES_MAX];
    check("EUR", &lines, &[], ["10.00", "2.00", "12.00"]);
}
