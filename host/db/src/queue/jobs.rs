//! What the committer does to the queues' own columns, within its transaction.

use std::collections::HashMap;

use bursar_domain::{
    matching,
    office::{STOP, Stop},
};
use serde::de::DeserializeOwned;

use super::{
    ClaimedMessage, ClaimedRun, Delivery, DeliveryOutcome, OutboxColumns, RunColumns, RunNow,
    claimed::ClaimedRuns,
};
use crate::{
    adapter::{Arg, Tx, args},
    error::Error,
    seal::Keys,
    statements as sql,
};

/// A change of a queue's own columns, done in the committer's transaction.
#[derive(Clone, Debug)]
pub(crate) enum QueueJob {
    /// Take due runs, oldest first, under a lease.
    Claim { limit: usize, lease_us: i64 },
    /// Hold on to leases.
    Extend {
        runs: Vec<(String, i64)>,
        lease_us: i64,
    },
    /// Queue claimed runs again, with their fences.
    HandBack(Vec<(String, i64)>),
    /// Queue a run again.
    Postpone {
        run: String,
        fence: i64,
        due_us: i64,
        next_clock_us: Option<i64>,
        report: String,
    },
    /// Take back all leases: this process is the only worker.
    Recover,
    /// Take due messages, oldest first, under a lease.
    ClaimMessages { limit: usize, lease_us: i64 },
    /// Record deliveries.
    Delivered(Vec<Delivery>),
}

/// What a queue job gives.
#[derive(Debug, Default)]
pub(crate) struct QueueAnswer {
    pub claimed: ClaimedRuns,
    pub messages: Vec<ClaimedMessage>,
    pub touched: usize,
    /// Whether runs may be due after it; none if that is as before.
    pub leaves_due: Option<bool>,
}

/// How long a row waits that cannot be read: it is said once a day, and holds nobody up.
const SET_ASIDE_US: i64 = 24 * 3600 * 1_000_000;

/// What a queued row says, and for how long a claim takes it from the queue.
fn read<T: DeserializeOwned>(what: &str, id: &str, body: &str, lease_us: i64) -> (Option<T>, i64) {
    match serde_json::from_str(body) {
        Ok(read) => (Some(read), lease_us),
        Err(error) => {
            tracing::error!(what, id, cause = %error, "a queued row cannot be read; `bursar audit verify` tells more");
            (None, SET_ASIDE_US)
        }
    }
}

/// Does one job within the committer's transaction.
pub(crate) async fn perform(
    tx: &mut Tx,
    keys: &Keys,
    job: &QueueJob,
    now_us: i64,
) -> Result<QueueAnswer, Error> {
    match job {
        QueueJob::Claim { limit, lease_us } => claim(tx, keys, *limit, *lease_us, now_us).await,
        QueueJob::Extend { runs, lease_us } => {
            extend(tx, keys, runs, now_us.saturating_add(*lease_us)).await
        }
        QueueJob::HandBack(runs) => {
            let held = held(tx, runs).await?;
            let queued = held
                .iter()
                .map(|(run, now)| RunColumns::due(run, now, "queued", now_us).update(keys));
            queue_again(tx, queued.collect())
        }
        QueueJob::Postpone {
            run,
            fence,
            due_us,
            next_clock_us,
            report,
        } => {
            let mut held = held(tx, &[(run.clone(), *fence)]).await?;
            let Some((_, now)) = held.pop() else {
                return Ok(QueueAnswer::default());
            };
            let mut columns = RunColumns {
                report,
                ..RunColumns::due(run, &now, "queued", *due_us)
            };
            if let Some(clock_us) = next_clock_us {
                columns.attempt += 1;
                columns.clock_us = *clock_us;
            }
            let update = columns.update(keys);
            queue_again(tx, vec![update])
        }
        QueueJob::ClaimMessages { limit, lease_us } => {
            claim_messages(tx, keys, *limit, *lease_us, now_us).await
        }
        QueueJob::Recover => {
            let sending: Vec<(String, i64, String)> = tx.all(&sql::OUTBOX_SENDING, args![]).await?;
            let waiting = sending.into_iter().map(|(id, attempts, error)| {
                let columns = OutboxColumns {
                    id: &id,
                    state: "waiting",
                    attempts,
                    due_us: Some(now_us),
                    error: &error,
                };
                columns.update(keys)
            });
            tx.write(&sql::UPDATE_OUTBOX, waiting.collect())?;
            let running: Vec<RunNowRow> = tx.all(&sql::RUNS_RUNNING, args![]).await?;
            let queued = running
                .into_iter()
                .map(run_now)
                .map(|(id, now)| RunColumns::due(&id, &now, "queued", now_us).update(keys));
            queue_again(tx, queued.collect())
        }
        QueueJob::Delivered(deliveries) => delivered(tx, keys, deliveries, now_us).await,
    }
}

