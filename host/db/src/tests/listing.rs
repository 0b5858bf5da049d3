//! Lists of runs and messages, page by page, and databases that are brought up to date for them.

use std::cmp::Reverse;

use bursar_domain::row::{Kind, RowKey};
use serde_json::{Value, json};

use super::{
    queues::{message, queued, settle},
    tampering::Raw,
};
use crate::{
    Database, Delivery, DeliveryOutcome, MessageFilter, MessageRecord, MessageState, RunEnd,
    RunFilter, RunLine, RunState,
    testing::{Work, assert_clean, committed, databases},
};

const LONG_US: i64 = 3_600_000_000;
const AUTOMATIONS: [&str; 3] = ["alpha", "beta", "gamma"];

fn body_of(automation: &str, event: &str) -> Value {
    let mut body = queued(event);
    body["automation"] = json!(automation);
    body
}

/// Rows of one commit.
async fn put(database: &Database, rows: Vec<(RowKey, Value)>) {
    let mut work = Work::on(database).await;
    for (key, body) in rows {
        work.put(&key, body).await;
    }
    work.commit(database).await;
}

/// For each automation a run in each state, and three that were queued by one commit.
async fn populate_runs(database: &Database) {
    let ends = [
        RunEnd::Committed,
        RunEnd::Failed,
        RunEnd::Held,
        RunEnd::Shadowed,
    ];
    for round in 0..2 {
        for end in ends {
            for automation in AUTOMATIONS {
                let run = format!("{automation}-{}-{round}", end.as_str());
                let row = (RowKey::of(Kind::Run, &run), body_of(automation, &run));
                put(database, vec![row]).await;
                database.claim(1, LONG_US).await.expect("a claim");
                committed(settle(database, &run, 1, end).await);
            }
        }
    }
    for together in ["running", "queued"] {
        let run = |automation: &&str| {
            let id = format!("{automation}-{together}");
            (RowKey::of(Kind::Run, &id), body_of(automation, &id))
        };
        put(database, AUTOMATIONS.iter().map(run).collect()).await;
        if together == "running" {
            database.claim(9, LONG_US).await.expect("a claim");
        }
    }
}

fn names(automations: &[&str]) -> Vec<String> {
    automations.iter().map(|&name| name.to_owned()).collect()
}

/// Some sets of automations, one of them unknown, one named twice.
fn choices() -> [Option<Vec<String>>; 6] {
    [
        None,
        Some(names(&[])),
        Some(names(&["beta"])),
        Some(names(&["gamma", "alpha", "gamma"])),
        Some(names(&["beta", "nobody", "no\0body"])),
        Some(names(&["nobody"])),
    ]
}

