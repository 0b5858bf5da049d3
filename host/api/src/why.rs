//! Why did nothing run? For any event what it came to; for any timer when it is due next.

use axum::{Json, extract::State};
use bursar_worker::{Asked, Explained, Question, Upcoming};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::Viewer,
    failure::Failure,
    request::{Path, Query},
    resource::{Page, limit},
};

/// A timer of an automation, or a trigger that waits for a calendar's occurrences, and when it is due next.
pub type TimerShown = Upcoming;

/// What an event came to, automation by automation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventExplained {
    /// The event's id.
    pub event: String,
    /// What the event was, as far as its runs or the question tell.
    pub asked: Option<Asked>,
    /// Every automation in view: its run, or the first condition that kept the event from it.
    pub automations: Vec<Explained>,
    /// Where the next page begins: send it as `after`. None on the last page.
    pub next: Option<String>,
}

/// What to explain, if no run of the event tells what it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// The event was a manual start of this automation.
    pub automation: Option<String>,
    /// The event was the firing of a timer of this name.
    pub timer: Option<String>,
    /// The event was an occurrence of a calendar that a trigger of this name waits for.
    pub occurrence: Option<String>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// Timers in view, triggers for occurrences too, and when each is due next
#[utoipa::path(get, path = "/v1/timers", tag = "runs", responses((status = 200, body = Page<TimerShown>)))]
pub(crate) async fn list_timers(
    Viewer(caller): Viewer,
    State(api): State<Api>,
) -> Result<Json<Page<TimerShown>>, Failure> {
    let mut items = api.worker()?.upcoming().await?;
    items.retain(|timer| caller.sees(&timer.department));
    Ok(Json(Page { items, next: None }))
}

/// Why did nothing run?
///
/// For every automation in view: the run that the event came to, or the first condition that kept it from running. The
/// event need not exist: what would it have met?
#[utoipa::path(get, path = "/v1/events/{id}", tag = "runs", params(("id" = String, Path, description = "The event's id"), EventQuery), responses((status = 200, body = EventExplained)))]
pub(crate) async fn explain_event(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventExplained>, Failure> {
    let asked = match (query.automation, query.timer, query.occurrence) {
        (Some(automation), None, None) => Some(Asked::Manual { automation }),
        (None, Some(timer), None) => Some(Asked::Timer {
            timer,
            scheduled_us: None,
        }),
        (None, None, Some(trigger)) => Some(Asked::Occurrence { trigger }),
        (None, None, None) => None,
        _ => {
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "parameter-invalid",
                "an event is a manual start (automation), a timer's firing (timer) or an occurrence (occurrence)",
            ));
        }
    };
    let limit = limit(query.limit)? as usize;
    let mut question = Question {
        event: id,
        asked,
        department: caller.department,
        after: query.after,
        limit: limit.saturating_add(1),
    };
    let (worker, mut automations) = (api.worker()?, Vec::new());
    // The worker's pages end where automations out of view may stand: pages in view are made here.
    let next = loop {
        let explanation = worker.explain(&question).await?;
        question.asked = explanation.asked;
        automations.extend(explanation.automations);
        if automations.len() > limit || explanation.next.is_none() {
            break next_of(&mut automations, limit);
        }
        question.after = explanation.next;
    };
    Ok(Json(EventExplained {
        event: question.event,
        asked: question.asked,
        automations,
        next,
    }))
}

/// Cuts a page off, and says where the next one begins.
fn next_of(automations: &mut Vec<Explained>, limit: usize) -> Option<String> {
    let has_more = automations.len() > limit;
    automations.truncate(limit);
    let last = automations.last().filter(|_| has_more)?;
    Some(last.automation.clone())
}
