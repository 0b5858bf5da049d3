//! Which timers there are, and when each fires: asked by what fires them and by what tells about them.

use std::collections::HashMap;
use std::sync::Arc;

use bursar_db::{Query, Snapshot};
use bursar_domain::{
    draft::{Direction, Position},
    manifest::{Manifest, Misfire, TriggerAsk},
    matching::Unmet,
    office::{Automation, LegalEntity, Plugin, STOP, Stop, Timer},
    row::{Kind, RowKey},
    time,
};
use bursar_office::timer_key;
use croner::{Cron, parser::CronParser, parser::Seconds};
use jiff::{Timestamp, tz::TimeZone};

use crate::{Error, timers::GRACE_US};

/// Automations read at a time.
const PAGE_ROWS: usize = 1_000;
/// Missed firings that are counted; older ones are forgotten.
const MISSED_MAX: usize = 10_000;

/// A timer of an automation, and all that its firings depend on.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub automation: String,
    pub timer: String,
    pub cron: String,
    pub misfire: Misfire,
    pub zone: String,
    /// When the automation was written as it is: a new timer does not fire for what was before.
    pub enabled_us: i64,
    /// How far it has fired; none if nobody has looked at the timer yet.
    pub seen: Option<Timer>,
}

impl Watched {
    /// Firings after one instant, up to and including another, in microseconds UTC, rising.
    pub(crate) fn firings(&self, after_us: i64, until_us: i64) -> Result<Vec<i64>, String> {
        let cron = parse(&self.cron)?;
        let mut found = std::collections::VecDeque::new();
        for at_us in occurrences(&cron, &self.zone, after_us)?.take_while(|at| *at <= until_us) {
            found.push_back(at_us);
            if found.len() > MISSED_MAX {
                found.pop_front();
            }
        }
        Ok(found.into())
    }

    /// What was dealt with already, if anything was.
    pub(crate) fn fired(&self) -> Timer {
        self.seen.unwrap_or(Timer {
            fired_until_us: self.enabled_us,
            since_us: self.enabled_us,
        })
    }

    /// Why nothing fires for now, though something may be planned.
    pub(crate) fn ahead(&self, now_us: i64) -> Option<String> {
        ahead(self.seen, now_us)
    }

    /// The first firing after an instant.
    pub(crate) fn next(&self, after_us: i64) -> Result<i64, String> {
        let cron = parse(&self.cron)?;
        let first = occurrences(&cron, &self.zone, after_us)?.next();
        first.ok_or_else(|| "it never fires again".to_owned())
    }

    /// Whether the timer fires for an instant, or has yet to be looked at for it.
    pub(crate) fn check(&self, at_us: i64) -> Result<(), Unmet> {
        let next = parse(&self.cron)
            .and_then(|cron| Ok(occurrences(&cron, &self.zone, at_us.saturating_sub(1))?.next()));
        if next.map_err(|_| Unmet::TimerUnreadable)? != Some(at_us) {
            return Err(Unmet::TimerNotDue);
        }
        if self.fired().fired_until_us >= at_us {
            return Err(Unmet::TimerPassed);
        }
        Ok(())
    }
}

/// Told of a trigger that has dealt with what is yet to come: the clock was ahead once. What fires then has fired.
pub(crate) fn ahead(seen: Option<Timer>, now_us: i64) -> Option<String> {
    let until_us = seen?.fired_until_us;
    (until_us > now_us.saturating_add(GRACE_US)).then(|| {
        format!(
            "the clock was ahead: nothing fires until {}; an automation that is disabled and enabled again begins anew",
            time::rfc3339(until_us)
        )
    })
}

/// The instant after which a trigger fires next: what is dealt with does not fire again.
pub(crate) fn resumes_us(seen: Option<Timer>, now_us: i64) -> i64 {
    seen.map_or(now_us, |seen| seen.fired_until_us.max(now_us))
}

