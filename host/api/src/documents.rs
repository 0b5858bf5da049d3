//! Documents: files in folders that plugins may read.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_domain::{
    office::Document,
    row::{Kind, RowKey},
};
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{
    Api,
    caller::{Administrator, Auditor},
    failure::Failure,
    request::{Path, Query, Upload},
    resource::{Page, PageQuery, Resource, Tagged, Written},
};

/// Which documents to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DocumentsQuery {
    /// The folder.
    #[param(required = true)]
    pub folder: String,
    /// Only those whose name begins so.
    pub name_prefix: String,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// Documents of a folder, by name
#[utoipa::path(get, path = "/v1/documents", tag = "documents", params(DocumentsQuery), responses((status = 200, body = Page<Resource<Document>>)))]
pub(crate) async fn list_documents(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<DocumentsQuery>,
) -> Result<Json<Page<Resource<Document>>>, Failure> {
    let paging = PageQuery {
        limit: query.limit,
        after: query.after,
    }
    .paging()?;
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .search_documents(&query.folder, &query.name_prefix, &paging)
        .await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// One document's description
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "documents", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<Document>)))]
pub(crate) async fn get_document(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Tagged<Document>, Failure> {
    api.resource(&RowKey::of(Kind::Document, &id))
        .await
        .map(Tagged)
}

/// One document's content
///
/// Always as a download: what a file says of itself must not run in a browser.
#[utoipa::path(get, path = "/v1/documents/{id}/content", tag = "documents", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn get_content(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let document: Resource<Document> = api.resource(&RowKey::of(Kind::Document, &id)).await?;
    let blobs = api.database().blobs().clone();
    let bytes = tokio::task::spawn_blocking(move || blobs.get(&document.body.sha256))
        .await
        .map_err(Failure::host)??;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, bytes).into_response())
}

/// Add a document
///
/// The body is its content, `Content-Type` its media type. The same content under the same name gives the first one
/// again.
#[utoipa::path(
    put, path = "/v1/folders/{folder}/documents/{name}", tag = "documents",
    params(("folder" = String, Path, description = "The folder"), ("name" = String, Path, description = "Its name there")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Resource<Document>))
)]
pub(crate) async fn put_document(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((folder, name)): Path<(String, String)>,
    Upload {
        bytes,
        media_type,
        asked,
    }: Upload,
) -> Result<Written<Document>, Failure> {
    let asked = asked.unconditional()?;
    let (name, folder, media_type, bytes) = (&name, &folder, &media_type, &bytes);
    let changed = api
        .change(&caller, "add-document", &asked, |mut session| async move {
            let added = session
                .add_document(folder, name, media_type, bytes)
                .await?;
            Ok((session, RowKey::of(Kind::Document, &added.id)))
        })
        .await?;
    api.written(changed).await
}
