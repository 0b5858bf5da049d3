//! Free and busy time of calendars, and slots in which everybody is free and at work.
//!
//! Works on windows of instants; knows no titles and no clock. Entered by [`busy`], [`free`] and [`find_slots`].

use jiff::ToSpan as _;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use crate::business::BusinessCalendar;
use crate::schedule::{Budget, Schedule, ScheduleError, Window};
use crate::time;

/// Longest window that is looked at, in days.
pub const WINDOW_DAYS_MAX: i64 = 400;
/// Most people that a slot is looked for.
pub const ATTENDEES_MAX: usize = 50;
/// Most slots of one search.
pub const SLOTS_MAX: usize = 100;
/// Most shifts of one person's week.
pub const SHIFTS_MAX: usize = 50;

const DAY_US: i64 = 86_400_000_000;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AvailabilityError {
    /// The window ends before it starts or is longer than [`WINDOW_DAYS_MAX`].
    #[error("a window ends no earlier than it starts and has at most {WINDOW_DAYS_MAX} days")]
    Window,
    /// More than [`ATTENDEES_MAX`], [`SLOTS_MAX`] or [`SHIFTS_MAX`].
    #[error("at most {ATTENDEES_MAX} attendees, {SLOTS_MAX} slots and {SHIFTS_MAX} shifts")]
    TooMany,
    /// A slot of no length, or a buffer of less than none.
    #[error("a slot takes time, and a buffer is not negative")]
    Length,
    /// A schedule cannot be expanded.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A time lies beyond the years that instants have.
    #[error("a time is out of range")]
    OutOfRange,
}

/// The time within a window that some schedules take: merged, rising, never touching.
pub fn busy<'a>(
    schedules: impl IntoIterator<Item = &'a Schedule>,
    within: Window,
    day_zone: &TimeZone,
    budget: &mut Budget,
) -> Result<Vec<Window>, AvailabilityError> {
    check_window(within)?;
    taken(schedules, within, day_zone, budget)
}

/// As [`busy`], within a window whose length nobody checks: only the budget bounds it.
pub fn taken<'a>(
    schedules: impl IntoIterator<Item = &'a Schedule>,
    within: Window,
    day_zone: &TimeZone,
    budget: &mut Budget,
) -> Result<Vec<Window>, AvailabilityError> {
    let mut taken = Vec::new();
    for schedule in schedules {
        let occurrences = schedule.expand_overlapping(within, day_zone, budget)?;
        let windows = occurrences.iter();
        taken.extend(windows.map(|one| Window {
            start_us: one.start_us,
            end_us: one.end_us,
        }));
        // Kept small while it is gathered: calendars overlap more than not.
        taken = merged(taken, within);
    }
    Ok(taken)
}

/// The time within a window that is not busy; together they are the window.
pub fn free(busy: &[Window], within: Window) -> Vec<Window> {
    let mut start_us = within.start_us;
    let mut free = Vec::new();
    let end = Window {
        start_us: within.end_us,
        end_us: within.end_us,
    };
    for taken in merged(busy.to_vec(), within).into_iter().chain([end]) {
        if start_us < taken.start_us {
            free.push(Window {
                start_us,
                end_us: taken.start_us,
            });
        }
        start_us = taken.end_us;
    }
    free
}

/// Windows cut to one, sorted, those that overlap or touch made one, empty ones left away.
pub fn merged(mut windows: Vec<Window>, within: Window) -> Vec<Window> {
    windows.sort_unstable();
    let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        let start_us = window.start_us.max(within.start_us);
        let end_us = window.end_us.min(within.end_us);
        match merged.last_mut() {
            _ if start_us >= end_us => {}
            Some(last) if start_us <= last.end_us => last.end_us = last.end_us.max(end_us),
            _ => merged.push(Window { start_us, end_us }),
        }
    }
    merged
}

/// Refuses a window that nothing is looked for in.
pub fn check_window(window: Window) -> Result<(), AvailabilityError> {
    let length_us = window.end_us.checked_sub(window.start_us);
    let is_within =
        |length_us: &i64| (0..=WINDOW_DAYS_MAX.saturating_mul(DAY_US)).contains(length_us);
    length_us
        .filter(is_within)
        .map(|_| ())
        .ok_or(AvailabilityError::Window)
}

