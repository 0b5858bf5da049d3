//! Latencies in milliseconds, and what is said of many of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is said of many latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub ms_p50: f64,
    /// All but one in a hundred took no longer.
    pub ms_p99: f64,
}

impl Latency {
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self {
            ms_p50: percentile(&all, 50),
            ms_p99: percentile(&all, 99),
        }
    }
}

/// The smallest of them that so many of a hundred do not exceed; 0 of none.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let found = sorted.get(rank - 1).copied().unwrap_or_default();
    found.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_latencies() {
        let check = |ms: std::ops::RangeInclusive<u64>, p50: f64, p99: f64| {
            let latencies = ms.clone().rev().map(Duration::from_millis).collect();
            let expected = Latency {
                ms_p50: p50,
                ms_p99: p99,
            };
            assert_eq!(Latency::of(latencies), expected, "{ms:?}");
        };
        check(1..=100, 50.0, 99.0);
        check(1..=200, 100.0, 198.0);
        check(1..=3, 2.0, 3.0);
        check(7..=7, 7.0, 7.0);
        #[expect(clippy::reversed_empty_ranges, reason = "no latencies at all")]
        check(1..=0, 0.0, 0.0);
    }
}
