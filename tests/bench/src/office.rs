//! The organisation that the bench works in: collections, plugins, automations, and as many records and queued runs as a
//! measure needs. Everything is made the way an administrator makes it.

use std::{path::Path, time::Duration};

use bursar_db::{Database, Proposal};
use bursar_domain::{
    manifest::{Grant, Limits, Permission},
    office::{Actor, Automation, Collection, LegalEntity, Mode, Plugin as PluginRow, STOP},
    row::{Kind, RowKey, Seq},
    run::{Event, Trigger},
};
use bursar_office::Session;
use bursar_runtime::{Plugin, Runtime};
use bursar_worker::{Settings, Transport, Worker};
use serde_json::{Value, json};

use crate::{
    Fault,
    desk::{self, Desk, ENTITY, NOW_US, proposal},
    log::Log,
};

/// Records and runs made by one commit: an office does not get hundreds at once.
const MADE_AT_ONCE: usize = 50;
/// Longer than any bench: a claim that is measured later must still hold then.
const LEASE: Duration = Duration::from_hours(24);

/// A plugin's work: reading one record, and changing it.
pub struct Job {
    pub automation: &'static str,
    pub collection: &'static str,
    /// Of a run, by the id of its record.
    pub input: fn(&str) -> Value,
}

/// In Rust: the guest `touch` of `tests/guests`.
pub const TOUCH: Job = Job {
    automation: "touch",
    collection: "touched",
    input: |record| json!({"record": record}),
};

/// The same in JavaScript: the guest of `sdk/conformance`, which makes the calls that it is told.
pub const TOUCH_IN_JS: Job = Job {
    automation: "touch-in-js",
    collection: "items",
    input: |record| {
        let row = json!({"call": "records.get", "as": "row", "collection": "items", "id": record});
        let patch = json!({
            "call": "records-write.patch",
            "collection": "items",
            "id": record,
            "expected": "${row/revision}",
            "merge": {"touches": 1},
        });
        json!({"calls": [row, patch]})
    },
};

/// How much goes on at once.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Runs executed at once.
    pub workers: usize,
    /// Connections that read.
    pub readers: u32,
}

pub struct Office {
    pub database: Database,
    pub runtime: Runtime,
    pub worker: Worker,
    pub plugin: Plugin,
    pub automation: Automation,
    pub entity: LegalEntity,
    pub limits: Limits,
    /// The rows that every run depends on besides those that it reads.
    pub depends_on: Vec<(RowKey, Seq)>,
    pub seed_key: [u8; 32],
    pub workers: usize,
    pub log: Log,
    desk: Desk,
}

impl Office {
    /// A fresh office in an empty folder.
    pub async fn open(folder: &Path, size: Size) -> Result<Self, Fault> {
        let keys = desk::keys();
        let desk = Desk::open(folder, size.readers).await?;
        let database = desk.database.clone();
        let instances_max = u32::try_from(size.workers)?;
        let runtime = Runtime::new(bursar_runtime::Settings {
            cache: None,
            instances_max,
        })?;
        let component = bursar_artifacts::guest("touch");
        let plugin = runtime.load(&component)?;
        let settings = Settings {
            concurrency_max: size.workers,
            lease: LEASE,
            ..Settings::default()
        };
        let transport = Transport::folder(&folder.join("mail"))?;
        let worker = Worker::new(
            database.clone(),
            runtime.clone(),
            transport,
            *keys.seed(),
            settings,
        );
        let mut office = Self {
            runtime,
            worker,
            automation: automation(&plugin, &TOUCH),
            entity: desk::entity()?,
            limits: plugin.inspection().manifest.limits.clone(),
            plugin,
            depends_on: Vec::new(),
            seed_key: *keys.seed(),
            workers: size.workers,
            log: Log::open(&folder.join("bursar.db")),
            desk,
            database,
        };
        office.install(&component, &TOUCH).await?;
        office.depends_on = office.dependencies().await?;
        Ok(office)
    }

    /// Digest of the component.
    pub fn digest(&self) -> &str {
        &self.automation.plugin
    }

    /// Installs the plugin of a job and enables its automation, in a collection of its own; gives the digest.
    pub async fn install(&self, component: &[u8], job: &Job) -> Result<String, Fault> {
        self.database.blobs().put(component).await?;
        let plugin = self.runtime.load(component)?;
        let mut session = self.desk.session();
        let collection: Collection = serde_json::from_value(collection())?;
        session
            .define_collection(job.collection, &collection)
            .await?;
        let inspection = plugin.inspection();
        let row = PluginRow {
            manifest: inspection.manifest.clone(),
            imports: inspection.imports.clone(),
            bytes: inspection.bytes,
        };
        session.install_plugin(&inspection.digest, &row).await?;
        session
            .enable_automation(job.automation, &automation(&plugin, job))
            .await?;
        self.desk.commit(session).await?;
        Ok(inspection.digest.clone())
    }

