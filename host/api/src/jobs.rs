//! Work that takes seconds: started by a request, looked at by others.
//!
//! Jobs live as long as the process. What they do is safe to ask for again: a plugin is installed once, whoever asks, and
//! a file's rows are there once.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Json, extract::State, response::IntoResponse};
use bursar_db::Verification;
use bursar_domain::office::Actor;
use bursar_office::{import, sample::SampleLoaded};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::{Auditor, Caller},
    failure::{Failure, ProblemDocument},
    request::{Path, Query},
};

/// Most jobs that are worked on at once.
const RUNNING_MAX: usize = 2;
/// Most jobs that run or wait.
const UNDONE_MAX: usize = 32;
/// Most jobs that are remembered; the oldest finished ones are forgotten first.
const KEPT_MAX: usize = 256;
/// How long jobs that have begun may go on when the host stops.
const ENDING_MAX: Duration = Duration::from_secs(30);
/// Longest wait of one request for a job's or run's end, in milliseconds.
pub(crate) const WAIT_MS_MAX: u64 = 30_000;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It goes on, or waits for its turn.
    Running,
    /// It did what it was started for: see `result`.
    Done,
    /// It did nothing, or an import not all of it: see `problem`.
    Failed,
}

/// What a job came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum JobResult {
    /// A plugin is installed.
    PluginInstalled {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// SHA-256 of the component, lower-case hex.
        digest: String,
        /// The commit that installed it; none if it was installed before.
        commit: Option<i64>,
    },
    /// The log was verified.
    Verified(Verification),
    /// A file's rows were compared with the records that are there. Nothing was changed.
    ImportPreviewed(import::Report),
    /// A file's rows were imported, as far as its `end` says.
    Imported(import::Imported),
    /// The invented company is there.
    SampleLoaded(SampleLoaded),
}

/// How many rows a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobRows {
    /// Rows that are behind it.
    pub done: u64,
    /// All its rows; null before they were counted.
    pub total: Option<u64>,
}

/// Work that a request started.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// plugin-install, verification, import-preview, import, sample.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// What it is doing, in a word or two.
    pub step: String,
    /// Steps that are behind it.
    pub steps_done: u32,
    /// All its steps.
    pub steps: u32,
    /// How far its step is, if it goes through rows.
    pub rows: Option<JobRows>,
    /// What it came to.
    pub result: Option<JobResult>,
    /// Why it failed.
    pub problem: Option<ProblemDocument>,
}

/// Tells how far a job is.
pub(crate) struct Progress {
    job: watch::Sender<Job>,
}

impl Progress {
    /// The next step begins.
    pub(crate) fn step(&self, name: &str) {
        self.job.send_modify(|job| {
            if !job.step.is_empty() {
                job.steps_done = job.steps_done.saturating_add(1);
            }
            name.clone_into(&mut job.step);
            job.rows = None;
        });
    }

    /// The step has done so many rows.
    pub(crate) fn rows(&self, rows: JobRows) {
        self.job.send_modify(|job| job.rows = Some(rows));
    }

    fn end(&self, ended: Result<JobResult, Failure>) {
        if let Err(failure) = &ended
            && let Some(cause) = failure.cause()
        {
            tracing::error!(job = self.job.borrow().id, cause, "a job failed");
        }
        self.job.send_modify(|job| match ended {
            Ok(result) => {
                job.state = JobState::Done;
                job.steps_done = job.steps;
                job.result = Some(result);
            }
            Err(failure) => {
                job.state = JobState::Failed;
                job.problem = Some(failure.document(&job.id));
            }
        });
    }
}

/// A job as it is kept, and whose it is.
struct Kept {
    owner: Actor,
    job: watch::Receiver<Job>,
}

#[derive(Default)]
struct Inner {
    jobs: HashMap<String, Kept>,
    order: VecDeque<String>,
    tasks: JoinSet<()>,
}

