//! How rows look from outside, one by one and in pages.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use bursar_domain::row::{Row, RowKey, Seq};
use bursar_office::{Listed, Paging, View};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    change::Changed,
    failure::{Failure, chain},
};

/// Rows of a page unless asked otherwise.
const PAGE_ROWS: u32 = 100;
/// Most rows of a page.
pub(crate) const PAGE_ROWS_MAX: u32 = 1000;
/// Names the commit that a request led to.
pub const COMMIT_HEADER: HeaderName = HeaderName::from_static("bursar-commit");

/// A row: what it says, and which image of it this is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Resource<T> {
    /// Its id within its kind.
    pub id: String,
    /// Names this image: the entity tag without its quotes. Also the commit that wrote it.
    pub revision: String,
    /// When the row was first written, in microseconds UTC.
    pub created_us: i64,
    /// When this image was written, in microseconds UTC.
    pub updated_us: i64,
    /// What the row says.
    pub body: T,
}

impl<T> From<View<T>> for Resource<T> {
    fn from(view: View<T>) -> Self {
        Self {
            id: view.id.to_string(),
            revision: view.revision,
            created_us: view.created_us,
            updated_us: view.updated_us,
            body: view.body,
        }
    }
}

impl<T: DeserializeOwned> Resource<T> {
    pub(crate) fn of(row: &Row) -> Result<Self, Failure> {
        Ok(Self {
            id: row.key.id.to_string(),
            revision: row.revision.to_string(),
            created_us: row.created_us,
            updated_us: row.updated_us,
            body: row.decode().map_err(|error| Failure::host(chain(&error)))?,
        })
    }
}

impl<T> Resource<T> {
    /// The same row with another body.
    pub(crate) fn map<U>(self, body: impl FnOnce(T) -> U) -> Resource<U> {
        Resource {
            id: self.id,
            revision: self.revision,
            created_us: self.created_us,
            updated_us: self.updated_us,
            body: body(self.body),
        }
    }
}

/// One row as an answer, with its entity tag.
pub(crate) struct Tagged<T>(pub Resource<T>);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let tag = tag(&self.0.revision);
        let mut response = Json(self.0).into_response();
        response.headers_mut().extend(tag);
        response
    }
}

fn tag(revision: &str) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(&format!("\"{revision}\"")).ok()?;
    Some((header::ETAG, value))
}

/// A row as a change left it: 200, or 201 with its place if the request made it.
pub(crate) struct Written<T> {
    pub resource: Resource<T>,
    pub seq: Option<Seq>,
    /// Where it is, if it was made.
    pub made_at: Option<String>,
}

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        self.answer(|resource| resource)
    }
}

impl<T> Written<T> {
    /// The answer, with a body that is made of the row.
    pub(crate) fn answer<U: Serialize>(self, body: impl FnOnce(Resource<T>) -> U) -> Response {
        let tag = tag(&self.resource.revision);
        let mut response = Json(body(self.resource)).into_response();
        let headers = response.headers_mut();
        headers.extend(tag);
        headers.extend(commit(self.seq));
        if let Some(place) = self
            .made_at
            .and_then(|place| HeaderValue::from_str(&place).ok())
        {
            headers.insert(header::LOCATION, place);
            *response.status_mut() = StatusCode::CREATED;
        }
        response
    }
}

/// The header that names a commit.
pub(crate) fn commit(seq: Option<Seq>) -> Option<(HeaderName, HeaderValue)> {
    seq.map(|seq| (COMMIT_HEADER, HeaderValue::from(seq)))
}

/// Part of a listing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Where the next page begins: send it as `after`. None on the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn of<U>(listed: Listed<U>, item: impl Fn(Resource<U>) -> T) -> Self {
        Self {
            items: listed
                .items
                .into_iter()
                .map(|view| item(view.into()))
                .collect(),
            next: listed.next,
        }
    }
}

/// Which part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl PageQuery {
    pub(crate) fn paging(&self) -> Result<Paging, Failure> {
        Ok(Paging {
            limit: limit(self.limit)?,
            after: self.after.clone(),
        })
    }
}

/// How many rows a page may have.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Failure> {
    match asked.unwrap_or(PAGE_ROWS) {
        limit @ 1..=PAGE_ROWS_MAX => Ok(limit),
        _ => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "parameter-invalid",
            format!("limit is 1 to {PAGE_ROWS_MAX}"),
        )),
    }
}

/// A place in a listing that is ordered by commit: "SEQ.ID".
pub(crate) fn place(after: Option<&str>) -> Result<Option<(Seq, String)>, Failure> {
    let parsed = |text: &str| {
        let (seq, id) = text.split_once('.')?;
        Some((seq.parse().ok()?, id.to_owned()))
    };
    after
        .map(|text| parsed(text).ok_or_else(unusable))
        .transpose()
}

/// A place in a listing of commits, newest first.
pub(crate) fn behind(after: Option<&str>) -> Result<Option<Seq>, Failure> {
    let seq = after.map(str::parse).transpose();
    seq.map_err(|_| unusable())
}

fn unusable() -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "cursor-unusable",
        "after is the next of an earlier page",
    )
}

impl Api {
    /// A row as a commit left it, or as it is now if there was nothing to commit.
    pub(crate) async fn row_after(&self, changed: &Changed) -> Result<Row, Failure> {
        let mut snapshot = match changed.seq {
            Some(seq) => self.database().snapshot_at(seq),
            None => self.database().snapshot(),
        };
        snapshot
            .get(&changed.key)
            .await?
            .ok_or_else(|| Failure::absent(changed.key.kind.as_str(), &changed.key.id))
    }

    /// What a change has made among others of its kind.
    pub(crate) async fn made<T: DeserializeOwned>(
        &self,
        changed: Changed,
        among: &str,
    ) -> Result<Written<T>, Failure> {
        Ok(Written {
            made_at: Some(format!("{among}/{}", changed.key.id)),
            ..self.written(changed).await?
        })
    }

    /// The answer to a change: the row as the commit left it.
    pub(crate) async fn written<T: DeserializeOwned>(
        &self,
        changed: Changed,
    ) -> Result<Written<T>, Failure> {
        let row = self.row_after(&changed).await?;
        Ok(Written {
            resource: Resource::of(&row)?,
            seq: changed.seq,
            made_at: None,
        })
    }

    /// A row of the host's own shapes.
    pub(crate) async fn resource<T: DeserializeOwned>(
        &self,
        key: &RowKey,
    ) -> Result<Resource<T>, Failure> {
        let row = self.database().snapshot().get(key).await?;
        Resource::of(&row.ok_or_else(|| Failure::absent(key.kind.as_str(), &key.id))?)
    }
}
