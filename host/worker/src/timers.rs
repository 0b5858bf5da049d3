//! Timers and occurrences: which firings are due, and the commit that queues their runs.
//!
//! How far a timer has fired is a row of the same commit as the run that it queues, and the run is named after the
//! planned instant: a firing happens once, whatever crashes and however many workers there are (SCH-4).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, atomic::Ordering},
};

use bursar_db::{Database, Verdict};
use bursar_domain::{
    manifest::Misfire,
    matching,
    office::{Actor, Timer},
    row::{Kind, RowKey},
    run::{Event, Trigger},
    time,
};
use bursar_office::{Context, Session, run_id};

use crate::{
    Error, Worker,
    occurrences::{LOOK_EVERY_US, due_occurrences},
    propose::propose,
    timetable::{Shared, Watched, all_automations},
};

/// A firing this late is still on time, in microseconds.
pub(crate) const GRACE_US: i64 = 5 * 60 * 1_000_000;
/// Most runs of firings that were missed and are to run each: the last ones.
pub(crate) const MISSED_RUNS_MAX: usize = 100;

/// A trigger that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub automation: String,
    pub trigger: String,
    /// The runs to queue; none if every firing is to be skipped.
    pub events: Vec<Event>,
    /// How far it had fired when it was looked at: if somebody moved it on since, this is worth nothing.
    pub seen: Option<Timer>,
    pub fired: Timer,
    /// Whether more is due than one commit takes.
    pub has_more: bool,
}

/// What a look at all triggers comes to.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub due: Vec<Due>,
    /// Triggers that are left out, and entries of their calendars, by name, and why.
    pub troubles: BTreeMap<String, String>,
}

/// What was in the way of triggers at the last look: it is told once.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<BTreeMap<String, String>>);

impl Told {
    /// Those that were not there at the last look, or are another now.
    pub(crate) fn news(&self, troubles: BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |(name, why): &(&String, &String)| told.get(*name) != Some(*why);
        let news = troubles.iter().filter(is_new);
        let news = news.map(|(name, why)| (name.clone(), why.clone()));
        let news = news.collect();
        *told = troubles;
        news
    }

    fn tell(&self, troubles: BTreeMap<String, String>) {
        for (trigger, cause) in self.news(troubles) {
            tracing::error!(
                trigger,
                cause,
                "a trigger, or an entry of its calendar, is left out"
            );
        }
    }
}

impl Worker {
    /// Queues runs for timers that are due; gives how many moved on.
    pub(crate) async fn fire_timers(&self) -> Result<usize, Error> {
        let database = &self.inner.database;
        let now_us = database.now_us().await?;
        let looked = due_timers(database, now_us).await?;
        self.inner.timers_told.tell(looked.troubles);
        fire_all(database, looked.due, now_us).await
    }

    /// Queues runs for occurrences that are due; gives how many triggers moved on. Timers do not wait for it.
    pub(crate) async fn fire_occurrences(&self) -> Result<usize, Error> {
        let database = &self.inner.database;
        let now_us = database.now_us().await?;
        if !self.is_time_for_calendars(now_us) {
            return Ok(0);
        }
        let looked = due_occurrences(database, now_us).await?;
        self.inner.occurrences_told.tell(looked.troubles);
        let has_more = looked.due.iter().any(|due| due.has_more);
        let fired = fire_all(database, looked.due, now_us).await?;
        if has_more && fired > 0 {
            let seen_us = &self.inner.calendars_seen_us;
            seen_us.store(i64::MIN, Ordering::Relaxed);
        }
        Ok(fired)
    }

    /// Whether calendars are to be looked at again; a clock that was set back is no reason to wait.
    fn is_time_for_calendars(&self, now_us: i64) -> bool {
        let last_us = self.inner.calendars_seen_us.load(Ordering::Relaxed);
        let is_time = !(last_us..last_us.saturating_add(LOOK_EVERY_US)).contains(&now_us);
        if is_time {
            self.inner
                .calendars_seen_us
                .store(now_us, Ordering::Relaxed);
        }
        is_time
    }
}

