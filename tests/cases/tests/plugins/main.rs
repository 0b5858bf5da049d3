//! The cases that plugins bring along, on the real host: on the committed component, and on one that is built now.
//!
//! A plugin with `cases/config.json` has cases of the shape that `sdk/js` describes. There they run on a stand-in for the
//! host; here the host's own rules, numbers, dates and mails decide.

mod case;

use std::path::{Path, PathBuf};

use bursar_artifacts::{Rebuilt, committed, rebuilt, workspace};
use bursar_cases::{Members, block_on, differences, read_json, skipped};

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

/// Plays all cases of a plugin and tells of all that end differently.
fn check(plugin: &Path, component: &[u8]) {
    let base = read_json(&plugin.join("cases/config.json"));
    let mut failed = Vec::new();
    for folder in cases_of(plugin) {
        let expected = read_json(&folder.join("expected.json"));
        let seed = read_json(&folder.join("seed.json"));
        let found = block_on(case::played(component, seed, &base));
        let lines = differences(&expected, &found, Members::Open);
        if !lines.is_empty() {
            failed.push(format!("{}\n  {}", folder.display(), lines.join("\n  ")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_case_ends_as_expected_with_the_committed_component() {
    for plugin in plugins() {
        let component = committed(&plugin).expect("the plugin's component is committed");
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
