//! One run: a fresh instance, one call, one report.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bursar_domain::{
    canonical,
    problem::Problem,
    run::{Claim, Outcome, RunReport, Summary, Trigger},
};
use bursar_office::Session;
use wasmtime::{Store, UpdateDeadline};

use crate::{
    contract::exports::bursar::office::handler,
    convert,
    ending::{LimitReached, outcome_of},
    engine::CALL_BYTES_MAX,
    error::Error,
    guest::Guest,
    processor::Processor,
    runtime::{Plugin, Runtime, Seat},
};

/// Longest summary and longest problem kept, in bytes.
const TEXT_BYTES_MAX: usize = 2000;
/// Longest code of a problem, and longest name or value of a counter, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Most counters of a summary.
const COUNTS_MAX: usize = 50;

impl Runtime {
    /// Executes a claimed run and reports how it ended, whatever the plugin does.
    ///
    /// An error is trouble of the host alone: nothing is known of the run then, and it can be executed again.
    pub async fn execute(
        &self,
        plugin: &Plugin,
        claim: &Claim,
        session: Session,
    ) -> Result<RunReport, Error> {
        self.execute_in(self.seat().await?, plugin, claim, session)
            .await
    }

    /// Waits until one more instance may be made.
    pub async fn seat(&self) -> Result<Seat, Error> {
        let permit = self.inner.seats.clone().acquire_owned().await;
        let permit = permit.map_err(|error| Error::Sandbox(error.to_string()))?;
        Ok(Seat { _permit: permit })
    }

    /// As [`Runtime::execute`], in a place that was waited for before.
    pub async fn execute_in(
        &self,
        _seat: Seat,
        plugin: &Plugin,
        claim: &Claim,
        session: Session,
    ) -> Result<RunReport, Error> {
        let wall = Wall::starting_now(claim.limits.wall_ms_max);
        let mut store = Store::new(
            &self.inner.engine,
            Guest::new(plugin.inspection(), claim, session),
        );
        store.limiter(Guest::limiter);
        store.set_hostcall_fuel(CALL_BYTES_MAX);
        // A guest that computes looks at the wall clock itself at every tick, and lets others have the thread.
        store.set_epoch_deadline(1);
        let processor = Arc::new(Processor::new(claim.limits.cpu_ms_max));
        let watched = Arc::clone(&processor);
        store.epoch_deadline_callback(move |_| {
            wall.check()?;
            watched.check()?;
            Ok(UpdateDeadline::Yield(1))
        });
        let input = Input::of(claim)?;
        let running = processor.measure(call(plugin, &mut store, &input));
        let outcome = match tokio::time::timeout(wall.allowed, running).await {
            Ok(Ok(Ok(summary))) => Outcome::Succeeded(summary_of(summary)),
            Ok(Ok(Err(failure))) => failed(failure),
            Ok(Err(error)) => outcome_of(error)?,
            // The guest was waiting for the host.
            Err(_) => wall.reached().into(),
        };
        let (draft, kept, usage) = store.into_data().into_parts();
        Ok(RunReport {
            outcome,
            draft,
            logs: kept.lines,
            usage,
        })
    }
}

async fn call(
    plugin: &Plugin,
    store: &mut Store<Guest>,
    input: &Input,
) -> wasmtime::Result<Result<handler::Summary, handler::Failure>> {
    let instance = plugin.ready().instantiate_async(&mut *store).await?;
    instance
        .bursar_office_handler()
        .call_run(store, &input.context, &input.event, &input.trigger)
        .await
}

/// What the plugin is handed.
struct Input {
    context: handler::Context,
    event: handler::Event,
    trigger: handler::Trigger,
}

impl Input {
    fn of(claim: &Claim) -> Result<Self, Error> {
        Ok(Self {
            context: context_of(claim)?,
            event: event_of(claim),
            trigger: trigger_of(claim)?,
        })
    }
}

/// The run's wall time.
#[derive(Clone, Copy)]
struct Wall {
    started: Instant,
    allowed: Duration,
    allowed_ms: u64,
}

impl Wall {
    fn starting_now(allowed_ms: u64) -> Self {
        Self {
            started: Instant::now(),
            allowed: Duration::from_millis(allowed_ms),
            allowed_ms,
        }
    }

    fn check(&self) -> Result<(), LimitReached> {
        if self.started.elapsed() < self.allowed {
            Ok(())
        } else {
            Err(self.reached())
        }
    }

    fn reached(&self) -> LimitReached {
        let used = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        LimitReached {
            limit: "wall_ms_max",
            allowed: self.allowed_ms,
            used: used.max(self.allowed_ms),
        }
    }
}

fn context_of(claim: &Claim) -> Result<handler::Context, Error> {
    Ok(handler::Context {
        run: claim.run.clone(),
        automation: claim.automation_id.clone(),
        department: claim.automation.department.clone(),
        legal_entity: claim.automation.legal_entity.clone(),
        zone: claim.legal_entity.zone.clone(),
        locale: claim.legal_entity.locale.clone(),
        config: canonical::to_text(&claim.automation.config)?,
    })
}

fn event_of(claim: &Claim) -> handler::Event {
    let event = &claim.event;
    handler::Event {
        id: event.id.clone(),
        source: event.source.clone(),
        type_: event.event_type.clone(),
        time: event.time_us,
        actor: convert::actor(&event.actor),
    }
}

fn trigger_of(claim: &Claim) -> Result<handler::Trigger, Error> {
    Ok(match &claim.event.trigger {
        Trigger::Manual { input, subjects } => handler::Trigger::Manual(handler::Manual {
            input: canonical::to_text(input)?,
            subjects: subjects.clone(),
        }),
        Trigger::Timer {
            timer,
            scheduled_us,
            missed,
        } => handler::Trigger::Timer(handler::Tick {
            timer: timer.clone(),
            scheduled: *scheduled_us,
            missed: *missed,
        }),
        // The contract has no case for it yet: the event's type, source and id say what it is.
        Trigger::Occurrence {
            trigger,
            scheduled_us,
            missed,
            ..
        } => handler::Trigger::Timer(handler::Tick {
            timer: trigger.clone(),
            scheduled: *scheduled_us,
            missed: *missed,
        }),
    })
}

/// What the plugin says of itself is cut where it is too long: its work is not worth less for it.
fn summary_of(summary: handler::Summary) -> Summary {
    let counts = summary.counts.into_iter().take(COUNTS_MAX);
    Summary {
        text: cut(summary.text, TEXT_BYTES_MAX),
        counts: counts
            .map(|count| {
                (
                    cut(count.name, NAME_BYTES_MAX),
                    cut(count.value, NAME_BYTES_MAX),
                )
            })
            .collect(),
    }
}

fn failed(failure: handler::Failure) -> Outcome {
    match failure {
        handler::Failure::Retry(later) => Outcome::Retry {
            problem: problem_of(later.problem),
            after_us: later.after,
        },
        handler::Failure::Permanent(problem) => Outcome::Refused {
            problem: problem_of(problem),
        },
    }
}

fn problem_of(problem: handler::Problem) -> Problem {
    Problem {
        code: cut(problem.code, NAME_BYTES_MAX),
        pointer: cut(problem.pointer, NAME_BYTES_MAX),
        message: cut(problem.message, TEXT_BYTES_MAX),
    }
}

fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}
