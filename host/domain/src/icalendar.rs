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

use crate::schedule::{Schedule, ScheduleError};

pub use write::print;

/// Longest calendar that is read, in bytes.
pub const CALENDAR_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Longest content line after unfolding, in bytes.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// Most components of one calendar.
pub const COMPONENTS_MAX: usize = 20_000;
/// Deepest nesting of components.
pub const DEPTH_MAX: usize = 8;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// VEVENT.
    Event,
    /// VTODO.
    Task,
}

/// An entry of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Names the entry for ever (UID).
    pub uid: String,
    /// What it is.
    pub kind: Kind,
    /// What it is called (SUMMARY).
    pub title: String,
    /// Whether its time counts as busy (TRANSP); a task's never does.
    pub is_opaque: bool,
    /// When it happens.
    pub schedule: Schedule,
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
    /// More than [`CALENDAR_BYTES_MAX`], [`LINE_BYTES_MAX`], [`COMPONENTS_MAX`] or [`DEPTH_MAX`].
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
/// Tasks without a time and cancelled entries are left out.
pub fn read(text: &str, floating: &TimeZone) -> Result<Vec<Entry>, CalendarError> {
    let lines = lines::read(text)?;
    let zones = zones::Zones::of(&lines, floating);
    components::entries(&lines, &zones)
}

#[cfg(test)]
mod tests;
