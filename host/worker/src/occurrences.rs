//! Occurrences of calendars: which of them are due, and the runs that they come to.
//!
//! How far a trigger has looked is a row of the same commit as the runs that it queues, and a run is named after the UID
//! and the original start of its occurrence: each fires at most once, whatever crashes, however clocks are set, however
//! many workers there are, and though the entry is moved or imported again (SCH-4). So a look may begin before the end of
//! the last one, and finds what was written meanwhile for an instant that had passed just before.

mod harvest;

use std::collections::HashSet;

use bursar_db::Database;
use bursar_domain::{
    log::sha256_hex,
    manifest::{Misfire, TriggerAsk},
    matching,
    office::{Actor, Timer},
    row::{Kind, RowKey},
    run::{Event, Trigger},
    schedule::Window,
};
use bursar_office::{
    Session,
    due::{DueOccurrence, DueSearch},
    run_id,
};
use serde_json::json;

use crate::{
    Error,
    timers::{Due, GRACE_US, Looked, context},
    timetable::{Listed, Shared, ahead, all_automations, resumes_us, seen},
};
use harvest::Harvest;

/// How often calendars are looked at, in microseconds: far more often than an occurrence is late.
pub(crate) const LOOK_EVERY_US: i64 = 10 * 1_000_000;
/// What was missed longer ago is forgotten: 31 days, in microseconds.
const LOOK_BACK_US: i64 = 31 * 86_400 * 1_000_000;
/// How far ahead the next occurrence is looked for: 31 days, in microseconds.
const LOOK_AHEAD_US: i64 = LOOK_BACK_US;
const MINUTE_US: i64 = 60 * 1_000_000;
/// Runs that are looked up at a time.
const RUNS_AT_ONCE: usize = 500;
/// Most entries that are told of as left out, for each trigger.
const LEFT_OUT_TOLD_MAX: usize = 100;

/// A trigger that waits for a calendar's occurrences, and how far it has looked.
#[derive(Clone, Debug)]
pub(crate) struct Awaited {
    pub automation: String,
    pub trigger: String,
    pub calendar: String,
    lead_us: i64,
    misfire: Misfire,
    /// When the automation was written as it is: what was planned before is none of a new trigger's.
    enabled_us: i64,
    /// How far it has looked; none if nobody has looked yet.
    pub seen: Option<Timer>,
}

impl Awaited {
    /// When an occurrence is to fire.
    fn planned_us(&self, due: &DueOccurrence) -> i64 {
        due.start_us.saturating_sub(self.lead_us)
    }

    /// The starts of the occurrences that were to fire after one instant, up to and including another.
    fn window(&self, after_us: i64, until_us: i64) -> Window {
        let start = |planned_us: i64| planned_us.saturating_add(self.lead_us).saturating_add(1);
        Window {
            start_us: start(after_us),
            end_us: start(until_us),
        }
    }

    /// What was dealt with already, if anything was.
    fn fired(&self) -> Timer {
        self.seen.unwrap_or(Timer {
            fired_until_us: self.enabled_us,
            since_us: self.enabled_us,
        })
    }

    /// The name of the event of an occurrence, whenever it takes place and whatever else changes.
    fn event_id(&self, due: &DueOccurrence) -> String {
        let name = json!([self.calendar, due.uid]).to_string();
        let digest = sha256_hex(name.as_bytes());
        let (digest, _) = digest.split_at_checked(32).unwrap_or((&digest, ""));
        format!("occurrence/{}/{digest}/{}", self.trigger, due.original)
    }

    fn event(&self, due: &DueOccurrence, missed: usize, now_us: i64) -> Event {
        Event {
            id: self.event_id(due),
            source: format!("calendar/{}", self.calendar),
            event_type: "occurrence.due".to_owned(),
            time_us: now_us,
            actor: Actor::new("system", "timer"),
            depth: due.depth,
            trigger: Trigger::Occurrence {
                trigger: self.trigger.clone(),
                calendar: self.calendar.clone(),
                uid: due.uid.clone(),
                original_start_us: due.original_start_us,
                start_us: due.start_us,
                scheduled_us: self.planned_us(due),
                missed: u32::try_from(missed).unwrap_or(u32::MAX),
            },
        }
    }

    fn due(&self, events: Vec<Event>, fired_until_us: i64, has_more: bool) -> Due {
        Due {
            automation: self.automation.clone(),
            trigger: self.trigger.clone(),
            events,
            seen: self.seen,
            fired: Timer {
                fired_until_us,
                since_us: self.fired().since_us,
            },
            has_more,
        }
    }
}

