//! The HTTP admin API: the only crate that knows axum.
//!
//! Requests become operations of the office, in the name of whoever's token they carry; it holds no rule of the office and
//! no SQL. What is served is listed once ([`mod@openapi`] is made from it), every failure has one shape ([`Failure`]), and
//! every change takes one way (`change`). Entered by [`Api::new`]; served by [`serve`] over sockets, and by [`Local`] within
//! the process.

mod aging;
mod audit;
mod automations;
mod calendars;
mod caller;
mod change;
mod documents;
mod edge;
mod exports;
mod failure;
mod health;
mod holds;
mod imports;
mod invoices;
mod jobs;
mod local;
mod log;
mod messages;
pub mod openapi;
mod organisation;
mod papers;
mod parameters;
mod plugins;
mod records;
mod request;
mod resource;
mod router;
mod rows;
mod runs;
mod sample;
mod serve;
mod tasks;
mod tokens;
mod upgrades;
mod why;

use std::sync::{Arc, OnceLock};

use bursar_db::Database;
use bursar_domain::office::Actor;
use bursar_worker::Worker;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use audit::{AutomationPermissions, Consent, GrantShown, TableRow};
pub use automations::{NewAutomation, Preview, Start};
pub use bursar_office::sample::SampleLoaded;
pub use caller::{Caller, TOKEN_PREFIX};
pub use documents::DocumentRevision;
pub use edge::REQUEST_ID_HEADER;
pub use failure::{Failure, ProblemDocument};
pub use health::{Health, Status};
pub use imports::FILE_BYTES_MAX as IMPORT_BYTES_MAX;
pub use jobs::{Job, JobResult, JobRows, JobState};
pub use local::{Local, Pieces};
pub use log::{CHECKPOINTS_MAX, CommitShown, VerificationAsked};
pub use messages::NewRendering;
pub use plugins::QuarantineShown;
pub use request::{FILE_BYTES_MAX, JSON_BYTES_MAX};
pub use resource::{COMMIT_HEADER, Page, Resource};
pub use rows::{ImageShown, RowShown};
pub use runs::{Report, Run, RunShown};
pub use serve::serve;
pub use tasks::{NewAnswer, NewAssignment, NewWithdrawal};
pub use tokens::{Me, TokenAsked, TokenShown};
pub use upgrades::{PluginVersion, UpgradeAsked, UpgradeShown};
pub use why::{EventExplained, TimerShown};

/// Most exports at once.
const EXPORTS_MAX: usize = 2;

/// Makes the worker when it is first needed: most local commands need none.
type MakeWorker = dyn Fn() -> Result<Worker, bursar_worker::Error> + Send + Sync;

/// The API of one database. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    worker: OnceLock<Worker>,
    make_worker: Box<MakeWorker>,
    jobs: jobs::Jobs,
    /// Room for exports: each keeps a reader of the database until its client has read all.
    exports: Arc<Semaphore>,
}

impl Api {
    /// The API of a database. `make_worker` is called when something is to be compiled or previewed first.
    pub fn new(
        database: Database,
        make_worker: impl Fn() -> Result<Worker, bursar_worker::Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                database,
                worker: OnceLock::new(),
                make_worker: Box::new(make_worker),
                jobs: jobs::Jobs::default(),
                exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            }),
        }
    }

    /// The API for callers within this process, in an administrator's name.
    pub fn local(&self, actor: Actor) -> Local {
        Local::new(self, Caller::local(actor))
    }

    /// Waits for the jobs that run.
    pub async fn close(&self) {
        self.inner.jobs.close().await;
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Room for one export, if there is any.
    pub(crate) fn export_room(&self) -> Option<OwnedSemaphorePermit> {
        self.inner.exports.clone().try_acquire_owned().ok()
    }

    pub(crate) fn jobs(&self) -> &jobs::Jobs {
        &self.inner.jobs
    }

    pub(crate) fn worker(&self) -> Result<Worker, Failure> {
        if let Some(worker) = self.inner.worker.get() {
            return Ok(worker.clone());
        }
        let worker = (self.inner.make_worker)()?;
        Ok(self.inner.worker.get_or_init(|| worker).clone())
    }
}
