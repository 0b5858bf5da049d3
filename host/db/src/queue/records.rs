//! Runs and messages as people look at them, made from what is stored.

use bursar_domain::{office::Message, row::Seq, run::QueuedRun};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use super::RunState;
use crate::error::Error;

/// A run as people look at it.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// The commit that queued it.
    pub queued_seq: Seq,
    /// The automation.
    pub automation: String,
    /// Where it stands.
    pub state: RunState,
    /// Tries so far.
    pub attempt: i64,
    /// Its clock, in microseconds UTC.
    pub clock_us: i64,
    /// When it is due, or its lease ends, in microseconds UTC; none once it has ended.
    pub due_us: Option<i64>,
    /// The commit that settled it.
    pub settled_seq: Option<Seq>,
    /// What to run, and why.
    pub queued: QueuedRun,
    /// Outcome, logs and usage of the last execution; `{}` before.
    pub report: Value,
}

/// A run in a list: as [`RunRecord`], but one that cannot be read is there as well, and says so.
#[derive(Clone, Debug, Serialize)]
pub struct RunLine {
    /// Its id.
    pub id: String,
    /// The commit that queued it.
    pub queued_seq: Seq,
    /// The automation.
    pub automation: String,
    /// Where it stands.
    pub state: RunState,
    /// Tries so far.
    pub attempt: i64,
    /// Its clock, in microseconds UTC.
    pub clock_us: i64,
    /// When it is due, or its lease ends, in microseconds UTC; none once it has ended.
    pub due_us: Option<i64>,
    /// The commit that settled it.
    pub settled_seq: Option<Seq>,
    /// What to run, and why; none if that cannot be read.
    pub queued: Option<QueuedRun>,
    /// Outcome, logs and usage of the last execution; `{}` before, none if that cannot be read.
    pub report: Option<Value>,
    /// What of it cannot be read, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// Waits for its first or next try.
    Waiting,
    /// A worker holds its lease.
    Sending,
    /// It is on its way.
    Sent,
    /// There is no further try.
    Failed,
}

impl MessageState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            MessageState::Waiting => "waiting",
            MessageState::Sending => "sending",
            MessageState::Sent => "sent",
            MessageState::Failed => "failed",
        }
    }

    fn find(text: &str) -> Option<Self> {
        serde_json::from_value(Value::String(text.to_owned())).ok()
    }
}

/// An outgoing message as people look at it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MessageRecord {
    /// Its id: the same at every try.
    pub id: String,
    /// The commit that it came with.
    pub seq: Seq,
    /// The automation that sends it; "" if its body does not say.
    pub automation: String,
    /// Where it stands.
    pub state: MessageState,
    /// Tries so far.
    pub attempts: i64,
    /// When it is due, or its lease ends, in microseconds UTC; none once it has ended.
    pub due_us: Option<i64>,
    /// What went wrong at the last try.
    pub error: Option<String>,
    /// The message; none if it cannot be read.
    pub message: Option<Message>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// Reads a stored JSON text, or notes why that cannot be.
fn readable<T: DeserializeOwned>(
    what: &str,
    text: &str,
    unreadable: &mut Option<String>,
) -> Option<T> {
    let read = serde_json::from_str(text);
    read.map_err(|error| unreadable.get_or_insert_with(|| format!("{what}: {error}")))
        .ok()
}

/// Id, seq, automation, body, state, attempt, clock, due, settled, report.
pub(super) type RunRow = (
    String,
    i64,
    String,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    String,
);

pub(super) fn run_line(row: RunRow) -> Result<RunLine, Error> {
    let (id, queued_seq, automation, body, state, attempt, clock_us, due_us, settled_seq, report) =
        row;
    let state = RunState::find(&state)
        .ok_or_else(|| Error::Corrupt(format!("run {id}: unknown state {state:?}")))?;
    let mut unreadable = None;
    let queued = readable("what it was queued with", &body, &mut unreadable);
    let report = readable("its report", &report, &mut unreadable);
    Ok(RunLine {
        id,
        queued_seq,
        automation,
        state,
        attempt,
        clock_us,
        due_us,
        settled_seq,
        queued,
        report,
        unreadable,
    })
}

pub(super) fn run_record(line: RunLine) -> Result<RunRecord, Error> {
    let (Some(queued), Some(report)) = (line.queued, line.report) else {
        let why = line.unreadable.unwrap_or_default();
        return Err(Error::Corrupt(format!("run {}: {why}", line.id)));
    };
    Ok(RunRecord {
        id: line.id,
        queued_seq: line.queued_seq,
        automation: line.automation,
        state: line.state,
        attempt: line.attempt,
        clock_us: line.clock_us,
        due_us: line.due_us,
        settled_seq: line.settled_seq,
        queued,
        report,
    })
}

/// Id, seq, automation, body, state, tries, due, error.
pub(super) type MessageRow = (
    String,
    i64,
    String,
    String,
    String,
    i64,
    Option<i64>,
    String,
);

pub(super) fn message_record(row: MessageRow) -> Result<MessageRecord, Error> {
    let (id, seq, automation, body, state, attempts, due_us, error) = row;
    let state = MessageState::find(&state)
        .ok_or_else(|| Error::Corrupt(format!("message {id}: unknown state {state:?}")))?;
    let mut unreadable = None;
    let message = readable("its body", &body, &mut unreadable);
    Ok(MessageRecord {
        id,
        seq,
        automation,
        state,
        attempts,
        due_us,
        error: (!error.is_empty()).then_some(error),
        message,
        unreadable,
    })
}
