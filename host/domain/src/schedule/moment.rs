//! Moments as text: a day, a time of UTC, or a wall time with its zone's name as RFC 9557 writes it.

use std::fmt;
use std::str::FromStr;

use super::{Moment, ScheduleError};
use crate::time;

impl FromStr for Moment {
    type Err = ScheduleError;

    /// Reads `2026-01-31`, `2026-01-31T08:00:00Z` or `2026-01-31T09:00:00[Europe/Vienna]`, and nothing else.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let malformed = |_| ScheduleError::Moment;
        if let Some(utc) = text.strip_suffix('Z') {
            return time::local(utc).map(Self::Utc).map_err(malformed);
        }
        let Some((wall, zone)) = text.strip_suffix(']').and_then(|text| text.split_once('['))
        else {
            return time::date(text).map(Self::Day).map_err(malformed);
        };
        Ok(Self::Local {
            wall: time::local(wall).map_err(malformed)?,
            zone: time::zone(zone).map_err(malformed)?,
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(date) => write!(formatter, "{}", date.strftime("%Y-%m-%d")),
            Self::Utc(wall) => write!(formatter, "{}Z", time::local_text(*wall)),
            Self::Local { wall, zone } => {
                let zone = zone.iana_name().unwrap_or("UTC");
                write!(formatter, "{}[{zone}]", time::local_text(*wall))
            }
        }
    }
}
