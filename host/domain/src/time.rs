//! Instants, business dates and wall time. "Now" is always an argument.

use jiff::{Timestamp, civil::Date, civil::DateTime, tz::TimeZone};

/// A time or zone that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// No such zone in the bundled IANA data.
    #[error("unknown time zone {0:?}")]
    UnknownZone(String),
    /// Microseconds outside of years -9999 to 9999.
    #[error("instant {0} is out of range")]
    OutOfRange(i64),
    /// Not of the shape `YYYY-MM-DDTHH:MM:SS`.
    #[error("{0:?} is not a local time such as 2026-01-31T09:00:00")]
    NotLocal(String),
    /// Not of the shape `YYYY-MM-DD`.
    #[error("{0:?} is not a date such as 2026-01-31")]
    NotDate(String),
}

/// The IANA zone of that name, from the data bundled with the program.
pub fn zone(name: &str) -> Result<TimeZone, TimeError> {
    TimeZone::get(name).map_err(|_| TimeError::UnknownZone(name.to_owned()))
}

/// The calendar date written as `YYYY-MM-DD`, and nothing else.
pub fn date(text: &str) -> Result<Date, TimeError> {
    let well_formed = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| {
            if i == 4 || i == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    let parsed = if well_formed { text.parse().ok() } else { None };
    parsed.ok_or_else(|| TimeError::NotDate(text.to_owned()))
}

fn instant(at_us: i64) -> Result<Timestamp, TimeError> {
    Timestamp::from_microsecond(at_us).map_err(|_| TimeError::OutOfRange(at_us))
}

/// The calendar date of an instant in a zone.
pub fn date_in_zone(at_us: i64, zone: &TimeZone) -> Result<Date, TimeError> {
    Ok(zone.to_datetime(instant(at_us)?).date())
}

/// Wall time `YYYY-MM-DDTHH:MM:SS` of an instant.
pub fn to_local(at_us: i64, zone: &TimeZone) -> Result<String, TimeError> {
    Ok(local_text(zone.to_datetime(instant(at_us)?)))
}

/// Wall time as `YYYY-MM-DDTHH:MM:SS`.
pub fn local_text(wall: DateTime) -> String {
    wall.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The wall time written as `YYYY-MM-DDTHH:MM:SS`, and nothing else.
pub fn local(text: &str) -> Result<DateTime, TimeError> {
    let well_formed = text.len() == 19 && text.as_bytes().get(10) == Some(&b'T');
    let parsed = if well_formed { text.parse().ok() } else { None };
    parsed.ok_or_else(|| TimeError::NotLocal(text.to_owned()))
}

/// Instant of a wall time; a gap uses the offset before it, a fold the first (RFC 5545 §3.3.5).
pub fn to_instant(text: &str, zone: &TimeZone) -> Result<i64, TimeError> {
    let at = wall_to_instant(local(text)?, zone);
    at.ok_or_else(|| TimeError::NotLocal(text.to_owned()))
}

/// [`to_instant`] of a wall time that is read already; none at the very ends of the calendar.
pub fn wall_to_instant(wall: DateTime, zone: &TimeZone) -> Option<i64> {
    let at = zone.to_ambiguous_timestamp(wall).compatible().ok()?;
    Some(at.as_microsecond())
}

/// RFC 3339 text of an instant, for people and JSON.
pub fn rfc3339(at_us: i64) -> String {
    instant(at_us).map_or_else(|_| format!("{at_us} us"), |at| at.to_string())
}

/// Instant of an RFC 3339 text.
pub fn from_rfc3339(text: &str) -> Option<i64> {
    text.parse::<Timestamp>()
        .ok()
        .map(Timestamp::as_microsecond)
}
