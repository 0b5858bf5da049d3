//! Business days: which dates an office is open, and arithmetic over the open ones.
//!
//! Knows no zones and no clock: "today" arrives as a date. Entered by [`BusinessCalendar::new`] or serde.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most business days that one [`BusinessCalendar::add`] goes.
pub const ADD_DAYS_MAX: i32 = 4000;
/// Longest window of [`BusinessCalendar::between`], in days.
pub const WINDOW_DAYS_MAX: i32 = 4000;
/// Most closed days in a row before a search for an open one ends: ten years.
pub const CLOSED_DAYS_MAX: u32 = 3653;
/// Most holidays of one calendar.
pub const HOLIDAYS_MAX: usize = 10_000;

/// Why a business calendar cannot be made, or has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusinessError {
    /// Every day of the week is weekend.
    #[error("a business calendar needs a weekday that is not weekend")]
    NeverOpen,
    /// The calendar has more than [`HOLIDAYS_MAX`] holidays.
    #[error("a business calendar has at most {HOLIDAYS_MAX} holidays")]
    TooManyHolidays,
    /// More business days are asked for than [`ADD_DAYS_MAX`].
    #[error("at most {ADD_DAYS_MAX} business days can be added or taken away")]
    TooFar,
    /// No day is open within ten years.
    #[error("no open day within ten years of {from}")]
    NothingOpen {
        /// Where the search began.
        from: Date,
    },
    /// The answer lies outside of the years that dates have.
    #[error("no date that far from {from}")]
    OutOfRange {
        /// Where the search left the calendar.
        from: Date,
    },
    /// A window ends before it starts, or is longer than [`WINDOW_DAYS_MAX`].
    #[error("a window ends no earlier than it starts and has at most {WINDOW_DAYS_MAX} days")]
    Window,
}

/// Where a closed day is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Roll {
    /// To the next open day.
    Following,
    /// To the open day before.
    Preceding,
    /// To the next open day, unless that is in another month: then to the open day before.
    ModifiedFollowing,
}

/// Weekend, holidays and the version of this list of holidays.
///
/// ```
/// use bursar_domain::business::BusinessCalendar;
/// use jiff::civil::{Weekday, date};
///
/// let calendar = BusinessCalendar::new([Weekday::Saturday, Weekday::Sunday], [date(2026, 1, 1)], 1)?;
/// assert_eq!(calendar.add(date(2025, 12, 31), 1)?, date(2026, 1, 2));
/// # Ok::<(), bursar_domain::business::BusinessError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CalendarText", into = "CalendarText")]
pub struct BusinessCalendar {
    /// Monday first; never all true.
    is_weekend: [bool; 7],
    holidays: BTreeSet<Date>,
    version: u32,
}

impl BusinessCalendar {
    /// A calendar that is open on every day outside of the weekend and the holidays.
    pub fn new(
        weekend: impl IntoIterator<Item = Weekday>,
        holidays: impl IntoIterator<Item = Date>,
        version: u32,
    ) -> Result<Self, BusinessError> {
        let weekend: Vec<Weekday> = weekend.into_iter().collect();
        let is_weekend = WEEK.map(|(weekday, _)| weekend.contains(&weekday));
        if is_weekend == [true; 7] {
            return Err(BusinessError::NeverOpen);
        }
        let holidays: BTreeSet<Date> = holidays.into_iter().collect();
        if holidays.len() > HOLIDAYS_MAX {
            return Err(BusinessError::TooManyHolidays);
        }
        Ok(Self {
            is_weekend,
            holidays,
            version,
        })
    }

    /// The weekdays of the weekend, Monday first.
    pub fn weekend(&self) -> impl Iterator<Item = Weekday> {
        WEEK.iter()
            .zip(self.is_weekend)
            .filter(|(_, is_weekend)| *is_weekend)
            .map(|((weekday, _), _)| *weekday)
    }

    /// The holidays.
    pub fn holidays(&self) -> &BTreeSet<Date> {
        &self.holidays
    }

    /// The version of the list of holidays.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether the office is open on a date.
    pub fn is_open(&self, date: Date) -> bool {
        let weekday = date.weekday();
        !self.weekend().any(|closed| closed == weekday) && !self.holidays.contains(&date)
    }

