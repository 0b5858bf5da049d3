//! Which automations a trigger reaches, and what keeps it from the others.
//!
//! Queuing, timers and explanations all ask here, so that an explanation cannot disagree with what happens. It does not
//! know how a timer's rule is read: whoever reads it says here how that came out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    manifest::{Manifest, TriggerAsk},
    office::{Automation, Stop},
    problem::Problem,
    run::Trigger,
};

/// What starts runs, as far as matching looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// Somebody starts one automation.
    Manual {
        /// Its id.
        automation: &'a str,
    },
    /// A timer of that name fires.
    Timer {
        /// Its name in the manifest.
        timer: &'a str,
    },
    /// An occurrence that a trigger of that name waits for is due.
    Occurrence {
        /// The trigger's name in the manifest.
        trigger: &'a str,
    },
}

impl<'a> Cause<'a> {
    /// The cause of a run of an automation.
    pub fn of(automation: &'a str, trigger: &'a Trigger) -> Self {
        match trigger {
            Trigger::Manual { .. } => Cause::Manual { automation },
            Trigger::Timer { timer, .. } => Cause::Timer { timer },
            Trigger::Occurrence { trigger, .. } => Cause::Occurrence { trigger },
        }
    }
}

/// The first condition that keeps a trigger from an automation. The text is its stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unmet {
    /// The event was for another automation.
    OtherAutomation,
    /// The automation is off.
    AutomationOff,
    /// The plugin's manifest does not ask for this trigger.
    TriggerNotAsked,
    /// The organisation is stopped: timers are held back, and runs stay queued.
    Stopped,
    /// The timer's rule or zone cannot be read.
    TimerUnreadable,
    /// The timer's rule does not name this instant.
    TimerNotDue,
    /// The timer was past this instant when it was looked at, or skipped it, or one run stands for it and later ones.
    TimerPassed,
    /// There is no calendar that the trigger could wait for.
    CalendarMissing,
}

impl Unmet {
    /// Every condition.
    pub const ALL: [Unmet; 8] = [
        Unmet::OtherAutomation,
        Unmet::AutomationOff,
        Unmet::TriggerNotAsked,
        Unmet::Stopped,
        Unmet::TimerUnreadable,
        Unmet::TimerNotDue,
        Unmet::TimerPassed,
        Unmet::CalendarMissing,
    ];

    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Unmet::OtherAutomation => "other-automation",
            Unmet::AutomationOff => "automation-off",
            Unmet::TriggerNotAsked => "trigger-not-asked",
            Unmet::Stopped => "stopped",
            Unmet::TimerUnreadable => "timer-unreadable",
            Unmet::TimerNotDue => "timer-not-due",
            Unmet::TimerPassed => "timer-passed",
            Unmet::CalendarMissing => "calendar-missing",
        }
    }

    /// For people: lower case, no final period.
    pub const fn words(self) -> &'static str {
        match self {
            Unmet::OtherAutomation => "the event is for another automation",
            Unmet::AutomationOff => "the automation is off",
            Unmet::TriggerNotAsked => "the plugin's manifest does not ask for this trigger",
            Unmet::Stopped => "the organisation is stopped",
            Unmet::TimerUnreadable => "the timer's rule or zone cannot be read",
            Unmet::TimerNotDue => "the timer does not fire at this instant",
            Unmet::TimerPassed => {
                "the timer is past this instant: it was skipped, or another run stands for it, or the automation was enabled later"
            }
            Unmet::CalendarMissing => "the calendar that the trigger waits for does not exist",
        }
    }

    /// Code and words.
    pub fn problem(self) -> Problem {
        Problem::new(self.code(), self.words())
    }
}

/// Whether a cause makes a run of an automation; a stop does not matter here.
pub fn check(
    cause: Cause<'_>,
    id: &str,
    automation: &Automation,
    manifest: &Manifest,
) -> Result<(), Unmet> {
    if let Cause::Manual { automation } = cause
        && automation != id
    {
        return Err(Unmet::OtherAutomation);
    }
    check_enabled(automation)?;
    if asks(manifest, cause) {
        Ok(())
    } else {
        Err(Unmet::TriggerNotAsked)
    }
}

