//! A small office, and runs in it.

use std::sync::OnceLock;

use bursar_db::{Database, Keys, Proposal, Verdict};
use bursar_domain::{
    draft::Draft,
    manifest::{Authority, Limits, Manifest},
    office::{Actor, Automation, Collection, LegalEntity, Mode},
    run::{Claim, Event, Outcome, RunReport, Trigger},
};
use bursar_office::{Context, Session};
use bursar_runtime::{Error, Plugin, Runtime, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The runs' clock: 2026-03-02T09:00:00Z.
pub const NOW_US: i64 = 1_772_442_000_000_000;
const ENTITY: &str = "acme";

/// A database with one legal entity, three counters and one customer.
pub struct Office {
    pub database: Database,
    pub counters: Vec<String>,
    pub party: String,
    pub document: String,
    _folder: TempDir,
}

/// The sandbox that all tests of the process share.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::new(Settings {
            instances_max: 8,
            ..Settings::default()
        })
        .expect("the sandbox starts")
    })
}

pub fn plugin(guest: &str) -> Plugin {
    runtime()
        .load(&bursar_artifacts::guest(guest))
        .expect("the guest is a plugin")
}

/// Three records of this collection are there from the start.
fn counters() -> Collection {
    let definition = json!({
        "schema": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}},
        "indexed": [{"name": "value", "type": "integer"}],
    });
    serde_json::from_value(definition).expect("a collection")
}

fn legal_entity() -> LegalEntity {
    let entity = json!({
        "name": "Acme Ltd", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "de-AT", "mail_from": "office@example.com",
    });
    serde_json::from_value(entity).expect("a legal entity")
}

impl Office {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(folder.path(), Keys::derive(&[1; 32]))
            .await
            .expect("a fresh database");
        let mut session = Session::new(
            &database,
            context("set-up", Authority::Everything, Limits::default()),
        );
        session
            .put_entity(ENTITY, &legal_entity())
            .await
            .expect("the entity is good");
        session
            .define_collection("counters", &counters())
            .await
            .expect("the collection is good");
        session.ensure_parties_collection().await.expect("parties");
        let mut ids = Vec::new();
        for key in ["a", "b", "c"] {
            let made = session
                .create_record("counters", key, &json!({"value": 0}))
                .await
                .expect("a counter");
            ids.push(made.id.to_string());
        }
        let body = json!({"name": "Example GmbH", "kind": "customer"});
        let party = session
            .create_record("parties", "p", &body)
            .await
            .expect("a party")
            .id
            .to_string();
        let document = session
            .add_document("inbox", "note.txt", "text/plain", b"twelve bytes")
            .await
            .expect("a document");
        let office = Self {
            database,
            counters: ids,
            party,
            document: document.id.to_string(),
            _folder: folder,
        };
        office.commit(session.into_parts().0).await;
        office
    }

    /// Commits a draft.
    pub async fn commit(&self, draft: Draft) {
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "test".to_owned(),
            draft,
            settles: None,
        };
        let verdict = self
            .database
            .propose(proposal)
            .await
            .expect("the committer answers");
        assert!(matches!(verdict, Verdict::Committed { .. }), "{verdict:?}");
    }

    /// Executes a guest once, with what its manifest asks for granted.
    pub async fn execute(
        &self,
        guest: &str,
        input: Value,
        limits: Limits,
    ) -> Result<RunReport, Error> {
        self.execute_in(runtime(), &plugin(guest), input, limits)
            .await
    }

    /// As [`Office::execute`], in a sandbox of the test's own.
    pub async fn execute_in(
        &self,
        sandbox: &Runtime,
        plugin: &Plugin,
        input: Value,
        limits: Limits,
    ) -> Result<RunReport, Error> {
        let manifest = &plugin.inspection().manifest;
        let claim = claim(&manifest.name, input, limits.clone());
        let session = Session::new(
            &self.database,
            context(&manifest.name, granted(manifest), limits),
        );
        sandbox.execute(plugin, &claim, session).await
    }

    /// As [`Office::execute`], with default limits; the host has no trouble.
    pub async fn run(&self, guest: &str, input: Value) -> RunReport {
        self.execute(guest, input, Limits::default())
            .await
            .expect("the host has no trouble")
    }

    /// Executes `errand` with a list of steps, gives what it says of each.
    pub async fn errand(&self, steps: Value) -> Vec<String> {
        let report = self.run("errand", steps).await;
        let Outcome::Succeeded(summary) = report.outcome else {
            panic!("{:?}", report.outcome)
        };
        summary.text.lines().map(str::to_owned).collect()
    }
}

fn granted(manifest: &Manifest) -> Authority {
    Authority::Granted(
        manifest
            .permissions
            .iter()
            .map(|ask| ask.permission.clone())
            .collect(),
    )
}

fn context(automation: &str, authority: Authority, limits: Limits) -> Context {
    Context {
        actor: Actor::new("automation", automation),
        scope: format!("automation:{automation}"),
        automation: Some(automation.to_owned()),
        depth: 1,
        legal_entity_id: ENTITY.to_owned(),
        legal_entity: Some(legal_entity()),
        authority,
        now_us: NOW_US,
        seed: [2; 32],
        limits,
    }
}

fn claim(automation: &str, input: Value, limits: Limits) -> Claim {
    Claim {
        run: "run-1".to_owned(),
        fence: 1,
        attempt: 1,
        automation_id: automation.to_owned(),
        automation: Automation {
            plugin: String::new(),
            department: "finance".to_owned(),
            legal_entity: ENTITY.to_owned(),
            config: json!({}),
            grants: Vec::new(),
            mode: Mode::Live,
            enabled: true,
        },
        legal_entity: legal_entity(),
        ceiling: None,
        event: Event {
            id: "event-1".to_owned(),
            source: "manual".to_owned(),
            event_type: "manual.started".to_owned(),
            time_us: NOW_US,
            actor: Actor::new("person", "ada"),
            depth: 0,
            trigger: Trigger::Manual {
                input,
                subjects: Vec::new(),
            },
        },
        limits,
        seed: [2; 32],
        time_us: NOW_US,
    }
}