/// Those of the runs whose lease is still held under the fence.
async fn held(tx: &mut Tx, runs: &[(String, i64)]) -> Result<Vec<(String, RunNow)>, Error> {
    let mut found = runs_now(tx, runs.iter().map(|(run, _)| run.as_str())).await?;
    let held = runs.iter().filter_map(|(run, fence)| {
        let now = found.remove(run)?;
        (now.is_running() && now.fence == *fence).then(|| (run.clone(), now))
    });
    Ok(held.collect())
}

async fn extend(
    tx: &mut Tx,
    keys: &Keys,
    runs: &[(String, i64)],
    due_us: i64,
) -> Result<QueueAnswer, Error> {
    let held = held(tx, runs).await?;
    let kept = held
        .iter()
        .map(|(run, now)| RunColumns::due(run, now, "running", due_us).update(keys));
    update_runs(tx, kept.collect())
}

async fn delivered(
    tx: &mut Tx,
    keys: &Keys,
    deliveries: &[Delivery],
    now_us: i64,
) -> Result<QueueAnswer, Error> {
    let ids = deliveries
        .iter()
        .map(|delivery| args![delivery.id.as_str()]);
    let rows: Vec<OutboxRow> = tx.all_of(&sql::OUTBOX_OF, ids.collect()).await?;
    let mut found: HashMap<String, OutboxRow> =
        rows.into_iter().map(|row| (row.0.clone(), row)).collect();
    let mut updates = Vec::with_capacity(deliveries.len());
    for Delivery {
        id,
        until_us,
        outcome,
    } in deliveries
    {
        let Some((_, state, due_us, attempts, error)) = found.remove(id) else {
            continue;
        };
        if state != "sending" || due_us != Some(*until_us) {
            continue;
        }
        let tried = attempts.saturating_add(1);
        let (state, attempts, due_us, error) = match outcome {
            DeliveryOutcome::Sent => ("sent", tried, None, ""),
            DeliveryOutcome::Retry { at_us, error } => ("waiting", tried, Some(*at_us), &**error),
            DeliveryOutcome::Failed { error } => ("failed", tried, None, &**error),
            DeliveryOutcome::Untried => ("waiting", attempts, Some(now_us), &*error),
        };
        let columns = OutboxColumns {
            id,
            state,
            attempts,
            due_us,
            error,
        };
        updates.push(columns.update(keys));
    }
    let touched = updates.len();
    tx.write(&sql::UPDATE_OUTBOX, updates)?;
    Ok(QueueAnswer {
        touched,
        ..QueueAnswer::default()
    })
}

