//! Failures of requests: the one mapping of every error into a status and a problem document (RFC 9457).
//!
//! What a caller is told and what the host logs are two things: `cause` never leaves the host.

use axum::response::{IntoResponse, Response};
use bursar_domain::{checkpoint::CheckpointError, problem::Problem};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Most characters of an id from outside that an answer repeats.
const ID_SHOWN_MAX: usize = 64;

/// A problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:bursar:problem:` and the code.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong, for people.
    pub detail: String,
    /// Stable, lower case with hyphens.
    pub code: String,
    /// Names the request in the host's log.
    pub request_id: String,
    /// Every fault of the input, by JSON Pointer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why a request is not answered as asked.
#[derive(Clone, Debug)]
pub struct Failure {
    facts: Box<Facts>,
}

#[derive(Clone, Debug)]
struct Facts {
    status: StatusCode,
    code: String,
    detail: String,
    problems: Vec<Problem>,
    hint: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// For the host's log only.
    cause: Option<String>,
}

impl Failure {
    /// A failure of a status, with a stable code and words.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let facts = Facts {
            status,
            code: code.to_owned(),
            detail: detail.into(),
            problems: Vec::new(),
            hint: None,
            headers: Vec::new(),
            cause: None,
        };
        Self {
            facts: Box::new(facts),
        }
    }

    /// The same answer for what is absent and what is out of view.
    pub fn absent(noun: &str, id: &str) -> Self {
        let id: String = id.chars().take(ID_SHOWN_MAX).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            format!("there is no {noun} {id:?}"),
        )
    }

    /// The input breaks rules.
    pub fn invalid(problems: Vec<Problem>) -> Self {
        let detail = problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        let code = problems
            .first()
            .map_or("invalid", |problem| problem.code.as_str());
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        failure.facts.problems = problems;
        failure
    }

    /// The host is at fault: the cause is logged, not told.
    pub fn host(cause: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the host is at fault",
        )
        .because(cause)
        .hint("the host's log says more under this request id")
    }

    /// The host cannot do it now.
    pub fn busy(code: &str, detail: &str, cause: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .because(cause)
            .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// What the host's log is to know.
    fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.facts.cause = Some(cause.to_string());
        self
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.facts.hint = Some(hint.into());
        self
    }

    /// A header that goes with it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.facts.headers.push((name, value));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.facts.status
    }

    /// What the host's log is to know.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.facts.cause.as_deref()
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.facts.code
    }

    /// The document that the caller gets.
    pub fn document(&self, request_id: &str) -> ProblemDocument {
        let facts = &self.facts;
        ProblemDocument {
            problem_type: format!("urn:bursar:problem:{}", facts.code),
            title: facts
                .status
                .canonical_reason()
                .unwrap_or("Error")
                .to_owned(),
            status: facts.status.as_u16(),
            detail: facts.detail.clone(),
            code: facts.code.clone(),
            request_id: request_id.to_owned(),
            problems: facts.problems.clone(),
            hint: facts.hint.clone(),
        }
    }

    /// The whole answer.
    pub(crate) fn answer(&self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = (self.facts.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        for (name, value) in &self.facts.headers {
            headers.insert(name, value.clone());
        }
        response
    }
}

/// The body is written where the request's id is known: see the module `edge`.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.facts.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, error.code(), error.to_string()).hint(error.hint())
    }
}

impl From<bursar_db::Error> for Failure {
    fn from(error: bursar_db::Error) -> Self {
        let cause = chain(&error);
        match error {
            bursar_db::Error::Locked => Self::busy(
                "database-busy",
                "the database is busy with another process",
                cause,
            ),
            bursar_db::Error::Closed => Self::busy("stopping", "the host is stopping", cause),
            bursar_db::Error::Full => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage-full",
                error.to_string(),
            )
            .hint("free disk space, or raise database_bytes_max in bursar.toml")
            .because(cause),
            bursar_db::Error::Corrupt(_) | bursar_db::Error::Blob { .. } => {
                Self::host(cause).hint("bursar audit verify")
            }
            _ => Self::host(cause),
        }
    }
}

impl From<bursar_office::Error> for Failure {
    fn from(error: bursar_office::Error) -> Self {
        use bursar_office::Error;
        let status = match &error {
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            // What is expected comes from the request's conditions only.
            Error::Conflict(problem) if problem.code == "revision-changed" => {
                StatusCode::PRECONDITION_FAILED
            }
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::Denied(_) => StatusCode::FORBIDDEN,
            Error::Invalid(problems) => return Self::invalid(problems.clone()),
            Error::Limit(_) | Error::Exhausted { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Malformed(_) | Error::Broken(_) => return Self::host(chain(&error)),
            Error::Host(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        match error {
            Error::Host(error) => error.into(),
            error => match error.problems().as_slice() {
                [problem, ..] => Self::new(status, &problem.code, &problem.message),
                [] => Self::host(chain(&error)),
            },
        }
    }
}

impl From<bursar_runtime::Refusal> for Failure {
    fn from(refusal: bursar_runtime::Refusal) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            refusal.code(),
            refusal.to_string(),
        )
        .hint(refusal.hint())
    }
}

impl From<bursar_worker::Error> for Failure {
    fn from(error: bursar_worker::Error) -> Self {
        use bursar_worker::Error;
        match error {
            Error::Database(error) => error.into(),
            Error::Office(error) => error.into(),
            Error::Runtime(bursar_runtime::Error::Refused(refusal)) => refusal.into(),
            Error::UnknownAutomation(id) => Self::absent("automation", &id),
            error @ Error::Quarantined { .. } => Self::new(
                StatusCode::CONFLICT,
                "plugin-quarantined",
                error.to_string(),
            )
            .hint("an administrator releases it: bursar plugin release DIGEST"),
            error @ (Error::PluginTimer { .. } | Error::Timer { .. }) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "timer-invalid",
                error.to_string(),
            )
            .hint(
                "a cron expression has five fields: minute, hour, day of month, month, day of week",
            ),
            error @ Error::Transport(_) => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "mail-unusable",
                error.to_string(),
            ),
            error => Self::host(chain(&error)),
        }
    }
}