/// What all timers come to now.
async fn due_timers(database: &Database, now_us: i64) -> Result<Looked, Error> {
    let mut snapshot = database.snapshot();
    let (mut looked, mut shared) = (Looked::default(), Shared::default());
    for listed in all_automations(&mut snapshot).await? {
        if matching::check_enabled(&listed.automation).is_err() {
            continue;
        }
        for watched in shared.timers_of(&mut snapshot, &listed).await? {
            let mut trouble = watched.ahead(now_us);
            match due_of(&watched, now_us) {
                Ok(found) => looked.due.extend(found),
                // The other timers fire all the same.
                Err(message) => trouble = Some(message),
            }
            let name = || format!("{}/{}", watched.automation, watched.timer);
            looked.troubles.extend(trouble.map(|told| (name(), told)));
        }
    }
    Ok(looked)
}

/// In the name of the host's clock.
pub(crate) fn context(now_us: i64) -> Context {
    Context::of_host(
        Actor::new("system", "timer"),
        "system:timer",
        now_us,
        [0; 32],
    )
}

/// Queues what is due; gives how many triggers moved on.
async fn fire_all(database: &Database, due: Vec<Due>, now_us: i64) -> Result<usize, Error> {
    let mut fired = 0;
    for due in due {
        if fire(database, due, now_us).await? {
            fired += 1;
        }
    }
    Ok(fired)
}

/// Queues the runs and moves the trigger on, in one commit.
pub(crate) async fn fire(database: &Database, due: Due, now_us: i64) -> Result<bool, Error> {
    let mut session = Session::new(database, context(now_us));
    // Read in this session: a stop that comes meanwhile makes the commit stale.
    if matching::check_stop(&session.stop().await?).is_err() {
        return Ok(false);
    }
    // Nothing moves back what somebody else has moved on meanwhile.
    if session.timer(&due.automation, &due.trigger).await? != due.seen {
        return Ok(false);
    }
    let run = |event: &Event| RowKey::of(Kind::Run, &run_id(&due.automation, &event.id));
    let runs: Vec<RowKey> = due.events.iter().map(run).collect();
    session.read_ahead(&runs).await?;
    for event in &due.events {
        session.enqueue_once(&due.automation, event).await?;
    }
    session
        .put_timer(&due.automation, &due.trigger, &due.fired)
        .await?;
    let (draft, _) = session.into_parts();
    if draft.is_empty() {
        return Ok(false);
    }
    match propose(database, "timer", draft).await? {
        Verdict::Committed { .. } => Ok(true),
        // Another worker was quicker, or the automation changed: the next look tells.
        Verdict::Stale(_) | Verdict::Fenced => Ok(false),
        Verdict::Refused(problem) => {
            tracing::error!(automation = due.automation, trigger = due.trigger, cause = %problem, "a trigger cannot fire");
            Ok(false)
        }
    }
}

