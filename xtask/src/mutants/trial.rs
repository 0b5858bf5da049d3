//! Tests that run on the copy, and what they say of it.
//!
//! Job: builds a suite and runs the tests that are named; tells tests that fail from a copy that does not compile. It does
//! not know what was planted. Entered at [`Trial::tried`].

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::faults::Suite;
use super::tree::Tree;
use crate::cargo;
use crate::foreground::Foreground;

/// What the runner exits with when tests failed.
const TESTS_FAILED: i32 = 100;
/// What stands before the name of a test that did not pass.
const FAILED_WORDS: [&str; 4] = ["FAIL [", "TIMEOUT [", "ABORT [", "SIG"];

/// Each fault is built once and run once: a quick build is worth more than quick tests.
const PROFILE: [(&str, &str); 2] = [
    ("CARGO_PROFILE_DEV_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
];

/// What the tests say.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Tests failed: these.
    Caught(Vec<String>),
    /// All passed.
    Survived,
    /// There was nothing to run.
    Broken(String),
}

/// Runs tests on a copy.
pub struct Trial {
    folder: PathBuf,
    target: PathBuf,
    logs: PathBuf,
    variables: Vec<(&'static str, OsString)>,
    foreground: Foreground,
}

impl Trial {
    pub fn new(
        tree: &Tree,
        variables: Vec<(&'static str, OsString)>,
        foreground: Foreground,
    ) -> Self {
        Self {
            folder: tree.folder().to_owned(),
            target: tree.target(),
            logs: tree.logs(),
            variables,
            foreground,
        }
    }

    /// Builds a suite and runs those of its tests whose names contain one of some parts; what they write is kept under a
    /// name.
    pub fn tried(&mut self, name: &str, suite: &Suite, tests: &[&str]) -> Result<Verdict> {
        std::fs::create_dir_all(&self.logs).context("cannot make the folder of the logs")?;
        let path = self.logs.join(name).with_extension("txt");
        let log = File::create(&path)?;
        let mut build = self.command(suite, &log, &["--no-run"])?;
        if self.foreground.run(&mut build)?.code() != Some(0) {
            let why = format!("it does not compile: {}", path.display());
            return Ok(Verdict::Broken(why));
        }
        let mut words = vec!["--fail-fast"];
        words.extend(tests);
        let mut run = self.command(suite, &log, &words)?;
        match self.foreground.run(&mut run)?.code() {
            Some(0) => Ok(Verdict::Survived),
            Some(TESTS_FAILED) => {
                let output = std::fs::read(&path)?;
                Ok(Verdict::Caught(failed_in(&String::from_utf8_lossy(
                    &output,
                ))))
            }
            code => {
                let why = format!("the runner ended with {code:?}: {}", path.display());
                Ok(Verdict::Broken(why))
            }
        }
    }

    /// The first of some parts of names that no test has which passed under a name.
    pub fn missing_in<'t>(&self, name: &str, tests: &[&'t str]) -> Result<Option<&'t str>> {
        let report = std::fs::read(self.logs.join(name).with_extension("txt"))?;
        Ok(missing_in(&String::from_utf8_lossy(&report), tests))
    }

    fn command(&self, suite: &Suite, log: &File, words: &[&str]) -> Result<Command> {
        let mut command = cargo::command();
        command
            .current_dir(&self.folder)
            .args([
                "nextest",
                "run",
                "--color=never",
                "--package",
                suite.package,
            ])
            .arg(suite.target)
            .args(words)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("INSTA_UPDATE", "no")
            .envs(PROFILE)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        Ok(command)
    }
}

/// Names of the tests that failed, by the runner's report.
fn failed_in(report: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in report.lines().map(str::trim_start) {
        let is_failed = FAILED_WORDS.iter().any(|word| line.starts_with(word));
        let Some((_, name)) = line.split_once("] ").filter(|_| is_failed) else {
            continue;
        };
        // After a counter in parentheses: the package, the program, the test.
        let name = name.rsplit(' ').next().unwrap_or(name).to_owned();
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The first of some parts of names that no test has which passed, by the runner's report.
fn missing_in<'t>(report: &str, tests: &[&'t str]) -> Option<&'t str> {
    let passed: Vec<&str> = report
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("PASS [") || line.starts_with("SLOW ["))
        .collect();
    let is_missing = |part: &&&str| !passed.iter().any(|line| line.contains(**part));
    tests.iter().find(is_missing).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_nobody_wrote_is_missing() {
        let report = "
        PASS [   0.005s] (1/2) bursar-db tests::settling::inv_3_one
        PASS [   0.007s] (2/2) bursar-db tests::settling::inv_4_two";
        let missing = |tests: &[&'static str]| missing_in(report, tests);
        assert_eq!(missing(&["settling::inv_3", "inv_4"]), None);
        assert_eq!(
            missing(&["inv_4", "invoicing::inv_3"]),
            Some("invoicing::inv_3")
        );
    }

    #[test]
    fn the_tests_that_failed_are_found_in_the_report() {
        let report = "
        PASS [   0.005s] (1/3) bursar-domain money::tests::one
        FAIL [   0.007s] (2/3) bursar-domain money::tests::two
     TIMEOUT [ 600.007s] (3/3) bursar-domain::schedules sch_1
        FAIL [   0.007s] (2/3) bursar-domain money::tests::two
error: test run failed";
        assert_eq!(failed_in(report), ["money::tests::two", "sch_1"]);
    }
}
