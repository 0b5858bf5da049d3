//! Guests that hand the host what is too long, too much or not what they say it is.

use bursar_domain::{manifest::Limits, run::Outcome};
use serde_json::{Value, json};

use crate::{
    limits::{reached, succeeded},
    office::Office,
};

/// Most that one call hands to the host.
const CALL_BYTES_MAX: usize = 16 << 20;

async fn ended(guest: &str, input: Value) -> Outcome {
    Office::open().await.run(guest, input).await.outcome
}

#[tokio::test]
pub async fn the_stack_ends_at_stack_bytes_max() {
    let office = Office::open().await;
    let (mut fits, mut overflows) = (0, 1_000_000);
    let mut last = office.run("deep", json!({"depth": overflows})).await;
    while overflows - fits > 1 {
        let depth = u64::midpoint(fits, overflows);
        let report = office.run("deep", json!({"depth": depth})).await;
        if succeeded(&report) {
            fits = depth;
        } else {
            (overflows, last) = (depth, report);
        }
    }
    // Just one call more than what came back.
    assert!(fits > 1000, "{fits}");
    let (limit, allowed, used) = reached(&last);
    assert_eq!((limit, allowed), ("stack_bytes_max", 512 << 10));
    assert!(used > allowed, "{used}");
}

#[tokio::test]
pub async fn one_call_ends_at_call_bytes_max() {
    let office = Office::open().await;
    let call = async |input: Value| {
        let limits = Limits {
            memory_bytes_max: 256 << 20,
            ..Limits::default()
        };
        let report = office.execute("bulky", input, limits).await;
        report.expect("a limit is no trouble")
    };
    let report = call(json!({"text_bytes": CALL_BYTES_MAX})).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    // A list's fields have a size of their own, however empty they are.
    let report = call(json!({"fields": 300_000})).await;
    assert!(succeeded(&report), "{:?}", report.outcome);
    for input in [
        json!({"text_bytes": CALL_BYTES_MAX + 1}),
        json!({"fields": 1_500_000}),
    ] {
        let report = call(input).await;
        let (limit, allowed, used) = reached(&report);
        assert_eq!((limit, allowed), ("call_bytes_max", 16 << 20));
        assert!(used > allowed, "{used}");
    }
}

#[tokio::test]
pub async fn all_calls_together_end_at_bytes_out_max() {
    let office = Office::open().await;
    let limits = Limits {
        bytes_out_max: 1_000_000,
        ..Limits::default()
    };
    let text = "x".repeat(900);
    let say = async |lines: u64| {
        let input = json!({"lines": lines, "message": text});
        let report = office.execute("chatty", input, limits.clone()).await;
        report.expect("a limit is no trouble")
    };
    let (mut fits, mut exceeds) = (0, 2_000);
    let mut last = say(exceeds).await;
    while exceeds - fits > 1 {
        let lines = u64::midpoint(fits, exceeds);
        let report = say(lines).await;
        if succeeded(&report) {
            fits = lines;
        } else {
            (exceeds, last) = (lines, report);
        }
    }
    // A thousand bytes of each are text and number, or what frames them.
    assert!((980..1100).contains(&fits), "{fits}");
    let (limit, allowed, used) = reached(&last);
    assert_eq!((limit, allowed), ("bytes_out_max", 1_000_000));
    assert!((1_000_001..1_001_100).contains(&used), "{used}");
    // What is thrown away counts as well.
    assert_eq!(last.usage.host_calls, exceeds);
}

#[tokio::test]
async fn state_has_limits_that_the_guest_is_told() {
    let refused = async |input: Value| match ended("bulky", input).await {
        Outcome::Refused { problem } => problem.code,
        other => format!("{other:?}"),
    };
    assert_eq!(
        refused(json!({"state_bytes": (64 << 10) + 1})).await,
        "too-large"
    );
    assert_eq!(refused(json!({"state_names": 1001})).await, "state-names");
    for input in [
        json!({"state_bytes": 64 << 10}),
        json!({"state_names": 1000}),
    ] {
        let outcome = ended("bulky", input).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    }
}

#[tokio::test]
pub async fn what_is_no_text_and_what_is_not_there_are_traps() {
    let forged = async |forge: &str| ended("forger", json!({"forge": forge})).await;
    for (forge, why) in [
        ("argument", "utf-8"),
        ("result", "utf-8"),
        ("length", "out of bounds"),
        ("place", "out of bounds"),
    ] {
        let outcome = forged(forge).await;
        assert!(
            matches!(&outcome, Outcome::Trapped { message } if message.contains(why)),
            "{forge}: {outcome:?}"
        );
    }
    let outcome = forged("nothing").await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}
