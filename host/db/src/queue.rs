//! The queues: runs to execute and messages to deliver. Their own columns change without a commit, under a seal.

mod claimed;
mod jobs;
mod listing;
mod records;

use std::{collections::HashMap, sync::Arc};

use bursar_domain::{office::Message, row::Seq, run::QueuedRun};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use listing::{MessageFilter, RunFilter};
pub use records::{MessageRecord, MessageState, RunLine, RunRecord};

pub(crate) use claimed::ClaimedRuns;
pub(crate) use jobs::{QueueAnswer, QueueJob, perform, run_now, stops};

use crate::{
    Database,
    adapter::{Arg, args},
    decide::LoggedChange,
    error::Error,
    seal::{Column, Keys},
    statements as sql,
};

/// Largest report kept with a run, in bytes; a larger one keeps its outcome and loses its log.
pub(crate) const REPORT_BYTES_MAX: usize = 2 << 20;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Its change set is in the log.
    Committed,
    /// It ended without one.
    Failed,
    /// Its change set waits for a person.
    Held,
    /// Its change set is kept for looking at.
    Shadowed,
}

impl RunState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Committed => "committed",
            RunState::Failed => "failed",
            RunState::Held => "held",
            RunState::Shadowed => "shadowed",
        }
    }

    pub(crate) fn find(text: &str) -> Option<Self> {
        serde_json::from_value(Value::String(text.to_owned())).ok()
    }
}

/// What the committer knows of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunNow {
    pub state: String,
    pub fence: i64,
    pub attempt: i64,
    pub clock_us: i64,
}

impl RunNow {
    pub(crate) fn is_running(&self) -> bool {
        self.state == "running"
    }
}

/// A run that this worker may execute until its lease ends.
#[derive(Clone, Debug)]
pub struct ClaimedRun {
    /// Its id.
    pub run: String,
    /// Settling needs it; a later claim has a higher one.
    pub fence: i64,
    /// 1 for the first try.
    pub attempt: u32,
    /// The run's clock, in microseconds UTC.
    pub clock_us: i64,
    /// What to run, and why.
    pub queued: QueuedRun,
}

impl ClaimedRun {
    /// A run as it is claimed by the commit that queues it.
    pub(crate) fn new(row: &LoggedChange, fences: &HashMap<Arc<str>, i64>) -> Result<Self, Error> {
        let queued = queued_by(row)?;
        let id = &row.change.key.id;
        let columns = RunColumns::queued(id, queued.event.time_us, row.at_us)
            .after(fences.get(id))
            .claimed(row.at_us);
        Ok(Self {
            run: columns.id.to_owned(),
            fence: columns.fence,
            attempt: u32::try_from(columns.attempt).unwrap_or(u32::MAX),
            clock_us: columns.clock_us,
            queued,
        })
    }
}

/// What a change queues.
pub(crate) fn queued_by(row: &LoggedChange) -> Result<QueuedRun, Error> {
    let body = row.text.as_deref().unwrap_or_default();
    serde_json::from_str(body)
        .map_err(|error| Error::Corrupt(format!("run {}: {error}", row.change.key.id)))
}

/// A message that this worker may deliver until its lease ends.
#[derive(Clone, Debug)]
pub struct ClaimedMessage {
    /// The message's id: the same at every try.
    pub id: String,
    /// The commit that it came with.
    pub seq: Seq,
    /// Tries so far.
    pub attempts: i64,
    /// Whose it is from here on is open, in microseconds UTC. Also the fence: a later claim has a later one.
    pub until_us: i64,
    /// The message.
    pub message: Message,
}

/// What became of a claimed message.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message.
    pub id: String,
    /// As claimed.
    pub until_us: i64,
    /// How the try ended.
    pub outcome: DeliveryOutcome,
}

/// Whose message a stored body says it is; "" if it does not.
pub(crate) fn automation_of(message: &Value) -> &str {
    let automation = message.get("automation").and_then(Value::as_str);
    automation.unwrap_or_default()
}

/// How a try to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The message is on its way.
    Sent,
    /// Try again.
    Retry {
        /// When, in microseconds UTC.
        at_us: i64,
        /// What went wrong.
        error: String,
    },
    /// No further try.
    Failed {
        /// What went wrong.
        error: String,
    },
    /// Given back: the try does not count.
    Untried,
}

/// The unlogged columns of a run.
pub(crate) struct RunColumns<'a> {
    pub id: &'a str,
    pub state: &'a str,
    pub fence: i64,
    pub attempt: i64,
    pub clock_us: i64,
    pub due_us: Option<i64>,
    pub settled_seq: Option<i64>,
    pub report: &'a str,
}

impl<'a> RunColumns<'a> {
    /// A run that goes on, under the lease or in the queue, until then.
    fn due(id: &'a str, now: &RunNow, state: &'a str, due_us: i64) -> Self {
        Self {
            id,
            state,
            fence: now.fence,
            attempt: now.attempt,
            clock_us: now.clock_us,
            due_us: Some(due_us),
            settled_seq: None,
            report: "{}",
        }
    }

    /// A run as the commit that makes it leaves it.
    pub(crate) fn queued(id: &'a str, clock_us: i64, due_us: i64) -> Self {
        Self {
            id,
            state: "queued",
            fence: 0,
            attempt: 1,
            clock_us,
            due_us: Some(due_us),
            settled_seq: None,
            report: "{}",
        }
    }

