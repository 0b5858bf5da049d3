//! Outgoing mail: what was sent, what waits, what failed.

use axum::{Json, extract::State};
use bursar_db::{MessageFilter, MessageRecord, MessageState};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{
    Api,
    caller::Viewer,
    failure::Failure,
    request::{Path, Query},
    resource::{Page, limit, place},
    runs::Departments,
};

/// Which messages to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only those of this automation.
    pub automation: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    pub state: Option<MessageState>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// Messages in view, newest first
#[utoipa::path(get, path = "/v1/messages", tag = "messages", params(MessagesQuery), responses((status = 200, body = Page<MessageRecord>)))]
pub(crate) async fn list_messages(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Page<MessageRecord>>, Failure> {
    let limit = limit(query.limit)? as usize;
    let filter = MessageFilter {
        automations: api.narrowed(&caller, query.automation).await?,
        state: query.state,
        before: place(query.after.as_deref())?,
        limit: limit.saturating_add(1),
    };
    let mut items = api.database().messages(&filter).await?;
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items
        .last()
        .filter(|_| has_more)
        .map(|last| format!("{}.{}", last.seq, last.id));
    Ok(Json(Page { items, next }))
}

/// One message and what became of it
#[utoipa::path(get, path = "/v1/messages/{id}", tag = "messages", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = MessageRecord)))]
pub(crate) async fn get_message(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<MessageRecord>, Failure> {
    let unknown = || Failure::absent("message", &id);
    let message = api.database().message(&id).await?.ok_or_else(unknown)?;
    let department = Departments::default().of(&api, &message.automation).await?;
    if caller.sees(&department) {
        Ok(Json(message))
    } else {
        Err(unknown())
    }
}
