//! Import: files of records, previewed or committed by a job.

use std::sync::Arc;

use axum::{
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use bursar_db::Scratch;
use bursar_domain::{
    office::{Actor, Collection},
    row::{Kind, RowKey},
};
use bursar_office::import::{
    self, CHUNK_ROWS, Delimiter, Format, Formulas, ID_COLUMN, Import, Key, Mapping, Mode, Stage,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{
    Api,
    caller::Administrator,
    failure::Failure,
    jobs::{Job, JobResult, JobRows, Progress, accepted},
    request::{Asked, Path, Query, cut_off, limited, note_arrival, one, shaped},
};

/// Largest file of an import, in bytes.
pub const FILE_BYTES_MAX: usize = 256 << 20;
/// Bytes of a file that are kept in memory on its way to the disk.
const PIECE_BYTES: usize = 1 << 20;

/// The media types of what can be imported.
pub(crate) const CSV: &str = "text/csv";
pub(crate) const JSON_LINES: &str = "application/x-ndjson";
const JSONL: &str = "application/jsonl";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How a file is imported.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Only say what the file would do, and change nothing.
    pub preview: bool,
    /// How a row is known again: properties that are unique in the collection, separated by commas, or `_id`. Unless
    /// given, rows are new records, once for each line of this very file.
    pub key: Option<String>,
    /// What happens if rows are bad; unless given, nothing is committed.
    #[param(inline)]
    pub mode: Mode,
    /// What the columns mean, as JSON: `columns` (by name: `{"property": NAME}`, `"id"` or `"ignore"`), `constants` (values by
    /// property), `decimal_comma` (names of columns), `empty` (`clear` or `keep`), `others` (`refuse`, `ignore` or `take`).
    pub mapping: Option<String>,
    /// Of a table in text: what separates its cells. Unless given, what its header has most of.
    #[param(inline)]
    pub delimiter: Option<Delimiter>,
    /// Of a table in text: whether an apostrophe before what a spreadsheet takes for a formula belongs to the text.
    #[param(inline)]
    pub formulas: Option<Formulas>,
    /// Of a workbook: the sheet. Unless given, the first.
    pub sheet: Option<String>,
    /// Rows of one commit: 1 to 5000, 2000 unless given.
    #[param(minimum = 1, maximum = 5000)]
    pub chunk_rows: Option<u32>,
}

impl ImportQuery {
    /// As the office asks it.
    fn import(&self, collection: &str, media_type: &str) -> Result<Import, Failure> {
        Ok(Import {
            collection: collection.to_owned(),
            format: self.format(media_type)?,
            mapping: self.mapping()?,
            key: match self.key.as_deref() {
                None => Key::Line,
                Some(ID_COLUMN) => Key::Id,
                Some(names) => Key::Properties(names.split(',').map(str::to_owned).collect()),
            },
            mode: self.mode,
            chunk_rows: self.chunk_rows.unwrap_or(CHUNK_ROWS),
        })
    }

    fn mapping(&self) -> Result<Mapping, Failure> {
        let Some(text) = &self.mapping else {
            return Ok(Mapping::default());
        };
        let mapping = bursar_domain::canonical::parse(text).map_err(|error| {
            let detail = format!("mapping is not JSON: {error}");
            Failure::new(StatusCode::BAD_REQUEST, "parameter-invalid", detail)
        })?;
        shaped(mapping)
    }

    fn format(&self, media_type: &str) -> Result<Format, Failure> {
        let refuse = |name: &str| {
            let detail = format!("{name} means nothing for {media_type}");
            Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "parameter-invalid",
                detail,
            ))
        };
        let is_csv = media_type == CSV;
        match self {
            Self { sheet: Some(_), .. } if media_type != XLSX => refuse("sheet"),
            Self {
                delimiter: Some(_), ..
            } if !is_csv => refuse("delimiter"),
            Self {
                formulas: Some(_), ..
            } if !is_csv => refuse("formulas"),
            _ => Ok(match media_type {
                CSV => Format::Csv {
                    delimiter: self.delimiter,
                    formulas: self.formulas.unwrap_or_default(),
                },
                XLSX => Format::Xlsx {
                    sheet: self.sheet.clone(),
                },
                _ => Format::JsonLines,
            }),
        }
    }
}

