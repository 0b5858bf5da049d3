//! The same data through the host's libraries: collections, many queued runs, timers set back.
//!
//! Everything is made with fixed seeds at a fixed time, so that two offices with the same history have the same ids.

use std::sync::atomic::{AtomicU64, Ordering};

use bursar_db::{Database, Proposal, Verdict};
use bursar_domain::{
    calendar::{Calendar, EntryContent},
    log::sha256_hex,
    manifest::{Authority, Limits},
    office::{Actor, Automation, Collection, Department, LegalEntity, Mode, Plugin as PluginRow},
    row::Seq,
    run::{Event, Trigger},
};
use bursar_office::{Context, Session};
use bursar_runtime::inspect;
use serde_json::{Value, json};

/// Everything that is made takes place then: 2026-03-02T09:00:00Z.
pub const NOW_US: i64 = 1_772_442_000_000_000;
pub const ENTITY: &str = "main";
pub const DEPARTMENT: &str = "operations";
pub const COUNTERS: usize = 10;

pub struct Office {
    pub database: Database,
    sessions: AtomicU64,
}

/// What the guests work on.
#[derive(Clone, Debug)]
pub struct Books {
    /// Ids of the records of the collection `counters`, each at 0.
    pub counters: Vec<String>,
    /// Id of a customer.
    pub party: String,
}

impl Office {
    pub fn on(database: Database) -> Self {
        Self {
            database,
            sessions: AtomicU64::new(0),
        }
    }

    pub async fn close(self) {
        self.database.close().await;
    }

    /// An administrator's session.
    pub async fn session(&self) -> Session {
        let head = self.database.snapshot().seq().await.expect("a head");
        let ordinal = self.sessions.fetch_add(1, Ordering::Relaxed);
        let name = format!("{head}/{ordinal}");
        let mut seed = [0; 32];
        let digest = sha256_hex(name.as_bytes());
        for (byte, digit) in seed.iter_mut().zip(digest.bytes()) {
            *byte = digit;
        }
        let context = Context {
            actor: Actor::new("person", "ada"),
            scope: "person:ada".to_owned(),
            automation: None,
            depth: 0,
            legal_entity_id: String::new(),
            legal_entity: None,
            authority: Authority::Everything,
            now_us: NOW_US,
            seed,
            limits: Limits::unlimited(),
        };
        Session::new(&self.database, context)
    }

    pub async fn commit(&self, session: Session) -> Seq {
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "test".to_owned(),
            draft: session.into_parts().0,
            settles: None,
        };
        match self.database.propose(proposal).await {
            Ok(Verdict::Committed { seq, .. }) => seq,
            other => panic!("not committed: {other:?}"),
        }
    }

    pub async fn put_department(&self) {
        self.put_addresses(&[]).await;
    }

    /// The department, with where mail to the assignees of its tasks goes.
    pub async fn put_addresses(&self, addresses: &[(&str, &str)]) {
        let mut session = self.session().await;
        let owned =
            |(assignee, address): &(&str, &str)| ((*assignee).to_owned(), (*address).to_owned());
        let department = Department {
            name: "Operations".to_owned(),
            addresses: addresses.iter().map(owned).collect(),
            ceiling: None,
        };
        let put = session.put_department(DEPARTMENT, &department).await;
        put.expect("the department is good");
        self.commit(session).await;
    }

    /// A calendar with entries.
    pub async fn put_calendar(&self, id: &str, calendar: &Calendar, entries: &[Value]) {
        let mut session = self.session().await;
        let put = session.put_calendar(id, calendar).await;
        put.expect("the calendar is good");
        for (place, entry) in entries.iter().enumerate() {
            let entry: EntryContent = serde_json::from_value(entry.clone()).expect("an entry");
            let key = format!("{id}/{place}");
            let made = session.create_entry(id, &key, &entry).await;
            made.expect("the entry is good");
        }
        self.commit(session).await;
    }

    /// What `bursar init` makes.
    pub async fn put_entity(&self) {
        let entity = json!({
            "name": "Example Ltd", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "en", "mail_from": "office@example.com",
        });
        let entity: LegalEntity = serde_json::from_value(entity).expect("a legal entity");
        let mut session = self.session().await;
        let put = session.put_entity(ENTITY, &entity).await;
        put.expect("the entity is good");
        let parties = session.ensure_parties_collection().await;
        parties.expect("the collection is good");
        self.commit(session).await;
    }

    pub async fn define_collection(&self, slug: &str, definition: Value) {
        let collection: Collection = serde_json::from_value(definition).expect("a collection");
        let mut session = self.session().await;
        let defined = session.define_collection(slug, &collection).await;
        defined.expect("the collection is good");
        self.commit(session).await;
    }

    /// Counters and a customer.
    pub async fn put_books(&self) -> Books {
        let definition = json!({
            "schema": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}},
            "indexed": [{"name": "value", "type": "integer"}],
        });
        self.define_collection("counters", definition).await;
        let mut session = self.session().await;
        let mut counters = Vec::new();
        for place in 0..COUNTERS {
            let key = format!("counter/{place}");
            let made = session
                .create_record("counters", &key, &json!({"value": 0}))
                .await;
            counters.push(made.expect("a counter").id.to_string());
        }
        let party = json!({"name": "Example Customer GmbH", "kind": "customer"});
        let party = session.create_record("parties", "customer", &party).await;
        let party = party.expect("a party").id.to_string();
        self.commit(session).await;
        Books { counters, party }
    }

    /// Installs a guest and enables it under its name, with all that it asks for.
    pub async fn enable_guest(&self, name: &str) {
        let component = bursar_artifacts::guest(name);
        let inspection = inspect(&component).expect("the guest is a plugin");
        let kept = self.database.blobs().put(&component).await;
        kept.expect("the component is kept");
        let mut session = self.session().await;
        let asks = &inspection.manifest.permissions;
        let automation = Automation {
            plugin: inspection.digest.clone(),
            department: DEPARTMENT.to_owned(),
            legal_entity: ENTITY.to_owned(),
            config: json!({}),
            grants: asks
                .iter()
                .map(|ask| ask.permission.clone().into())
                .collect(),
            mode: Mode::Live,
            enabled: true,
        };
        let row = PluginRow {
            manifest: inspection.manifest.clone(),
            imports: inspection.imports.clone(),
            bytes: inspection.bytes,
        };
        let installed = session.install_plugin(&inspection.digest, &row).await;
        installed.expect("the plugin is accepted");
        let enabled = session.enable_automation(name, &automation).await;
        enabled.expect("the automation is enabled");
        self.commit(session).await;
    }

    /// Queues a run for each event, all in one commit; gives their ids.
    pub async fn queue(&self, automation: &str, events: &[Event]) -> Vec<String> {
        let mut session = self.session().await;
        let mut runs = Vec::with_capacity(events.len());
        for event in events {
            let queued = session.enqueue(automation, event).await;
            runs.push(queued.expect("the event is good"));
        }
        self.commit(session).await;
        runs
    }
}

/// The event of a run that a person starts.
pub fn manual(id: &str, input: Value) -> Event {
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
