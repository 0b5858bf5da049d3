//! Runs: why they ran, what they changed, said and used.

use std::time::{Duration, Instant};

use axum::{Json, extract::State};
use bursar_db::{EndOfRun, RunFilter, RunLine, RunRecord, RunState};
use bursar_domain::{
    office::Automation,
    row::{Kind, RowKey, Seq},
    run::{LogLine, Outcome, QueuedRun, Usage},
};
use bursar_office::describe::{RowDiff, describe_commit, veiled};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    automations::has_ended,
    caller::{Caller, Viewer},
    failure::Failure,
    request::{Path, Query},
    resource::{Page, limit, place},
};

/// How often a run is looked at that another process may settle.
const POLL: Duration = Duration::from_millis(100);

/// Shortest beginning that a run is found by.
const BEGINNING_MIN: usize = 4;
/// Runs looked for at a time by the beginning of their ids.
const CANDIDATES: usize = 64;

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id: a digest of automation and event.
    pub id: String,
    /// The commit that queued it.
    pub queued_seq: i64,
    /// The automation.
    pub automation: String,
    /// The automation's department.
    pub department: String,
    /// Where it stands.
    pub state: RunState,
    /// Tries so far.
    pub attempt: i64,
    /// Its clock, in microseconds UTC.
    pub clock_us: i64,
    /// When it is due, or its lease ends, in microseconds UTC; null once it has ended.
    pub due_us: Option<i64>,
    /// The commit that settled it.
    pub settled_seq: Option<i64>,
    /// What was to be run, and why; null if that cannot be read any more.
    pub queued: Option<QueuedRun>,
    /// What came of its last execution; empty before.
    pub report: Report,
    /// What of it cannot be read, and why: verify the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

/// What came of a run's last execution.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Report {
    /// Executions so far: more than one if what it read had changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executions: Option<u32>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What it said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Its own summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it would change, if that is kept for people to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
}

/// A run with what it changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunShown {
    /// The run.
    pub run: Run,
    /// The rows that its commit changed.
    pub changes: Vec<RowDiff>,
}

/// Which runs to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RunsQuery {
    /// Only those of this automation.
    pub automation: Option<String>,
    /// Only those in this state.
    pub state: Option<RunState>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl Run {
    pub(crate) fn of(record: RunRecord, department: &str) -> Self {
        let line = RunLine {
            id: record.id,
            queued_seq: record.queued_seq,
            automation: record.automation,
            state: record.state,
            attempt: record.attempt,
            clock_us: record.clock_us,
            due_us: record.due_us,
            settled_seq: record.settled_seq,
            queued: Some(record.queued),
            report: Some(record.report),
            unreadable: None,
        };
        Self::listed(line, department)
    }

    /// Without what may be long: a page of runs is read at once.
    fn briefly(mut self) -> Self {
        self.report.logs = Vec::new();
        self.report.draft = None;
        self
    }

    fn listed(line: RunLine, department: &str) -> Self {
        let report = line
            .report
            .and_then(|report| Report::deserialize(report).ok());
        Self {
            id: line.id,
            queued_seq: line.queued_seq,
            automation: line.automation,
            department: department.to_owned(),
            state: line.state,
            attempt: line.attempt,
            clock_us: line.clock_us,
            due_us: line.due_us,
            settled_seq: line.settled_seq,
            queued: line.queued,
            report: report.unwrap_or_default(),
            unreadable: line.unreadable,
        }
    }
}

/// Runs in view, newest first
///
/// Without their logs and drafts, which come with each run alone.
#[utoipa::path(get, path = "/v1/runs", tag = "runs", params(RunsQuery), responses((status = 200, body = Page<Run>)))]
pub(crate) async fn list_runs(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Query(query): Query<RunsQuery>,
) -> Result<Json<Page<Run>>, Failure> {
    let limit = limit(query.limit)? as usize;
    let automations = api.narrowed(&caller, query.automation).await?;
    let filter = RunFilter {
        automations,
        state: query.state,
        before: place(query.after.as_deref())?,
        limit: limit.saturating_add(1),
    };
    let mut records = api.database().runs(&filter).await?;
    let has_more = records.len() > limit;
    records.truncate(limit);
    let next = records
        .last()
        .filter(|_| has_more)
        .map(|last| format!("{}.{}", last.queued_seq, last.id));
    let mut items = Vec::with_capacity(records.len());
    let mut departments = Departments::default();
    for record in records {
        let department = departments.of(&api, &record.automation).await?;
        items.push(Run::listed(record, &department).briefly());
    }
    Ok(Json(Page { items, next }))
}

