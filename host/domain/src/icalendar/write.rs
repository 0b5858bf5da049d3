//! Entries as the text of a calendar.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::values::{escaped, quoted};
use super::{Entry, KIND_PROPERTY, Kind};
use crate::schedule::{Length, Moment, Period};

/// Octets of a content line before it is folded (RFC 5545 §3.1).
const FOLD_BYTES: usize = 75;

/// The calendar of some entries, stamped with an instant in microseconds UTC.
pub fn print(entries: &[Entry], stamp_us: i64) -> String {
    let mut calendar = Text(String::new());
    calendar.line("BEGIN", "VCALENDAR");
    calendar.line("VERSION", "2.0");
    calendar.line("PRODID", "-//Bursar//Bursar//EN");
    for entry in entries {
        calendar.entry(entry, stamp_us);
    }
    calendar.line("END", "VCALENDAR");
    calendar.0
}

/// Grows line by line, folded.
struct Text(String);

impl Text {
    fn line(&mut self, name: &str, value: &str) {
        let line = format!("{name}:{value}");
        let mut width = 0_usize;
        for letter in line.chars() {
            let bytes = letter.len_utf8();
            if width.saturating_add(bytes) > FOLD_BYTES {
                self.0.push_str("\r\n ");
                width = 1;
            }
            self.0.push(letter);
            width = width.saturating_add(bytes);
        }
        self.0.push_str("\r\n");
    }

    fn entry(&mut self, entry: &Entry, stamp_us: i64) {
        let recurrence = entry.schedule.recurrence();
        self.begin(entry, stamp_us);
        self.period(entry.schedule.period());
        for rule in &recurrence.rules {
            self.line("RRULE", &rule.to_string());
        }
        for (start, length) in &recurrence.added {
            self.added(start, *length);
        }
        for moment in &recurrence.excluded {
            self.moment("EXDATE", moment);
        }
        self.end(entry);
        for change in &recurrence.overrides {
            self.begin(entry, stamp_us);
            self.moment("RECURRENCE-ID", &change.original);
            if let Some(period) = &change.period {
                self.period(period);
            } else {
                self.moment("DTSTART", &change.original);
                self.line("STATUS", "CANCELLED");
            }
            self.end(entry);
        }
    }

    fn begin(&mut self, entry: &Entry, stamp_us: i64) {
        self.line("BEGIN", component(entry.kind));
        self.line("UID", &escaped(&entry.uid));
        self.line("DTSTAMP", &stamp(stamp_us));
    }

    fn end(&mut self, entry: &Entry) {
        self.line("SUMMARY", &escaped(&entry.title));
        if !entry.notes.is_empty() {
            self.line("DESCRIPTION", &escaped(&entry.notes));
        }
        for attendee in &entry.attendees {
            // A name without an address: this is what other calendars write then.
            self.line(
                &format!("ATTENDEE;CN={}", quoted(attendee)),
                "invalid:nomail",
            );
        }
        if matches!(entry.kind, Kind::Reminder | Kind::Shift) {
            self.line(KIND_PROPERTY, entry.kind.as_str());
        }
        if entry.kind != Kind::Task {
            self.line(
                "TRANSP",
                if entry.is_opaque {
                    "OPAQUE"
                } else {
                    "TRANSPARENT"
                },
            );
        }
        self.line("END", component(entry.kind));
    }

    fn period(&mut self, period: &Period) {
        self.moment("DTSTART", &period.start);
        self.line("DURATION", &period.length.to_string());
    }

    fn moment(&mut self, name: &str, moment: &Moment) {
        self.line(&format!("{name}{}", parameters(moment)), &text(moment));
    }

    fn added(&mut self, start: &Moment, length: Option<Length>) {
        let Some(length) = length else {
            return self.moment("RDATE", start);
        };
        let name = format!("RDATE;VALUE=PERIOD{}", parameters(start));
        self.line(&name, &format!("{}/{length}", text(start)));
    }
}

fn component(kind: Kind) -> &'static str {
    match kind {
        Kind::Event | Kind::Reminder | Kind::Shift => "VEVENT",
        Kind::Task => "VTODO",
    }
}

fn parameters(moment: &Moment) -> String {
    let mut parameters = String::new();
    match moment {
        Moment::Day(_) => parameters.push_str(";VALUE=DATE"),
        Moment::Local { zone, .. } => {
            let name = zone.iana_name().unwrap_or("UTC");
            // Writing to a string cannot fail.
            let _ = write!(parameters, ";TZID={name}");
        }
        Moment::Utc(_) => {}
    }
    parameters
}

fn text(moment: &Moment) -> String {
    let wall = moment.wall();
    match moment {
        Moment::Day(date) => date.strftime("%Y%m%d").to_string(),
        Moment::Local { .. } => wall.strftime("%Y%m%dT%H%M%S").to_string(),
        Moment::Utc(_) => wall.strftime("%Y%m%dT%H%M%SZ").to_string(),
    }
}

fn stamp(stamp_us: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(stamp_us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    text(&Moment::Utc(TimeZone::UTC.to_datetime(at)))
}
