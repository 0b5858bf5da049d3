//! What came of the rounds: each figure is the middle one of them.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    compared::Compared,
    log::Groups,
    over_http::{CONNECTIONS, OverHttp},
};

/// Least share of the slower of sandbox and log that runs must reach.
pub const RATIO_TO_LIMIT_MIN: f64 = 0.5;
/// Least share of plain inserts that the log must reach.
pub const COMMIT_TO_RAW_MIN: f64 = 0.5;
/// Longest time from a POST to its committed run, in times of one commit.
pub const HTTP_TRIGGER_TO_COMMIT_MAX: f64 = 4.0;
/// Least share of a bare server's reads that the API must reach.
pub const RECORD_READ_TO_BARE_MIN: f64 = 0.5;

/// One round.
#[derive(Clone, Debug, Serialize)]
pub struct Rates {
    pub runs: usize,
    pub runs_per_s: f64,
    pub wasm_only_per_s: f64,
    pub commit_only_per_s: f64,
    pub raw_insert_per_s: f64,
    pub heap_insert_per_s: f64,
    /// Of the runs alone.
    pub seconds: f64,
    pub bytes_per_run: f64,
    pub run_groups: Groups,
    pub commit_groups: Groups,
}

/// What the logs say after all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Verified {
    audit_verified: bool,
    pub commits: u64,
}

impl Verified {
    pub fn new(commits: u64) -> Self {
        Self {
            audit_verified: true,
            commits,
        }
    }
}

/// The bench's result: what was measured of it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    bars_held: bool,
    pub cores: usize,
    engine: &'static str,
    /// None if no part has a log of its own to verify.
    #[serde(flatten)]
    pub verified: Option<Verified>,
    #[serde(flatten)]
    pub runs: Option<OfRuns>,
    #[serde(flatten)]
    pub requests: Option<OfRequests>,
    /// By name.
    #[serde(flatten)]
    pub compared: BTreeMap<&'static str, Compared>,
}

impl Summary {
    /// Of rounds whose logs have been verified.
    pub fn new(
        verified: Option<Verified>,
        runs: Option<OfRuns>,
        requests: Option<OfRequests>,
        compared: Vec<Compared>,
    ) -> Self {
        let compared = compared.into_iter().map(|one| (one.name(), one));
        let mut summary = Self {
            bars_held: false,
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            engine: "sqlite, wal, synchronous=full",
            verified,
            runs,
            requests,
            compared: compared.collect(),
        };
        summary.bars_held = summary.bars().iter().all(Bar::is_held);
        summary
    }

    /// What must hold on any machine.
    pub fn bars(&self) -> Vec<Bar> {
        let runs = self.runs.iter().flat_map(OfRuns::bars);
        let requests = self.requests.iter().flat_map(OfRequests::bars);
        let compared = self.compared.values().map(Compared::bar);
        runs.chain(requests).chain(compared).collect()
    }
}

/// What came of the rounds of runs.
#[derive(Clone, Debug, Serialize)]
pub struct OfRuns {
    pub runs_per_s: f64,
    pub wasm_only_per_s: f64,
    pub commit_only_per_s: f64,
    pub raw_insert_per_s: f64,
    pub heap_insert_per_s: f64,
    /// Runs by the slower of sandbox and commits.
    pub ratio_to_limit: f64,
    ratio_to_limit_min: f64,
    /// Commits by plain inserts.
    pub commit_to_raw: f64,
    commit_to_raw_min: f64,
    pub runs: usize,
    seconds: f64,
    pub workers: usize,
    readers: u32,
    pub group_runs_mean: usize,
    pub group_runs_max: usize,
    pub group_commits_mean: usize,
    group_commits_max: usize,
    bytes_per_run: f64,
    guest: String,
    wasm_only_note: &'static str,
    raw_insert_note: &'static str,
    heap_insert_note: &'static str,
    rounds: Vec<Rates>,
}

impl OfRuns {
    pub fn new(guest: String, workers: usize, readers: u32, rounds: Vec<Rates>) -> Self {
        let rate = |of: fn(&Rates) -> f64| median(rounds.iter().map(of).collect());
        let [runs, wasm, commits, raw] = [
            rate(|round| round.runs_per_s),
            rate(|round| round.wasm_only_per_s),
            rate(|round| round.commit_only_per_s),
            rate(|round| round.raw_insert_per_s),
        ];
        let run_groups = total(rounds.iter().map(|round| round.run_groups));
        let commit_groups = total(rounds.iter().map(|round| round.commit_groups));
        Self {
            runs_per_s: runs.round(),
            wasm_only_per_s: wasm.round(),
            commit_only_per_s: commits.round(),
            raw_insert_per_s: raw.round(),
            heap_insert_per_s: rate(|round| round.heap_insert_per_s).round(),
            ratio_to_limit: to_places(runs / wasm.min(commits)),
            ratio_to_limit_min: RATIO_TO_LIMIT_MIN,
            commit_to_raw: to_places(commits / raw),
            commit_to_raw_min: COMMIT_TO_RAW_MIN,
            runs: rounds.iter().map(|round| round.runs).sum(),
            seconds: to_places(rounds.iter().map(|round| round.seconds).sum()),
            workers,
            readers,
            group_runs_mean: run_groups.mean(),
            group_runs_max: run_groups.largest,
            group_commits_mean: commit_groups.mean(),
            group_commits_max: commit_groups.largest,
            bytes_per_run: rate(|round| round.bytes_per_run).round(),
            guest,
            wasm_only_note: WASM_ONLY_NOTE,
            raw_insert_note: RAW_INSERT_NOTE,
            heap_insert_note: HEAP_INSERT_NOTE,
            rounds,
        }
    }

