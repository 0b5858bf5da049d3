//! Fields above a session's clearance: left out, named, and without any influence on what it is told.

use bursar_domain::{draft::Direction, row::Kind};
use bursar_domain::{index::Comparison, manifest::Permission, office::Collection, row::RowKey};
use bursar_office::{
    Error, Order, Paging, Session, Test,
    import::{Import, commit},
};
use serde_json::{Value, json};

use crate::imports::file;
use crate::organisation::{Organisation, code, faults, grant};

/// Members that an ordinary automation does not see.
pub const HIDDEN: [&str; 2] = ["health", "pay"];

fn staff() -> Collection {
    serde_json::from_value(json!({
        "schema": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "team": {"type": "string"},
                "pay": {"type": "string"},
                "health": {"type": "object"}
            }
        },
        "indexed": [
            {"name": "name", "type": "text"},
            {"name": "team", "type": "text"},
            {"name": "pay", "type": "decimal"},
            {"name": "illness", "pointer": "/health/illness", "type": "text"}
        ],
        "unique": ["name"],
        "fields": {
            "name": {"class": "public"},
            "pay": {"class": "confidential", "tags": ["payroll"]},
            "health": {"class": "restricted", "tags": ["health"]}
        }
    }))
    .expect("a good definition")
}

/// What an automation may do, up to a class of fields; none is what is not said.
fn clerk(class: Option<&str>) -> Permission {
    let mut permission = json!({
        "kind": "records", "collection": "staff",
        "operations": ["read", "create", "update", "delete"],
    });
    if let Some(class) = class {
        permission["class"] = json!(class);
    }
    grant(permission)
}

/// An organisation with members of staff; what is hidden of them depends on the world.
pub async fn world(hidden: impl Fn(usize) -> Value) -> (Organisation, Vec<String>) {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let defined = session.define_collection("staff", &staff()).await;
    defined.expect("a collection");
    let mut ids = Vec::new();
    for place in 0..12 {
        let mut body = json!({"name": format!("n{place}"), "team": format!("t{}", place % 3)});
        for (name, value) in hidden(place).as_object().expect("hidden members") {
            body[name] = value.clone();
        }
        let key = format!("k{place}");
        let made = session.create_record("staff", &key, &body).await;
        ids.push(made.expect("a record").id.to_string());
    }
    office.commit(session).await;
    (office, ids)
}

pub async fn rich() -> (Organisation, Vec<String>) {
    let hidden =
        |place: usize| json!({"pay": format!("{}.10", 9000 - place), "health": {"illness": "flu"}});
    world(hidden).await
}

async fn stored(office: &mut Organisation, id: &str) -> Value {
    let record = office.person().record("staff", id).await;
    record.expect("a record").body.as_ref().clone()
}

fn test(field: &str, comparison: Comparison, value: Value) -> Test {
    Test {
        field: field.to_owned(),
        comparison,
        values: vec![value],
    }
}

#[tokio::test]
async fn what_is_hidden_is_left_out_and_named() {
    let (mut office, ids) = rich().await;
    for (class, hidden) in [
        (None, &HIDDEN[..]),
        (Some("confidential"), &HIDDEN[..1]),
        (Some("restricted"), &[]),
    ] {
        let mut session = office.automation(&[clerk(class)]);
        let record = session.record("staff", &ids[0]).await.expect("a record");
        assert_eq!(record.redacted, hidden);
        for name in HIDDEN {
            assert_eq!(record.body.get(name).is_none(), hidden.contains(&name));
        }
        assert_eq!(record.body["name"], "n0");
    }
}

#[tokio::test]
async fn rec_5_a_patch_leaves_hidden_fields_as_they_are() {
    let (mut office, ids) = rich().await;
    let before = stored(&mut office, &ids[3]).await;
    let mut session = office.automation(&[clerk(None)]);
    let patched = session
        .patch_record("staff", &ids[3], None, &json!({"team": "t9"}))
        .await
        .expect("a patch");
    assert_eq!(*patched.body, json!({"name": "n3", "team": "t9"}));
    office.commit(session).await;
    let after = stored(&mut office, &ids[3]).await;
    for name in HIDDEN {
        assert_eq!(after[name], before[name]);
    }
    assert_eq!(after["team"], "t9");
}

