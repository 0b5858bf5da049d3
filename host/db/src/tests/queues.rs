//! Runs and messages on their way.

use bursar_domain::{
    office::{Actor, STOP},
    row::{Kind, RowKey},
    run::{Event, QueuedRun, Trigger},
};
use serde_json::{Value, json};

use crate::{
    ClaimedMessage, ClaimedRun, Database, Delivery, DeliveryOutcome, RunEnd, RunFilter, RunState,
    SettledRun, Verdict,
    testing::{Work, assert_clean, committed, databases, proposal, record, refusal},
};

/// A lease that no test outlives.
pub(super) const LONG_US: i64 = 3_600_000_000;

pub(super) fn queued(event: &str) -> Value {
    let queued = QueuedRun {
        automation: "reminders".to_owned(),
        event: Event {
            id: event.to_owned(),
            source: "manual".to_owned(),
            event_type: "manual.started".to_owned(),
            time_us: 42,
            actor: Actor::new("person", "ada"),
            depth: 0,
            trigger: Trigger::Manual {
                input: json!({}),
                subjects: Vec::new(),
            },
        },
    };
    serde_json::to_value(queued).expect("JSON")
}

pub(super) fn message(subject: &str) -> Value {
    json!({
        "automation": "reminders", "from": "office@example.org", "to": ["bo@example.com"],
        "subject": subject, "text": "text", "at_us": 7
    })
}

pub(super) async fn queue(database: &Database, run: &str) -> Verdict {
    let mut work = Work::on(database).await;
    work.put(&RowKey::of(Kind::Run, run), queued(run)).await;
    work.propose(database).await
}

pub(super) async fn send(database: &Database, id: &str) {
    let mut work = Work::on(database).await;
    work.put(&RowKey::of(Kind::Message, id), message(id)).await;
    work.commit(database).await;
}

pub(super) async fn claim_one(database: &Database, lease_us: i64) -> Option<ClaimedRun> {
    let mut claimed = database.claim(1, lease_us).await.expect("a claim");
    claimed.pop()
}

/// Ends a run with one record, or with the notice that its end asks for.
pub(super) async fn settle(database: &Database, run: &str, fence: i64, end: RunEnd) -> Verdict {
    let mut work = Work::on(database).await;
    if end == RunEnd::Committed {
        work.put(&record("plain", run), json!({})).await;
    } else {
        let notice = json!({"end": end.as_str()});
        work.put(&RowKey::of(Kind::Notice, run), notice).await;
    }
    let settles = SettledRun {
        run: run.to_owned(),
        fence,
        end,
        report: json!({"said": "done"}),
    };
    let proposal = proposal(work.draft, Some(settles));
    database.propose(proposal).await.expect("an answer")
}

