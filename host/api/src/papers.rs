//! Invoices on paper: a page to look at and print, and the text that other programs read.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;

use crate::{Api, caller::Auditor, failure::Failure, request::Path};

/// The page holds its own style and nothing else: no script, no request, no frame.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An invoice as a page to look at and print
///
/// In the language of its party (English, German), else of its legal entity.
#[utoipa::path(get, path = "/v1/invoices/{id}/document.html", tag = "invoices", params(("id" = String, Path, description = "The invoice")), responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn get_invoice_page(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let page = session.invoice_page(&id).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    Ok((headers, page).into_response())
}

/// An issued receivable as UBL 2.1 by EN 16931
///
/// What the standard demands of the invoice, its legal entity or its party, and is missing, is named by its term.
#[utoipa::path(get, path = "/v1/invoices/{id}/ubl.xml", tag = "invoices", params(("id" = String, Path, description = "The invoice")), responses((status = 200, body = String, content_type = "application/xml")))]
pub(crate) async fn get_invoice_ubl(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let text = session.invoice_ubl(&id).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/xml"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, text).into_response())
}
