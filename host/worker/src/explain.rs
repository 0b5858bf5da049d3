//! Why an event made a run, or none, of each automation.
//!
//! Runs are found by their ids; where there is none, the same conditions are asked that keep it from being queued.

use std::collections::HashMap;

use bursar_db::{Database, RunLine, RunState};
use bursar_domain::{
    matching::{self, Cause, Unmet},
    office::Stop,
    problem::Problem,
    row::{Kind, RowKey},
    run::{Outcome, Trigger},
};
use bursar_office::run_id;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Error, Worker,
    occurrences::awaited_of,
    timetable::{Listed, Shared, automations, stop},
};

/// Most automations of one explanation.
pub const EXPLAINED_MAX: usize = 1_000;
/// Runs looked up at a time: their reports come with them.
const RUNS_AT_ONCE: usize = 64;

/// What started an event's runs, or would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Asked {
    /// Somebody started one automation.
    Manual {
        /// Its id.
        automation: String,
    },
    /// A timer fired.
    Timer {
        /// Its name in the manifest.
        timer: String,
        /// For which instant, in microseconds UTC; none leaves out whether the timer fires then.
        scheduled_us: Option<i64>,
    },
    /// An occurrence of a calendar was due.
    Occurrence {
        /// The name of the trigger in the manifest.
        trigger: String,
    },
}

/// What to explain.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The event's id.
    pub event: String,
    /// What the event was, if no run of it tells.
    pub asked: Option<Asked>,
    /// Only automations of this department; those of others are as if they were not there.
    pub department: Option<String>,
    /// Continue behind this automation.
    pub after: Option<String>,
    /// Most automations: 1 to [`EXPLAINED_MAX`].
    pub limit: usize,
}

/// What an event came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The event's id.
    pub event: String,
    /// What the event was, as a run of it tells or else the question; to be asked again for the next page.
    pub asked: Option<Asked>,
    /// Automations, by id.
    pub automations: Vec<Explained>,
    /// Where the next page begins; none if nothing follows.
    pub next: Option<String>,
}

/// What an event came to for one automation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    /// The automation's id.
    pub automation: String,
    /// The department that it works for.
    pub department: String,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
}

/// The answer to: why did nothing run?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "answer", rename_all = "kebab-case")]
// A task's answer has the name already.
#[schema(as = EventAnswer)]
pub enum Answer {
    /// There is a run.
    Run {
        /// Its id.
        run: String,
        /// Where it stands.
        state: RunState,
        /// Why it failed, or what it waits for.
        reason: Option<Problem>,
    },
    /// There is no run, and this is the first condition that fails.
    Unmet {
        /// The condition.
        unmet: Unmet,
        /// The same for people.
        words: String,
    },
    /// There is no run, and nothing keeps the trigger from it: it has not come, or not yet been seen.
    Met,
    /// There is no run, and nobody said what the event was.
    Unknown,
}

impl Worker {
    /// What an event came to for each automation. Costs a look-up for each of them.
    pub async fn explain(&self, question: &Question) -> Result<Explanation, Error> {
        explain(&self.inner.database, question).await
    }
}

pub(crate) async fn explain(
    database: &Database,
    question: &Question,
) -> Result<Explanation, Error> {
    let mut snapshot = database.snapshot();
    let limit = question.limit.clamp(1, EXPLAINED_MAX);
    let mut listed = automations(&mut snapshot, question.after.as_deref(), limit + 1).await?;
    let more = listed.len() > limit;
    listed.truncate(limit);
    let next = listed.last().filter(|_| more).map(|last| last.id.clone());
    listed.retain(|listed| {
        let department = question.department.as_deref();
        department.is_none_or(|department| department == listed.automation.department)
    });
    let stop = stop(&mut snapshot).await?;
    // Nobody waits for a second reader while holding a first. And what has been queued meanwhile is a run.
    drop(snapshot);
    let runs = runs_of(database, &question.event, &listed, &stop).await?;
    let mut snapshot = database.snapshot();
    // Events of several automations may share a name by chance: then none of them tells what the others were asked.
    let mut told = runs.values().filter_map(|(asked, _)| asked.as_ref());
    let first = told.next();
    let agreed = first.filter(|first| told.all(|other| other == *first));
    let asked = agreed.or(question.asked.as_ref()).cloned();
    let mut conditions = Conditions {
        asked: asked.as_ref(),
        stop,
        shared: Shared::default(),
    };
    let mut explained = Vec::with_capacity(listed.len());
    for listed in listed {
        let answer = match runs.get(&listed.id) {
            Some((_, answer)) => answer.clone(),
            None => conditions.answer(&mut snapshot, &listed).await?,
        };
        explained.push(Explained {
            automation: listed.id,
            department: listed.automation.department,
            answer,
        });
    }
    Ok(Explanation {
        event: question.event.clone(),
        asked,
        automations: explained,
        next,
    })
}