/// What all triggers for occurrences come to now.
pub(crate) async fn due_occurrences(database: &Database, now_us: i64) -> Result<Looked, Error> {
    let awaited = all_awaited(database).await?;
    let mut looked = Looked::default();
    for awaited in awaited {
        let name = format!("{}/{}", awaited.automation, awaited.trigger);
        let ahead = ahead(awaited.seen, now_us);
        looked
            .troubles
            .extend(ahead.map(|told| (name.clone(), told)));
        match look(database, &awaited, now_us, &mut looked).await {
            Ok(due) => looked.due.extend(due),
            Err(Error::Office(error)) if !matches!(error, bursar_office::Error::Host(_)) => {
                // The other triggers fire all the same, also if a row of this one cannot be read.
                looked.troubles.insert(name, error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(looked)
}

async fn all_awaited(database: &Database) -> Result<Vec<Awaited>, Error> {
    let mut snapshot = database.snapshot();
    let (mut found, mut shared) = (Vec::new(), Shared::default());
    for listed in all_automations(&mut snapshot).await? {
        if matching::check_enabled(&listed.automation).is_ok() {
            found.extend(awaited_of(&mut snapshot, &mut shared, &listed).await?);
        }
    }
    Ok(found)
}

/// The triggers for occurrences of an automation, in the manifest's order.
pub(crate) async fn awaited_of(
    snapshot: &mut bursar_db::Snapshot,
    shared: &mut Shared,
    listed: &Listed,
) -> Result<Vec<Awaited>, Error> {
    let Some(manifest) = shared.manifest(snapshot, &listed.automation).await? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for ask in &manifest.triggers {
        let TriggerAsk::Occurrence {
            name,
            calendar,
            lead_minutes,
            misfire,
        } = ask
        else {
            continue;
        };
        found.push(Awaited {
            automation: listed.id.clone(),
            trigger: name.clone(),
            calendar: calendar.clone(),
            lead_us: i64::from(*lead_minutes).saturating_mul(MINUTE_US),
            misfire: *misfire,
            enabled_us: listed.written_us,
            seen: seen(snapshot, &listed.id, name).await?,
        });
    }
    Ok(found)
}

async fn look(
    database: &Database,
    awaited: &Awaited,
    now_us: i64,
    looked: &mut Looked,
) -> Result<Option<Due>, Error> {
    let fired = awaited.fired();
    if now_us <= fired.fired_until_us {
        // Enabled just now; or the clock was set back, and what is planned from here on was dealt with already.
        let is_new = awaited.seen.is_none();
        return Ok(is_new.then(|| awaited.due(Vec::new(), now_us, false)));
    }
    let on_time_from_us = now_us.saturating_sub(GRACE_US);
    let earliest_us = now_us.saturating_sub(LOOK_BACK_US).max(fired.since_us);
    let again_from_us = fired.fired_until_us.saturating_sub(GRACE_US);
    let window = awaited.window(again_from_us.max(earliest_us), now_us);
    let mut session = Session::new(database, context(now_us));
    let mut search = DueSearch::new(&awaited.calendar, window);
    let (mut harvest, mut is_any_new) = (Harvest::new(awaited.misfire), awaited.seen.is_none());
    let mut left_out = 0;
    while let Some(page) = session.next_due(&mut search).await? {
        for (entry, message) in page.left_out {
            left_out += 1;
            if left_out <= LEFT_OUT_TOLD_MAX {
                let name = format!("{}/{} {entry}", awaited.automation, awaited.trigger);
                looked.troubles.insert(name, message);
            }
        }
        let is_new = |due: &DueOccurrence| awaited.planned_us(due) > fired.fired_until_us;
        let is_on_time = |due: &DueOccurrence| awaited.planned_us(due) >= on_time_from_us;
        is_any_new |= page.found.iter().any(is_new);
        // What is late and not new was dealt with, or was written after somebody had looked and before the host went down.
        let found = page.found.into_iter();
        let found = found.filter(|due| is_new(due) || is_on_time(due)).collect();
        let found = without_runs(database, awaited, found).await?;
        let (on_time, mut late): (Vec<_>, Vec<_>) = found.into_iter().partition(is_on_time);
        if awaited.misfire != Misfire::Skip {
            let by_us = |due: &DueOccurrence| awaited.planned_us(due).saturating_add(GRACE_US);
            late = session.there_by(&mut search, late, by_us).await?;
        }
        harvest.take(awaited, on_time, late);
    }
    let reaped = harvest.reap(awaited, now_us);
    if !is_any_new && reaped.events.is_empty() {
        return Ok(None);
    }
    let until_us = reaped.until_us.max(fired.fired_until_us);
    Ok(Some(awaited.due(reaped.events, until_us, reaped.has_more)))
}

/// Those that have not fired.
async fn without_runs(
    database: &Database,
    awaited: &Awaited,
    mut found: Vec<DueOccurrence>,
) -> Result<Vec<DueOccurrence>, Error> {
    let key = |due: &DueOccurrence| {
        let id = run_id(&awaited.automation, &awaited.event_id(due));
        RowKey::of(Kind::Run, &id)
    };
    let keys: Vec<RowKey> = found.iter().map(key).collect();
    let mut there = HashSet::new();
    let mut snapshot = database.snapshot();
    for keys in keys.chunks(RUNS_AT_ONCE) {
        let rows = snapshot.get_many(keys).await?;
        there.extend(rows.into_iter().map(|row| row.key));
    }
    let mut keys = keys.iter();
    found.retain(|_| keys.next().is_some_and(|key| !there.contains(key)));
    Ok(found)
}

/// The next instant at which a trigger is to fire, if there is one within a month.
pub(crate) async fn next_us(
    database: &Database,
    awaited: &Awaited,
    now_us: i64,
) -> Result<Option<i64>, Error> {
    let after_us = resumes_us(awaited.seen, now_us);
    let until_us = now_us.saturating_add(LOOK_AHEAD_US);
    if after_us >= until_us {
        return Ok(None);
    }
    let window = awaited.window(after_us, until_us);
    let mut session = Session::new(database, context(now_us));
    let mut search = DueSearch::new(&awaited.calendar, window);
    let mut next: Option<i64> = None;
    while let Some(page) = session.next_due(&mut search).await? {
        let planned = page.found.iter().map(|due| awaited.planned_us(due));
        next = planned.chain(next).min();
    }
    Ok(next)
}
