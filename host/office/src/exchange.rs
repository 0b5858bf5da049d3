//! Calendars in and out as iCalendar files (RFC 5545). For administrators.
//!
//! An entry of a file is known by its UID: a file that is imported again changes nothing, and one that was changed
//! elsewhere changes what it says. What the file does not speak of stays.

use std::collections::{BTreeSet, HashMap};

use bursar_domain::{
    calendar::{Entry, EntryContent, StoredEntry},
    derive::entry_space,
    draft::UniqueKey,
    icalendar::{self, CalendarError, Reading},
    problem::Problem,
    row::{Kind, Row, RowKey},
    schedule::Budget,
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    calendars::stored,
    error::Error,
    expansion::{Allowance, Held, aside},
    session::Session,
    write::Write,
};

/// Most entries of a file: all of them are one commit, or one answer.
pub const ENTRIES_MAX: usize = 2_000;
/// Most refused entries and deviations that are told, of each.
pub const TOLD_MAX: usize = 1_000;

/// Most steps that all entries of a file take to be checked: a few seconds, on a thread that may be held.
pub const FILE_STEPS_MAX: u64 = 20_000_000;

/// Entries that are written before others have their turn.
const WRITTEN_AT_ONCE: usize = 50;
/// Longest UID that is told, in characters.
const UID_TOLD_MAX: usize = 255;

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CalendarImport {
    /// Entries that are new.
    pub created: usize,
    /// Entries that were there and say something else now.
    pub updated: usize,
    /// Entries that were there as they are.
    pub unchanged: usize,
    /// Entries that were not taken.
    pub refused_count: usize,
    /// The first of them, at most 1000.
    pub refused: Vec<RefusedEntry>,
    /// What was read otherwise than it is written, or left out.
    pub deviation_count: usize,
    /// The first of that, at most 1000.
    pub deviations: Vec<DeviationTold>,
}

/// An entry of a file that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedEntry {
    /// Its UID; empty if it has none.
    pub uid: String,
    /// Line of the file, from 1, if the file is at fault and not the entry as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Why.
    pub problem: Problem,
}

/// Something of a file that was read otherwise than it is written, or left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviationTold {
    /// Line of the file, from 1.
    pub line: usize,
    /// Of which entry; empty for all.
    pub uid: String,
    /// What, for people.
    pub message: String,
}

impl CalendarImport {
    fn refuse(&mut self, uid: &str, line: Option<usize>, problem: Problem) {
        self.refused_count += 1;
        if self.refused.len() < TOLD_MAX {
            let uid = told(uid);
            self.refused.push(RefusedEntry { uid, line, problem });
        }
    }
}

impl Session {
    /// Takes the entries of an iCalendar file into a calendar.
    pub async fn import_calendar(
        &mut self,
        calendar: &str,
        text: &str,
    ) -> Result<CalendarImport, Error> {
        self.require_administrator()?;
        let zone = self.calendar_zone(calendar).await?;
        let text = text.to_owned();
        let (taken, mut import) = aside(move || read(&text, &zone)).await??;
        let values: Vec<UniqueKey> = taken
            .iter()
            .map(|entry| UniqueKey {
                space: entry_space(calendar),
                value: entry.content.uid.clone(),
            })
            .collect();
        let holders = self.holders_of(&values).await?;
        let keys: Vec<RowKey> = holders.values().cloned().collect();
        let rows = self.load_many(&keys).await?;
        let rows: HashMap<&RowKey, &Row> = rows.iter().map(|row| (&row.key, row)).collect();
        let mut writes = Vec::new();
        for (place, (entry, value)) in taken.iter().zip(&values).enumerate() {
            if place % WRITTEN_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            let there = holders.get(value).and_then(|key| rows.get(key).copied());
            match self.import_entry(calendar, entry, there) {
                Ok(None) => import.unchanged += 1,
                Ok(Some(write)) => {
                    if there.is_some() {
                        import.updated += 1;
                    } else {
                        import.created += 1;
                    }
                    writes.push(write);
                }
                Err(Error::Invalid(problems)) => {
                    refuse_first(&mut import, &entry.content.uid, problems);
                }
                Err(other) => return Err(other),
            }
        }
        self.apply(writes)?;
        Ok(import)
    }

