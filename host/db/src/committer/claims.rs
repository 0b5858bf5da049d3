//! Claims that wait in the committer until runs are due, and what they are answered with.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bursar_domain::row::{Kind, Seq};
use tokio::sync::mpsc;

use super::Reply;
use crate::{
    adapter::Tx,
    decide::{LoggedChange, WorkingSet},
    error::Error,
    queue::{ClaimedRun, ClaimedRuns, QueueAnswer, QueueJob, perform},
    seal::Keys,
};

/// Runs that were handed out in vain and are remembered. One that is not may be executed twice, and is settled once.
const LOST_MAX: usize = 10_000;

/// A claim that waits until it finds something.
pub(super) struct Claim {
    pub limit: usize,
    pub lease_us: i64,
    pub reply: Reply<ClaimedRuns>,
}

/// The claims that wait.
pub(super) struct Claims {
    waiting: Vec<Claim>,
    /// Runs may have become due since a claim last found no more.
    may_be_due: bool,
    /// Runs that were handed out before their commit, with their fences.
    handed_out: Vec<(Arc<str>, i64)>,
    /// Those whose commit failed: queued again, they need a higher fence.
    lost: HashMap<Arc<str>, i64>,
    /// For claimed runs that nobody takes.
    back: mpsc::UnboundedSender<QueueJob>,
}

/// What a group's transaction does for the claims that wait; it holds as soon as that is committed.
pub(super) struct Served {
    /// For those that have waited longest.
    answers: Vec<ClaimedRuns>,
    may_be_due: bool,
}

impl Claims {
    pub(super) fn none(back: mpsc::UnboundedSender<QueueJob>) -> Self {
        Self {
            waiting: Vec::new(),
            may_be_due: true,
            handed_out: Vec::new(),
            lost: HashMap::new(),
            back,
        }
    }

    pub(super) fn add(&mut self, claim: Claim) {
        self.waiting.push(claim);
    }

    /// Time may have made runs due, or others may have queued some.
    pub(super) fn look(&mut self) {
        self.may_be_due = true;
    }

    /// How many there are; those that nobody waits for any more are forgotten.
    pub(super) fn count(&mut self) -> usize {
        self.waiting.retain(|claim| !claim.reply.is_closed());
        self.waiting.len()
    }

    /// Whether one of them may find something now.
    pub(super) fn may_find(&mut self) -> bool {
        self.may_be_due && self.count() > 0
    }

    /// Whether they wait for what comes next: nothing is due now.
    pub(super) fn wait_for_new(&mut self) -> bool {
        !self.may_be_due && self.count() > 0
    }

    pub(super) fn fail(&mut self, error: &Error) {
        for claim in self.waiting.drain(..) {
            drop(claim.reply.send(Err(error.clone())));
        }
    }

    /// Claims the runs that a group queues, as it queues them, if nothing else is due.
    ///
    /// Runs that read nothing of what the group writes are handed out at once: they are executed while the disk is waited
    /// for. Nothing comes of a run before it is settled, in a later group; if this one is not committed they are not
    /// running, and settling them is refused.
    pub(super) fn serve_new(&mut self, set: &mut WorkingSet, now_us: i64) -> Result<Served, Error> {
        let changes = &set.written.changes;
        let fence = |id: &Arc<str>| Some((id.clone(), *self.lost.get(id)?));
        let ids = changes.iter().map(|row| &row.change.key.id);
        set.written.fences = ids.filter_map(fence).collect();
        let fences = &set.written.fences;
        let lifts_stop = changes
            .iter()
            .any(|row| row.change.key.kind == Kind::Control);
        let mut new = changes
            .iter()
            .filter(|row| row.change.key.kind == Kind::Run)
            .peekable();
        let mut served = Served {
            answers: Vec::new(),
            may_be_due: self.may_be_due || lifts_stop || new.peek().is_some(),
        };
        if !set.claims_new || lifts_stop {
            return Ok(served);
        }
        let with_data: HashSet<Seq> = changes
            .iter()
            .filter(|row| is_data(row))
            .map(|row| row.seq)
            .collect();
        let mut claimed = Vec::new();
        while new.peek().is_some()
            && let Some(claim) = self.waiting.get(served.answers.len())
        {
            let until_us = now_us.saturating_add(claim.lease_us);
            let mut waits_for_data = false;
            let mut runs: Vec<ClaimedRun> = Vec::new();
            for row in new.by_ref().take(claim.limit) {
                waits_for_data |= with_data.contains(&row.seq);
                claimed.push((row.change.key.id.clone(), until_us));
                runs.push(ClaimedRun::new(row, fences)?);
            }
            if waits_for_data {
                served.answers.push(ClaimedRuns::of(runs));
            } else {
                let fences = runs.iter().map(|run| (Arc::from(&*run.run), run.fence));
                self.handed_out.extend(fences);
                let claim = self.waiting.remove(served.answers.len());
                self.answer(claim, ClaimedRuns::of(runs));
            }
        }
        served.may_be_due = new.peek().is_some();
        set.written.claimed.extend(claimed);
        Ok(served)
    }

    /// Claims whatever is due for those that still wait.
    pub(super) async fn serve_due(
        &self,
        tx: &mut Tx,
        keys: &Keys,
        served: &mut Served,
        now_us: i64,
    ) -> Result<(), Error> {
        while served.may_be_due
            && let Some(claim) = self.waiting.get(served.answers.len())
        {
            let job = QueueJob::Claim {
                limit: claim.limit,
                lease_us: claim.lease_us,
            };
            let answer = perform(tx, keys, &job, now_us).await?;
            served.note(&answer);
            served.answers.push(answer.claimed);
        }
        Ok(())
    }

    /// The group is not committed.
    pub(super) fn roll_back(&mut self) {
        if self.lost.len() > LOST_MAX {
            self.lost.clear();
        }
        self.lost.extend(self.handed_out.drain(..));
    }

    /// The group is committed, and with it the fences of runs that were lost before.
    pub(super) fn settle(&mut self, served: Served, fences: &HashMap<Arc<str>, i64>) {
        self.handed_out.clear();
        for run in fences.keys() {
            self.lost.remove(run);
        }
        self.may_be_due = served.may_be_due;
        let rest = self.waiting.split_off(served.answers.len());
        let waited = std::mem::replace(&mut self.waiting, rest);
        for (claim, runs) in waited.into_iter().zip(served.answers) {
            if runs.is_empty() {
                self.waiting.push(claim);
            } else {
                self.answer(claim, runs);
            }
        }
    }

    fn answer(&self, claim: Claim, mut runs: ClaimedRuns) {
        runs.or_back_to(&self.back);
        drop(claim.reply.send(Ok(runs)));
    }
}

impl Served {
    /// Takes note of what a queue job leaves.
    pub(super) fn note(&mut self, answer: &QueueAnswer) {
        self.may_be_due = answer.leaves_due.unwrap_or(self.may_be_due);
    }
}

/// Whether a guest could read it: what the host notes for itself is not.
fn is_data(row: &LoggedChange) -> bool {
    !matches!(row.change.key.kind, Kind::Run | Kind::Timer | Kind::Effect)
}
