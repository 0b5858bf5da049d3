//! Timers and occurrences: which firings are due, and the commit that queues their runs.
//!
//! How far a timer has fired is a row of the same commit as the run that it queues, and the run is named after the
//! planned instant: a firing happens once, whatever crashes and however many workers there are (SCH-4).

use std::sync::atomic::Ordering;

use bursar_db::{Database, Proposal, Verdict};
use bursar_domain::{
    manifest::{Authority, Limits, Misfire},
    matching,
    office::Actor,
    run::{Event, Trigger},
    time,
};
use bursar_office::{Context, Session};

use crate::{
    Error, Worker,
    occurrences::{LOOK_EVERY_US, due_occurrences},
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
    pub fired_until_us: i64,
}

impl Worker {
    /// Queues runs for timers and occurrences that are due; gives how many triggers moved on.
    pub(crate) async fn fire_timers(&self) -> Result<usize, Error> {
        let database = &self.inner.database;
        let now_us = database.now_us().await?;
        let mut fired = fire_all(database, self.due_timers(now_us).await?, now_us).await?;
        // Timers do not wait for calendars, which may take long.
        if self.is_time_for_calendars(now_us) {
            let due = due_occurrences(database, now_us).await?;
            fired += fire_all(database, due, now_us).await?;
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

    async fn due_timers(&self, now_us: i64) -> Result<Vec<Due>, Error> {
        let mut snapshot = self.inner.database.snapshot();
        let (mut due, mut shared) = (Vec::new(), Shared::default());
        for (id, automation) in all_automations(&mut snapshot).await? {
            if matching::check_enabled(&automation).is_err() {
                continue;
            }
            for watched in shared.timers_of(&mut snapshot, &id, &automation).await? {
                match due_of(&watched, now_us) {
                    Ok(found) => due.extend(found),
                    // The other timers fire all the same.
                    Err(message) => {
                        let error = Error::Timer {
                            automation: watched.automation,
                            timer: watched.timer,
                            message,
                        };
                        tracing::error!(cause = %error, "a timer is left out");
                    }
                }
            }
        }
        Ok(due)
    }
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
    let context = Context {
        actor: Actor::new("system", "timer"),
        scope: "system:timer".to_owned(),
        automation: None,
        legal_entity_id: String::new(),
        legal_entity: None,
        authority: Authority::Everything,
        now_us,
        seed: [0; 32],
        limits: Limits::unlimited(),
    };
    let mut session = Session::new(database, context);
    // Read in this session: a stop that comes meanwhile makes the commit stale.
    if matching::check_stop(&session.stop().await?).is_err() {
        return Ok(false);
    }
    for event in &due.events {
        session.enqueue_once(&due.automation, event).await?;
    }
    session
        .put_timer(&due.automation, &due.trigger, due.fired_until_us)
        .await?;
    let (draft, _) = session.into_parts();
    if draft.is_empty() {
        return Ok(false);
    }
    let proposal = Proposal {
        author: Actor::new("system", "timer"),
        cause: "timer".to_owned(),
        draft,
        settles: None,
    };
    match database.propose(proposal).await? {
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
        fired_until_us,
    };
    let Some(fired_until_us) = watched.fired_until_us else {
        // From its enabling on, not from the beginning of time.
        return Ok(Some(due(Vec::new(), now_us)));
    };
    let firings = watched.firings(fired_until_us, now_us)?;
    let Some(last) = firings.last().copied() else {
        return Ok(None);
    };
    let on_time = last >= now_us.saturating_sub(GRACE_US);
    let timer = &watched.timer;
    let event = |scheduled_us: i64, missed: usize| Event {
        id: format!("timer/{timer}/{}", time::rfc3339(scheduled_us)),
        source: format!("timer/{timer}"),
        event_type: "timer.fired".to_owned(),
        time_us: now_us,
        actor: Actor::new("system", "timer"),
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

    fn daily(misfire: Misfire, fired_until_us: Option<i64>) -> Watched {
        Watched {
            automation: "a".to_owned(),
            timer: "daily".to_owned(),
            cron: "0 9 * * *".to_owned(),
            misfire,
            zone: "UTC".to_owned(),
            fired_until_us,
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
        assert_eq!(skipped.fired_until_us, last);
        assert!(due(Misfire::Once, Some(last)).is_none());
    }

    #[test]
    fn a_timer_starts_at_its_first_look() {
        let now_us = at("2026-11-21T12:00:00Z");
        let first = due_of(&daily(Misfire::Once, None), now_us).expect("a good rule");
        let first = first.expect("it moves on");
        assert!(first.events.is_empty());
        assert_eq!(first.fired_until_us, now_us);
    }
}
