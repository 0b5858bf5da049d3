//! Timers: which firings are due, and the commit that queues their runs.
//!
//! How far a timer has fired is a row of the same commit as the run that it queues, and the run is named after the
//! planned instant: a firing happens once, whatever crashes and however many workers there are (SCH-4).

use std::sync::Arc;

use bursar_db::{Proposal, Query, Snapshot, Verdict};
use bursar_domain::{
    draft::Direction,
    manifest::{Authority, Limits, Manifest, Misfire, TriggerAsk},
    office::{Actor, Automation, LegalEntity, Plugin, Timer},
    row::{Kind, Row, RowKey},
    run::{Event, Trigger},
    time,
};
use bursar_office::{Context, Session};
use croner::{Cron, parser::CronParser, parser::Seconds};
use jiff::{Timestamp, tz::TimeZone};

use crate::{Error, Worker};

/// Automations read at a time.
const PAGE_ROWS: usize = 1_000;
/// Missed firings that are counted; older ones are forgotten.
const MISSED_MAX: usize = 10_000;
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
        let mut due = Vec::new();
        for row in automations(&mut snapshot).await? {
            let automation: Automation = row.decode().map_err(bursar_office::Error::from)?;
            if !automation.enabled {
                continue;
            }
            let keys = [
                RowKey::of(Kind::Plugin, &automation.plugin),
                RowKey::of(Kind::Entity, &automation.legal_entity),
            ];
            let rows = snapshot.get_many(&keys).await?;
            let [plugin, entity] = rows.as_slice() else {
                continue;
            };
            let manifest = plugin
                .decode::<Plugin>()
                .map_err(bursar_office::Error::from)?
                .manifest;
            let entity: LegalEntity = entity.decode().map_err(bursar_office::Error::from)?;
            for ask in &manifest.triggers {
                let TriggerAsk::Timer {
                    name,
                    cron,
                    misfire,
                } = ask
                else {
                    continue;
                };
                let bad = |message: String| Error::Timer {
                    automation: row.key.id.to_string(),
                    timer: name.clone(),
                    message,
                };
                let key = RowKey::of(Kind::Timer, &format!("{}/{name}", row.key.id));
                let known: Option<Timer> = match snapshot.get(&key).await? {
                    Some(row) => Some(row.decode().map_err(bursar_office::Error::from)?),
                    None => None,
                };
                let Some(known) = known else {
                    // From its enabling on, not from the beginning of time.
                    due.push(Due {
                        automation: row.key.id.to_string(),
                        timer: name.clone(),
                        event: None,
                        fired_until_us: now_us,
                    });
                    continue;
                };
                let firings = time::zone(&entity.zone)
                    .map_err(|error| error.to_string())
                    .and_then(|zone| firings(cron, &zone, known.fired_until_us, now_us));
                match firings.map_err(bad) {
                    Ok(firings) => {
                        due.extend(due_of(&row.key.id, name, *misfire, &firings, now_us));
                    }
                    // The other timers fire all the same.
                    Err(error) => tracing::error!(cause = %error, "a timer is left out"),
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
        if session.stop().await?.stopped {
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

async fn automations(snapshot: &mut Snapshot) -> Result<Vec<Row>, Error> {
    let mut query = Query {
        kind: Kind::Automation,
        collection: Arc::from(""),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: None,
        limit: PAGE_ROWS,
    };
    let mut found = Vec::new();
    loop {
        let page = snapshot.list(&query).await?;
        query.after = page.rows.last().map(|(position, _)| position.clone());
        found.extend(page.rows.into_iter().map(|(_, row)| row));
        if page.is_last || query.after.is_none() {
            return Ok(found);
        }
    }
}

/// Refuses a manifest with a timer that cannot be read, or never fires.
pub(crate) fn check_timers(manifest: &Manifest) -> Result<(), Error> {
    // Any leap year's cycle will do: whether a rule ever fires does not depend on today.
    let start = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let fires = |cron: &str| -> Result<(), String> {
        let first = parse(cron)?.find_next_occurrence(&start, false);
        first.map(drop).map_err(|error| error.to_string())
    };
    for ask in &manifest.triggers {
        if let TriggerAsk::Timer { name, cron, .. } = ask {
            fires(cron).map_err(|message| Error::PluginTimer {
                plugin: manifest.name.clone(),
                timer: name.clone(),
                message,
            })?;
        }
    }
    Ok(())
}

fn due_of(
    automation: &str,
    timer: &str,
    misfire: Misfire,
    firings: &[i64],
    now_us: i64,
) -> Option<Due> {
    let last = *firings.last()?;
    let on_time = last >= now_us.saturating_sub(GRACE_US);
    let event = (on_time || misfire == Misfire::Once).then(|| Event {
        id: format!("timer/{timer}/{}", time::rfc3339(last)),
        source: format!("timer/{timer}"),
        event_type: "timer.fired".to_owned(),
        time_us: now_us,
        actor: Actor::new("system", "timer"),
        trigger: Trigger::Timer {
            timer: timer.to_owned(),
            scheduled_us: last,
            missed: u32::try_from(firings.len().saturating_sub(1)).unwrap_or(u32::MAX),
        },
    });
    Some(Due {
        automation: automation.to_owned(),
        timer: timer.to_owned(),
        event,
        fired_until_us: last,
    })
}

fn parse(cron: &str) -> Result<Cron, String> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .build()
        .parse(cron)
        .map_err(|error| error.to_string())
}

/// Firings after one instant, up to and including another, in microseconds UTC, rising.
pub(crate) fn firings(
    cron: &str,
    zone: &TimeZone,
    after_us: i64,
    until_us: i64,
) -> Result<Vec<i64>, String> {
    let cron = parse(cron)?;
    let after = Timestamp::from_microsecond(after_us)
        .map_err(|error| error.to_string())?
        .to_zoned(zone.clone());
    let mut found = std::collections::VecDeque::new();
    for firing in cron.iter_after(after) {
        let at_us = firing.timestamp().as_microsecond();
        if at_us > until_us {
            break;
        }
        if at_us > after_us {
            found.push_back(at_us);
        }
        if found.len() > MISSED_MAX {
            found.pop_front();
        }
    }
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        time::from_rfc3339(text).expect("a good instant")
    }

    #[test]
    fn a_timer_keeps_its_wall_time_over_daylight_saving() {
        let zone = time::zone("Europe/Vienna").expect("a known zone");
        let found = firings(
            "0 9 * * *",
            &zone,
            at("2026-10-23T12:00:00Z"),
            at("2026-10-26T12:00:00Z"),
        )
        .expect("a good rule");
        assert_eq!(
            found,
            [
                at("2026-10-24T07:00:00Z"),
                at("2026-10-25T08:00:00Z"),
                at("2026-10-26T08:00:00Z")
            ]
        );
    }

    #[test]
    fn missed_firings_become_one_run_or_none() {
        let now_us = at("2026-11-21T12:00:00Z");
        let missed = [at("2026-11-20T09:00:00Z"), at("2026-11-21T09:00:00Z")];
        let once = due_of("a", "daily", Misfire::Once, &missed, now_us).expect("due");
        let trigger = once.event.expect("one run").trigger;
        assert_eq!(
            trigger,
            Trigger::Timer {
                timer: "daily".to_owned(),
                scheduled_us: missed[1],
                missed: 1
            }
        );
        let skipped = due_of("a", "daily", Misfire::Skip, &missed, now_us).expect("moves on");
        assert!(skipped.event.is_none());
        assert_eq!(skipped.fired_until_us, missed[1]);
        assert!(due_of("a", "daily", Misfire::Once, &[], now_us).is_none());
    }

    #[test]
    fn a_malformed_rule_is_refused() {
        let zone = time::zone("UTC").expect("a known zone");
        for bad in ["", "* * *", "61 * * * *", "0 9 * * * *", "every day"] {
            assert!(firings(bad, &zone, 0, 1).is_err(), "{bad:?}");
        }
    }
}
