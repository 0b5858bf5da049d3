//! How fast the host does things, beside what something that does nothing else would need for them.
//!
//! Every part is the real one, on an SQLite file on the disk that the build lies on, synced at every commit. The measures
//! of a part are taken in turn in each round, so that whatever else the machine does falls on all of them; the middle of
//! the rounds counts. It knows nothing of what a fast enough machine is: the bars are ratios. Entered by
//! `cargo xtask bench`.

mod aging;
mod bare;
mod compared;
mod desk;
mod importing;
mod latency;
mod load;
mod log;
mod measures;
mod office;
mod over_http;
mod plain;
mod raw;
mod recurring;
mod runs;
mod sample;
mod searching;
mod served;
mod summary;
mod table;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use tokio::runtime::Builder;

use crate::{
    aging::Agings,
    compared::Compared,
    importing::Importing,
    office::{Office, Size},
    over_http::Stage,
    recurring::Recurring,
    runs::Runs,
    searching::Searching,
    summary::{OfRequests, OfRuns, Summary, Verified},
};

/// As in the host's program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can go wrong: this program only says it.
type Fault = Box<dyn Error + Send + Sync>;

/// Runs of the round that warms everything up and is not counted.
const WARM_UP_RUNS: usize = 300;
/// Imports take seconds each.
const ROUNDS_BY_IMPORT: usize = 3;

/// How fast runs, requests, searches, agings, recurrences and imports are, against what each is held against.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// What is measured; everything unless given.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
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

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Runs, beside the sandbox alone, commits alone and plain inserts.
    Runs,
    /// Requests, beside one commit and a bare server.
    Requests,
    /// Searches of records, beside plain SQL.
    Search,
    /// Agings of invoices, beside plain SQL.
    Aging,
    /// Recurrence rules, beside the crate `rrule`.
    Recurrences,
    /// The import of a file, beside inserting its rows.
    Import,
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

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn rounds(&self) -> usize {
        self.rounds.max(1)
    }
}

async fn bench(arguments: &Arguments) -> Result<Summary, Fault> {
    let folder = &arguments.folder;
    clear(folder)?;
    // What takes the disk longest comes last, so that nothing else waits for what it left to be written.
    let compared = [
        search(arguments).await?,
        agings(arguments).await?,
        recurrences(arguments).await?,
    ];
    let (runs, requests, verified) = Box::pin(runs_and_requests(arguments)).await?;
    let imports = imports(arguments).await?.into_iter().flatten();
    let compared = compared.into_iter().flatten().chain(imports).collect();
    let summary = Summary::new(verified, runs, requests, compared);
    let text = serde_json::to_vec_pretty(&summary)?;
    std::fs::write(folder.join("summary.json"), text)?;
    Ok(summary)
}

async fn runs_and_requests(
    arguments: &Arguments,
) -> Result<(Option<OfRuns>, Option<OfRequests>, Option<Verified>), Fault> {
    let folder = &arguments.folder;
    let (mut found, mut found_over_http) = (Vec::new(), Vec::new());
    let (mut runs, mut stage) = (None, None);
    if arguments.wants(Part::Runs) {
        let size = Size {
            workers: arguments.workers,
            readers: arguments.readers,
        };
        runs = Some(Runs::set(folder, size).await?);
    }
    if arguments.wants(Part::Requests) {
        stage = Some(Stage::set(&folder.join("served"), arguments.load_seconds).await?);
    }
    let rounds = arguments.rounds();
    let each = (arguments.runs / rounds).max(1);
    // Round 0 warms everything up.
    for number in 0..=rounds {
        let count = if number == 0 {
            WARM_UP_RUNS.min(each)
        } else {
            each
        };
        if let Some(runs) = &runs {
            eprintln!("runs: round {number} of {rounds}: {count}");
            found.push(runs.round(count).await?);
        }
        if let Some(stage) = &stage {
            eprintln!("requests: round {number} of {rounds}");
            found_over_http.push(stage.round().await?);
        }
    }
    let offices = runs.iter().map(|runs| &runs.office);
    let verified = verified(offices.chain(stage.iter().map(|stage| &stage.office))).await?;
    let of_runs = runs.map(|runs| {
        let guest = runs.office.digest().to_owned();
        OfRuns::new(
            guest,
            arguments.workers,
            arguments.readers,
            found.split_off(1),
        )
    });
    let of_requests =
        stage.map(|stage| OfRequests::new(stage.guest_in_js, found_over_http.split_off(1)));
    Ok((of_runs, of_requests, verified))
}

/// Takes so many rounds of a comparison, after one that is not counted.
async fn rounds<R>(
    name: &str,
    count: usize,
    mut round: impl AsyncFnMut() -> Result<R, Fault>,
) -> Result<Vec<R>, Fault> {
    let mut found = Vec::with_capacity(count + 1);
    for number in 0..=count {
        eprintln!("{name}: round {number} of {count}");
        found.push(round().await?);
    }
    Ok(found.split_off(1))
}

async fn search(arguments: &Arguments) -> Result<Option<Compared>, Fault> {
    if !arguments.wants(Part::Search) {
        return Ok(None);
    }
    eprintln!("search: making records");
    let mut searching = Searching::set(&arguments.folder.join("search")).await?;
    let round = async || searching.round().await;
    let found = rounds("search", arguments.rounds(), round).await?;
    Ok(Some(searching.compared(found)))
}

async fn agings(arguments: &Arguments) -> Result<Option<Compared>, Fault> {
    if !arguments.wants(Part::Aging) {
        return Ok(None);
    }
    eprintln!("aging: making invoices");
    let mut agings = Agings::set(&arguments.folder.join("aging")).await?;
    let round = async || agings.round().await;
    let found = rounds("aging", arguments.rounds(), round).await?;
    Ok(Some(Agings::compared(found)))
}

async fn recurrences(arguments: &Arguments) -> Result<Option<Compared>, Fault> {
    if !arguments.wants(Part::Recurrences) {
        return Ok(None);
    }
    let recurring = Recurring::set()?;
    let round = async || recurring.round();
    let found = rounds("recurrences", arguments.rounds(), round).await?;
    Ok(Some(recurring.compared(found)))
}

async fn imports(arguments: &Arguments) -> Result<Option<[Compared; 2]>, Fault> {
    if !arguments.wants(Part::Import) {
        return Ok(None);
    }
    let importing = Importing::set(&arguments.folder.join("import"))?;
    let count = arguments.rounds().div_ceil(ROUNDS_BY_IMPORT);
    let round = async || importing.round().await;
    let found = rounds("import", count, round).await?;
    Ok(Some(Importing::compared(&found)))
}

/// The commits of offices' logs, if they verify.
async fn verified(offices: impl Iterator<Item = &Office>) -> Result<Option<Verified>, Fault> {
    let mut commits = None;
    for office in offices {
        eprintln!("verifying a log");
        let verification = office.database.verify(None).await?;
        if !verification.is_clean() {
            let findings = verification.findings;
            return Err(format!("the log does not verify: {findings:?}").into());
        }
        commits = Some(commits.unwrap_or(0) + verification.commits);
    }
    Ok(commits.map(Verified::new))
}

/// An empty folder.
fn clear(folder: &Path) -> Result<(), Fault> {
    for name in [
        "office", "served", "raw", "heap", "search", "aging", "import",
    ] {
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