/// The one of our media types that a file has.
fn media_type(headers: &HeaderMap) -> Result<&'static str, Failure> {
    let given = one(headers, header::CONTENT_TYPE.as_str())?.unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let known = [CSV, JSON_LINES, JSONL, XLSX];
    known
        .into_iter()
        .find(|known| essence.eq_ignore_ascii_case(known))
        .ok_or_else(|| {
            Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type-unsupported",
                "the body's media type is none that can be imported",
            )
            .hint(format!("send a `Content-Type` of {}", known.join(", ")))
        })
}

/// Import records from a file
///
/// The body is the file; `Content-Type` says how it is written. Every row is checked as any other change is, and what is
/// wrong with it is told by line and column. It takes a while: the answer is a job, whose result says what the rows do, or
/// did. Rows are committed in chunks; an import that ended early is continued by sending the same file again, and what is
/// there already is not written again.
#[utoipa::path(
    post, path = "/v1/collections/{collection}/imports", tag = "records",
    params(("collection" = String, Path, description = "The collection"), ImportQuery),
    request_body(content((Vec<u8> = "text/csv"), (Vec<u8> = "application/x-ndjson"), (Vec<u8> = "application/jsonl"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 202, body = Job, headers(("location" = String, description = "The job"))))
)]
pub(crate) async fn import_records(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(collection): Path<String>,
    Query(query): Query<ImportQuery>,
    asked: Asked,
    request: HttpRequest,
) -> Result<Response, Failure> {
    asked.unconditional()?;
    let import = query.import(&collection, media_type(request.headers())?)?;
    // Whatever is not there is told before the file travels.
    api.resource::<Collection>(&RowKey::of(Kind::Collection, &collection))
        .await?;
    let file = api.receive(request).await?;
    let (of, by) = (api.clone(), caller.actor.clone());
    let job = if query.preview {
        api.jobs()
            .start(&caller, "import-preview", 1, |progress| async move {
                of.preview_import(&by, import, file, progress).await
            })?
    } else {
        let steps = 1 + u32::from(import.mode == Mode::AllOrNothing);
        api.jobs()
            .start(&caller, "import", steps, |progress| async move {
                of.import(&by, import, file, progress).await
            })?
    };
    Ok(accepted(job).into_response())
}

impl Api {
    /// Writes a body to the disk, a piece at a time.
    async fn receive(&self, request: HttpRequest) -> Result<Scratch, Failure> {
        let (parts, body) = request.into_parts();
        let mut body = limited(&parts, body, FILE_BYTES_MAX)?;
        let mut file = self.database().blobs().scratch()?;
        let mut piece = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| cut_off(&*error, FILE_BYTES_MAX))?;
            let data = frame.into_data().unwrap_or_else(|_| Bytes::new());
            piece.extend_from_slice(&data);
            if piece.len() >= PIECE_BYTES {
                file = written(file, std::mem::take(&mut piece)).await?;
            }
        }
        note_arrival(&parts);
        written(file, piece).await
    }

    async fn preview_import(
        &self,
        actor: &Actor,
        import: Import,
        mut file: Scratch,
        progress: Arc<Progress>,
    ) -> Result<JobResult, Failure> {
        let (database, context) = (self.database().clone(), self.working(actor).await?);
        on_a_thread(async move {
            let mut teller = Teller::begin(progress, Stage::Checking);
            let mut tell = |now| teller.tell(now);
            let report =
                import::preview(&database, &context, &import, &mut file, &mut tell).await?;
            Ok(JobResult::ImportPreviewed(report))
        })
        .await
    }

    async fn import(
        &self,
        actor: &Actor,
        import: Import,
        mut file: Scratch,
        progress: Arc<Progress>,
    ) -> Result<JobResult, Failure> {
        let (database, context) = (self.database().clone(), self.working(actor).await?);
        on_a_thread(async move {
            let mut teller = Teller::begin(progress, first_stage(import.mode));
            let mut tell = |now| teller.tell(now);
            let imported = import::commit(&database, &context, &import, &mut file, &mut tell).await;
            imported
                .map(JobResult::Imported)
                .map_err(|error| teller.failure(error))
        })
        .await
    }
}

async fn written(mut file: Scratch, piece: Vec<u8>) -> Result<Scratch, Failure> {
    let written = tokio::task::spawn_blocking(move || file.append(&piece).map(|()| file)).await;
    Ok(written.map_err(Failure::host)??)
}