    async fn dependencies(&self) -> Result<Vec<(RowKey, Seq)>, Fault> {
        let keys = [
            RowKey::of(Kind::Automation, TOUCH.automation),
            RowKey::of(Kind::Entity, ENTITY),
            RowKey::of(Kind::Plugin, self.digest()),
            RowKey::of(Kind::Control, STOP),
        ];
        let mut snapshot = self.database.snapshot();
        let mut found = Vec::new();
        for key in keys {
            let row = snapshot.get(&key).await?;
            found.push((key, row.map_or(0, |row| row.revision)));
        }
        Ok(found)
    }

    /// Queues so many runs, each with a record of its own.
    pub async fn queue(&self, job: &Job, runs: usize) -> Result<(), Fault> {
        let mut left = runs;
        while left > 0 {
            let now = left.min(MADE_AT_ONCE);
            left -= now;
            let mut session = self.desk.session();
            for id in make_records(&mut session, job, now).await? {
                let event = Self::event(&id, (job.input)(&id));
                session.enqueue(job.automation, &event).await?;
            }
            self.desk.commit(session).await?;
        }
        Ok(())
    }

    /// Makes so many records for a job's runs.
    pub async fn records(&self, job: &Job, count: usize) -> Result<Vec<String>, Fault> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let now = (count - ids.len()).min(MADE_AT_ONCE);
            let mut session = self.desk.session();
            ids.extend(make_records(&mut session, job, now).await?);
            self.desk.commit(session).await?;
        }
        Ok(ids)
    }

    /// What queues one run on each of these records; nothing is proposed yet.
    pub async fn queueings(&self, job: &Job, records: &[String]) -> Result<Vec<Proposal>, Fault> {
        let mut proposals = Vec::with_capacity(records.len());
        for id in records {
            let mut session = self.desk.session();
            let event = Self::event(id, (job.input)(id));
            session.enqueue(job.automation, &event).await?;
            proposals.push(proposal("start-run", session));
        }
        Ok(proposals)
    }

    /// The event of a manual run.
    pub fn event(id: &str, input: Value) -> Event {
        Event {
            id: id.to_owned(),
            source: "manual".to_owned(),
            event_type: "manual.started".to_owned(),
            time_us: NOW_US,
            actor: Actor::new("person", "ada"),
            depth: 0,
            trigger: Trigger::Manual {
                input,
                subjects: Vec::new(),
            },
        }
    }
}

/// Records of one commit.
async fn make_records(
    session: &mut Session,
    job: &Job,
    count: usize,
) -> Result<Vec<String>, Fault> {
    let mut ids = Vec::with_capacity(count);
    for place in 0..count {
        let made = session
            .create_record(job.collection, &format!("row-{place}"), &record(place))
            .await?;
        ids.push(made.id.to_string());
    }
    Ok(ids)
}

/// Granted is what the job needs of what the plugin asks for.
fn automation(plugin: &Plugin, job: &Job) -> Automation {
    let inspection = plugin.inspection();
    let asks = inspection.manifest.permissions.iter();
    let is_needed = |permission: &Permission| matches!(permission, Permission::Records { collection, .. } if *collection == job.collection);
    Automation {
        plugin: inspection.digest.clone(),
        department: "operations".to_owned(),
        legal_entity: ENTITY.to_owned(),
        config: json!({}),
        grants: asks
            .map(|ask| ask.permission.clone())
            .filter(is_needed)
            .map(Grant::from)
            .collect(),
        mode: Mode::Live,
        enabled: true,
    }
}

/// One indexed field, which no run changes.
fn collection() -> Value {
    json!({
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "touches": {"type": "integer"}},
            "required": ["name", "touches"],
        },
        "indexed": [{"name": "name", "type": "text"}],
    })
}

/// About 300 bytes.
fn record(place: usize) -> Value {
    json!({
        "name": format!("Customer {place:05}"),
        "city": "Wiener Neustadt",
        "mail": "office@customer.example",
        "notes": "Pays within fourteen days, asks for one invoice a month, and wants it before the fifth working day. \
                  Deliveries go to the back entrance in the yard, between eight and eleven o'clock in the morning only.",
        "touches": 0,
    })
}
