//! iCalendar (RFC 5545) in and out: entries of calendars as text that other programs read and write.
//!
//! Knows of a component what schedules, titles and free/busy need, and passes over the rest. A zone is its IANA name: an
//! imported VTIMEZONE is not believed but looked up, an exported TZID goes without one (RFC 7809). Entered by [`read`] and
//! [`print()`].

mod components;
mod lines;
mod values;
mod write;
mod zones;

use jiff::tz::TimeZone;

use crate::schedule::ScheduleError;

pub use crate::calendar::{Entry, EntryKind as Kind};
pub use write::print;

/// Longest calendar that is read, in bytes.
pub const CALENDAR_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest content line after unfolding, in bytes.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Most content lines of one calendar.
pub const LINES_MAX: usize = 400_000;
/// Most components of one calendar, of any kind and at any depth.
pub const COMPONENTS_MAX: usize = 40_000;
/// Deepest nesting of components.
pub const DEPTH_MAX: usize = 8;

/// Says which of this office's kinds an event is.
const KIND_PROPERTY: &str = "X-BURSAR-KIND";

/// What was read of a calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its entries, in the order of their first components.
    pub entries: Vec<Entry>,
    /// Series that cannot be read.
    pub refused: Vec<Refused>,
    /// What was read otherwise than it is written, or left out.
    pub deviations: Vec<Deviation>,
}

/// A series that cannot be read: the rest of the calendar can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its UID; empty if that is what is missing.
    pub uid: String,
    /// Why.
    pub error: CalendarError,
}

/// Something that was read otherwise than it is written, or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Line of the text, from 1.
    pub line: usize,
    /// Of which entry; empty for all.
    pub uid: String,
    /// What.
    pub what: Odd,
}

/// What can be odd about a calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Odd {
    /// A task that has no time.
    #[error("a task without a time is left out")]
    NoTime,
    /// A cancelled entry.
    #[error("a cancelled entry is left out")]
    Cancelled,
    /// Another component with the same UID has a higher SEQUENCE, or follows.
    #[error("an older revision is left out")]
    Superseded,
    /// An occurrence with a title or notes of its own.
    #[error("an occurrence's own title and notes are left out")]
    TextOfOne,
    /// A TZID that is no IANA name.
    #[error("the zone {given:?} is taken to be {taken}")]
    Zone {
        /// As it is written.
        given: String,
        /// The IANA name.
        taken: String,
    },
}

/// A text that is no calendar this module can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} on line {line}")]
pub struct CalendarError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: CalendarFault,
}

/// What is wrong with a calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarFault {
    /// More than [`CALENDAR_BYTES_MAX`], [`LINE_BYTES_MAX`], [`LINES_MAX`], [`COMPONENTS_MAX`] or [`DEPTH_MAX`].
    #[error("the calendar is too large")]
    TooLarge,
    /// Not of the shape `NAME;PARAMETER=value:value`.
    #[error("no content line")]
    NotALine,
    /// BEGIN and END do not match, or nothing begins with VCALENDAR.
    #[error("components do not begin and end in pairs")]
    Unbalanced,
    /// A component lacks what it needs.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// No date or time of RFC 5545.
    #[error("no date or time such as 20260131T090000Z")]
    NotAMoment,
    /// A TZID that is neither an IANA name nor a known alias.
    #[error("unknown time zone {0:?}")]
    UnknownZone(String),
    /// Something of RFC 5545 that would change the meaning, and that is not supported.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The entry's times do not fit together.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

/// Reads the events and tasks of a calendar; times without a zone are taken to be in `floating`.
///
/// What is wrong with one series refuses that series, what is wrong with the text refuses the calendar. Tasks without a
/// time and cancelled entries are left out.
pub fn read_each(text: &str, floating: &TimeZone) -> Result<Reading, CalendarError> {
    let lines = lines::read(text)?;
    let zones = zones::Zones::of(&lines, floating);
    let mut reading = components::read(&lines, &zones)?;
    let odd = zones.named().filter_map(|(given, named)| {
        let taken = named.zone.as_ref()?.iana_name()?;
        (taken != given).then(|| Deviation {
            line: named.line,
            uid: String::new(),
            what: Odd::Zone {
                given: given.to_owned(),
                taken: taken.to_owned(),
            },
        })
    });
    reading.deviations.extend(odd);
    reading.deviations.sort_by_key(|deviation| deviation.line);
    Ok(reading)
}

/// The entries that [`read_each`] reads, or the first reason why one cannot be read.
pub fn read(text: &str, floating: &TimeZone) -> Result<Vec<Entry>, CalendarError> {
    let reading = read_each(text, floating)?;
    match reading.refused.into_iter().next() {
        Some(refused) => Err(refused.error),
        None => Ok(reading.entries),
    }
}

#[cfg(test)]
mod tests;
