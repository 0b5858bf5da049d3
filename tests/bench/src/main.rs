//! How many runs a second are committed, and how long a request takes, beside what sandbox, log, disk and a bare server
//! would each allow alone.
//!
//! Every part is the real one, on an SQLite file on the disk that the build lies on, synced at every commit. All measures
//! are taken in turn in each round, so that whatever else the machine does falls on all of them; the middle of the rounds
//! counts. It knows nothing of what a fast enough machine is: the bars are ratios. Entered by `cargo xtask bench`.

mod bare;
mod latency;
mod load;
mod log;
mod measures;
mod office;
mod over_http;
mod raw;
mod served;
mod summary;
mod table;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::{
    measures::Measured,
    office::{Office, Size, TOUCH},
    over_http::Stage,
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

/// How fast runs and requests are, against what sandbox, log, disk and a bare server would each allow alone.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
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
    /// Seconds that each load of requests is measured in each round.
    #[arg(long, default_value_t = 2.0)]
    load_seconds: f64,
}

/// What else this program can be.
#[derive(Clone, Debug, Subcommand)]
enum Role {
    /// Sends the requests of a plan on stdin; the bench starts it by itself.
    #[command(name = load::WORD, hide = true)]
    Load,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.role {
        Some(Role::Load) => within(&mut Builder::new_current_thread(), load::serve_plan()),
        None => within(&mut Builder::new_multi_thread(), bench(&arguments))
            .map(|summary| eprint!("{}", table::table(&summary))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {}", chain(fault.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn within<T>(
    builder: &mut Builder,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    builder.enable_all().build()?.block_on(work)
}

async fn bench(arguments: &Arguments) -> Result<Summary, Fault> {
    let folder = &arguments.folder;
    clear(folder)?;
    eprintln!("building the guest");
    let size = Size {
        workers: arguments.workers,
        readers: arguments.readers,
    };
    let office = Office::open(&folder.join("office"), size).await?;
    let stage = Stage::set(&folder.join("served"), arguments.load_seconds).await?;
    let raw = Raw::open(&folder.join("raw"), Shape::Keyed).await?;
    let heap = Raw::open(&folder.join("heap"), Shape::Heap).await?;
    let rounds = arguments.rounds.max(1);
    let each = (arguments.runs / rounds).max(1);
    eprintln!("warming up");
    round(&office, [&raw, &heap], WARM_UP_RUNS.min(each)).await?;
    stage.round().await?;
    let (mut found, mut found_over_http) = (Vec::new(), Vec::new());
    for number in 1..=rounds {
        eprintln!("round {number} of {rounds}: {each} runs, then requests");
        found.push(round(&office, [&raw, &heap], each).await?);
        found_over_http.push(stage.round().await?);
    }
    eprintln!("verifying the logs");
    let facts = Facts {
        workers: arguments.workers,
        readers: arguments.readers,
        guest: office.digest().to_owned(),
        quickjs_guest: stage.guest_in_js.clone(),
        commits: verified(&office).await? + verified(&stage.office).await?,
    };
    let summary = Summary::new(facts, &found, &found_over_http);
    let text = serde_json::to_vec_pretty(&summary)?;
    std::fs::write(folder.join("summary.json"), text)?;
    Ok(summary)
}

/// The commits of an office's log, if it verifies.
async fn verified(office: &Office) -> Result<u64, Fault> {
    let verification = office.database.verify(None).await?;
    if verification.is_clean() {
        return Ok(verification.commits);
    }
    Err(format!("the log does not verify: {:?}", verification.findings).into())
}

/// Takes every measure of runs once.
async fn round(office: &Office, [raw, heap]: [&Raw; 2], runs: usize) -> Result<Rates, Fault> {
    let proposals = measures::proposals(office, runs).await?;
    let wasm = measures::wasm_only(office, runs).await?;
    let commits = measures::commit_only(office, proposals).await?;
    office.queue(&TOUCH, runs).await?;
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
    for name in ["office", "served", "raw", "heap"] {
        let path = folder.join(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path)?;
        }
    }
    for name in ["office", "served"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
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
