//! What starts a plugin.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::is_name;
use crate::problem::Problem;

/// Longest time between a trigger and the occurrence that it is for: 31 days, in minutes.
const LEAD_MINUTES_MAX: u32 = 31 * 24 * 60;
/// Longest id of a calendar, in bytes.
const CALENDAR_BYTES_MAX: usize = 64;

/// One thing that starts the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum TriggerAsk {
    /// A person or program.
    Manual,
    /// A clock: a cron expression in the legal entity's zone.
    Timer {
        /// Unique within the manifest.
        name: String,
        /// Five fields: minute, hour, day of month, month, day of week.
        cron: String,
        /// What happens with firings that were missed while the host was down.
        #[serde(default)]
        misfire: Misfire,
    },
    /// The occurrences of a calendar's entries, one by one.
    Occurrence {
        /// Unique within the manifest, among the timers too.
        name: String,
        /// The calendar.
        calendar: String,
        /// How long before an occurrence begins: at most 31 days, in minutes.
        #[serde(default)]
        lead_minutes: u32,
        /// What happens with occurrences that were missed while the host was down.
        #[serde(default)]
        misfire: Misfire,
    },
}

/// What happens with missed firings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Misfire {
    /// They are left out.
    Skip,
    /// One run stands for all of them.
    #[default]
    Once,
    /// Each has its run; of very many, the last ones.
    All,
}

/// What is wrong with a manifest's triggers.
pub(super) fn problems(triggers: &[TriggerAsk]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut require = |holds: bool, pointer: String, message: &str| {
        if !holds {
            found.push(Problem::at("manifest-invalid", pointer, message));
        }
    };
    let mut names = BTreeSet::new();
    for (place, trigger) in triggers.iter().enumerate() {
        let at = |field: &str| format!("/triggers/{place}/{field}");
        if let TriggerAsk::Timer { name, .. } | TriggerAsk::Occurrence { name, .. } = trigger {
            require(
                is_name(name) && names.insert(name),
                at("name"),
                "a timer has a unique name in lower case",
            );
        }
        if let TriggerAsk::Occurrence {
            calendar,
            lead_minutes,
            ..
        } = trigger
        {
            require(
                (1..=CALENDAR_BYTES_MAX).contains(&calendar.len()),
                at("calendar"),
                "the calendar's id has 1 to 64 bytes",
            );
            require(
                *lead_minutes <= LEAD_MINUTES_MAX,
                at("lead_minutes"),
                "lead_minutes is at most 31 days",
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Asked {
        triggers: Vec<TriggerAsk>,
    }

    #[test]
    fn a_trigger_for_occurrences_names_a_calendar_and_has_a_name_of_its_own() {
        let timer = "[[triggers]]\nkind = 'timer'\nname = 'nightly'\ncron = '0 2 * * *'\n";
        let check = |fields: &str, expected: &[&str]| {
            let text = format!("{timer}[[triggers]]\nkind = 'occurrence'\n{fields}\n");
            let asked: Asked = toml::from_str(&text).expect("triggers");
            let problems = problems(&asked.triggers);
            let pointers: Vec<&str> = problems.iter().map(|p| p.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{fields}");
        };
        check("name = 'soon'\ncalendar = 'desk'\nmisfire = 'all'", &[]);
        check(
            "name = 'soon'\ncalendar = 'desk'\nlead_minutes = 44640",
            &[],
        );
        check("name = 'nightly'\ncalendar = 'desk'", &["/triggers/1/name"]);
        let both = ["/triggers/1/calendar", "/triggers/1/lead_minutes"];
        check("name = 'soon'\ncalendar = ''\nlead_minutes = 44641", &both);
    }
}
