//! An office with a legal entity in Vienna, one in Tokyo, a department, and automations as each test needs them.

use bursar_db::{Database, Keys, Proposal, SettledRun, Verdict};
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
    folder: TempDir,
}

impl Office {
    /// Automations, each of a plugin with such triggers.
    pub(super) async fn with(automations: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(folder.path(), Keys::derive(&[7; 32]))
            .await
            .expect("a fresh database");
        let office = Self { database, folder };
        office
            .change(async |session| {
                for (id, zone) in [("acme", "Europe/Vienna"), ("over-there", "Asia/Tokyo")] {
                    session.put_entity(id, &entity(zone)).await?;
                }
                let name = "Finance".to_owned();
                session
                    .put_department("finance", &Department { name })
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
        let keys = Keys::derive(&[7; 32]);
        self.database = Database::open_sqlite(self.folder.path(), keys)
            .await
            .expect("the same database");
    }

    pub(super) async fn change(
        &self,
        change: impl AsyncFn(&mut Session) -> Result<(), bursar_office::Error>,
    ) {
        let mut session = Session::new(&self.database, context());
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

    pub(super) async fn explain(
        &self,
        event: &str,
        asked: Option<Asked>,
        now_us: i64,
    ) -> Explanation {
        let question = Question {
            event: event.to_owned(),
            department: None,
            asked,
            after: None,
            limit: 100,
        };
        explain(&self.database, &question, now_us)
            .await
            .expect("an explanation")
    }

    pub(super) async fn upcoming(&self, now_us: i64) -> Vec<Upcoming> {
        upcoming(&self.database, now_us).await.expect("the timers")
    }
}

fn context() -> Context {
    Context {
        actor: Actor::new("person", "ada"),
        scope: "person:ada".to_owned(),
        automation: None,
        legal_entity_id: String::new(),
        legal_entity: None,
        authority: Authority::Everything,
        now_us: 1,
        seed: [1; 32],
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
