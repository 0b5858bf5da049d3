//! An invented organisation that the tests work in.

use std::sync::atomic::{AtomicU32, Ordering};

use bursar_db::{Database, Keys, Proposal, Verdict};
use bursar_domain::{
    business::BusinessCalendar,
    decimal::Decimal,
    invoice::{Flow, InvoiceContent, InvoiceKind, Line},
    manifest::{Authority, Limits, Manifest, Permission},
    money::Money,
    office::{Actor, Collection, Department, LegalEntity, PARTIES},
    totals::Tax,
};
use bursar_office::{Context, Error, Session, payments::NewPayment};
use jiff::civil::{Weekday, date};
use serde_json::{Value, json};
use tempfile::TempDir;

/// 2026-03-02T09:00:00Z.
pub const NOW_US: i64 = 1_772_442_000_000_000;
pub const ENTITY: &str = "acme";

fn keys() -> Keys {
    Keys::derive(&[7; 32])
}

/// A database with a legal entity, two parties and a collection "notes".
pub struct Organisation {
    pub database: Database,
    pub customer: String,
    pub supplier: String,
    sessions: u64,
    _folder: TempDir,
}

pub fn entity() -> LegalEntity {
    LegalEntity {
        name: "Acme GmbH".to_owned(),
        zone: "Europe/Vienna".to_owned(),
        base_currency: "EUR".to_owned(),
        fiscal_year_start_month: 1,
        locale: "de-AT".to_owned(),
        lock_date: Some(date(2025, 12, 31)),
        bank_accounts: vec!["AT611904300234573201".to_owned()],
        mail_from: "office@acme.example".to_owned(),
        write_off_max: None,
        vat_id: None,
        tax_number: None,
        company_id: None,
        address: None,
    }
}

pub fn notes() -> Collection {
    serde_json::from_value(json!({
        "schema": {
            "type": "object",
            "required": ["title"],
            "properties": {
                "title": {"type": "string", "minLength": 1},
                "rank": {"type": "integer"},
                "mail": {"type": "string", "format": "email"},
                "when": {"type": "string", "format": "date"}
            }
        },
        "indexed": [
            {"name": "title", "type": "text"}, {"name": "rank", "type": "integer"}, {"name": "mail", "type": "text"}
        ],
        "unique": ["mail"]
    }))
    .expect("a good definition")
}

impl Organisation {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(folder.path(), keys())
            .await
            .expect("a fresh database");
        Self::founded(database, folder).await
    }

    /// One on SQLite, and one on PostgreSQL where the test runner started it.
    pub async fn open_on_both() -> Vec<Self> {
        let mut found = Vec::new();
        for (database, folder) in Self::nothing_on_both().await {
            found.push(Self::founded(database, folder).await);
        }
        found
    }

    /// Databases with nothing in them: one on SQLite, and one on PostgreSQL where the test runner started it.
    pub async fn nothing_on_both() -> Vec<(Database, TempDir)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(folder.path(), keys())
            .await
            .expect("a fresh database");
        let mut found = vec![(database, folder)];
        let Ok(server) = std::env::var("BURSAR_TEST_POSTGRES") else {
            assert!(
                std::env::var_os("BURSAR_REQUIRE_ALL").is_none(),
                "BURSAR_TEST_POSTGRES is not set"
            );
            eprintln!("skipped: PostgreSQL (BURSAR_TEST_POSTGRES is not set)");
            return found;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = format!(
            "bursar_office_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let database = Database::new_postgres(&server, &name, folder.path(), keys())
            .await
            .expect("a new database");
        found.push((database, folder));
        found
    }

    async fn founded(database: Database, folder: TempDir) -> Self {
        let (customer, supplier) = (String::new(), String::new());
        let mut office = Self {
            database,
            customer,
            supplier,
            sessions: 0,
            _folder: folder,
        };
        let mut session = office.person();
        session
            .put_entity(ENTITY, &entity())
            .await
            .expect("an entity");
        let department = Department {
            name: "Finance".to_owned(),
            ..Department::default()
        };
        session
            .put_department("finance", &department)
            .await
            .expect("a department");
        let weekend = [Weekday::Saturday, Weekday::Sunday];
        let calendar = BusinessCalendar::new(weekend, [date(2026, 4, 6)], 1).expect("a calendar");
        session
            .put_business_calendar("vienna", &calendar)
            .await
            .expect("a calendar");
        session
            .ensure_parties_collection()
            .await
            .expect("the parties' collection");
        session
            .define_collection("notes", &notes())
            .await
            .expect("a collection");
        office.customer = party(&mut session, "Blue Door Ltd", "customer").await;
        office.supplier = party(&mut session, "Paper Mill KG", "supplier").await;
        office.commit(session).await;
        office
    }

    /// A session of the administrator.
    pub fn person(&mut self) -> Session {
        self.session(None, Authority::Everything)
    }

    /// A session of an automation with such grants.
    pub fn automation(&mut self, grants: &[Permission]) -> Session {
        self.session(Some("helper"), Authority::Granted(grants.to_vec()))
    }

    fn session(&mut self, automation: Option<&str>, authority: Authority) -> Session {
        self.sessions += 1;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.sessions.to_le_bytes());
        Session::new(&self.database, context(automation, authority, seed))
    }

    /// Commits what a session drafted.
    pub async fn commit(&self, session: Session) -> Verdict {
        let verdict = self.propose(session).await;
        assert!(matches!(verdict, Verdict::Committed { .. }), "{verdict:?}");
        verdict
    }

    /// Asks for what a session drafted to be committed.
    pub async fn propose(&self, session: Session) -> Verdict {
        let author = session.context().actor.clone();
        let (draft, _) = session.into_parts();
        let proposal = Proposal {
            author,
            cause: "test".to_owned(),
            draft,
            settles: None,
        };
        self.database
            .propose(proposal)
            .await
            .expect("the database answers")
    }
}

