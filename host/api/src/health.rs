//! Whether the host lives, and whether it can work; and counts of everything.

use axum::{Json, extract::State};
use bursar_db::RunState;
use bursar_domain::{
    office::{STOP, Stop},
    row::{Kind, RowKey},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use crate::{Api, caller::Auditor, failure::Failure};

/// How the host is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// "ok".
    pub status: String,
    /// The host's version.
    pub version: String,
}

/// Counts of everything.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Departments.
    pub departments: u64,
    /// Installed plugin versions.
    pub plugins: u64,
    /// Automations, those that are off too.
    pub automations: u64,
    /// Tasks, closed ones too.
    pub tasks: u64,
    /// Runs by state.
    pub runs: BTreeMap<String, i64>,
    /// Messages by state.
    pub messages: BTreeMap<String, i64>,
    /// The last commit.
    pub commits: i64,
    /// Everything is stopped.
    pub stopped: bool,
}

fn ok() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The process lives
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses((status = 200, body = Health)))]
pub(crate) async fn live() -> Json<Health> {
    ok()
}

/// The host can work: its database answers
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()), responses((status = 200, body = Health), (status = 503, body = crate::failure::ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn ready(State(api): State<Api>) -> Result<Json<Health>, Failure> {
    match api.database().snapshot().seq().await {
        Ok(_) => Ok(ok()),
        Err(error) => Err(Failure::busy(
            "not-ready",
            "the database does not answer",
            crate::failure::chain(&error),
        )),
    }
}

/// Counts of everything
#[utoipa::path(get, path = "/v1/status", tag = "health", responses((status = 200, body = Status)))]
pub(crate) async fn status(
    Auditor(_): Auditor,
    State(api): State<Api>,
) -> Result<Json<Status>, Failure> {
    let database = api.database();
    let mut runs = BTreeMap::new();
    for (_, state, count) in database.runs_counted().await? {
        *runs.entry(word(state)).or_insert(0) += count;
    }
    let stop = database
        .snapshot()
        .get(&RowKey::of(Kind::Control, STOP))
        .await?;
    let stop: Option<Stop> = stop
        .map(|row| row.decode())
        .transpose()
        .map_err(bursar_office::Error::from)?;
    Ok(Json(Status {
        departments: api.count(Kind::Department).await?,
        plugins: api.count(Kind::Plugin).await?,
        automations: api.count(Kind::Automation).await?,
        tasks: api.count(Kind::Task).await?,
        runs,
        messages: database.outbox_counted().await?.into_iter().collect(),
        commits: database.snapshot().seq().await?,
        stopped: stop.is_some_and(|stop| stop.stopped),
    }))
}

fn word(state: RunState) -> String {
    serde_json::to_value(state)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl Api {
    async fn count(&self, kind: Kind) -> Result<u64, Failure> {
        Ok(self.database().rows_counted(kind).await?)
    }
}
