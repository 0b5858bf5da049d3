//! Who waits for the end of which run, within this process, and how it ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bursar_domain::{row::Seq, run::QueuedRun};
use serde_json::Value;
use tokio::sync::watch;

use crate::queue::{RunRecord, RunState};

type Waited = HashMap<String, watch::Sender<Option<RunEnded>>>;

/// The runs that somebody waits for.
#[derive(Clone, Default)]
pub(crate) struct Ends(Arc<Mutex<Waited>>);

/// How a run ended: its columns as its commit leaves them.
#[derive(Clone, Debug)]
pub struct RunEnded {
    /// Where it stands.
    pub state: RunState,
    /// The commit that settled it.
    pub seq: Seq,
    /// Tries.
    pub attempt: i64,
    /// Its clock, in microseconds UTC.
    pub clock_us: i64,
    /// Outcome, logs and usage.
    pub report: Value,
}

/// A wait for the end of one run: dropped, it is over.
pub struct EndOfRun {
    run: String,
    told: Option<watch::Receiver<Option<RunEnded>>>,
    ends: Ends,
}

impl Ends {
    fn lock(&self) -> MutexGuard<'_, Waited> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_for(&self, run: &str) -> EndOfRun {
        let told = self.lock().entry(run.to_owned()).or_default().subscribe();
        EndOfRun {
            run: run.to_owned(),
            told: Some(told),
            ends: self.clone(),
        }
    }

    /// Says that a run has ended, and how, if somebody waits for it.
    pub(crate) fn tell(&self, run: &str, how: impl FnOnce() -> Option<RunEnded>) {
        if let Some(told) = self.lock().get(run) {
            told.send_replace(how());
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

impl EndOfRun {
    /// Waits until this process has settled the run, since the wait was begun.
    pub async fn told(&mut self) -> RunEnded {
        if let Some(told) = &mut self.told
            && let Ok(told) = told.wait_for(Option::is_some).await
            && let Some(ended) = &*told
        {
            return ended.clone();
        }
        std::future::pending().await
    }
}

impl RunEnded {
    /// The run as people look at it.
    pub fn record(self, run: &str, queued_seq: Seq, queued: QueuedRun) -> RunRecord {
        RunRecord {
            id: run.to_owned(),
            queued_seq,
            automation: queued.automation.clone(),
            state: self.state,
            attempt: self.attempt,
            clock_us: self.clock_us,
            due_us: None,
            settled_seq: Some(self.seq),
            queued,
            report: self.report,
        }
    }
}

impl Drop for EndOfRun {
    fn drop(&mut self) {
        let mut waited_for = self.ends.lock();
        // Counted while nobody else can begin or end a wait.
        drop(self.told.take());
        if let Some(told) = waited_for.get(&self.run)
            && told.is_closed()
        {
            waited_for.remove(&self.run);
        }
    }
}