    fn bars(&self) -> [Bar; 2] {
        [
            Bar {
                what: "runs / the slower of sandbox and commits",
                found: self.ratio_to_limit,
                bound: Bound::AtLeast(RATIO_TO_LIMIT_MIN),
            },
            Bar {
                what: "commits / plain inserts",
                found: self.commit_to_raw,
                bound: Bound::AtLeast(COMMIT_TO_RAW_MIN),
            },
        ]
    }
}

/// What came of the rounds of requests.
#[derive(Clone, Debug, Serialize)]
pub struct OfRequests {
    pub quickjs_runs_per_s: f64,
    pub http_trigger_ms_p50: f64,
    pub http_trigger_ms_p99: f64,
    pub http_triggers_per_s: f64,
    pub commit_alone_ms_p50: f64,
    pub commit_alone_ms_p99: f64,
    /// The half of the triggers' time by that of one commit.
    pub http_trigger_to_commit: f64,
    http_trigger_to_commit_max: f64,
    pub record_reads_per_s: f64,
    pub bare_reads_per_s: f64,
    pub bare_constants_per_s: f64,
    /// Reads of the API by those of a bare server.
    pub record_read_to_bare: f64,
    record_read_to_bare_min: f64,
    pub connections: usize,
    quickjs_guest: String,
    http_trigger_note: &'static str,
    commit_alone_note: &'static str,
    record_read_note: &'static str,
    quickjs_note: &'static str,
    rounds_over_http: Vec<OverHttp>,
}

impl OfRequests {
    pub fn new(quickjs_guest: String, rounds: Vec<OverHttp>) -> Self {
        let http = |of: fn(&OverHttp) -> f64| median(rounds.iter().map(of).collect());
        let trigger_ms = http(|round| round.triggers.latency.ms_p50);
        let commit_ms = http(|round| round.commit_alone.ms_p50);
        let reads = http(|round| round.record_reads.per_s);
        let bare = http(|round| round.bare_reads.per_s);
        Self {
            quickjs_runs_per_s: http(|round| round.quickjs_runs_per_s).round(),
            http_trigger_ms_p50: to_places(trigger_ms),
            http_trigger_ms_p99: to_places(http(|round| round.triggers.latency.ms_p99)),
            http_triggers_per_s: http(|round| round.triggers.per_s).round(),
            commit_alone_ms_p50: to_places(commit_ms),
            commit_alone_ms_p99: to_places(http(|round| round.commit_alone.ms_p99)),
            http_trigger_to_commit: to_places(trigger_ms / commit_ms),
            http_trigger_to_commit_max: HTTP_TRIGGER_TO_COMMIT_MAX,
            record_reads_per_s: reads.round(),
            bare_reads_per_s: bare.round(),
            bare_constants_per_s: http(|round| round.constants.per_s).round(),
            record_read_to_bare: to_places(reads / bare),
            record_read_to_bare_min: RECORD_READ_TO_BARE_MIN,
            connections: CONNECTIONS,
            quickjs_guest,
            http_trigger_note: HTTP_TRIGGER_NOTE,
            commit_alone_note: COMMIT_ALONE_NOTE,
            record_read_note: RECORD_READ_NOTE,
            quickjs_note: QUICKJS_NOTE,
            rounds_over_http: rounds,
        }
    }

    fn bars(&self) -> [Bar; 2] {
        [
            Bar {
                what: "POST to committed run / one commit, p50",
                found: self.http_trigger_to_commit,
                bound: Bound::AtMost(HTTP_TRIGGER_TO_COMMIT_MAX),
            },
            Bar {
                what: "record reads / reads of a bare server",
                found: self.record_read_to_bare,
                bound: Bound::AtLeast(RECORD_READ_TO_BARE_MIN),
            },
        ]
    }
}

/// A ratio, and how far it may go.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    pub what: &'static str,
    pub found: f64,
    pub bound: Bound,
}

