//! Upgrades: automations whose plugin has a later version, what it asks for more, and the word that lets it.
//!
//! Nothing moves by itself: the version that was approved runs on until somebody says yes to the difference.

use std::collections::{HashMap, HashSet};

use axum::{Json, extract::State};
use bursar_domain::{
    audit::{Upgrade, upgrade},
    manifest::{Grant, Manifest},
    office::{Automation, Plugin},
    problem::Problem,
    row::{Kind, RowKey},
};
use bursar_office::{Error, Session, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Api,
    automations::{in_department, in_view, may_manage},
    caller::{Manager, Viewer},
    failure::Failure,
    request::{Body, Path},
    resource::{Page, Resource, Written},
};

/// One version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PluginVersion {
    /// SHA-256 of the component, lower-case hex.
    pub plugin: String,
    /// Its version.
    pub version: String,
}

/// An automation that could move to a later version of its plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UpgradeShown {
    /// The automation.
    pub automation: String,
    /// Where it works.
    pub department: String,
    /// The version that it runs.
    pub from: PluginVersion,
    /// The version that was installed last under the same name by the same publisher.
    pub to: PluginVersion,
    /// What changes in its permissions.
    pub changes: Upgrade,
}

/// To which version, and whether to what it asks for as well.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeAsked {
    /// Digest of the version: what was looked at is what is moved to.
    pub plugin: String,
    /// What it asks for more is granted.
    #[serde(default)]
    pub approved: bool,
    /// Valid under the version's configuration schema; as it is unless given.
    #[serde(default)]
    pub config: Option<Value>,
}

/// Automations in view whose plugin has a later version
#[utoipa::path(get, path = "/v1/upgrades", tag = "permissions", responses((status = 200, body = Page<UpgradeShown>)))]
pub(crate) async fn list_upgrades(
    Viewer(caller): Viewer,
    State(api): State<Api>,
) -> Result<Json<Page<UpgradeShown>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let mut plugins = Vec::new();
    let mut quarantined = HashSet::new();
    for view in session.every::<Plugin>(Kind::Plugin, &[]).await? {
        if session.check_quarantine(&view.id).await.is_err() {
            quarantined.insert(view.id.clone());
        }
        plugins.push(view);
    }
    let conditions = in_view(&caller);
    let automations = session.every::<Automation>(Kind::Automation, &conditions);
    let automations = automations.await?;
    let by_digest: HashMap<&str, &View<Plugin>> =
        plugins.iter().map(|view| (&*view.id, view)).collect();
    let mut newest: HashMap<(&str, &str), &View<Plugin>> = HashMap::new();
    // What is kept from running is offered to nobody.
    for view in plugins
        .iter()
        .filter(|view| !quarantined.contains(&view.id))
    {
        let known = newest.entry(of_plugin(&view.body.manifest)).or_insert(view);
        if (view.created_us, &view.id) > (known.created_us, &known.id) {
            *known = view;
        }
    }
    let shown = |automation: &View<Automation>| {
        let from = *by_digest.get(automation.body.plugin.as_str())?;
        let to = *newest.get(&of_plugin(&from.body.manifest))?;
        let version = |view: &View<Plugin>| PluginVersion {
            plugin: view.id.to_string(),
            version: view.body.manifest.version.clone(),
        };
        (from.id != to.id).then(|| UpgradeShown {
            automation: automation.id.to_string(),
            department: automation.body.department.clone(),
            changes: upgrade(
                &automation.body.grants,
                &from.body.manifest,
                &to.body.manifest,
            ),
            from: version(from),
            to: version(to),
        })
    };
    let items = automations.iter().filter_map(shown).collect();
    Ok(Json(Page { items, next: None }))
}

/// Move an automation to another version of its plugin
///
/// To a later one, or back to an earlier one. What is granted stays as far as that version asks for it. If it asks for more
/// than the one before, the answer is `approval-needed` until the request says `approved`: till then nothing changes.
#[utoipa::path(post, path = "/v1/automations/{id}/upgrades", tag = "permissions", params(("id" = String, Path, description = "The automation")), request_body = UpgradeAsked, responses((status = 200, body = Resource<Automation>)))]
pub(crate) async fn upgrade_automation(
    Manager(caller): Manager,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<UpgradeAsked>,
) -> Result<Written<Automation>, Failure> {
    let key = RowKey::of(Kind::Automation, &id);
    let absent = || Error::NotFound(Problem::new("not-found", format!("no automation {id:?}")));
    let absent = &absent;
    let (id, key, value, asked, caller) = (&id, &key, &value, &asked, &caller);
    let changed = api
        .change(
            caller,
            "upgrade-automation",
            asked,
            |mut session| async move {
                session.expect(key, &asked.expected).await?;
                let before = in_department(&mut session, caller, id).await?;
                let before = before.ok_or_else(absent)?;
                let automation = upgraded(&mut session, &before, value).await?;
                may_manage(&mut session, caller, Some(&before), &automation).await?;
                session.enable_automation(id, &automation).await?;
                Ok((session, key.clone()))
            },
        )
        .await?;
    api.written(changed).await
}

/// The automation with another version, and with what that is granted.
async fn upgraded(
    session: &mut Session,
    before: &Automation,
    asked: &UpgradeAsked,
) -> Result<Automation, Error> {
    let from = session.plugin(&before.plugin).await?.body.manifest;
    let to = match session.plugin(&asked.plugin).await {
        Ok(view) => view.body.manifest,
        Err(Error::NotFound(_)) => {
            return Err(Problem::at("unknown", "/plugin", "there is no such plugin").into());
        }
        Err(error) => return Err(error),
    };
    if of_plugin(&from) != of_plugin(&to) {
        let message = "another plugin, or another publisher's: enable it as an automation";
        return Err(Problem::at("another-plugin", "/plugin", message).into());
    }
    let grants = if asked.approved {
        upgrade(&before.grants, &from, &to).approved
    } else {
        unapproved(&from, &to, &before.grants)?
    };
    Ok(Automation {
        plugin: asked.plugin.clone(),
        config: asked
            .config
            .clone()
            .unwrap_or_else(|| before.config.clone()),
        grants,
        ..before.clone()
    })
}

/// What stays granted under another version that nobody has approved: all of it, if the version asks for nothing more.
pub(crate) fn unapproved(
    from: &Manifest,
    to: &Manifest,
    grants: &[Grant],
) -> Result<Vec<Grant>, Error> {
    let changes = upgrade(grants, from, to);
    if changes.asks_more.is_empty() {
        return Ok(changes.grants);
    }
    let words: Vec<String> = changes.asks_more.into_iter().map(|ask| ask.words).collect();
    Err(Error::Conflict(Problem::new(
        "approval-needed",
        format!(
            "version {} asks for more than {}, which has to be approved: {}",
            to.version,
            from.version,
            words.join("; ")
        ),
    )))
}

/// What two versions of a plugin have in common.
pub(crate) fn of_plugin(manifest: &Manifest) -> (&str, &str) {
    (&manifest.name, &manifest.publisher)
}
