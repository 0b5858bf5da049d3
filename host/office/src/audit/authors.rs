//! Which plugin version wrote an image, and what allowed it to.
//!
//! Nothing of it is stored beside the log: a run's commit rests on its automation's row, so the automation that wrote an
//! image is the one that was there right before.

use std::{collections::HashMap, sync::Arc};

use bursar_db::{Database, RowVersion};
use bursar_domain::{
    manifest::{Authority, Grant, InvoiceOperation, Need, Permission, RecordOperation, effective},
    office::{Automation, Department, Plugin},
    row::{Kind, RowKey, Seq},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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

/// Looks up authors, each plugin once.
#[derive(Debug)]
pub struct Authors<'d> {
    database: &'d Database,
    plugins: HashMap<String, Option<Arc<Plugin>>>,
}

/// An image of a row, and the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'w> {
    /// The row.
    pub key: &'w RowKey,
    /// The image before; none if there was none.
    pub before: Option<&'w Value>,
    /// The image that was written; none if the row was removed.
    pub after: Option<&'w Value>,
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
        version: &RowVersion,
        written: Written<'_>,
    ) -> Result<Option<PluginAuthor>, Error> {
        let Some(name) = version.author.strip_prefix(AUTOMATION) else {
            return Ok(None);
        };
        let key = RowKey::of(Kind::Automation, name);
        let Some(automation) = self.then::<Automation>(&key, version.seq).await? else {
            return Ok(None);
        };
        let Some(plugin) = self.plugin(&automation.plugin).await? else {
            return Ok(None);
        };
        let key = RowKey::of(Kind::Department, &automation.department);
        let department = self.then::<Department>(&key, version.seq).await?;
        let ceiling = department.and_then(|department| department.ceiling);
        let held = |grant: &&Grant| {
            let one = std::slice::from_ref(*grant);
            let worth = effective(one, ceiling.as_deref(), version.at_us);
            worth.iter().any(|permission| is_about(permission, written))
        };
        let about = automation.grants.iter().filter(held);
        let manifest = &plugin.manifest;
        Ok(Some(PluginAuthor {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            publisher: manifest.publisher.clone(),
            grants: about.map(|grant| grant.permission.in_words()).collect(),
            sha256: automation.plugin,
        }))
    }

    /// A row as it was right before a commit.
    async fn then<T: DeserializeOwned>(&self, key: &RowKey, seq: Seq) -> Result<Option<T>, Error> {
        let mut earlier = self.database.row_history(key, Some(seq), 1).await?;
        let body = earlier.pop().and_then(|version| version.body);
        let read = body.map(|body| T::deserialize(body.as_ref())).transpose();
        read.map_err(|error| Error::Broken(error.to_string()))
    }

    async fn plugin(&mut self, digest: &str) -> Result<Option<Arc<Plugin>>, Error> {
        if let Some(known) = self.plugins.get(digest) {
            return Ok(known.clone());
        }
        let key = RowKey::of(Kind::Plugin, digest);
        let plugin = self.then::<Plugin>(&key, Seq::MAX).await?.map(Arc::new);
        self.plugins.insert(digest.to_owned(), plugin.clone());
        Ok(plugin)
    }
}

/// Whether a permission is about such a change of such a row. Which of several that are about a collection's rows let this one
/// pass is not told apart.
fn is_about(permission: &Permission, written: Written<'_>) -> bool {
    let Written { key, before, after } = written;
    let image = after.or(before);
    let text = |name: &str| image.and_then(|image| image.get(name)?.as_str());
    let authority = Authority::Granted(vec![permission.clone()]);
    match (permission, key.kind) {
        (Permission::Records { collection, .. }, Kind::Record)
            if **collection == *key.collection =>
        {
            let operation = match (before, after) {
                (None, _) => RecordOperation::Create,
                (Some(_), Some(_)) => RecordOperation::Update,
                (Some(_), None) => RecordOperation::Delete,
            };
            authority.allows(Need::Records(collection, operation))
        }
        (Permission::Invoices { flow, operations }, kind) => {
            let changes = operations.iter().any(|one| *one != InvoiceOperation::Read);
            let flow = serde_json::to_value(flow).ok();
            let is_of = flow.as_ref().and_then(Value::as_str) == text("flow");
            changes
                && match kind {
                    Kind::Invoice | Kind::Payment => is_of,
                    Kind::Allocation => true,
                    _ => false,
                }
        }
        (Permission::Calendars { calendar, .. }, Kind::Entry) => **calendar == *key.collection,
        (Permission::Messages { .. }, Kind::Message) => {
            let to = image.and_then(|image| image.get("to")?.as_array());
            let mut to = to.into_iter().flatten().filter_map(Value::as_str);
            to.any(|address| authority.allows(Need::MailTo(address)))
        }
        (Permission::Tasks { .. }, Kind::Task) => {
            text("assignee").is_some_and(|assignee| authority.allows(Need::Task(assignee)))
        }
        _ => false,
    }
}
