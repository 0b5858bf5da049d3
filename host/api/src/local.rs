//! The same API within one process: no socket, no token.

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::{Api, caller::Caller, failure::Failure};

/// Answers requests in the name of whoever may open the data folder.
#[derive(Clone)]
pub struct Local {
    router: Router,
    caller: Caller,
}

impl Local {
    pub(crate) fn new(api: &Api, caller: Caller) -> Self {
        Self {
            router: api.router(),
            caller,
        }
    }

    /// Answers one request.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let (parts, Pieces(body)) = self.begin(request).await.into_parts();
        let body = body.collect().await.map_err(Failure::host)?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// Begins to answer one request, whose answer may be larger than memory.
    pub async fn begin(&self, request: Request<Bytes>) -> Response<Pieces> {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(self.caller.clone());
        let Ok(response) = self.router.clone().oneshot(request).await;
        response.map(Pieces)
    }
}

/// An answer's body on its way.
#[derive(Debug)]
pub struct Pieces(Body);

impl Pieces {
    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.0.frame().await {
            if let Ok(bytes) = frame.map_err(Failure::host)?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}
