//! Records of collections, and how every listing of rows is narrowed and ordered.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use bursar_domain::{
    access::Action,
    draft::Direction,
    index::Comparison,
    row::{Kind, RowKey},
};
use bursar_office::{COUNT_MAX, Listed, Order, Paging, Test};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Administrator, Auditor, Named, RowPath},
    failure::Failure,
    request::{Asked, Body, Path, Query},
    resource::{Page, PageQuery, Resource, Tagged, Written, commit, limit},
};

/// One test of an indexed field.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionAsked {
    /// The field's name.
    pub field: String,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: JSON scalars, as many as the comparison takes.
    #[serde(default)]
    pub values: Vec<Value>,
}

impl ConditionAsked {
    /// As the office asks it.
    fn test(&self) -> Test {
        Test {
            field: self.field.clone(),
            comparison: self.comparison,
            values: self.values.clone(),
        }
    }
}

/// How a listing is sorted: by an indexed field; missing values come last, ties are broken by id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderAsked {
    /// The field's name.
    pub field: String,
    /// Which way.
    #[serde(default)]
    pub direction: DirectionAsked,
}

/// Which way a listing is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DirectionAsked {
    /// Small first.
    #[default]
    Ascending,
    /// Large first.
    Descending,
}

/// A search: all conditions must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// At most 20.
    #[schema(max_items = 20)]
    pub conditions: Vec<ConditionAsked>,
    /// At most one.
    #[schema(max_items = 1)]
    pub order: Vec<OrderAsked>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl Search {
    /// As the office asks it.
    pub(crate) fn parts(&self) -> Result<(Vec<Test>, Vec<Order>, Paging), Failure> {
        let tests = self.conditions.iter().map(ConditionAsked::test).collect();
        let orders = self
            .order
            .iter()
            .map(|order| Order {
                field: order.field.clone(),
                direction: match order.direction {
                    DirectionAsked::Ascending => Direction::Ascending,
                    DirectionAsked::Descending => Direction::Descending,
                },
            })
            .collect();
        let paging = Paging {
            limit: limit(self.limit)?,
            after: self.after.clone(),
        };
        Ok((tests, orders, paging))
    }
}

type Record = Resource<Value>;

fn page(listed: Listed<Arc<Value>>) -> Json<Page<Record>> {
    Json(Page::of(listed, |row| row.map(Arc::unwrap_or_clone)))
}

/// Records of a collection, by id
#[utoipa::path(get, path = "/v1/collections/{collection}/records", tag = "records", params(("collection" = String, Path, description = "The collection"), PageQuery), responses((status = 200, body = Page<Resource<Value>>)))]
pub(crate) async fn list_records(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Record>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .search_records(&collection, &[], &[], &query.paging()?)
        .await?;
    Ok(page(listed))
}

/// Search records by indexed fields
#[utoipa::path(post, path = "/v1/collections/{collection}/search", tag = "records", params(("collection" = String, Path, description = "The collection")), request_body = Search, responses((status = 200, body = Page<Resource<Value>>)))]
pub(crate) async fn search_records(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Body { value, .. }: Body<Search>,
) -> Result<Json<Page<Record>>, Failure> {
    let (tests, orders, paging) = value.parts()?;
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .search_records(&collection, &tests, &orders, &paging)
        .await?;
    Ok(page(listed))
}

/// What to count: all conditions must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CountAsked {
    /// At most 20.
    #[schema(max_items = 20)]
    pub conditions: Vec<ConditionAsked>,
    /// Counting ends there: 1 to 100000, as many unless given.
    #[schema(minimum = 1, maximum = 100_000)]
    pub at_most: Option<u32>,
}

/// How many there are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Records that pass, at most `at_most`.
    pub count: u32,
}

/// Count records by indexed fields
#[utoipa::path(post, path = "/v1/collections/{collection}/count", tag = "records", params(("collection" = String, Path, description = "The collection")), request_body = CountAsked, responses((status = 200, body = Counted)))]
pub(crate) async fn count_records(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Body { value, .. }: Body<CountAsked>,
) -> Result<Json<Counted>, Failure> {
    let tests: Vec<Test> = value.conditions.iter().map(ConditionAsked::test).collect();
    let at_most = value.at_most.unwrap_or(COUNT_MAX);
    let mut session = api.reading(&caller.actor).await?;
    let count = session.count_records(&collection, &tests, at_most).await?;
    Ok(Json(Counted { count }))
}

