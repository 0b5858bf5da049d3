//! A host in process: a folder of its own with SQLite, the sandbox, a worker.
//!
//! Everything is made with fixed keys and seeds at the times that the case names, so that two stages with the same history
//! have the same ids.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use bursar_db::{Database, Keys, Proposal, Verdict};
use bursar_domain::{
    draft::Change,
    log::sha256_hex,
    manifest::{Manifest, Permission},
    office::{Actor, Automation, Department, LegalEntity, Plugin as PluginRow},
    row::Seq,
    run::Event,
};
use bursar_office::{Context, Session};
use bursar_runtime::{Inspection, Runtime, inspect};
use bursar_worker::{Preview, Transport, Worker};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The legal entity that automations work for.
pub const ENTITY: &str = "entity-1";
/// The department that automations work for.
pub const DEPARTMENT: &str = "finance";
const MASTER_KEY: [u8; 32] = [7; 32];

/// A host with a database and a worker.
pub struct Stage {
    /// The data.
    pub database: Database,
    worker: Worker,
    sessions: AtomicU64,
    _folder: TempDir,
}

/// What became of a run.
#[derive(Debug)]
pub struct Run {
    /// Outcome, logs and usage, as the host keeps them.
    pub report: Value,
    /// What its commit changed; of a run that failed that is its notice.
    pub changes: Vec<Change>,
}

/// Runs something on the host's libraries.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime starts").block_on(work)
}

/// The sandbox of all stages: what it has compiled once is there for the next one.
fn sandbox() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::new(bursar_runtime::Settings::default()).expect("the sandbox starts")
    })
}

/// A stored shape; by its JSON, so that members that come later keep their defaults here.
fn shape<T: DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("the shape is the host's")
}

impl Stage {
    /// An organisation with a legal entity, a department and the collection of parties.
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = Keys::derive(&MASTER_KEY);
        let database = Database::open_sqlite(folder.path(), keys.clone())
            .await
            .expect("a fresh database");
        let transport = Transport::folder(&folder.path().join("mail")).expect("a folder for mail");
        let worker = Worker::new(
            database.clone(),
            sandbox().clone(),
            transport,
            *keys.seed(),
            bursar_worker::Settings::default(),
        );
        let stage = Self {
            database,
            worker,
            sessions: AtomicU64::new(0),
            _folder: folder,
        };
        stage.put_organisation().await;
        stage
    }

    async fn put_organisation(&self) {
        let mut session = self.session(0);
        self.put_entity(&mut session, ENTITY).await;
        let department: Department = shape(json!({"name": "Finance"}));
        let put = session.put_department(DEPARTMENT, &department).await;
        put.expect("the department is good");
        let parties = session.ensure_parties_collection().await;
        parties.expect("the collection is good");
        self.commit(session).await;
    }

    /// Makes a legal entity in Vienna.
    pub(crate) async fn put_entity(&self, session: &mut Session, id: &str) {
        let entity: LegalEntity = shape(json!({
            "name": "Steinadler Service GmbH", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "en",
            "mail_from": "office@steinadler.example",
        }));
        let put = session.put_entity(id, &entity).await;
        put.expect("the entity is good");
    }

    /// The worker of this host.
    pub fn worker(&self) -> Worker {
        self.worker.clone()
    }

    /// An administrator's session at an instant, in microseconds UTC.
    pub fn session(&self, now_us: i64) -> Session {
        let ordinal = self.sessions.fetch_add(1, Ordering::Relaxed);
        let mut seed = [0; 32];
        let digest = sha256_hex(format!("session {ordinal}").as_bytes());
        for (byte, digit) in seed.iter_mut().zip(digest.bytes()) {
            *byte = digit;
        }
        let actor = Actor::new("person", "ada");
        let context = Context::of_host(actor, "person:ada", now_us, seed);
        Session::new(&self.database, context)
    }

    /// Commits what a session drafted, if it drafted anything.
    pub async fn commit(&self, session: Session) -> Option<Seq> {
        let draft = session.into_parts().0;
        if draft.is_empty() {
            return None;
        }
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "case".to_owned(),
            draft,
            settles: None,
        };
        match self.database.propose(proposal).await {
            Ok(Verdict::Committed { seq, .. }) => Some(seq),
            other => panic!("not committed: {other:?}"),
        }
    }

    /// Installs a component and enables it under its plugin's name. `grants` picks among what its manifest asks for.
    pub async fn enable(
        &self,
        component: &[u8],
        config: &Value,
        grants: impl Fn(&Permission) -> bool,
    ) -> Manifest {
        let Inspection {
            digest,
            bytes,
            manifest,
            imports,
            wasi,
        } = inspect(component).expect("the component is a plugin");
        assert!(wasi.is_empty(), "it imports {wasi:?}");
        let kept = self.database.blobs().put(component).await;
        kept.expect("the component is kept");
        let granted: Vec<&Permission> = manifest
            .permissions
            .iter()
            .map(|ask| &ask.permission)
            .filter(|permission| grants(permission))
            .collect();
        let automation: Automation = shape(json!({
            "plugin": digest, "department": DEPARTMENT, "legal_entity": ENTITY, "config": config, "grants": granted,
            "mode": "live", "enabled": true,
        }));
        let row: PluginRow =
            shape(json!({"manifest": manifest, "imports": imports, "bytes": bytes}));
        let mut session = self.session(0);
        let installed = session.install_plugin(&digest, &row).await;
        installed.expect("the plugin is accepted");
        let enabled = session.enable_automation(&manifest.name, &automation).await;
        enabled.expect("the automation is enabled");
        self.commit(session).await;
        manifest
    }

    /// What the run of an event would do.
    pub async fn preview(&self, automation: &str, event: &Event) -> Preview {
        let preview = self.worker.preview(automation, event).await;
        preview.expect("the host is well")
    }

    /// Queues the run of an event and works it off.
    pub async fn run(&self, automation: &str, event: &Event) -> Run {
        let mut session = self.session(event.time_us);
        let queued = session.enqueue(automation, event).await;
        let id = queued.expect("the event is good");
        self.commit(session).await;
        self.worker.work_off_runs().await.expect("the host is well");
        let run = self.database.run(&id).await;
        let run = run
            .expect("the database answers")
            .expect("the run is known");
        let seq = run.settled_seq.expect("the run is settled");
        let changes = self.database.changes_of(seq).await;
        Run {
            report: run.report,
            changes: changes.expect("the run's commit"),
        }
    }

    /// Closes the host, once its log fits everything else.
    pub async fn close(self) {
        let found = self.database.verify(None).await.expect("a verification");
        assert!(found.is_clean(), "{:#?}", found.findings);
        self.database.close().await;
    }
}
