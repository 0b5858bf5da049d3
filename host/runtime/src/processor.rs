//! A run's time on a processor: what its thread spent on it, without what it waited for.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use crate::ending::LimitReached;

/// What one run spent so far.
pub struct Processor {
    allowed_ms: u64,
    spent: Mutex<Spent>,
}

struct Spent {
    before: Duration,
    /// The thread's time when the run got hold of it.
    since: Option<Duration>,
}

impl Processor {
    /// Nothing is spent yet.
    pub fn new(allowed_ms: u64) -> Self {
        Self {
            allowed_ms,
            spent: Mutex::new(Spent {
                before: Duration::ZERO,
                since: None,
            }),
        }
    }

    /// Counts the time in which a future is polled.
    pub async fn measure<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            self.lock().since = Some(of_thread());
            let polled = future.as_mut().poll(context);
            self.lock().rest();
            polled
        })
        .await
    }

    /// An error if more is spent than allowed. For the thread that polls.
    pub fn check(&self) -> Result<(), LimitReached> {
        let spent = self.lock().total().as_millis();
        LimitReached::check(
            "cpu_ms_max",
            self.allowed_ms,
            u64::try_from(spent).unwrap_or(u64::MAX),
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    fn total(&self) -> Duration {
        let now = self.since.map(|since| of_thread().saturating_sub(since));
        self.before.saturating_add(now.unwrap_or_default())
    }

    fn rest(&mut self) {
        self.before = self.total();
        self.since = None;
    }
}

/// What the calling thread has spent on processors since it began.
fn of_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}
