//! Which plugin version wrote an image, and what allowed it to.
//!
//! Nothing of it is stored beside the log: a run's commit rests on its automation's row, so the automation that wrote an
//! image is the one that was there right before.

use std::{collections::HashMap, sync::Arc};

use bursar_db::Database;
use bursar_domain::{
    invoice::Flow,
    manifest::{Grant, Permission, RecordOperation},
    office::{Automation, Plugin},
    row::{Kind, RowKey, Seq},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::Error;

/// How an automation's name begins where the log names who did something.
const AUTOMATION: &str = "automation:";

/// The plugin version that wrote an image in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginAuthor {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who stands for it.
    pub publisher: String,
    /// SHA-256 of the component, lower-case hex.
    pub sha256: String,
    /// What was granted at that time and is about such a change, in plain words.
    pub grants: Vec<String>,
}

/// Looks up authors, each automation's image and each plugin once.
#[derive(Debug)]
pub struct Authors<'d> {
    database: &'d Database,
    plugins: HashMap<String, Option<Arc<Plugin>>>,
}

impl<'d> Authors<'d> {
    /// In a database's log.
    pub fn of(database: &'d Database) -> Self {
        Self {
            database,
            plugins: HashMap::new(),
        }
    }

    /// The plugin that wrote an image of a row, if one did.
    pub async fn find(
        &mut self,
        author: &str,
        seq: Seq,
        key: &RowKey,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<Option<PluginAuthor>, Error> {
        let Some(name) = author.strip_prefix(AUTOMATION) else {
            return Ok(None);
        };
        let mut snapshot = self.database.snapshot_at(seq.saturating_sub(1));
        let row = snapshot.get(&RowKey::of(Kind::Automation, name)).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let automation: Automation = row.decode()?;
        let Some(plugin) = self.plugin(&automation.plugin).await? else {
            return Ok(None);
        };
        let manifest = &plugin.manifest;
        let grants = automation.grants.iter();
        let about = grants.filter(|grant| is_about(grant, key, before, after));
        Ok(Some(PluginAuthor {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            publisher: manifest.publisher.clone(),
            grants: about.map(|grant| grant.permission.in_words()).collect(),
            sha256: automation.plugin,
        }))
    }

    async fn plugin(&mut self, digest: &str) -> Result<Option<Arc<Plugin>>, Error> {
        if let Some(known) = self.plugins.get(digest) {
            return Ok(known.clone());
        }
        let row = self
            .database
            .snapshot()
            .get(&RowKey::of(Kind::Plugin, digest))
            .await?;
        let plugin: Option<Plugin> = row.map(|row| row.decode()).transpose()?;
        let plugin = plugin.map(Arc::new);
        self.plugins.insert(digest.to_owned(), plugin.clone());
        Ok(plugin)
    }
}

/// Whether a grant is about such a change of such a row.
fn is_about(grant: &Grant, key: &RowKey, before: Option<&Value>, after: Option<&Value>) -> bool {
    let operation = match (before, after) {
        (None, _) => RecordOperation::Create,
        (Some(_), Some(_)) => RecordOperation::Update,
        (Some(_), None) => RecordOperation::Delete,
    };
    let is_of = |flow: &Flow| {
        let image = after.or(before).and_then(|image| image.get("flow"));
        serde_json::to_value(flow).ok().as_ref() == image
    };
    match (&grant.permission, key.kind) {
        (
            Permission::Records {
                collection,
                operations,
                ..
            },
            Kind::Record,
        ) => **collection == *key.collection && operations.contains(&operation),
        (Permission::Invoices { flow, .. }, Kind::Invoice | Kind::Payment) => is_of(flow),
        (Permission::Calendars { calendar, .. }, Kind::Entry) => **calendar == *key.collection,
        (Permission::Messages { .. }, Kind::Message) | (Permission::Tasks { .. }, Kind::Task) => {
            true
        }
        _ => false,
    }
}
