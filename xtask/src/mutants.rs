//! `cargo xtask mutants`.
//!
//! Job: plants one fault after the other into a copy of the project, and sees whether the tests notice. A fault that they do
//! not notice has survived: a test is missing. It does not know what the faults are about. Entered at [`run`].

mod faults;
mod tree;
mod trial;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::arguments::MutantsOptions;
use crate::foreground::Foreground;
use crate::skipped::Skipped;
use crate::{cargo, testing, toolchain};
use faults::Fault;
use tree::Tree;
use trial::{Trial, Verdict};

/// What became of one fault.
struct Outcome {
    fault: &'static Fault,
    verdict: Verdict,
    took: Duration,
}

pub fn run(options: &MutantsOptions) -> Result<ExitCode> {
    let Some(chosen) = chosen(&options.only) else {
        return Ok(ExitCode::FAILURE);
    };
    if options.list {
        return list(&chosen, options.json).map(|()| ExitCode::SUCCESS);
    }
    for fault in &chosen {
        tree::check(&cargo::root(), fault)?;
    }
    if !toolchain::has_nextest() {
        bail!("cargo-nextest is missing: cargo install --locked cargo-nextest");
    }
    let mut foreground = Foreground::take()?;
    let mut skipped = Skipped::default();
    let cluster = testing::cluster(&mut foreground, &mut skipped);
    let variables = testing::variables(false, cluster.as_ref());
    let tree = Tree::copied(&cargo::root(), &cargo::target().join("mutants"))?;
    let mut trial = Trial::new(&tree, variables, foreground);
    prove(&mut trial, &chosen)?;
    let mut outcomes = Vec::with_capacity(chosen.len());
    for (place, fault) in chosen.iter().enumerate() {
        let began = Instant::now();
        let verdict = planted(&mut trial, &tree, fault)?;
        let outcome = Outcome {
            fault,
            verdict,
            took: began.elapsed(),
        };
        eprintln!("[{}/{}] {outcome}", place + 1, chosen.len());
        outcomes.push(outcome);
    }
    drop(cluster);
    report(&outcomes, &skipped, options.json)?;
    let is_good = outcomes.iter().all(Outcome::is_caught);
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The faults of these names, all of them without any; none if a name is unknown, which is told.
fn chosen(names: &[String]) -> Option<Vec<&'static Fault>> {
    let all = faults::all();
    let unknown = names
        .iter()
        .find(|name| all.iter().all(|fault| fault.name != *name));
    if let Some(unknown) = unknown {
        eprintln!("error: no fault is called {unknown}\n\nhint: cargo xtask mutants --list");
        return None;
    }
    let is_chosen = |fault: &&Fault| names.is_empty() || names.iter().any(|it| it == fault.name);
    Some(all.into_iter().filter(is_chosen).collect())
}

