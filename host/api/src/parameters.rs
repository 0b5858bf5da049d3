//! Query parameters that an operation does not know are refused by name, whether or not it knows any; so is what no
//! database can hold.

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
pub(crate) async fn refuse(State(known): State<Known>, request: Request, next: Next) -> Response {
    match check(&known, &request) {
        Err(failure) => failure.into_response(),
        Ok(()) => next.run(request).await,
    }
}

fn check(known: &Known, request: &Request) -> Result<(), Failure> {
    let refused = |code: &str, detail| Failure::new(StatusCode::BAD_REQUEST, code, detail);
    for (name, value) in given(request) {
        let is_known = names_of(known, request).is_none_or(|names| names.contains(&name));
        if !is_known {
            let detail = format!("unknown parameter `{name}`");
            return Err(refused("unknown-parameter", detail));
        }
        if value.contains('\0') {
            let detail = format!("parameter `{name}` holds U+0000");
            return Err(refused("parameter-invalid", detail));
        }
    }
    Ok(())
}

/// None if the request is of no operation.
fn names_of<'a>(known: &'a Known, request: &Request) -> Option<&'a Vec<String>> {
    let route = request.extensions().get::<MatchedPath>()?;
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    known.get(route.as_str())?.get(method)
}

/// What cannot be read is told by whoever reads it.
fn given(request: &Request) -> Vec<(String, String)> {
    let query = request.uri().query().unwrap_or_default();
    serde_urlencoded::from_str(query).unwrap_or_default()
}
