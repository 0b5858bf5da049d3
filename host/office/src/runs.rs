//! Queuing runs, and the names and seeds that make a run the same run.

use bursar_domain::{
    log::sha256_hex,
    manifest::Manifest,
    matching::{self, Cause, Unmet},
    office::{Automation, Timer},
    problem::Problem,
    row::{Kind, RowKey},
    run::{Event, QueuedRun, Trigger},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::{error::Error, input::Faults, schema, session::Session, write::Write};

/// Longest id or source of an event, in bytes.
const EVENT_ID_BYTES_MAX: usize = 200;
/// What the ids of timers' events begin with: nobody else may use up a firing.
const TIMER_EVENTS: &str = "timer/";
/// What the ids of occurrences' events begin with.
const OCCURRENCE_EVENTS: &str = "occurrence/";
/// Most subjects of a manual run.
const SUBJECTS_MAX: usize = 100;

/// The stable name of the run of an event by an automation.
pub fn run_id(automation: &str, event_id: &str) -> String {
    sha256_hex(json!(["run", automation, event_id]).to_string().as_bytes())
}

/// The seed of a run: HMAC-SHA256 (RFC 2104) of automation and event, so that a preview and the real run agree.
pub fn run_seed(host_key: &[u8], automation: &str, event_id: &str) -> [u8; 32] {
    let name = json!(["seed", automation, event_id]).to_string();
    mac(host_key, name.as_bytes())
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC key may have any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

impl Session {
    /// Queues the run of an event and gives its id; the same event again gives the same run. For administrators.
    pub async fn enqueue(&mut self, automation: &str, event: &Event) -> Result<String, Error> {
        self.require_administrator()?;
        let id = run_id(automation, &event.id);
        let key = RowKey::of(Kind::Run, &id);
        let body = self.automation(automation).await?.body;
        let manifest = self.plugin(&body.plugin).await?.body.manifest;
        let cause = Cause::of(automation, &event.trigger);
        matching::check(cause, automation, &body, &manifest)
            .map_err(|unmet| refusal(unmet, automation))?;
        check_start(&manifest, automation, event)?;
        match self.find::<QueuedRun>(&key).await? {
            None => {
                let queued = QueuedRun {
                    automation: automation.to_owned(),
                    event: event.clone(),
                };
                self.apply(vec![Write::of(key, None, &queued)?])?;
            }
            Some((_, queued)) if queued.event.trigger == event.trigger => {}
            Some(_) => {
                return Err(Error::conflict(
                    "key-reused",
                    format!("the event {:?} was something else before", event.id),
                ));
            }
        }
        Ok(id)
    }

    /// Queues the run of an event unless the automation has one of that name, whatever it was queued for; tells whether
    /// it is new. For administrators.
    pub async fn enqueue_once(&mut self, automation: &str, event: &Event) -> Result<bool, Error> {
        self.require_administrator()?;
        let key = RowKey::of(Kind::Run, &run_id(automation, &event.id));
        if self.load(&key).await?.is_some() {
            return Ok(false);
        }
        self.enqueue(automation, event).await?;
        Ok(true)
    }

    /// How far a timer of an automation has fired; none if nobody has looked at it yet. For administrators.
    pub async fn timer(&mut self, automation: &str, timer: &str) -> Result<Option<Timer>, Error> {
        self.require_administrator()?;
        let found = self.find::<Timer>(&timer_key(automation, timer)).await?;
        Ok(found.map(|(_, timer)| timer))
    }

    /// Notes how far a timer of an automation has fired. For administrators.
    pub async fn put_timer(
        &mut self,
        automation: &str,
        timer: &str,
        fired: &Timer,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let body: Automation = self.automation(automation).await?.body;
        let manifest = self.plugin(&body.plugin).await?.body.manifest;
        let causes = [Cause::Timer { timer }, Cause::Occurrence { trigger: timer }];
        if !causes.iter().any(|cause| matching::asks(&manifest, *cause)) {
            return Err(refusal(Unmet::TriggerNotAsked, automation));
        }
        self.upsert(timer_key(automation, timer), fired).await
    }
}

/// The row of how far a timer of an automation has fired.
pub fn timer_key(automation: &str, timer: &str) -> RowKey {
    RowKey::of(Kind::Timer, &format!("{automation}/{timer}"))
}

/// Checks what a run of an event would be handed, for real or in a preview; whether the automation is on does not matter.
pub fn check_start(manifest: &Manifest, automation: &str, event: &Event) -> Result<(), Error> {
    if !matching::asks(manifest, Cause::of(automation, &event.trigger)) {
        return Err(refusal(Unmet::TriggerNotAsked, automation));
    }
    check_event(event)?;
    check_input(manifest, &event.trigger)
}

/// Checks what a run would be handed: manual input is valid under its schema.
fn check_input(manifest: &Manifest, trigger: &Trigger) -> Result<(), Error> {
    let Trigger::Manual { input, subjects } = trigger else {
        return Ok(());
    };
    let mut faults = Faults::default();
    faults.unless(
        subjects.len() <= SUBJECTS_MAX,
        "too-many",
        "/subjects",
        format!("at most {SUBJECTS_MAX} subjects"),
    );
    faults.result()?;
    let at = |problem: Problem| Problem {
        pointer: format!("/input{}", problem.pointer),
        ..problem
    };
    schema::check(&manifest.input, input)
        .map_err(|problems| Error::Invalid(problems.into_iter().map(at).collect()))
}

/// What a caller is told who asks for a run that cannot be.
fn refusal(unmet: Unmet, automation: &str) -> Error {
    match unmet {
        Unmet::TriggerNotAsked => Error::invalid(unmet.code(), "/trigger", unmet.words()),
        Unmet::AutomationOff => Error::conflict(
            unmet.code(),
            format!("the automation {automation:?} is off"),
        ),
        _ => Error::conflict(unmet.code(), unmet.words()),
    }
}

fn check_event(event: &Event) -> Result<(), Error> {
    let mut faults = Faults::default();
    let is_manual = matches!(event.trigger, Trigger::Manual { .. });
    for own in [TIMER_EVENTS, OCCURRENCE_EVENTS] {
        faults.unless(
            !is_manual || !event.id.starts_with(own),
            "out-of-range",
            "/id",
            format!("ids that begin with {own:?} are the timers' own"),
        );
    }
    for (pointer, text) in [
        ("/id", &event.id),
        ("/source", &event.source),
        ("/type", &event.event_type),
    ] {
        faults.line(pointer, text, 1..=EVENT_ID_BYTES_MAX);
    }
    faults.result()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_depends_on_key_automation_and_event() {
        let seed = run_seed(b"key", "a", "1");
        assert_eq!(seed, run_seed(b"key", "a", "1"));
        for other in [
            run_seed(b"kez", "a", "1"),
            run_seed(b"key", "b", "1"),
            run_seed(b"key", "a", "2"),
            run_seed(b"key", "a1", ""),
        ] {
            assert_ne!(seed, other);
        }
    }

    #[test]
    fn a_run_is_named_by_automation_and_event() {
        assert_eq!(run_id("a", "1").len(), 64);
        assert_ne!(run_id("a", "1"), run_id("a1", ""));
        assert_ne!(run_id("a\",\"b", "c"), run_id("a", "b\",\"c"));
    }
}
