//! `cargo xtask demo`.
//!
//! Job: builds `bursar`, gives it a fresh folder, and walks through one reconciliation with it. It knows the command
//! line of `bursar` and the files beside it in `demo/`, and nothing else of the host. stdout carries data only: one JSON
//! object with `--once`, nothing otherwise. Entered at [`run`].

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::arguments::DemoOptions;
use crate::cargo::{self, Profile};
use crate::foreground::Foreground;
use crate::toolchain;

/// What the object of `--once` must hold in the end.
const SUMMARY_KEYS: [&str; 11] = [
    "departments",
    "plugins",
    "automations",
    "runs",
    "entries",
    "entries_as_expected",
    "invoices_matched",
    "tasks",
    "messages_sent",
    "commits",
    "audit_verified",
];

/// One thing that the demo shows; it adds what it learnt to the summary.
struct Step {
    title: &'static str,
    show: fn(&Bursar, &mut Summary) -> Result<()>,
}

type Summary = Map<String, Value>;

pub fn run(options: &DemoOptions) -> Result<ExitCode> {
    let Some(steps) = steps() else {
        eprintln!("error: the demo is not there yet: its steps are still to be written");
        return Ok(ExitCode::FAILURE);
    };
    let mut foreground = Foreground::take()?;
    toolchain::ensure_wasm_target()?;
    let program = cargo::build("bursar", Profile::Dev)?;
    let place = Place::open(options)?;
    let bursar = Bursar {
        program,
        folder: place.path().to_owned(),
    };
    let mut summary = Summary::new();
    for step in steps {
        foreground.check()?;
        eprintln!("\n== {}", step.title);
        (step.show)(&bursar, &mut summary)
            .with_context(|| format!("the step '{}' failed", step.title))?;
    }
    if options.once {
        print(&summary)?;
    }
    place.close();
    Ok(ExitCode::SUCCESS)
}

/// The steps in their order; none until the command line of `bursar` can do them.
fn steps() -> Option<Vec<Step>> {
    None
}

fn print(summary: &Summary) -> Result<()> {
    if let Some(key) = SUMMARY_KEYS.iter().find(|key| !summary.contains_key(**key)) {
        bail!("no step of the demo said '{key}'");
    }
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
    #[expect(
        dead_code,
        reason = "only steps call it, and they are still to be written"
    )]
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
}
