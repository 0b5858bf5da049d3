//! Reads the command line.
//!
//! Job: words into a [`Chore`]. It does not know what a chore does. By hand, because an argument library would cost
//! every first `cargo xtask` more build time than the rest of this crate. Entered at [`parse`].

use std::ffi::OsString;
use std::path::PathBuf;

pub const USAGE: &str = "\
usage: cargo xtask CHORE

  demo [--once] [--folder DIR]
        reconcile a bank statement for an invented company, from preview to verified log
        --once        print one JSON object on stdout and remove what was made
        --folder DIR  work in DIR, which must not exist yet, and keep it
  test [--require-all] [--package CRATE].. [FILTER..]
        run the tests, on a PostgreSQL of their own (or on the one that BURSAR_TEST_POSTGRES names)
        --require-all    fail when the machine lacks something that tests need
        --package CRATE  only the tests of this crate
        FILTER           only tests whose name contains it; leaves documentation tests out
  mutants [--only NAME,..] [--list] [--json]
        plant known faults into a copy of the project, one at a time, and see whether the tests notice each (minutes to hours)
        --only NAME,..  only these faults
        --list          tell which faults there are, and run nothing
        --json          print the summary, or the list, as JSON on stdout
  bench [--only PART,..]
        measure how fast things are beside what each is held against, and write target/bench/summary.json
        --only PART,..  only these of runs, requests, search, aging, recurrences, import
  schemathesis
        try the HTTP API against its own document; BURSAR_SCHEMATHESIS_EXAMPLES=200 tries more
  postgres -- COMMAND..
        run COMMAND beside a throw-away PostgreSQL, for example: cargo xtask postgres -- psql
  help
        show this text
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Chore {
    Bench(BenchOptions),
    Demo(DemoOptions),
    Help,
    Mutants(MutantsOptions),
    /// The command to run beside the cluster; never empty.
    Postgres(Vec<OsString>),
    Schemathesis,
    Test(TestOptions),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct BenchOptions {
    /// Parts as the bench names them, separated by commas; everything unless given.
    pub only: Option<OsString>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct DemoOptions {
    pub once: bool,
    pub folder: Option<PathBuf>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct MutantsOptions {
    /// Names of faults; all of them without any.
    pub only: Vec<String>,
    pub list: bool,
    pub json: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct TestOptions {
    pub require_all: bool,
    pub packages: Vec<String>,
    pub filters: Vec<String>,
}

/// Why the command line makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

/// Reads the words after `cargo xtask`.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Chore, UsageError> {
    let mut words = words.into_iter();
    let Some(chore) = words.next() else {
        return Err(UsageError("no chore named".to_owned()));
    };
    match chore.to_str() {
        Some("bench") => bench(words).map(Chore::Bench),
        Some("demo") => demo(words).map(Chore::Demo),
        Some("help" | "--help" | "-h") => nothing_more(words, Chore::Help),
        Some("mutants") => mutants(words).map(Chore::Mutants),
        Some("schemathesis") => nothing_more(words, Chore::Schemathesis),
        Some("postgres") => postgres(words).map(Chore::Postgres),
        Some("test") => test(words).map(Chore::Test),
        _ => Err(UsageError(format!(
            "no chore is called {}",
            chore.display()
        ))),
    }
}

fn nothing_more(
    mut words: impl Iterator<Item = OsString>,
    chore: Chore,
) -> Result<Chore, UsageError> {
    words
        .next()
        .map_or(Ok(chore), |word| Err(unexpected(&word)))
}

fn bench(mut words: impl Iterator<Item = OsString>) -> Result<BenchOptions, UsageError> {
    let mut options = BenchOptions::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--only") => options.only = Some(value_of("--only", &mut words)?),
            _ => return Err(unexpected(&word)),
        }
    }
    Ok(options)
}

fn demo(mut words: impl Iterator<Item = OsString>) -> Result<DemoOptions, UsageError> {
    let mut options = DemoOptions::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--once") => options.once = true,
            Some("--folder") => options.folder = Some(value_of("--folder", &mut words)?.into()),
            _ => return Err(unexpected(&word)),
        }
    }
    Ok(options)
}

