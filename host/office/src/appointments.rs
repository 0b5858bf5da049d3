//! What calendars come to in a window of time: occurrences, and busy time.
//!
//! Reads only, within bounds: windows, calendars, entries looked at, occurrences answered. Needs `calendars: read` on each
//! calendar that is asked for.

use std::sync::Arc;

use bursar_domain::{
    availability::{self, AvailabilityError},
    calendar::EntryKind,
    manifest::CalendarOperation,
    schedule::{Budget, Occurrence, ScheduleError, Window},
    time,
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::Error,
    expansion::{Allowance, Held, of_window, too_many},
    input::Faults,
    session::Session,
};

/// Most calendars of one question.
pub const CALENDARS_MAX: usize = 50;
/// Most occurrences of one answer.
pub const OCCURRENCES_MAX: usize = 10_000;
/// Most bytes of the texts of one answer's occurrences, which repeat those of their entries; an attendee counts 32 more.
pub const OCCURRENCES_BYTES_MAX: usize = 16 << 20;

/// What an attendee's name weighs beside its text, in bytes.
const TEXT_BYTES: usize = 32;
/// Windows of taken time that may be unmerged.
const MERGED_AT: usize = 1_000;

/// One time that an entry happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appointment {
    /// When it begins, in microseconds UTC.
    pub start_us: i64,
    /// When it is over, in microseconds UTC.
    pub end_us: i64,
    /// The start that its series gives it, in microseconds UTC: with the UID it names the occurrence, a whole day by its date.
    pub original_start_us: i64,
    /// The calendar.
    pub calendar: String,
    /// The entry's id.
    pub entry: String,
    /// The entry's UID.
    pub uid: String,
    /// What the entry is.
    pub kind: EntryKind,
    /// What the entry is called.
    pub title: String,
    /// The people that it is for.
    pub attendees: Vec<String>,
    /// Whether its time counts as busy.
    pub is_opaque: bool,
}

/// Whose time is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// The calendars, at most 50.
    pub calendars: Vec<String>,
    /// Only entries for this person; all entries if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

impl Session {
    /// Every occurrence of some calendars that begins in a window or lasts into it, by start.
    pub async fn occurrences(
        &mut self,
        calendars: &[String],
        window: Window,
    ) -> Result<Vec<Appointment>, Error> {
        self.check_question(calendars, window, "/calendars")?;
        let (mut gathered, mut allowance) = (Gathered::default(), Allowance::default());
        for calendar in calendars {
            let of: Arc<str> = Arc::from(calendar.as_str());
            let step = move |gathered: &mut Gathered, held: Held<'_>, budget: &mut Budget| {
                let schedule = &held.entry.schedule;
                let occurrences = schedule.expand_overlapping(window, held.zone, budget);
                let occurrences = occurrences.map_err(|error| of_entry(&error, &held))?;
                gathered.take(&of, &held, &occurrences)
            };
            gathered = self
                .work_through(calendar, Some(window), &mut allowance, gathered, step)
                .await?;
        }
        let mut found = gathered.found;
        found.sort_by(|one, other| {
            let place = |of: &Appointment| (of.start_us, of.end_us, of.original_start_us);
            let name = |of: &Appointment| (of.calendar.clone(), of.entry.clone());
            place(one)
                .cmp(&place(other))
                .then_with(|| name(one).cmp(&name(other)))
        });
        Ok(found)
    }

    /// The time within a window that is taken: merged, rising, without a word about by what.
    pub async fn free_busy(&mut self, whose: &Whose, window: Window) -> Result<Vec<Window>, Error> {
        self.check_question(&whose.calendars, window, "/calendars")?;
        self.busy(whose, window, &mut Allowance::default()).await
    }

    /// As [`Session::free_busy`], for one of several who are asked for, in a question that was checked.
    pub(crate) async fn busy(
        &mut self,
        whose: &Whose,
        window: Window,
        allowance: &mut Allowance,
    ) -> Result<Vec<Window>, Error> {
        let mut taken = Taken::default();
        for calendar in &whose.calendars {
            let person = whose.person.clone();
            let step = move |taken: &mut Taken, held: Held<'_>, budget: &mut Budget| {
                let entry = &held.entry;
                let is_theirs = |person: &String| entry.attendees.contains(person);
                if !entry.is_opaque || !person.as_ref().is_none_or(is_theirs) {
                    return Ok(());
                }
                let busy = availability::taken([&entry.schedule], window, held.zone, budget);
                taken.add(busy.map_err(|error| unavailable(&error))?, window);
                Ok(())
            };
            taken = self
                .work_through(calendar, Some(window), allowance, taken, step)
                .await?;
        }
        Ok(availability::merged(taken.windows, window))
    }

    pub(crate) fn check_question(
        &self,
        calendars: &[String],
        window: Window,
        pointer: &str,
    ) -> Result<(), Error> {
        for calendar in calendars {
            self.require_calendar(calendar, CalendarOperation::Read)?;
        }
        availability::check_window(window).map_err(|error| unavailable(&error))?;
        if !(1..=CALENDARS_MAX).contains(&calendars.len()) {
            let message = format!("1 to {CALENDARS_MAX} calendars");
            return Err(Error::invalid("wrong-count", pointer, message));
        }
        let mut faults = Faults::default();
        for (place, calendar) in calendars.iter().enumerate() {
            let is_first = calendars.iter().position(|other| other == calendar) == Some(place);
            let at = format!("{pointer}/{place}");
            faults.unless(
                is_first,
                "duplicate",
                &at,
                "each calendar is asked for once",
            );
        }
        faults.result()
    }

    /// The zone that a calendar's days are in.
    pub(crate) async fn calendar_zone(&mut self, calendar: &str) -> Result<TimeZone, Error> {
        let zone = self.known_calendar(calendar).await?.zone;
        time::zone(&zone).map_err(|error| Error::Broken(error.to_string()))
    }
}

