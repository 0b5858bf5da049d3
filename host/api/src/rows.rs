//! Rows of any kind as the log has them: now, as of any commit, and from their first image on.

use axum::{Json, extract::State};
use bursar_db::{Query as RowsAsked, RowVersion, Snapshot};
use bursar_domain::{
    draft::{Direction, Position},
    row::{Kind, Row, RowKey, Seq},
};
use bursar_office::{
    audit::{Authors, PluginAuthor, Written},
    describe::visible,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::Auditor,
    failure::Failure,
    request::{Path, Query},
    resource::{Page, behind, limit},
};

/// Which rows to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RowsQuery {
    /// The collection, for kinds that have them.
    pub collection: String,
    /// As they were after this commit.
    #[param(minimum = 0)]
    pub as_of: Option<i64>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// Which row, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RowQuery {
    /// The collection, for kinds that have them.
    pub collection: String,
    /// As it was after this commit.
    #[param(minimum = 0)]
    pub as_of: Option<i64>,
}

/// Which images of a row to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The collection, for kinds that have them.
    pub collection: String,
    /// Most images: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// A row of any kind.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RowShown {
    /// What it is.
    pub kind: Kind,
    /// The group within the kind; "" for kinds that have none.
    pub collection: String,
    /// Its id.
    pub id: String,
    /// The commit that wrote this image.
    pub revision: i64,
    /// What it says.
    pub body: Value,
}

impl From<Row> for RowShown {
    fn from(row: Row) -> Self {
        Self {
            kind: row.key.kind,
            collection: row.key.collection.to_string(),
            id: row.key.id.to_string(),
            revision: row.revision,
            body: visible(row.key.kind, row.body.as_ref()).into_owned(),
        }
    }
}

/// What a row became in a commit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImageShown {
    /// The commit, and the row's revision from then on.
    pub revision: i64,
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// Who, such as "person:ada".
    pub author: String,
    /// Which operation.
    pub cause: String,
    /// The run that the commit settled.
    pub run: Option<String>,
    /// The plugin version that wrote it, and what allowed it to; none if no plugin did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginAuthor>,
    /// The row from then on; none if the commit removed it.
    pub body: Option<Value>,
}

fn image(kind: Kind, version: &RowVersion, plugin: Option<PluginAuthor>) -> ImageShown {
    let body = version.body.as_deref();
    ImageShown {
        body: body.map(|body| visible(kind, body).into_owned()),
        revision: version.seq,
        at_us: version.at_us,
        author: version.author.clone(),
        cause: version.cause.clone(),
        run: version.run.clone(),
        plugin,
    }
}

fn kind_of(asked: &str) -> Result<Kind, Failure> {
    let found = Kind::find(asked).filter(|kind| !kind.is_queued());
    found.ok_or_else(|| {
        let kinds: Vec<&str> = Kind::ALL
            .iter()
            .filter(|kind| !kind.is_queued())
            .map(|kind| kind.as_str())
            .collect();
        Failure::absent("kind of row", asked).hint(format!("one of: {}", kinds.join(", ")))
    })
}

fn snapshot(api: &Api, as_of: Option<Seq>) -> Snapshot {
    match as_of {
        Some(seq) => api.database().snapshot_at(seq),
        None => api.database().snapshot(),
    }
}

/// Rows of one kind, by id, now or as of a commit
#[utoipa::path(get, path = "/v1/rows/{kind}", tag = "log", params(("kind" = Kind, Path, description = "The kind; runs and messages have lists of their own"), RowsQuery), responses((status = 200, body = Page<RowShown>)))]
pub(crate) async fn list_rows(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path(asked): Path<String>,
    Query(query): Query<RowsQuery>,
) -> Result<Json<Page<RowShown>>, Failure> {
    let listing = RowsAsked {
        kind: kind_of(&asked)?,
        collection: query.collection.as_str().into(),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: query.after.map(|id| Position {
            key: Vec::new(),
            id: id.into(),
        }),
        limit: limit(query.limit)? as usize,
    };
    let page = snapshot(&api, query.as_of).list(&listing).await?;
    let next = page
        .rows
        .last()
        .filter(|_| !page.is_last)
        .map(|(position, _)| position.id.to_string());
    let items = page.rows.into_iter().map(|(_, row)| row.into()).collect();
    Ok(Json(Page { items, next }))
}

/// One row, now or as of a commit
#[utoipa::path(get, path = "/v1/rows/{kind}/{id}", tag = "log", params(("kind" = Kind, Path, description = "The kind"), ("id" = String, Path, description = "Its id"), RowQuery), responses((status = 200, body = RowShown)))]
pub(crate) async fn get_row(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path((asked, id)): Path<(String, String)>,
    Query(query): Query<RowQuery>,
) -> Result<Json<RowShown>, Failure> {
    let key = RowKey::within(kind_of(&asked)?, &query.collection, &id);
    let row = snapshot(&api, query.as_of).get(&key).await?;
    let row = row.ok_or_else(|| Failure::absent(key.kind.as_str(), &id))?;
    Ok(Json(row.into()))
}

/// What a row was, newest first: each image, and who wrote it
///
/// An image that a run wrote names the plugin version, its publisher and digest, and the grants that are about it.
#[utoipa::path(get, path = "/v1/rows/{kind}/{id}/history", tag = "log", params(("kind" = Kind, Path, description = "The kind"), ("id" = String, Path, description = "Its id"), HistoryQuery), responses((status = 200, body = Page<ImageShown>)))]
pub(crate) async fn list_history(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path((asked, id)): Path<(String, String)>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Page<ImageShown>>, Failure> {
    let key = RowKey::within(kind_of(&asked)?, &query.collection, &id);
    let limit = limit(query.limit)? as usize;
    let before = behind(query.after.as_deref())?;
    let versions = api
        .database()
        .row_history(&key, before, limit.saturating_add(1))
        .await?;
    let has_more = versions.len() > limit;
    let mut authors = Authors::of(api.database());
    let mut items = Vec::new();
    for (place, version) in versions.iter().take(limit).enumerate() {
        let earlier = versions.get(place + 1);
        let before = earlier.and_then(|earlier| earlier.body.as_deref());
        let after = version.body.as_deref();
        let written = Written {
            key: &key,
            before,
            after,
        };
        let plugin = authors.find(version, written);
        items.push(image(key.kind, version, plugin.await?));
    }
    if items.is_empty() && before.is_none() {
        return Err(Failure::absent(key.kind.as_str(), &id));
    }
    let last = items.last().filter(|_| has_more);
    let next = last.map(|image| image.revision.to_string());
    Ok(Json(Page { items, next }))
}
