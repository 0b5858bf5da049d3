//! What a run of an automation needs and what it depends on, kept from run to run.
//!
//! Every kept row is a dependency of the draft that was made with it: if one has changed, the commit says so, and the
//! preparation is made anew. So keeping it is safe, whoever changes what on whichever node.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bursar_db::{ClaimedRun, Snapshot};
use bursar_domain::{
    manifest::{Authority, Permission, Retry, effective},
    matching,
    office::{
        Actor, Automation, Department, LegalEntity, Plugin as PluginRow, Quarantine, STOP, Stop,
        quarantine_of,
    },
    row::{Kind, RowKey, Seq},
    run::{Claim, Event},
};
use bursar_office::{Context, Session, run_seed};
use bursar_runtime::Plugin;
use serde::de::DeserializeOwned;

use crate::{Error, Inner};

/// An automation, ready to run.
pub(crate) struct Prepared {
    pub automation_id: String,
    pub automation: Automation,
    pub legal_entity: LegalEntity,
    /// The most that its department's automations are worth.
    pub ceiling: Option<Vec<Permission>>,
    pub manifest: bursar_domain::manifest::Manifest,
    pub plugin: Plugin,
    pub stopped: bool,
    /// The rows that this was made from.
    pub depends_on: Vec<(RowKey, Seq)>,
}

/// Preparations by automation.
#[derive(Default)]
pub(crate) struct Preparations {
    kept: Mutex<HashMap<String, Arc<Prepared>>>,
}

impl Preparations {
    fn find(&self, automation: &str) -> Option<Arc<Prepared>> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(automation)
            .cloned()
    }

    fn keep(&self, prepared: Arc<Prepared>) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(prepared.automation_id.clone(), prepared);
    }

    /// Makes the next use start anew.
    pub(crate) fn forget(&self, automation: &str) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(automation);
    }
}

impl Inner {
    pub(crate) async fn prepare(&self, automation_id: &str) -> Result<Arc<Prepared>, Error> {
        if let Some(kept) = self.preparations.find(automation_id) {
            return Ok(kept);
        }
        let mut snapshot = self.database.snapshot();
        let mut depends_on = Vec::new();
        let unknown = || Error::UnknownAutomation(automation_id.to_owned());
        let key = RowKey::of(Kind::Automation, automation_id);
        let automation = read::<Automation>(&mut snapshot, &mut depends_on, key).await?;
        let automation = automation.ok_or_else(unknown)?;
        let key = RowKey::of(Kind::Entity, &automation.legal_entity);
        let legal_entity = read::<LegalEntity>(&mut snapshot, &mut depends_on, key).await?;
        let legal_entity = legal_entity.ok_or_else(unknown)?;
        let key = RowKey::of(Kind::Department, &automation.department);
        let department = read::<Department>(&mut snapshot, &mut depends_on, key).await?;
        let department = department.ok_or_else(unknown)?;
        let key = RowKey::of(Kind::Plugin, &automation.plugin);
        let plugin_row = read::<PluginRow>(&mut snapshot, &mut depends_on, key).await?;
        let manifest = plugin_row.ok_or_else(unknown)?.manifest;
        let key = RowKey::of(Kind::Control, STOP);
        let stop = read::<Stop>(&mut snapshot, &mut depends_on, key).await?;
        let key = RowKey::of(Kind::Control, &quarantine_of(&automation.plugin));
        let quarantine = read::<Quarantine>(&mut snapshot, &mut depends_on, key).await?;
        // Not even compiled.
        if let Some(it) = quarantine.filter(|it| it.quarantined) {
            return Err(Error::Quarantined { reason: it.reason });
        }
        let plugin = self.load(&automation.plugin).await?;
        let prepared = Arc::new(Prepared {
            automation_id: automation_id.to_owned(),
            legal_entity,
            automation,
            ceiling: department.ceiling,
            manifest,
            plugin,
            stopped: stop.is_some_and(|stop| matching::check_stop(&stop).is_err()),
            depends_on,
        });
        self.preparations.keep(prepared.clone());
        Ok(prepared)
    }

    /// Compiling takes seconds: not on a thread that others wait for.
    async fn load(&self, digest: &str) -> Result<Plugin, Error> {
        if let Some(plugin) = self.runtime.find(digest) {
            return Ok(plugin);
        }
        let component = self.database.blobs().get(digest).await?;
        let runtime = self.runtime.clone();
        tokio::task::spawn_blocking(move || Ok(runtime.load(&component)?)).await?
    }
}

/// A row that what is prepared depends on, there or not.
async fn read<T: DeserializeOwned>(
    snapshot: &mut Snapshot,
    depends_on: &mut Vec<(RowKey, Seq)>,
    key: RowKey,
) -> Result<Option<T>, Error> {
    let row = snapshot.get(&key).await?;
    depends_on.push((key, row.as_ref().map_or(0, |row| row.revision)));
    let body = row.map(|row| row.decode()).transpose();
    Ok(body.map_err(bursar_office::Error::from)?)
}

impl Prepared {
    /// What happens after the plugin asks for another try.
    pub(crate) fn retry(&self) -> &Retry {
        &self.manifest.retry
    }

    /// The claim of a queued run.
    pub(crate) fn claim(&self, claimed: &ClaimedRun, seed_key: &[u8; 32]) -> Claim {
        let claim = self.claim_of(&claimed.run, &claimed.queued.event, seed_key);
        Claim {
            fence: claimed.fence,
            attempt: claimed.attempt,
            time_us: claimed.clock_us,
            ..claim
        }
    }

    /// The claim that a first try of an event gets.
    pub(crate) fn claim_of(&self, run: &str, event: &Event, seed_key: &[u8; 32]) -> Claim {
        Claim {
            run: run.to_owned(),
            fence: 0,
            attempt: 1,
            automation_id: self.automation_id.clone(),
            automation: self.automation.clone(),
            legal_entity: self.legal_entity.clone(),
            ceiling: self.ceiling.clone(),
            event: event.clone(),
            limits: self.manifest.limits.clone(),
            seed: run_seed(seed_key, &self.automation_id, &event.id),
            time_us: event.time_us,
        }
    }
}

/// The automation's session: what it may do is what was granted, as far as it still lasts and its department may have it.
pub(crate) fn session(inner: &Inner, claim: &Claim) -> Session {
    // A grant ends by the clock on the wall: that of a run may have stood still for days.
    let now_us = claim.time_us.max(jiff::Timestamp::now().as_microsecond());
    let (grants, ceiling) = (&claim.automation.grants, claim.ceiling.as_deref());
    let scope = format!("automation:{}", claim.automation_id);
    let context = Context {
        actor: author(claim),
        scope,
        automation: Some(claim.automation_id.clone()),
        depth: claim.event.depth.saturating_add(1),
        legal_entity_id: claim.automation.legal_entity.clone(),
        legal_entity: Some(claim.legal_entity.clone()),
        authority: Authority::Granted(effective(grants, ceiling, now_us)),
        now_us: claim.time_us,
        seed: claim.seed,
        limits: claim.limits.clone(),
    };
    Session::new(&inner.database, context)
}

/// How the log names whoever acts in a run.
pub(crate) fn author(claim: &Claim) -> Actor {
    Actor::new("automation", &claim.automation_id)
}
