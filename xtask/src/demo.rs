//! `cargo xtask demo`.
//!
//! Job: builds `bursar`, gives it a fresh folder, and walks through one reconciliation and its reminders with it. It knows
//! the command line of `bursar` and the files beside it in `demo/`, and nothing else of the host. stdout carries data only: one JSON
//! object with `--once`, nothing otherwise. Entered at [`run`].

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

mod check;
mod reminders;
mod served;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use check::{Books, Expected, differences};

use crate::arguments::DemoOptions;
use crate::cargo::{self, Profile};
use crate::foreground::Foreground;
use crate::toolchain;

/// The automation of the demo, and the plugin that it runs.
const AUTOMATION: &str = "bank-reconciliation";
/// The two messages, in the order in which the bank sent them.
const STATEMENTS: [&str; 2] = ["statement.xml", "statement-overlap.xml"];

/// What a step is called, and what it does.
type Step = (&'static str, fn(&mut Demo) -> Result<()>);

pub fn run(options: &DemoOptions) -> Result<ExitCode> {
    let mut foreground = Foreground::take()?;
    toolchain::ensure_wasm_target()?;
    let program = cargo::build("bursar", Profile::Dev)?;
    let place = Place::open(options)?;
    let bursar = Bursar {
        program,
        folder: place.path().join("data"),
    };
    let mut demo = Demo {
        bursar,
        data: cargo::root().join("xtask").join("demo"),
        work: place.path().to_owned(),
        expected: BTreeMap::new(),
        facts: Facts::default(),
    };
    let steps: [Step; 7] = [
        ("A company with its books", Demo::load),
        (
            "The plugin is built, looked at and installed",
            Demo::install,
        ),
        ("The finance department enables it", Demo::enable),
        (
            "A preview of the bank's statement: nothing is changed",
            Demo::preview,
        ),
        ("The real runs", Demo::reconcile),
        (
            "A second plugin, in TypeScript: reminders of what is still open",
            reminders::show,
        ),
        ("What came of it", Demo::verify),
    ];
    for (title, show) in steps {
        foreground.check()?;
        eprintln!("\n== {title}");
        show(&mut demo).with_context(|| format!("the step '{title}' failed"))?;
    }
    let is_good = demo.is_good();
    if options.once {
        print(&demo.summary())?;
    } else if is_good {
        eprintln!("\n== It is yours");
        served::serve(&demo, &mut foreground)?;
    }
    place.close();
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the demo has learnt.
#[derive(Default)]
struct Facts {
    entries: usize,
    entries_as_expected: usize,
    invoices_matched: usize,
    reminders_sent: usize,
    reminders_sent_again: usize,
    seconds_to_first_commit: f64,
    documents: Vec<String>,
    status: Value,
    audit_verified: bool,
}

struct Demo {
    bursar: Bursar,
    data: PathBuf,
    work: PathBuf,
    expected: BTreeMap<String, Vec<Expected>>,
    facts: Facts,
}

impl Demo {
    fn file(&self, name: &str) -> String {
        self.data.join(name).display().to_string()
    }

    fn load(&mut self) -> Result<()> {
        let company: Value =
            serde_json::from_slice(&std::fs::read(self.data.join("company.json"))?)?;
        let text = |name: &str| {
            company["legal_entity"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let (key, name, zone) = (text("key"), text("name"), text("zone"));
        self.bursar
            .call(&["init", "--entity", &key, "--name", &name, "--zone", &zone])?;
        let loaded = self
            .bursar
            .call(&["sample", "load", &self.file("company.json")])?;
        eprintln!(
            "{name}: {} parties, {} invoices, {} payments.",
            loaded["parties"], loaded["invoices"], loaded["payments"]
        );
        self.expected = serde_json::from_slice(&std::fs::read(self.data.join("expected.json"))?)?;
        Ok(())
    }

    fn install(&mut self) -> Result<()> {
        let component = self
            .work
            .join("bank-reconciliation.wasm")
            .display()
            .to_string();
        let source = cargo::root()
            .join("plugins")
            .join("bank-reconciliation")
            .display()
            .to_string();
        let target = cargo::root()
            .join("target")
            .join("guests")
            .display()
            .to_string();
        let built = self.bursar.call(&[
            "plugin",
            "build",
            &source,
            "--out",
            &component,
            "--target-dir",
            &target,
        ])?;
        eprintln!("{} bytes. It calls {}", built["bytes"], built["imports"]);
        for ask in built["manifest"]["permissions"]
            .as_array()
            .into_iter()
            .flatten()
        {
            eprintln!(
                "It asks for {}: {}",
                ask["kind"].as_str().unwrap_or_default(),
                ask["reason"].as_str().unwrap_or_default()
            );
        }
        self.bursar.call(&["plugin", "install", &component])?;
        Ok(())
    }

    fn enable(&mut self) -> Result<()> {
        self.enable_automation(AUTOMATION, "config.json")?;
        for statement in STATEMENTS {
            let document = self.bursar.call(&[
                "document",
                "add",
                &self.file(statement),
                "--folder-name",
                "statements",
                "--media-type",
                "application/xml",
            ])?;
            self.facts.documents.push(
                document["id"]
                    .as_str()
                    .context("a document has an id")?
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Enables an automation under its plugin's name, with a configuration from the demo's files.
    fn enable_automation(&self, name: &str, config: &str) -> Result<()> {
        let config = format!("@{}", self.file(config));
        self.bursar.call(&[
            "automation",
            "enable",
            name,
            "--plugin",
            name,
            "--department",
            "finance",
            "--config",
            &config,
        ])?;
        eprintln!("'{name}' works for finance, within what its manifest asks for.");
        Ok(())
    }

    fn input(&self, place: usize) -> Result<String> {
        let document = self
            .facts
            .documents
            .get(place)
            .context("the statement was added")?;
        Ok(serde_json::json!({ "document": document }).to_string())
    }

    fn preview(&mut self) -> Result<()> {
        let before = self.bursar.call(&["status"])?;
        let shown = self.bursar.talk(&[
            "automation",
            "preview",
            AUTOMATION,
            "--input",
            &self.input(0)?,
        ])?;
        eprint!("{shown}");
        if before["commits"] != self.bursar.call(&["status"])?["commits"] {
            bail!("the preview changed something");
        }
        Ok(())
    }

    fn reconcile(&mut self) -> Result<()> {
        let started = Instant::now();
        for (place, statement) in STATEMENTS.into_iter().enumerate() {
            self.run_once(place, statement)?;
            if place == 0 {
                self.facts.seconds_to_first_commit = started.elapsed().as_secs_f64();
            }
        }
        // The same again: keys are for ever, so nothing is booked.
        let before = self.books()?;
        for place in 0..STATEMENTS.len() {
            self.bursar.call(&[
                "automation",
                "run",
                AUTOMATION,
                "--input",
                &self.input(place)?,
            ])?;
        }
        let again = self.books()?.since(&before);
        let booked = again.payments.len() + again.allocations.len() + again.tasks.len();
        if booked > 0 {
            bail!("the same statements again booked {booked} rows");
        }
        eprintln!("The same statements again: nothing was booked.");
        Ok(())
    }

    fn run_once(&mut self, place: usize, statement: &str) -> Result<()> {
        let before = self.books()?;
        let run = self.bursar.call(&[
            "automation",
            "run",
            AUTOMATION,
            "--input",
            &self.input(place)?,
        ])?;
        let new = self.books()?.since(&before);
        eprintln!(
            "{statement}: {}",
            run["report"]["summary"].as_str().unwrap_or_default()
        );
        eprintln!(
            "  {} payments, {} settlements, {} questions to people",
            new.payments.len(),
            new.allocations.len(),
            new.tasks.len()
        );
        for task in new.tasks.values() {
            eprintln!("  asks: {}", task["title"].as_str().unwrap_or_default());
        }
        let expected = self
            .expected
            .get(statement)
            .with_context(|| format!("expected.json says nothing of {statement}"))?;
        let found = differences(expected, &run["report"]["logs"], &new)?;
        for difference in &found {
            eprintln!("  not as expected: {difference}");
        }
        self.facts.entries += expected.len();
        self.facts.entries_as_expected += expected.len().saturating_sub(found.len());
        self.facts.invoices_matched += new.invoices_settled();
        Ok(())
    }

    fn books(&self) -> Result<Books> {
        let rows = |kind: &str| -> Result<BTreeMap<String, Value>> {
            let listed = self
                .bursar
                .call(&["row", "list", kind, "--limit", "100000"])?;
            let rows = listed["rows"].as_array().cloned().unwrap_or_default();
            Ok(rows
                .into_iter()
                .filter_map(|row| Some((row["id"].as_str()?.to_owned(), row["body"].clone())))
                .collect())
        };
        Ok(Books {
            payments: rows("payment")?,
            allocations: rows("allocation")?,
            tasks: rows("task")?,
            invoices: rows("invoice")?,
        })
    }

    fn verify(&mut self) -> Result<()> {
        let found = self.bursar.call(&["audit", "verify"])?;
        self.facts.audit_verified = found["findings_total"] == 0;
        self.facts.status = self.bursar.call(&["status"])?;
        eprintln!(
            "{} of {} entries ended as expected; {} invoices were settled.",
            self.facts.entries_as_expected, self.facts.entries, self.facts.invoices_matched
        );
        eprintln!(
            "The log's {} commits and {} rows of other tables fit each other; it ends with {}.",
            found["commits"], found["rows"], found["head_hash"]
        );
        Ok(())
    }

    fn is_good(&self) -> bool {
        self.facts.audit_verified
            && self.facts.entries > 0
            && self.facts.entries == self.facts.entries_as_expected
            && self.facts.reminders_sent > 0
            && self.facts.reminders_sent_again == 0
    }

    fn summary(&self) -> Value {
        let status = &self.facts.status;
        let count = |pointer: &str| status.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        serde_json::json!({
            "departments": count("/departments"),
            "plugins": count("/plugins"),
            "automations": count("/automations"),
            "runs": {"committed": count("/runs/committed"), "failed": count("/runs/failed"), "held": count("/runs/held")},
            "entries": self.facts.entries,
            "entries_as_expected": self.facts.entries_as_expected,
            "invoices_matched": self.facts.invoices_matched,
            "tasks": count("/tasks"),
            "messages_sent": count("/messages/sent"),
            "reminders_sent": self.facts.reminders_sent,
            "reminders_sent_again": self.facts.reminders_sent_again,
            "commits": count("/commits"),
            "audit_verified": self.facts.audit_verified,
            "seconds_to_first_commit": self.facts.seconds_to_first_commit,
        })
    }
}

fn print(summary: &Value) -> Result<()> {
    let mut stdout = std::io::stdout();
    serde_json::to_writer(&mut stdout, summary)?;
    writeln!(stdout)?;
    Ok(())
}

/// The folder that the demo works in.
enum Place {
    /// Removed in the end, also after a failure.
    Passing(tempfile::TempDir),
    /// Left for the person to look at.
    Kept(PathBuf),
}

impl Place {
    fn open(options: &DemoOptions) -> Result<Self> {
        if let Some(folder) = &options.folder {
            std::fs::create_dir(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
            return Ok(Self::Kept(folder.canonicalize()?));
        }
        let folder = tempfile::Builder::new().prefix("bursar-demo-").tempdir()?;
        Ok(if options.once {
            Self::Passing(folder)
        } else {
            Self::Kept(folder.keep())
        })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    fn close(self) {
        if let Self::Kept(folder) = self {
            eprintln!("\nEverything is in {} and stays there.", folder.display());
        }
    }
}

/// The program `bursar` on one data folder.
struct Bursar {
    program: PathBuf,
    folder: PathBuf,
}

impl Bursar {
    /// Runs one command and gives what it printed; its talk goes to stderr.
    fn call(&self, arguments: &[&str]) -> Result<Value> {
        let output = Command::new(&self.program)
            .arg("--folder")
            .arg(&self.folder)
            .arg("--json")
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start bursar")?;
        let line = arguments.join(" ");
        if !output.status.success() {
            bail!("bursar {line} failed: {}", output.status);
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("bursar {line} printed no JSON"))
    }

    /// Runs one command and gives its words for people.
    fn talk(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .arg("--folder")
            .arg(&self.folder)
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start bursar")?;
        if !output.status.success() {
            bail!("bursar {} failed: {}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
