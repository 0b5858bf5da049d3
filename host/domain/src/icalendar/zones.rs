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

/// The zones that a calendar speaks of.
pub(super) struct Zones {
    /// Of times that name none.
    pub floating: TimeZone,
    /// What the calendar's VTIMEZONEs say where they are (X-LIC-LOCATION), by TZID.
    locations: BTreeMap<String, String>,
}

impl Zones {
    pub(super) fn of(lines: &[Line], floating: &TimeZone) -> Self {
        let mut locations = BTreeMap::new();
        let mut id = None;
        for line in lines {
            match line.name.as_str() {
                "BEGIN" if line.says("VTIMEZONE") => id = None,
                "TZID" => id = Some(line.value.trim().to_owned()),
                "X-LIC-LOCATION" => {
                    let location = line.value.trim().to_owned();
                    locations.extend(id.clone().map(|id| (id, location)));
                }
                _ => {}
            }
        }
        Self {
            floating: floating.clone(),
            locations,
        }
    }

    pub(super) fn find(&self, id: &str) -> Result<TimeZone, CalendarFault> {
        let id = id.trim();
        let alias = || {
            ALIASES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(id))
        };
        iana(id)
            .or_else(|| self.locations.get(id).and_then(|location| iana(location)))
            .or_else(|| alias().and_then(|(_, name)| time::zone(name).ok()))
            .ok_or_else(|| CalendarFault::UnknownZone(id.to_owned()))
    }
}

/// The zone of an IANA name, or of one with a maker's prefix: `/example.org/2026a/Europe/Berlin`.
fn iana(id: &str) -> Option<TimeZone> {
    let cuts = id
        .match_indices('/')
        .filter_map(|(at, _)| id.get(at..)?.strip_prefix('/'));
    let mut names = std::iter::once(id)
        .chain(cuts)
        .filter(|name| !name.is_empty());
    names.find_map(|name| time::zone(name).ok())
}
