//! Timers: which firings are due, and the commit that queues their runs.
//!
//! How far a timer has fired is a row of the same commit as the run that it queues, and the run is named after the
//! planned instant: a firing happens once, whatever crashes and however many workers there are (SCH-4).

use bursar_db::{Proposal, Verdict};
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
    timetable::{Shared, Watched, all_automations},
};

/// A firing this late is still on time, in microseconds.
const GRACE_US: i64 = 5 * 60 * 1_000_000;

/// A timer that is due.
struct Due {
    automation: String,
    timer: String,
    /// The run to queue; none if every firing is to be skipped.
    event: Option<Event>,
    fired_until_us: i64,
}

impl Worker {
    /// Queues runs for timers that are due; gives how many timers moved on.
    pub(crate) async fn fire_timers(&self) -> Result<usize, Error> {
        let now_us = self.inner.database.now_us().await?;
        let mut fired = 0;
        for due in self.due_timers(now_us).await? {
            if self.fire(due, now_us).await? {
                fired += 1;
            }
        }
        Ok(fired)
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

    /// Queues the run and moves the timer on, in one commit.
    async fn fire(&self, due: Due, now_us: i64) -> Result<bool, Error> {
        let context = Context {
            actor: Actor::new("system", "timer"),
            scope: "system:timer".to_owned(),
            automation: None,
            legal_entity_id: String::new(),
            legal_entity: None,
            authority: Authority::Everything,
            now_us,
            seed: [0; 32],
            limits: Limits::default(),
        };
        let mut session = Session::new(&self.inner.database, context);
        // Read in this session: a stop that comes meanwhile makes the commit stale.
        if matching::check_stop(&session.stop().await?).is_err() {
            return Ok(false);
        }
        if let Some(event) = &due.event {
            session.enqueue(&due.automation, event).await?;
        }
        session
            .put_timer(&due.automation, &due.timer, due.fired_until_us)
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
        match self.inner.database.propose(proposal).await? {
            Verdict::Committed { .. } => Ok(true),
            // Another worker was quicker, or the automation changed: the next look tells.
            Verdict::Stale(_) | Verdict::Fenced => Ok(false),
            Verdict::Refused(problem) => {
                tracing::error!(automation = due.automation, timer = due.timer, cause = %problem, "a timer cannot fire");
                Ok(false)
            }
        }
    }
}

/// What a timer's firings until now come to.
fn due_of(watched: &Watched, now_us: i64) -> Result<Option<Due>, String> {
    let due = |event, fired_until_us| Due {
        automation: watched.automation.clone(),
        timer: watched.timer.clone(),
        event,
        fired_until_us,
    };
    let Some(fired_until_us) = watched.fired_until_us else {
        // From its enabling on, not from the beginning of time.
        return Ok(Some(due(None, now_us)));
    };
    let firings = watched.firings(fired_until_us, now_us)?;
    let Some(last) = firings.last().copied() else {
        return Ok(None);
    };
    let on_time = last >= now_us.saturating_sub(GRACE_US);
    let timer = &watched.timer;
    let event = (on_time || watched.misfire == Misfire::Once).then(|| Event {
        id: format!("timer/{timer}/{}", time::rfc3339(last)),
        source: format!("timer/{timer}"),
        event_type: "timer.fired".to_owned(),
        time_us: now_us,
        actor: Actor::new("system", "timer"),
        trigger: Trigger::Timer {
            timer: timer.clone(),
            scheduled_us: last,
            missed: u32::try_from(firings.len().saturating_sub(1)).unwrap_or(u32::MAX),
        },
    });
    Ok(Some(due(event, last)))
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
        let once = due(Misfire::Once, before).expect("due");
        let trigger = once.event.expect("one run").trigger;
        assert_eq!(
            trigger,
            Trigger::Timer {
                timer: "daily".to_owned(),
                scheduled_us: last,
                missed: 1
            }
        );
        let skipped = due(Misfire::Skip, before).expect("moves on");
        assert!(skipped.event.is_none());
        assert_eq!(skipped.fired_until_us, last);
        assert!(due(Misfire::Once, Some(last)).is_none());
    }

    #[test]
    fn a_timer_starts_at_its_first_look() {
        let now_us = at("2026-11-21T12:00:00Z");
        let first = due_of(&daily(Misfire::Once, None), now_us).expect("a good rule");
        let first = first.expect("it moves on");
        assert!(first.event.is_none());
        assert_eq!(first.fired_until_us, now_us);
    }
}
