//! Vectors that others made: rounding, invoice totals and business days.
//!
//! They lie outside of the repository, in `shared/testdata` beside the project's folder or under `BURSAR_SHARED`; where
//! they are absent these tests say so and pass.

use std::io::Write as _;
use std::path::PathBuf;

use bursar_domain::business::{BusinessCalendar, Roll};
use bursar_domain::decimal::{Decimal, Rounding};
use bursar_domain::money::{Currency, Money};
use bursar_domain::totals::{self, AdjustmentInput, LineInput, Tax};
use jiff::civil::{Date, Weekday};
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn vectors<T: DeserializeOwned>(file: &str) -> Option<T> {
    let beside_the_project = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("BURSAR_SHARED").map_or_else(beside_the_project, PathBuf::from);
    let path = shared.join("testdata").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        // Written past the test harness, which would keep the line to itself.
        let line = writeln!(std::io::stderr(), "skipped: {} absent", path.display());
        line.expect("standard error is open");
        return None;
    };
    Some(serde_json::from_str(&text).expect("the vectors have the expected shape"))
}

#[derive(Deserialize)]
struct RoundingCase {
    value: String,
    digits: u32,
    half_up_away: String,
    half_even: String,
    xpath_half_plus_inf: String,
}

#[test]
fn every_rounding_vector_is_met() {
    let Some(cases) = vectors::<Vec<RoundingCase>>("money/rounding.json") else {
        return;
    };
    assert!(!cases.is_empty());
    for case in cases {
        let value = decimal(&plain(&case.value));
        let check = |rounding, expected: &str| {
            let rounded = value.round(case.digits, rounding).expect("fits");
            // The vectors keep the sign of a negative number that rounds to zero; a Decimal has one zero.
            let expected = decimal(expected).to_string();
            assert_eq!(
                rounded.to_string(),
                expected,
                "{} to {} digits, {rounding:?}",
                case.value,
                case.digits
            );
        };
        check(Rounding::HalfAwayFromZero, &case.half_up_away);
        check(Rounding::HalfEven, &case.half_even);
        check(Rounding::HalfPlusInfinity, &case.xpath_half_plus_inf);
    }
}

/// Some vectors are written with an exponent of 10, which the product refuses: -2.5e-3 is -0.0025.
fn plain(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once("e-") else {
        return text.to_owned();
    };
    let places: usize = exponent.parse().expect("a small exponent");
    let (sign, digits) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert_eq!(
        whole.len(),
        1,
        "scientific notation has one digit before the point"
    );
    format!("{sign}0.{}{whole}{fraction}", "0".repeat(places - 1))
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("the vectors are plain decimals")
}

#[derive(Deserialize)]
struct InvoiceCase {
    lines: Vec<LineCase>,
    document_allowance: Decimal,
    allowance_vat_rate: Decimal,
    sum_lines: String,
    total_without_vat: String,
    vat_breakdown: Vec<VatCase>,
    total_vat: String,
    total_with_vat: String,
}

#[derive(Deserialize)]
struct LineCase {
    quantity: Decimal,
    unit_price: Decimal,
    vat_rate: Decimal,
    net: String,
}

#[derive(Deserialize)]
struct VatCase {
    rate: Decimal,
    taxable: String,
    tax: String,
}

#[test]
fn every_invoice_vector_is_met_to_the_cent() {
    let Some(cases) = vectors::<Vec<InvoiceCase>>("money/invoice_totals.json") else {
        return;
    };
    assert!(!cases.is_empty());
    for (index, case) in cases.iter().enumerate() {
        check_invoice(index, case);
    }
}

fn check_invoice(index: usize, case: &InvoiceCase) {
    let eur = Currency::parse("EUR").expect("known");
    let amount = |text: &str| Money::parse_amount(text, eur).expect("an amount");
    let tax = |rate| Tax {
        category: "S".to_owned(),
        rate,
    };
    let line = |line: &LineCase| LineInput {
        quantity: line.quantity,
        unit_price: line.unit_price,
        adjustments: Vec::new(),
        tax: tax(line.vat_rate),
    };
    let lines: Vec<LineInput> = case.lines.iter().map(line).collect();
    let allowance = AdjustmentInput {
        is_charge: false,
        amount: case.document_allowance,
        tax: tax(case.allowance_vat_rate),
    };
    let allowances = if allowance.amount.is_zero() {
        vec![]
    } else {
        vec![allowance]
    };
    let totals = totals::compute(&lines, &allowances, eur).expect("computes");

    let nets: Vec<Money> = case.lines.iter().map(|line| amount(&line.net)).collect();
    assert_eq!(totals.line_nets, nets, "line nets of invoice {index}");
    let sum_lines = Money::checked_sum(totals.line_nets, eur).expect("adds up");
    let sums = [sum_lines, totals.net, totals.tax, totals.gross];
    let expected_sums = [
        &case.sum_lines,
        &case.total_without_vat,
        &case.total_vat,
        &case.total_with_vat,
    ];
    assert_eq!(
        sums,
        expected_sums.map(|text| amount(text)),
        "sums of invoice {index}"
    );
    let taxes: Vec<_> = totals
        .tax_totals
        .iter()
        .map(|total| (total.tax.rate, total.taxable, total.amount))
        .collect();
    let expected_taxes: Vec<_> = case
        .vat_breakdown
        .iter()
        .map(|vat| (vat.rate, amount(&vat.taxable), amount(&vat.tax)))
        .collect();
    assert_eq!(taxes, expected_taxes, "taxes of invoice {index}");
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
enum BusinessCase {
    AddBusinessDays {
        date: Date,
        n: i32,
        result: Date,
    },
    Roll {
        mode: Roll,
        date: Date,
        result: Date,
    },
    BusinessDaysBetween {
        from: Date,
        to: Date,
        convention: String,
        result: u32,
    },
}

#[test]
fn every_business_day_vector_is_met() {
    type Holidays = std::collections::BTreeMap<String, std::collections::BTreeMap<Date, String>>;
    let Some(mut holidays) = vectors::<Holidays>("time/holidays_xecb.json") else {
        return;
    };
    let Some(cases) = vectors::<Vec<BusinessCase>>("time/business_days_xecb.json") else {
        return;
    };
    assert!(!cases.is_empty());
    let holidays = holidays
        .remove("XECB")
        .expect("the file holds this calendar")
        .into_keys();
    let weekend = [Weekday::Saturday, Weekday::Sunday];
    let calendar = BusinessCalendar::new(weekend, holidays, 1).expect("is open");
    for case in cases {
        match case {
            BusinessCase::AddBusinessDays { date, n, result } => {
                assert_eq!(calendar.add(date, n), Ok(result), "{date} and {n} days");
            }
            BusinessCase::Roll { mode, date, result } => {
                assert_eq!(calendar.roll(date, mode), Ok(result), "{date} {mode:?}");
            }
            BusinessCase::BusinessDaysBetween {
                from,
                to,
                convention,
                result,
            } => {
                assert_eq!(convention, "from exclusive, to inclusive");
                // Ours is from inclusive, to exclusive: the same window, one day earlier at both ends.
                let [start, end] = [from, to].map(|date| date.tomorrow().expect("in range"));
                assert_eq!(calendar.between(start, end), Ok(result), "{from} to {to}");
            }
        }
    }
}
