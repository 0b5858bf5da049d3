//! What requests bring: bodies, queries, paths, and the conditions under which they are meant.
//!
//! Everything here is hostile: sizes are capped before anything is read, JSON is read strictly, and an unknown field or
//! parameter is refused by its name.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body as HttpBody,
    extract::{FromRequest, FromRequestParts, Request as HttpRequest},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bursar_domain::pointer;
use bursar_domain::{log::sha256_hex, problem::Problem};
use bursar_office::{Expected, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Api, failure::Failure};

/// Largest JSON body, in bytes.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// Largest body of a file: a component, a document, an organisation of sample data; in bytes.
pub const FILE_BYTES_MAX: usize = 64 << 20;
/// Longest idempotency key, in bytes.
pub const KEY_BYTES_MAX: usize = 200;

/// The conditions of a change.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub expected: Expected,
    /// Set if the client may send the request again: `Idempotency-Key`.
    pub request: Option<Request>,
}

impl Asked {
    /// A change without conditions.
    pub(crate) fn plainly() -> Self {
        Self {
            expected: Expected::Anything,
            request: None,
        }
    }

    /// The same, if it names no condition: what makes a row has none to compare with.
    pub(crate) fn unconditional(self) -> Result<Self, Failure> {
        if self.expected == Expected::Anything {
            return Ok(self);
        }
        Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "condition-unsupported",
            "if-match and if-none-match mean nothing here",
        ))
    }

    /// The client's name for what it asks, or a name that nobody uses again.
    pub(crate) fn effect_key(&self) -> String {
        match &self.request {
            Some(request) => format!("http/{}", sha256_hex(request.key.as_bytes())),
            None => format!("http/{}", uuid::Uuid::now_v7()),
        }
    }

    fn of(parts: &Parts, body: &[u8]) -> Result<Self, Failure> {
        Ok(Self {
            expected: expected(&parts.headers)?,
            request: request(parts, body)?,
        })
    }
}

fn bad_header(name: &str, what: &str) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "header-invalid",
        format!("{name}: {what}"),
    )
}

/// A header that stands there at most once.
pub(crate) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| bad_header(name, "visible ASCII only")),
        (Some(_), Some(_)) => Err(bad_header(name, "only once")),
    }
}

fn expected(headers: &HeaderMap) -> Result<Expected, Failure> {
    let if_match = one(headers, header::IF_MATCH.as_str())?.map(str::trim);
    let if_none_match = one(headers, header::IF_NONE_MATCH.as_str())?.map(str::trim);
    match (if_match, if_none_match) {
        (None, None) => Ok(Expected::Anything),
        (Some("*"), None) => Ok(Expected::Present),
        (None, Some("*")) => Ok(Expected::Absent),
        (Some(tag), None) => tag
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'))
            .filter(|tag| !tag.contains('"') && (1..=64).contains(&tag.len()))
            .map(|tag| Expected::Revision(tag.to_owned()))
            .ok_or_else(|| bad_header("if-match", "one strong entity tag, or *")),
        _ => Err(bad_header(
            "if-none-match",
            "only * is understood, and not together with if-match",
        )),
    }
}

fn request(parts: &Parts, body: &[u8]) -> Result<Option<Request>, Failure> {
    let Some(key) = one(&parts.headers, "idempotency-key")? else {
        return Ok(None);
    };
    // The draft of the IETF writes it as a quoted string, most clients do not.
    let key = key.trim().trim_matches('"');
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(bad_header(
            "idempotency-key",
            &format!("1 to {KEY_BYTES_MAX} characters"),
        ));
    }
    let what = json!([
        parts.method.as_str(),
        parts.uri.path(),
        one(&parts.headers, header::CONTENT_TYPE.as_str())?,
        sha256_hex(body)
    ]);
    Ok(Some(Request {
        key: key.to_owned(),
        sha256: sha256_hex(what.to_string().as_bytes()),
    }))
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Failure> {
        Self::of(parts, b"")
    }
}

/// A JSON body with its conditions.
pub(crate) struct Body<T> {
    pub value: T,
    pub asked: Asked,
}

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: HttpRequest, _: &Api) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let bytes = read(&parts, body, JSON_BYTES_MAX).await?;
        let asked = Asked::of(&parts, &bytes)?;
        Ok(Self {
            value: parse(&bytes)?,
            asked,
        })
    }
}

/// A JSON body of a file's size.
pub(crate) struct LargeBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Api> for LargeBody<T> {
    type Rejection = Failure;

    async fn from_request(request: HttpRequest, _: &Api) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let bytes = read(&parts, body, FILE_BYTES_MAX).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| not_json(&error))?;
        drop(bytes);
        shaped(value).map(Self)
    }
}

/// The bytes of a file, with its media type and conditions.
pub(crate) struct Upload {
    pub bytes: Bytes,
    pub media_type: String,
    pub asked: Asked,
}

impl FromRequest<Api> for Upload {
    type Rejection = Failure;

    async fn from_request(request: HttpRequest, _: &Api) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let media_type = one(&parts.headers, header::CONTENT_TYPE.as_str())?
            .unwrap_or("application/octet-stream")
            .to_owned();
        let bytes = read(&parts, body, FILE_BYTES_MAX).await?;
        let asked = Asked::of(&parts, &bytes)?;
        Ok(Self {
            bytes,
            media_type,
            asked,
        })
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Failure> {
    let media_type = one(headers, header::CONTENT_TYPE.as_str())?.unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || essence.eq_ignore_ascii_case("application/merge-patch+json");
    if is_json {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "media-type-unsupported",
        "the body's media type is application/json",
    )
    .hint("send `Content-Type: application/json`"))
}