/// The tests are there and pass without a fault: else they would notice nothing, or anything.
fn prove(trial: &mut Trial, chosen: &[&'static Fault]) -> Result<()> {
    let suites: BTreeSet<_> = chosen.iter().map(|fault| fault.suite).collect();
    for suite in suites {
        let of_suite = chosen.iter().filter(|fault| fault.suite == suite);
        let tests: BTreeSet<&str> = of_suite.flat_map(|fault| fault.tests).copied().collect();
        let tests: Vec<&str> = tests.into_iter().collect();
        eprintln!("without a fault: {} {}", suite.package, suite.target);
        let name = format!("without-{}{}", suite.package, suite.target);
        match trial.tried(&name, suite, &tests)? {
            Verdict::Survived => {
                if let Some(missing) = trial.missing_in(&name, &tests)? {
                    bail!("{} has no test whose name holds {missing:?}", suite.package);
                }
            }
            Verdict::Caught(failed) => {
                bail!("these tests fail without any fault: {}", failed.join(", "))
            }
            Verdict::Broken(why) => bail!("{} without any fault: {why}", suite.package),
        }
    }
    Ok(())
}

/// Plants a fault, runs its tests, and takes it away again.
fn planted(trial: &mut Trial, tree: &Tree, fault: &Fault) -> Result<Verdict> {
    let planted = tree.plant(fault)?;
    let verdict = trial.tried(fault.name, fault.suite, fault.tests);
    planted.taken_away()?;
    verdict
}

impl Outcome {
    fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Caught(_))
    }

    fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Caught(_) => "caught",
            Verdict::Survived => "survived",
            Verdict::Broken(_) => "error",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, took) = (self.fault.name, self.took.as_secs());
        write!(formatter, "{:<8} {name:<35} {took:>4} s", self.word())?;
        match &self.verdict {
            Verdict::Caught(failed) => match failed.split_first() {
                None => Ok(()),
                Some((first, [])) => write!(formatter, "  {first}"),
                Some((first, more)) => write!(formatter, "  {first} and {} more", more.len()),
            },
            Verdict::Survived => write!(formatter, "  {}", self.fault.about),
            Verdict::Broken(why) => write!(formatter, "  {why}"),
        }
    }
}

fn list(chosen: &[&'static Fault], is_json: bool) -> Result<()> {
    let mut stdout = std::io::stdout();
    if is_json {
        let told: Vec<Value> = chosen.iter().map(|fault| told_of(fault)).collect();
        return json_to(&mut stdout, &Value::from(told));
    }
    for fault in chosen {
        writeln!(
            stdout,
            "{}\n    {} ({})\n    {}: {}",
            fault.name,
            fault.about,
            fault.breaks,
            fault.suite.package,
            fault.tests.join(", ")
        )?;
    }
    Ok(())
}

fn report(outcomes: &[Outcome], skipped: &Skipped, is_json: bool) -> Result<()> {
    let mut stdout = std::io::stdout();
    if is_json {
        let told = outcomes.iter().map(|outcome| {
            let mut told = told_of(outcome.fault);
            told["outcome"] = outcome.word().into();
            told["seconds"] = outcome.took.as_secs().into();
            if let Verdict::Caught(failed) = &outcome.verdict {
                told["failed"] = json!(failed);
            }
            told
        });
        return json_to(&mut stdout, &told.collect());
    }
    let is_shown = stdout.is_terminal() || !std::io::stderr().is_terminal();
    for outcome in outcomes.iter().filter(|it| is_shown || !it.is_caught()) {
        writeln!(stdout, "{outcome}")?;
    }
    let caught = outcomes.iter().filter(|it| it.is_caught()).count();
    writeln!(stdout, "{caught} of {} faults were caught", outcomes.len())?;
    write!(stdout, "{skipped}")?;
    Ok(())
}

fn told_of(fault: &Fault) -> Value {
    json!({
        "name": fault.name, "about": fault.about, "breaks": fault.breaks, "file": fault.file,
        "package": fault.suite.package, "tests": fault.tests,
    })
}

fn json_to(out: &mut impl Write, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("the summary is JSON")?;
    writeln!(out, "{text}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_fits_the_project() {
        let all = faults::all();
        assert!(all.len() >= 30, "{}", all.len());
        let names: BTreeSet<&str> = all.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), all.len(), "two faults have one name");
        for fault in all {
            assert!(!fault.tests.is_empty() && !fault.breaks.is_empty());
            assert_ne!(fault.find, fault.replace, "{}", fault.name);
            if let Err(error) = tree::check(&cargo::root(), fault) {
                panic!("{error:#}");
            }
        }
    }

    #[test]
    fn faults_are_chosen_by_name() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
            chosen(&only).map(|chosen| chosen.len())
        };
        assert_eq!(names(&[]), Some(faults::all().len()));
        assert_eq!(names(&["tax-per-line"]), Some(1));
        assert_eq!(names(&["tax-per-line", "nothing"]), None);
    }
}
