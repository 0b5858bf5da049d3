//! Plugins that import a WASI run, on one with nothing behind it.

use bursar_domain::run::Outcome;
use serde_json::json;

use crate::office::Office;

#[tokio::test]
pub async fn a_wasi_has_nothing_behind_it() {
    let office = Office::open().await;
    let report = office.run("wasi", json!({})).await;
    let Outcome::Succeeded(summary) = &report.outcome else {
        panic!("{:?}", report.outcome)
    };
    let told: Vec<&str> = summary.text.lines().take(6).collect();
    let expected = [
        "environment 0",
        "arguments 0",
        "folders 0",
        "wall 1772442000.000000000",
        "stands still true",
        "monotonic 0",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_is_printed_is_logged() {
    let report = Office::open().await.run("wasi", json!({})).await;
    let lines: Vec<(&str, &str)> = report
        .logs
        .iter()
        .map(|line| (line.level.as_str(), line.message.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            ("info", "one line"),
            ("warn", "trouble"),
            ("info", "and half")
        ]
    );
}

#[tokio::test]
async fn randomness_of_a_wasi_comes_from_the_seed() {
    let office = Office::open().await;
    let (first, second) = (
        office.run("wasi", json!({})).await,
        office.run("wasi", json!({})).await,
    );
    assert_eq!(first.outcome, second.outcome);
}
