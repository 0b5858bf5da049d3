//! The summary as people read it: what was measured, what it is compared with, and whether it is enough.

use crate::{
    compared::Compared,
    summary::{Bar, OfRequests, OfRuns, Summary},
};

/// One figure.
struct Line {
    name: &'static str,
    figure: f64,
    unit: &'static str,
    meaning: &'static str,
}

const fn line(name: &'static str, figure: f64, unit: &'static str, meaning: &'static str) -> Line {
    Line {
        name,
        figure,
        unit,
        meaning,
    }
}

/// Everything, for a terminal.
pub fn table(summary: &Summary) -> String {
    let runs = summary.runs.as_ref().map(about_runs);
    let requests = summary.requests.as_ref().map(about_requests);
    let compared: String = summary.compared.values().map(about).collect();
    let bars: String = summary.bars().iter().map(judged).collect();
    let verified = summary.verified.map(|verified| {
        let commits = verified.commits;
        format!("\nThe logs verify: {commits} commits.\n")
    });
    [
        format!(
            "\nOn SQLite, synced at every commit, on {} cores. Every figure is the middle one of the rounds.\n",
            summary.cores
        ),
        runs.unwrap_or_default(),
        requests.unwrap_or_default(),
        compared,
        format!("\n{:<42}{:>8}   wanted\n", "ratio", "found"),
        bars,
        verified.unwrap_or_default(),
    ]
    .concat()
}

fn about_runs(runs: &OfRuns) -> String {
    let figures: String = of_runs(runs).iter().map(shown).collect();
    format!(
        "\n{} runs of a plugin that reads one record and changes it; {} at once, {} to a group of commits, at most {}; {} \
         without running:\n{figures}",
        runs.runs, runs.workers, runs.group_runs_mean, runs.group_runs_max, runs.group_commits_mean
    )
}

fn about_requests(requests: &OfRequests) -> String {
    let figures: String = of_requests(requests).iter().map(shown).collect();
    let connections = requests.connections;
    format!("\nrequests from a second process, {connections} connections:\n{figures}")
}

fn about(compared: &Compared) -> String {
    let Compared {
        subject,
        ours_ms,
        theirs_ms,
        ..
    } = compared;
    let figures = [
        line(subject.name, *ours_ms, MS, subject.ours),
        line("", *theirs_ms, MS, subject.theirs),
    ];
    format!("\n{}", figures.iter().map(shown).collect::<String>())
}

const RUNS: &str = "runs/s";
const READS: &str = "reads/s";
const MS: &str = "ms";

// A line each, as they are printed.
#[rustfmt::skip]
fn of_runs(summary: &OfRuns) -> [Line; 5] {
    [
        line("runs", summary.runs_per_s, RUNS, "claimed, executed in the sandbox, committed to the log"),
        line("sandbox alone", summary.wasm_only_per_s, RUNS, "the same plugin, touching nothing, committing nothing"),
        line("commits alone", summary.commit_only_per_s, RUNS, "the same commits, without running anything"),
        line("plain inserts", summary.raw_insert_per_s, RUNS, "the rows of those commits, inserted into the same tables"),
        line("inserts to a heap", summary.heap_insert_per_s, RUNS, "the same, into tables without keys and indexes"),
    ]
}

// As above.
#[rustfmt::skip]
fn of_requests(summary: &OfRequests) -> [Line; 8] {
    [
        line("POST to committed run", summary.http_trigger_ms_p50, MS, "half of the requests take no longer"),
        line("  99 of 100", summary.http_trigger_ms_p99, MS, "take no longer"),
        line("one commit", summary.commit_alone_ms_p50, MS, "of as many proposers at once; half take no longer"),
        line("  99 of 100", summary.commit_alone_ms_p99, MS, "take no longer"),
        line("record reads", summary.record_reads_per_s, READS, "GET of one record with an access token"),
        line("bare server", summary.bare_reads_per_s, READS, "the same row from an axum handler that only reads it"),
        line("  a constant from it", summary.bare_constants_per_s, READS, "what client and axum allow, reading nothing"),
        line("runs in JavaScript", summary.quickjs_runs_per_s, RUNS, "the work of those runs by a plugin on QuickJS, committed"),
    ]
}

fn shown(line: &Line) -> String {
    let places = if line.unit == "ms" { 2 } else { 0 };
    let Line {
        name,
        figure,
        unit,
        meaning,
    } = line;
    format!("{name:<24}{figure:>10.places$} {unit:<8} {meaning}\n")
}

fn judged(bar: &Bar) -> String {
    let verdict = if bar.is_held() { "ok" } else { "MISSED" };
    let Bar { what, found, bound } = bar;
    format!("{what:<42}{found:>8.2}   {bound}: {verdict}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Bound;

    #[test]
    fn a_missed_bar_is_said_plainly() {
        let check = |found, bound, expected: &str| {
            let bar = Bar {
                what: "this / that",
                found,
                bound,
            };
            let said = judged(&bar);
            assert!(said.starts_with("this / that "), "{said:?}");
            assert!(said.ends_with(expected), "{said:?}");
        };
        check(0.4, Bound::AtLeast(0.5), " 0.40   at least 0.50: MISSED\n");
        check(0.5, Bound::AtLeast(0.5), " 0.50   at least 0.50: ok\n");
        check(4.0, Bound::AtMost(4.0), " 4.00   at most 4.00: ok\n");
        check(4.1, Bound::AtMost(4.0), " 4.10   at most 4.00: MISSED\n");
    }

    #[test]
    fn milliseconds_are_shown_in_hundredths() {
        let said = shown(&line("one commit", 1.234, "ms", "what"));
        assert_eq!(said, "one commit                    1.23 ms       what\n");
        let said = shown(&line("runs", 4528.0, "runs/s", "what"));
        assert_eq!(said, "runs                          4528 runs/s   what\n");
    }
}
