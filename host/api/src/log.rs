//! The log: its commits, what they changed, and its verification.

use axum::{
    Json,
    body::Body as HttpBody,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_db::{Bodies, CommitFilter, CommitRecord};
use bursar_domain::checkpoint::{Checkpoint, KeptCheckpoint, PublicKeyShown, SignedCheckpoint};
use bursar_office::describe::{RowDiff, describe_commit};
use futures_util::stream::try_unfold;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::Auditor,
    exports::too_many_exports,
    failure::{Failure, chain},
    imports::JSON_LINES,
    jobs::{Job, JobResult, accepted},
    request::{Body, Path, Query},
    resource::{Page, behind, limit},
};

/// Most checkpoints that one verification holds against the log.
pub const CHECKPOINTS_MAX: usize = 10_000;

/// Which commits to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// A commit with what it changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CommitShown {
    /// The commit.
    pub commit: CommitRecord,
    /// The rows that it changed, against the state before it. Used effect keys are left out.
    pub changes: Vec<RowDiff>,
}

/// What a verification is to look at.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerificationAsked {
    /// Checkpoints that were kept: the log must still hold them, and signatures be this host's.
    #[schema(max_items = 10_000)]
    pub checkpoints: Vec<KeptCheckpoint>,
}

impl VerificationAsked {
    /// The places that are named, once every signature is good.
    fn places(&self, api: &Api) -> Result<Vec<Checkpoint>, Failure> {
        if self.checkpoints.len() > CHECKPOINTS_MAX {
            let detail = format!("a verification takes at most {CHECKPOINTS_MAX} checkpoints");
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Failure::new(status, "checkpoints-too-many", detail));
        }
        let key = api.database().public_key();
        let places = self.checkpoints.iter().map(|kept| kept.check(&key));
        Ok(places.collect::<Result<_, _>>()?)
    }
}

/// Which bodies an exported log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodiesAsked {
    /// All but those of access tokens.
    #[default]
    Shown,
    /// None: only their digests.
    Withheld,
}

/// How the log is exported.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LogExportQuery {
    /// Which bodies it has: shown unless given.
    #[param(inline)]
    pub bodies: BodiesAsked,
}

/// Commits, newest first
#[utoipa::path(get, path = "/v1/log", tag = "log", params(LogQuery), responses((status = 200, body = Page<CommitRecord>)))]
pub(crate) async fn list_commits(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Page<CommitRecord>>, Failure> {
    let limit = limit(query.limit)? as usize;
    let filter = CommitFilter {
        before: behind(query.after.as_deref())?,
        limit: limit.saturating_add(1),
    };
    let mut items = api.database().commits(&filter).await?;
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items
        .last()
        .filter(|_| has_more)
        .map(|last| last.seq.to_string());
    Ok(Json(Page { items, next }))
}

/// One commit: who, why, and what it changed
#[utoipa::path(get, path = "/v1/log/{seq}", tag = "log", params(("seq" = i64, Path, description = "Its number", minimum = 1)), responses((status = 200, body = CommitShown)))]
pub(crate) async fn get_commit(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path(seq): Path<i64>,
) -> Result<Json<CommitShown>, Failure> {
    let commit = api
        .database()
        .commit(seq)
        .await?
        .ok_or_else(|| Failure::absent("commit", &seq.to_string()))?;
    let changes = describe_commit(api.database(), seq).await?;
    Ok(Json(CommitShown { commit, changes }))
}

/// Verify the log
///
/// Checks the chain of hashes and replays the log against every table. It takes a while: the answer is a job.
#[utoipa::path(post, path = "/v1/verifications", tag = "log", request_body = VerificationAsked, responses((status = 202, body = Job, headers(("location" = String, description = "The job")))))]
pub(crate) async fn verify(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Body { value, .. }: Body<VerificationAsked>,
) -> Result<Response, Failure> {
    let places = value.places(&api)?;
    let database = api.database().clone();
    let job = api
        .jobs()
        .start(&caller, "verification", 1, |progress| async move {
            progress.step("replay the log");
            let found = database.verify(&places).await?;
            Ok(JobResult::Verified(found))
        })?;
    Ok(accepted(job).into_response())
}

/// A signed checkpoint of where the log stands
///
/// Keep it where the host cannot reach it. It says where the log stood, not that what came before is whole: verify for that.
#[utoipa::path(get, path = "/v1/checkpoints/current", tag = "log", responses((status = 200, body = SignedCheckpoint)))]
pub(crate) async fn get_checkpoint(
    Auditor(_): Auditor,
    State(api): State<Api>,
) -> Result<Json<SignedCheckpoint>, Failure> {
    Ok(Json(api.database().checkpoint().await?))
}

/// The public key that this host's checkpoints are checked with
#[utoipa::path(get, path = "/v1/checkpoints/public-key", tag = "log", responses((status = 200, body = PublicKeyShown)))]
pub(crate) async fn get_public_key(
    Auditor(_): Auditor,
    State(api): State<Api>,
) -> Json<PublicKeyShown> {
    Json(api.database().public_key().shown())
}

/// Export the log
///
/// Every commit from the first, one JSON object a line, and a signed checkpoint of the last: enough to compute the chain
/// of hashes without the host. An answer that ends early was cut off: it has no checkpoint.
#[utoipa::path(
    get, path = "/v1/log.jsonl", tag = "log", params(LogExportQuery),
    responses((status = 200, description = "The file", content((String = "application/x-ndjson")), headers(("content-disposition" = String, description = "The file's name"))))
)]
pub(crate) async fn export_log(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Query(query): Query<LogExportQuery>,
) -> Result<Response, Failure> {
    let room = api.export_room().ok_or_else(too_many_exports)?;
    let bodies = match query.bodies {
        BodiesAsked::Shown => Bodies::Shown,
        BodiesAsked::Withheld => Bodies::Withheld,
    };
    let mut export = api.database().export_log(bodies).await?;
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
            Ok::<_, bursar_db::Error>(Some((bytes, (next, export, room))))
        },
    );
    let headers = [
        (header::CONTENT_TYPE, JSON_LINES),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"log.jsonl\"",
        ),
    ];
    Ok((headers, HttpBody::from_stream(pieces)).into_response())
}
