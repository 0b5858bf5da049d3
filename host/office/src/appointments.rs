//! What calendars come to in a window of time: occurrences, and busy time.
//!
//! Reads only, within bounds: windows, calendars, entries looked at, occurrences answered. For administrators.

use bursar_domain::{
    availability::{self, AvailabilityError},
    calendar::{self, Entry, EntryKind, StoredEntry},
    row::Row,
    schedule::{Occurrence, ScheduleError, Window},
    time,
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    calendars::{entries_of, fault},
    error::Error,
    session::Session,
};

/// Most calendars of one question.
pub const CALENDARS_MAX: usize = 50;
/// Most entries that one question looks at.
pub const ENTRIES_MAX: usize = 5_000;
/// Most occurrences of one answer.
pub const OCCURRENCES_MAX: usize = 10_000;

/// Entries read at a time.
const PAGE_ROWS: usize = 500;

/// One time that an entry happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appointment {
    /// When it begins, in microseconds UTC.
    pub start_us: i64,
    /// When it is over, in microseconds UTC.
    pub end_us: i64,
    /// The start that its series gives it, in microseconds UTC: with the UID it names the occurrence for ever.
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

/// An entry of a calendar, read.
struct Held {
    id: String,
    entry: Entry,
}

/// A calendar's entries that may happen in a window, and its zone.
struct Sheet {
    zone: TimeZone,
    held: Vec<Held>,
}

impl Session {
    /// Every occurrence of some calendars that begins in a window or lasts into it, by start.
    pub async fn occurrences(
        &mut self,
        calendars: &[String],
        window: Window,
    ) -> Result<Vec<Appointment>, Error> {
        self.check_question(calendars, window, "/calendars")?;
        let mut found = Vec::new();
        let mut looked_at = 0;
        for calendar in calendars {
            let sheet = self.sheet(calendar, window, &mut looked_at).await?;
            for Held { id, entry } in sheet.held {
                let occurrences = entry.schedule.expand_overlapping(window, &sheet.zone);
                let occurrences = occurrences.map_err(|error| of_entry(&error, &id))?;
                if found.len() + occurrences.len() > OCCURRENCES_MAX {
                    return Err(too_many("occurrences", OCCURRENCES_MAX));
                }
                let shown = occurrences.iter();
                found.extend(shown.map(|one| appointment(calendar, &id, &entry, one)));
            }
        }
        found.sort_by(|one, other| {
            let place = |of: &Appointment| (of.start_us, of.end_us, of.original_start_us);
            let name = |of: &Appointment| (of.calendar.clone(), of.entry.clone());
            place(one)
                .cmp(&place(other))
                .then_with(|| name(one).cmp(&name(other)))
        });
        Ok(found)
    }

    /// The occurrences of a calendar that begin in a window, for whoever fires them.
    pub async fn due_occurrences(
        &mut self,
        calendar: &str,
        window: Window,
    ) -> Result<DueOccurrences, Error> {
        let zone = self.calendar_zone(calendar).await?;
        let scope = entries_of(calendar, Some(window))?;
        let (mut due, mut after) = (DueOccurrences::default(), None);
        loop {
            let answer = self.list(&scope, after, PAGE_ROWS).await?;
            for row in &answer.rows {
                let entry = read_entry(row)?;
                match entry.schedule.expand(window, &zone) {
                    Ok(found) => due.found.extend(found.iter().map(|one| DueOccurrence {
                        appointment: appointment(calendar, &row.key.id, &entry, one),
                        written_us: row.updated_us,
                    })),
                    Err(error) => due
                        .left_out
                        .push((row.key.id.to_string(), error.to_string())),
                }
            }
            after = answer.next;
            if after.is_none() {
                return Ok(due);
            }
        }
    }

    /// The time within a window that is taken: merged, rising, without a word about by what.
    pub async fn free_busy(&mut self, whose: &Whose, window: Window) -> Result<Vec<Window>, Error> {
        let mut looked_at = 0;
        self.busy(whose, window, "", &mut looked_at).await
    }

