//! The one text of a rule: parts in the order of RFC 5545's grammar, lists sorted, defaults left away.

use std::fmt;

use jiff::civil::{DateTime, Weekday};

use super::parse::Name;
use super::{ByDay, End, Frequency, Part, Rule, Until};

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FREQ={}", self.frequency.text())?;
        match self.end {
            End::Never => {}
            End::Count(count) => write!(formatter, ";COUNT={count}")?,
            End::Until(until) => write!(formatter, ";UNTIL={until}")?,
        }
        if self.interval != 1 {
            write!(formatter, ";INTERVAL={}", self.interval)?;
        }
        let (of_day, others): (Vec<_>, Vec<_>) = self
            .numbers
            .iter()
            .partition(|(part, _)| **part <= Part::Hour);
        write_lists(formatter, of_day)?;
        if !self.days.is_empty() {
            write!(formatter, ";BYDAY=")?;
            write_list(formatter, &self.days)?;
        }
        write_lists(formatter, others)?;
        if self.week_start != Weekday::Monday {
            write!(formatter, ";WKST={}", weekday_text(self.week_start))?;
        }
        Ok(())
    }
}

fn write_lists(formatter: &mut fmt::Formatter<'_>, lists: Vec<(&Part, &Vec<i16>)>) -> fmt::Result {
    for (part, numbers) in lists {
        write!(formatter, ";{}=", Name::Numbers(*part))?;
        write_list(formatter, numbers)?;
    }
    Ok(())
}

fn write_list<T: fmt::Display>(formatter: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(formatter, "{comma}{item}")?;
    }
    Ok(())
}

impl fmt::Display for ByDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ordinal != 0 {
            write!(formatter, "{}", self.ordinal)?;
        }
        formatter.write_str(weekday_text(self.weekday))
    }
}

impl fmt::Display for Until {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(formatter, "{}", date.strftime("%Y%m%d")),
            Self::Local(wall) => write!(formatter, "{}", compact(*wall)),
            Self::Utc(wall) => write!(formatter, "{}Z", compact(*wall)),
        }
    }
}

fn compact(wall: DateTime) -> impl fmt::Display {
    wall.strftime("%Y%m%dT%H%M%S")
}

impl Frequency {
    /// Every frequency and its name in RFC 5545.
    pub(super) const NAMES: [(Self, &str); 7] = [
        (Self::Secondly, "SECONDLY"),
        (Self::Minutely, "MINUTELY"),
        (Self::Hourly, "HOURLY"),
        (Self::Daily, "DAILY"),
        (Self::Weekly, "WEEKLY"),
        (Self::Monthly, "MONTHLY"),
        (Self::Yearly, "YEARLY"),
    ];

    fn text(self) -> &'static str {
        let name = Self::NAMES.iter().find(|(frequency, _)| *frequency == self);
        name.map_or("", |(_, text)| text)
    }
}

/// Every weekday and its name in RFC 5545, Monday first.
pub(super) const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "MO"),
    (Weekday::Tuesday, "TU"),
    (Weekday::Wednesday, "WE"),
    (Weekday::Thursday, "TH"),
    (Weekday::Friday, "FR"),
    (Weekday::Saturday, "SA"),
    (Weekday::Sunday, "SU"),
];

fn weekday_text(weekday: Weekday) -> &'static str {
    let name = WEEKDAYS.iter().find(|(known, _)| *known == weekday);
    name.map_or("", |(_, text)| text)
}