async fn claim(
    tx: &mut Tx,
    keys: &Keys,
    limit: usize,
    lease_us: i64,
    now_us: i64,
) -> Result<QueueAnswer, Error> {
    let rows_max = i64::try_from(limit).unwrap_or(i64::MAX);
    let due: Vec<(String, String, i64, i64, i64, Option<String>)> = tx
        .all(&sql::RUNS_DUE, args![STOP, now_us, rows_max])
        .await?;
    if stops(due.first().and_then(|row| row.5.as_deref())) {
        return Ok(QueueAnswer {
            leaves_due: Some(false),
            ..QueueAnswer::default()
        });
    }
    let leaves_due = Some(!due.is_empty() && due.len() == limit);
    let mut updates = Vec::with_capacity(due.len());
    let mut claimed = Vec::with_capacity(due.len());
    for (run, body, fence, attempt, clock_us, _) in due {
        let (queued, out_us) = read("run", &run, &body, lease_us);
        let columns = RunColumns {
            id: &run,
            state: "running",
            fence: fence + 1,
            attempt,
            clock_us,
            due_us: Some(now_us.saturating_add(out_us)),
            settled_seq: None,
            report: "{}",
        };
        updates.push(columns.update(keys));
        claimed.extend(queued.map(|queued| ClaimedRun {
            run,
            fence: fence + 1,
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
            clock_us,
            queued,
        }));
    }
    tx.write(&sql::UPDATE_RUNS, updates)?;
    Ok(QueueAnswer {
        touched: claimed.len(),
        claimed: ClaimedRuns::of(claimed),
        leaves_due,
        ..QueueAnswer::default()
    })
}

async fn claim_messages(
    tx: &mut Tx,
    keys: &Keys,
    limit: usize,
    lease_us: i64,
    now_us: i64,
) -> Result<QueueAnswer, Error> {
    let rows_max = i64::try_from(limit).unwrap_or(i64::MAX);
    let due: Vec<(String, i64, String, i64, String, Option<String>)> = tx
        .all(&sql::OUTBOX_DUE, args![STOP, now_us, rows_max])
        .await?;
    if stops(due.first().and_then(|row| row.5.as_deref())) {
        return Ok(QueueAnswer::default());
    }
    let mut updates = Vec::with_capacity(due.len());
    let mut messages = Vec::with_capacity(due.len());
    for (id, seq, body, attempts, error, _) in due {
        let (message, out_us) = read("message", &id, &body, lease_us);
        let until_us = now_us.saturating_add(out_us);
        let columns = OutboxColumns {
            id: &id,
            state: "sending",
            attempts,
            due_us: Some(until_us),
            error: &error,
        };
        updates.push(columns.update(keys));
        messages.extend(message.map(|message| ClaimedMessage {
            id,
            seq,
            attempts,
            until_us,
            message,
        }));
    }
    tx.write(&sql::UPDATE_OUTBOX, updates)?;
    Ok(QueueAnswer {
        touched: messages.len(),
        messages,
        ..QueueAnswer::default()
    })
}

/// Whether the organisation's stop says so. One that cannot be read holds everything up, but not the commits beside it.
pub(crate) fn stops(body: Option<&str>) -> bool {
    match body.map(serde_json::from_str::<Stop>) {
        None => false,
        Some(Ok(stop)) => matching::check_stop(&stop).is_err(),
        Some(Err(error)) => {
            tracing::error!(cause = %error, "the stop cannot be read; `bursar audit verify` tells more");
            true
        }
    }
}

/// Writes runs that may be due at once.
fn queue_again(tx: &mut Tx, updates: Vec<Vec<Arg>>) -> Result<QueueAnswer, Error> {
    Ok(QueueAnswer {
        leaves_due: Some(true),
        ..update_runs(tx, updates)?
    })
}

fn update_runs(tx: &mut Tx, updates: Vec<Vec<Arg>>) -> Result<QueueAnswer, Error> {
    let touched = updates.len();
    tx.write(&sql::UPDATE_RUNS, updates)?;
    Ok(QueueAnswer {
        touched,
        ..QueueAnswer::default()
    })
}

async fn runs_now<'a>(
    tx: &mut Tx,
    runs: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, RunNow>, Error> {
    let rows = runs.into_iter().map(|run| args![run]).collect();
    let found: Vec<RunNowRow> = tx.all_of(&sql::RUNS_OF, rows).await?;
    Ok(found.into_iter().map(run_now).collect())
}

/// Id, state, due, tries, error.
type OutboxRow = (String, String, Option<i64>, i64, String);
/// Id, state, fence, attempt, clock.
type RunNowRow = (String, String, i64, i64, i64);

pub(crate) fn run_now((id, state, fence, attempt, clock_us): RunNowRow) -> (String, RunNow) {
    let now = RunNow {
        state,
        fence,
        attempt,
        clock_us,
    };
    (id, now)
}
