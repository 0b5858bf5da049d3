//! Query parameters that an operation does not know are refused by name, whether or not it knows any.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, ParameterIn},
};

use crate::failure::Failure;

/// The names of the query parameters of every operation, by route and method, as the document says.
pub(crate) type Known = Arc<HashMap<String, HashMap<Method, Vec<String>>>>;

/// Reads the document.
pub(crate) fn known(document: &OpenApi) -> Known {
    let of_paths = document.paths.paths.iter().map(|(route, item)| {
        let operations = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        let of_methods = operations
            .into_iter()
            .filter_map(|(method, operation)| Some((method, names(operation.as_ref()?))))
            .collect();
        (route.clone(), of_methods)
    });
    Arc::new(of_paths.collect())
}

fn names(operation: &Operation) -> Vec<String> {
    operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
                Some(parameter.name.clone())
            }
            _ => None,
        })
        .collect()
}

/// Lets a request pass if its operation knows all its query parameters; what no operation is has another answer.
pub(crate) async fn refuse_unknown(
    State(known): State<Known>,
    request: Request,
    next: Next,
) -> Response {
    match unknown(&known, &request) {
        Some(name) => Failure::new(
            StatusCode::BAD_REQUEST,
            "unknown-parameter",
            format!("unknown parameter `{name}`"),
        )
        .into_response(),
        None => next.run(request).await,
    }
}

fn unknown(known: &Known, request: &Request) -> Option<String> {
    let query = request.uri().query().filter(|query| !query.is_empty())?;
    let route = request.extensions().get::<MatchedPath>()?;
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let names = known.get(route.as_str())?.get(method)?;
    let given: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    let unknown = |name: &String| !names.contains(name);
    given.into_iter().map(|(name, _)| name).find(unknown)
}
