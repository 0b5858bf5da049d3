//! Reads a rule strictly: what RFC 5545 forbids is refused, with what is wrong and where.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::print::WEEKDAYS;
use super::{ByDay, End, Frequency, Part, RULE_BYTES_MAX, Rule, Until};

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct RuleError {
    /// Where in the text, in bytes from 0.
    pub at: usize,
    /// What is wrong there.
    pub fault: RuleFault,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// The text is longer than [`RULE_BYTES_MAX`].
    #[error("a rule has at most {RULE_BYTES_MAX} bytes")]
    TooLong,
    /// A part is not of the shape `NAME=value`.
    #[error("a rule part is written NAME=value")]
    NotAPart,
    /// RFC 5545 has no part of that name.
    #[error("unknown rule part")]
    UnknownPart,
    /// The part was there before.
    #[error("{0} twice")]
    Doubled(Name),
    /// There is no `FREQ`.
    #[error("a rule needs FREQ")]
    NoFrequency,
    /// No frequency of RFC 5545.
    #[error("unknown frequency")]
    UnknownFrequency,
    /// Not a whole number, or one outside of the part's range.
    #[error("{name} takes whole numbers of {min} to {max}")]
    OutOfRange {
        /// The part.
        name: Name,
        /// The smallest number.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// Not a whole number, or one too far from the start or the end of what it counts in.
    #[error("{name} takes whole numbers of 1 to {max}, or -{max} to -1")]
    NotAnOrdinal {
        /// The part.
        name: Name,
        /// The largest number.
        max: u32,
    },
    /// Not `MO` to `SU`, in `BYDAY` with a number of at most 53 before it.
    #[error("not a weekday")]
    NotAWeekday,
    /// `UNTIL` is neither a date nor a time of RFC 5545.
    #[error("UNTIL is a date such as 20260131 or a time such as 20260131T090000Z")]
    NotUntil,
    /// Both ends in one rule.
    #[error("UNTIL and COUNT exclude each other")]
    UntilAndCount,
    /// `BYSETPOS` has nothing to pick from.
    #[error("BYSETPOS needs another BY part")]
    NothingToPick,
    /// The table in RFC 5545 §3.3.10 has no meaning for the part with this frequency.
    #[error("{0} has no meaning with this frequency")]
    NotWithFrequency(Name),
    /// A number before a weekday where there is nothing to count in.
    #[error("numbered weekdays are for FREQ=MONTHLY, and for FREQ=YEARLY without BYWEEKNO")]
    NumberedWeekday,
}

/// Name of a rule part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// `FREQ`.
    Frequency,
    /// `UNTIL`.
    Until,
    /// `COUNT`.
    Count,
    /// `INTERVAL`.
    Interval,
    /// `BYDAY`.
    Days,
    /// One of the lists of numbers.
    Numbers(Part),
    /// `WKST`.
    WeekStart,
}

impl Name {
    const ALL: [(Self, &str); 14] = [
        (Self::Frequency, "FREQ"),
        (Self::Until, "UNTIL"),
        (Self::Count, "COUNT"),
        (Self::Interval, "INTERVAL"),
        (Self::Numbers(Part::Second), "BYSECOND"),
        (Self::Numbers(Part::Minute), "BYMINUTE"),
        (Self::Numbers(Part::Hour), "BYHOUR"),
        (Self::Days, "BYDAY"),
        (Self::Numbers(Part::MonthDay), "BYMONTHDAY"),
        (Self::Numbers(Part::YearDay), "BYYEARDAY"),
        (Self::Numbers(Part::WeekNumber), "BYWEEKNO"),
        (Self::Numbers(Part::Month), "BYMONTH"),
        (Self::Numbers(Part::SetPosition), "BYSETPOS"),
        (Self::WeekStart, "WKST"),
    ];

    fn find(text: &str) -> Option<Self> {
        find_name(&Self::ALL, text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(name, _)| name == self);
        formatter.write_str(name.map_or("", |(_, text)| text))
    }
}

/// Names are the same in upper and lower case (RFC 5545 §2).
fn find_name<T: Copy>(names: &[(T, &str)], text: &str) -> Option<T> {
    let mut names = names.iter();
    let found = names.find(|(_, name)| name.eq_ignore_ascii_case(text));
    found.map(|(value, _)| *value)
}

impl Rule {
    /// Reads the value of an `RRULE` as RFC 5545 writes it, without the property's name.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let parts = Parts::parse(text)?;
        parts.check_combinations()?;
        parts.rule()
    }

    /// Reads a rule, taking combinations of parts that only RFC 2445, which RFC 5545 replaced, lets stand.
    ///
    /// Such a part limits: `FREQ=DAILY;BYWEEKNO=20` is every day of week 20. The number before a weekday is ignored where
    /// there is nothing to count in.
    pub fn parse_rfc_2445(text: &str) -> Result<Self, RuleError> {
        Parts::parse(text)?.rule()
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
struct Value<'a> {
    at: usize,
    text: &'a str,
}

