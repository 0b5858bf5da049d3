//! `cargo xtask test`.
//!
//! Job: sets up what the tests need, runs them with the best runner there is, and lists what was left out. The tests
//! learn of their surroundings through the environment, so that `cargo test` alone also works, with less. It does not
//! know any test. Entered at [`run`].

use std::ffi::OsString;
use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::arguments::TestOptions;
use crate::foreground::Foreground;
use crate::postgres::{self, Cluster};
use crate::skipped::Skipped;
use crate::{cargo, mail_server, toolchain};

/// The address of a PostgreSQL server without a database; each test makes a database of its own on it.
pub const POSTGRES_VARIABLE: &str = "BURSAR_TEST_POSTGRES";
/// `1` when a test must fail rather than pass over what it lacks.
const REQUIRE_ALL_VARIABLE: &str = "BURSAR_REQUIRE_ALL";
/// Test data that is kept beside the project, when it is there.
const SHARED_VARIABLE: &str = "BURSAR_SHARED";

/// The program that the end-to-end tests start, so that they need not build it.
const PROGRAM_VARIABLE: &str = "BURSAR_TEST_PROGRAM";

/// The tests that start the program.
const E2E_PACKAGE: &str = "bursar-e2e";

type Variables = Vec<(&'static str, OsString)>;

pub fn run(options: &TestOptions) -> Result<ExitCode> {
    let mut foreground = Foreground::take()?;
    let mut skipped = Skipped::default();
    guests(&mut skipped);
    if let Err(error) = mail_server::ensure(&mut foreground) {
        skipped.add("mail over SMTP", &format!("{error:#}"));
    }
    let cluster = cluster(&mut foreground, &mut skipped);
    let mut variables = variables(options, cluster.as_ref());

    // The end-to-end tests start the program. Built here, its minutes are not those of the test that comes first.
    if options.packages.is_empty()
        || options
            .packages
            .iter()
            .any(|package| package == E2E_PACKAGE)
    {
        let program = cargo::build("bursar", cargo::Profile::Dev)?;
        variables.push((PROGRAM_VARIABLE, program.into()));
    }
    let mut passed = true;
    for mut command in commands(options) {
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        passed &= foreground.run(&mut command)?.success();
    }
    drop(cluster);

    let mut stdout = std::io::stdout();
    write!(stdout, "{skipped}")?;
    if options.require_all && !skipped.is_empty() {
        writeln!(
            stdout,
            "Nothing may be skipped with --require-all, so this run failed."
        )?;
        passed = false;
    }
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the guest components need before the tests that build them.
fn guests(skipped: &mut Skipped) {
    if let Err(error) = toolchain::ensure_wasm_target() {
        skipped.add("plugins and guest components", &format!("{error:#}"));
    }
}

/// A server for the tests, unless the environment names one already.
fn cluster(foreground: &mut Foreground, skipped: &mut Skipped) -> Option<Cluster> {
    if std::env::var_os(POSTGRES_VARIABLE).is_some() {
        return None;
    }
    match postgres::provide(foreground) {
        Ok(cluster) => Some(cluster),
        Err(error) => {
            skipped.add("PostgreSQL", &format!("{error:#}"));
            None
        }
    }
}

fn variables(options: &TestOptions, cluster: Option<&Cluster>) -> Variables {
    let mut variables = Variables::new();
    if let Some(cluster) = cluster {
        variables.push((POSTGRES_VARIABLE, cluster.address().into()));
    }
    if options.require_all {
        variables.push((REQUIRE_ALL_VARIABLE, "1".into()));
    }
    let shared = cargo::root().with_file_name("shared");
    if std::env::var_os(SHARED_VARIABLE).is_none() && shared.is_dir() {
        variables.push((SHARED_VARIABLE, shared.into()));
    }
    variables
}

/// The runs that make up the tests. With nextest, which leaves documentation tests out, those go first, so that the
/// summary of everything else ends the output.
fn commands(options: &TestOptions) -> Vec<Command> {
    if !toolchain::has_nextest() {
        let mut all = cargo::command();
        all.args(["test", "--no-fail-fast"])
            .args(selection(options))
            .arg("--")
            .args(&options.filters);
        return vec![all];
    }
    let mut nextest = cargo::command();
    nextest
        .args(["nextest", "run", "--no-fail-fast"])
        .args(selection(options))
        .args(&options.filters);
    // The runner reports on stderr; for this chore the report is the result.
    nextest.stderr(std::io::stdout());
    if !options.packages.is_empty() || !options.filters.is_empty() {
        return vec![nextest];
    }
    let mut documentation = cargo::command();
    documentation.args(["test", "--no-fail-fast", "--doc", "--workspace"]);
    vec![documentation, nextest]
}

fn selection(options: &TestOptions) -> Vec<&str> {
    if options.packages.is_empty() {
        return vec!["--workspace"];
    }
    options
        .packages
        .iter()
        .flat_map(|package| ["--package", package])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_packages_the_whole_workspace_is_selected() {
        assert_eq!(selection(&TestOptions::default()), ["--workspace"]);
    }

    #[test]
    fn each_package_is_selected_by_name() {
        let options = TestOptions {
            packages: vec!["a".to_owned(), "b".to_owned()],
            ..TestOptions::default()
        };
        assert_eq!(selection(&options), ["--package", "a", "--package", "b"]);
    }
}
