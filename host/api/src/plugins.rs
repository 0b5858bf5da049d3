//! Plugins: uploaded, inspected, compiled, installed.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_domain::{
    office::{Plugin, Quarantine, digest_of_quarantine, quarantine_of},
    row::{Kind, RowKey},
};
use bursar_runtime::inspect;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Administrator, Caller, Viewer},
    failure::Failure,
    jobs::{Job, JobResult, Progress, accepted},
    request::{Asked, Body, Path, Query, Upload},
    resource::{Page, PageQuery, Resource, Tagged, Written},
};

/// Steps of an installation.
const STEPS: u32 = 4;

/// Whether a plugin version may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineShown {
    /// SHA-256 of the component, lower-case hex.
    pub plugin: String,
    /// Since when it is so, in microseconds UTC.
    pub updated_us: i64,
    /// Whether, and why.
    #[serde(flatten)]
    pub quarantine: Quarantine,
}

/// Installed plugin versions
#[utoipa::path(get, path = "/v1/plugins", tag = "plugins", params(PageQuery), responses((status = 200, body = Page<Resource<Plugin>>)))]
pub(crate) async fn list_plugins(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Resource<Plugin>>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .rows::<Plugin>(Kind::Plugin, &[], &page.paging()?)
        .await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// One plugin version: what it asks for with its reasons, what it calls, its limits
#[utoipa::path(get, path = "/v1/plugins/{id}", tag = "plugins", params(("id" = String, Path, description = "SHA-256 of the component, lower-case hex")), responses((status = 200, body = Resource<Plugin>)))]
pub(crate) async fn get_plugin(
    Viewer(_): Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Tagged<Plugin>, Failure> {
    api.resource(&RowKey::of(Kind::Plugin, &id))
        .await
        .map(Tagged)
}

/// Plugin versions that are kept from running, and those that were
#[utoipa::path(get, path = "/v1/quarantines", tag = "plugins", params(PageQuery), responses((status = 200, body = Page<QuarantineShown>)))]
pub(crate) async fn list_quarantines(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<QuarantineShown>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .rows::<Value>(Kind::Control, &[], &page.paging()?)
        .await?;
    let mut items = Vec::new();
    for view in listed.items {
        if let Some(plugin) = digest_of_quarantine(&view.id) {
            let quarantine = Quarantine::deserialize(&view.body).map_err(Failure::host)?;
            items.push(QuarantineShown {
                plugin: plugin.to_owned(),
                updated_us: view.updated_us,
                quarantine,
            });
        }
    }
    Ok(Json(Page {
        items,
        next: listed.next,
    }))
}

/// Keep a plugin version from running, or let it run again
///
/// Installed or not. On every node, runs of it that are under way end within a second and change nothing; they and all
/// others wait in the queue until it is released. It cannot be enabled meanwhile.
#[utoipa::path(put, path = "/v1/plugins/{id}/quarantine", tag = "plugins", params(("id" = String, Path, description = "SHA-256 of the component, lower-case hex")), request_body = Quarantine, responses((status = 200, body = Resource<Quarantine>)))]
pub(crate) async fn put_quarantine(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<Quarantine>,
) -> Result<Written<Quarantine>, Failure> {
    let cause = if value.quarantined {
        "quarantine-plugin"
    } else {
        "release-plugin"
    };
    let key = RowKey::of(Kind::Control, &quarantine_of(&id));
    let (id, key, value, asked) = (&id, &key, &value, &asked);
    let changed = api
        .change(&caller, cause, asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.set_quarantine(id, value).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Install a plugin version
///
/// The body is the component with its manifest, as `bursar plugin build` writes it. Inspecting and compiling it takes
/// seconds: the answer is a job. A version that is installed already stays as it is.
#[utoipa::path(
    post, path = "/v1/plugins", tag = "plugins",
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 202, body = Job, headers(("location" = String, description = "The job"))))
)]
pub(crate) async fn install_plugin(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Upload { bytes, asked, .. }: Upload,
) -> Result<Response, Failure> {
    let asked = asked.unconditional()?;
    // A key that was used for something else is told now, not by a job that fails.
    if let Some(request) = &asked.request {
        let mut session = api.reading(&caller.actor).await?;
        session.earlier(request).await?;
    }
    let (of, by) = (api.clone(), caller.clone());
    let job = api
        .jobs()
        .start(&caller, "plugin-install", STEPS, |progress| async move {
            of.install(&by, &asked, bytes, &progress).await
        })?;
    Ok(accepted(job).into_response())
}

impl Api {
    async fn install(
        &self,
        caller: &Caller,
        asked: &Asked,
        bytes: Bytes,
        progress: &Arc<Progress>,
    ) -> Result<JobResult, Failure> {
        progress.step("inspect");
        let inspected = bytes.clone();
        let inspection = tokio::task::spawn_blocking(move || inspect(&inspected))
            .await
            .map_err(Failure::host)??;
        progress.step("compile");
        // Compiled before it is installed: what the sandbox cannot run is refused now, and its first run is quick.
        self.worker()?.check(bytes.to_vec()).await?;
        progress.step("store");
        self.database().blobs().put(&bytes).await?;
        progress.step("commit");
        let plugin = Plugin {
            manifest: inspection.manifest.clone(),
            imports: inspection.imports.clone(),
            bytes: inspection.bytes,
        };
        let (digest, plugin) = (&inspection.digest, &plugin);
        let changed = self
            .change(caller, "install-plugin", asked, |mut session| async move {
                session.install_plugin(digest, plugin).await?;
                Ok((session, RowKey::of(Kind::Plugin, digest)))
            })
            .await?;
        Ok(JobResult::PluginInstalled {
            name: inspection.manifest.name,
            version: inspection.manifest.version,
            digest: inspection.digest,
            commit: changed.seq,
        })
    }
}