    /// The nth open day after a date (n > 0) or before it (n < 0); for n = 0 the date itself if open, else the next open
    /// one.
    pub fn add(&self, date: Date, days: i32) -> Result<Date, BusinessError> {
        if days.unsigned_abs() > ADD_DAYS_MAX.unsigned_abs() {
            return Err(BusinessError::TooFar);
        }
        let step = if days < 0 {
            Date::yesterday
        } else {
            Date::tomorrow
        };
        if days == 0 {
            return self.open_from(date, step);
        }
        (0..days.unsigned_abs()).try_fold(date, |reached, _| {
            self.open_from(next(reached, step)?, step)
        })
    }

    /// The date itself if open, else the open day that the rule moves it to.
    pub fn roll(&self, date: Date, roll: Roll) -> Result<Date, BusinessError> {
        let following = || self.open_from(date, Date::tomorrow);
        let preceding = || self.open_from(date, Date::yesterday);
        match roll {
            Roll::Following => following(),
            Roll::Preceding => preceding(),
            Roll::ModifiedFollowing => following()
                .ok()
                .filter(|open| open.first_of_month() == date.first_of_month())
                .map_or_else(preceding, Ok),
        }
    }

    /// How many days are open from a start, included, to an end, excluded.
    pub fn between(&self, start: Date, end: Date) -> Result<u32, BusinessError> {
        let length_days = start
            .until(end)
            .map_err(|_| BusinessError::Window)?
            .get_days();
        if !(0..=WINDOW_DAYS_MAX).contains(&length_days) {
            return Err(BusinessError::Window);
        }
        let window = start
            .series(jiff::Span::new().days(1))
            .take_while(|date| *date < end);
        let open_days = window.filter(|date| self.is_open(*date)).count();
        u32::try_from(open_days).map_err(|_| BusinessError::Window)
    }

    /// The first open day from a date on, the date included, in the direction of the step.
    fn open_from(&self, date: Date, step: Step) -> Result<Date, BusinessError> {
        let mut reached = date;
        for _ in 0..=CLOSED_DAYS_MAX {
            if self.is_open(reached) {
                return Ok(reached);
            }
            reached = next(reached, step)?;
        }
        Err(BusinessError::NothingOpen { from: date })
    }
}

type Step = fn(Date) -> Result<Date, jiff::Error>;

fn next(date: Date, step: Step) -> Result<Date, BusinessError> {
    step(date).map_err(|_| BusinessError::OutOfRange { from: date })
}

/// A day of the week as it is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WeekdayText {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl From<WeekdayText> for Weekday {
    fn from(text: WeekdayText) -> Self {
        match text {
            WeekdayText::Monday => Weekday::Monday,
            WeekdayText::Tuesday => Weekday::Tuesday,
            WeekdayText::Wednesday => Weekday::Wednesday,
            WeekdayText::Thursday => Weekday::Thursday,
            WeekdayText::Friday => Weekday::Friday,
            WeekdayText::Saturday => Weekday::Saturday,
            WeekdayText::Sunday => Weekday::Sunday,
        }
    }
}

const WEEK: [(Weekday, WeekdayText); 7] = [
    (Weekday::Monday, WeekdayText::Monday),
    (Weekday::Tuesday, WeekdayText::Tuesday),
    (Weekday::Wednesday, WeekdayText::Wednesday),
    (Weekday::Thursday, WeekdayText::Thursday),
    (Weekday::Friday, WeekdayText::Friday),
    (Weekday::Saturday, WeekdayText::Saturday),
    (Weekday::Sunday, WeekdayText::Sunday),
];

/// A business calendar.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarText {
    /// Weekdays that are closed; not all seven.
    weekend: Vec<WeekdayText>,
    /// Dates that are closed.
    holidays: BTreeSet<Date>,
    /// Of the list of holidays.
    version: u32,
}

impl TryFrom<CalendarText> for BusinessCalendar {
    type Error = BusinessError;

    fn try_from(text: CalendarText) -> Result<Self, BusinessError> {
        let weekend = WEEK
            .into_iter()
            .filter(|(_, name)| text.weekend.contains(name))
            .map(|(weekday, _)| weekday);
        Self::new(weekend, text.holidays, text.version)
    }
}

impl From<BusinessCalendar> for CalendarText {
    fn from(calendar: BusinessCalendar) -> Self {
        let named = WEEK
            .into_iter()
            .zip(calendar.is_weekend)
            .filter(|(_, is_weekend)| *is_weekend);
        let weekend = named.map(|((_, name), _)| name).collect();
        Self {
            weekend,
            holidays: calendar.holidays,
            version: calendar.version,
        }
    }
}

#[cfg(test)]
mod tests;