fn mutants(mut words: impl Iterator<Item = OsString>) -> Result<MutantsOptions, UsageError> {
    let mut options = MutantsOptions::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--list") => options.list = true,
            Some("--json") => options.json = true,
            Some("--only") => {
                let names = text(value_of("--only", &mut words)?)?;
                options.only.extend(names.split(',').map(str::to_owned));
            }
            _ => return Err(unexpected(&word)),
        }
    }
    Ok(options)
}

fn postgres(mut words: impl Iterator<Item = OsString>) -> Result<Vec<OsString>, UsageError> {
    match words.next() {
        Some(word) if word == "--" => {}
        Some(word) => return Err(unexpected(&word)),
        None => return Err(UsageError("postgres needs -- and a command".to_owned())),
    }
    let command: Vec<OsString> = words.collect();
    if command.is_empty() {
        return Err(UsageError("postgres needs a command after --".to_owned()));
    }
    Ok(command)
}

fn test(mut words: impl Iterator<Item = OsString>) -> Result<TestOptions, UsageError> {
    let mut options = TestOptions::default();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--require-all") => options.require_all = true,
            Some("--package" | "-p") => options
                .packages
                .push(text(value_of("--package", &mut words)?)?),
            Some(flag) if flag.starts_with('-') => return Err(unexpected(&word)),
            _ => options.filters.push(text(word)?),
        }
    }
    Ok(options)
}

fn value_of(
    flag: &str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<OsString, UsageError> {
    words
        .next()
        .ok_or_else(|| UsageError(format!("{flag} needs a value")))
}

fn text(word: OsString) -> Result<String, UsageError> {
    word.into_string()
        .map_err(|word| UsageError(format!("{} is not UTF-8", word.display())))
}

fn unexpected(word: &std::ffi::OsStr) -> UsageError {
    UsageError(format!("{} is not expected here", word.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Chore) {
        let words = line.split_whitespace().map(OsString::from);
        assert_eq!(parse(words), Ok(expected), "{line}");
    }

    fn check_refused(line: &str, cause: &str) {
        let words = line.split_whitespace().map(OsString::from);
        assert_eq!(parse(words), Err(UsageError(cause.to_owned())), "{line}");
    }

    #[test]
    fn each_chore_is_read_with_its_options() {
        check("bench", Chore::Bench(BenchOptions::default()));
        check(
            "bench --only search,aging",
            Chore::Bench(BenchOptions {
                only: Some("search,aging".into()),
            }),
        );
        check("--help", Chore::Help);
        check("schemathesis", Chore::Schemathesis);
        check(
            "mutants --json --only one,two --only three",
            Chore::Mutants(MutantsOptions {
                only: ["one", "two", "three"].map(str::to_owned).into(),
                list: false,
                json: true,
            }),
        );
        check("demo", Chore::Demo(DemoOptions::default()));
        check(
            "demo --folder somewhere --once",
            Chore::Demo(DemoOptions {
                once: true,
                folder: Some("somewhere".into()),
            }),
        );
        check(
            "test --require-all -p bursar-db money inv_6",
            Chore::Test(TestOptions {
                require_all: true,
                packages: vec!["bursar-db".to_owned()],
                filters: vec!["money".to_owned(), "inv_6".to_owned()],
            }),
        );
    }

    #[test]
    fn flags_after_the_dashes_belong_to_the_command() {
        check(
            "postgres -- psql --once",
            Chore::Postgres(vec!["psql".into(), "--once".into()]),
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_cause() {
        check_refused("", "no chore named");
        check_refused("tset", "no chore is called tset");
        check_refused("bench fast", "fast is not expected here");
        check_refused("test --all", "--all is not expected here");
        check_refused("bench --only", "--only needs a value");
        check_refused("demo --folder", "--folder needs a value");
        check_refused("mutants tax-per-line", "tax-per-line is not expected here");
        check_refused("postgres psql", "psql is not expected here");
        check_refused("postgres --", "postgres needs a command after --");
    }
}
