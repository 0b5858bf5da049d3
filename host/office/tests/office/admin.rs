//! The organisation, plugins, automations, runs, and how a draft reads.

use bursar_domain::{
    manifest::{Grant, Permission},
    office::{Actor, Automation, Collection, Mode, Plugin, Stop, Timer},
    run::{Event, Trigger},
};
use bursar_office::{
    Session,
    describe::{DiffKind, describe, to_text},
    run_id,
};
use serde_json::{Value, json};

use crate::organisation::{
    ENTITY, NOW_US, Organisation, code, entity, faults, grant, manifest, notes,
};

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn plugin() -> Plugin {
    let permissions = r#"
        [[permissions]]
        kind = "records"
        collection = "notes"
        operations = ["read", "create"]
        reason = "to keep notes"
        [[permissions]]
        kind = "calendars"
        calendar = "desk"
        operations = ["read", "create"]
        reason = "to plan"
        [[permissions]]
        kind = "messages"
        recipients = ["*.example.com"]
        reason = "to write to people"
    "#;
    Plugin {
        manifest: manifest(permissions),
        imports: vec!["records.get".to_owned()],
        bytes: 1,
    }
}

fn automation(grants: Vec<Permission>, config: Value) -> Automation {
    Automation {
        plugin: DIGEST.to_owned(),
        department: "finance".to_owned(),
        legal_entity: ENTITY.to_owned(),
        config,
        grants: grants.into_iter().map(Grant::from).collect(),
        mode: Mode::Live,
        enabled: true,
    }
}

fn event(id: &str, trigger: Trigger) -> Event {
    Event {
        id: id.to_owned(),
        source: "manual".to_owned(),
        event_type: "manual.started".to_owned(),
        time_us: NOW_US,
        actor: Actor::new("person", "ada"),
        depth: 0,
        trigger,
    }
}

fn by_hand(input: Value) -> Trigger {
    Trigger::Manual {
        input,
        subjects: Vec::new(),
    }
}

/// Enables "helper" for finance.
pub async fn with_automation(office: &mut Organisation) -> Session {
    let mut session = office.person();
    session
        .install_plugin(DIGEST, &plugin())
        .await
        .expect("installed");
    session
        .enable_automation("helper", &automation(Vec::new(), json!({"folder": "in"})))
        .await
        .expect("enabled");
    office.commit(session).await;
    office.person()
}

#[tokio::test]
async fn putting_the_same_again_changes_nothing() {
    let mut office = Organisation::open().await;
    let mut session = with_automation(&mut office).await;
    session
        .put_entity(ENTITY, &entity())
        .await
        .expect("the same");
    session.ensure_parties_collection().await.expect("the same");
    session
        .define_collection("notes", &notes())
        .await
        .expect("the same");
    session
        .install_plugin(DIGEST, &plugin())
        .await
        .expect("the same");
    session
        .enable_automation("helper", &automation(Vec::new(), json!({"folder": "in"})))
        .await
        .expect("the same");
    assert!(session.draft().is_empty());
    let stop = Stop {
        stopped: true,
        reason: "an audit".to_owned(),
    };
    session.set_stop(&stop).await.expect("stopped");
    assert_eq!(session.stop().await.expect("read"), stop);
}

#[tokio::test]
async fn an_automation_is_granted_no_more_than_its_departments_ceiling() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    session
        .install_plugin(DIGEST, &plugin())
        .await
        .expect("installed");
    let mut check = async |ceiling: Value, grants: Value| {
        let department = json!({"name": "Finance", "ceiling": ceiling});
        let department = serde_json::from_value(department).expect("a department");
        let put = session.put_department("finance", &department).await;
        put.expect("put");
        let grants: Vec<Value> = serde_json::from_value(grants).expect("grants");
        let grants = grants.into_iter().map(grant).collect();
        let automation = automation(grants, json!({"folder": "in"}));
        session.enable_automation("helper", &automation).await
    };
    let read = json!({"kind": "records", "collection": "notes", "operations": ["read"]});
    let bounded = json!({
        "kind": "records", "collection": "notes", "operations": ["read"], "fields": ["title"], "rows": {"rank": [1, null]},
    });
    check(json!(null), json!([read])).await.expect("no ceiling");
    check(json!([read]), json!([read, bounded]))
        .await
        .expect("not above it");
    let found = faults(check(json!([]), json!([read])).await);
    assert_eq!(
        found,
        [("/grants/0".to_owned(), "ceiling-exceeded".to_owned())]
    );
    let found = faults(check(json!([bounded]), json!([bounded, read])).await);
    assert_eq!(
        found,
        [("/grants/1".to_owned(), "ceiling-exceeded".to_owned())]
    );
    let narrower = json!({
        "kind": "records", "collection": "notes", "operations": ["read"], "fields": [], "rows": {"rank": [1]},
    });
    check(json!([bounded]), json!([narrower]))
        .await
        .expect("narrower");
    check(json!([]), json!([]))
        .await
        .expect("nothing is always allowed");
    let odd = json!({
        "kind": "records", "collection": "notes", "operations": ["read"], "class": "public",
        "rows": {"rank": [], "title": [["a"]], "mail": [1.5, null]},
    });
    let pointers = |place: &str| {
        let of = |name: &str| (format!("/{place}/0/{name}"), "out-of-range".to_owned());
        ["class", "rows/mail", "rows/rank", "rows/title"].map(of)
    };
    let found = faults(check(json!([read]), json!([odd])).await);
    assert_eq!(found, pointers("grants"));
    let many = vec![read; 201];
    let found = faults(check(json!([]), json!(many)).await);
    assert_eq!(found, [("/grants".to_owned(), "too-many".to_owned())]);
    let department = json!({"name": "Finance", "ceiling": [odd]});
    let department = serde_json::from_value(department).expect("a department");
    let put = session.put_department("finance", &department).await;
    assert_eq!(faults(put), pointers("ceiling"));
}

