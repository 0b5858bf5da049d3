//! Calendars that hold entries, and the entries as they are written and stored.
//!
//! An entry's times are texts in JSON and a checked [`Schedule`] here; [`EntryContent::read`] and [`EntryContent::of`] lead
//! from one to the other. Which days an office is open is another matter: see [`crate::business`].

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::is_default;
use crate::problem::Problem;
use crate::recurrence::{End, Rule};
use crate::schedule::{
    Budget, COUNT_MAX, Length, Moment, Override, Period, Recurrence, Schedule, ScheduleError,
    Window,
};

/// Longest UID, in bytes.
pub const UID_BYTES_MAX: usize = 255;
/// Longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 1_000;
/// Longest notes, in bytes.
pub const NOTES_BYTES_MAX: usize = 20_000;
/// Most people of an entry.
pub const ATTENDEES_MAX: usize = 100;
/// Longest name of a person, in bytes.
pub const ATTENDEE_BYTES_MAX: usize = 200;

/// Steps that one entry may take to be taken, or to be looked at once.
pub const ENTRY_STEPS_MAX: u64 = 500_000;

/// How long an entry is tried for before it is taken: 400 days, in microseconds.
const TRIED_US: i64 = 400 * 86_400_000_000;
const SECOND_US: i64 = 1_000_000;

/// A calendar that holds entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// For people.
    pub name: String,
    /// The department that it belongs to.
    pub department: String,
    /// IANA zone that its days are in, and imported times that name none.
    pub zone: String,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Something that takes place.
    Event,
    /// Something to be done.
    Task,
    /// Something to be thought of.
    Reminder,
    /// Somebody's time at work.
    Shift,
}

impl EntryKind {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryKind::Event => "event",
            EntryKind::Task => "task",
            EntryKind::Reminder => "reminder",
            EntryKind::Shift => "shift",
        }
    }

    /// Whether its time counts as busy if nobody says so.
    pub const fn is_usually_opaque(self) -> bool {
        matches!(self, EntryKind::Event | EntryKind::Shift)
    }
}

/// An entry of a calendar, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Names the entry for ever (UID).
    pub uid: String,
    /// What it is.
    pub kind: EntryKind,
    /// What it is called (SUMMARY).
    pub title: String,
    /// What else there is to say (DESCRIPTION).
    pub notes: String,
    /// The people that it is for, by name.
    pub attendees: Vec<String>,
    /// Whether its time counts as busy (TRANSP); a task's never does.
    pub is_opaque: bool,
    /// When it happens.
    pub schedule: Schedule,
}

/// An entry as it is written.
///
/// A moment is a day (`2026-01-31`), a wall time in a zone (`2026-01-31T09:00:00[Europe/Vienna]`) or a time of UTC
/// (`2026-01-31T08:00:00Z`); a length is one of RFC 5545, such as `P1D` or `PT1H30M`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryContent {
    /// Names the entry for ever, in every calendar program; made by the host if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// What it is.
    pub kind: EntryKind,
    /// What it is called.
    pub title: String,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// The people that it is for, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<String>,
    /// Whether its time counts as busy: that of an event or a shift does unless said otherwise, that of a task never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_opaque: Option<bool>,
    /// The moment that it begins first.
    pub start: String,
    /// How long it lasts.
    pub length: String,
    /// Recurrence rules (RRULE) of RFC 5545, such as `FREQ=WEEKLY;COUNT=4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Moments that are added (RDATE).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<AddedText>,
    /// Moments that are taken out (EXDATE).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// Occurrences that were changed one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<OverrideText>,
}

/// A moment that is added to a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddedText {
    /// When it begins.
    pub start: String,
    /// How long it lasts, if not as long as the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
}

/// What became of one occurrence of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideText {
    /// The start that the series gives it.
    pub original: String,
    /// Its own time; none if it does not take place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<PeriodText>,
}

/// A moment and how long it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodText {
    /// When it begins.
    pub start: String,
    /// How long it lasts.
    pub length: String,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredEntry {
    /// What its author decided.
    #[serde(flatten)]
    pub content: EntryContent,
    /// No occurrence begins before this instant, in seconds since 1970 UTC.
    pub first_s: i64,
    /// All occurrences are over by this instant, in seconds since 1970 UTC; none has no end, or one too far to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_s: Option<i64>,
    /// The last start that each rule with COUNT gives, by the clock of the entry's start; none of other rules, and of one that
    /// is too far to count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Option<String>>)]
    pub last_counted: Vec<Option<DateTime>>,
    /// How many runs led to what it says, one through what the other wrote: 0 if a person or a program did.
    #[serde(default, skip_serializing_if = "is_default")]
    pub depth: u32,
}

