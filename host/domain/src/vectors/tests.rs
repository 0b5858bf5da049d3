//! Cases of `vectors`: the shapes of answers. The vectors themselves are run by `tests/vectors.rs`.

use super::*;

#[track_caller]
fn check(answered: Result<Value, NotCases>, expected: &Value) {
    let cases = answered.expect("is a list");
    let got: Vec<&Value> = cases
        .as_array()
        .expect("stays a list")
        .iter()
        .map(|case| case.get("error").unwrap_or(&case["got"]))
        .collect();
    assert_eq!(json!(got), *expected);
}

#[test]
fn what_is_no_list_of_objects_is_refused() {
    assert_eq!(rrule(json!({})), Err(NotCases));
    assert_eq!(rounding(json!([1])), Err(NotCases));
}

#[test]
fn a_case_keeps_its_fields_and_says_why_it_has_no_answer() {
    let answered =
        rrule(json!([{"rrule": "FREQ=DAILY;BYHOUR=24", "dtstart": "2026-01-31", "note": "kept"}]));
    let expected = json!([{
        "rrule": "FREQ=DAILY;BYHOUR=24",
        "dtstart": "2026-01-31",
        "note": "kept",
        "got": null,
        "error": "BYHOUR takes whole numbers of 0 to 23 at byte 18",
    }]);
    assert_eq!(answered, Ok(expected));
}

#[test]
fn instances_are_written_as_the_start_is() {
    let case = |dtstart: &str, finite: bool| {
        let expected = [0, 0];
        json!({"rrule": "RRULE:FREQ=MONTHLY;COUNT=3", "dtstart": dtstart, "finite": finite, "expected": expected})
    };
    let cases = json!([
        case("2026-01-31", true),
        case("2026-01-31T09:00:00", false),
        case("2026-01-31T09:00:00Z", false),
        case("31.01.2026", true),
        {"rrule": "FREQ=DAILY", "dtstart": "2026-01-31", "no_instance": true},
    ]);
    let expected = json!([
        ["2026-01-31", "2026-03-31", "2026-05-31"],
        ["2026-01-31T09:00:00", "2026-03-31T09:00:00"],
        ["2026-01-31T09:00:00Z", "2026-03-31T09:00:00Z"],
        "\"31.01.2026\" is not a local time such as 2026-01-31T09:00:00",
        ["2026-01-31"],
    ]);
    check(rrule(cases), &expected);
}

#[test]
fn wall_times_become_instants() {
    let cases = json!([
        {"zone": "Europe/Berlin", "local": "2026-03-29T02:30:00"},
        {"zone": "Europe/Berlin", "local": "2026-10-25T02:30:00"},
        {"zone": "Europe/Atlantis", "local": "2026-10-25T02:30:00"},
    ]);
    let expected = json!([
        "2026-03-29T01:30:00Z",
        "2026-10-25T00:30:00Z",
        "unknown time zone \"Europe/Atlantis\"",
    ]);
    check(local_to_utc(cases), &expected);
}

#[test]
fn business_days_are_those_of_the_named_calendar() {
    let holidays = json!({"XECB": {"2026-01-01": "New Year's Day"}});
    let between = |convention: &str| {
        json!({
            "calendar": "XECB", "op": "business-days-between",
            "from": "2025-12-31", "to": "2026-01-02", "convention": convention,
        })
    };
    let cases = json!([
        {"calendar": "XECB", "op": "add-business-days", "date": "2025-12-31", "n": 1},
        {"calendar": "XECB", "op": "roll", "mode": "modified-following", "date": "2026-01-31"},
        between("from exclusive, to inclusive"),
        between("from inclusive, to exclusive"),
        {"calendar": "XNYS", "op": "add-business-days", "date": "2025-12-31", "n": 1},
    ]);
    let expected = json!(["2026-01-02", "2026-01-30", 1, 1, "no holidays of \"XNYS\""]);
    check(business_days(cases, &holidays), &expected);
}

#[test]
fn numbers_are_rounded_by_three_rules() {
    let case = |value: &str, digits: u32| json!({"value": value, "digits": digits});
    let answer = |away: &str, even: &str, up: &str| json!({"half_up_away": away, "half_even": even, "xpath_half_plus_inf": up});
    let cases = json!([
        case("-2.5e-3", 3),
        case("25E+1", 0),
        case("-0.005", 2),
        case("1e99", 0),
        case("1e", 0)
    ]);
    let expected = json!([
        answer("-0.003", "-0.002", "-0.002"),
        answer("250", "250", "250"),
        answer("-0.01", "-0.00", "0.00"),
        "the exact result has too many digits",
        "not a plain decimal such as \"-1.10\"",
    ]);
    check(rounding(cases), &expected);
}

#[test]
fn an_invoice_has_nets_sums_and_taxes() {
    let cases = json!([{
        "lines": [
            {"quantity": "3", "unit_price": "9.995", "vat_rate": "20"},
            {"quantity": "1", "unit_price": "1", "vat_rate": "9.50"},
        ],
        "document_allowance": "9.99",
        "allowance_vat_rate": "20",
    }]);
    let expected = json!([{
        "lines": [{"net": "29.99"}, {"net": "1.00"}],
        "sum_lines": "30.99",
        "total_without_vat": "21.00",
        "vat_breakdown": [
            {"rate": "9.5", "taxable": "1.00", "tax": "0.10"},
            {"rate": "20", "taxable": "20.00", "tax": "4.00"},
        ],
        "total_vat": "4.10",
        "total_with_vat": "25.10",
    }]);
    check(invoice_totals(cases), &expected);
}