#[tokio::test]
async fn an_automation_gets_what_its_manifest_asks_for_or_less() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    session
        .install_plugin(DIGEST, &plugin())
        .await
        .expect("installed");
    let mut check = async |grants: &[Value]| {
        let grants = grants.iter().cloned().map(grant).collect();
        session
            .enable_automation("helper", &automation(grants, json!({"folder": "in"})))
            .await
    };
    check(&[json!({"kind": "records", "collection": "notes", "operations": ["read"]})])
        .await
        .expect("less");
    check(&[json!({"kind": "messages", "recipients": ["a.example.com", "*.b.example.com"]})])
        .await
        .expect("narrower");
    check(&[json!({"kind": "calendars", "calendar": "desk", "operations": ["read"]})])
        .await
        .expect("less");
    for wider in [
        json!({"kind": "records", "collection": "notes", "operations": ["read", "delete"]}),
        json!({"kind": "records", "collection": "parties", "operations": ["read"]}),
        json!({"kind": "messages", "recipients": ["example.com"]}),
        json!({"kind": "messages", "recipients": ["*.com"]}),
        json!({"kind": "messages", "recipients": ["badexample.com"]}),
        json!({"kind": "calendars", "calendar": "desk", "operations": ["read", "delete"]}),
        json!({"kind": "calendars", "calendar": "hall", "operations": ["read"]}),
        json!({"kind": "tasks", "role": "accounting"}),
        json!({"kind": "invoices", "flow": "payable", "operations": ["pay"]}),
    ] {
        assert_eq!(
            code(check(std::slice::from_ref(&wider)).await),
            "manifest-exceeded",
            "{wider}"
        );
    }
}

#[tokio::test]
async fn an_automation_names_what_exists_and_a_valid_configuration() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let unknown = faults(
        session
            .enable_automation("helper", &automation(Vec::new(), json!({})))
            .await,
    );
    assert_eq!(unknown, [("/plugin".to_owned(), "unknown".to_owned())]);
    session
        .install_plugin(DIGEST, &plugin())
        .await
        .expect("installed");
    let broken = faults(
        session
            .enable_automation("helper", &automation(Vec::new(), json!({"folder": 1})))
            .await,
    );
    assert_eq!(
        broken,
        [("/config/folder".to_owned(), "schema-violation".to_owned())]
    );
    let good = automation(Vec::new(), json!({"folder": "in"}));
    assert_eq!(
        code(session.enable_automation("No Slug", &good).await),
        "not-a-slug"
    );
    let other = Plugin {
        bytes: 2,
        ..plugin()
    };
    assert_eq!(
        code(session.install_plugin(DIGEST, &other).await),
        "plugin-changed"
    );
    assert_eq!(
        code(session.install_plugin("abc", &other).await),
        "not-a-digest"
    );
    assert_eq!(
        code(session.disable_automation("nobody").await),
        "not-found"
    );
}

