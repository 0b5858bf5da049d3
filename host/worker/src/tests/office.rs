//! An office with a legal entity in Vienna, one in Tokyo, a department, and automations as each test needs them.

use std::sync::atomic::{AtomicU32, Ordering};

use bursar_db::{Database, Keys, Options, Proposal, SettledRun, Verdict};
use bursar_domain::{
    draft::Draft,
    manifest::{Authority, Limits, Manifest},
    office::{Actor, Automation, Department, LegalEntity, Mode, Plugin, Stop},
    run::Event,
};
use bursar_office::{Context, Session};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    explain::{Asked, Explanation, Question, explain},
    upcoming::{Upcoming, upcoming},
};

pub(super) struct Office {
    pub(super) database: Database,
    url: String,
    folder: TempDir,
}

/// A database of its own: its address, and the folder of its contents.
pub(super) type Place = (String, TempDir);

/// A place for SQLite.
pub(super) fn sqlite() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bursar.db");
    (format!("sqlite:{}", file.display()), folder)
}

/// A place for PostgreSQL, where the test runner started it.
pub(super) async fn postgres() -> Option<Place> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("BURSAR_TEST_POSTGRES") else {
        assert!(
            std::env::var_os("BURSAR_REQUIRE_ALL").is_none(),
            "BURSAR_TEST_POSTGRES is not set"
        );
        eprintln!("skipped: PostgreSQL (BURSAR_TEST_POSTGRES is not set)");
        return None;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("bursar_worker_{}_{place}", std::process::id());
    let keys = Keys::derive(&[7; 32]);
    let made = Database::new_postgres(&server, &name, folder.path(), keys);
    made.await.expect("a new database").close().await;
    let server = server.trim_end_matches('/');
    Some((format!("{server}/{name}"), folder))
}

async fn open((url, folder): (&str, &TempDir)) -> Database {
    let options = Options {
        url: url.to_owned(),
        readers_max: 4,
        database_bytes_max: None,
        keys: Keys::derive(&[7; 32]),
    };
    let opened = Database::open(&options, folder.path()).await;
    opened.expect("a database")
}

impl Office {
    /// Automations, each of a plugin with such triggers.
    pub(super) async fn with(automations: &[(&str, &str)]) -> Self {
        Self::at(sqlite(), automations).await
    }

    /// The same somewhere.
    pub(super) async fn at((url, folder): Place, automations: &[(&str, &str)]) -> Self {
        let office = Self {
            database: open((&url, &folder)).await,
            url,
            folder,
        };
        office
            .change(async |session| {
                for (id, zone) in [("acme", "Europe/Vienna"), ("over-there", "Asia/Tokyo")] {
                    session.put_entity(id, &entity(zone)).await?;
                }
                let name = "Finance".to_owned();
                session
                    .put_department(
                        "finance",
                        &Department {
                            name,
                            ..Department::default()
                        },
                    )
                    .await
            })
            .await;
        for (place, (id, triggers)) in automations.iter().enumerate() {
            let digest = format!("{place:064}");
            office
                .change(async |session| {
                    session.install_plugin(&digest, &plugin(triggers)).await?;
                    let entity = if *id == "tokyo" { "over-there" } else { "acme" };
                    session
                        .enable_automation(id, &automation(&digest, entity))
                        .await
                })
                .await;
        }
        office
    }

    /// The process ends, and another one opens the same folder.
    pub(super) async fn restart(&mut self) {
        self.database = open((&self.url, &self.folder)).await;
    }

    pub(super) async fn change(
        &self,
        change: impl AsyncFn(&mut Session) -> Result<(), bursar_office::Error>,
    ) {
        self.change_after(0, change).await;
    }

    /// A change that so many runs led to.
    pub(super) async fn change_after(
        &self,
        depth: u32,
        change: impl AsyncFn(&mut Session) -> Result<(), bursar_office::Error>,
    ) {
        let context = Context { depth, ..context() };
        let mut session = Session::new(&self.database, context);
        change(&mut session).await.expect("allowed");
        self.propose(session.into_parts().0, None).await;
    }

    pub(super) async fn propose(&self, draft: Draft, settles: Option<SettledRun>) {
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "test".to_owned(),
            draft,
            settles,
        };
        let verdict = self.database.propose(proposal).await.expect("an answer");
        assert!(matches!(verdict, Verdict::Committed { .. }), "{verdict:?}");
    }

    pub(super) async fn enqueue(&self, automation: &str, event: &Event) {
        self.change(async |session| session.enqueue(automation, event).await.map(drop))
            .await;
    }

    pub(super) async fn set_stop(&self, stopped: bool) {
        let reason = "an audit".to_owned();
        self.change(async |session| {
            let reason = reason.clone();
            session.set_stop(&Stop { stopped, reason }).await
        })
        .await;
    }

    /// Turns an automation on or off, now.
    pub(super) async fn switch(&self, id: &str, enabled: bool) {
        let now_us = self.database.now_us().await.expect("a clock");
        let context = Context {
            now_us,
            ..context()
        };
        let mut session = Session::new(&self.database, context);
        let automation = session.automation(id).await.expect("it is there").body;
        let automation = Automation {
            enabled,
            ..automation
        };
        let switched = session.enable_automation(id, &automation).await;
        switched.expect("allowed");
        self.propose(session.into_parts().0, None).await;
    }

    pub(super) async fn explain(&self, event: &str, asked: Option<Asked>) -> Explanation {
        let question = Question {
            event: event.to_owned(),
            department: None,
            asked,
            after: None,
            limit: 100,
        };
        explain(&self.database, &question)
            .await
            .expect("an explanation")
    }

    pub(super) async fn upcoming(&self, now_us: i64) -> Vec<Upcoming> {
        upcoming(&self.database, now_us).await.expect("the timers")
    }
}

/// Each session makes ids of its own.
fn context() -> Context {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut seed = [1; 32];
    for (byte, next) in seed
        .iter_mut()
        .zip(NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes())
    {
        *byte = next;
    }
    Context {
        actor: Actor::new("person", "ada"),
        scope: "person:ada".to_owned(),
        automation: None,
        depth: 0,
        legal_entity_id: String::new(),
        legal_entity: None,
        authority: Authority::Everything,
        now_us: 1,
        seed,
        limits: Limits::default(),
    }
}

fn entity(zone: &str) -> LegalEntity {
    serde_json::from_value(json!({
        "name": "Acme", "zone": zone, "base_currency": "EUR", "locale": "de-AT"
    }))
    .expect("an entity")
}

fn plugin(triggers: &str) -> Plugin {
    let head = "name = 'sample'\nversion = '1.0.0'\npublisher = 'Example'\ndescription = 'None.'\n";
    Plugin {
        manifest: Manifest::parse(&format!("{head}{triggers}")).expect("a good manifest"),
        imports: Vec::new(),
        bytes: 1,
    }
}

fn automation(digest: &str, entity: &str) -> Automation {
    Automation {
        plugin: digest.to_owned(),
        department: "finance".to_owned(),
        legal_entity: entity.to_owned(),
        config: json!({}),
        grants: Vec::new(),
        mode: Mode::Live,
        enabled: true,
    }
}
