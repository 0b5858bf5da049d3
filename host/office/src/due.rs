//! Occurrences that are to fire: a calendar's, page by page, and whether what is late was missed. For the host.

use std::collections::{
    BTreeSet,
    btree_map::{BTreeMap, Entry as Slot},
};

use bursar_db::RowVersion;
use bursar_domain::{
    calendar::ENTRY_STEPS_MAX,
    draft::Position,
    row::{Kind, Row, RowKey},
    run::DEPTH_MAX,
    schedule::{Budget, Occurrence, ScheduleError, Window},
};

use crate::{
    error::Error,
    expansion::{Allowance, Held, of_window},
    session::Session,
};

/// Most steps of one search: a few seconds, on a thread that may be held.
pub const SEARCH_STEPS_MAX: u64 = 20_000_000;
/// Most images of an entry that are looked through for the one that held at an instant: the last ones.
const VERSIONS_MAX: usize = 100;

/// An occurrence that is to fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueOccurrence {
    /// The entry's id.
    pub entry: String,
    /// The entry's UID.
    pub uid: String,
    /// When it begins, in microseconds UTC.
    pub start_us: i64,
    /// The start that its series gives it, in microseconds UTC.
    pub original_start_us: i64,
    /// What it is named after for ever, with the UID: its original day, or instant if it has a time.
    pub original: String,
    /// When its entry was written last, in microseconds UTC.
    pub written_us: i64,
    /// How many runs led to its entry.
    pub depth: u32,
}

/// A search for the occurrences of a calendar that begin in a window.
pub struct DueSearch {
    calendar: String,
    window: Window,
    after: Option<Position>,
    is_over: bool,
    allowance: Allowance,
}

impl DueSearch {
    /// A search that has not begun.
    pub fn new(calendar: &str, window: Window) -> Self {
        Self {
            calendar: calendar.to_owned(),
            window,
            after: None,
            is_over: false,
            allowance: Allowance {
                entries: usize::MAX,
                budget: Budget::new(SEARCH_STEPS_MAX),
            },
        }
    }
}

/// The occurrences of some entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuePage {
    /// In no order.
    pub found: Vec<DueOccurrence>,
    /// Entries that cannot be expanded or end a loop, by id, and why: the others fire all the same.
    pub left_out: Vec<(String, String)>,
}

impl Session {
    /// The occurrences of the next page of entries; none at the end.
    pub async fn next_due(&mut self, search: &mut DueSearch) -> Result<Option<DuePage>, Error> {
        self.require_administrator()?;
        if search.is_over {
            return Ok(None);
        }
        let window = search.window;
        let after = search.after.take();
        let page = self
            .entries_after(&search.calendar, Some(window), after)
            .await?;
        (search.is_over, search.after) = (page.next.is_none(), page.next);
        let step = move |page: &mut DuePage, held: Held<'_>, budget: &mut Budget| {
            match expand(&held, window, budget) {
                Ok(found) if held.depth > DEPTH_MAX && !found.is_empty() => {
                    page.left_out.push((held.row.key.id.to_string(), loops()));
                }
                Ok(found) => page.found.extend(found.iter().map(|one| due(&held, one))),
                Err(error) if budget.left() == 0 => return Err(of_window(&error)),
                Err(error) => {
                    let id = held.row.key.id.to_string();
                    page.left_out.push((id, error.to_string()));
                }
            }
            Ok(())
        };
        let (calendar, allowance) = (&search.calendar, &mut search.allowance);
        self.work_off(calendar, page.rows, allowance, DuePage::default(), step)
            .await
            .map(Some)
    }

    /// Those of some occurrences that were there by an instant of each, as the log tells: what was written later, or
    /// moved to another time, was not missed, and a new title changes nothing.
    pub async fn there_by(
        &mut self,
        search: &mut DueSearch,
        found: Vec<DueOccurrence>,
        by_us: impl Fn(&DueOccurrence) -> i64,
    ) -> Result<Vec<DueOccurrence>, Error> {
        self.require_administrator()?;
        let is_old = |due: &DueOccurrence| due.written_us <= by_us(due);
        let (mut kept, doubtful): (Vec<_>, Vec<_>) = found.into_iter().partition(is_old);
        let mut entries: BTreeMap<String, Vec<DueOccurrence>> = BTreeMap::new();
        for due in doubtful {
            entries.entry(due.entry.clone()).or_default().push(due);
        }
        for (entry, found) in entries {
            let key = RowKey::within(Kind::Entry, &search.calendar, &entry);
            let versions = self.database.row_history(&key, None, VERSIONS_MAX).await?;
            let mut said: BTreeMap<i64, BTreeSet<(String, i64)>> = BTreeMap::new();
            for due in found {
                let by_us = by_us(&due);
                let Some(version) = versions.iter().find(|version| version.at_us <= by_us) else {
                    continue;
                };
                let starts = match said.entry(version.seq) {
                    Slot::Occupied(known) => known.into_mut(),
                    Slot::Vacant(free) => free.insert(self.starts_of(search, &key, version).await?),
                };
                let name = (due.original.clone(), due.start_us);
                if starts.contains(&name) {
                    kept.push(due);
                }
            }
        }
        Ok(kept)
    }

    /// The originals and starts of what an image of an entry had in the window; nothing if it was removed.
    async fn starts_of(
        &mut self,
        search: &mut DueSearch,
        key: &RowKey,
        version: &RowVersion,
    ) -> Result<BTreeSet<(String, i64)>, Error> {
        let Some(body) = version.body.clone() else {
            return Ok(BTreeSet::new());
        };
        let row = Row {
            key: key.clone(),
            revision: version.seq,
            created_us: version.at_us,
            updated_us: version.at_us,
            body,
        };
        let window = search.window;
        let step = move |starts: &mut BTreeSet<_>, held: Held<'_>, budget: &mut Budget| {
            let found = match expand(&held, window, budget) {
                Err(error) if budget.left() == 0 => return Err(of_window(&error)),
                found => found.unwrap_or_default(),
            };
            let dues = found.iter().map(|one| due(&held, one));
            starts.extend(dues.map(|due| (due.original, due.start_us)));
            Ok(())
        };
        let (calendar, allowance) = (&search.calendar, &mut search.allowance);
        self.work_off(calendar, vec![row], allowance, BTreeSet::new(), step)
            .await
    }
}

fn expand(
    held: &Held<'_>,
    window: Window,
    budget: &mut Budget,
) -> Result<Vec<Occurrence>, ScheduleError> {
    budget.lend(ENTRY_STEPS_MAX, |budget| {
        held.entry.schedule.expand(window, held.zone, budget)
    })
}

fn loops() -> String {
    format!(
        "more than {DEPTH_MAX} runs led to it, each through what the one before wrote: an automation that is started by what \
         it writes is a loop; a person who writes the entry anew begins a new chain"
    )
}

fn due(held: &Held<'_>, one: &Occurrence) -> DueOccurrence {
    let schedule = &held.entry.schedule;
    DueOccurrence {
        entry: held.row.key.id.to_string(),
        uid: held.entry.uid.clone(),
        start_us: one.start_us,
        original_start_us: one.original_start_us,
        original: schedule.original_text(one.original_start_us, held.zone),
        written_us: held.row.updated_us,
        depth: held.depth,
    }
}
