//! The worker's loops: runs, leases, timers, deliveries.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bursar_db::ClaimedRun;

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::{
    Error, Inner, Worker,
    checkpoints::{CheckpointSettings, Checkpoints, Target},
    exchange::{Export, Inbox},
    execute::chain,
};

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

/// How something is done again and again: at once while there is more to do, else after a while.
struct Pace {
    what: &'static str,
    poll: Duration,
    stop: watch::Receiver<bool>,
    /// What was in the way the last time: it is told once.
    told: String,
}

impl Pace {
    fn goes_on(&self) -> bool {
        !*self.stop.borrow()
    }

    /// Rests, unless there was more to do.
    async fn after(&mut self, done: Result<bool, Error>) {
        let (more, cause) = match done {
            Ok(more) => (more, String::new()),
            Err(error) => (false, chain(&error)),
        };
        if !cause.is_empty() && cause != self.told {
            let what = self.what;
            tracing::error!(what, cause, "cannot go on for now");
        }
        self.told = cause;
        if !more {
            tokio::select! {
                () = tokio::time::sleep(self.poll) => {}
                _ = self.stop.changed() => {}
            }
        }
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
        let (calendars, tasks) = (self.clone(), self.clone());
        let mut pace = self.pace("timers", &stop);
        loops.spawn(async move {
            while pace.goes_on() {
                let fired = timers.fire_timers().await;
                pace.after(fired.map(|fired| fired > 0)).await;
            }
        });
        let mut pace = self.pace("tasks", &stop);
        loops.spawn(async move {
            while pace.goes_on() {
                let tended = tasks.tend_tasks().await;
                pace.after(tended.map(|tended| tended > 0)).await;
            }
        });
        let mut pace = self.pace("calendars", &stop);
        loops.spawn(async move {
            while pace.goes_on() {
                let fired = calendars.fire_occurrences().await;
                pace.after(fired.map(|fired| fired > 0)).await;
            }
        });
        let mut pace = self.pace("outbox", &stop);
        loops.spawn(async move {
            while pace.goes_on() {
                let tried = outbox.deliver_due().await;
                pace.after(tried.map(|tried| tried > 0)).await;
            }
        });
        if let Some(path) = &self.inner.settings.exchange {
            self.exchange(path, &stop, &mut loops)?;
        }
        if let Some(settings) = &self.inner.settings.checkpoints {
            self.checkpoints(settings, &stop, &mut loops);
        }
        loops.spawn(async move { runs.run_loop(stop).await });
        while let Some(ended) = loops.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Takes files in and writes others, until `stop` becomes true.
    fn exchange(
        &self,
        path: &Path,
        stop: &watch::Receiver<bool>,
        loops: &mut JoinSet<()>,
    ) -> Result<(), Error> {
        let database = &self.inner.database;
        let mut inbox = Inbox::open(database.clone(), path, self.inner.seed_key)?;
        let mut export = Export::open(database.clone(), path)?;
        let mut pace = self.pace("inbox", stop);
        loops.spawn(async move {
            while pace.goes_on() {
                let looked = inbox.look(std::time::Instant::now()).await;
                pace.after(looked).await;
            }
        });
        let mut pace = self.pace("export", stop);
        loops.spawn(async move {
            while pace.goes_on() {
                let looked = export.look().await;
                pace.after(looked).await;
            }
        });
        Ok(())
    }

    /// Signs where the log stands on an interval, until `stop` becomes true.
    fn checkpoints(
        &self,
        settings: &CheckpointSettings,
        stop: &watch::Receiver<bool>,
        loops: &mut JoinSet<()>,
    ) {
        let file = settings.file.clone().map(Target::File);
        let webhook = settings.webhook.clone().map(Target::webhook);
        for (what, target) in [("checkpoint file", file), ("checkpoint webhook", webhook)] {
            let Some(target) = target else { continue };
            let mut checkpoints = Checkpoints::new(self.inner.database.clone(), target);
            let mut pace = self.pace(what, stop);
            pace.poll = settings.interval;
            loops.spawn(async move {
                while pace.goes_on() {
                    let looked = checkpoints.look().await;
                    pace.after(looked).await;
                }
            });
        }
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

    fn pace(&self, what: &'static str, stop: &watch::Receiver<bool>) -> Pace {
        Pace {
            what,
            poll: self.inner.settings.poll,
            stop: stop.clone(),
            told: String::new(),
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
