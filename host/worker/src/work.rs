//! The worker's loops: runs, leases, timers, deliveries.

use std::{collections::HashMap, sync::Mutex, sync::PoisonError, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{Error, Worker, execute::chain};

/// Most runs claimed at once.
const CLAIM_RUNS_MAX: usize = 64;
/// Claimed runs for each that is executed: others wait for their commit, or for their turn in the sandbox.
const CLAIMED_PER_EXECUTED: usize = 2;

/// Runs that are being executed, with their fences.
#[derive(Default)]
struct Active {
    runs: Mutex<HashMap<String, i64>>,
}

/// One run among the active ones, until dropped.
struct Held {
    active: std::sync::Arc<Active>,
    run: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.active.remove(&self.run);
    }
}

impl Active {
    fn add(&self, run: &str, fence: i64) {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(run.to_owned(), fence);
    }

    fn remove(&self, run: &str) {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(run);
    }

    fn list(&self) -> Vec<(String, i64)> {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(run, fence)| (run.clone(), *fence))
            .collect()
    }
}

impl Worker {
    /// Works until `stop` becomes true; runs that have begun are finished first.
    pub async fn work(&self, stop: watch::Receiver<bool>) -> Result<(), Error> {
        let mut loops = JoinSet::new();
        let (runs, timers, outbox) = (self.clone(), self.clone(), self.clone());
        let (stop_runs, stop_timers, stop_outbox) = (stop.clone(), stop.clone(), stop);
        loops.spawn(async move { runs.run_loop(stop_runs).await });
        loops.spawn(async move {
            timers
                .repeat(stop_timers, "timers", async |worker| {
                    worker.fire_timers().await.map(|fired| fired > 0)
                })
                .await;
        });
        loops.spawn(async move {
            outbox
                .repeat(stop_outbox, "outbox", async |worker| {
                    worker.deliver_due().await.map(|tried| tried > 0)
                })
                .await;
        });
        while let Some(ended) = loops.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Works until neither a run nor a message is due.
    pub async fn work_off(&self) -> Result<(), Error> {
        loop {
            let executed = self.work_off_runs().await?;
            let delivered = self.deliver_due().await?;
            if executed + delivered == 0 {
                return Ok(());
            }
        }
    }

    /// Executes runs until none is due; gives how many.
    pub async fn work_off_runs(&self) -> Result<usize, Error> {
        let lease_us = micros(self.inner.settings.lease);
        let mut tasks = JoinSet::new();
        let mut executed = 0;
        loop {
            let room = self.room(tasks.len());
            let claimed = self.inner.database.claim(room, lease_us).await?;
            if claimed.is_empty() && tasks.is_empty() {
                return Ok(executed);
            }
            executed += claimed.len();
            for claimed in claimed {
                let inner = self.inner.clone();
                tasks.spawn(async move { inner.run(claimed).await });
            }
            while let Some(ended) = tasks.join_next().await {
                ended?;
                if self.room(tasks.len()) > 0 {
                    break;
                }
            }
        }
    }

    /// How many runs to claim beside those at hand: none before half of the room is free, since every claim costs a
    /// commit's company.
    fn room(&self, at_hand: usize) -> usize {
        let all = self
            .inner
            .settings
            .concurrency_max
            .max(1)
            .saturating_mul(CLAIMED_PER_EXECUTED);
        let free = all.saturating_sub(at_hand);
        if free < all.div_ceil(2) {
            return 0;
        }
        free.min(CLAIM_RUNS_MAX)
    }

    async fn run_loop(&self, mut stop: watch::Receiver<bool>) {
        let (lease, poll) = (self.inner.settings.lease, self.inner.settings.poll);
        let active = std::sync::Arc::new(Active::default());
        let mut tasks: JoinSet<()> = JoinSet::new();
        let mut renewed = tokio::time::Instant::now();
        while !*stop.borrow() {
            if renewed.elapsed() > lease / 3 {
                renewed = tokio::time::Instant::now();
                self.renew(&active, lease).await;
            }
            let claimed = match self.room(tasks.len()) {
                0 => Ok(Vec::new()),
                room => self.inner.database.claim(room, micros(lease)).await,
            };
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::error!(cause = chain(&error), "runs cannot be claimed");
                Vec::new()
            });
            let idle = claimed.is_empty();
            for claimed in claimed {
                active.add(&claimed.run, claimed.fence);
                let (inner, active) = (self.inner.clone(), active.clone());
                tasks.spawn(async move {
                    // Dropped also by a panic, so that the lease ends.
                    let _held = Held {
                        active,
                        run: claimed.run.clone(),
                    };
                    inner.run(claimed).await;
                });
            }
            if idle {
                tokio::select! {
                    () = self.inner.database.committed(), if tasks.is_empty() => {}
                    Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                    () = tokio::time::sleep(poll) => {}
                    _ = stop.changed() => {}
                }
            }
            while tasks.try_join_next().is_some() {}
        }
        while !tasks.is_empty() {
            if timeout(lease / 3, tasks.join_next()).await.is_err() {
                self.renew(&active, lease).await;
            }
        }
    }

    async fn renew(&self, active: &Active, lease: Duration) {
        let runs = active.list();
        if !runs.is_empty()
            && let Err(error) = self.inner.database.extend(runs, micros(lease)).await
        {
            tracing::warn!(cause = chain(&error), "leases cannot be renewed");
        }
    }

    /// Does something again and again: at once while there is more to do, else when woken or after a while.
    async fn repeat(
        &self,
        mut stop: watch::Receiver<bool>,
        what: &str,
        once: impl AsyncFn(&Self) -> Result<bool, Error>,
    ) {
        while !*stop.borrow() {
            let more = once(self).await.unwrap_or_else(|error| {
                tracing::error!(what, cause = chain(&error), "cannot go on for now");
                false
            });
            if !more {
                tokio::select! {
                    () = tokio::time::sleep(self.inner.settings.poll) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
