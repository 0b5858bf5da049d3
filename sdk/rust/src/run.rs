//! One run as a plugin sees it, and the way in from the host's call.
//!
//! Does not know what a plugin does with it. Entered through [`plugin!`](crate::plugin).

use serde::de::DeserializeOwned;

use crate::bindings::bursar::office::{log as host_log, types::Pair};
use crate::{Context, Event, Failure, Problem, Summary, Trigger};

/// What a plugin is: one function from a run to a summary.
pub trait Plugin {
    /// Does the work. On an error nothing of the run is kept.
    fn run(run: &Run) -> Result<Summary, Failure>;
}

/// Everything the host hands over: who and where, which event, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Who and where this run is.
    pub context: Context,
    /// The event behind it.
    pub event: Event,
    /// Why it exists.
    pub trigger: Trigger,
}

impl Run {
    /// The automation's configuration as `T`; permanent failure `config-unreadable` if it does not fit.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        from_json(&self.context.config, "config-unreadable")
    }

    /// The input of a manual run as `T`, none for other triggers; permanent failure `input-unreadable`.
    pub fn input<T: DeserializeOwned>(&self) -> Result<Option<T>, Failure> {
        match &self.trigger {
            Trigger::Manual(manual) => from_json(&manual.input, "input-unreadable").map(Some),
            Trigger::Timer(_) => Ok(None),
        }
    }
}

fn from_json<T: DeserializeOwned>(text: &str, code: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Problem::new(code, error.to_string()).into())
}

impl Summary {
    /// A sentence for people, without counters yet.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            counts: Vec::new(),
        }
    }

    /// Adds one counter for the run list.
    #[must_use]
    pub fn count(mut self, name: &str, value: u64) -> Self {
        self.counts.push(Pair {
            name: name.into(),
            value: value.to_string(),
        });
        self
    }
}

/// The way in: writes a panic's message into the run's log, since a trap alone says nothing to its author.
#[doc(hidden)]
pub fn enter<P: Plugin>(
    context: Context,
    event: Event,
    trigger: Trigger,
) -> Result<Summary, Failure> {
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| {
            host_log::write(host_log::Level::Error, &panic.to_string(), &[]);
        }));
    }
    P::run(&Run {
        context,
        event,
        trigger,
    })
}

/// Makes a type that implements [`Plugin`] the component's handler.
///
/// On the host's own architecture, where unit tests run, it only checks that the type fits: the export's name is none
/// that a native linker takes.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty) => {
        const _: () = {
            struct Handler;

            impl $crate::bindings::exports::bursar::office::handler::Guest for Handler {
                fn run(
                    context: $crate::Context,
                    event: $crate::Event,
                    trigger: $crate::Trigger,
                ) -> Result<$crate::Summary, $crate::Failure> {
                    $crate::enter::<$plugin>(context, event, trigger)
                }
            }

            #[cfg(target_arch = "wasm32")]
    $crate::bindings::export_handler!(Handler with_types_in $crate::bindings);

            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(
                $crate::Context,
                $crate::Event,
                $crate::Trigger,
            ) -> Result<$crate::Summary, $crate::Failure> =
                <Handler as $crate::bindings::exports::bursar::office::handler::Guest>::run;
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Actor;

    fn run(config: &str, trigger: Trigger) -> Run {
        let actor = Actor {
            kind: "person".into(),
            id: "p1".into(),
            name: "Ada".into(),
        };
        Run {
            context: Context {
                run: "r1".into(),
                automation: "a1".into(),
                department: "finance".into(),
                legal_entity: "e1".into(),
                zone: "Europe/Vienna".into(),
                locale: "de-AT".into(),
                config: config.into(),
            },
            event: Event {
                id: "v1".into(),
                source: "bursar".into(),
                type_: "manual".into(),
                time: 0,
                actor,
            },
            trigger,
        }
    }

    #[test]
    fn a_config_that_does_not_fit_is_a_permanent_failure() {
        let run = run(r#"{"days":"many"}"#, timer());
        let failure = run
            .config::<std::collections::BTreeMap<String, u32>>()
            .expect_err("text is no number");
        assert!(
            matches!(failure, Failure::Permanent(problem) if problem.code == "config-unreadable")
        );
    }

    #[test]
    fn only_a_manual_run_has_input() {
        assert_eq!(run("{}", timer()).input::<Vec<u32>>(), Ok(None));
        let manual = Trigger::Manual(crate::Manual {
            input: "[1,2]".into(),
            subjects: vec![],
        });
        assert_eq!(run("{}", manual).input::<Vec<u32>>(), Ok(Some(vec![1, 2])));
    }

    fn timer() -> Trigger {
        Trigger::Timer(crate::Tick {
            timer: "daily".into(),
            scheduled: 0,
            missed: 0,
        })
    }
}
