//! The organisation that the bench works in: a collection, a plugin, an automation, and as many records and queued runs
//! as a measure needs. Everything is made the way an administrator makes it.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bursar_db::{Database, Keys, Options, Proposal, Verdict};
use bursar_domain::{
    manifest::{Authority, Limits},
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

use crate::{Arguments, Fault, log::Log};

pub const AUTOMATION: &str = "touch";
const ENTITY: &str = "main";
const COLLECTION: &str = "touched";
/// Records and runs made by one commit: an office does not get hundreds at once.
const MADE_AT_ONCE: usize = 50;
/// Longer than any bench: a claim that is measured later must still hold then.
const LEASE: Duration = Duration::from_hours(24);

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
    pub async fn open(folder: &Path, arguments: &Arguments) -> Result<Self, Fault> {
        let keys = Keys::derive(&[7; 32]);
        let file = folder.join("bursar.db");
        let options = Options {
            url: format!("sqlite:{}", file.display()),
            readers_max: arguments.readers,
            database_bytes_max: None,
            keys: keys.clone(),
        };
        let database = Database::open(&options, folder).await?;
        let instances_max = u32::try_from(arguments.workers)?;
        let runtime = Runtime::new(bursar_runtime::Settings {
            cache: None,
            instances_max,
        })?;
        let component = bursar_artifacts::guest("touch");
        let plugin = runtime.load(&component)?;
        let settings = Settings {
            concurrency_max: arguments.workers,
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
            automation: automation(&plugin),
            entity: serde_json::from_value(entity())?,
            limits: plugin.inspection().manifest.limits.clone(),
            plugin,
            depends_on: Vec::new(),
            seed_key: *keys.seed(),
            workers: arguments.workers,
            log: Log::open(&file),
            sessions: AtomicU64::new(0),
            database,
        };
        office.database.blobs().put(&component)?;
        office.found().await?;
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
        let collection: Collection = serde_json::from_value(collection())?;
        session.define_collection(COLLECTION, &collection).await?;
        let inspection = self.plugin.inspection();
        let row = PluginRow {
            manifest: inspection.manifest.clone(),
            imports: inspection.imports.clone(),
            bytes: inspection.bytes,
        };
        session.install_plugin(&inspection.digest, &row).await?;
        session
            .enable_automation(AUTOMATION, &self.automation)
            .await?;
        self.commit(session).await
    }

    async fn dependencies(&self) -> Result<Vec<(RowKey, Seq)>, Fault> {
        let keys = [
            RowKey::of(Kind::Automation, AUTOMATION),
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
    pub async fn queue(&self, runs: usize) -> Result<(), Fault> {
        let mut left = runs;
        while left > 0 {
            let now = left.min(MADE_AT_ONCE);
            left -= now;
            let mut session = self.session();
            for place in 0..now {
                let body = record(place);
                let made = session
                    .create_record(COLLECTION, &format!("row-{place}"), &body)
                    .await?;
                let event = Self::event(&made.id, json!({"record": *made.id}));
                session.enqueue(AUTOMATION, &event).await?;
            }
            self.commit(session).await?;
        }
        Ok(())
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
        let (draft, _) = session.into_parts();
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "prepare".to_owned(),
            draft,
            settles: None,
        };
        match self.database.propose(proposal).await? {
            Verdict::Committed { .. } => Ok(()),
            other => Err(format!("the office cannot be prepared: {other:?}").into()),
        }
    }
}

/// 2026-01-01T09:00:00Z: one clock for all runs, so that each writes the same number of bytes.
const NOW_US: i64 = 1_767_258_000_000_000;
/// Rows get ids that rise with time, so what is made together lies together, as it does in an office.
const BETWEEN_COMMITS_US: i64 = 50_000;

fn automation(plugin: &Plugin) -> Automation {
    let inspection = plugin.inspection();
    let asks = &inspection.manifest.permissions;
    Automation {
        plugin: inspection.digest.clone(),
        department: "operations".to_owned(),
        legal_entity: ENTITY.to_owned(),
        config: json!({}),
        grants: asks.iter().map(|ask| ask.permission.clone()).collect(),
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