/// Occurrences of all that was looked at, and what their texts weigh.
#[derive(Default)]
struct Gathered {
    found: Vec<Appointment>,
    bytes: usize,
}

impl Gathered {
    fn take(
        &mut self,
        calendar: &str,
        held: &Held<'_>,
        occurrences: &[Occurrence],
    ) -> Result<(), Error> {
        if self.found.len() + occurrences.len() > OCCURRENCES_MAX {
            return Err(too_many("occurrences", OCCURRENCES_MAX));
        }
        let entry = &held.entry;
        let attendees = entry.attendees.iter();
        let attendees: usize = attendees.map(|name| name.len() + TEXT_BYTES).sum();
        let bytes = entry.uid.len() + entry.title.len() + attendees;
        self.bytes += bytes * occurrences.len();
        if self.bytes > OCCURRENCES_BYTES_MAX {
            return Err(too_many("bytes of occurrences", OCCURRENCES_BYTES_MAX));
        }
        let shown = occurrences.iter();
        self.found
            .extend(shown.map(|one| appointment(calendar, held, one)));
        Ok(())
    }
}

/// Time that is taken, kept small while it is gathered: calendars overlap more than not.
#[derive(Default)]
struct Taken {
    windows: Vec<Window>,
    /// How many there were when they were merged last.
    merged: usize,
}

impl Taken {
    fn add(&mut self, more: Vec<Window>, within: Window) {
        self.windows.extend(more);
        // Seldom enough that merging costs no more than gathering.
        if self.windows.len() > self.merged.saturating_mul(2).saturating_add(MERGED_AT) {
            self.windows = availability::merged(std::mem::take(&mut self.windows), within);
            self.merged = self.windows.len();
        }
    }
}

fn appointment(calendar: &str, held: &Held<'_>, one: &Occurrence) -> Appointment {
    let Held { row, entry, .. } = held;
    Appointment {
        start_us: one.start_us,
        end_us: one.end_us,
        original_start_us: one.original_start_us,
        calendar: calendar.to_owned(),
        entry: row.key.id.to_string(),
        uid: entry.uid.clone(),
        kind: entry.kind,
        title: entry.title.clone(),
        attendees: entry.attendees.clone(),
        is_opaque: entry.is_opaque,
    }
}

fn of_entry(error: &ScheduleError, held: &Held<'_>) -> Error {
    match of_window(error) {
        Error::Invalid(mut problems) => {
            for problem in &mut problems {
                problem.message = format!("entry {}: {}", held.row.key.id, problem.message);
            }
            Error::Invalid(problems)
        }
        other => other,
    }
}

/// Why there is no answer, as a fault of the question.
pub(crate) fn unavailable(error: &AvailabilityError) -> Error {
    let (code, pointer) = match error {
        AvailabilityError::Window | AvailabilityError::OutOfRange => ("out-of-range", "/window"),
        AvailabilityError::TooMany => ("too-many", ""),
        AvailabilityError::Length => ("out-of-range", "/length"),
        AvailabilityError::Schedule(error) => return of_window(error),
    };
    Error::invalid(code, pointer, error.to_string())
}