impl<'a> Value<'a> {
    fn error(self, fault: RuleFault) -> RuleError {
        RuleError { at: self.at, fault }
    }

    /// The pieces between separators, each with its place.
    fn split(self, separator: char) -> impl Iterator<Item = Value<'a>> {
        let mut at = self.at;
        self.text.split(separator).map(move |text| {
            let piece = Value { at, text };
            at = at
                .saturating_add(text.len())
                .saturating_add(separator.len_utf8());
            piece
        })
    }
}

/// The parts of a rule by name, not yet looked at.
struct Parts<'a>(BTreeMap<Name, Value<'a>>);

impl<'a> Parts<'a> {
    fn parse(text: &'a str) -> Result<Self, RuleError> {
        let whole = Value { at: 0, text };
        if text.len() > RULE_BYTES_MAX {
            return Err(whole.error(RuleFault::TooLong));
        }
        let mut parts = BTreeMap::new();
        for part in whole.split(';') {
            let (name, text) = part
                .text
                .split_once('=')
                .ok_or_else(|| part.error(RuleFault::NotAPart))?;
            let at = part.at.saturating_add(name.len()).saturating_add(1);
            let name = Name::find(name).ok_or_else(|| part.error(RuleFault::UnknownPart))?;
            if parts.insert(name, Value { at, text }).is_some() {
                return Err(part.error(RuleFault::Doubled(name)));
            }
        }
        Ok(Self(parts))
    }

    fn find(&self, name: Name) -> Option<Value<'a>> {
        self.0.get(&name).copied()
    }

    fn frequency(&self) -> Result<Frequency, RuleError> {
        let missing = RuleError {
            at: 0,
            fault: RuleFault::NoFrequency,
        };
        let value = self.find(Name::Frequency).ok_or(missing)?;
        find_name(&Frequency::NAMES, value.text)
            .ok_or_else(|| value.error(RuleFault::UnknownFrequency))
    }

    /// The table of RFC 5545 §3.3.10, where it says that a part is not to be used.
    fn check_combinations(&self) -> Result<(), RuleError> {
        let frequency = self.frequency()?;
        let forbidden = |part| match part {
            Part::MonthDay => frequency == Frequency::Weekly,
            Part::YearDay => (Frequency::Daily..=Frequency::Monthly).contains(&frequency),
            Part::WeekNumber => frequency != Frequency::Yearly,
            _ => false,
        };
        for (name, value) in &self.0 {
            if matches!(name, Name::Numbers(part) if forbidden(*part)) {
                return Err(value.error(RuleFault::NotWithFrequency(*name)));
            }
        }
        let counts = match frequency {
            Frequency::Monthly => true,
            Frequency::Yearly => self.find(Name::Numbers(Part::WeekNumber)).is_none(),
            _ => false,
        };
        let numbered = |value: &Value<'_>| value.text.contains(|c: char| c.is_ascii_digit());
        match self.find(Name::Days).filter(numbered) {
            Some(days) if !counts => Err(days.error(RuleFault::NumberedWeekday)),
            _ => Ok(()),
        }
    }

    fn rule(&self) -> Result<Rule, RuleError> {
        let frequency = self.frequency()?;
        let mut numbers = BTreeMap::new();
        for (name, value) in &self.0 {
            if let Name::Numbers(part) = name {
                numbers.insert(*part, list_of_numbers(*part, *value)?);
            }
        }
        let days = self.find(Name::Days).map_or(Ok(Vec::new()), list_of_days)?;
        let picks_from_nothing = days.is_empty() && numbers.len() == 1;
        match self.find(Name::Numbers(Part::SetPosition)) {
            Some(value) if picks_from_nothing => return Err(value.error(RuleFault::NothingToPick)),
            _ => {}
        }
        let interval = self
            .find(Name::Interval)
            .map_or(Ok(1), |value| whole_number(Name::Interval, value, 1))?;
        let week_start = self
            .find(Name::WeekStart)
            .map_or(Ok(Weekday::Monday), weekday)?;
        let end = self.end()?;
        Ok(Rule {
            frequency,
            interval,
            end,
            numbers,
            days,
            week_start,
        })
    }

    fn end(&self) -> Result<End, RuleError> {
        match (self.find(Name::Count), self.find(Name::Until)) {
            (None, None) => Ok(End::Never),
            (Some(count), None) => whole_number(Name::Count, count, 0).map(End::Count),
            (None, Some(value)) => until(value.text)
                .map(End::Until)
                .ok_or_else(|| value.error(RuleFault::NotUntil)),
            (Some(count), Some(until)) => {
                let later = if count.at > until.at { count } else { until };
                Err(later.error(RuleFault::UntilAndCount))
            }
        }
    }
}