/// The event's runs by automation: what each tells of the event, and where it stands.
async fn runs_of(
    database: &Database,
    event: &str,
    listed: &[Listed],
    stop: &Stop,
) -> Result<HashMap<String, (Option<Asked>, Answer)>, Error> {
    let mut found = HashMap::new();
    for listed in listed.chunks(RUNS_AT_ONCE) {
        let ids: Vec<String> = listed.iter().map(|one| run_id(&one.id, event)).collect();
        let runs = database.runs_of(&ids).await?;
        let failed = runs.iter().filter(|run| run.state == RunState::Failed);
        let notices: Vec<RowKey> = failed
            .map(|run| RowKey::of(Kind::Notice, &run.id))
            .collect();
        let notices = database.snapshot().get_many(&notices).await?;
        let mut notices: HashMap<&str, &Value> = notices
            .iter()
            .map(|row| (&*row.key.id, &*row.body))
            .collect();
        for run in runs {
            let asked = run
                .queued
                .as_ref()
                .map(|queued| match &queued.event.trigger {
                    Trigger::Manual { .. } => Asked::Manual {
                        automation: queued.automation.clone(),
                    },
                    Trigger::Timer {
                        timer,
                        scheduled_us,
                        ..
                    } => Asked::Timer {
                        timer: timer.clone(),
                        scheduled_us: Some(*scheduled_us),
                    },
                    Trigger::Occurrence { trigger, .. } => Asked::Occurrence {
                        trigger: trigger.clone(),
                    },
                });
            let reason = reason_of(&run, notices.remove(run.id.as_str()), stop);
            let answer = Answer::Run {
                run: run.id,
                state: run.state,
                reason,
            };
            found.insert(run.automation, (asked, answer));
        }
    }
    Ok(found)
}

/// Why a run failed, as its notice says, or what it waits for.
fn reason_of(run: &RunLine, notice: Option<&Value>, stop: &Stop) -> Option<Problem> {
    if let Some(why) = &run.unreadable {
        return Some(Problem::new("run-unreadable", why.clone()));
    }
    let report = run.report.as_ref();
    let outcome = || {
        let outcome = Outcome::deserialize(report?.get("outcome")?).ok()?;
        match outcome {
            Outcome::Retry { problem, .. } | Outcome::Refused { problem } => Some(problem),
            _ => None,
        }
    };
    match run.state {
        RunState::Failed => {
            let told = notice.and_then(|notice| Problem::deserialize(notice.get("problem")?).ok());
            told.or_else(outcome)
        }
        RunState::Queued => {
            if let Err(unmet) = matching::check_stop(stop) {
                return Some(unmet.problem());
            }
            let waits = report.and_then(|report| report.get("waits")?.as_str());
            waits.map(|why| Problem::new("waits", why)).or_else(outcome)
        }
        RunState::Running | RunState::Committed | RunState::Held | RunState::Shadowed => None,
    }
}

/// What is asked of an automation without a run.
struct Conditions<'a> {
    asked: Option<&'a Asked>,
    stop: Stop,
    shared: Shared,
}

impl Conditions<'_> {
    async fn answer(
        &mut self,
        snapshot: &mut bursar_db::Snapshot,
        listed: &Listed,
    ) -> Result<Answer, Error> {
        let Some(asked) = self.asked else {
            return Ok(Answer::Unknown);
        };
        Ok(match self.check(snapshot, asked, listed).await? {
            Ok(()) => Answer::Met,
            Err(unmet) => Answer::Unmet {
                unmet,
                words: unmet.words().to_owned(),
            },
        })
    }

    async fn check(
        &mut self,
        snapshot: &mut bursar_db::Snapshot,
        asked: &Asked,
        listed: &Listed,
    ) -> Result<Result<(), Unmet>, Error> {
        let cause = match asked {
            Asked::Manual { automation } => Cause::Manual { automation },
            Asked::Timer { timer, .. } => Cause::Timer { timer },
            Asked::Occurrence { trigger } => Cause::Occurrence { trigger },
        };
        let Some(manifest) = self.shared.manifest(snapshot, &listed.automation).await? else {
            return Ok(Err(Unmet::TriggerNotAsked));
        };
        if let Err(unmet) = matching::check(cause, &listed.id, &listed.automation, &manifest) {
            return Ok(Err(unmet));
        }
        match asked {
            // What somebody starts is queued, stop or not.
            Asked::Manual { .. } => return Ok(Ok(())),
            Asked::Occurrence { trigger } => {
                let awaited = awaited_of(snapshot, &mut self.shared, listed).await?;
                let awaited = awaited.iter().find(|awaited| awaited.trigger == *trigger);
                if let Some(awaited) = awaited {
                    let calendar = RowKey::of(Kind::Calendar, &awaited.calendar);
                    if snapshot.get(&calendar).await?.is_none() {
                        return Ok(Err(Unmet::CalendarMissing));
                    }
                }
            }
            Asked::Timer {
                timer,
                scheduled_us,
            } => {
                let timers = self.shared.timers_of(snapshot, listed).await?;
                let watched = timers.iter().find(|watched| watched.timer == *timer);
                if let (Some(watched), Some(at_us)) = (watched, scheduled_us)
                    && let Err(unmet) = watched.check(*at_us)
                {
                    return Ok(Err(unmet));
                }
            }
        }
        Ok(matching::check_stop(&self.stop))
    }
}