pub fn context(automation: Option<&str>, authority: Authority, seed: [u8; 32]) -> Context {
    let (kind, name) = automation.map_or(("person", "ada"), |name| ("automation", name));
    Context {
        actor: Actor::new(kind, name),
        scope: format!("{kind}:{name}"),
        automation: automation.map(str::to_owned),
        depth: u32::from(automation.is_some()),
        legal_entity_id: ENTITY.to_owned(),
        legal_entity: Some(entity()),
        authority,
        now_us: NOW_US,
        seed,
        limits: Limits::default(),
    }
}

async fn party(session: &mut Session, name: &str, kind: &str) -> String {
    let body = json!({"name": name, "kind": kind, "key": name});
    session
        .create_record(PARTIES, name, &body)
        .await
        .expect("a party")
        .id
        .to_string()
}

/// A record of "notes".
pub async fn note(session: &mut Session, title: &str, rank: Option<i64>) -> String {
    let body = rank.map_or_else(
        || json!({"title": title}),
        |rank| json!({"title": title, "rank": rank}),
    );
    session
        .create_record("notes", title, &body)
        .await
        .expect("a note")
        .id
        .to_string()
}

pub fn grant(value: Value) -> Permission {
    serde_json::from_value(value).expect("a permission")
}

pub fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().expect("a currency"))
}

/// One line without tax, so that the gross amount is the price.
pub fn content(flow: Flow, party: &str, price: &str) -> InvoiceContent {
    let decimal = |text: &str| Decimal::parse(text).expect("a decimal");
    InvoiceContent {
        flow,
        kind: InvoiceKind::Invoice,
        legal_entity: ENTITY.to_owned(),
        party: party.to_owned(),
        currency: "EUR".to_owned(),
        supply_date: None,
        due_date: Some(date(2026, 3, 31)),
        lines: vec![Line {
            takes_back: None,
            description: "Work".to_owned(),
            quantity: decimal("1"),
            unit: "HUR".to_owned(),
            unit_price: decimal(price),
            tax: Tax {
                category: "E".to_owned(),
                rate: decimal("0"),
            },
            adjustments: Vec::new(),
            extra: Value::Null,
        }],
        adjustments: Vec::new(),
        supplier_number: None,
        supplier_date: None,
        prepaid: None,
        rounding: None,
        corrects: None,
        extra: Value::Null,
    }
}

/// Money that came in.
pub fn payment(reference: &str, minor: i64) -> NewPayment {
    NewPayment {
        flow: Flow::Receivable,
        legal_entity: ENTITY.to_owned(),
        party: None,
        amount: eur(minor),
        value_date: date(2026, 3, 1),
        bank_reference: reference.to_owned(),
        bank_account: "AT611904300234573201".to_owned(),
        text: "thank you".to_owned(),
        extra: json!({}),
    }
}

/// A manifest that asks for these permissions, with a config and an input schema.
pub fn manifest(permissions: &str) -> Manifest {
    let text = format!(
        r#"
        name = "helper"
        version = "1.0.0"
        publisher = "Example"
        description = "Helps."
        [[triggers]]
        kind = "manual"
        [[triggers]]
        kind = "timer"
        name = "nightly"
        cron = "0 2 * * *"
        {permissions}
        [config]
        type = "object"
        required = ["folder"]
        [config.properties.folder]
        type = "string"
        [input]
        type = "object"
        [input.properties.document]
        type = "string"
        "#
    );
    Manifest::parse(&text).expect("a good manifest")
}

/// The code of the first problem of an error.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("an error is expected");
    assert!(!error.is_host(), "{error}");
    error
        .problems()
        .into_iter()
        .next()
        .map(|problem| problem.code)
        .unwrap_or_default()
}

/// Every pointer and code of an error.
pub fn faults<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<(String, String)> {
    let error = result.expect_err("an error is expected");
    assert!(!error.is_host(), "{error}");
    error
        .problems()
        .into_iter()
        .map(|problem| (problem.pointer, problem.code))
        .collect()
}