/// An automation as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub id: String,
    pub automation: Automation,
    /// When it was written so, in microseconds UTC.
    pub written_us: i64,
}

/// A page of automations, by id, behind one of them.
pub(crate) async fn automations(
    snapshot: &mut Snapshot,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Listed>, Error> {
    let query = Query {
        kind: Kind::Automation,
        collection: Arc::from(""),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: after.map(|id| Position {
            key: Vec::new(),
            id: Arc::from(id),
        }),
        limit,
    };
    let page = snapshot.list(&query).await?;
    let decoded = page.rows.into_iter().map(|(_, row)| {
        Ok(Listed {
            automation: row.decode().map_err(bursar_office::Error::from)?,
            id: row.key.id.to_string(),
            written_us: row.updated_us,
        })
    });
    decoded.collect()
}

/// All automations, by id.
pub(crate) async fn all_automations(snapshot: &mut Snapshot) -> Result<Vec<Listed>, Error> {
    let mut found: Vec<Listed> = Vec::new();
    loop {
        let last = found.last().map(|listed| listed.id.clone());
        let page = automations(snapshot, last.as_deref(), PAGE_ROWS).await?;
        let is_last = page.len() < PAGE_ROWS;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

/// Plugins and legal entities that were read already: many automations share them.
#[derive(Default)]
pub(crate) struct Shared {
    manifests: HashMap<String, Arc<Manifest>>,
    zones: HashMap<String, String>,
}

impl Shared {
    /// The manifest of an automation's plugin; none if the plugin is gone.
    pub(crate) async fn manifest(
        &mut self,
        snapshot: &mut Snapshot,
        automation: &Automation,
    ) -> Result<Option<Arc<Manifest>>, Error> {
        if let Some(manifest) = self.manifests.get(&automation.plugin) {
            return Ok(Some(manifest.clone()));
        }
        let key = RowKey::of(Kind::Plugin, &automation.plugin);
        let Some(row) = snapshot.get(&key).await? else {
            return Ok(None);
        };
        let plugin: Plugin = row.decode().map_err(bursar_office::Error::from)?;
        let manifest = Arc::new(plugin.manifest);
        self.manifests
            .insert(automation.plugin.clone(), manifest.clone());
        Ok(Some(manifest))
    }

    async fn zone(
        &mut self,
        snapshot: &mut Snapshot,
        automation: &Automation,
    ) -> Result<Option<String>, Error> {
        if let Some(zone) = self.zones.get(&automation.legal_entity) {
            return Ok(Some(zone.clone()));
        }
        let key = RowKey::of(Kind::Entity, &automation.legal_entity);
        let Some(row) = snapshot.get(&key).await? else {
            return Ok(None);
        };
        let entity: LegalEntity = row.decode().map_err(bursar_office::Error::from)?;
        self.zones
            .insert(automation.legal_entity.clone(), entity.zone.clone());
        Ok(Some(entity.zone))
    }

    /// The timers of an automation, in the manifest's order.
    pub(crate) async fn timers_of(
        &mut self,
        snapshot: &mut Snapshot,
        listed: &Listed,
    ) -> Result<Vec<Watched>, Error> {
        let automation = &listed.automation;
        let Some(manifest) = self.manifest(snapshot, automation).await? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for ask in &manifest.triggers {
            let TriggerAsk::Timer {
                name,
                cron,
                misfire,
            } = ask
            else {
                continue;
            };
            let Some(zone) = self.zone(snapshot, automation).await? else {
                continue;
            };
            found.push(Watched {
                automation: listed.id.clone(),
                timer: name.clone(),
                cron: cron.clone(),
                misfire: *misfire,
                zone,
                enabled_us: listed.written_us,
                seen: seen(snapshot, &listed.id, name).await?,
            });
        }
        Ok(found)
    }
}

/// How far a trigger of an automation has fired; none if nobody has looked at it yet.
pub(crate) async fn seen(
    snapshot: &mut Snapshot,
    automation: &str,
    trigger: &str,
) -> Result<Option<Timer>, Error> {
    let row = snapshot.get(&timer_key(automation, trigger)).await?;
    let timer = row.map(|row| row.decode()).transpose();
    Ok(timer.map_err(bursar_office::Error::from)?)
}

/// The organisation's stop, set or not.
pub(crate) async fn stop(snapshot: &mut Snapshot) -> Result<Stop, Error> {
    let row = snapshot.get(&RowKey::of(Kind::Control, STOP)).await?;
    let stop = row.map(|row| row.decode()).transpose();
    Ok(stop.map_err(bursar_office::Error::from)?.unwrap_or(Stop {
        stopped: false,
        reason: String::new(),
    }))
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

fn parse(cron: &str) -> Result<Cron, String> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .build()
        .parse(cron)
        .map_err(|error| error.to_string())
}

/// Instants after one that a rule names in a zone, in microseconds UTC, rising.
fn occurrences(
    cron: &Cron,
    zone: &str,
    after_us: i64,
) -> Result<impl Iterator<Item = i64>, String> {
    let zone = time::zone(zone).map_err(|error| error.to_string())?;
    let after = Timestamp::from_microsecond(after_us)
        .map_err(|error| error.to_string())?
        .to_zoned(zone);
    let instants = cron.iter_after(after);
    Ok(instants
        .map(|firing| firing.timestamp().as_microsecond())
        .filter(move |at_us| *at_us > after_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        time::from_rfc3339(text).expect("a good instant")
    }

    fn watched(cron: &str, zone: &str) -> Watched {
        Watched {
            automation: "a".to_owned(),
            timer: "daily".to_owned(),
            cron: cron.to_owned(),
            misfire: Misfire::Once,
            zone: zone.to_owned(),
            enabled_us: 0,
            seen: None,
        }
    }

    #[test]
    fn a_timer_keeps_its_wall_time_over_daylight_saving() {
        let daily = watched("0 9 * * *", "Europe/Vienna");
        let from = at("2026-10-23T12:00:00Z");
        let expected = [
            at("2026-10-24T07:00:00Z"),
            at("2026-10-25T08:00:00Z"),
            at("2026-10-26T08:00:00Z"),
        ];
        let found = daily.firings(from, at("2026-10-26T12:00:00Z"));
        assert_eq!(found.expect("a good rule"), expected);
        assert_eq!(daily.next(from), Ok(expected[0]));
        assert_eq!(daily.next(expected[0]), Ok(expected[1]));
    }

    #[test]
    fn a_malformed_rule_is_refused() {
        for bad in ["", "* * *", "61 * * * *", "0 9 * * * *", "every day"] {
            assert!(watched(bad, "UTC").firings(0, 1).is_err(), "{bad:?}");
            assert!(watched(bad, "UTC").next(0).is_err(), "{bad:?}");
        }
        assert!(watched("0 9 * * *", "Mars/Base").next(0).is_err());
    }

    #[test]
    fn a_timer_fires_for_its_own_instants_and_once() {
        let nine = at("2026-11-20T09:00:00Z");
        let daily = |fired_until_us: Option<i64>| Watched {
            enabled_us: nine,
            seen: fired_until_us.map(|fired_until_us| Timer {
                fired_until_us,
                since_us: 0,
            }),
            ..watched("0 9 * * *", "UTC")
        };
        let check = |watched: &Watched, at_us| watched.check(at_us).err();
        assert_eq!(check(&daily(Some(nine - 1)), nine), None);
        assert_eq!(check(&daily(Some(nine)), nine), Some(Unmet::TimerPassed));
        assert_eq!(check(&daily(None), nine), Some(Unmet::TimerPassed));
        for other in [nine - 1, nine + 1] {
            let found = check(&daily(Some(0)), other);
            assert_eq!(found, Some(Unmet::TimerNotDue));
        }
        let bad = watched("every day", "UTC");
        assert_eq!(check(&bad, nine), Some(Unmet::TimerUnreadable));
    }
}
