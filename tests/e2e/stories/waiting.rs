//! Waiting for what other processes do: always for a condition, never longer than [`WAIT_MAX`].

use std::time::{Duration, Instant};

/// Longest wait for one condition.
pub const WAIT_MAX: Duration = Duration::from_mins(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(
            started.elapsed() < WAIT_MAX,
            "waited {WAIT_MAX:?} in vain: {what}"
        );
        std::thread::park_timeout(PAUSE);
    }
}