/// Working time on one day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// The day that it begins on.
    pub weekday: Weekday,
    /// When it begins.
    pub from: Time,
    /// When it ends; on the next day if that is not after its begin.
    pub to: Time,
}

/// When somebody works.
#[derive(Debug, Clone)]
pub struct WorkingHours {
    /// Where the clock hangs that the shifts are read from.
    pub zone: TimeZone,
    /// The shifts of a week.
    pub shifts: Vec<Shift>,
    /// Days without work; none works on every day that has a shift.
    pub calendar: Option<BusinessCalendar>,
}

impl WorkingHours {
    /// The working time within a window.
    pub fn within(&self, window: Window) -> Result<Vec<Window>, AvailabilityError> {
        check_window(window)?;
        if self.shifts.len() > SHIFTS_MAX {
            return Err(AvailabilityError::TooMany);
        }
        let date = |at_us| {
            time::date_in_zone(at_us, &self.zone).map_err(|_| AvailabilityError::OutOfRange)
        };
        let out_of_range = |_| AvailabilityError::OutOfRange;
        // The shift of the night before reaches into the window.
        let first = date(window.start_us)?.yesterday().map_err(out_of_range)?;
        let last = date(window.end_us)?;
        let is_open = |date: &Date| {
            self.calendar
                .as_ref()
                .is_none_or(|calendar| calendar.is_open(*date))
        };
        let dates = first
            .series(1.day())
            .take_while(|date| *date <= last)
            .filter(is_open);
        let mut work = Vec::new();
        for date in dates {
            let shifts = self
                .shifts
                .iter()
                .filter(|shift| shift.weekday == date.weekday());
            for shift in shifts {
                work.push(self.on(date, *shift).ok_or(AvailabilityError::OutOfRange)?);
            }
        }
        Ok(merged(work, window))
    }

    fn on(&self, date: Date, shift: Shift) -> Option<Window> {
        let end_date = if shift.to > shift.from {
            date
        } else {
            date.tomorrow().ok()?
        };
        let start_us = time::wall_to_instant(date.to_datetime(shift.from), &self.zone)?;
        let end_us = time::wall_to_instant(end_date.to_datetime(shift.to), &self.zone)?;
        Some(Window { start_us, end_us })
    }
}

/// Somebody who is to come.
#[derive(Debug, Clone)]
pub struct Attendee {
    /// When they are busy.
    pub busy: Vec<Window>,
    /// When they work; none is at any time.
    pub hours: Option<WorkingHours>,
}

/// What slots are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// Where slots may lie.
    pub window: Window,
    /// How long a slot is, in microseconds.
    pub length_us: i64,
    /// How long everybody is to be free before and after a slot, in microseconds.
    pub buffer_us: i64,
    /// How many slots are wanted.
    pub at_most: usize,
}

/// The first slots in which everybody is free and at work; in a longer free time one follows the other.
///
/// Buffers keep slots away from what is busy, not from the begin or end of work.
pub fn find_slots(
    attendees: &[Attendee],
    search: Search,
) -> Result<Vec<Window>, AvailabilityError> {
    check_window(search.window)?;
    if attendees.len() > ATTENDEES_MAX || search.at_most > SLOTS_MAX {
        return Err(AvailabilityError::TooMany);
    }
    if search.length_us <= 0 || search.buffer_us < 0 {
        return Err(AvailabilityError::Length);
    }
    let mut blocked = Vec::new();
    for attendee in attendees {
        blocked.extend(attendee.busy.iter().map(|taken| Window {
            start_us: taken.start_us.saturating_sub(search.buffer_us),
            end_us: taken.end_us.saturating_add(search.buffer_us),
        }));
        if let Some(hours) = &attendee.hours {
            blocked.extend(free(&hours.within(search.window)?, search.window));
        }
    }
    let open = free(&blocked, search.window);
    Ok(open
        .into_iter()
        .flat_map(|window| slots(window, search.length_us))
        .take(search.at_most)
        .collect())
}

/// A window cut into slots, the rest left away.
fn slots(window: Window, length_us: i64) -> impl Iterator<Item = Window> {
    let slot = move |start_us: i64| {
        let end_us = start_us
            .checked_add(length_us)
            .filter(|end_us| *end_us <= window.end_us)?;
        Some(Window { start_us, end_us })
    };
    std::iter::successors(slot(window.start_us), move |last| slot(last.end_us))
}

#[cfg(test)]
mod tests;