#[tokio::test]
async fn what_is_hidden_is_neither_asked_for_nor_written() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[clerk(None)]);
    for merge in [
        json!({"pay": "1"}),
        json!({"pay": null}),
        json!({"health": {}}),
    ] {
        let patched = session.patch_record("staff", &ids[0], None, &merge).await;
        assert_eq!(code(patched), "field-hidden");
    }
    let body = json!({"name": "new", "pay": "1"});
    assert_eq!(
        code(session.create_record("staff", "k", &body).await),
        "field-hidden"
    );
    for (field, value) in [("pay", json!("1")), ("illness", json!("flu"))] {
        let tests = [test(field, Comparison::GreaterOrEqual, value)];
        let paging = Paging::first();
        let found = session.search_records("staff", &tests, &[], &paging).await;
        assert_eq!(code(found), "field-hidden");
        assert_eq!(
            code(session.count_records("staff", &tests, 9).await),
            "field-hidden"
        );
        let order = [Order {
            field: field.to_owned(),
            direction: Direction::Ascending,
        }];
        let found = session.search_records("staff", &[], &order, &paging).await;
        assert_eq!(code(found), "field-hidden");
    }
    assert!(session.draft().is_empty());
}

/// What is done to a good definition.
type Change = fn(&mut Value);

#[tokio::test]
async fn a_definition_keeps_what_is_confidential_apart() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let check = |change: Change| {
        let mut whole = serde_json::to_value(staff()).expect("JSON");
        change(&mut whole);
        serde_json::from_value::<Collection>(whole).expect("a definition")
    };
    let cases: [(Change, &str, &str); 5] = [
        (
            |it| it["unique"] = json!(["pay"]),
            "/unique/0",
            "field-hidden",
        ),
        (
            |it| it["references"] = json!([{"field": "illness", "collection": "notes"}]),
            "/references/0/field",
            "field-hidden",
        ),
        (
            |it| it["schema"]["if"] = json!({"properties": {"pay": {"const": "1"}}}),
            "/schema/if",
            "field-hidden",
        ),
        (
            |it| it["schema"]["maxProperties"] = json!(3),
            "/schema/maxProperties",
            "field-hidden",
        ),
        (
            |it| it["fields"]["wage"] = json!({"class": "restricted"}),
            "/fields/wage",
            "unknown",
        ),
    ];
    for (change, pointer, expected) in cases {
        let found = faults(session.define_collection("staff", &check(change)).await);
        assert_eq!(found, [(pointer.to_owned(), expected.to_owned())]);
    }
}

/// One random call, and all that its caller learns of it.
async fn call(session: &mut Session, ids: &[String], choice: u64) -> String {
    let pick = |from: u64, count: usize| usize::try_from(from % count as u64).expect("small");
    let id = &ids[pick(choice >> 8, ids.len())];
    let name = ["name", "team", "pay", "illness"][pick(choice >> 16, 4)];
    let value =
        [json!("n3"), json!("t1"), json!("9000.10"), json!("flu")][pick(choice >> 20, 4)].clone();
    let comparison = [
        Comparison::Equal,
        Comparison::GreaterOrEqual,
        Comparison::Less,
    ][pick(choice >> 24, 3)];
    let order = [Order {
        field: ["name", "team", "pay", "illness"][pick(choice >> 28, 4)].to_owned(),
        direction: [Direction::Ascending, Direction::Descending][pick(choice >> 32, 2)],
    }];
    let paging = Paging {
        limit: u32::try_from(1 + pick(choice >> 36, 5)).expect("small"),
        after: None,
    };
    let merge = [
        json!({"team": "t1"}),
        json!({"name": "n3"}),
        json!({"name": ""}),
        json!({"pay": "9000.10"}),
        json!({"team": "x".repeat(2000)}),
        json!({"other": 1}),
    ][pick(choice >> 40, 6)]
    .clone();
    let tests = [test(name, comparison, value)];
    let told = match choice % 7 {
        0 => format!("{:?}", session.record("staff", id).await),
        1 => format!("{:?}", session.records("staff", ids).await),
        2 => format!(
            "{:?}",
            session.search_records("staff", &tests, &[], &paging).await
        ),
        3 => format!(
            "{:?}",
            session.search_records("staff", &[], &order, &paging).await
        ),
        4 => format!("{:?}", session.count_records("staff", &tests, 9).await),
        5 => format!(
            "{:?}",
            session.patch_record("staff", id, None, &merge).await
        ),
        _ => {
            let key = format!("new{}", choice % 5);
            format!("{:?}", session.create_record("staff", &key, &merge).await)
        }
    };
    format!("{} {:?}", without_instants(&told), session.usage())
}

/// When something happened is outside of what is compared.
fn without_instants(text: &str) -> String {
    let parts = text.split("_us: ");
    let without = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
    without.collect::<Vec<_>>().join("_us: ")
}

