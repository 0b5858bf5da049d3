//! Every test that docs/threats.md names is there: what is said to be shown is shown.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Where tests are.
const PLACES: [&str; 2] = ["host", "tests"];
/// Fewer names than these, and the page was not read.
const NAMES_MIN: usize = 40;

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the workspace")
}

/// What stands in backticks in the last column of its tables.
fn named(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_that_the_page_on_threats_names_is_there() {
    let page = std::fs::read_to_string(workspace().join("docs/threats.md")).expect("the page");
    let names = named(&page);
    assert!(names.len() >= NAMES_MIN, "{names:?}");
    let mut files = Vec::new();
    for place in PLACES {
        sources(&workspace().join(place), &mut files);
    }
    let mut tests = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        let declared = text.lines().filter_map(|line| line.split_once("fn "));
        let name = declared.filter_map(|(_, rest)| rest.split_once('('));
        tests.extend(name.map(|(name, _)| name.to_owned()));
    }
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !tests.contains(**name))
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}
