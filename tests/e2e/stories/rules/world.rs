//! An office in process: its data, its books, a worker on them.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use bursar_db::{Keys, Query, RunState};
use bursar_domain::{
    draft::Direction,
    manifest::{Authority, Grant},
    office::{Actor, Automation, LegalEntity, Mode},
    row::{Kind, Seq},
    run::{Claim, Event},
};
use bursar_office::{
    Context, Session,
    describe::{RowDiff, describe_commit},
    run_id, run_seed,
};
use bursar_runtime::{Plugin, Runtime};
use bursar_worker::{Transport, Worker};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::office::{Books, DEPARTMENT, ENTITY, NOW_US, Office};

const GUESTS: [&str; 4] = ["counter", "errand", "dice", "halfway"];

/// The sandbox of all offices: what it has compiled once is there for the next one.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::new(bursar_runtime::Settings::default()).expect("the sandbox starts")
    })
}

pub fn plugin(guest: &str) -> Plugin {
    runtime()
        .load(&bursar_artifacts::guest(guest))
        .expect("the guest is a plugin")
}

/// An office with a worker.
pub struct World {
    pub office: Office,
    pub books: Books,
    pub worker: Worker,
    keys: Keys,
    _folder: TempDir,
}

/// What an office holds: every business row, and its queues.
#[derive(Debug, PartialEq)]
pub struct Holdings {
    pub rows: BTreeMap<String, Value>,
    pub messages: Vec<(String, i64)>,
}

impl World {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = Keys::derive(&[7; 32]);
        let database = bursar_db::Database::open_sqlite(folder.path(), keys.clone()).await;
        let office = Office::on(database.expect("a fresh database"));
        office.put_entity().await;
        office.put_department().await;
        let books = office.put_books().await;
        for guest in GUESTS {
            office.enable_guest(guest).await;
        }
        let transport = Transport::folder(&folder.path().join("mail")).expect("a folder for mail");
        let settings = bursar_worker::Settings::default();
        let worker = Worker::new(
            office.database.clone(),
            runtime().clone(),
            transport,
            *keys.seed(),
            settings,
        );
        Self {
            office,
            books,
            worker,
            keys,
            _folder: folder,
        }
    }

    pub async fn head(&self) -> Seq {
        self.office.database.snapshot().seq().await.expect("a head")
    }

    pub async fn holdings(&self) -> Holdings {
        let places = [
            (Kind::Record, "counters"),
            (Kind::Invoice, ""),
            (Kind::Series, ENTITY),
            (Kind::Task, ""),
            (Kind::State, "errand"),
            (Kind::State, "dice"),
            (Kind::State, "halfway"),
        ];
        let mut rows = BTreeMap::new();
        let mut snapshot = self.office.database.snapshot();
        for (kind, collection) in places {
            let query = Query {
                kind,
                collection: Arc::from(collection),
                conditions: Vec::new(),
                order: None,
                direction: Direction::Ascending,
                after: None,
                limit: 100_000,
            };
            let page = snapshot.list(&query).await.expect("a listing");
            rows.extend(
                page.rows
                    .into_iter()
                    .map(|(_, row)| (row.key.to_string(), (*row.body).clone())),
            );
        }
        let messages = self.office.database.outbox_counted().await;
        Holdings {
            rows,
            messages: messages.expect("a count"),
        }
    }

    /// Queues the run of an event and works it off; gives how it ended and the commit that settled it.
    pub async fn run(&self, guest: &str, event: &Event) -> (RunState, Seq) {
        let queued = self.office.queue(guest, std::slice::from_ref(event)).await;
        self.worker.work_off_runs().await.expect("the worker works");
        let id = queued.first().expect("one run");
        let run = self.office.database.run(id).await;
        let run = run
            .expect("the database answers")
            .expect("the run is known");
        (run.state, run.settled_seq.expect("the run is settled"))
    }

    pub async fn diffs(&self, seq: Seq) -> Vec<RowDiff> {
        describe_commit(&self.office.database, seq)
            .await
            .expect("a commit can be described")
    }

    pub async fn assert_clean(&self) {
        let found = self
            .office
            .database
            .verify(None)
            .await
            .expect("a verification");
        assert!(found.is_clean(), "{:#?}", found.findings);
    }

    /// The claim that a worker would make of an event, and a session on the present snapshot.
    pub fn claim(&self, plugin: &Plugin, event: &Event) -> (Claim, Session) {
        let inspection = plugin.inspection();
        let name = &inspection.manifest.name;
        let asks = &inspection.manifest.permissions;
        let grants: Vec<_> = asks.iter().map(|ask| ask.permission.clone()).collect();
        let entity = json!({"name": "Example Ltd", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "en"});
        let legal_entity: LegalEntity = serde_json::from_value(entity).expect("a legal entity");
        let claim = Claim {
            run: run_id(name, &event.id),
            fence: 1,
            attempt: 1,
            automation_id: name.clone(),
            automation: Automation {
                plugin: inspection.digest.clone(),
                department: DEPARTMENT.to_owned(),
                legal_entity: ENTITY.to_owned(),
                config: json!({}),
                grants: grants.iter().cloned().map(Grant::from).collect(),
                mode: Mode::Live,
                enabled: true,
            },
            legal_entity: legal_entity.clone(),
            ceiling: None,
            event: event.clone(),
            limits: inspection.manifest.limits.clone(),
            seed: run_seed(self.keys.seed(), name, &event.id),
            time_us: NOW_US,
        };
        let context = Context {
            actor: Actor::new("automation", name),
            scope: format!("automation:{name}"),
            automation: Some(name.clone()),
            depth: 1,
            legal_entity_id: ENTITY.to_owned(),
            legal_entity: Some(legal_entity),
            authority: Authority::Granted(grants),
            now_us: NOW_US,
            seed: claim.seed,
            limits: claim.limits.clone(),
        };
        (claim, Session::new(&self.office.database, context))
    }
}
