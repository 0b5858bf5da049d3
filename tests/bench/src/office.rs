//! The organisation that the bench works in: collections, plugins, automations, and as many records and queued runs as a
//! measure needs. Everything is made the way an administrator makes it.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bursar_db::{Database, Keys, Options, Proposal, Verdict};
use bursar_domain::{
    manifest::{Authority, Limits, Permission},
    office::{
        Actor, Automation, Collection, Department, LegalEntity, Mode, Plugin as PluginRow, STOP,
    },
    row::{Kind, RowKey, Seq},
    run::{Event, Trigger},
};
use bursar_office::{Context, Session};
use bursar_runtime::{Plugin, Runtime};
use bursar_worker::{Settings, Transport, Worker};
use serde_json::{Value, json};

use crate::{Fault, log::Log};

const ENTITY: &str = "main";
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
    sessions: AtomicU64,
}

impl Office {
    /// A fresh office in an empty folder.
    pub async fn open(folder: &Path, size: Size) -> Result<Self, Fault> {
        let keys = Keys::derive(&[7; 32]);
        let file = folder.join("bursar.db");
        let options = Options {
            url: format!("sqlite:{}", file.display()),
            readers_max: size.readers,
            database_bytes_max: None,
            keys: keys.clone(),
        };
        let database = Database::open(&options, folder).await?;
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
            entity: serde_json::from_value(entity())?,
            limits: plugin.inspection().manifest.limits.clone(),
            plugin,
            depends_on: Vec::new(),
            seed_key: *keys.seed(),
            workers: size.workers,
            log: Log::open(&file),
            sessions: AtomicU64::new(0),
            database,
        };
        office.found().await?;
        office.install(&component, &TOUCH).await?;
        office.depends_on = office.dependencies().await?;
        Ok(office)
    }

    /// Digest of the component.
    pub fn digest(&self) -> &str {
        &self.automation.plugin
    }

    async fn found(&self) -> Result<(), Fault> {
        let mut session = self.session();
        session.put_entity(ENTITY, &self.entity).await?;
        let department = Department {
            name: "Operations".to_owned(),
        };
        session.put_department("operations", &department).await?;
        self.commit(session).await
    }

    /// Installs the plugin of a job and enables its automation, in a collection of its own; gives the digest.
    pub async fn install(&self, component: &[u8], job: &Job) -> Result<String, Fault> {
        self.database.blobs().put(component)?;
        let plugin = self.runtime.load(component)?;
        let mut session = self.session();
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
        self.commit(session).await?;
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
            let mut session = self.session();
            for id in make_records(&mut session, job, now).await? {
                let event = Self::event(&id, (job.input)(&id));
                session.enqueue(job.automation, &event).await?;
            }
            self.commit(session).await?;
        }
        Ok(())
    }

    /// Makes so many records for a job's runs.
    pub async fn records(&self, job: &Job, count: usize) -> Result<Vec<String>, Fault> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let now = (count - ids.len()).min(MADE_AT_ONCE);
            let mut session = self.session();
            ids.extend(make_records(&mut session, job, now).await?);
            self.commit(session).await?;
        }
        Ok(ids)
    }

    /// What queues one run on each of these records; nothing is proposed yet.
    pub async fn queueings(&self, job: &Job, records: &[String]) -> Result<Vec<Proposal>, Fault> {
        let mut proposals = Vec::with_capacity(records.len());
        for id in records {
            let mut session = self.session();
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
            trigger: Trigger::Manual {
                input,
                subjects: Vec::new(),
            },
        }
    }

    /// An administrator's session; each makes other ids.
    fn session(&self) -> Session {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        let context = Context {
            actor: Actor::new("person", "ada"),
            scope: format!("person:ada-{number}"),
            automation: None,
            legal_entity_id: String::new(),
            legal_entity: None,
            authority: Authority::Everything,
            now_us: NOW_US.saturating_add(i64::try_from(number).unwrap_or(0) * BETWEEN_COMMITS_US),
            seed,
            limits: Limits::unlimited(),
        };
        Session::new(&self.database, context)
    }

    async fn commit(&self, session: Session) -> Result<(), Fault> {
        match self.database.propose(proposal("prepare", session)).await? {
            Verdict::Committed { .. } => Ok(()),
            other => Err(format!("the office cannot be prepared: {other:?}").into()),
        }
    }
}

/// 2026-01-01T09:00:00Z: one clock for all runs, so that each writes the same number of bytes.
const NOW_US: i64 = 1_767_258_000_000_000;
/// Rows get ids that rise with time, so what is made together lies together, as it does in an office.
const BETWEEN_COMMITS_US: i64 = 50_000;

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

/// What an administrator did in a session.
fn proposal(cause: &str, session: Session) -> Proposal {
    let (draft, _) = session.into_parts();
    Proposal {
        author: Actor::new("person", "ada"),
        cause: cause.to_owned(),
        draft,
        settles: None,
    }
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
            .collect(),
        mode: Mode::Live,
        enabled: true,
    }
}

fn entity() -> Value {
    json!({"name": "Musterhandel GmbH", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "de-AT"})
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
