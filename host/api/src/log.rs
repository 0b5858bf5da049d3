//! The log: its commits, what they changed, and its verification.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_db::{Checkpoint, CommitFilter, CommitRecord};
use bursar_office::describe::{RowDiff, describe_commit};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::Auditor,
    failure::Failure,
    jobs::{Job, JobResult, accepted},
    request::{Body, Path, Query},
    resource::{Page, behind, limit},
};

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
    /// A place of the log that was noted before: the log must still hold it.
    pub checkpoint: Option<Checkpoint>,
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
    let database = api.database().clone();
    let job = api
        .jobs()
        .start(&caller, "verification", 1, |progress| async move {
            progress.step("replay the log");
            let found = database.verify(value.checkpoint.as_ref()).await?;
            Ok(JobResult::Verified(found))
        })?;
    Ok(accepted(job).into_response())
}