/// Which records.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdsAsked {
    /// At most 1000.
    #[schema(max_items = 1000)]
    pub ids: Vec<String>,
}

/// Records by their ids, in that order; what is not there is left out
#[utoipa::path(post, path = "/v1/collections/{collection}/get", tag = "records", params(("collection" = String, Path, description = "The collection")), request_body = IdsAsked, responses((status = 200, body = Page<Resource<Value>>)))]
pub(crate) async fn get_records(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Body { value, .. }: Body<IdsAsked>,
) -> Result<Json<Page<Record>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let items = session.records(&collection, &value.ids).await?;
    Ok(page(Listed { items, next: None }))
}

/// One record
#[utoipa::path(get, path = "/v1/collections/{collection}/records/{id}", tag = "records", params(("collection" = String, Path, description = "The collection"), ("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<Value>)))]
pub(crate) async fn get_record(
    Named { row, .. }: Named<RecordPath>,
) -> Result<Tagged<Value>, Failure> {
    Resource::of(&row).map(Tagged)
}

/// The path of one record.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordPath {
    collection: String,
    id: String,
}

impl RowPath for RecordPath {
    const ACTION: Action = Action::Audit;

    fn key(self) -> RowKey {
        RowKey::within(Kind::Record, &self.collection, &self.id)
    }
}

/// Create a record
///
/// The body is the record, valid under its collection's schema. `Idempotency-Key` makes it safe to send again.
#[utoipa::path(post, path = "/v1/collections/{collection}/records", tag = "records", params(("collection" = String, Path, description = "The collection")), request_body = Value, responses((status = 201, body = Resource<Value>)))]
pub(crate) async fn create_record(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Body { value, asked }: Body<Value>,
) -> Result<Written<Value>, Failure> {
    let asked = asked.unconditional()?;
    let effect_key = asked.effect_key();
    let (value, collection, effect_key) = (&value, &collection, &effect_key);
    let changed = api
        .change(&caller, "create-record", &asked, |mut session| async move {
            let made = session.create_record(collection, effect_key, value).await?;
            Ok((session, RowKey::within(Kind::Record, collection, &made.id)))
        })
        .await?;
    api.made(changed, &format!("/v1/collections/{collection}/records"))
        .await
}

/// Change parts of a record
///
/// A merge patch (RFC 7386): null takes a member away.
#[utoipa::path(patch, path = "/v1/collections/{collection}/records/{id}", tag = "records", params(("collection" = String, Path, description = "The collection"), ("id" = String, Path, description = "Its id")), request_body = Value, responses((status = 200, body = Resource<Value>)))]
pub(crate) async fn patch_record(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((collection, id)): Path<(String, String)>,
    Body { value, asked }: Body<Value>,
) -> Result<Written<Value>, Failure> {
    let key = RowKey::within(Kind::Record, &collection, &id);
    let (id, key, value, asked, collection) = (&id, &key, &value, &asked, &collection);
    let changed = api
        .change(&caller, "patch-record", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.patch_record(collection, id, None, value).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Remove a record
#[utoipa::path(delete, path = "/v1/collections/{collection}/records/{id}", tag = "records", params(("collection" = String, Path, description = "The collection"), ("id" = String, Path, description = "Its id")), responses((status = 204)))]
pub(crate) async fn delete_record(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((collection, id)): Path<(String, String)>,
    asked: Asked,
) -> Result<impl IntoResponse, Failure> {
    let key = RowKey::within(Kind::Record, &collection, &id);
    let (id, key, asked, collection) = (&id, &key, &asked, &collection);
    let changed = api
        .change(&caller, "remove-record", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.remove_record(collection, id, None).await?;
            Ok((session, key.clone()))
        })
        .await?;
    let headers: http::HeaderMap = commit(changed.seq).into_iter().collect();
    Ok((StatusCode::NO_CONTENT, headers))
}
