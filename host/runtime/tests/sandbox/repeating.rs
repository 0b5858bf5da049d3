//! The same claim on the same snapshot, for a guest that does all it can to make a difference.

use bursar_domain::{manifest::Limits, run::RunReport};
use serde_json::json;

use crate::{
    limits::{reached, succeeded},
    office::Office,
};

#[tokio::test]
pub async fn what_differs_elsewhere_is_the_same_in_every_run() {
    let office = Office::open().await;
    let first = office.run("nondeterminist", json!({})).await;
    assert!(succeeded(&first), "{:?}", first.outcome);
    // Six values of its state, and one record.
    assert_eq!(first.usage.rows_changed, 7);
    // Who had the memory before has left it full.
    let full = office.run("hungry", json!({"bytes": 32 << 20})).await;
    assert!(succeeded(&full), "{:?}", full.outcome);
    let second = office.run("nondeterminist", json!({})).await;
    let bytes = |report: &RunReport| serde_json::to_vec(&report.draft).expect("drafts are JSON");
    assert_eq!(bytes(&first), bytes(&second));
    // What is no number has the same bits on every machine, whatever its processor makes of a payload.
    let text = String::from_utf8(bytes(&first)).expect("JSON is text");
    assert!(
        text.contains("\"7ff8000000000000\"") && !text.contains("1234\""),
        "{text}"
    );
    assert_eq!(
        (&first.outcome, &first.logs),
        (&second.outcome, &second.logs)
    );
    assert_eq!(first.usage, second.usage);
}

#[tokio::test]
async fn growing_until_it_fails_ends_alike_in_every_run() {
    let office = Office::open().await;
    let grow = async |memory_bytes_max: u64| {
        let limits = Limits {
            memory_bytes_max,
            ..Limits::default()
        };
        let report = office.execute("nondeterminist", json!({"grows": true}), limits);
        report.await.expect("a limit is no trouble")
    };
    let (first, second) = (grow(64 << 20).await, grow(64 << 20).await);
    let (limit, allowed, used) = reached(&first);
    assert_eq!((limit, allowed), ("memory_bytes_max", 64 << 20));
    assert!(used > allowed, "{used}");
    assert_eq!((first.outcome, first.usage), (second.outcome, second.usage));
}