impl StoredEntry {
    /// An entry, with the time that its occurrences lie in. Refuses what cannot be expanded, or takes too long to.
    pub fn new(entry: &Entry, budget: &mut Budget) -> Result<Self, ScheduleError> {
        let rules = &entry.schedule.recurrence().rules;
        if rules
            .iter()
            .any(|rule| matches!(rule.end(), End::Count(count) if count > COUNT_MAX))
        {
            return Err(ScheduleError::TooManyCounted);
        }
        let schedule = entry.schedule.clone().counted(budget)?;
        let span = schedule.span(budget)?;
        let tried = Window {
            start_us: span.start_us,
            end_us: span.start_us.saturating_add(TRIED_US),
        };
        schedule.expand(tried, &jiff::tz::TimeZone::UTC, budget)?;
        let last_counted = schedule.last_counted();
        let is_any_counted = last_counted.iter().any(Option::is_some);
        let seconds = |at_us: i64| at_us.div_euclid(SECOND_US);
        Ok(Self {
            content: EntryContent::of(entry),
            first_s: seconds(span.start_us),
            last_s: span.end_us.map(|end_us| seconds(end_us).saturating_add(1)),
            last_counted: if is_any_counted {
                last_counted.to_vec()
            } else {
                Vec::new()
            },
            depth: 0,
        })
    }

    /// The entry that was stored, or every fault of it.
    pub fn read(&self) -> Result<Entry, Vec<Problem>> {
        let entry = self.content.read()?;
        Ok(Entry {
            schedule: entry.schedule.with_last_counted(self.last_counted.clone()),
            ..entry
        })
    }
}

impl EntryContent {
    /// An entry as text, each moment, length and rule in its one form.
    pub fn of(entry: &Entry) -> Self {
        let schedule = &entry.schedule;
        let recurrence = schedule.recurrence();
        let added = |(start, length): &(Moment, Option<Length>)| AddedText {
            start: start.to_string(),
            length: length.map(|length| length.to_string()),
        };
        let changed = |change: &Override| OverrideText {
            original: change.original.to_string(),
            moved: change.period.as_ref().map(|period| PeriodText {
                start: period.start.to_string(),
                length: period.length.to_string(),
            }),
        };
        Self {
            uid: entry.uid.clone(),
            kind: entry.kind,
            title: entry.title.clone(),
            notes: entry.notes.clone(),
            attendees: entry.attendees.clone(),
            is_opaque: Some(entry.is_opaque),
            start: schedule.period().start.to_string(),
            length: schedule.period().length.to_string(),
            rules: recurrence.rules.iter().map(Rule::to_string).collect(),
            added: recurrence.added.iter().map(added).collect(),
            excluded: recurrence.excluded.iter().map(Moment::to_string).collect(),
            overrides: recurrence.overrides.iter().map(changed).collect(),
        }
    }

    /// The entry that is written, or every fault of it.
    pub fn read(&self) -> Result<Entry, Vec<Problem>> {
        let mut faults = Faults(Vec::new());
        faults.line("/uid", &self.uid, UID_BYTES_MAX);
        faults.text("/title", &self.title, TITLE_BYTES_MAX);
        faults.text("/notes", &self.notes, NOTES_BYTES_MAX);
        if self.uid.is_empty() {
            faults.add("empty", "/uid", "an entry has a UID");
        }
        if self.attendees.len() > ATTENDEES_MAX {
            let message = format!("at most {ATTENDEES_MAX} attendees");
            faults.add("too-many", "/attendees", message);
        }
        for (place, name) in self.attendees.iter().take(ATTENDEES_MAX).enumerate() {
            faults.line(&format!("/attendees/{place}"), name, ATTENDEE_BYTES_MAX);
            if name.is_empty() {
                let pointer = format!("/attendees/{place}");
                faults.add("empty", &pointer, "a name is missing");
            }
        }
        let is_opaque = self.is_opaque.unwrap_or(self.kind.is_usually_opaque());
        if is_opaque && self.kind == EntryKind::Task {
            let message = "a task's time is never busy";
            faults.add("out-of-range", "/is_opaque", message);
        }
        let schedule = self.schedule(&mut faults);
        match schedule {
            Some(schedule) if faults.0.is_empty() => Ok(Entry {
                uid: self.uid.clone(),
                kind: self.kind,
                title: self.title.clone(),
                notes: self.notes.clone(),
                attendees: self.attendees.clone(),
                is_opaque,
                schedule,
            }),
            _ => Err(faults.0),
        }
    }

