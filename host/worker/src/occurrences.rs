//! Occurrences of calendars: which of them are due, and the runs that they come to.
//!
//! How far a trigger has looked is a row of the same commit as the runs that it queues, and a run is named after the UID
//! and the original start of its occurrence: each fires at most once, whatever crashes, however clocks are set, however
//! many workers there are, and though the entry is moved or imported again (SCH-4).

use bursar_db::Database;
use bursar_domain::{
    log::sha256_hex,
    manifest::{Authority, Limits, Misfire, TriggerAsk},
    matching,
    office::{Actor, Automation, Timer},
    row::{Kind, RowKey},
    run::{Event, Trigger},
    schedule::Window,
    time,
};
use bursar_office::{Context, Session, appointments::DueOccurrence};
use serde_json::json;

use crate::{
    Error,
    timers::{Due, GRACE_US, MISSED_RUNS_MAX},
    timetable::{Shared, all_automations},
};

/// How often calendars are looked at, in microseconds: far more often than an occurrence is late.
pub(crate) const LOOK_EVERY_US: i64 = 10 * 1_000_000;
/// What was missed longer ago is forgotten: 31 days, in microseconds.
const LOOK_BACK_US: i64 = 31 * 86_400 * 1_000_000;
const MINUTE_US: i64 = 60 * 1_000_000;

/// A trigger that waits for a calendar's occurrences, and how far it has looked.
#[derive(Clone, Debug)]
struct Awaited {
    automation: String,
    trigger: String,
    calendar: String,
    lead_us: i64,
    misfire: Misfire,
    /// Occurrences planned up to this instant are dealt with; none if nobody has looked yet.
    fired_until_us: Option<i64>,
}

impl Awaited {
    /// When an occurrence is to fire.
    fn planned_us(&self, due: &DueOccurrence) -> i64 {
        due.appointment.start_us.saturating_sub(self.lead_us)
    }

    /// The starts of the occurrences that were to fire after one instant, up to and including another.
    fn window(&self, after_us: i64, until_us: i64) -> Window {
        let start = |planned_us: i64| planned_us.saturating_add(self.lead_us).saturating_add(1);
        Window {
            start_us: start(after_us),
            end_us: start(until_us),
        }
    }

    fn event(&self, due: &DueOccurrence, missed: usize, now_us: i64) -> Event {
        let appointment = &due.appointment;
        let name = json!([self.calendar, appointment.uid]).to_string();
        let digest = sha256_hex(name.as_bytes());
        let (digest, _) = digest.split_at_checked(32).unwrap_or((&digest, ""));
        let original = time::rfc3339(appointment.original_start_us);
        Event {
            id: format!("occurrence/{}/{digest}/{original}", self.trigger),
            source: format!("calendar/{}", self.calendar),
            event_type: "occurrence.due".to_owned(),
            time_us: now_us,
            actor: Actor::new("system", "timer"),
            trigger: Trigger::Occurrence {
                trigger: self.trigger.clone(),
                calendar: self.calendar.clone(),
                uid: appointment.uid.clone(),
                original_start_us: appointment.original_start_us,
                start_us: appointment.start_us,
                scheduled_us: self.planned_us(due),
                missed: u32::try_from(missed).unwrap_or(u32::MAX),
            },
        }
    }
}