/// Whether a request's body was read to its end: if not, its connection cannot carry another request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrived(pub Arc<AtomicBool>);

/// A body that ends at a size; one that announces a larger is refused before a byte of it came.
pub(crate) fn limited(
    parts: &Parts,
    body: HttpBody,
    bytes_max: usize,
) -> Result<Limited<HttpBody>, Failure> {
    let announced = one(&parts.headers, header::CONTENT_LENGTH.as_str())?;
    let length = announced.and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    Ok(Limited::new(body, bytes_max))
}

fn too_large(bytes_max: usize) -> Failure {
    Failure::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        format!("a body has at most {bytes_max} bytes here"),
    )
}

/// Why a body cannot be read to its end.
pub(crate) fn cut_off(error: &(dyn std::error::Error + 'static), bytes_max: usize) -> Failure {
    if error.is::<LengthLimitError>() {
        return too_large(bytes_max);
    }
    Failure::new(
        StatusCode::BAD_REQUEST,
        "body-incomplete",
        "the body ended before it was complete",
    )
}

/// Notes that a request's body was read to its end.
pub(crate) fn note_arrival(parts: &Parts) {
    if let Some(Arrived(arrived)) = parts.extensions.get() {
        arrived.store(true, Ordering::Relaxed);
    }
}

/// Reads a body up to a size.
async fn read(parts: &Parts, body: HttpBody, bytes_max: usize) -> Result<Bytes, Failure> {
    let collected = limited(parts, body, bytes_max)?.collect().await;
    let collected = collected.map_err(|error| cut_off(&*error, bytes_max))?;
    note_arrival(parts);
    Ok(collected.to_bytes())
}

fn not_json(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "not-json",
        format!("the body is not JSON: {error}"),
    )
}

/// Reads JSON strictly: no duplicate keys, no numbers that others would round, no U+0000.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_json(&error))?;
    let value = bursar_domain::canonical::parse(text).map_err(|error| not_json(&error))?;
    shaped(value)
}

/// Reads a value as one of the API's shapes.
pub(crate) fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer_of(error.path());
        let message = error.inner().to_string();
        Failure::invalid(vec![Problem::at(code_of(&message), pointer, message)])
    })
}

fn code_of(message: &str) -> &'static str {
    if message.starts_with("unknown field") {
        "unknown-field"
    } else if message.starts_with("missing field") {
        "missing-field"
    } else if message.starts_with("unknown variant") {
        "unknown-value"
    } else {
        "wrong-type"
    }
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", pointer::escape(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// The parameters of a query.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(query)
            .map(Query)
            .map_err(|error| {
                let message = error.to_string();
                let code = match code_of(&message) {
                    "unknown-field" => "unknown-parameter",
                    _ => "parameter-invalid",
                };
                Failure::new(StatusCode::BAD_REQUEST, code, message)
            })
    }
}

/// The parts of a path.
pub(crate) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        axum::extract::Path::from_request_parts(parts, api)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|rejection| {
                Failure::new(
                    StatusCode::BAD_REQUEST,
                    "path-invalid",
                    rejection.body_text(),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[expect(dead_code, reason = "only its reading is of interest")]
        parts: Vec<Part>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        #[expect(dead_code, reason = "only its reading is of interest")]
        count: u8,
    }

    #[test]
    fn a_body_of_another_shape_is_refused_with_the_place() {
        let check = |text: &str, status: u16, code: &str, pointer: &str| {
            let failure = parse::<Shape>(text.as_bytes()).expect_err(text);
            let document = failure.document("1");
            let at = document
                .problems
                .first()
                .map_or("", |problem| problem.pointer.as_str());
            assert_eq!(
                (document.status, document.code.as_str(), at),
                (status, code, pointer),
                "{text}"
            );
        };
        check("{", 400, "not-json", "");
        check("\u{feff}{}", 400, "not-json", "");
        check(r#"{"parts":[],"parts":[]}"#, 400, "not-json", "");
        check(
            r#"{"parts":[{"count":99999999999999999999}]}"#,
            400,
            "not-json",
            "",
        );
        check("{}", 422, "missing-field", "");
        check(
            r#"{"parts":[{"count":1},{"count":256}]}"#,
            422,
            "wrong-type",
            "/parts/1/count",
        );
        check(
            r#"{"parts":[{"count":1,"extra":1}]}"#,
            422,
            "unknown-field",
            "/parts/0/extra",
        );
        check(r#"{"parts":"many"}"#, 422, "wrong-type", "/parts");
    }

    #[test]
    fn conditions_are_one_strong_tag_or_a_star() {
        let check = |name: &'static str, value: &'static str, wanted: Option<Expected>| {
            let mut headers = HeaderMap::new();
            headers.insert(name, http::HeaderValue::from_static(value));
            assert_eq!(expected(&headers).ok(), wanted, "{name}: {value}");
        };
        check(
            "if-match",
            "\"12\"",
            Some(Expected::Revision("12".to_owned())),
        );
        check("if-match", "*", Some(Expected::Present));
        check("if-none-match", "*", Some(Expected::Absent));
        check("if-match", "W/\"12\"", None);
        check("if-match", "\"1\", \"2\"", None);
        check("if-match", "12", None);
        check("if-none-match", "\"12\"", None);
    }
}