/// What a timer's firings until now come to.
fn due_of(watched: &Watched, now_us: i64) -> Result<Option<Due>, String> {
    let due = |events, fired_until_us| Due {
        automation: watched.automation.clone(),
        trigger: watched.timer.clone(),
        events,
        seen: watched.seen,
        fired: Timer {
            fired_until_us,
            since_us: watched.fired().since_us,
        },
        has_more: false,
    };
    let firings = watched.firings(watched.fired().fired_until_us, now_us)?;
    let Some(last) = firings.last().copied() else {
        // The first look notes from when on the timer is to fire.
        let is_new = watched.seen.is_none();
        return Ok(is_new.then(|| due(Vec::new(), now_us)));
    };
    let on_time = last >= now_us.saturating_sub(GRACE_US);
    let timer = &watched.timer;
    let event = |scheduled_us: i64, missed: usize| Event {
        id: format!("timer/{timer}/{}", time::rfc3339(scheduled_us)),
        source: format!("timer/{timer}"),
        event_type: "timer.fired".to_owned(),
        time_us: now_us,
        actor: Actor::new("system", "timer"),
        depth: 0,
        trigger: Trigger::Timer {
            timer: timer.clone(),
            scheduled_us,
            missed: u32::try_from(missed).unwrap_or(u32::MAX),
        },
    };
    let events = match watched.misfire {
        Misfire::Skip if !on_time => Vec::new(),
        Misfire::Skip | Misfire::Once => vec![event(last, firings.len().saturating_sub(1))],
        Misfire::All => firings
            .iter()
            .skip(firings.len().saturating_sub(MISSED_RUNS_MAX))
            .map(|scheduled_us| event(*scheduled_us, 0))
            .collect(),
    };
    Ok(Some(due(events, last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        time::from_rfc3339(text).expect("a good instant")
    }

    const ENABLED: &str = "2026-11-20T12:00:00Z";

    fn daily(misfire: Misfire, fired_until_us: Option<i64>) -> Watched {
        Watched {
            automation: "a".to_owned(),
            timer: "daily".to_owned(),
            cron: "0 9 * * *".to_owned(),
            misfire,
            zone: "UTC".to_owned(),
            enabled_us: at(ENABLED),
            seen: fired_until_us.map(|fired_until_us| Timer {
                fired_until_us,
                since_us: 7,
            }),
        }
    }

    #[test]
    fn missed_firings_become_one_run_or_none() {
        let now_us = at("2026-11-21T12:00:00Z");
        let last = at("2026-11-21T09:00:00Z");
        let due = |misfire, fired_until_us| {
            due_of(&daily(misfire, fired_until_us), now_us).expect("a good rule")
        };
        let before = Some(at("2026-11-19T12:00:00Z"));
        let trigger = |scheduled_us, missed| Trigger::Timer {
            timer: "daily".to_owned(),
            scheduled_us,
            missed,
        };
        let triggers = |due: Option<Due>| -> Vec<Trigger> {
            let events = due.expect("due").events;
            events.into_iter().map(|event| event.trigger).collect()
        };
        let once = due(Misfire::Once, before);
        assert_eq!(triggers(once), [trigger(last, 1)]);
        let all = due(Misfire::All, before);
        let first = at("2026-11-20T09:00:00Z");
        assert_eq!(triggers(all), [trigger(first, 0), trigger(last, 0)]);
        let long_ago = due(Misfire::All, Some(at("2025-11-19T12:00:00Z")));
        assert_eq!(triggers(long_ago).len(), MISSED_RUNS_MAX);
        let skipped = due(Misfire::Skip, before).expect("moves on");
        assert!(skipped.events.is_empty());
        let (fired_until_us, since_us) = (last, 7);
        let fired = Timer {
            fired_until_us,
            since_us,
        };
        assert_eq!(
            (skipped.fired, skipped.seen),
            (fired, daily(Misfire::Skip, before).seen)
        );
        assert!(due(Misfire::Once, Some(last)).is_none());
    }

    #[test]
    fn a_timer_starts_with_its_enabling() {
        let new = daily(Misfire::Once, None);
        let first = |now: &str| due_of(&new, at(now)).expect("a good rule");
        let noted = first("2026-11-20T12:00:01Z").expect("it is noted");
        let enabled_us = at(ENABLED);
        assert!(noted.events.is_empty());
        let expected = (at("2026-11-20T12:00:01Z"), enabled_us);
        assert_eq!((noted.fired.fired_until_us, noted.fired.since_us), expected);
        // Nobody looked for a day, and it is not the first one that is forgotten.
        let late = first("2026-11-21T09:00:01Z").expect("it fires");
        assert_eq!(late.events.len(), 1);
        assert_eq!(late.fired.since_us, enabled_us);
    }

    #[test]
    fn what_is_in_the_way_is_told_when_it_changes() {
        let told = Told::default();
        let troubles = |why: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = why
                .iter()
                .map(|(name, why)| ((*name).to_owned(), (*why).to_owned()));
            owned.collect()
        };
        let news = |why: &[(&str, &str)]| told.news(troubles(why)).len();
        assert_eq!(
            news(&[("a/soon", "no calendar"), ("b/soon", "no calendar")]),
            2
        );
        assert_eq!(
            news(&[("a/soon", "no calendar"), ("b/soon", "no calendar")]),
            0
        );
        assert_eq!(news(&[("a/soon", "no zone")]), 1);
        assert_eq!(news(&[]), 0);
        assert_eq!(news(&[("a/soon", "no zone")]), 1);
    }
}
