//! What came of the rounds, for programs and for people.

use serde::Serialize;

use crate::log::Groups;

/// Least share of the slower of sandbox and log that runs must reach.
const RATIO_TO_LIMIT_MIN: f64 = 0.5;
/// Least share of plain inserts that the log must reach.
const COMMIT_TO_RAW_MIN: f64 = 0.5;

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

/// What is the same in all rounds.
pub struct Facts {
    pub workers: usize,
    pub readers: u32,
    pub guest: String,
    pub commits: u64,
}

/// The bench's result.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    runs_per_s: f64,
    wasm_only_per_s: f64,
    commit_only_per_s: f64,
    raw_insert_per_s: f64,
    heap_insert_per_s: f64,
    ratio_to_limit: f64,
    ratio_to_limit_min: f64,
    commit_to_raw: f64,
    commit_to_raw_min: f64,
    bars_held: bool,
    runs: usize,
    seconds: f64,
    workers: usize,
    readers: u32,
    cores: usize,
    group_runs_mean: usize,
    group_runs_max: usize,
    group_commits_mean: usize,
    group_commits_max: usize,
    bytes_per_run: f64,
    guest: String,
    audit_verified: bool,
    commits: u64,
    engine: &'static str,
    wasm_only_note: &'static str,
    raw_insert_note: &'static str,
    heap_insert_note: &'static str,
    rounds: Vec<Rates>,
}

impl Summary {
    /// Of rounds whose log has been verified.
    pub fn new(facts: Facts, rounds: &[Rates]) -> Self {
        let rate = |of: fn(&Rates) -> f64| median(rounds.iter().map(of).collect());
        let [runs, wasm, commits, raw, heap] = [
            rate(|round| round.runs_per_s),
            rate(|round| round.wasm_only_per_s),
            rate(|round| round.commit_only_per_s),
            rate(|round| round.raw_insert_per_s),
            rate(|round| round.heap_insert_per_s),
        ];
        let (ratio_to_limit, commit_to_raw) = (runs / wasm.min(commits), commits / raw);
        let run_groups = total(rounds.iter().map(|round| round.run_groups));
        let commit_groups = total(rounds.iter().map(|round| round.commit_groups));
        Self {
            runs_per_s: runs.round(),
            wasm_only_per_s: wasm.round(),
            commit_only_per_s: commits.round(),
            raw_insert_per_s: raw.round(),
            heap_insert_per_s: heap.round(),
            ratio_to_limit: to_places(ratio_to_limit),
            ratio_to_limit_min: RATIO_TO_LIMIT_MIN,
            commit_to_raw: to_places(commit_to_raw),
            commit_to_raw_min: COMMIT_TO_RAW_MIN,
            bars_held: ratio_to_limit >= RATIO_TO_LIMIT_MIN && commit_to_raw >= COMMIT_TO_RAW_MIN,
            runs: rounds.iter().map(|round| round.runs).sum(),
            seconds: to_places(rounds.iter().map(|round| round.seconds).sum()),
            workers: facts.workers,
            readers: facts.readers,
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            group_runs_mean: run_groups.mean(),
            group_runs_max: run_groups.largest,
            group_commits_mean: commit_groups.mean(),
            group_commits_max: commit_groups.largest,
            bytes_per_run: rate(|round| round.bytes_per_run).round(),
            guest: facts.guest,
            audit_verified: true,
            commits: facts.commits,
            engine: "sqlite, wal, synchronous=full",
            wasm_only_note: "the same component, instantiated and called as often by as many tasks, whose runs read and \
                             write nothing: no snapshot, no commit",
            raw_insert_note: "the very rows that the commits wrote (commit, change, image, run), into tables with the same \
                              keys, indexes and checks: one prepared insert a table and one transaction a group of \
                              group_commits_mean runs; the host also reads, decides, hashes, replaces the image and the \
                              run instead of adding them, and moves the log's head",
            heap_insert_note: "the same rows into tables without keys, indexes and checks; no bar",
            rounds: rounds.to_vec(),
        }
    }

    /// For people.
    pub fn table(&self) -> String {
        let rate = |name: &str, value: f64| format!("{name:<22}{value:>8.0} a second\n");
        let bar = |name: &str, value: f64, least: f64| {
            let word = if value >= least { "held" } else { "MISSED" };
            format!("{name:<22}{value:>8.2}  at least {least:.2}: {word}\n")
        };
        [
            rate("runs", self.runs_per_s),
            rate("sandbox alone", self.wasm_only_per_s),
            rate("commits alone", self.commit_only_per_s),
            rate("inserts alone", self.raw_insert_per_s),
            rate("inserts to a heap", self.heap_insert_per_s),
            bar("runs to limit", self.ratio_to_limit, RATIO_TO_LIMIT_MIN),
            bar("commits to inserts", self.commit_to_raw, COMMIT_TO_RAW_MIN),
            format!(
                "{} runs, {} at once, {} cores; {} of {} runs a group, at most {}; the log verifies ({} commits)\n",
                self.runs,
                self.workers,
                self.cores,
                self.group_runs_mean,
                self.group_commits_mean,
                self.group_runs_max,
                self.commits
            ),
        ]
        .concat()
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
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

fn to_places(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_missed_bar_is_said_plainly() {
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
        let facts = Facts {
            workers: 1,
            readers: 1,
            guest: String::new(),
            commits: 10,
        };
        let summary = Summary::new(facts, &[round]);
        assert!(!summary.bars_held);
        let table = summary.table();
        assert!(table.contains("0.40  at least 0.50: MISSED"), "{table}");
        assert!(table.contains("0.67  at least 0.50: held"), "{table}");
    }
}
