//! Values of content lines: moments, lengths, text.

use super::CalendarFault;
use super::lines::Line;
use super::zones::Zones;
use crate::recurrence::{Rule, compact_date, compact_time};
use crate::schedule::{Length, Moment, Period, ScheduleError};

/// The one moment of a line.
pub(super) fn moment(line: &Line, zones: &Zones) -> Result<Moment, CalendarFault> {
    moment_of(line.value.trim(), line, zones)
}

/// The moments of a line that is a list.
pub(super) fn moments(line: &Line, zones: &Zones) -> Result<Vec<Moment>, CalendarFault> {
    line.value
        .split(',')
        .map(|text| moment_of(text.trim(), line, zones))
        .collect()
}

fn moment_of(text: &str, line: &Line, zones: &Zones) -> Result<Moment, CalendarFault> {
    if let Some(date) = compact_date(text) {
        return Ok(Moment::Day(date));
    }
    if let Some(utc) = text.strip_suffix(['Z', 'z']) {
        return compact_time(utc)
            .map(Moment::Utc)
            .ok_or(CalendarFault::NotAMoment);
    }
    let wall = compact_time(text).ok_or(CalendarFault::NotAMoment)?;
    let zone = line
        .parameter("TZID")
        .map_or_else(|| Ok(zones.floating.clone()), |id| zones.find(id))?;
    Ok(Moment::Local { wall, zone })
}

/// The dates of an RDATE: moments, or moments with a length of their own.
pub(super) fn added(
    line: &Line,
    zones: &Zones,
) -> Result<Vec<(Moment, Option<Length>)>, CalendarFault> {
    let one = |text: &str| {
        let Some((start, end)) = text.trim().split_once('/') else {
            return Ok((moment_of(text.trim(), line, zones)?, None));
        };
        let start = moment_of(start, line, zones)?;
        if end.starts_with(['P', 'p', '+']) {
            return Ok((start, Some(Length::parse(end)?)));
        }
        let period = Period::until(start, &moment_of(end, line, zones)?)?;
        Ok((period.start, Some(period.length)))
    };
    line.value.split(',').map(one).collect()
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

/// Text with escapes. Other control characters have no place in a content line.
pub(super) fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => value.push_str("\\n"),
            '\\' | ';' | ',' => value.extend(['\\', letter]),
            _ if letter.is_control() => {}
            _ => value.push(letter),
        }
    }
    value
}
