//! How much work the expansion of schedules may be, in steps that are counted: whoever asks waits no longer than that.

use super::{Moment, Schedule, ScheduleError};

/// What one expansion may take where nobody says otherwise, in steps.
pub const EXPANSION_STEPS_MAX: u64 = 2_000_000;
/// Steps that an occurrence costs: two looks at a zone.
pub(super) const OCCURRENCE_STEPS: u64 = 4;

/// Steps that are left, for one expansion or for all those of a request.
///
/// A step is as much as looking at a day of a rule, a moment or a candidate: about a tenth of a microsecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    left: u64,
}

impl Budget {
    /// So many steps.
    pub fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// How many steps are left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Takes steps away; an error if there are not so many, and then nothing is left.
    pub fn spend(&mut self, steps: u64) -> Result<(), ScheduleError> {
        let left = self.left.checked_sub(steps);
        self.left = left.unwrap_or(0);
        left.map(drop).ok_or(ScheduleError::OverBudget)
    }

    /// Lets something have a part of what is left; what it spends is spent here too.
    pub fn lend<T>(
        &mut self,
        steps_max: u64,
        to: impl FnOnce(&mut Self) -> Result<T, ScheduleError>,
    ) -> Result<T, ScheduleError> {
        let lent = self.left.min(steps_max);
        let mut part = Self::new(lent);
        let done = to(&mut part);
        self.left = self.left.saturating_sub(lent.saturating_sub(part.left));
        done
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(EXPANSION_STEPS_MAX)
    }
}

impl Schedule {
    /// The steps that looking at all moments of the schedule takes.
    pub(super) fn moment_steps(&self) -> u64 {
        let recurrence = self.recurrence();
        let dates = [
            recurrence.added.len(),
            recurrence.excluded.len(),
            recurrence.overrides.len(),
        ];
        let dates = dates.into_iter().fold(1_usize, usize::saturating_add);
        u64::try_from(dates)
            .unwrap_or(u64::MAX)
            .saturating_mul(OCCURRENCE_STEPS)
    }

    /// The original start that an occurrence is named after, for ever: a day as it is written, whatever zone it is looked
    /// at from, and of anything else the instant.
    pub fn original_text(&self, original_start_us: i64, day_zone: &jiff::tz::TimeZone) -> String {
        let date = || crate::time::date_in_zone(original_start_us, day_zone).ok();
        match (self.period().start.is_day(), date()) {
            (true, Some(date)) => Moment::Day(date).to_string(),
            _ => crate::time::rfc3339(original_start_us),
        }
    }
}
