//! Vectors that others made: rounding, invoice totals, business days, wall times and recurrence rules.
//!
//! They lie outside of the repository, in `shared/testdata` beside the project's folder or under `BURSAR_SHARED`; where
//! they are absent these tests say so and pass.

use std::io::Write as _;
use std::path::PathBuf;

use bursar_domain::vectors::{self, NotCases};
use serde_json::Value;

fn read(file: &str) -> Option<Value> {
    let beside_the_project = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("BURSAR_SHARED").map_or_else(beside_the_project, PathBuf::from);
    let path = shared.join("testdata").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        // Written past the test harness, which would keep the line to itself.
        let line = writeln!(std::io::stderr(), "skipped: {} absent", path.display());
        line.expect("standard error is open");
        return None;
    };
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

/// Answers every case of a file and compares each with what it expects.
fn check(
    file: &str,
    answer: impl Fn(Value) -> Result<Value, NotCases>,
    compare: impl Fn(&Value) -> Result<(), String>,
) {
    let Some(cases) = read(file) else { return };
    let answered = answer(cases).expect("a list of cases");
    let cases = answered.as_array().expect("stays a list");
    assert!(!cases.is_empty());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| compare(case).err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// The answer is one field of the case.
fn equals(field: &'static str) -> impl Fn(&Value) -> Result<(), String> {
    move |case| same(case, &case["got"], &case[field])
}

fn same(case: &Value, got: &Value, expected: &Value) -> Result<(), String> {
    if got == expected && !expected.is_null() {
        return Ok(());
    }
    Err(format!("got {got}, expected {expected} in {case}"))
}

/// What is excused must differ, so that no excuse outlives its reason.
fn differs(result: &Result<(), String>, case: &Value) -> Result<(), String> {
    match result {
        Ok(()) => Err(format!("met, so it needs no excuse: {case}")),
        Err(_) => Ok(()),
    }
}

#[test]
fn every_rounding_vector_is_met() {
    check("money/rounding.json", vectors::rounding, |case| {
        let fields = ["half_up_away", "half_even", "xpath_half_plus_inf"];
        fields
            .iter()
            .try_for_each(|field| same(case, &case["got"][field], &case[field]))
    });
}

#[test]
fn every_invoice_vector_is_met_to_the_cent() {
    check(
        "money/invoice_totals.json",
        vectors::invoice_totals,
        |case| {
            let fields = [
                "sum_lines",
                "total_without_vat",
                "vat_breakdown",
                "total_vat",
                "total_with_vat",
            ];
            fields
                .iter()
                .try_for_each(|field| same(case, &case["got"][field], &case[field]))?;
            let nets = |of: &Value| -> Value {
                let lines = of["lines"].as_array().into_iter().flatten();
                lines.map(|line| line["net"].clone()).collect()
            };
            same(case, &nets(&case["got"]), &nets(case))
        },
    );
}

#[test]
fn every_business_day_vector_is_met() {
    let Some(holidays) = read("time/holidays_xecb.json") else {
        return;
    };
    let answer = |cases| vectors::business_days(cases, &holidays);
    check("time/business_days_xecb.json", answer, equals("result"));
}

#[test]
fn every_wall_time_vector_is_met_but_those_of_older_zones() {
    check("time/local_to_utc.json", vectors::local_to_utc, |case| {
        // The bundled IANA data has Morocco without changes of time from then on; the vectors are made with older data.
        let is_of_older_zone = case["zone"] == "Africa/Casablanca"
            && case["local"].as_str().is_some_and(|local| local >= "2027");
        let result = equals("rfc5545_utc")(case);
        if is_of_older_zone {
            differs(&result, case)
        } else {
            result
        }
    });
}

/// Cases of ical.js whose expectation RFC 5545 contradicts, and why.
const NOT_OF_RFC_5545: [(&str, &str, &str); 6] = [
    (
        "FREQ=MONTHLY;BYDAY=SU,FR;BYMONTHDAY=1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31;COUNT=9",
        "2015-02-28T08:00:00Z",
        "COUNT=9 with no instance expected: the list of instances is missing",
    ),
    (
        "FREQ=YEARLY;BYMONTHDAY=-1",
        "2014-04-30T08:00:00",
        "expects DTSTART's month only; the table of RFC 5545 §3.3.10 expands a year by BYMONTHDAY",
    ),
    (
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;UNTIL=20160301",
        "2016-01-03",
        "expects nothing after January; two more Sundays come before UNTIL",
    ),
    (
        "FREQ=MONTHLY;INTERVAL=1;BYDAY=SU;BYSETPOS=3;COUNT=3",
        "2017-07-15",
        "expects two of COUNT=3: the third Sunday of August is missing",
    ),
    (
        "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=SU,MO,TU,WE,TH,FR,SA;INTERVAL=1;COUNT=4",
        "2016-01-01",
        "expects DTSTART, which is not the last day of its month; other cases of the file do not count such a DTSTART",
    ),
    (
        "FREQ=MONTHLY;BYSETPOS=2;BYDAY=SU,MO,TU,WE,TH,FR,SA;INTERVAL=1;COUNT=4",
        "2016-01-01",
        "expects DTSTART, which is not the second day of its month; other cases of the file do not count such a DTSTART",
    ),
];

#[test]
fn every_recurrence_vector_is_met_but_those_that_contradict_rfc_5545() {
    check("rrule/icaljs.json", vectors::rrule, |case| {
        let is_excused = NOT_OF_RFC_5545
            .iter()
            .any(|(rule, start, _)| case["rrule"] == **rule && case["dtstart"] == **start);
        let result = equals("expected")(case);
        if is_excused {
            differs(&result, case)
        } else {
            result
        }
    });
}
