//! How many runs a second are committed, and how many the sandbox, the log and the disk would each allow alone.
//!
//! Every part is the real one, on an SQLite file on the disk that the build lies on, synced at every commit. All measures
//! are taken in turn in each round, so that whatever else the machine does falls on all of them; the middle of the rounds
//! counts. It knows nothing of what a fast enough machine is: the bars are ratios. Entered by `cargo xtask bench`.

mod log;
mod measures;
mod office;
mod raw;
mod summary;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    measures::Measured,
    office::Office,
    raw::{Raw, Shape},
    summary::{Facts, Rates, Summary},
};

/// As in the host's program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can go wrong: this program only says it.
type Fault = Box<dyn Error + Send + Sync>;

/// Runs of the round that warms everything up and is not counted.
const WARM_UP_RUNS: usize = 300;

/// How fast runs are, against what sandbox, log and disk would each allow alone.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    /// Runs worked off in all rounds together.
    #[arg(long, default_value_t = 54_000)]
    runs: usize,
    /// Rounds; the middle one counts.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Runs executed at once.
    #[arg(long, default_value_t = 64)]
    workers: usize,
    /// Connections that read.
    #[arg(long, default_value_t = 8)]
    readers: u32,
    /// Where the databases are made and the summary is written; what was there is removed.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match bench(&Arguments::parse()).await {
        Ok(summary) => {
            eprint!("{}", summary.table());
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("error: {}", chain(fault.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &Arguments) -> Result<Summary, Fault> {
    let folder = &arguments.folder;
    clear(folder)?;
    eprintln!("building the guest");
    let office = Office::open(&folder.join("office"), arguments).await?;
    let raw = Raw::open(&folder.join("raw"), Shape::Keyed).await?;
    let heap = Raw::open(&folder.join("heap"), Shape::Heap).await?;
    let rounds = arguments.rounds.max(1);
    let each = (arguments.runs / rounds).max(1);
    eprintln!("warming up");
    round(&office, [&raw, &heap], WARM_UP_RUNS.min(each)).await?;
    let mut found = Vec::new();
    for number in 1..=rounds {
        eprintln!("round {number} of {rounds}: {each} runs");
        found.push(round(&office, [&raw, &heap], each).await?);
    }
    eprintln!("verifying the log");
    let verification = office.database.verify(None).await?;
    if !verification.is_clean() {
        return Err(format!("the log does not verify: {:?}", verification.findings).into());
    }
    let facts = Facts {
        workers: arguments.workers,
        readers: arguments.readers,
        guest: office.digest().to_owned(),
        commits: verification.commits,
    };
    let summary = Summary::new(facts, &found);
    let text = serde_json::to_vec_pretty(&summary)?;
    std::fs::write(folder.join("summary.json"), text)?;
    Ok(summary)
}

/// Takes every measure once.
async fn round(office: &Office, [raw, heap]: [&Raw; 2], runs: usize) -> Result<Rates, Fault> {
    let proposals = measures::proposals(office, runs).await?;
    let wasm = measures::wasm_only(office, runs).await?;
    let commits = measures::commit_only(office, proposals).await?;
    office.queue(runs).await?;
    let runs = measures::runs(office, runs).await?;
    let written = office.log.written(&commits.span).await?;
    let worked = office.log.written(&runs.span).await?;
    check_alike(written.bytes_per_run(), worked.bytes_per_run())?;
    let groups = office.log.groups(&commits.span).await?;
    // Not counted: tables as full as the host's.
    for filled in [raw, heap] {
        filled.insert(&worked, groups.mean()).await?;
    }
    let raw_inserts = raw.insert(&written, groups.mean()).await?;
    let heap_inserts = heap.insert(&written, groups.mean()).await?;
    Ok(Rates {
        runs: runs.count,
        runs_per_s: per_second(&runs),
        wasm_only_per_s: per_second(&wasm),
        commit_only_per_s: per_second(&commits),
        raw_insert_per_s: per_second(&raw_inserts),
        heap_insert_per_s: per_second(&heap_inserts),
        seconds: runs.took.as_secs_f64(),
        bytes_per_run: written.bytes_per_run(),
        run_groups: office.log.groups(&runs.span).await?,
        commit_groups: groups,
    })
}

/// Commits that are made without running must be those that runs make, or their rate says nothing about runs.
fn check_alike(alone: f64, worked: f64) -> Result<(), Fault> {
    let apart = (alone / worked - 1.0).abs();
    if apart < 0.02 {
        return Ok(());
    }
    Err(format!("a run writes {worked:.0} bytes, a commit alone {alone:.0}").into())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs are far below 2^52"
)]
fn per_second(measured: &Measured) -> f64 {
    measured.count as f64 / measured.took.as_secs_f64()
}

/// An empty folder.
fn clear(folder: &Path) -> Result<(), Fault> {
    for name in ["office", "raw", "heap"] {
        let path = folder.join(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path)?;
        }
    }
    std::fs::create_dir_all(folder.join("office"))?;
    Ok(())
}

/// An error and what caused it, in one line.
fn chain(fault: &dyn Error) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
