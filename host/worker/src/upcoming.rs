//! Which timers there are, when each fires next, and what holds it up.

use bursar_db::Database;
use bursar_domain::matching::{self, Unmet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Error, Worker,
    timetable::{Shared, all_automations, stop},
};

/// A timer of an automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upcoming {
    /// The automation's id.
    pub automation: String,
    /// The department that it works for.
    pub department: String,
    /// The timer's name in the manifest.
    pub timer: String,
    /// Its rule: minute, hour, day of month, month, day of week.
    pub cron: String,
    /// IANA zone that the rule is read in: that of the automation's legal entity.
    pub zone: String,
    /// Firings up to this instant are dealt with, in microseconds UTC; none if the timer was never looked at.
    pub fired_until_us: Option<i64>,
    /// The first instant after now that the rule names, in microseconds UTC, whatever holds it up.
    pub next_us: Option<i64>,
    /// Why there is no such instant.
    pub unreadable: Option<String>,
    /// What holds the timer up now. A timer that is let go fires for what it missed as its manifest says.
    pub held: Option<Unmet>,
}

impl Worker {
    /// Every timer of every automation, by automation and in the order of its manifest.
    pub async fn upcoming(&self) -> Result<Vec<Upcoming>, Error> {
        let now_us = self.inner.database.now_us().await?;
        upcoming(&self.inner.database, now_us).await
    }
}

pub(crate) async fn upcoming(database: &Database, now_us: i64) -> Result<Vec<Upcoming>, Error> {
    let mut snapshot = database.snapshot();
    let stop = stop(&mut snapshot).await?;
    let (mut found, mut shared) = (Vec::new(), Shared::default());
    for (id, automation) in all_automations(&mut snapshot).await? {
        let held = matching::check_enabled(&automation).and_then(|()| matching::check_stop(&stop));
        for watched in shared.timers_of(&mut snapshot, &id, &automation).await? {
            let (next_us, unreadable) = match watched.next(now_us) {
                Ok(next_us) => (Some(next_us), None),
                Err(message) => (None, Some(message)),
            };
            found.push(Upcoming {
                automation: watched.automation,
                department: automation.department.clone(),
                timer: watched.timer,
                cron: watched.cron,
                zone: watched.zone,
                fired_until_us: watched.fired_until_us,
                next_us,
                unreadable,
                held: held.err(),
            });
        }
    }
    Ok(found)
}
