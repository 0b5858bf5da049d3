//! A run's life as data: event, claim, report, and the pure decision between them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    draft::Draft,
    is_default,
    manifest::{Limits, Permission},
    office::{Actor, Automation, LegalEntity, Mode, Pairs},
    problem::Problem,
};

/// Deepest event that still starts a run: what leads on and on to runs is a loop.
pub const DEPTH_MAX: u32 = 16;

/// What started a run, in the CloudEvents words (spec 1.0: id, source, type, time).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "`type` is a keyword, and CloudEvents calls it the event type"
)]
pub struct Event {
    /// Unique within the source: (automation, id) is one run.
    pub id: String,
    /// Where it came from: "manual", "timer/NAME", "calendar/ID".
    pub source: String,
    /// What happened: "manual.started", "timer.fired", "occurrence.due".
    #[serde(rename = "type")]
    pub event_type: String,
    /// When, in microseconds UTC. It is also the run's clock.
    pub time_us: i64,
    /// Who caused the chain's first event.
    pub actor: Actor,
    /// How many runs led to it, one through what the other wrote: 0 if a person, a program or a clock did.
    #[serde(default, skip_serializing_if = "is_default")]
    pub depth: u32,
    /// What the plugin is handed.
    pub trigger: Trigger,
}

/// What the plugin is handed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Trigger {
    /// A person or program started it.
    Manual {
        /// Valid under the manifest's input schema.
        input: Value,
        /// Rows it is about.
        subjects: Vec<String>,
    },
    /// A timer fired.
    Timer {
        /// The timer's name in the manifest.
        timer: String,
        /// The planned instant, in microseconds UTC.
        scheduled_us: i64,
        /// Earlier firings that this one stands for.
        missed: u32,
    },
    /// An occurrence of a calendar is due. The contract's word for it is a timer's tick, until it has one of its own.
    Occurrence {
        /// The trigger's name in the manifest.
        trigger: String,
        /// The calendar.
        calendar: String,
        /// The entry's UID.
        uid: String,
        /// The start that its series gives the occurrence, in microseconds UTC: with the UID its name, of a whole day by its
        /// date.
        original_start_us: i64,
        /// When it begins, in microseconds UTC.
        start_us: i64,
        /// The planned instant: as long before the start as the trigger asks, in microseconds UTC.
        scheduled_us: i64,
        /// Earlier occurrences that this one stands for.
        missed: u32,
    },
}

/// The stored body of a queued run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueuedRun {
    /// The automation to run.
    pub automation: String,
    /// Why.
    pub event: Event,
}

/// Everything a run needs. Nothing below asks upward.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Stable name: digest of automation and event.
    pub run: String,
    /// Rises with every claim; an older one can no longer settle.
    pub fence: i64,
    /// 1 for the first try; retries after a failure count, re-executions do not.
    pub attempt: u32,
    /// The automation's name.
    pub automation_id: String,
    /// The automation as it was when claimed.
    pub automation: Automation,
    /// The legal entity whose dates and sender it uses.
    pub legal_entity: LegalEntity,
    /// The most that its department's automations are worth; none is no ceiling.
    pub ceiling: Option<Vec<Permission>>,
    /// The event.
    pub event: Event,
    /// Limits in force.
    pub limits: Limits,
    /// Source of ids and randomness: HMAC(host key, automation, event).
    pub seed: [u8; 32],
    /// The run's clock, in microseconds UTC.
    pub time_us: i64,
}

/// What the plugin reported of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// A sentence for people.
    pub text: String,
    /// Counters for the run list.
    pub counts: Pairs,
}

/// How an execution ended. Host trouble is not among them: it is an error, and the run stays queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The plugin returned success.
    Succeeded(Summary),
    /// The plugin asks for another try, at least so much later.
    Retry {
        /// Why.
        problem: Problem,
        /// Microseconds; none is the manifest's back-off.
        after_us: Option<i64>,
    },
    /// The plugin gave up.
    Refused {
        /// Why.
        problem: Problem,
    },
    /// The guest trapped (unreachable, out of bounds, ...).
    Trapped {
        /// The trap, in wasmtime's words.
        message: String,
    },
    /// A limit of the sandbox ended it.
    LimitReached {
        /// The limit's name with its unit, such as "`wall_ms_max`".
        limit: String,
        /// The limit's value.
        allowed: u64,
        /// What was asked or used when it ended.
        used: u64,
    },
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// debug, info, warn, error.
    pub level: String,
    /// What the plugin said.
    pub message: String,
    /// Named values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
}

/// What an execution used, against the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Largest linear memory, in bytes.
    pub memory_bytes: u64,
    /// Calls of imported functions.
    pub host_calls: u64,
    /// Rows handed to the guest.
    pub rows_returned: u64,
    /// Rows that the run depends on.
    pub rows_read: u64,
    /// Different listings that the run depends on.
    pub listings: u64,
    /// Rows changed.
    pub rows_changed: u64,
    /// Bytes of row images written.
    pub bytes_changed: u64,
    /// Messages drafted.
    pub messages: u64,
    /// Tasks made.
    pub tasks: u64,
    /// Bytes of log lines kept.
    pub log_bytes: u64,
    /// Log lines dropped over the limit.
    pub log_lines_dropped: u64,
}

/// What came of one execution.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// How it ended.
    pub outcome: Outcome,
    /// What it would change; dropped unless the outcome is success.
    pub draft: Draft,
    /// What it said.
    pub logs: Vec<LogLine>,
    /// What it used.
    pub usage: Usage,
}

/// What to do with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Commit the draft.
    Propose,
    /// Keep the draft for a person's review.
    Hold,
    /// Keep the draft for looking at.
    Shadow,
    /// Queue the run again this many microseconds from now.
    RetryAfter(i64),
    /// The run has failed for good.
    Dead(Problem),
}

/// The one place that decides what a report leads to.
pub fn decide(claim: &Claim, retry: &crate::manifest::Retry, report: &RunReport) -> Settlement {
    match &report.outcome {
        Outcome::Succeeded(_) => match claim.automation.mode {
            Mode::Live => Settlement::Propose,
            Mode::Review => Settlement::Hold,
            Mode::Shadow => Settlement::Shadow,
        },
        Outcome::Retry { after_us, .. } if claim.attempt < retry.attempts_max => {
            let asked = after_us
                .unwrap_or(0)
                .clamp(0, crate::manifest::RETRY_DELAY_US_MAX);
            Settlement::RetryAfter(asked.max(retry.delay_us(claim.attempt)))
        }
        Outcome::Retry { problem, .. } | Outcome::Refused { problem } => {
            Settlement::Dead(problem.clone())
        }
        Outcome::Trapped { message } => Settlement::Dead(Problem::new("trapped", message.clone())),
        Outcome::LimitReached {
            limit,
            allowed,
            used,
        } => Settlement::Dead(Problem::new(
            "limit-reached",
            format!("{limit} is {allowed}, the run used {used}"),
        )),
    }
}
