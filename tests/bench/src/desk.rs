//! An administrator's desk: sessions on a database of its own, and what they commit.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use bursar_db::{Database, Keys, Options, Proposal, Verdict};
use bursar_domain::{
    manifest::{Authority, Limits},
    office::{Actor, Department, LegalEntity},
};
use bursar_office::{Context, Session};
use serde_json::json;

use crate::Fault;

/// The legal entity of every office here.
pub const ENTITY: &str = "main";
/// 2026-01-01T09:00:00Z: one clock for all runs, so that each writes the same number of bytes.
pub const NOW_US: i64 = 1_767_258_000_000_000;
/// Rows get ids that rise with time, so what is made together lies together, as it does in an office.
const BETWEEN_COMMITS_US: i64 = 50_000;

pub struct Desk {
    pub database: Database,
    sessions: AtomicU64,
}

/// From which everything secret of an office here is derived.
pub fn keys() -> Keys {
    Keys::derive(&[7; 32])
}

pub fn entity() -> Result<LegalEntity, Fault> {
    let entity = json!({
        "name": "Musterhandel GmbH", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "de-AT",
    });
    Ok(serde_json::from_value(entity)?)
}

impl Desk {
    /// A fresh database in a folder, with a legal entity and a department.
    pub async fn open(folder: &Path, readers_max: u32) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)?;
        let options = Options {
            url: format!("sqlite:{}", folder.join("bursar.db").display()),
            readers_max,
            database_bytes_max: None,
            keys: keys(),
        };
        let desk = Self {
            database: Database::open(&options, folder).await?,
            sessions: AtomicU64::new(0),
        };
        let mut session = desk.session();
        session.put_entity(ENTITY, &entity()?).await?;
        let department = Department {
            name: "Operations".to_owned(),
            ..Department::default()
        };
        session.put_department("operations", &department).await?;
        desk.commit(session).await?;
        Ok(desk)
    }

    /// An administrator's session; each makes other ids.
    pub fn session(&self) -> Session {
        Session::new(&self.database, self.context())
    }

    /// What such a session works with.
    pub fn context(&self) -> Context {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        Context {
            actor: Actor::new("person", "ada"),
            scope: format!("person:ada-{number}"),
            automation: None,
            depth: 0,
            legal_entity_id: String::new(),
            legal_entity: None,
            authority: Authority::Everything,
            now_us: NOW_US.saturating_add(i64::try_from(number).unwrap_or(0) * BETWEEN_COMMITS_US),
            seed,
            limits: Limits::unlimited(),
        }
    }

    pub async fn commit(&self, session: Session) -> Result<(), Fault> {
        match self.database.propose(proposal("prepare", session)).await? {
            Verdict::Committed { .. } => Ok(()),
            other => Err(format!("the office cannot be prepared: {other:?}").into()),
        }
    }
}

/// What an administrator did in a session.
pub fn proposal(cause: &str, session: Session) -> Proposal {
    let (draft, _) = session.into_parts();
    Proposal {
        author: Actor::new("person", "ada"),
        cause: cause.to_owned(),
        draft,
        settles: None,
    }
}
