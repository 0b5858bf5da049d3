//! The worker's loops: runs, leases, timers, deliveries.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bursar_db::ClaimedRun;

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::{Error, Inner, Worker, execute::chain};

/// Most runs claimed at once.
const CLAIM_RUNS_MAX: usize = 64;
/// Claimed runs for each that is executed: others wait for their commit, or for their turn in the sandbox.
const CLAIMED_PER_EXECUTED: usize = 2;

/// Claims that wait in the committer: one goes along with a commit while the other's runs are begun.
const CLAIMS_WAITING: usize = 2;

/// Runs that hold a lease, with their fences.
#[derive(Default)]
struct Active {
    runs: Mutex<HashMap<String, i64>>,
}

/// One run among the active ones, until dropped: also by a panic, so that its lease ends.
struct Held {
    active: Arc<Active>,
    run: String,
    fence: i64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut runs = self.active.lock();
        if runs.get(&self.run) == Some(&self.fence) {
            runs.remove(&self.run);
        }
    }
}

impl Active {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(self: &Arc<Self>, claimed: &ClaimedRun) -> Held {
        self.lock().insert(claimed.run.clone(), claimed.fence);
        Held {
            active: self.clone(),
            run: claimed.run.clone(),
            fence: claimed.fence,
        }
    }

    fn list(&self) -> Vec<(String, i64)> {
        let runs = self.lock();
        runs.iter()
            .map(|(run, fence)| (run.clone(), *fence))
            .collect()
    }
}

/// Claimed runs on their way to their end, and their leases.
struct Claimed {
    inner: Arc<Inner>,
    active: Arc<Active>,
    tasks: JoinSet<()>,
    renewed: Instant,
}

impl Claimed {
    fn none(inner: &Arc<Inner>) -> Self {
        Self {
            inner: inner.clone(),
            active: Arc::default(),
            tasks: JoinSet::new(),
            renewed: Instant::now(),
        }
    }

    fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How many runs to claim beside those at hand: none before half of the room is free, since every claim costs a
    /// commit's company.
    fn room(&self) -> usize {
        let executed = self.inner.settings.concurrency_max.max(1);
        let all = executed.saturating_mul(CLAIMED_PER_EXECUTED);
        let free = all.saturating_sub(self.tasks.len());
        if free < all.div_ceil(2) {
            return 0;
        }
        free.min(CLAIM_RUNS_MAX)
    }

    /// Claims as many runs as there is room for, and lets them go; gives how many.
    async fn claim(&mut self) -> Result<usize, Error> {
        let room = self.room();
        if room == 0 {
            return Ok(0);
        }
        let lease_us = micros(self.inner.settings.lease);
        let claimed = self.inner.database.claim(room, lease_us).await?;
        let count = claimed.len();
        self.begin(claimed);
        Ok(count)
    }

    fn begin(&mut self, claimed: Vec<ClaimedRun>) {
        for claimed in claimed {
            let (inner, held) = (self.inner.clone(), self.active.hold(&claimed));
            self.tasks.spawn(async move {
                inner.run(claimed).await;
                drop(held);
            });
        }
    }

    /// Waits until a run has ended, if there is any, and renews leases meanwhile.
    async fn ended(&mut self) -> Result<(), Error> {
        let pause = self.inner.settings.lease / 3;
        loop {
            let left = pause.saturating_sub(self.renewed.elapsed());
            match timeout(left, self.tasks.join_next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(ended)) => return Ok(ended?),
                Err(_) => self.renew().await,
            }
        }
    }

    async fn renew(&mut self) {
        let runs = self.active.list();
        let lease_us = micros(self.inner.settings.lease);
        if !runs.is_empty()
            && let Err(error) = self.inner.database.extend(runs, lease_us).await
        {
            tracing::warn!(cause = chain(&error), "leases cannot be renewed");
        }
        // Not before: whoever waits for it may turn to something else.
        self.renewed = Instant::now();
    }
}

/// Claims that wait in the committer, each with how many runs it is for.
#[derive(Default)]
struct Claims {
    waiting: JoinSet<(usize, Result<Vec<ClaimedRun>, bursar_db::Error>)>,
    /// How many runs they are for.
    asked: usize,
    /// None is asked for until the next look.
    have_failed: bool,
}

impl Claims {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Asks for as many runs as there is room for.
    fn wait_for(&mut self, worker: &Worker, room: usize) {
        while !self.have_failed && self.waiting.len() < CLAIMS_WAITING && room > self.asked {
            let left = room - self.asked;
            let limit = left.div_ceil(CLAIMS_WAITING - self.waiting.len());
            self.asked += limit;
            let database = worker.inner.database.clone();
            let lease_us = micros(worker.inner.settings.lease);
            self.waiting
                .spawn(async move { (limit, database.claim_next(limit, lease_us).await) });
        }
    }

    /// The runs of the next claim that is answered.
    async fn next(&mut self) -> Vec<ClaimedRun> {
        let answered = self.waiting.join_next().await;
        if self.is_empty() {
            self.asked = 0;
        }
        // A claim that was cut off has nothing to tell.
        let Some(Ok((limit, answered))) = answered else {
            return Vec::new();
        };
        self.asked = self.asked.saturating_sub(limit);
        answered.unwrap_or_else(|error| {
            tracing::error!(cause = chain(&error), "runs cannot be claimed");
            self.have_failed = true;
            Vec::new()
        })
    }

    /// Those that were answered; the others claim nothing any more.
    async fn end(mut self) -> Vec<Vec<ClaimedRun>> {
        self.waiting.abort_all();
        let mut answered = Vec::new();
        while !self.is_empty() {
            answered.push(self.next().await);
        }
        answered
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
        let mut at_hand = Claimed::none(&self.inner);
        let mut executed = 0;
        loop {
            executed += at_hand.claim().await?;
            if at_hand.is_empty() {
                return Ok(executed);
            }
            while !at_hand.is_empty() {
                at_hand.ended().await?;
                if at_hand.room() > 0 {
                    break;
                }
            }
        }
    }

    async fn run_loop(&self, mut stop: watch::Receiver<bool>) {
        let poll = self.inner.settings.poll;
        let mut at_hand = Claimed::none(&self.inner);
        let mut looks = interval(poll);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut claims = Claims::default();
        while !*stop.borrow() {
            claims.wait_for(self, at_hand.room());
            tokio::select! {
                claimed = claims.next(), if !claims.is_empty() => at_hand.begin(claimed),
                ended = at_hand.ended(), if !at_hand.is_empty() => note(ended),
                _ = looks.tick() => {
                    claims.have_failed = false;
                    // If that fails the claims say so.
                    drop(self.inner.database.look_for_due().await);
                }
                _ = stop.changed() => {}
            }
        }
        for claimed in claims.end().await {
            at_hand.begin(claimed);
        }
        while !at_hand.is_empty() {
            note(at_hand.ended().await);
        }
    }

    /// Does something again and again: at once while there is more to do, else after a while.
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

/// Says that a run's task ended by a panic; the run's lease ends by itself.
fn note(ended: Result<(), Error>) {
    if let Err(error) = ended {
        tracing::error!(cause = chain(&error), "a run ended unexpectedly");
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
