//! That the cases leave nothing of the contract out, in any language.

use std::collections::BTreeSet;

use bursar_artifacts::contract;
use serde_json::Value;

use crate::{case, folder, guest};

/// Words of all calls, those that are repeated among them.
fn words(calls: &Value, found: &mut BTreeSet<String>) {
    for call in calls.as_array().into_iter().flatten() {
        found.extend(call["call"].as_str().map(str::to_owned));
        found.extend(call["repeated"]["call"].as_str().map(str::to_owned));
    }
}

/// Words of all calls of all cases.
fn called() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for case in case::all(&folder().join("cases")) {
        words(&case.config["calls"], &mut found);
        for run in &case.runs {
            words(&run.calls, &mut found);
        }
    }
    found
}

/// Classes of errors that some answer of some case has.
fn classes() -> BTreeSet<String> {
    let cases = case::all(&folder().join("cases"));
    let expected = cases.into_iter().filter_map(|case| case.expected);
    let runs = expected.flat_map(|expected| expected.as_array().cloned().unwrap_or_default());
    let answers = runs.flat_map(|run| run["answers"].as_array().cloned().unwrap_or_default());
    let members = answers.flat_map(|answer| answer.as_object().cloned().unwrap_or_default());
    let errors = members.filter_map(|(_, answer)| answer["error"].as_str().map(str::to_owned));
    errors.collect()
}

#[test]
fn the_cases_call_every_function_of_the_contract() {
    let missing: Vec<String> = contract().difference(&called()).cloned().collect();
    assert!(missing.is_empty(), "no case calls {missing:?}");
}

#[test]
fn the_cases_meet_every_class_of_errors() {
    let met: Vec<String> = classes().into_iter().collect();
    assert_eq!(met, ["conflict", "denied", "invalid", "limit", "not-found"]);
}

#[test]
fn every_guest_asks_for_the_same_and_reaches_the_whole_contract() {
    let guests = guest::all();
    let first = guests.first().expect("there are guests").inspection();
    for guest in &guests {
        let inspection = guest.inspection();
        assert_eq!(inspection.manifest, first.manifest, "{}", guest.language);
        let reached: BTreeSet<String> = inspection.imports.into_iter().collect();
        assert_eq!(reached, contract(), "{}", guest.language);
        assert!(inspection.wasi.is_empty(), "{}", guest.language);
    }
}