async fn run_pages(database: &Database, filter: &RunFilter) -> Vec<RunLine> {
    let mut filter = filter.clone();
    let mut found: Vec<RunLine> = Vec::new();
    loop {
        let page = database.runs(&filter).await.expect("runs");
        assert!(page.len() <= filter.limit);
        let Some(last) = page.last() else {
            return found;
        };
        filter.before = Some((last.queued_seq, last.id.clone()));
        found.extend(page);
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first_whatever_the_filter_and_the_page() {
    for database in databases().await {
        populate_runs(&database).await;
        let all = run_pages(
            &database,
            &RunFilter {
                limit: 100,
                ..RunFilter::default()
            },
        )
        .await;
        assert_eq!(all.len(), 30);
        assert!(all.is_sorted_by_key(|run| Reverse((run.queued_seq, run.id.clone()))));
        let states = [
            None,
            Some(RunState::Queued),
            Some(RunState::Running),
            Some(RunState::Committed),
            Some(RunState::Failed),
            Some(RunState::Held),
            Some(RunState::Shadowed),
        ];
        for (state, automations) in states
            .into_iter()
            .flat_map(|state| choices().map(|choice| (state, choice)))
        {
            let wanted = |run: &&RunLine| {
                state.is_none_or(|state| state == run.state)
                    && automations
                        .as_ref()
                        .is_none_or(|names| names.contains(&run.automation))
            };
            let expected: Vec<_> = all.iter().filter(wanted).map(|run| &run.id).collect();
            for limit in [1, 2, 100] {
                let filter = RunFilter {
                    automations: automations.clone(),
                    state,
                    before: None,
                    limit,
                };
                let found = run_pages(&database, &filter).await;
                let found: Vec<_> = found.iter().map(|run| &run.id).collect();
                assert_eq!(found, expected, "{filter:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_that_cannot_be_read_does_not_hide_the_others() {
    for database in databases().await {
        let ids = ["body", "fine", "report"];
        for id in ids {
            put(&database, vec![(RowKey::of(Kind::Run, id), queued(id))]).await;
        }
        let mut raw = Raw::beside(&database).await;
        raw.run("update run set body = '{\"automation\": 1}' where id = 'body'")
            .await;
        raw.run("update run set report = 'gone' where id = 'report'")
            .await;
        let filter = RunFilter {
            limit: 9,
            ..RunFilter::default()
        };
        let found = database.runs(&filter).await.expect("runs");
        let shown: Vec<_> = found
            .iter()
            .map(|run| {
                let why = run.unreadable.as_deref().unwrap_or_default();
                let what = why.split(':').next().unwrap_or_default();
                (
                    run.id.as_str(),
                    run.queued.is_some(),
                    run.report.is_some(),
                    what,
                )
            })
            .collect();
        let expected = [
            ("report", true, false, "its report"),
            ("fine", true, true, ""),
            ("body", false, true, "what it was queued with"),
        ];
        assert_eq!(shown, expected);
        for id in ids {
            assert_eq!(database.run(id).await.is_ok(), id == "fine", "{id}");
        }
        assert!(database.run("no\0run").await.expect("a read").is_none());
    }
}

/// For each automation a message in each state.
async fn populate_messages(database: &Database) {
    let error = || "no such mailbox".to_owned();
    let ends = [
        ("sent", Some(DeliveryOutcome::Sent)),
        ("failed", Some(DeliveryOutcome::Failed { error: error() })),
        ("sending", None),
    ];
    for round in 0..2 {
        for (word, outcome) in &ends {
            for automation in AUTOMATIONS {
                let id = format!("{automation}-{word}-{round}");
                put(database, vec![mail(automation, &id)]).await;
                let claimed = database.claim_messages(1, LONG_US).await.expect("a claim");
                let claimed = claimed.first().expect("a message");
                let delivery = |outcome: &DeliveryOutcome| Delivery {
                    id: id.clone(),
                    until_us: claimed.until_us,
                    outcome: outcome.clone(),
                };
                let deliveries = outcome.iter().map(delivery).collect();
                database.delivered(deliveries).await.expect("marks");
            }
        }
    }
    let waiting = |automation: &&str| mail(automation, &format!("{automation}-waiting"));
    put(database, AUTOMATIONS.iter().map(waiting).collect()).await;
}

fn mail(automation: &str, id: &str) -> (RowKey, Value) {
    let mut body = message(id);
    body["automation"] = json!(automation);
    (RowKey::of(Kind::Message, id), body)
}

async fn message_pages(database: &Database, filter: &MessageFilter) -> Vec<MessageRecord> {
    let mut filter = filter.clone();
    let mut found: Vec<MessageRecord> = Vec::new();
    loop {
        let page = database.messages(&filter).await.expect("messages");
        assert!(page.len() <= filter.limit);
        let Some(last) = page.last() else {
            return found;
        };
        filter.before = Some((last.seq, last.id.clone()));
        found.extend(page);
    }
}

#[tokio::test]
async fn messages_are_listed_newest_first_whatever_the_filter_and_the_page() {
    for database in databases().await {
        populate_messages(&database).await;
        let all = message_pages(
            &database,
            &MessageFilter {
                limit: 100,
                ..MessageFilter::default()
            },
        )
        .await;
        assert_eq!(all.len(), 21);
        assert!(all.is_sorted_by_key(|message| Reverse((message.seq, message.id.clone()))));
        let states = [
            None,
            Some(MessageState::Waiting),
            Some(MessageState::Sending),
            Some(MessageState::Sent),
            Some(MessageState::Failed),
        ];
        for (state, automations) in states
            .into_iter()
            .flat_map(|state| choices().map(|choice| (state, choice)))
        {
            let wanted = |message: &&MessageRecord| {
                state.is_none_or(|state| state == message.state)
                    && automations
                        .as_ref()
                        .is_none_or(|names| names.contains(&message.automation))
            };
            let expected: Vec<_> = all.iter().filter(wanted).map(|found| &found.id).collect();
            for limit in [1, 2, 100] {
                let filter = MessageFilter {
                    automations: automations.clone(),
                    state,
                    before: None,
                    limit,
                };
                let found = message_pages(&database, &filter).await;
                let found: Vec<_> = found.iter().map(|message| &message.id).collect();
                assert_eq!(found, expected, "{filter:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_message_says_how_its_delivery_stands() {
    for database in databases().await {
        populate_messages(&database).await;
        let failed = database
            .message("beta-failed-0")
            .await
            .expect("a read")
            .expect("there");
        assert_eq!(
            (
                failed.state,
                failed.attempts,
                failed.due_us,
                failed.error.as_deref()
            ),
            (MessageState::Failed, 1, None, Some("no such mailbox"))
        );
        assert_eq!(failed.message.expect("readable").subject, "beta-failed-0");
        let waiting = database
            .message("beta-waiting")
            .await
            .expect("a read")
            .expect("there");
        assert_eq!((waiting.attempts, waiting.error), (0, None));
        assert!(waiting.due_us.is_some());
        assert!(database.message("nothing").await.expect("a read").is_none());

        let broken = (
            RowKey::of(Kind::Message, "broken"),
            json!({"automation": 1, "to": 1}),
        );
        put(&database, vec![broken]).await;
        let filter = MessageFilter {
            limit: 1,
            ..MessageFilter::default()
        };
        let found = database
            .messages(&filter)
            .await
            .expect("messages")
            .pop()
            .expect("one");
        assert_eq!(
            (found.id.as_str(), found.automation.as_str()),
            ("broken", "")
        );
        assert!(
            found.message.is_none() && found.unreadable.is_some(),
            "{found:?}"
        );
        assert_clean(&database).await;
    }
}

/// What the second step of the schema made.
const UNDO: &str = "drop index run_of_automation; drop index run_unusual; drop index run_unusual_of_automation; \
     drop index outbox_listed; drop index outbox_of_automation; drop index outbox_unusual; \
     drop index outbox_unusual_of_automation; alter table outbox drop column automation; \
     delete from migration where version = 2";

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date() {
    for database in databases().await {
        populate_runs(&database).await;
        populate_messages(&database).await;
        let broken = (
            RowKey::of(Kind::Message, "broken"),
            json!({"automation": 1}),
        );
        put(&database, vec![broken]).await;
        let filter = MessageFilter {
            automations: Some(names(&["beta", ""])),
            limit: 99,
            ..MessageFilter::default()
        };
        let before = message_pages(&database, &filter).await;
        assert_eq!(before.len(), 8);
        Raw::beside(&database).await.run(UNDO).await;
        let migrated = database.second().await;
        let after = message_pages(&migrated, &filter).await;
        let ids = |found: &[MessageRecord]| {
            found
                .iter()
                .map(|found| found.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&after), ids(&before));
        put(&migrated, vec![mail("beta", "later")]).await;
        assert_clean(&migrated).await;
    }
}