/// Unpacking and comparing a file keeps a thread busy: it shall be none of those that answer requests.
async fn on_a_thread(
    work: impl Future<Output = Result<JobResult, Failure>> + Send + 'static,
) -> Result<JobResult, Failure> {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work))
        .await
        .map_err(Failure::host)?
}

/// A whole file is checked before anything of it is committed, unless bad rows are left out.
const fn first_stage(mode: Mode) -> Stage {
    match mode {
        Mode::AllOrNothing => Stage::Checking,
        Mode::SkipBadRows => Stage::Committing,
    }
}

/// Tells a job how far its import is.
struct Teller {
    job: Arc<Progress>,
    stage: Stage,
    rows_committed: u64,
}

impl Teller {
    fn begin(job: Arc<Progress>, stage: Stage) -> Self {
        job.step(step(stage));
        Self {
            job,
            stage,
            rows_committed: 0,
        }
    }

    fn tell(&mut self, now: import::Progress) {
        if now.stage != self.stage {
            self.stage = now.stage;
            self.job.step(step(now.stage));
        }
        if now.stage == Stage::Committing {
            self.rows_committed = now.rows_done;
        }
        self.job.rows(JobRows {
            done: now.rows_done,
            total: now.rows_total,
        });
    }

    /// What an import failed of; what it did before stays done.
    fn failure(&self, error: bursar_office::Error) -> Failure {
        let failure = Failure::from(error);
        match self.rows_committed {
            0 => failure,
            rows => failure.hint(format!(
                "{rows} rows are behind it: import the same file again, and it goes on from there"
            )),
        }
    }
}

const fn step(stage: Stage) -> &'static str {
    match stage {
        Stage::Checking => "check",
        Stage::Committing => "commit",
    }
}

#[cfg(test)]
mod tests {
    use bursar_office::import::Target;

    use super::*;

    fn import(query: &str, media_type: &str) -> Result<Import, Failure> {
        let query: ImportQuery = serde_urlencoded::from_str(query).expect("a query");
        query.import("items", media_type)
    }

    #[test]
    fn a_query_says_all_that_an_import_can_be_asked() {
        let plain = import("", JSONL).expect("an import");
        assert_eq!(
            (&plain.format, &plain.key),
            (&Format::JsonLines, &Key::Line)
        );
        assert_eq!(
            (plain.mode, plain.mapping),
            (Mode::AllOrNothing, Mapping::default())
        );
        let mapping =
            "mapping=%7B%22columns%22%3A%7B%22No.%22%3A%7B%22property%22%3A%22code%22%7D%7D%7D";
        let query = format!(
            "key=code,mail&mode=skip-bad-rows&delimiter=semicolon&formulas=raw&chunk_rows=7&{mapping}"
        );
        let full = import(&query, CSV).expect("an import");
        let format = Format::Csv {
            delimiter: Some(Delimiter::Semicolon),
            formulas: Formulas::Raw,
        };
        assert_eq!(full.format, format);
        let names = ["code", "mail"].map(str::to_owned).to_vec();
        assert_eq!(full.key, Key::Properties(names));
        assert_eq!((full.mode, full.chunk_rows), (Mode::SkipBadRows, 7));
        let property = Target::Property("code".to_owned());
        assert_eq!(full.mapping.columns.get("No."), Some(&property));
        let sheet = import("key=_id&sheet=Data", XLSX).expect("an import");
        assert_eq!(sheet.key, Key::Id);
        let data = Some("Data".to_owned());
        assert_eq!(sheet.format, Format::Xlsx { sheet: data });
    }

    #[test]
    fn what_means_nothing_for_the_file_is_refused_by_name() {
        let check = |query: &str, media_type: &str, status: u16, words: &str| {
            let refused = import(query, media_type).expect_err(query).document("1");
            assert_eq!(refused.status, status, "{query}");
            assert!(
                refused.detail.contains(words),
                "{query}: {}",
                refused.detail
            );
        };
        check("sheet=Data", CSV, 400, "sheet");
        check("delimiter=tab", XLSX, 400, "delimiter");
        check("formulas=raw", JSON_LINES, 400, "formulas");
        check("mapping=%7B", CSV, 400, "mapping");
        check("mapping=%7B%22x%22%3A1%7D", CSV, 422, "unknown field `x`");
    }
}
