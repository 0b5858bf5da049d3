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
use crate::{cargo, mail_server, npm, schemathesis, toolchain};

/// The address of a PostgreSQL server without a database; each test makes a database of its own on it.
pub const POSTGRES_VARIABLE: &str = "BURSAR_TEST_POSTGRES";
/// `1` when a test must fail rather than pass over what it lacks.
const REQUIRE_ALL_VARIABLE: &str = "BURSAR_REQUIRE_ALL";
/// Test data that is kept beside the project, when it is there.
const SHARED_VARIABLE: &str = "BURSAR_SHARED";

/// The program that the end-to-end tests start, so that they need not build it.
const PROGRAM_VARIABLE: &str = "BURSAR_TEST_PROGRAM";

/// Toolchains of other languages that are ready, separated by commas: tests build components with them.
const TOOLCHAINS_VARIABLE: &str = "BURSAR_TEST_TOOLCHAINS";

/// The tests that start the program.
const E2E_PACKAGES: [&str; 1] = ["bursar-e2e"];
/// The tests that build components of other languages.
const FOREIGN_PACKAGES: [&str; 2] = ["bursar-cases", "bursar-conformance"];

type Variables = Vec<(&'static str, OsString)>;

pub fn run(options: &TestOptions) -> Result<ExitCode> {
    let mut foreground = Foreground::take()?;
    let mut skipped = Skipped::default();
    guests(&mut skipped);
    if let Err(error) = mail_server::ensure(&mut foreground) {
        skipped.add("mail over SMTP", &format!("{error:#}"));
    }
    let cluster = cluster(&mut foreground, &mut skipped);
    let mut variables = variables(options.require_all, cluster.as_ref());
    // Components that are committed run without; tests that build them anew learn that they can.
    let has_npm = selects(options, &FOREIGN_PACKAGES) && has_npm(&mut foreground, &mut skipped);
    if has_npm {
        variables.push((TOOLCHAINS_VARIABLE, npm::TOOLCHAIN.into()));
    }
    let has_schemathesis =
        is_everything(options) && has_schemathesis(&mut foreground, &mut skipped);
    let mut commands = commands(options);
    let mut passed = true;
    // The end-to-end tests start the program. Built here, its minutes are not those of the test that comes first.
    if selects(options, &E2E_PACKAGES) {
        let program = cargo::build("bursar", cargo::Profile::Dev)?;
        if has_npm && is_everything(options) {
            commands.splice(..0, npm::tests(&program));
        }
        if has_schemathesis {
            passed &= schemathesis::check(&mut foreground, &program)?;
        }
        variables.push((PROGRAM_VARIABLE, program.into()));
    }
    for mut command in commands {
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

/// Whether what is written in JavaScript can be built and tested.
fn has_npm(foreground: &mut Foreground, skipped: &mut Skipped) -> bool {
    npm::ensure(foreground)
        .inspect_err(|error| {
            skipped.add(
                "plugins in JavaScript, built anew, and the tests of their SDK",
                &format!("{error:#}"),
            );
        })
        .is_ok()
}

/// Whether the API can be tried against its document.
fn has_schemathesis(foreground: &mut Foreground, skipped: &mut Skipped) -> bool {
    schemathesis::ensure(foreground)
        .inspect_err(|error| skipped.add("the API against its document", &format!("{error:#}")))
        .is_ok()
}

/// Whether tests of one of these packages are among those asked for.
fn selects(options: &TestOptions, packages: &[&str]) -> bool {
    options.packages.is_empty()
        || options
            .packages
            .iter()
            .any(|package| packages.contains(&package.as_str()))
}

fn is_everything(options: &TestOptions) -> bool {
    options.packages.is_empty() && options.filters.is_empty()
}

/// A server for the tests, unless the environment names one already.
pub fn cluster(foreground: &mut Foreground, skipped: &mut Skipped) -> Option<Cluster> {
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

/// What tells the tests of their surroundings.
pub fn variables(require_all: bool, cluster: Option<&Cluster>) -> Variables {
    let mut variables = Variables::new();
    if let Some(cluster) = cluster {
        variables.push((POSTGRES_VARIABLE, cluster.address().into()));
    }
    if require_all {
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
    if !is_everything(options) {
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
    fn without_packages_everything_that_a_package_needs_is_needed() {
        let of = |packages: &[&str]| TestOptions {
            packages: packages.iter().map(|&name| name.to_owned()).collect(),
            ..TestOptions::default()
        };
        assert!(selects(&of(&[]), &E2E_PACKAGES));
        assert!(selects(&of(&["bursar-db", "bursar-e2e"]), &E2E_PACKAGES));
        assert!(!selects(&of(&["bursar-db"]), &E2E_PACKAGES));
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