    /// As [`Session::free_busy`], for one of several who are asked for.
    pub(crate) async fn busy(
        &mut self,
        whose: &Whose,
        window: Window,
        pointer: &str,
        looked_at: &mut usize,
    ) -> Result<Vec<Window>, Error> {
        self.check_question(&whose.calendars, window, &format!("{pointer}/calendars"))?;
        let mut taken = Vec::new();
        for calendar in &whose.calendars {
            let sheet = self.sheet(calendar, window, looked_at).await?;
            let counts = |held: &&Held| {
                let is_theirs = |person: &String| held.entry.attendees.contains(person);
                held.entry.is_opaque && whose.person.as_ref().is_none_or(is_theirs)
            };
            let schedules = sheet.held.iter().filter(counts);
            let schedules = schedules.map(|held| &held.entry.schedule);
            let busy = availability::busy(schedules, window, &sheet.zone);
            taken.extend(busy.map_err(|error| unavailable(&error))?);
        }
        Ok(availability::merged(taken, window))
    }

    fn check_question(
        &self,
        calendars: &[String],
        window: Window,
        pointer: &str,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        availability::check_window(window).map_err(|error| unavailable(&error))?;
        if !(1..=CALENDARS_MAX).contains(&calendars.len()) {
            let message = format!("1 to {CALENDARS_MAX} calendars");
            return Err(Error::invalid("wrong-count", pointer, message));
        }
        Ok(())
    }

    /// Reads a calendar's entries that may happen in a window.
    async fn sheet(
        &mut self,
        calendar: &str,
        window: Window,
        looked_at: &mut usize,
    ) -> Result<Sheet, Error> {
        let zone = self.calendar_zone(calendar).await?;
        let scope = entries_of(calendar, Some(window))?;
        let (mut held, mut after) = (Vec::new(), None);
        loop {
            let answer = self.list(&scope, after, PAGE_ROWS).await?;
            *looked_at += answer.rows.len();
            if *looked_at > ENTRIES_MAX {
                return Err(too_many("entries", ENTRIES_MAX));
            }
            self.hand_out(answer.rows.len())?;
            for row in &answer.rows {
                held.push(Held {
                    id: row.key.id.to_string(),
                    entry: read_entry(row)?,
                });
            }
            after = answer.next;
            if after.is_none() {
                return Ok(Sheet { zone, held });
            }
        }
    }

    /// The zone that a calendar's days are in.
    pub(crate) async fn calendar_zone(&mut self, calendar: &str) -> Result<TimeZone, Error> {
        let zone = self.calendar(calendar).await?.body.zone;
        time::zone(&zone).map_err(|error| Error::Broken(error.to_string()))
    }
}

/// An occurrence that is to fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueOccurrence {
    /// The occurrence.
    pub appointment: Appointment,
    /// When its entry was written as it is, in microseconds UTC.
    pub written_us: i64,
}

/// The occurrences of a calendar that are to fire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueOccurrences {
    /// In no order.
    pub found: Vec<DueOccurrence>,
    /// Entries that cannot be expanded, by id, and why: the others fire all the same.
    pub left_out: Vec<(String, String)>,
}

/// A stored entry, read again by the rules that it was taken by.
pub fn read_entry(row: &Row) -> Result<Entry, Error> {
    let stored: StoredEntry = row.decode()?;
    let entry = stored.content.read();
    entry.map_err(|problems| Error::Broken(format!("{}: {problems:?}", row.key)))
}

fn appointment(calendar: &str, id: &str, entry: &Entry, one: &Occurrence) -> Appointment {
    Appointment {
        start_us: one.start_us,
        end_us: one.end_us,
        original_start_us: one.original_start_us,
        calendar: calendar.to_owned(),
        entry: id.to_owned(),
        uid: entry.uid.clone(),
        kind: entry.kind,
        title: entry.title.clone(),
        attendees: entry.attendees.clone(),
        is_opaque: entry.is_opaque,
    }
}

fn too_many(what: &str, most: usize) -> Error {
    let message = format!("more than {most} {what}: ask for a shorter window");
    Error::invalid("too-many", "/window", message)
}

fn of_entry(error: &ScheduleError, id: &str) -> Error {
    let message = format!("entry {id}: {error}");
    Error::invalid(calendar::code(error), "/window", message)
}

/// Why there is no answer, as a fault of the question.
pub(crate) fn unavailable(error: &AvailabilityError) -> Error {
    let (code, pointer) = match error {
        AvailabilityError::Window | AvailabilityError::OutOfRange => ("out-of-range", "/window"),
        AvailabilityError::TooMany => ("too-many", ""),
        AvailabilityError::Length => ("out-of-range", "/length"),
        AvailabilityError::Schedule(error) => return fault(error, "/window"),
    };
    Error::invalid(code, pointer, error.to_string())
}