    fn schedule(&self, faults: &mut Faults) -> Option<Schedule> {
        let period = faults.period("", &self.start, &self.length);
        let mut recurrence = Recurrence::default();
        for (place, text) in self.rules.iter().enumerate() {
            let rule = Rule::parse(text).map_err(ScheduleError::from);
            let rule = faults.taken(&format!("/rules/{place}"), rule);
            recurrence.rules.extend(rule);
        }
        for (place, added) in self.added.iter().enumerate() {
            let pointer = format!("/added/{place}");
            let start = faults.moment(&format!("{pointer}/start"), &added.start);
            let length = added
                .length
                .as_ref()
                .and_then(|text| faults.length(&format!("{pointer}/length"), text));
            recurrence.added.extend(start.map(|start| (start, length)));
        }
        for (place, text) in self.excluded.iter().enumerate() {
            let moment = faults.moment(&format!("/excluded/{place}"), text);
            recurrence.excluded.extend(moment);
        }
        for (place, change) in self.overrides.iter().enumerate() {
            let pointer = format!("/overrides/{place}");
            let original = faults.moment(&format!("{pointer}/original"), &change.original);
            let moved = change.moved.as_ref();
            let period = moved.and_then(|moved| {
                faults.period(&format!("{pointer}/moved"), &moved.start, &moved.length)
            });
            let change = original.map(|original| Override { original, period });
            recurrence.overrides.extend(change);
        }
        if !faults.0.is_empty() {
            return None;
        }
        faults.taken("", Schedule::new(period?, recurrence))
    }
}

/// What is wrong with an entry.
struct Faults(Vec<Problem>);

/// Most faults that are told of one entry.
const FAULTS_MAX: usize = 100;

impl Faults {
    fn add(&mut self, code: &str, pointer: &str, message: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Problem::at(code, pointer, message));
        }
    }

    /// Text of so many bytes; line ends and tabs are its only control characters, as in iCalendar.
    fn text(&mut self, pointer: &str, text: &str, bytes_max: usize) {
        if text.len() > bytes_max {
            self.add("too-long", pointer, format!("at most {bytes_max} bytes"));
        }
        if text.chars().any(|c| c.is_control() && !"\n\t".contains(c)) {
            let message = "line ends and tabs are the only control characters";
            self.add("control-character", pointer, message);
        }
    }

    fn line(&mut self, pointer: &str, text: &str, bytes_max: usize) {
        self.text(pointer, text, bytes_max);
        if text.contains(['\n', '\t', '\u{2028}', '\u{2029}']) || text.trim() != text {
            self.add("not-one-line", pointer, "one line without spaces around it");
        }
    }

    fn moment(&mut self, pointer: &str, text: &str) -> Option<Moment> {
        self.taken(pointer, text.parse())
    }

    fn length(&mut self, pointer: &str, text: &str) -> Option<Length> {
        self.taken(pointer, Length::parse(text))
    }

    fn period(&mut self, pointer: &str, start: &str, length: &str) -> Option<Period> {
        let start = self.moment(&format!("{pointer}/start"), start);
        let length = self.length(&format!("{pointer}/length"), length);
        Some(Period {
            start: start?,
            length: length?,
        })
    }

    fn taken<T>(&mut self, pointer: &str, result: Result<T, ScheduleError>) -> Option<T> {
        result
            .map_err(|error| self.add(code(&error), pointer, error.to_string()))
            .ok()
    }
}

/// The stable code of a fault of a schedule.
pub fn code(error: &ScheduleError) -> &'static str {
    match error {
        ScheduleError::Rule(_) => "not-a-rule",
        ScheduleError::Moment => "not-a-moment",
        ScheduleError::Length => "not-a-length",
        ScheduleError::TooFrequent(_) => "too-frequent",
        ScheduleError::TooManyDates
        | ScheduleError::TooManyOccurrences
        | ScheduleError::TooManyCounted => "too-many",
        ScheduleError::DaysAndTimes => "days-and-times",
        ScheduleError::CutShort => "nothing-found",
        ScheduleError::OverBudget => "too-costly",
        ScheduleError::EndBeforeStart | ScheduleError::Window | ScheduleError::OutOfRange => {
            "out-of-range"
        }
    }
}

#[cfg(test)]
mod tests;