    /// The same run, whose fence was higher before.
    pub(crate) fn after(self, fence: Option<&i64>) -> Self {
        let fence = fence.copied().unwrap_or(self.fence);
        Self { fence, ..self }
    }

    /// The same run under a lease.
    pub(crate) fn claimed(self, until_us: i64) -> Self {
        Self {
            state: "running",
            fence: self.fence + 1,
            due_us: Some(until_us),
            ..self
        }
    }

    pub(crate) fn seal(&self, keys: &Keys) -> Vec<u8> {
        let columns = [
            Column::Text(self.id),
            Column::Text(self.state),
            Column::Int(self.fence),
            Column::Int(self.attempt),
            Column::Int(self.clock_us),
            Column::Int(self.due_us.unwrap_or(i64::MIN)),
            Column::Int(self.settled_seq.unwrap_or(i64::MIN)),
            Column::Text(self.report),
        ];
        keys.seal("run", &columns)
    }

    /// Arguments of [`sql::UPDATE_RUNS`].
    pub(crate) fn update(&self, keys: &Keys) -> Vec<Arg> {
        args![
            self.id,
            self.state,
            self.fence,
            self.attempt,
            self.clock_us,
            self.due_us,
            self.settled_seq,
            self.report,
            self.seal(keys)
        ]
    }
}

/// The unlogged columns of a message.
pub(crate) struct OutboxColumns<'a> {
    pub id: &'a str,
    pub state: &'a str,
    pub attempts: i64,
    pub due_us: Option<i64>,
    pub error: &'a str,
}

impl OutboxColumns<'_> {
    /// Arguments of [`sql::UPDATE_OUTBOX`].
    fn update(&self, keys: &Keys) -> Vec<Arg> {
        args![
            self.id,
            self.state,
            self.attempts,
            self.due_us,
            self.error,
            self.seal(keys)
        ]
    }

    pub(crate) fn seal(&self, keys: &Keys) -> Vec<u8> {
        let columns = [
            Column::Text(self.id),
            Column::Text(self.state),
            Column::Int(self.attempts),
            Column::Int(self.due_us.unwrap_or(i64::MIN)),
            Column::Text(self.error),
        ];
        keys.seal("outbox", &columns)
    }
}

impl Database {
    /// Takes due runs, oldest first. Each is this caller's until the lease ends.
    pub async fn claim(&self, limit: usize, lease_us: i64) -> Result<Vec<ClaimedRun>, Error> {
        let job = QueueJob::Claim { limit, lease_us };
        Ok(self.committer.queue(job).await?.claimed.take())
    }

    /// As [`Database::claim`], as soon as there are some: those that a commit of this process queues are claimed together
    /// with it. What others queue, and what time makes due, is found by [`Database::look_for_due`].
    ///
    /// Dropped, it claims nothing.
    pub async fn claim_next(&self, limit: usize, lease_us: i64) -> Result<Vec<ClaimedRun>, Error> {
        Ok(self.committer.claim(limit, lease_us).await?.take())
    }

    /// Lets the claims that wait look again.
    pub async fn look_for_due(&self) -> Result<(), Error> {
        self.committer.look().await
    }

    /// Holds on to the leases of runs (id and fence) that are still being executed.
    pub async fn extend(&self, runs: Vec<(String, i64)>, lease_us: i64) -> Result<usize, Error> {
        Ok(self
            .committer
            .queue(QueueJob::Extend { runs, lease_us })
            .await?
            .touched)
    }

    /// Gives a claimed run back, due at an instant. A new clock makes it a new attempt; without one it is the same again.
    pub async fn postpone(
        &self,
        run: &str,
        fence: i64,
        due_us: i64,
        next_clock_us: Option<i64>,
        report: &Value,
    ) -> Result<(), Error> {
        let report = report.to_string();
        let report = if report.len() > REPORT_BYTES_MAX {
            "{}".to_owned()
        } else {
            report
        };
        let job = QueueJob::Postpone {
            run: run.to_owned(),
            fence,
            due_us,
            next_clock_us,
            report,
        };
        self.committer.queue(job).await.map(drop)
    }

    /// Takes back every lease. Only for a caller that knows itself to be the only worker.
    pub async fn recover(&self) -> Result<usize, Error> {
        Ok(self.committer.queue(QueueJob::Recover).await?.touched)
    }

    /// Takes due messages, oldest first, none while the organisation is stopped. Each is this caller's until the lease
    /// ends.
    pub async fn claim_messages(
        &self,
        limit: usize,
        lease_us: i64,
    ) -> Result<Vec<ClaimedMessage>, Error> {
        let job = QueueJob::ClaimMessages { limit, lease_us };
        Ok(self.committer.queue(job).await?.messages)
    }

    /// Records what became of claimed messages; gives for how many the claim still held.
    pub async fn delivered(&self, deliveries: Vec<Delivery>) -> Result<usize, Error> {
        let job = QueueJob::Delivered(deliveries);
        Ok(self.committer.queue(job).await?.touched)
    }

    /// When the next run or message is due, in microseconds UTC.
    pub async fn next_due_us(&self) -> Result<Option<i64>, Error> {
        let mut tx = self.pools.reading().await?;
        let (due_us,): (Option<i64>,) = tx.one(&sql::NEXT_DUE, args![]).await?;
        Ok(due_us)
    }

    /// The database's clock, in microseconds UTC.
    pub async fn now_us(&self) -> Result<i64, Error> {
        self.committer.now(&self.pools).await
    }
}