/// All jobs of this process.
#[derive(Clone)]
pub(crate) struct Jobs {
    inner: Arc<Mutex<Inner>>,
    room: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            inner: Arc::default(),
            room: Arc::new(Semaphore::new(RUNNING_MAX)),
        }
    }
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a job; it runs as soon as there is room.
    pub(crate) fn start<F>(
        &self,
        caller: &Caller,
        kind: &str,
        steps: u32,
        work: impl FnOnce(Arc<Progress>) -> F,
    ) -> Result<Job, Failure>
    where
        F: Future<Output = Result<JobResult, Failure>> + Send + 'static,
    {
        let mut inner = self.lock();
        while inner.tasks.try_join_next().is_some() {}
        if inner.tasks.len() >= UNDONE_MAX {
            return Err(Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "jobs-too-many",
                "too many jobs wait already",
            )
            .header(header::RETRY_AFTER, HeaderValue::from_static("5")));
        }
        let job = Job {
            id: uuid::Uuid::now_v7().to_string(),
            kind: kind.to_owned(),
            state: JobState::Running,
            step: String::new(),
            steps_done: 0,
            steps,
            rows: None,
            result: None,
            problem: None,
        };
        let (sender, receiver) = watch::channel(job.clone());
        let progress = Arc::new(Progress { job: sender });
        let (work, room) = (work(progress.clone()), self.room.clone());
        inner.tasks.spawn(async move {
            let _permit = room.acquire_owned().await;
            // In a task of its own, so that a panic ends the job as well.
            let ended = tokio::spawn(work).await;
            progress.end(ended.unwrap_or_else(|error| Err(Failure::host(error))));
        });
        let kept = Kept {
            owner: caller.actor.clone(),
            job: receiver,
        };
        inner.jobs.insert(job.id.clone(), kept);
        inner.order.push_back(job.id.clone());
        inner.forget();
        Ok(job)
    }

    /// A caller's job.
    fn find(&self, caller: &Caller, id: &str) -> Option<watch::Receiver<Job>> {
        let inner = self.lock();
        let kept = inner.jobs.get(id)?;
        (kept.owner == caller.actor).then(|| kept.job.clone())
    }

    /// Waits for the jobs that run.
    pub(crate) async fn close(&self) {
        let mut tasks = std::mem::take(&mut self.lock().tasks);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(ENDING_MAX, all).await.is_err() {
            tracing::warn!("some jobs did not end in time");
        }
    }
}

impl Inner {
    fn forget(&mut self) {
        let excess = self.order.len().saturating_sub(KEPT_MAX);
        for _ in 0..excess {
            let done = self.order.iter().position(|id| {
                self.jobs
                    .get(id)
                    .is_none_or(|kept| kept.job.borrow().state != JobState::Running)
            });
            if let Some(id) = done.and_then(|place| self.order.remove(place)) {
                self.jobs.remove(&id);
            }
        }
    }
}

/// Waits until a job has ended, or for so long.
async fn ended(job: &mut watch::Receiver<Job>, wait: Duration) -> Job {
    let _ = tokio::time::timeout(wait, job.wait_for(|job| job.state != JobState::Running)).await;
    job.borrow().clone()
}

/// How long to wait for an end.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// Longest wait for its end, in milliseconds: 0 to 30000, 0 unless given.
    #[param(minimum = 0, maximum = 30000)]
    pub wait_ms: Option<u64>,
}

impl WaitQuery {
    pub(crate) fn wait(self) -> Result<Duration, Failure> {
        match self.wait_ms.unwrap_or(0) {
            wait_ms @ 0..=WAIT_MS_MAX => Ok(Duration::from_millis(wait_ms)),
            _ => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "parameter-invalid",
                format!("wait_ms is 0 to {WAIT_MS_MAX}"),
            )),
        }
    }
}

/// One job of one's own
///
/// Jobs live as long as the host's process: after a restart ask for the work again, it is done once.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The job's id"), WaitQuery),
    responses((status = 200, body = Job))
)]
pub(crate) async fn get_job(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(wait): Query<WaitQuery>,
) -> Result<Json<Job>, Failure> {
    let wait = wait.wait()?;
    let mut job = api
        .jobs()
        .find(&caller, &id)
        .ok_or_else(|| Failure::absent("job", &id))?;
    Ok(Json(ended(&mut job, wait).await))
}

/// A started job as an answer: 202 with its place.
pub(crate) fn accepted(job: Job) -> impl IntoResponse {
    let place = [(header::LOCATION, format!("/v1/jobs/{}", job.id))];
    (StatusCode::ACCEPTED, place, Json(job))
}
