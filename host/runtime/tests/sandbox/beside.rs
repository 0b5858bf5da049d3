//! Well-behaved plugins beside hostile ones.

use std::cell::Cell;

use bursar_domain::manifest::Limits;
use serde_json::{Value, json};

use crate::{
    limits::{reached, succeeded},
    office::Office,
};

/// What each of them would do for minutes.
const HOSTILE: [(&str, &str); 4] = [
    ("spin", "{}"),
    ("caller", r#"{"calls": 1000000000}"#),
    (
        "chatty",
        r#"{"lines": 1000000000, "message": "again and again"}"#,
    ),
    ("spin", "{}"),
];
/// Runs of the well-behaved one, each after the other.
const RUNS: usize = 5;

#[tokio::test]
async fn a_plugin_beside_hostile_ones_is_not_kept_from_its_work() {
    let office = Office::open().await;
    let counter = office.counters.first().expect("three counters");
    let ended = Cell::new(0);
    let hostile = async |(guest, input): (&str, &str)| {
        let limits = Limits {
            // Long enough for the other one on a slow machine; nothing else ends them.
            wall_ms_max: 10_000,
            host_calls_max: u64::MAX,
            bytes_out_max: u64::MAX,
            ..Limits::default()
        };
        let input: Value = serde_json::from_str(input).expect("JSON");
        let report = office.execute(guest, input, limits).await;
        ended.set(ended.get() + 1);
        report.expect("a limit is no trouble")
    };
    // Reads and writes of the database are among its work: it waits for other threads too.
    let well_behaved = async {
        for _ in 0..RUNS {
            let report = office.run("counter", json!({"counter": counter})).await;
            assert!(succeeded(&report), "{:?}", report.outcome);
        }
        ended.get()
    };
    let [one, two, three, four] = HOSTILE.map(&hostile);
    let (done_before, one, two, three, four) = tokio::join!(well_behaved, one, two, three, four);
    assert_eq!(done_before, 0, "hostile ones ended before it was done");
    for report in [one, two, three, four] {
        assert_eq!(reached(&report).0, "wall_ms_max");
    }
}
