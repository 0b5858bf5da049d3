//! A run's life: match triggers, claim, execute, settle, deliver. And files that become documents, and documents files.
//!
//! Knows neither SQL nor wasmtime nor what a plugin's calls mean: it moves runs between the database, the sandbox and the
//! outbox. Entered by [`Worker::new`]; [`Worker::work`] goes on until it is told to stop, [`Worker::work_off`] until
//! nothing is due, [`Worker::preview`] executes without proposing, [`Worker::upcoming`] and [`Worker::explain`] tell what
//! will start runs and why something did not.

mod checkpoints;
mod deliver;
mod error;
mod exchange;
mod execute;
mod explain;
mod occurrences;
mod prepare;
mod preview;
mod propose;
mod tasks;
#[cfg(test)]
mod tests;
mod timers;
mod timetable;
mod turns;
mod upcoming;
mod work;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use bursar_db::Database;
use bursar_runtime::Runtime;

pub use checkpoints::CheckpointSettings;
pub use deliver::{SmtpSettings, Transport};
pub use error::Error;
pub use explain::{Answer, Asked, EXPLAINED_MAX, Explained, Explanation, Question};
pub use preview::Preview;
pub use upcoming::Upcoming;

use prepare::Preparations;
use timers::Told;
use turns::Turns;

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Runs executed at once.
    pub concurrency_max: usize,
    /// How long a claimed run is this worker's before another may take it.
    pub lease: Duration,
    /// How long claimed messages are this worker's: a mail server may take its time.
    pub message_lease: Duration,
    /// How often queues and timers are looked at when nothing wakes the worker.
    pub poll: Duration,
    /// Longest time that a starved run may hold up the others.
    pub turn_max: Duration,
    /// The folder whose `inbox` and `export` are folders of documents; without it neither is looked at.
    pub exchange: Option<PathBuf>,
    /// Where signed checkpoints go, and how often; without it none are made by themselves.
    pub checkpoints: Option<CheckpointSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency_max: 32,
            lease: Duration::from_mins(2),
            message_lease: Duration::from_mins(5),
            poll: Duration::from_secs(1),
            turn_max: Duration::from_secs(10),
            exchange: None,
            checkpoints: None,
        }
    }
}

/// Executes runs and delivers messages of one database. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    runtime: Runtime,
    settings: Settings,
    transport: Transport,
    seed_key: [u8; 32],
    preparations: Preparations,
    turns: Turns,
    /// When calendars were looked at for occurrences that are due, in microseconds UTC.
    calendars_seen_us: AtomicI64,
    timers_told: Told,
    occurrences_told: Told,
}

impl Worker {
    /// A worker on a database. `seed_key` makes runs repeatable: the same key gives the same ids again.
    pub fn new(
        database: Database,
        runtime: Runtime,
        transport: Transport,
        seed_key: [u8; 32],
        settings: Settings,
    ) -> Self {
        let turns = Turns::new(settings.turn_max);
        let inner = Inner {
            database,
            runtime,
            settings,
            transport,
            seed_key,
            preparations: Preparations::default(),
            turns,
            calendars_seen_us: AtomicI64::new(i64::MIN),
            timers_told: Told::default(),
            occurrences_told: Told::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}