#[tokio::test]
async fn a_run_is_queued_claimed_and_settled() {
    for database in databases().await {
        let seq = committed(queue(&database, "one").await);
        assert!(database.next_due_us().await.expect("due").is_some());
        let claimed = claim_one(&database, LONG_US).await.expect("a run");
        assert_eq!(
            (
                claimed.run.as_str(),
                claimed.fence,
                claimed.attempt,
                claimed.clock_us
            ),
            ("one", 1, 1, 42)
        );
        assert_eq!(claimed.queued.event.id, "one");
        assert!(claim_one(&database, LONG_US).await.is_none());

        let settled = committed(settle(&database, "one", 1, RunEnd::Committed).await);
        let run = database.run("one").await.expect("a read").expect("the run");
        assert_eq!(
            (run.state, run.queued_seq, run.settled_seq, run.report),
            (
                RunState::Committed,
                seq,
                Some(settled),
                json!({"said": "done"})
            )
        );
        let again = settle(&database, "one", 1, RunEnd::Committed).await;
        assert_eq!(again, Verdict::Fenced);
        assert!(claim_one(&database, LONG_US).await.is_none());
        assert_eq!(database.next_due_us().await.expect("due"), None);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn the_same_event_is_one_run() {
    for database in databases().await {
        let mut twice = Vec::new();
        for _ in 0..2 {
            let mut work = Work::on(&database).await;
            work.put(&RowKey::of(Kind::Run, "one"), queued("one")).await;
            twice.push(work);
        }
        let mut verdicts = Vec::new();
        for work in twice {
            verdicts.push(work.propose(&database).await);
        }
        assert!(matches!(
            verdicts.as_slice(),
            [Verdict::Committed { .. }, Verdict::Stale(_)]
        ));
        assert_eq!(refusal(queue(&database, "one").await), "queue-final");
        assert_eq!(database.claim(9, LONG_US).await.expect("a claim").len(), 1);
    }
}

#[tokio::test]
async fn a_lease_that_ended_lets_another_worker_claim_and_fences_the_first() {
    for database in databases().await {
        committed(queue(&database, "one").await);
        let first = claim_one(&database, 0).await.expect("a run");
        let second = claim_one(&database, LONG_US).await.expect("the same run");
        assert_eq!((first.fence, second.fence, second.attempt), (1, 2, 1));
        let late = settle(&database, "one", first.fence, RunEnd::Committed).await;
        assert_eq!(late, Verdict::Fenced);
        let row = database.snapshot().get(&record("plain", "one")).await;
        assert_eq!(row.expect("a read"), None);
        committed(settle(&database, "one", second.fence, RunEnd::Committed).await);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_lease_can_be_extended_by_its_holder_alone() {
    for database in databases().await {
        committed(queue(&database, "one").await);
        let claimed = claim_one(&database, 0).await.expect("a run");
        let extend = async |fence| {
            let runs = vec![("one".to_owned(), fence), ("unknown".to_owned(), 1)];
            database.extend(runs, LONG_US).await.expect("an answer")
        };
        assert_eq!(extend(claimed.fence + 1).await, 0);
        assert_eq!(extend(claimed.fence).await, 1);
        assert!(claim_one(&database, LONG_US).await.is_none());
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_postponed_run_is_due_later_and_a_new_clock_is_a_new_attempt() {
    for database in databases().await {
        committed(queue(&database, "one").await);
        for (next_clock_us, attempt, clock_us) in [(None, 1, 42), (Some(99), 2, 99)] {
            let claimed = claim_one(&database, LONG_US).await.expect("a run");
            let report = json!({"why": "busy"});
            let due_us = database.now_us().await.expect("a clock");
            for fence in [claimed.fence - 1, claimed.fence] {
                database
                    .postpone("one", fence, due_us, next_clock_us, &report)
                    .await
                    .expect("an answer");
            }
            let run = database.run("one").await.expect("a read").expect("the run");
            assert_eq!(
                (run.state, run.attempt, run.clock_us, run.report),
                (RunState::Queued, attempt, clock_us, report)
            );
        }
        let claimed = claim_one(&database, LONG_US).await.expect("a run");
        let far_us = database.now_us().await.expect("a clock") + LONG_US;
        database
            .postpone("one", claimed.fence, far_us, None, &json!({}))
            .await
            .expect("an answer");
        assert!(claim_one(&database, LONG_US).await.is_none());
        assert_eq!(database.next_due_us().await.expect("due"), Some(far_us));
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn recovery_takes_back_every_lease() {
    for database in databases().await {
        for run in ["one", "two", "three"] {
            committed(queue(&database, run).await);
        }
        let claimed = database.claim(2, LONG_US).await.expect("a claim");
        let first = claimed.first().expect("a run");
        committed(settle(&database, &first.run, 1, RunEnd::Committed).await);
        assert_eq!(database.recover().await.expect("an answer"), 1);
        let again = database.claim(9, LONG_US).await.expect("a claim");
        let mut fences: Vec<_> = again.iter().map(|run| run.fence).collect();
        fences.sort_unstable();
        assert_eq!(fences, [1, 2]);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_stopped_organisation_claims_and_delivers_nothing() {
    for database in databases().await {
        committed(queue(&database, "one").await);
        send(&database, "mail").await;
        for stopped in [true, false] {
            let mut work = Work::on(&database).await;
            let stop = json!({"stopped": stopped, "reason": "audit"});
            work.put(&RowKey::of(Kind::Control, STOP), stop).await;
            work.commit(&database).await;
            let due = database.claim_messages(9, LONG_US).await.expect("a claim");
            assert_eq!(due.is_empty(), stopped);
            assert_eq!(claim_one(&database, LONG_US).await.is_none(), stopped);
        }
    }
}

#[tokio::test]
async fn every_end_is_in_the_log() {
    let ends = [
        (RunEnd::Failed, RunState::Failed),
        (RunEnd::Held, RunState::Held),
        (RunEnd::Shadowed, RunState::Shadowed),
    ];
    for database in databases().await {
        for (end, state) in ends {
            let run = end.as_str();
            committed(queue(&database, run).await);
            claim_one(&database, LONG_US).await.expect("a run");
            let settles = SettledRun {
                run: run.to_owned(),
                fence: 1,
                end,
                report: json!({}),
            };
            let silent = Work::on(&database).await.draft;
            let silent = database.propose(proposal(silent, Some(settles))).await;
            assert_eq!(refusal(silent.expect("an answer")), "end-without-notice");
            committed(settle(&database, run, 1, end).await);
            let found = database.run(run).await.expect("a read").expect("the run");
            assert_eq!(found.state, state);
        }
        let counted = database.runs_counted().await.expect("counts");
        assert_eq!(counted.len(), ends.len());
        let filter = |state, limit| RunFilter {
            automations: Some(vec!["reminders".to_owned()]),
            state,
            before: None,
            limit,
        };
        let listed = async |filter: RunFilter| -> Vec<String> {
            let runs = database.runs(&filter).await.expect("runs");
            runs.into_iter().map(|run| run.id).collect()
        };
        assert_eq!(listed(filter(None, 2)).await, ["shadowed", "held"]);
        assert_eq!(listed(filter(Some(RunState::Failed), 9)).await, ["failed"]);
        assert_clean(&database).await;
    }
}

async fn claim_messages(database: &Database, lease_us: i64) -> Vec<ClaimedMessage> {
    database.claim_messages(9, lease_us).await.expect("a claim")
}

fn ids(claimed: &[ClaimedMessage]) -> Vec<&str> {
    claimed.iter().map(|message| message.id.as_str()).collect()
}

/// Reports how claimed messages ended; gives for how many the claim still held.
async fn report(
    database: &Database,
    claimed: &[ClaimedMessage],
    outcome: DeliveryOutcome,
) -> usize {
    let delivery = |message: &ClaimedMessage| Delivery {
        id: message.id.clone(),
        until_us: message.until_us,
        outcome: outcome.clone(),
    };
    let deliveries = claimed.iter().map(delivery).collect();
    database.delivered(deliveries).await.expect("marks")
}

fn retry() -> DeliveryOutcome {
    DeliveryOutcome::Retry {
        at_us: 5,
        error: "greylisted".to_owned(),
    }
}

#[tokio::test]
async fn messages_wait_until_they_are_delivered() {
    for database in databases().await {
        for id in ["one", "two", "three", "four"] {
            send(&database, id).await;
        }
        let claimed = claim_messages(&database, LONG_US).await;
        assert_eq!(ids(&claimed), ["one", "two", "three", "four"]);
        let error = "no such mailbox".to_owned();
        let outcomes = [
            DeliveryOutcome::Sent,
            retry(),
            DeliveryOutcome::Failed { error },
            DeliveryOutcome::Untried,
        ];
        for (message, outcome) in claimed.iter().zip(outcomes) {
            let message = std::slice::from_ref(message);
            assert_eq!(report(&database, message, outcome).await, 1);
        }
        let counted = database.outbox_counted().await.expect("counts");
        let states = [("failed", 1), ("sent", 1), ("waiting", 2)];
        assert_eq!(
            counted,
            states.map(|(state, count)| (state.to_owned(), count))
        );
        // A later word does not bring a delivered mail back.
        assert_eq!(report(&database, &claimed, retry()).await, 0);
        // A try that was none does not count.
        let again = claim_messages(&database, LONG_US).await;
        assert_eq!(ids(&again), ["two", "four"]);
        let tries: Vec<_> = again.iter().map(|message| message.attempts).collect();
        assert_eq!(tries, [1, 0]);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn messages_of_a_commit_leave_in_its_order() {
    let order = ["m", "c", "z", "a", "q", "b", "y", "d"];
    for database in databases().await {
        let mut work = Work::on(&database).await;
        for id in order {
            work.put(&RowKey::of(Kind::Message, id), message(id)).await;
        }
        work.commit(&database).await;
        send(&database, "later").await;
        // The clock has gone on by more than their number of microseconds.
        let claimed = claim_messages(&database, LONG_US).await;
        assert_eq!(ids(&claimed), [&order[..], &["later"]].concat());
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn messages_of_commits_that_are_written_together_leave_commit_by_commit() {
    for database in databases().await {
        let mut works = Vec::new();
        for commit in ["x", "a", "m"] {
            let mut work = Work::on(&database).await;
            for place in ["3", "1", "2"] {
                let key = RowKey::of(Kind::Message, &format!("{commit}{place}"));
                work.put(&key, message(commit)).await;
            }
            works.push(work);
        }
        let proposed = works.into_iter().map(|work| work.propose(&database));
        for verdict in futures_util::future::join_all(proposed).await {
            committed(verdict);
        }
        let claimed = claim_messages(&database, LONG_US).await;
        let seqs: Vec<_> = claimed.iter().map(|message| message.seq).collect();
        assert!(seqs.is_sorted(), "{:?}", ids(&claimed));
        for of_commit in claimed.chunks(3) {
            let places: Vec<&str> = of_commit.iter().map(|one| &one.id[1..]).collect();
            assert_eq!(places, ["3", "1", "2"]);
        }
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_holds_nobody_up() {
    for database in databases().await {
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Message, "broken"), json!({"to": 1}))
            .await;
        work.commit(&database).await;
        send(&database, "mail").await;
        assert_eq!(ids(&claim_messages(&database, LONG_US).await), ["mail"]);
        // It is not looked at again and again.
        assert!(claim_messages(&database, LONG_US).await.is_empty());
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_message_is_one_workers_until_its_lease_ends() {
    for database in databases().await {
        send(&database, "mail").await;
        let other = database.second().await;
        let first = claim_messages(&database, LONG_US).await;
        assert_eq!(ids(&first), ["mail"]);
        assert!(claim_messages(&other, LONG_US).await.is_empty());
        // The first worker is gone: whoever knows that takes its messages back.
        database.recover().await.expect("taken back");
        let second = claim_messages(&other, 0).await;
        assert_eq!(ids(&second), ["mail"]);
        let third = claim_messages(&other, LONG_US).await;
        assert_eq!(ids(&third), ["mail"]);
        for late in [&first, &second] {
            assert_eq!(report(&database, late, retry()).await, 0);
        }
        assert_eq!(report(&other, &third, DeliveryOutcome::Sent).await, 1);
        let counted = database.outbox_counted().await.expect("counts");
        assert_eq!(counted, [("sent".to_owned(), 1)]);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn queued_rows_can_be_read_now_and_as_of_then() {
    for database in databases().await {
        let seq = committed(queue(&database, "one").await);
        send(&database, "mail").await;
        let keys = [
            RowKey::of(Kind::Run, "one"),
            RowKey::of(Kind::Message, "mail"),
        ];
        let now = database.snapshot().get_many(&keys).await.expect("the rows");
        let then = database
            .snapshot_at(seq + 1)
            .get_many(&keys)
            .await
            .expect("the rows");
        assert_eq!(now, then);
        assert_eq!(now.len(), 2);
        let before = database
            .snapshot_at(seq)
            .get(&keys[1])
            .await
            .expect("a read");
        assert_eq!(before, None);
    }
}
