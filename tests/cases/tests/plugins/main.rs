//! The cases that plugins bring along, on the real host: on the committed component, and on one that is built now.
//!
//! A plugin with `cases/config.json` has such cases: of the shape that `sdk/js` describes, or with a document that it is
//! given to read. There they run on a stand-in for the host, or without one; here the host's own rules, numbers, dates and
//! mails decide.

mod case;
mod document;
mod rejected;

use std::path::{Path, PathBuf};

use bursar_artifacts::{Rebuilt, committed, rebuilt, workspace};
use bursar_cases::{Members, block_on, differences, read_json, skipped};
use serde_json::Value;

/// Folders of the plugins that bring such cases.
fn plugins() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(workspace().join("plugins")).expect("there are plugins");
    let folders = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = folders
        .filter(|folder| folder.join("cases/config.json").is_file())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no plugin has cases");
    found
}

fn cases_of(plugin: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(plugin.join("cases")).expect("there are cases");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = paths
        .filter(|path| path.join("seed.json").is_file())
        .collect();
    found.sort();
    assert!(found.len() >= 10, "the cases are missing");
    found
}

/// The document of a case, if it is about one.
fn document_of(case: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(case).expect("the case can be listed");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "xml"))
}

/// Plays a case; all differences count where all is told.
fn differences_of(component: &[u8], base: &Value, folder: &Path) -> Vec<String> {
    let expected = read_json(&folder.join("expected.json"));
    let seed = read_json(&folder.join("seed.json"));
    if let Some(file) = document_of(folder) {
        let found = block_on(document::played(component, seed, base, &file));
        differences(&expected, &found, Members::Exact)
    } else {
        let found = block_on(case::played(component, seed, base));
        differences(&expected, &found, Members::Open)
    }
}

/// Plays all cases of a plugin and tells of all that end differently.
fn check(plugin: &Path, component: &[u8]) {
    let base = read_json(&plugin.join("cases/config.json"));
    let mut failed = Vec::new();
    for folder in cases_of(plugin) {
        let lines = differences_of(component, &base, &folder);
        if !lines.is_empty() {
            failed.push(format!("{}\n  {}", folder.display(), lines.join("\n  ")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_case_ends_as_expected_with_the_committed_component() {
    let committed: Vec<(PathBuf, Vec<u8>)> = plugins()
        .into_iter()
        .filter_map(|plugin| Some((plugin.clone(), committed(&plugin)?)))
        .collect();
    assert!(!committed.is_empty(), "no component is committed");
    for (plugin, component) in committed {
        check(&plugin, &component);
    }
}

#[test]
fn every_case_ends_as_expected_with_a_component_built_now() {
    for plugin in plugins() {
        match rebuilt(&plugin) {
            Rebuilt::Component(component) => check(&plugin, &component),
            Rebuilt::Without(toolchain) => {
                skipped(
                    &format!("{} built anew", plugin.display()),
                    &format!("{toolchain} is not ready"),
                );
            }
        }
    }
}