/// Puts a thousand random calls to automations with the same grants in two worlds, which must tell them the same.
pub async fn compared(
    worlds: [&mut Organisation; 2],
    ids: &[String],
    grants: &[Permission],
) -> String {
    let [rich, poor] = worlds;
    let mut told = String::new();
    let mut seed = 7_u64;
    for _ in 0..40 {
        let mut left = rich.automation(grants);
        let mut right = poor.automation(grants);
        for _ in 0..25 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let choice = seed >> 11;
            let one = call(&mut left, ids, choice).await;
            let other = call(&mut right, ids, choice).await;
            assert_eq!(one, other, "call {choice}");
            told.push_str(&one);
            told.push('\n');
        }
        rich.propose(left).await;
        poor.propose(right).await;
    }
    told
}

/// How many answers begin with a text, or hold it.
pub fn occurrences(told: &str, of: &str) -> usize {
    let holds = |line: &&str| line.starts_with(of) || (of != "Ok" && line.contains(of));
    told.lines().filter(holds).count()
}

/// Two worlds that differ in nothing but hidden values tell an ordinary automation the same.
#[tokio::test]
async fn rec_4_hidden_values_change_no_answer() {
    let (mut rich, ids) = rich().await;
    let poor = |place: usize| match place % 3 {
        0 => json!({}),
        1 => json!({"pay": "0.01", "health": {"illness": "y".repeat(300)}}),
        _ => json!({"health": {}}),
    };
    let (mut poor, same_ids) = world(poor).await;
    assert_eq!(ids, same_ids);
    let told = compared([&mut rich, &mut poor], &ids, &[clerk(None)]).await;
    let answered = occurrences(&told, "Ok");
    let denied = occurrences(&told, "field-hidden");
    let met = occurrences(&told, "redacted: [\"health\", \"pay\"]");
    eprintln!("REC-4: {answered} answers, {met} of them with hidden fields, {denied} denials");
    assert!(answered >= 100 && denied >= 100 && met >= 100);
}

#[tokio::test]
async fn rec_8_what_is_held_is_not_deleted_by_anyone() {
    let (mut office, ids) = rich().await;
    let id = &ids[5];
    let mut remover = office.automation(&[clerk(None)]);
    remover
        .remove_record("staff", id, None)
        .await
        .expect("not held yet");

    let mut session = office.person();
    for matter in ["audit-2026", "lawsuit"] {
        let held = session.hold_record("staff", id, matter, "evidence").await;
        held.expect("a hold");
    }
    office.commit(session).await;
    // Whoever did not know of it is told by the commit, and whoever asks again by the call.
    let verdict = office.propose(remover).await;
    assert!(
        matches!(verdict, bursar_db::Verdict::Stale(_)),
        "{verdict:?}"
    );
    let mut session = office.person();
    assert_eq!(code(session.remove_record("staff", id, None).await), "held");

    session
        .release_record("staff", id, "lawsuit")
        .await
        .expect("one matter less");
    office.commit(session).await;
    let mut session = office.person();
    assert_eq!(session.holds("staff", id).await.expect("holds").len(), 1);
    assert_eq!(code(session.remove_record("staff", id, None).await), "held");
    assert_eq!(
        code(session.release_record("staff", id, "lawsuit").await),
        "not-found"
    );
    session
        .release_record("staff", id, "audit-2026")
        .await
        .expect("free");
    office.commit(session).await;
    let mut session = office.person();
    session
        .remove_record("staff", id, None)
        .await
        .expect("free");
    office.commit(session).await;
    let mut clerk = office.automation(&[clerk(None)]);
    let denied: Result<_, Error> = clerk.hold_record("staff", &ids[0], "m", "r").await;
    assert_eq!(code(denied), "administrator-only");
    let key = RowKey::within(Kind::Hold, "staff", id);
    let hold = office.database.snapshot().get(&key).await.expect("a read");
    assert!(hold.is_none());
}

#[tokio::test]
async fn whoever_imports_sees_every_field() {
    let (mut office, _) = rich().await;
    let import: Import = serde_json::from_value(json!({
        "collection": "staff", "format": {"kind": "csv"}, "key": {"properties": ["name"]},
    }))
    .expect("an import");
    for (class, expected) in [(None, Some("field-hidden")), (Some("restricted"), None)] {
        let author = office.automation(&[clerk(class)]).context().clone();
        let mut source = file("name,pay\nn1,1.00\n");
        let done = commit(&office.database, &author, &import, &mut source, &mut |_| {}).await;
        match expected {
            Some(expected) => assert_eq!(code(done), expected),
            None => assert_eq!(done.expect("an import").commits, 1),
        }
    }
}
