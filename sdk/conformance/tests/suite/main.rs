//! The same cases for the SDK of every language, on the real host.
//!
//! `guests/` has a folder for each language, found by itself; `cases/` a folder for each case. A guest makes the calls that
//! a case lists and logs what each answers; answers, outcome and change set must be those of the case, to the byte.
//! `coverage` holds that the cases leave nothing of the contract out.

mod case;
mod coverage;
mod guest;

use std::path::{Path, PathBuf};

use bursar_artifacts::{Rebuilt, workspace};
use bursar_cases::{Members, block_on, differences, read_json, skipped};
use serde_json::Value;

use guest::Guest;

/// `1` writes what the guest in Rust finds as what is expected from now on.
const WRITE_VARIABLE: &str = "BURSAR_CONFORMANCE_WRITE";
/// The guest whose findings may become what is expected.
const FIRST_LANGUAGE: &str = "rust";

fn folder() -> PathBuf {
    workspace().join("sdk/conformance")
}

/// Folders within a folder, by name.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    found.sort();
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

/// Plays every case with a component and tells of each that ends differently.
fn differing(guest: &Guest, component: &[u8]) -> Vec<String> {
    let mut failed = Vec::new();
    for case in case::all(&folder().join("cases")) {
        let found = block_on(case::played(component, &case));
        let lines = match &case.expected {
            Some(expected) => differences(expected, &found, Members::Exact),
            None => vec![format!(
                "nothing is expected yet: {WRITE_VARIABLE}=1 writes it"
            )],
        };
        if !lines.is_empty() {
            failed.push(format!(
                "{} with the guest in {}\n  {}",
                case.name,
                guest.language,
                lines.join("\n  ")
            ));
        }
    }
    failed
}

#[test]
fn every_case_ends_as_expected_in_every_language() {
    if std::env::var_os(WRITE_VARIABLE).is_some_and(|value| value == "1") {
        write_expected();
    }
    let guests = guest::all();
    let differ = |guest: &Guest| differing(guest, &guest.component());
    let failed: Vec<String> = guests.iter().flat_map(differ).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_case_ends_as_expected_with_components_built_now() {
    let mut failed = Vec::new();
    for guest in guest::all().into_iter().filter(Guest::is_committed) {
        match bursar_artifacts::rebuilt(&guest.folder) {
            Rebuilt::Component(component) => failed.extend(differing(&guest, &component)),
            Rebuilt::Without(toolchain) => skipped(
                &format!("the guest in {} built anew", guest.language),
                &format!("{toolchain} is not ready"),
            ),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// Only when somebody asks for it by name, and never where nothing may be left out.
#[expect(
    clippy::print_stderr,
    reason = "whoever asked is told what was written"
)]
fn write_expected() {
    assert!(
        std::env::var_os("BURSAR_REQUIRE_ALL").is_none(),
        "{WRITE_VARIABLE} has no place where everything is checked"
    );
    let guests = guest::all();
    let first = guests.iter().find(|guest| guest.language == FIRST_LANGUAGE);
    let component = first.expect("there is a guest in Rust").component();
    for case in case::all(&folder().join("cases")) {
        let found = block_on(case::played(&component, &case));
        if case.expected.as_ref() != Some(&found) {
            case.write_expected(&found);
            eprintln!("written: what {} expects", case.name);
        }
    }
}

/// The text of a value in a file: two spaces deep, with a line's end at its end.
fn text_of(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a JSON value is text");
    format!("{text}\n")
}

#[test]
fn cases_are_told_in_the_form_in_which_they_are_written() {
    for case in case::all(&folder().join("cases")) {
        let path = case.folder.join("expected.json");
        let text = std::fs::read_to_string(&path).expect("something is expected");
        assert_eq!(text, text_of(&read_json(&path)), "{}", path.display());
    }
}
