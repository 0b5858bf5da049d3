//! Claimed runs on their way to whoever asked for them.

use tokio::sync::mpsc::UnboundedSender;

use super::{ClaimedRun, QueueJob};

/// Claimed runs. Whoever asked may be gone before they arrive: not taken, they are given back to the queue.
#[derive(Debug, Default)]
pub(crate) struct ClaimedRuns {
    runs: Vec<ClaimedRun>,
    back: Option<UnboundedSender<QueueJob>>,
}

impl ClaimedRuns {
    pub(crate) fn of(runs: Vec<ClaimedRun>) -> Self {
        Self { runs, back: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Says where runs go that nobody takes.
    pub(crate) fn or_back_to(&mut self, back: &UnboundedSender<QueueJob>) {
        self.back = Some(back.clone());
    }

    pub(super) fn take(mut self) -> Vec<ClaimedRun> {
        std::mem::take(&mut self.runs)
    }
}

impl Drop for ClaimedRuns {
    fn drop(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let runs = self.runs.drain(..).map(|run| (run.run, run.fence));
        let job = QueueJob::HandBack(runs.collect());
        if let Some(back) = &self.back {
            // If nobody listens any more, their leases end by themselves.
            drop(back.send(job));
        }
    }
}
