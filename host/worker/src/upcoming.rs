//! Which timers and triggers for occurrences there are, when each fires next, and what holds it up.

use bursar_db::Database;
use bursar_domain::matching::{self, Unmet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Error, Worker,
    occurrences::{Awaited, awaited_of, next_us},
    timetable::{Shared, Watched, all_automations, resumes_us, stop},
};

/// A timer of an automation, or a trigger that waits for the occurrences of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upcoming {
    /// The automation's id.
    pub automation: String,
    /// The department that it works for.
    pub department: String,
    /// Its name in the manifest.
    pub timer: String,
    /// A timer's rule: minute, hour, day of month, month, day of week.
    pub cron: Option<String>,
    /// IANA zone that the rule is read in: that of the automation's legal entity.
    pub zone: Option<String>,
    /// The calendar that is waited for.
    pub calendar: Option<String>,
    /// Firings up to this instant are dealt with, in microseconds UTC; none if the timer was never looked at.
    pub fired_until_us: Option<i64>,
    /// The first instant after now, and after what is dealt with, that the rule names, or the calendar within a month, in
    /// microseconds UTC, whatever holds it up.
    pub next_us: Option<i64>,
    /// Why there is no such instant.
    pub unreadable: Option<String>,
    /// What holds the timer up now. A timer that is let go fires for what it missed as its manifest says.
    pub held: Option<Unmet>,
}

impl Worker {
    /// Every timer of every automation, by automation and in the order of its manifest; then its triggers for occurrences.
    pub async fn upcoming(&self) -> Result<Vec<Upcoming>, Error> {
        let now_us = self.inner.database.now_us().await?;
        upcoming(&self.inner.database, now_us).await
    }
}

pub(crate) async fn upcoming(database: &Database, now_us: i64) -> Result<Vec<Upcoming>, Error> {
    let mut snapshot = database.snapshot();
    let stop = stop(&mut snapshot).await?;
    let (mut found, mut awaited, mut shared) = (Vec::new(), Vec::new(), Shared::default());
    for listed in all_automations(&mut snapshot).await? {
        let held = matching::check_enabled(&listed.automation);
        let held = held.and_then(|()| matching::check_stop(&stop)).err();
        let department = &listed.automation.department;
        let timers = shared.timers_of(&mut snapshot, &listed).await?;
        let timers = timers.into_iter();
        found.extend(timers.map(|watched| of_timer(watched, department, held, now_us)));
        let triggers = awaited_of(&mut snapshot, &mut shared, &listed).await?;
        let place = |one: Awaited| (found.len(), department.clone(), held, one);
        awaited.extend(triggers.into_iter().map(place));
    }
    // Nobody waits for a second reader while holding a first.
    drop(snapshot);
    for (before, (place, department, held, one)) in awaited.into_iter().enumerate() {
        let shown = of_occurrence(database, one, department, held, now_us).await?;
        found.insert(place.saturating_add(before), shown);
    }
    Ok(found)
}

fn of_timer(watched: Watched, department: &str, held: Option<Unmet>, now_us: i64) -> Upcoming {
    let (next_us, unreadable) = match watched.next(resumes_us(watched.seen, now_us)) {
        Ok(next_us) => (Some(next_us), None),
        Err(message) => (None, Some(message)),
    };
    Upcoming {
        fired_until_us: watched.seen.map(|timer| timer.fired_until_us),
        automation: watched.automation,
        department: department.to_owned(),
        timer: watched.timer,
        cron: Some(watched.cron),
        zone: Some(watched.zone),
        calendar: None,
        next_us,
        unreadable,
        held,
    }
}

async fn of_occurrence(
    database: &Database,
    awaited: Awaited,
    department: String,
    held: Option<Unmet>,
    now_us: i64,
) -> Result<Upcoming, Error> {
    let (next_us, unreadable) = match next_us(database, &awaited, now_us).await {
        Ok(next_us) => (next_us, None),
        Err(Error::Office(error)) if !matches!(error, bursar_office::Error::Host(_)) => {
            (None, Some(error.to_string()))
        }
        Err(error) => return Err(error),
    };
    Ok(Upcoming {
        fired_until_us: awaited.seen.map(|timer| timer.fired_until_us),
        automation: awaited.automation,
        department,
        timer: awaited.trigger,
        cron: None,
        zone: None,
        calendar: Some(awaited.calendar),
        next_us,
        unreadable,
        held,
    })
}