/// What all triggers for occurrences come to now.
pub(crate) async fn due_occurrences(database: &Database, now_us: i64) -> Result<Vec<Due>, Error> {
    let awaited = all_awaited(database).await?;
    let mut due = Vec::new();
    for awaited in awaited {
        match look(database, &awaited, now_us).await {
            Ok(found) => due.extend(found),
            Err(Error::Office(error)) if !matches!(error, bursar_office::Error::Host(_)) => {
                // The other triggers fire all the same, also if a row of this one cannot be read.
                let error = Error::Timer {
                    automation: awaited.automation,
                    timer: awaited.trigger,
                    message: error.to_string(),
                };
                tracing::error!(cause = %error, "a trigger is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(due)
}

async fn all_awaited(database: &Database) -> Result<Vec<Awaited>, Error> {
    let mut snapshot = database.snapshot();
    let (mut found, mut shared) = (Vec::new(), Shared::default());
    for (id, automation) in all_automations(&mut snapshot).await? {
        if matching::check_enabled(&automation).is_ok() {
            found.extend(awaited_of(&mut snapshot, &mut shared, &id, &automation).await?);
        }
    }
    Ok(found)
}

async fn awaited_of(
    snapshot: &mut bursar_db::Snapshot,
    shared: &mut Shared,
    id: &str,
    automation: &Automation,
) -> Result<Vec<Awaited>, Error> {
    let Some(manifest) = shared.manifest(snapshot, automation).await? else {
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
        let key = RowKey::of(Kind::Timer, &format!("{id}/{name}"));
        let known: Option<Timer> = match snapshot.get(&key).await? {
            Some(row) => Some(row.decode().map_err(bursar_office::Error::from)?),
            None => None,
        };
        found.push(Awaited {
            automation: id.to_owned(),
            trigger: name.clone(),
            calendar: calendar.clone(),
            lead_us: i64::from(*lead_minutes).saturating_mul(MINUTE_US),
            misfire: *misfire,
            fired_until_us: known.map(|timer| timer.fired_until_us),
        });
    }
    Ok(found)
}

async fn look(database: &Database, awaited: &Awaited, now_us: i64) -> Result<Option<Due>, Error> {
    let Some(fired_until_us) = awaited.fired_until_us else {
        // From its enabling on, not from the beginning of time.
        return Ok(Some(Due {
            automation: awaited.automation.clone(),
            trigger: awaited.trigger.clone(),
            events: Vec::new(),
            fired_until_us: now_us,
        }));
    };
    let after_us = fired_until_us.max(now_us.saturating_sub(LOOK_BACK_US));
    if now_us <= after_us {
        // The clock was set back: what is planned from here on was dealt with already.
        return Ok(None);
    }
    let mut session = Session::new(database, reading(now_us));
    let window = awaited.window(after_us, now_us);
    let found = session.due_occurrences(&awaited.calendar, window).await?;
    for (entry, message) in &found.left_out {
        tracing::error!(
            automation = awaited.automation,
            trigger = awaited.trigger,
            entry,
            message,
            "an entry is left out"
        );
    }
    Ok(due_of(awaited, found.found, now_us))
}

/// What a trigger's occurrences until now come to: those on time fire each, those that were missed as it is asked for.
fn due_of(awaited: &Awaited, mut found: Vec<DueOccurrence>, now_us: i64) -> Option<Due> {
    // What was written only after it was due was not missed.
    found.retain(|due| due.written_us <= awaited.planned_us(due).saturating_add(GRACE_US));
    found.sort_by_key(|due| awaited.planned_us(due));
    let fired_until_us = awaited.planned_us(found.last()?);
    let on_time_from_us = now_us.saturating_sub(GRACE_US);
    let place = found.partition_point(|due| awaited.planned_us(due) < on_time_from_us);
    let (late, on_time) = found.split_at_checked(place)?;
    let late: Vec<Event> = match (awaited.misfire, late.split_last()) {
        (Misfire::Skip, _) | (_, None) => Vec::new(),
        (Misfire::Once, Some((last, before))) => {
            vec![awaited.event(last, before.len(), now_us)]
        }
        (Misfire::All, Some(_)) => late
            .iter()
            .skip(late.len().saturating_sub(MISSED_RUNS_MAX))
            .map(|due| awaited.event(due, 0, now_us))
            .collect(),
    };
    let on_time = on_time.iter().map(|due| awaited.event(due, 0, now_us));
    Some(Due {
        automation: awaited.automation.clone(),
        trigger: awaited.trigger.clone(),
        events: late.into_iter().chain(on_time).collect(),
        fired_until_us,
    })
}

fn reading(now_us: i64) -> Context {
    Context {
        actor: Actor::new("system", "timer"),
        scope: "system:timer".to_owned(),
        automation: None,
        legal_entity_id: String::new(),
        legal_entity: None,
        authority: Authority::Everything,
        now_us,
        seed: [0; 32],
        limits: Limits::unlimited(),
    }
}

#[cfg(test)]
mod tests {
    use bursar_domain::calendar::EntryKind;
    use bursar_office::appointments::Appointment;

    use super::*;

    const HOUR_US: i64 = 60 * MINUTE_US;
    const NOW_US: i64 = 1_000 * HOUR_US;

    fn awaited(misfire: Misfire) -> Awaited {
        Awaited {
            automation: "a".to_owned(),
            trigger: "soon".to_owned(),
            calendar: "desk".to_owned(),
            lead_us: HOUR_US,
            misfire,
            fired_until_us: Some(0),
        }
    }

    /// An occurrence that was to fire so long ago.
    fn planned(minutes_ago: i64, written_us: i64) -> DueOccurrence {
        let start_us = NOW_US - minutes_ago * MINUTE_US + HOUR_US;
        DueOccurrence {
            appointment: Appointment {
                start_us,
                end_us: start_us,
                original_start_us: start_us,
                calendar: "desk".to_owned(),
                entry: "e".to_owned(),
                uid: "u".to_owned(),
                kind: EntryKind::Shift,
                title: String::new(),
                attendees: Vec::new(),
                is_opaque: true,
            },
            written_us,
        }
    }

    /// For how many minutes ago each run is, and for how many others it stands.
    fn runs(misfire: Misfire, found: &[DueOccurrence]) -> Vec<(i64, u32)> {
        let due = due_of(&awaited(misfire), found.to_vec(), NOW_US).expect("due");
        let run = |event: Event| match event.trigger {
            Trigger::Occurrence {
                scheduled_us,
                missed,
                ..
            } => ((NOW_US - scheduled_us) / MINUTE_US, missed),
            other => panic!("{other:?}"),
        };
        due.events.into_iter().map(run).collect()
    }

    #[test]
    fn those_on_time_fire_each_and_those_that_were_missed_as_asked() {
        let found = [planned(0, 0), planned(90, 0), planned(2, 0), planned(60, 0)];
        assert_eq!(runs(Misfire::Skip, &found), [(2, 0), (0, 0)]);
        assert_eq!(runs(Misfire::Once, &found), [(60, 1), (2, 0), (0, 0)]);
        let each = [(90, 0), (60, 0), (2, 0), (0, 0)];
        assert_eq!(runs(Misfire::All, &found), each);
        let flood: Vec<DueOccurrence> = (10..1_000).map(|minutes| planned(minutes, 0)).collect();
        let all = runs(Misfire::All, &flood);
        assert_eq!((all.len(), all.first()), (MISSED_RUNS_MAX, Some(&(109, 0))));
    }

    #[test]
    fn what_was_written_after_it_was_due_was_not_missed() {
        let later = planned(60, NOW_US - 10 * MINUTE_US);
        let just = planned(3, NOW_US);
        assert_eq!(runs(Misfire::All, &[later.clone(), just]), [(3, 0)]);
        assert!(due_of(&awaited(Misfire::All), vec![later], NOW_US).is_none());
        assert!(due_of(&awaited(Misfire::All), Vec::new(), NOW_US).is_none());
    }

    #[test]
    fn an_event_is_named_after_uid_and_original_start() {
        let event = |due: &DueOccurrence| awaited(Misfire::Once).event(due, 0, NOW_US);
        let one = planned(0, 0);
        let mut moved = one.clone();
        moved.appointment.start_us += HOUR_US;
        moved.appointment.entry = "imported again".to_owned();
        assert_eq!(event(&one).id, event(&moved).id);
        assert!(event(&one).id.len() <= 200 && event(&one).id.starts_with("occurrence/soon/"));
        let mut other = one.clone();
        other.appointment.uid = "v".to_owned();
        assert_ne!(event(&one).id, event(&other).id);
        assert_ne!(event(&one).id, event(&planned(1, 0)).id);
    }
}