#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// A ratio of rates that is shown and held against nothing.
    Unbounded,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(least) => write!(f, "at least {least:.2}"),
            Bound::AtMost(most) => write!(f, "at most {most:.2}"),
            Bound::Unbounded => f.write_str("no bar"),
        }
    }
}

impl Bar {
    pub fn is_held(&self) -> bool {
        match self.bound {
            Bound::AtLeast(least) => self.found >= least,
            Bound::AtMost(most) => self.found <= most,
            Bound::Unbounded => true,
        }
    }
}

const WASM_ONLY_NOTE: &str = "the same component, instantiated and called as often by as many tasks, whose runs read and \
                              write nothing: no snapshot, no commit";
const RAW_INSERT_NOTE: &str = "the very rows that the commits wrote (commit, change, image, run), into tables with the \
                               same keys, indexes and checks: one prepared insert a table and one transaction a group of \
                               group_commits_mean runs; the host also reads, decides, hashes, replaces the image and the \
                               run instead of adding them, and moves the log's head";
const HEAP_INSERT_NOTE: &str = "the same rows into tables without keys, indexes and checks; no bar";
const HTTP_TRIGGER_NOTE: &str = "milliseconds from sending POST /v1/automations/touch/runs?wait_ms=30000 until its answer \
                                 has been read, which says that the run is committed; a new event and an access token \
                                 each time, sent by a second process over so many connections, each as soon as it has \
                                 the last answer; within that time the run is queued, claimed, executed and settled: \
                                 three turns of the committer, one after the other";
const COMMIT_ALONE_NOTE: &str = "milliseconds from handing the committer one proposal until it is in the log and synced, \
                                 while as many proposers as there are connections do so at once, each as soon as its last \
                                 is committed, and nothing else goes on; every other proposal queues a run, as a POST \
                                 does, the others settle one with its record's change, as a worker does; a triggered run \
                                 needs both, so http_trigger_to_commit is at least 2";
const RECORD_READ_NOTE: &str = "answers a second to the same client over as many connections; of the API: GET \
                                /v1/collections/touched/records/ID with an access token, which is looked up for each \
                                request; bare: an axum handler in the same process that reads the same row by its primary \
                                key through sqlx from the same file, and answers its body, without a token; \
                                bare_constants: that server answering a constant, which is what client and axum allow";
const QUICKJS_NOTE: &str = "committed runs a second as runs_per_s counts them, of the JavaScript guest of sdk/conformance, \
                            which is told to do what the Rust guest does: read one record and change it; no bar";

/// The middle one, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (
        values.get(values.len().saturating_sub(1) / 2),
        values.get(values.len() / 2),
    );
    f64::midpoint(
        low.copied().unwrap_or_default(),
        high.copied().unwrap_or_default(),
    )
}

fn total(groups: impl Iterator<Item = Groups>) -> Groups {
    groups.fold(Groups::default(), |sum, one| Groups {
        commits: sum.commits + one.commits,
        groups: sum.groups + one.groups,
        largest: sum.largest.max(one.largest),
    })
}

pub fn to_places(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{latency::Latency, load::Found};

    #[test]
    fn the_median_is_the_middle_of_the_rounds() {
        let check = |values: &[f64], expected: f64| {
            let found = median(values.to_vec());
            assert!((found - expected).abs() < 1e-9, "{values:?}: {found}");
        };
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
        check(&[7.0], 7.0);
        check(&[], 0.0);
    }

    #[test]
    fn one_missed_bar_is_enough_to_miss() {
        let round = Rates {
            runs: 10,
            runs_per_s: 400.0,
            wasm_only_per_s: 2000.0,
            commit_only_per_s: 1000.0,
            raw_insert_per_s: 1500.0,
            heap_insert_per_s: 5000.0,
            seconds: 1.0,
            bytes_per_run: 1.0,
            run_groups: Groups::default(),
            commit_groups: Groups::default(),
        };
        let found = |per_s, ms_p50| Found {
            answers: 10,
            per_s,
            latency: Latency {
                ms_p50,
                ms_p99: 9.0,
            },
        };
        let over_http = OverHttp {
            triggers: found(100.0, 8.0),
            commit_alone: found(0.0, 2.0).latency,
            record_reads: found(400.0, 1.0),
            bare_reads: found(1000.0, 1.0),
            constants: found(2000.0, 1.0),
            quickjs_runs_per_s: 100.0,
        };
        let runs = OfRuns::new(String::new(), 1, 1, vec![round]);
        let requests = OfRequests::new(String::new(), vec![over_http]);
        let summary = |runs, requests| Summary::new(None, runs, requests, Vec::new());
        let whole = summary(Some(runs), Some(requests.clone()));
        assert!(!whole.bars_held);
        let held: Vec<bool> = whole.bars().iter().map(Bar::is_held).collect();
        assert_eq!(held, [false, true, true, false]);
        let part = summary(None, Some(requests));
        assert_eq!(part.bars().len(), 2, "what was not measured has no bars");
    }
}
