//! One thing done in two ways, by turns: by the host, and by what it is held against.

use serde::Serialize;

use crate::summary::{Bar, Bound, median, to_places};

/// One round.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pair {
    /// By the host.
    pub ours_ms: f64,
    /// By what it is held against.
    pub theirs_ms: f64,
}

impl Pair {
    /// Before anything was done.
    pub const NOTHING: Self = Self {
        ours_ms: 0.0,
        theirs_ms: 0.0,
    };
}

/// What is compared, and how the ratio may be.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// In the summary.
    pub name: &'static str,
    /// The two things that make the ratio.
    pub what: &'static str,
    /// What the figures are of, on the terminal.
    pub ours: &'static str,
    pub theirs: &'static str,
    pub bound: Bound,
    pub note: &'static str,
}

/// What came of the rounds: each figure is the middle one of them.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    #[serde(skip)]
    pub subject: Subject,
    /// How much was done in each round.
    pub count: usize,
    pub ours_ms: f64,
    pub theirs_ms: f64,
    /// The middle one of the rounds' ratios: what lies within a round was under the same load.
    pub ratio: f64,
    wanted: String,
    note: &'static str,
    rounds: Vec<Pair>,
}

impl Compared {
    pub fn new(subject: Subject, count: usize, rounds: Vec<Pair>) -> Self {
        let middle = |of: &dyn Fn(&Pair) -> f64| median(rounds.iter().map(of).collect());
        let ratio = match subject.bound {
            // Of rates: what takes half as long has twice the rate.
            Bound::AtLeast(_) | Bound::Unbounded => middle(&|pair| pair.theirs_ms / pair.ours_ms),
            Bound::AtMost(_) => middle(&|pair| pair.ours_ms / pair.theirs_ms),
        };
        Self {
            subject,
            count,
            ours_ms: to_places(middle(&|pair| pair.ours_ms)),
            theirs_ms: to_places(middle(&|pair| pair.theirs_ms)),
            ratio: to_places(ratio),
            wanted: subject.bound.to_string(),
            note: subject.note,
            rounds,
        }
    }

    pub fn name(&self) -> &'static str {
        self.subject.name
    }

    pub fn bar(&self) -> Bar {
        Bar {
            what: self.subject.what,
            found: self.ratio,
            bound: self.subject.bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_middle_of_those_of_the_rounds() {
        let check = |bound, expected: f64, held| {
            let pair = |ours_ms, theirs_ms| Pair { ours_ms, theirs_ms };
            let rounds = vec![pair(2.0, 1.0), pair(90.0, 30.0), pair(4.0, 1.0)];
            let subject = Subject {
                name: "this",
                what: "this / that",
                ours: "this",
                theirs: "that",
                bound,
                note: "",
            };
            let compared = Compared::new(subject, 1, rounds);
            assert!((compared.ratio - expected).abs() < 1e-9, "{compared:?}");
            assert_eq!(compared.bar().is_held(), held, "{compared:?}");
        };
        check(Bound::AtMost(3.0), 3.0, true);
        check(Bound::AtMost(2.9), 3.0, false);
        check(Bound::AtLeast(0.3), 0.333, true);
        check(Bound::AtLeast(0.4), 0.333, false);
    }
}
