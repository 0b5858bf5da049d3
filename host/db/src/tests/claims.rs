//! Claims that wait, and how the end of a run is told.

use std::time::Duration;

use bursar_domain::{
    office::STOP,
    row::{Kind, RowKey},
};
use serde_json::json;

use super::{
    queues::{LONG_US, claim_one, queue, queued, send, settle},
    tampering::Raw,
};
use crate::{
    RunEnd, RunState, Verdict,
    testing::{Work, assert_clean, committed, databases, record, sqlite},
};

/// Nothing is ready yet.
async fn is_waiting<T>(wait: &mut (impl Future<Output = T> + Unpin)) -> bool {
    tokio::time::timeout(Duration::from_millis(50), wait)
        .await
        .is_err()
}

#[tokio::test]
async fn a_claim_waits_for_the_commit_that_queues_its_runs() {
    for database in databases().await {
        let mut claim = Box::pin(database.claim_next(9, LONG_US));
        assert!(is_waiting(&mut claim).await);
        send(&database, "mail").await;
        assert!(is_waiting(&mut claim).await);
        committed(queue(&database, "one").await);
        let claimed = claim.await.expect("a claim");
        assert_eq!(claimed.len(), 1);

        // What waited before the question was asked is found as well.
        committed(queue(&database, "two").await);
        let claimed = database.claim_next(9, LONG_US).await.expect("a claim");
        assert_eq!(claimed[0].run, "two");

        // And what is due again.
        let mut claim = Box::pin(database.claim_next(9, LONG_US));
        assert!(is_waiting(&mut claim).await);
        let given_back = database.postpone("two", 1, 0, None, &json!({})).await;
        given_back.expect("a run given back");
        assert_eq!(claim.await.expect("a claim")[0].run, "two");
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_claim_that_nobody_takes_is_given_back() {
    for database in databases().await {
        // Dropped while it waits: it claims nothing any more.
        let mut claim = Box::pin(database.claim_next(9, LONG_US));
        assert!(is_waiting(&mut claim).await);
        drop(claim);
        committed(queue(&database, "one").await);
        let claimed = claim_one(&database, LONG_US).await.expect("a run");
        assert_eq!(claimed.fence, 1);

        // Dropped when the answer may be on its way: whatever was claimed is in the queue again.
        for number in 0..100 {
            let mut claim = Box::pin(database.claim_next(9, LONG_US));
            let polled = look_once(&mut claim).await;
            assert!(polled.is_none(), "nothing is due");
            committed(queue(&database, &format!("run-{number}")).await);
            drop(claim);
            let claimed = database.claim_next(9, LONG_US).await.expect("a claim");
            assert_eq!(claimed.len(), 1, "of run {number}");
        }
        assert_clean(&database).await;
    }
}

/// Looks once whether a future is ready.
async fn look_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut *future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_stop_that_is_lifted_wakes_the_claims_that_wait() {
    for database in databases().await {
        let stop = RowKey::of(Kind::Control, STOP);
        let mut work = Work::on(&database).await;
        work.put(&stop, json!({"stopped": true, "reason": "audit"}))
            .await;
        work.commit(&database).await;
        committed(queue(&database, "one").await);
        let mut claim = Box::pin(database.claim_next(9, LONG_US));
        assert!(is_waiting(&mut claim).await);
        committed(queue(&database, "two").await);
        assert!(is_waiting(&mut claim).await);
        let mut work = Work::on(&database).await;
        work.put(&stop, json!({"stopped": false, "reason": "audit"}))
            .await;
        work.commit(&database).await;
        assert_eq!(claim.await.expect("a claim").len(), 2);
    }
}

#[tokio::test]
async fn a_claimed_run_finds_what_was_committed_with_it() {
    for database in databases().await {
        for number in 0..100 {
            let claim = tokio::spawn({
                let database = database.clone();
                async move { database.claim_next(9, LONG_US).await }
            });
            let run = format!("run-{number}");
            let data = record("plain", &format!("data-{number}"));
            let mut work = Work::on(&database).await;
            work.put(&RowKey::of(Kind::Run, &run), queued(&run)).await;
            work.put(&data, json!({})).await;
            let committing = tokio::spawn({
                let database = database.clone();
                async move { work.propose(&database).await }
            });
            let claimed = claim.await.expect("a task").expect("a claim");
            assert_eq!(claimed[0].run, run);
            let found = database.snapshot().get(&data).await.expect("a read");
            assert!(found.is_some(), "what came with run {number}");
            committed(committing.await.expect("a task"));
        }
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_run_whose_commit_failed_after_it_was_claimed_is_nobodys() {
    let database = sqlite().await;
    let mut raw = Raw::beside(&database).await;
    raw.run(
        "create trigger refuse before insert on run when new.state = 'running' \
         begin select raise(abort, 'refused'); end",
    )
    .await;
    let mut claim = Box::pin(database.claim_next(9, LONG_US));
    assert!(is_waiting(&mut claim).await);
    // Together with the claim it fails; alone it does not.
    committed(queue(&database, "one").await);
    let claimed = claim.await.expect("a claim").pop().expect("a run");
    let state = async || {
        let run = database.run("one").await.expect("a read").expect("the run");
        run.state
    };
    assert_eq!(state().await, RunState::Queued);
    let early = settle(&database, "one", claimed.fence, RunEnd::Committed).await;
    assert_eq!(early, Verdict::Fenced);
    let held = database.extend(vec![("one".to_owned(), claimed.fence)], LONG_US);
    assert_eq!(held.await.expect("an answer"), 0);

    raw.run("drop trigger refuse").await;
    let again = database.claim_next(9, LONG_US).await.expect("a claim");
    // Both are alive: the first has nothing to say about the second's run.
    assert!(again[0].fence > claimed.fence);
    let given_back = database
        .postpone("one", claimed.fence, 0, None, &json!({}))
        .await;
    given_back.expect("an answer");
    assert_eq!(state().await, RunState::Running);
    let early = settle(&database, "one", claimed.fence, RunEnd::Committed).await;
    assert_eq!(early, Verdict::Fenced);
    committed(settle(&database, "one", again[0].fence, RunEnd::Committed).await);
    let late = settle(&database, "one", claimed.fence, RunEnd::Committed).await;
    assert_eq!(late, Verdict::Fenced);
    assert_eq!(state().await, RunState::Committed);
    assert_clean(&database).await;
}

#[tokio::test]
async fn the_end_of_a_run_is_told_to_whoever_waits_for_it() {
    for database in databases().await {
        for run in ["one", "two"] {
            committed(queue(&database, run).await);
            claim_one(&database, LONG_US).await.expect("a run");
        }
        let (mut one, mut also_one, mut two) = (
            database.end_of("one"),
            database.end_of("one"),
            database.end_of("two"),
        );
        assert!(is_waiting(&mut Box::pin(one.told())).await);
        committed(settle(&database, "one", 1, RunEnd::Committed).await);
        // However late it is asked for, and as it is stored.
        let ended = one.told().await;
        also_one.told().await;
        let stored = database.run("one").await.expect("a read").expect("the run");
        let told = ended.record("one", stored.queued_seq, stored.queued.clone());
        assert_eq!(
            serde_json::to_value(told).expect("JSON"),
            serde_json::to_value(stored).expect("JSON")
        );
        assert!(is_waiting(&mut Box::pin(two.told())).await);
        committed(settle(&database, "two", 1, RunEnd::Failed).await);
        assert_eq!(two.told().await.state, RunState::Failed);
        assert_eq!(database.ends.len(), 2);
        drop((one, two));
        assert_eq!(database.ends.len(), 1);
        drop(also_one);
        assert_eq!(database.ends.len(), 0);
    }
}

#[tokio::test]
async fn a_stop_that_cannot_be_read_holds_up_runs_but_no_commit() {
    for database in databases().await {
        let mut work = Work::on(&database).await;
        let stop = json!({"stopped": false, "reason": "audit"});
        work.put(&RowKey::of(Kind::Control, STOP), stop).await;
        work.commit(&database).await;
        let mut raw = Raw::beside(&database).await;
        raw.run("update image set body = '{}' where kind = 'control'")
            .await;
        let mut claim = Box::pin(database.claim_next(9, LONG_US));
        assert!(is_waiting(&mut claim).await);
        committed(queue(&database, "one").await);
        assert!(is_waiting(&mut claim).await);
        raw.run("update image set body = '{\"reason\":\"audit\",\"stopped\":false}' where kind = 'control'")
            .await;
        database.look_for_due().await.expect("a look");
        assert_eq!(claim.await.expect("a claim").len(), 1);
    }
}

#[tokio::test]
async fn a_look_finds_what_others_queued_and_what_time_made_due() {
    for database in databases().await {
        committed(queue(&database, "one").await);
        let claimed = database.claim(9, 100_000).await.expect("a claim");
        assert_eq!(claimed.len(), 1);
        let mut claim = Box::pin(database.claim_next(9, LONG_US));
        // The lease ends, and nobody says so.
        for _ in 0..4 {
            assert!(is_waiting(&mut claim).await);
        }
        database.look_for_due().await.expect("a look");
        let claimed = claim.await.expect("a claim");
        assert_eq!((claimed.len(), claimed[0].fence), (1, 2));
    }
}
