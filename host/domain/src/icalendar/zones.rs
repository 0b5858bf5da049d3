//! Zones by the names that calendars give them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::CalendarFault;
use super::lines::Line;
use crate::time;

/// Names of zones that are not IANA's, as programs of one maker write them.
const ALIASES: [(&str, &str); 36] = [
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Standard Time", "America/Chicago"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Coordinated Universal Time", "UTC"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Mountain Standard Time", "America/Denver"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

/// Longest name of a zone, in bytes.
const ID_BYTES_MAX: usize = 255;
/// Parts of the longest names of IANA: `America/Argentina/Buenos_Aires`.
const IANA_PARTS_MAX: usize = 3;

/// The zones that a calendar speaks of, each looked up once.
pub(super) struct Zones {
    /// Of times that name none.
    pub floating: TimeZone,
    /// By the names that lines give; none if nobody knows what is meant.
    named: BTreeMap<String, Named>,
}

/// A name of a zone in a calendar.
pub(super) struct Named {
    /// Where it is used first.
    pub line: usize,
    /// What is taken for it.
    pub zone: Option<TimeZone>,
}

impl Zones {
    pub(super) fn of(lines: &[Line], floating: &TimeZone) -> Self {
        let locations = locations(lines);
        let mut named = BTreeMap::new();
        for line in lines {
            let id = line.parameter("TZID").map(str::trim);
            if let Some(id) = id.filter(|id| id.len() <= ID_BYTES_MAX && !named.contains_key(*id)) {
                let zone = look_up(id, &locations);
                let line = line.number;
                named.insert(id.to_owned(), Named { line, zone });
            }
        }
        Self {
            floating: floating.clone(),
            named,
        }
    }

    /// The zone of a line's times.
    pub(super) fn of_line(&self, line: &Line) -> Result<TimeZone, CalendarFault> {
        let Some(id) = line.parameter("TZID").map(str::trim) else {
            return Ok(self.floating.clone());
        };
        let zone = self.named.get(id).and_then(|named| named.zone.clone());
        zone.ok_or_else(|| CalendarFault::UnknownZone(id.chars().take(ID_BYTES_MAX).collect()))
    }

    /// Every name, and what is taken for it.
    pub(super) fn named(&self) -> impl Iterator<Item = (&str, &Named)> {
        self.named.iter().map(|(id, named)| (id.as_str(), named))
    }
}

/// What the calendar's VTIMEZONEs say where they are (X-LIC-LOCATION), by TZID.
fn locations(lines: &[Line]) -> BTreeMap<&str, &str> {
    let mut locations = BTreeMap::new();
    let mut id = None;
    for line in lines {
        let value = line.value.trim();
        match line.name.as_str() {
            "BEGIN" if line.says("VTIMEZONE") => id = None,
            "TZID" => id = Some(value),
            "X-LIC-LOCATION" => locations.extend(id.map(|id| (id, value))),
            _ => {}
        }
    }
    locations
}

fn look_up(id: &str, locations: &BTreeMap<&str, &str>) -> Option<TimeZone> {
    let alias = || {
        ALIASES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(id))
    };
    iana(id)
        .or_else(|| locations.get(id).and_then(|location| iana(location)))
        .or_else(|| alias().and_then(|(_, name)| time::zone(name).ok()))
}

/// The zone of an IANA name, or of one with a maker's prefix: `/example.org/2026a/Europe/Berlin`.
fn iana(id: &str) -> Option<TimeZone> {
    candidates(id).find_map(|name| time::zone(name).ok())
}

/// The names that an id may end with, the longest first.
pub(super) fn candidates(id: &str) -> impl Iterator<Item = &str> {
    let cuts = id.rmatch_indices('/').take(IANA_PARTS_MAX);
    let mut ends: Vec<&str> = cuts
        .filter_map(|(at, _)| id.get(at..)?.strip_prefix('/'))
        .collect();
    ends.push(id);
    ends.into_iter()
        .rev()
        .filter(|name| (1..=ID_BYTES_MAX).contains(&name.len()))
}
