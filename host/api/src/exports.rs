//! Export: a collection's records as a file, as they are at one moment.

use axum::{
    body::Body as HttpBody,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_office::{
    export::{Export, ExportFormat},
    import::{Delimiter, Formulas},
};
use futures_util::stream::try_unfold;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::Auditor,
    failure::{Failure, chain},
    imports::{CSV, JSON_LINES},
    request::{Path, Query},
};

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportAsked {
    /// A table with a header row.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// Which file to make.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// How it is written: csv unless given.
    #[param(inline)]
    pub format: ExportAsked,
    /// What separates the cells of a table: comma unless given.
    #[param(inline)]
    pub delimiter: Option<Delimiter>,
    /// How a table has texts that a spreadsheet takes for formulas: guarded by an apostrophe unless given.
    #[param(inline)]
    pub formulas: Option<Formulas>,
}

impl ExportQuery {
    fn format(&self) -> Result<ExportFormat, Failure> {
        match (self.format, self.delimiter, self.formulas) {
            (ExportAsked::Csv, delimiter, formulas) => Ok(ExportFormat::Csv {
                delimiter: delimiter.unwrap_or(Delimiter::Comma),
                formulas: formulas.unwrap_or_default(),
            }),
            (ExportAsked::Jsonl, None, None) => Ok(ExportFormat::JsonLines),
            (ExportAsked::Jsonl, ..) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "parameter-invalid",
                "delimiter and formulas mean nothing for jsonl",
            )),
        }
    }

    const fn media_type(&self) -> (&'static str, &'static str) {
        match self.format {
            ExportAsked::Csv => (CSV, "csv"),
            ExportAsked::Jsonl => (JSON_LINES, "jsonl"),
        }
    }
}

pub(crate) fn too_many_exports() -> Failure {
    Failure::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-exports",
        "as many exports are being read as there may be",
    )
    .hint("try again when one of them is done")
}

/// Export a collection's records
///
/// All of them, as they are at one moment, whatever happens while they are sent. What is exported can be imported again, by
/// `_id` or by a unique property, and says nothing new. An answer that ends early was cut off: it has no end.
#[utoipa::path(
    get, path = "/v1/collections/{collection}/export", tag = "records",
    params(("collection" = String, Path, description = "The collection"), ExportQuery),
    responses((status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson")), headers(("content-disposition" = String, description = "The file's name"))))
)]
pub(crate) async fn export_records(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Failure> {
    let room = api.export_room().ok_or_else(too_many_exports)?;
    let session = api.reading(&caller.actor).await?;
    let mut export = Export::new(session, &collection, &[], &[], query.format()?).await?;
    // What fails at the beginning still has an answer of its own.
    let first = export.next_chunk().await?;
    let pieces = try_unfold(
        (first, export, room),
        |(ready, mut export, room)| async move {
            let Some(bytes) = ready else {
                return Ok(None);
            };
            let next = export.next_chunk().await.inspect_err(|error| {
                tracing::error!(cause = chain(error), "an export was cut off");
            })?;
            Ok::<_, bursar_office::Error>(Some((bytes, (next, export, room))))
        },
    );
    let (media_type, ending) = query.media_type();
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{collection}.{ending}\""),
        ),
    ];
    Ok((headers, HttpBody::from_stream(pieces)).into_response())
}
