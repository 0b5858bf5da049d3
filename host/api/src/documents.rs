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
use bursar_office::documents::Version;
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::{Administrator, Auditor},
    failure::Failure,
    request::{Path, Query, Upload},
    resource::{Page, PageQuery, Resource, Tagged, Written, behind, limit},
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

/// A content that a document has or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentRevision {
    /// Names it: the commit that put it there.
    pub revision: String,
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// Who, such as "person:ada".
    pub author: String,
    /// The run that did it, if one did.
    pub run: Option<String>,
    /// RFC 6838 media type.
    pub media_type: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hex.
    pub sha256: String,
}

impl From<Version> for DocumentRevision {
    fn from(version: Version) -> Self {
        Self {
            revision: version.seq.to_string(),
            at_us: version.at_us,
            author: version.author,
            run: version.run,
            media_type: version.document.media_type,
            bytes: version.document.bytes,
            sha256: version.document.sha256,
        }
    }
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
    content(&api, document.body.sha256).await
}

async fn content(api: &Api, sha256: String) -> Result<Response, Failure> {
    let bytes = api.database().blobs().get(&sha256).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, bytes).into_response())
}

/// What a document has held, newest first
#[utoipa::path(get, path = "/v1/documents/{id}/revisions", tag = "documents", params(("id" = String, Path, description = "Its id"), PageQuery), responses((status = 200, body = Page<DocumentRevision>)))]
pub(crate) async fn list_revisions(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DocumentRevision>>, Failure> {
    let limit = limit(page.limit)? as usize;
    let before = behind(page.after.as_deref())?;
    let mut session = api.reading(&caller.actor).await?;
    let mut versions = session
        .document_versions(&id, before, limit.saturating_add(1))
        .await?;
    let has_more = versions.len() > limit;
    versions.truncate(limit);
    let last = versions.last().filter(|_| has_more);
    let next = last.map(|last| last.seq.to_string());
    let items = versions.into_iter().map(DocumentRevision::from).collect();
    Ok(Json(Page { items, next }))
}

/// What a document held at a revision
///
/// Always as a download, as the content of now.
#[utoipa::path(get, path = "/v1/documents/{id}/revisions/{revision}/content", tag = "documents", params(("id" = String, Path, description = "Its id"), ("revision" = i64, Path, description = "Of one of its revisions", minimum = 1)), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
pub(crate) async fn get_revision_content(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path((id, revision)): Path<(String, i64)>,
) -> Result<Response, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let versions = session
        .document_versions(&id, Some(revision.saturating_add(1)), 1)
        .await?;
    let meant = versions.into_iter().find(|it| it.seq == revision);
    let version = meant.ok_or_else(|| Failure::absent("revision", &revision.to_string()))?;
    content(&api, version.document.sha256).await
}

/// Put a document into a folder
///
/// The body is its content, `Content-Type` its media type. A new content under the same name is a new revision; the same
/// content changes nothing. A folder that no one has made is made by its first document.
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
    let (name, folder, media_type, bytes) = (&name, &folder, &media_type, &bytes);
    let asked = &asked;
    let changed = api
        .change(&caller, "add-document", asked, |mut session| async move {
            session
                .expect_document(folder, name, &asked.expected)
                .await?;
            let added = session
                .add_document(folder, name, media_type, bytes)
                .await?;
            Ok((session, RowKey::of(Kind::Document, &added.id)))
        })
        .await?;
    api.written(changed).await
}
