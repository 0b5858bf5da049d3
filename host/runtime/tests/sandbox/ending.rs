//! The plugin's failures, its traps and the host's trouble are three things.

use bursar_domain::{manifest::Limits, problem::Problem, run::Outcome};
use bursar_runtime::Error;
use serde_json::json;

use crate::office::Office;

#[tokio::test]
pub async fn a_plugin_that_succeeds_leaves_its_changes_in_the_draft() {
    let office = Office::open().await;
    let counter = office.counters.first().expect("three counters");
    let input = json!({"counter": counter, "invoice": true, "party": office.party, "mail": "someone@example.com"});
    let report = office.run("counter", input).await;
    let Outcome::Succeeded(summary) = &report.outcome else {
        panic!("{:?}", report.outcome)
    };
    assert_eq!(summary.text, "counted to 1");
    assert_eq!(summary.counts.get("counted").map(String::as_str), Some("1"));
    assert_eq!(report.draft.issues.len(), 1);
    assert_eq!((report.usage.messages, report.usage.host_calls), (1, 5));
    office.commit(report.draft).await;
    assert_eq!(
        office.errand(json!([{"do": "get", "id": counter}])).await,
        [r#"{"value":1}"#]
    );
}

#[tokio::test]
async fn run_7_the_same_claim_on_the_same_snapshot_gives_the_same_draft() {
    let office = Office::open().await;
    let counter = office.counters.first().expect("three counters");
    let input = json!({"counter": counter, "invoice": true, "party": office.party, "mail": "someone@example.com"});
    let (first, second) = (
        office.run("counter", input.clone()).await,
        office.run("counter", input).await,
    );
    assert_eq!(
        (&first.draft, &first.usage, &first.outcome),
        (&second.draft, &second.usage, &second.outcome)
    );
    let errand = json!([
        {"do": "random", "length": 32}, {"do": "create", "key": "k", "body": r#"{"value":1}"#},
        {"do": "task", "key": "k", "assignee": "role:clerk"}, {"do": "today"},
    ]);
    assert_eq!(
        office.errand(errand.clone()).await,
        office.errand(errand).await
    );
}

#[tokio::test]
pub async fn a_trap_is_the_guests_and_tells_why() {
    let office = Office::open().await;
    let report = office.run("trap", json!({})).await;
    let Outcome::Trapped { message } = &report.outcome else {
        panic!("{:?}", report.outcome)
    };
    assert!(message.contains("unreachable"), "{message}");
    assert!(
        report
            .logs
            .iter()
            .any(|line| line.level == "error" && line.message.contains("always fails")),
        "{:?}",
        report.logs
    );
}

#[tokio::test]
pub async fn a_failure_is_the_plugins_own_words() {
    let office = Office::open().await;
    let problem = Problem::at("no-luck", "/today", "not today");
    let with = async |with: &str| office.run("refuser", json!({"with": with})).await.outcome;
    assert_eq!(
        with("permanent").await,
        Outcome::Refused {
            problem: problem.clone()
        }
    );
    assert_eq!(
        with("retry").await,
        Outcome::Retry {
            problem: problem.clone(),
            after_us: None
        }
    );
    assert_eq!(
        with("later").await,
        Outcome::Retry {
            problem,
            after_us: Some(90_000_000)
        }
    );
    assert!(matches!(with("nothing").await, Outcome::Succeeded(_)));
}

#[tokio::test]
async fn trouble_of_the_host_is_an_error_and_never_the_guests() {
    let office = Office::open().await;
    let steps = json!([{"do": "get", "id": office.counters.first().expect("three counters")}]);
    assert!(matches!(
        office.run("errand", steps.clone()).await.outcome,
        Outcome::Succeeded(_)
    ));
    office.database.clone().close().await;
    let ended = office.execute("errand", steps, Limits::default()).await;
    assert!(
        matches!(ended, Err(Error::Host(bursar_office::Error::Host(_)))),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_plugin_that_asks_nothing_of_the_database_does_not_need_it() {
    let office = Office::open().await;
    office.database.clone().close().await;
    assert!(matches!(
        office.run("caller", json!({"calls": 2})).await.outcome,
        Outcome::Succeeded(_)
    ));
}

#[tokio::test]
pub async fn dice_fall_alike_for_the_same_claim() {
    let office = Office::open().await;
    let roll = async || office.run("dice", json!({"rolls": 20})).await;
    let (first, second) = (roll().await, roll().await);
    assert!(matches!(first.outcome, Outcome::Succeeded(_)));
    // Twenty records, and three values of the plugin's state.
    assert_eq!(first.usage.rows_changed, 23);
    assert_eq!((first.draft, first.outcome), (second.draft, second.outcome));
}

#[tokio::test]
pub async fn whatever_the_end_a_plugin_has_done_what_it_did() {
    let office = Office::open().await;
    let end = async |end: &str| {
        let counter = office.counters.first().expect("three counters");
        let input = json!({"steps": 4, "end": end, "counter": counter, "party": office.party});
        office.run("halfway", input).await
    };
    let good = end("success").await;
    assert!(matches!(good.outcome, Outcome::Succeeded(_)));
    assert_eq!((good.usage.messages, good.usage.tasks), (1, 1));
    let trapped = end("trap").await;
    assert!(matches!(trapped.outcome, Outcome::Trapped { .. }));
    assert_eq!(trapped.draft, good.draft);
}

#[tokio::test]
pub async fn a_collection_that_is_not_there_is_not_found() {
    let outcome = Office::open().await.run("ticker", json!({})).await.outcome;
    let Outcome::Refused { problem } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(problem.code, "collection-unknown");
}

#[tokio::test]
pub async fn a_plugin_with_nothing_to_do_changes_nothing() {
    let report = Office::open().await.run("touch", json!({})).await;
    assert!(matches!(report.outcome, Outcome::Succeeded(_)));
    assert!(report.draft.changes().is_empty());
}
