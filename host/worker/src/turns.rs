//! Turns: a run that others keep overtaking gets the committer to itself, for a limited time.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Executions without success after which a run gets a turn.
pub(crate) const EXECUTIONS_BEFORE_TURN: u32 = 3;
const PERMITS: u32 = 1 << 16;

/// Everyone who proposes holds one permit; a turn holds them all. The queue is fair.
pub(crate) struct Turns {
    permits: Arc<Semaphore>,
    turn_max: Duration,
}

/// Held while proposing; dropped, it lets the others on.
pub(crate) enum Turn {
    /// One of many.
    Shared {
        _permit: Option<OwnedSemaphorePermit>,
    },
    /// All of them, held by a task that ends with this sender or when the time is up.
    Alone {
        _until: tokio::sync::oneshot::Sender<()>,
    },
}

impl Turns {
    pub(crate) fn new(turn_max: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(PERMITS as usize)),
            turn_max,
        }
    }

    /// Waits while another run has the turn.
    pub(crate) async fn join(&self) -> Turn {
        Turn::Shared {
            _permit: self.permits.clone().acquire_owned().await.ok(),
        }
    }

    /// Waits until nobody proposes, then keeps everyone out until the turn is dropped or its time is up.
    pub(crate) async fn take(&self) -> Turn {
        let all = self.permits.clone().acquire_many_owned(PERMITS).await.ok();
        let (until, ended) = tokio::sync::oneshot::channel::<()>();
        let turn_max = self.turn_max;
        // The permits live in a task of their own, so that the limit holds whatever the run does.
        tokio::spawn(async move {
            let _ = tokio::time::timeout(turn_max, ended).await;
            drop(all);
        });
        Turn::Alone { _until: until }
    }
}