/// One run: why it ran, what it changed, said and used
#[utoipa::path(get, path = "/v1/runs/{id}", tag = "runs", params(("id" = String, Path, description = "Its id, or its beginning")), responses((status = 200, body = RunShown)))]
pub(crate) async fn get_run(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<RunShown>, Failure> {
    let run = api.run_in_view(&caller, &id).await?;
    let changes = match run.settled_seq {
        Some(seq) => {
            let rows = describe_commit(api.database(), seq).await?;
            veiled(api.database(), rows, caller.role.clearance()).await?
        }
        None => Vec::new(),
    };
    Ok(Json(RunShown { run, changes }))
}

/// A run that this request has queued.
pub(crate) struct NewRun {
    /// Asked for before it was queued.
    pub end: EndOfRun,
    /// The commit that queued it.
    pub seq: Seq,
    pub queued: QueuedRun,
}

/// Departments by automation, asked for once each.
#[derive(Default)]
pub(crate) struct Departments(std::collections::HashMap<String, String>);

impl Departments {
    pub(crate) async fn of(&mut self, api: &Api, automation: &str) -> Result<String, Failure> {
        if let Some(known) = self.0.get(automation) {
            return Ok(known.clone());
        }
        let row = api
            .database()
            .snapshot()
            .get(&RowKey::of(Kind::Automation, automation))
            .await?;
        let department = match row {
            Some(row) => {
                let automation: Automation = row.decode().map_err(bursar_office::Error::from)?;
                automation.department
            }
            None => String::new(),
        };
        self.0.insert(automation.to_owned(), department.clone());
        Ok(department)
    }
}

impl Api {
    /// A run in a caller's view, by its id or the beginning of it.
    async fn run_in_view(&self, caller: &Caller, id: &str) -> Result<Run, Failure> {
        let mut departments = Departments::default();
        if let Some(record) = self.database().run(id).await? {
            let department = departments.of(self, &record.automation).await?;
            if caller.sees(&department) {
                return Ok(Run::of(record, &department));
            }
        }
        self.run_beginning(caller, id, &mut departments)
            .await?
            .ok_or_else(|| Failure::absent("run", id))
    }

    /// The only run in view whose id begins so: what is out of view makes nothing ambiguous.
    async fn run_beginning(
        &self,
        caller: &Caller,
        beginning: &str,
        departments: &mut Departments,
    ) -> Result<Option<Run>, Failure> {
        let mut found = None;
        let is_beginning =
            beginning.len() >= BEGINNING_MIN && beginning.bytes().all(|b| b.is_ascii_hexdigit());
        let mut from = is_beginning.then(|| beginning.to_owned());
        while let Some(place) = from.take() {
            let ids = self.database().run_ids_from(&place, CANDIDATES).await?;
            let is_page = ids.len() == CANDIDATES;
            for id in ids {
                if !id.starts_with(beginning) {
                    return Ok(found);
                }
                // Ids have one length: nothing lies between one and itself with a zero.
                from = is_page.then(|| format!("{id}0"));
                let Some(record) = self.database().run(&id).await? else {
                    continue;
                };
                let department = departments.of(self, &record.automation).await?;
                if !caller.sees(&department) {
                    continue;
                }
                if found.replace(Run::of(record, &department)).is_some() {
                    return Err(ambiguous());
                }
            }
        }
        Ok(found)
    }

    /// A run, when it has ended or the wait is over. One that is new is not looked at before its end is told.
    pub(crate) async fn run_ended(
        &self,
        id: &str,
        new: Option<NewRun>,
        wait: Duration,
    ) -> Result<RunRecord, Failure> {
        let until = Instant::now() + wait;
        let mut end = match new {
            Some(mut new) => {
                let told = tokio::time::timeout(wait.min(POLL), new.end.told()).await;
                if let Ok(ended) = told {
                    return Ok(ended.record(id, new.seq, new.queued));
                }
                new.end
            }
            None => self.database().end_of(id),
        };
        loop {
            let record = self.database().run(id).await?.ok_or_else(|| {
                Failure::new(StatusCode::NOT_FOUND, "not-found", "there is no such run")
            })?;
            let left = until.saturating_duration_since(Instant::now());
            if has_ended(&record) || left.is_zero() {
                return Ok(record);
            }
            let _ = tokio::time::timeout(left.min(POLL), end.told()).await;
        }
    }
}

fn ambiguous() -> Failure {
    Failure::new(
        StatusCode::CONFLICT,
        "run-ambiguous",
        "several runs begin so: give more of the id",
    )
}
