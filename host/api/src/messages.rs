//! Outgoing mail: what was sent, what waits, what failed, and what templates make of data.

use axum::{Json, extract::State, response::IntoResponse};
use bursar_db::{MessageFilter, MessageRecord, MessageState};
use bursar_domain::row::{Kind, RowKey};
use bursar_office::templates::{Rendered, Rendering};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::{Administrator, Auditor, Viewer},
    failure::Failure,
    request::{Asked, Body, Path, Query},
    resource::{Page, commit, limit, place},
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

/// Data to show a template with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRendering {
    /// The reader's language (BCP 47); the template's fallback unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// A JSON object: its members are the template's names.
    pub data: Value,
}

/// What a template makes of data
///
/// Changes nothing and sends nothing. Moments are in UTC.
#[utoipa::path(post, path = "/v1/templates/{id}/render", tag = "messages", params(("id" = String, Path, description = "The template")), request_body = NewRendering, responses((status = 200, body = Rendered)))]
pub(crate) async fn render_template(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<NewRendering>,
) -> Result<Json<Rendered>, Failure> {
    asked.unconditional()?;
    let wanted = Rendering {
        template: id,
        locale: value.locale,
        data: value.data,
    };
    let mut session = api.reading(&caller.actor).await?;
    Ok(Json(session.render(&wanted).await?))
}

/// Remove a template
#[utoipa::path(delete, path = "/v1/templates/{id}", tag = "messages", params(("id" = String, Path, description = "Lower-case letters, digits and hyphens")), responses((status = 204)))]
pub(crate) async fn delete_template(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<impl IntoResponse, Failure> {
    let key = RowKey::of(Kind::Template, &id);
    let (id, key, asked) = (&id, &key, &asked);
    let changed = api
        .change(
            &caller,
            "remove-template",
            asked,
            |mut session| async move {
                session.expect(key, &asked.expected).await?;
                session.remove_template(id).await?;
                Ok((session, key.clone()))
            },
        )
        .await?;
    let headers: HeaderMap = commit(changed.seq).into_iter().collect();
    Ok((StatusCode::NO_CONTENT, headers))
}