    /// What an entry of a file changes; nothing if it is there as it is.
    fn import_entry(
        &mut self,
        calendar: &str,
        entry: &StoredEntry,
        there: Option<&Row>,
    ) -> Result<Option<Write>, Error> {
        let Some(row) = there else {
            let key = RowKey::within(Kind::Entry, calendar, &self.new_id());
            return Write::of(key, None, entry).map(Some);
        };
        if row.decode::<StoredEntry>()? == *entry {
            return Ok(None);
        }
        Write::of(row.key.clone(), Some(row), entry).map(Some)
    }

    /// A whole calendar as an iCalendar file: its entries by id, stamped with the last change of any of them.
    pub async fn export_calendar(&mut self, calendar: &str) -> Result<String, Error> {
        self.require_administrator()?;
        let step = |found: &mut (Vec<Entry>, i64), held: Held<'_>, _: &mut Budget| {
            let (entries, stamp_us) = found;
            if entries.len() == ENTRIES_MAX {
                return Err(too_many());
            }
            *stamp_us = held.row.updated_us.max(*stamp_us);
            entries.push(held.entry);
            Ok(())
        };
        let mut allowance = Allowance {
            budget: Budget::new(FILE_STEPS_MAX),
            ..Allowance::default()
        };
        let (entries, stamp_us) = self
            .work_through(calendar, None, &mut allowance, (Vec::new(), 0), step)
            .await?;
        aside(move || icalendar::print(&entries, stamp_us)).await
    }
}

/// The entries of a text as they would be stored, and what is to be told of it.
fn read(text: &str, zone: &TimeZone) -> Result<(Vec<StoredEntry>, CalendarImport), Error> {
    let reading = icalendar::read_each(text, zone).map_err(|error| unreadable(&error))?;
    if reading.entries.len() > ENTRIES_MAX {
        return Err(too_many());
    }
    let mut import = told_of(&reading);
    let taken = taken(&reading.entries, &mut import)?;
    Ok((taken, import))
}

fn too_many() -> Error {
    let message = format!("a file has at most {ENTRIES_MAX} entries");
    Error::invalid("too-many", "", message)
}

/// The entries of a file as they would be stored, each UID once.
fn taken(entries: &[Entry], import: &mut CalendarImport) -> Result<Vec<StoredEntry>, Error> {
    let mut budget = Budget::new(FILE_STEPS_MAX);
    let mut uids = BTreeSet::new();
    let mut taken = Vec::with_capacity(entries.len());
    for entry in entries {
        if !uids.insert(&entry.uid) {
            let message = "another occurrence without its series has the same UID";
            import.refuse(&entry.uid, None, Problem::at("duplicate", "/uid", message));
            continue;
        }
        // Through its text, so that an import is held to the same limits as what people write.
        let stored = stored(&EntryContent::of(entry), &mut budget);
        if budget.left() == 0 {
            let message = "the file's entries take too many steps to work out: split the file";
            return Err(Error::invalid("too-costly", "", message));
        }
        match stored {
            Ok(stored) => taken.push(stored),
            Err(error) => refuse_first(import, &entry.uid, error.problems()),
        }
    }
    Ok(taken)
}

fn refuse_first(import: &mut CalendarImport, uid: &str, problems: Vec<Problem>) {
    for problem in problems.into_iter().take(1) {
        import.refuse(uid, None, problem);
    }
}

/// What is to be told of a reading, before anything is taken.
fn told_of(reading: &Reading) -> CalendarImport {
    let deviations = reading.deviations.iter().take(TOLD_MAX);
    let mut import = CalendarImport {
        deviation_count: reading.deviations.len(),
        deviations: deviations
            .map(|deviation| DeviationTold {
                line: deviation.line,
                uid: told(&deviation.uid),
                message: deviation.what.to_string(),
            })
            .collect(),
        ..CalendarImport::default()
    };
    for refused in &reading.refused {
        let problem = Problem::new("not-a-calendar", refused.error.fault.to_string());
        import.refuse(&refused.uid, Some(refused.error.line), problem);
    }
    import
}

fn unreadable(error: &CalendarError) -> Error {
    Error::invalid("not-a-calendar", "", error.to_string())
}

fn told(uid: &str) -> String {
    uid.chars().take(UID_TOLD_MAX).collect()
}
