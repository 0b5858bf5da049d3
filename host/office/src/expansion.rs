//! Working through the entries of calendars: page by page, within a budget, where a thread may be held.
//!
//! The one place in which entries are expanded. Whatever a calendar holds, a request looks at so many entries, takes so many
//! steps, and never holds a thread that others wait for. Who may ask is checked before.

use bursar_domain::{
    calendar::{Entry, StoredEntry},
    draft::Position,
    row::Row,
    schedule::{Budget, ScheduleError, Window},
};
use jiff::tz::TimeZone;

use crate::{calendars::entries_of, error::Error, listing::Answer, session::Session};

/// Most entries that one question looks at.
pub const ENTRIES_MAX: usize = 5_000;
/// Most steps that one question takes, for all of its calendars and people together: about a second.
pub const QUESTION_STEPS_MAX: u64 = 5_000_000;

/// Entries read at a time.
const PAGE_ROWS: usize = 100;
/// How many bytes of an entry are read in the time of a step.
const BYTES_PER_STEP: usize = 16;

/// What a question may still cost, shared by all that it looks at.
pub(crate) struct Allowance {
    pub entries: usize,
    pub budget: Budget,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            entries: ENTRIES_MAX,
            budget: Budget::new(QUESTION_STEPS_MAX),
        }
    }
}

/// An entry of a page, and what expanding it needs.
pub(crate) struct Held<'a> {
    pub row: &'a Row,
    pub entry: Entry,
    /// How many runs led to it.
    pub depth: u32,
    /// The zone that the calendar's days are in.
    pub zone: &'a TimeZone,
}

/// Does what may take long where a thread may be held.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(_) => Err(Error::Host(bursar_db::Error::Closed)),
    }
}

impl Session {
    /// Goes through a calendar's entries, or those that may happen in a window, gathering what `step` makes of each.
    pub(crate) async fn work_through<T, F>(
        &mut self,
        calendar: &str,
        window: Option<Window>,
        allowance: &mut Allowance,
        mut gathered: T,
        step: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut T, Held<'_>, &mut Budget) -> Result<(), Error> + Clone + Send + 'static,
    {
        let mut after = None;
        loop {
            let page = self.entries_after(calendar, window, after).await?;
            self.hand_out(page.rows.len())?;
            let left = allowance.entries.checked_sub(page.rows.len());
            allowance.entries = left.ok_or_else(|| too_many("entries", ENTRIES_MAX))?;
            after = page.next;
            gathered = self
                .work_off(calendar, page.rows, allowance, gathered, step.clone())
                .await?;
            if after.is_none() {
                return Ok(gathered);
            }
        }
    }

    /// A page of a calendar's entries that may happen in a window, behind another.
    pub(crate) async fn entries_after(
        &mut self,
        calendar: &str,
        window: Option<Window>,
        after: Option<Position>,
    ) -> Result<Answer, Error> {
        self.known_calendar(calendar).await?;
        let scope = entries_of(calendar, window)?;
        self.list(&scope, after, PAGE_ROWS).await
    }

    /// What `step` makes of each of some entries.
    pub(crate) async fn work_off<T, F>(
        &mut self,
        calendar: &str,
        rows: Vec<Row>,
        allowance: &mut Allowance,
        mut gathered: T,
        step: F,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut T, Held<'_>, &mut Budget) -> Result<(), Error> + Send + 'static,
    {
        let zone = self.calendar_zone(calendar).await?;
        let mut budget = allowance.budget.clone();
        let worked = aside(move || {
            for row in &rows {
                let (entry, depth) = read_within(row, &mut budget)?;
                let held = Held {
                    row,
                    entry,
                    depth,
                    zone: &zone,
                };
                step(&mut gathered, held, &mut budget)?;
            }
            Ok::<_, Error>((gathered, budget))
        });
        let (gathered, budget) = worked.await??;
        allowance.budget = budget;
        Ok(gathered)
    }
}

/// An entry, and how many runs led to it.
fn read_within(row: &Row, budget: &mut Budget) -> Result<(Entry, u32), Error> {
    let stored: StoredEntry = row.decode()?;
    let content = &stored.content;
    let rules = content.rules.iter().map(String::len).sum::<usize>();
    let dates = content.added.len() + content.excluded.len() + content.overrides.len();
    let steps = 1 + (content.notes.len() + rules) / BYTES_PER_STEP + 4 * dates;
    let spent = budget.spend(u64::try_from(steps).unwrap_or(u64::MAX));
    spent.map_err(|error| of_window(&error))?;
    match stored.read() {
        Ok(entry) => Ok((entry, stored.depth)),
        Err(problems) => Err(Error::Broken(format!("{}: {problems:?}", row.key))),
    }
}

/// What a question about a window asks too much of, and how to ask for less.
pub(crate) fn of_window(error: &ScheduleError) -> Error {
    let hint = match error {
        ScheduleError::OverBudget | ScheduleError::TooManyOccurrences => {
            ": ask for a shorter window or for fewer calendars"
        }
        _ => "",
    };
    let code = bursar_domain::calendar::code(error);
    Error::invalid(code, "/window", format!("{error}{hint}"))
}

pub(crate) fn too_many(what: &str, most: usize) -> Error {
    let message = format!("more than {most} {what}: ask for a shorter window");
    Error::invalid("too-many", "/window", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_may_take_long_is_done_where_no_other_task_waits() {
        let here = std::thread::current().id();
        let there = aside(|| std::thread::current().id()).await;
        assert_ne!(there.expect("an answer"), here);
    }
}