fn whole_number(name: Name, value: Value<'_>, min: u32) -> Result<u32, RuleError> {
    let number = digits(value.text).and_then(|text| text.parse().ok());
    number.filter(|number| *number >= min).ok_or_else(|| {
        let max = u32::MAX;
        value.error(RuleFault::OutOfRange { name, min, max })
    })
}

impl Part {
    /// Smallest and largest number, and whether it may be negative.
    fn range(self) -> (i16, i16, bool) {
        match self {
            Self::Second => (0, 60, false),
            Self::Minute => (0, 59, false),
            Self::Hour => (0, 23, false),
            Self::MonthDay => (1, 31, true),
            Self::YearDay | Self::SetPosition => (1, 366, true),
            Self::WeekNumber => (1, 53, true),
            Self::Month => (1, 12, false),
        }
    }
}

fn list_of_numbers(part: Part, value: Value<'_>) -> Result<Vec<i16>, RuleError> {
    let (min, max, is_signed) = part.range();
    let read = |item: Value<'_>| {
        let number = if is_signed {
            signed(item.text)
        } else {
            digits(item.text).and_then(|text| text.parse().ok())
        };
        let is_within = |number: &i16| (min..=max).contains(&number.saturating_abs());
        number.filter(is_within).ok_or_else(|| {
            let [min, max] = [min, max].map(|bound| bound.unsigned_abs().into());
            let name = Name::Numbers(part);
            item.error(if is_signed {
                RuleFault::NotAnOrdinal { name, max }
            } else {
                RuleFault::OutOfRange { name, min, max }
            })
        })
    };
    let mut numbers: Vec<i16> = value.split(',').map(read).collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn list_of_days(value: Value<'_>) -> Result<Vec<ByDay>, RuleError> {
    let mut days: Vec<ByDay> = value.split(',').map(by_day).collect::<Result<_, _>>()?;
    days.sort_unstable_by_key(|day| (day.ordinal, day.weekday.to_monday_zero_offset()));
    days.dedup();
    Ok(days)
}

fn by_day(item: Value<'_>) -> Result<ByDay, RuleError> {
    let not_a_weekday = || item.error(RuleFault::NotAWeekday);
    let split = item.text.len().saturating_sub(2);
    let (ordinal, name) = item
        .text
        .split_at_checked(split)
        .ok_or_else(not_a_weekday)?;
    let at = item.at.saturating_add(split);
    let weekday = weekday(Value { at, text: name })?;
    if ordinal.is_empty() {
        return Ok(ByDay {
            ordinal: 0,
            weekday,
        });
    }
    let number = signed(ordinal).filter(|number| (1..=53).contains(&number.saturating_abs()));
    let number = number.and_then(|number| i8::try_from(number).ok());
    number
        .map(|ordinal| ByDay { ordinal, weekday })
        .ok_or_else(not_a_weekday)
}

fn weekday(value: Value<'_>) -> Result<Weekday, RuleError> {
    find_name(&WEEKDAYS, value.text).ok_or_else(|| value.error(RuleFault::NotAWeekday))
}

/// The text, if it is nothing but digits.
fn digits(text: &str) -> Option<&str> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then_some(text)
}

fn signed(text: &str) -> Option<i16> {
    let negative = text.strip_prefix('-');
    let unsigned = negative.or_else(|| text.strip_prefix('+')).unwrap_or(text);
    let number: i16 = digits(unsigned)?.parse().ok()?;
    if negative.is_some() {
        number.checked_neg()
    } else {
        Some(number)
    }
}

fn until(text: &str) -> Option<Until> {
    match text.len() {
        8 => compact_date(text).map(Until::Date),
        15 => compact_time(text).map(Until::Local),
        _ => compact_time(text.strip_suffix('Z')?).map(Until::Utc),
    }
}

/// A date as RFC 5545 §3.3.4 writes it: `20260131`.
pub(crate) fn compact_date(text: &str) -> Option<Date> {
    let text = digits(text).filter(|text| text.len() == 8)?;
    let (year, rest) = text.split_at(4);
    let (month, day) = rest.split_at(2);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// A time as RFC 5545 §3.3.5 writes it, without the `Z` of UTC: `20260131T090000`. Second 60 is 59.
pub(crate) fn compact_time(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once(['T', 't'])?;
    let time = digits(time).filter(|time| time.len() == 6)?;
    let (hour, rest) = time.split_at(2);
    let (minute, second) = rest.split_at(2);
    let second: i8 = second.parse().ok().filter(|second| *second <= 60)?;
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, second.min(59), 0).ok()?;
    Some(compact_date(day)?.to_datetime(time))
}

#[cfg(test)]
mod tests;
