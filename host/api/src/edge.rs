//! The outermost layer: request ids, the log of requests, the time limit, and the body of every failure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::HttpBody,
    extract::{MatchedPath, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    caller::{Caller, Seen},
    failure::Failure,
    request::Arrived,
};

/// Longest time of one request, its body included.
const REQUEST_MAX: Duration = Duration::from_mins(2);
/// Names a request in the host's log.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Gives a request its id, waits for its answer, and writes both down. Neither headers nor bodies nor queries are
/// logged: they hold secrets and people's business.
pub(crate) async fn edge(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str)
        .to_owned();
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    let arrived = Arrived(Arc::new(AtomicBool::new(request.body().is_end_stream())));
    request.extensions_mut().insert(arrived.clone());
    // Callers within this process wait as long as they like.
    let is_local = request.extensions().get::<Caller>().is_some();
    let limit = if is_local { Duration::MAX } else { REQUEST_MAX };
    let answered = tokio::time::timeout(limit, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            "the request took too long",
        )
        .into_response()
    });
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    let caller = seen.0.get().map(ToString::to_string);
    let failure = response.extensions_mut().remove::<Failure>();
    let (code, cause) = failure.as_ref().map_or((None, None), |failure| {
        (Some(failure.code()), failure.cause())
    });
    if cause.is_some() {
        tracing::error!(request = id, %method, route, status, code, cause, caller, elapsed_ms, "a request failed");
    } else {
        tracing::debug!(request = id, %method, route, status, code, caller, elapsed_ms, "a request was answered");
    }
    if let Some(failure) = failure {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = failure.answer(&id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        // Said before it happens, so that the client does not send its next request into a closed connection.
        if !arrived.0.load(Ordering::Relaxed) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A panic is a defect: whoever asked learns no more than that, the log has the message.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer that catches panics hands them over so"
)]
pub(crate) fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic");
    Failure::host(format!("a request's handler panicked: {message}")).into_response()
}

/// No such route.
pub(crate) async fn no_route() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "no-such-route",
        "there is nothing at this address",
    )
    .hint("GET /openapi.json lists what there is")
}

/// The route knows other methods.
pub(crate) async fn no_method() -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this address does not know the method",
    )
}
