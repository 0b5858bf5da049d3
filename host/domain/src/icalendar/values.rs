//! Values of content lines: moments, lengths, text.

use jiff::tz::TimeZone;

use super::CalendarFault;
use super::lines::Line;
use super::zones::Zones;
use crate::recurrence::{Rule, compact_date, compact_time};
use crate::schedule::{Length, Moment, Period, ScheduleError};

/// The one moment of a line.
pub(super) fn moment(line: &Line, zones: &Zones) -> Result<Moment, CalendarFault> {
    moment_of(line.value.trim(), &zones.of_line(line))
}

/// The moments of a line that is a list.
pub(super) fn moments(line: &Line, zones: &Zones) -> Result<Vec<Moment>, CalendarFault> {
    let zone = zones.of_line(line);
    line.value
        .split(',')
        .map(|text| moment_of(text.trim(), &zone))
        .collect()
}

/// Days and times of UTC need no zone: it does not matter to them whether the line's is known.
fn moment_of(text: &str, zone: &Result<TimeZone, CalendarFault>) -> Result<Moment, CalendarFault> {
    if let Some(date) = compact_date(text) {
        return Ok(Moment::Day(date));
    }
    if let Some(utc) = text.strip_suffix(['Z', 'z']) {
        return compact_time(utc)
            .map(Moment::Utc)
            .ok_or(CalendarFault::NotAMoment);
    }
    let wall = compact_time(text).ok_or(CalendarFault::NotAMoment)?;
    let zone = zone.clone()?;
    Ok(Moment::Local { wall, zone })
}

/// The dates of an RDATE: moments, or moments with a length of their own.
pub(super) fn added(
    line: &Line,
    zones: &Zones,
) -> Result<Vec<(Moment, Option<Length>)>, CalendarFault> {
    let zone = zones.of_line(line);
    let one = |text: &str| {
        let Some((start, end)) = text.trim().split_once('/') else {
            return Ok((moment_of(text.trim(), &zone)?, None));
        };
        let start = moment_of(start, &zone)?;
        if end.starts_with(['P', 'p', '+']) {
            return Ok((start, Some(Length::parse(end)?)));
        }
        let period = Period::until(start, &moment_of(end, &zone)?)?;
        Ok((period.start, Some(period.length)))
    };
    line.value.split(',').map(one).collect()
}

/// The people that a component names: by their common name (RFC 6868 says how a parameter is written), else by address.
pub(super) fn attendee(line: &Line) -> Option<String> {
    let address = || {
        let value = line.value.trim();
        value
            .split_at_checked(MAILTO.len())
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(MAILTO))
            .map_or(value, |(_, address)| address)
            .to_owned()
    };
    let name = line.parameter("CN").map(parameter_text);
    let name = name.map_or_else(address, |name| name.trim().to_owned());
    (!name.is_empty()).then_some(name)
}

/// The scheme of an address.
const MAILTO: &str = "mailto:";

/// A parameter's value without the escapes of RFC 6868.
fn parameter_text(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        let meant = match (letter, letters.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('^')) => Some('^'),
            ('^', Some('\'')) => Some('"'),
            _ => None,
        };
        if meant.is_some() {
            letters.next();
        }
        text.push(meant.unwrap_or(letter));
    }
    text
}

/// A text as a quoted value of a parameter, with the escapes of RFC 6868.
pub(super) fn quoted(text: &str) -> String {
    let mut value = String::with_capacity(text.len().saturating_add(2));
    value.push('"');
    for letter in text.chars() {
        match letter {
            '\n' => value.push_str("^n"),
            '^' => value.push_str("^^"),
            '"' => value.push_str("^'"),
            _ if letter.is_control() => {}
            _ => value.push(letter),
        }
    }
    value.push('"');
    value
}

pub(super) fn length(line: &Line) -> Result<Length, CalendarFault> {
    Ok(Length::parse(line.value.trim())?)
}

pub(super) fn rule(line: &Line) -> Result<Rule, CalendarFault> {
    Ok(Rule::parse(line.value.trim()).map_err(ScheduleError::from)?)
}

/// Text without its escapes (RFC 5545 §3.3.11).
pub(super) fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next().map(|next| {
                if matches!(next, 'n' | 'N') {
                    '\n'
                } else {
                    next
                }
            })),
            _ => text.push(letter),
        }
    }
    text
}

/// Text with escapes. Control characters other than tabs have no place in a content line.
pub(super) fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => value.push_str("\\n"),
            '\\' | ';' | ',' => value.extend(['\\', letter]),
            '\t' => value.push(letter),
            _ if letter.is_control() => {}
            _ => value.push(letter),
        }
    }
    value
}
