//! Holds of records: matters for which one may not be deleted by anyone.

use std::collections::BTreeMap;

use axum::{Json, extract::State, response::IntoResponse};
use bursar_domain::{
    office::Hold,
    row::{Kind, RowKey},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Administrator, Auditor},
    failure::Failure,
    request::{Asked, Body, Path},
    resource::{Resource, Written, commit},
};

/// Why a record is held.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldAsked {
    /// In plain words.
    pub reason: String,
}

/// The matters that hold a record, with their reasons
#[utoipa::path(get, path = "/v1/collections/{collection}/records/{id}/holds", tag = "records", params(("collection" = String, Path, description = "The collection"), ("id" = String, Path, description = "The record")), responses((status = 200, body = BTreeMap<String, String>)))]
pub(crate) async fn list_holds(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path((collection, id)): Path<(String, String)>,
) -> Result<Json<BTreeMap<String, String>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    Ok(Json(session.holds(&collection, &id).await?))
}

/// Hold a record for a matter: nobody can delete it until it is released
#[utoipa::path(put, path = "/v1/collections/{collection}/records/{id}/holds/{matter}", tag = "records", params(("collection" = String, Path, description = "The collection"), ("id" = String, Path, description = "The record"), ("matter" = String, Path, description = "Lower-case letters, digits and hyphens")), request_body = HoldAsked, responses((status = 200, body = Resource<Hold>)))]
pub(crate) async fn hold_record(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((collection, id, matter)): Path<(String, String, String)>,
    Body { value, asked }: Body<HoldAsked>,
) -> Result<Written<Hold>, Failure> {
    let key = RowKey::within(Kind::Hold, &collection, &id);
    let (collection, id, matter) = (&collection, &id, &matter);
    let (key, value, asked) = (&key, &value, &asked);
    let changed = api
        .change(&caller, "hold-record", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            let reason = &value.reason;
            session.hold_record(collection, id, matter, reason).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// End a matter's hold of a record
#[utoipa::path(delete, path = "/v1/collections/{collection}/records/{id}/holds/{matter}", tag = "records", params(("collection" = String, Path, description = "The collection"), ("id" = String, Path, description = "The record"), ("matter" = String, Path, description = "The matter")), responses((status = 204)))]
pub(crate) async fn release_record(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((collection, id, matter)): Path<(String, String, String)>,
    asked: Asked,
) -> Result<impl IntoResponse, Failure> {
    let key = RowKey::within(Kind::Hold, &collection, &id);
    let (collection, id, matter) = (&collection, &id, &matter);
    let (key, asked) = (&key, &asked);
    let changed = api
        .change(&caller, "release-record", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.release_record(collection, id, matter).await?;
            Ok((session, key.clone()))
        })
        .await?;
    let headers: http::HeaderMap = commit(changed.seq).into_iter().collect();
    Ok((StatusCode::NO_CONTENT, headers))
}