#[tokio::test]
async fn the_same_event_is_one_run() {
    let mut office = Organisation::open().await;
    let mut session = with_automation(&mut office).await;
    let start = event("1", by_hand(json!({"document": "d"})));
    let id = session.enqueue("helper", &start).await.expect("queued");
    assert_eq!(id, run_id("helper", "1"));
    assert_eq!(
        session.enqueue("helper", &start).await.expect("the same"),
        id
    );
    assert_eq!(session.draft().changes().len(), 1);
    office.commit(session).await;
    let mut session = office.person();
    assert_eq!(
        session.enqueue("helper", &start).await.expect("the same"),
        id
    );
    assert!(session.draft().is_empty());
    let nightly = Trigger::Timer {
        timer: "nightly".to_owned(),
        scheduled_us: NOW_US,
        missed: 0,
    };
    session
        .enqueue("helper", &event("2", nightly))
        .await
        .expect("queued");
    let noted = Timer {
        fired_until_us: NOW_US,
        since_us: 0,
    };
    session
        .put_timer("helper", "nightly", &noted)
        .await
        .expect("noted");
    let hourly = Trigger::Timer {
        timer: "hourly".to_owned(),
        scheduled_us: NOW_US,
        missed: 0,
    };
    assert_eq!(
        code(session.enqueue("helper", &event("3", hourly)).await),
        "trigger-not-asked"
    );
    let bad = faults(
        session
            .enqueue("helper", &event("3", by_hand(json!({"document": 1}))))
            .await,
    );
    assert_eq!(
        bad,
        [("/input/document".to_owned(), "schema-violation".to_owned())]
    );
    session.disable_automation("helper").await.expect("off");
    assert_eq!(
        code(
            session
                .enqueue("helper", &event("4", by_hand(json!({}))))
                .await
        ),
        "automation-off"
    );
    assert_eq!(
        code(
            session
                .enqueue("nobody", &event("4", by_hand(json!({}))))
                .await
        ),
        "not-found"
    );
    office.commit(session).await;
}

#[tokio::test]
async fn schemas_that_reach_out_or_cannot_be_compiled_are_refused() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let mut check = async |definition: Value| {
        let collection: Collection = serde_json::from_value(definition).expect("a definition");
        faults(session.define_collection("more", &collection).await).remove(0)
    };
    let problem = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let remote = json!({"schema": {"properties": {"a": {"$ref": "https://example.com/s.json"}}}});
    assert_eq!(
        check(remote).await,
        problem("/schema/properties/a/$ref", "schema-remote")
    );
    let file = json!({"schema": {"$ref": "file:///etc/passwd"}});
    assert_eq!(check(file).await, problem("/schema/$ref", "schema-remote"));
    assert_eq!(
        check(json!({"schema": {"type": "strnig"}})).await.1,
        "schema-invalid"
    );
    let older = json!({"schema": {"$schema": "http://json-schema.org/draft-07/schema#"}});
    assert_eq!(
        check(older).await,
        problem("/schema/$schema", "schema-invalid")
    );
    assert_eq!(
        check(json!({"schema": {"pattern": "(a+)+(?=b)"}})).await.1,
        "schema-invalid"
    );
    let unindexed = json!({"schema": {}, "unique": ["mail"]});
    assert_eq!(
        check(unindexed).await,
        problem("/unique/0", "unique-not-indexed")
    );
}

#[tokio::test]
async fn faults_of_an_entity_are_told_together() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let mut bad = entity();
    bad.zone = "Nowhere".to_owned();
    bad.base_currency = "euro".to_owned();
    bad.fiscal_year_start_month = 13;
    bad.mail_from = "nobody".to_owned();
    let pointers: Vec<String> = faults(session.put_entity("x", &bad).await)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    assert_eq!(
        pointers,
        [
            "/zone",
            "/base_currency",
            "/fiscal_year_start_month",
            "/mail_from"
        ]
    );
}

#[tokio::test]
async fn a_draft_reads_row_by_row() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let id = session
        .create_record("notes", "k", &json!({"title": "a", "rank": 1}))
        .await
        .expect("a note")
        .id;
    let gone = session
        .create_record("notes", "l", &json!({"title": "gone"}))
        .await
        .expect("a note")
        .id;
    office.commit(session).await;
    let mut session = office.person();
    session
        .patch_record("notes", &id, None, &json!({"rank": 2}))
        .await
        .expect("patched");
    session
        .remove_record("notes", &gone, None)
        .await
        .expect("removed");
    session
        .create_record("notes", "m", &json!({"title": "new"}))
        .await
        .expect("a note");
    let rows = describe(&office.database, session.draft())
        .await
        .expect("described");
    let kinds: Vec<DiffKind> = rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [DiffKind::Changed, DiffKind::Removed, DiffKind::New]);
    let expected = "~ notes \"a\"\n    /rank: 1 -> 2\n- notes \"gone\"\n    /title: \"gone\" -> (none)\n+ notes \"new\"\n    /title: \"new\"\n";
    assert_eq!(to_text(&rows), expected);
}