/// Whether an automation starts anything at all.
pub fn check_enabled(automation: &Automation) -> Result<(), Unmet> {
    if automation.enabled {
        Ok(())
    } else {
        Err(Unmet::AutomationOff)
    }
}

/// Whether timers fire and queued runs are claimed.
pub fn check_stop(stop: &Stop) -> Result<(), Unmet> {
    if stop.stopped {
        Err(Unmet::Stopped)
    } else {
        Ok(())
    }
}

/// Whether a manifest asks for such a trigger.
pub fn asks(manifest: &Manifest, cause: Cause<'_>) -> bool {
    manifest.triggers.iter().any(|ask| match (ask, cause) {
        (TriggerAsk::Manual, Cause::Manual { .. }) => true,
        (TriggerAsk::Timer { name, .. }, Cause::Timer { timer }) => name == timer,
        (TriggerAsk::Occurrence { name, .. }, Cause::Occurrence { trigger }) => name == trigger,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::Mode;

    const NIGHTLY: &str = "[[triggers]]\nkind = 'timer'\nname = 'nightly'\ncron = '0 2 * * *'\n";
    const MANUAL: &str = "[[triggers]]\nkind = 'manual'\n";

    fn manifest(triggers: &str) -> Manifest {
        let head =
            "name = 'sample'\nversion = '1.0.0'\npublisher = 'Example'\ndescription = 'None.'\n";
        Manifest::parse(&format!("{head}{triggers}")).expect("a good manifest")
    }

    fn automation() -> Automation {
        Automation {
            plugin: "digest".to_owned(),
            department: "finance".to_owned(),
            legal_entity: "acme".to_owned(),
            config: serde_json::Value::Null,
            grants: Vec::new(),
            mode: Mode::Live,
            enabled: true,
        }
    }

    #[test]
    fn the_first_condition_that_fails_is_told() {
        let on = automation();
        let off = Automation {
            enabled: false,
            ..automation()
        };
        let (by_hand, by_clock) = (manifest(MANUAL), manifest(NIGHTLY));
        let here = Cause::Manual { automation: "a" };
        let there = Cause::Manual { automation: "b" };
        let nightly = Cause::Timer { timer: "nightly" };
        let hourly = Cause::Timer { timer: "hourly" };
        let by_calendar =
            manifest("[[triggers]]\nkind = 'occurrence'\nname = 'nightly'\ncalendar = 'desk'\n");
        let due = Cause::Occurrence { trigger: "nightly" };
        let cases = [
            (due, &on, &by_calendar, None),
            (due, &on, &by_clock, Some(Unmet::TriggerNotAsked)),
            (nightly, &on, &by_calendar, Some(Unmet::TriggerNotAsked)),
            (here, &on, &by_hand, None),
            (nightly, &on, &by_clock, None),
            (there, &off, &by_clock, Some(Unmet::OtherAutomation)),
            (here, &off, &by_clock, Some(Unmet::AutomationOff)),
            (nightly, &off, &by_clock, Some(Unmet::AutomationOff)),
            (here, &on, &by_clock, Some(Unmet::TriggerNotAsked)),
            (nightly, &on, &by_hand, Some(Unmet::TriggerNotAsked)),
            (hourly, &on, &by_clock, Some(Unmet::TriggerNotAsked)),
        ];
        for (cause, row, manifest, expected) in cases {
            assert_eq!(
                check(cause, "a", row, manifest).err(),
                expected,
                "{cause:?}"
            );
        }
    }

    #[test]
    fn a_stop_holds_while_it_is_set() {
        let stop = |stopped| Stop {
            stopped,
            reason: String::new(),
        };
        assert_eq!(check_stop(&stop(true)), Err(Unmet::Stopped));
        assert_eq!(check_stop(&stop(false)), Ok(()));
    }

    #[test]
    fn a_condition_is_written_as_its_code() {
        for unmet in Unmet::ALL {
            let written = serde_json::to_value(unmet).expect("JSON");
            assert_eq!(written, unmet.code());
            assert_eq!(unmet.problem().code, unmet.code());
        }
    }
}
