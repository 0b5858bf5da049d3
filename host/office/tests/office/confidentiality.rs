//! Fields above a session's clearance: left out, named, and without any influence on what it is told.

use bursar_domain::{draft::Direction, row::Kind};
use bursar_domain::{index::Comparison, manifest::Permission, office::Collection, row::RowKey};
use bursar_office::{
    Error, Order, Paging, Session, Test,
    import::{Import, commit},
};
use serde_json::{Value, json};

use crate::imports::file;
use crate::organisation::{Organisation, code, faults, grant, note};

/// Members that an ordinary automation does not see.
const HIDDEN: [&str; 2] = ["health", "pay"];

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
async fn world(hidden: impl Fn(usize) -> Value) -> (Organisation, Vec<String>) {
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

async fn rich() -> (Organisation, Vec<String>) {
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
async fn compared(worlds: [&mut Organisation; 2], ids: &[String], grants: &[Permission]) -> String {
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
fn occurrences(told: &str, of: &str) -> usize {
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

/// What an automation may do with some rows, of which it sees some fields.
fn clerk_of(class: &str, team: &str, fields: Option<&[&str]>) -> Permission {
    let mut permission = json!({
        "kind": "records", "collection": "staff", "class": class, "rows": {"team": [team]},
        "operations": ["read", "create", "update", "delete"],
    });
    if let Some(fields) = fields {
        permission["fields"] = json!(fields);
    }
    grant(permission)
}

/// Rows that are out of view change no answer, whatever they say and whether they are there: neither whose scope is one,
/// which the database narrows down to, nor whose scopes are several, which are looked at row by row.
#[tokio::test]
async fn rec_4_rows_out_of_view_change_no_answer() {
    let one = vec![clerk_of("internal", "t0", None)];
    let several = vec![
        clerk_of("confidential", "t0", None),
        clerk_of("internal", "t1", Some(&["name", "team"])),
    ];
    for (grants, sees_others) in [(one, false), (several, true)] {
        let pay = |place: usize| json!({"pay": format!("{}.10", 9000 - place)});
        let rich = |place: usize| match place % 3 {
            0 => pay(place),
            1 => json!({"pay": "9000.10", "health": {"illness": "flu"}}),
            _ => json!({"team": "t2", "health": {"illness": "flu"}}),
        };
        let poor = |place: usize| match place % 3 {
            0 => pay(place),
            1 => json!({}),
            _ => json!({"team": "t7", "pay": "9000.10"}),
        };
        let ((mut rich, ids), (mut poor, same_ids)) = (world(rich).await, world(poor).await);
        assert_eq!(ids, same_ids);
        let mut session = rich.person();
        for place in 20..30 {
            let body = json!({"name": format!("n{place}"), "team": "t2", "pay": "9000.10"});
            let key = format!("k{place}");
            let made = session.create_record("staff", &key, &body).await;
            made.expect("a record only here");
        }
        rich.commit(session).await;
        // As many commits and sessions in the other one: revisions and ids are told.
        let mut session = poor.person();
        note(&mut session, "elsewhere", None).await;
        poor.commit(session).await;
        let told = compared([&mut rich, &mut poor], &ids, &grants).await;
        let absent = occurrences(&told, "not-found");
        let outside = occurrences(&told, "row-outside");
        let answered = occurrences(&told, "Ok");
        eprintln!("REC-4: {answered} answers, {absent} rows out of view, {outside} images");
        assert!(answered >= 100 && absent >= 100 && outside >= 50, "{told}");
        for name in ["\"n5\"", "\"n23\"", "t7"] {
            assert_eq!(occurrences(&told, name), 0, "{name}");
        }
        assert_eq!(occurrences(&told, "\"n4\"") > 0, sees_others);
    }
}

#[tokio::test]
async fn each_row_shows_what_its_own_grants_show() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[
        clerk_of("confidential", "t0", None),
        clerk_of("internal", "t1", Some(&["name", "team"])),
        clerk_of("internal", "t1", Some(&["name"])),
    ]);
    let own = session.record("staff", &ids[0]).await.expect("a record");
    assert_eq!(
        (own.redacted, &own.body["pay"]),
        (vec!["health".to_owned()], &json!("9000.10"))
    );
    let other = session.record("staff", &ids[1]).await.expect("a record");
    assert_eq!(*other.body, json!({"name": "n1", "team": "t1"}));
    assert_eq!(other.redacted, HIDDEN);
    assert_eq!(code(session.record("staff", &ids[2]).await), "not-found");
    // What is hidden of some rows orders none of them.
    let order = |field: &str| {
        let direction = Direction::Descending;
        vec![Order {
            field: field.to_owned(),
            direction,
        }]
    };
    let first = Paging::first();
    let listed = session
        .search_records("staff", &[], &order("pay"), &first)
        .await;
    assert_eq!(code(listed), "field-hidden");
    let listed = session
        .search_records("staff", &[], &order("team"), &first)
        .await;
    let listed = listed.expect("a listing").items;
    let found: Vec<&str> = listed.iter().map(|it| &*it.id).collect();
    let of = |rest: usize| (0..4).map(move |row| row * 3 + rest);
    let mut expected: Vec<&str> = of(1).chain(of(0)).map(|place| &*ids[place]).collect();
    expected[..4].sort_unstable_by(|left, right| right.cmp(left));
    expected[4..].sort_unstable_by(|left, right| right.cmp(left));
    assert_eq!(found, expected);
    for (id, merge, refused) in [
        (&ids[0], json!({"pay": "1"}), None),
        (&ids[0], json!({"team": "t1"}), None),
        (&ids[3], json!({"team": "t2"}), Some("row-outside")),
        (&ids[3], json!({"team": null}), Some("row-outside")),
        (&ids[1], json!({"pay": "1"}), Some("field-hidden")),
        (&ids[2], json!({"name": "x"}), Some("not-found")),
        (&ids[2], json!({"pay": "x"}), Some("not-found")),
    ] {
        let patched = session.patch_record("staff", id, None, &merge).await;
        match refused {
            None => drop(patched.expect("patched")),
            Some(refused) => assert_eq!(code(patched), refused, "{merge}"),
        }
    }
    // It is one of the others' now.
    let moved = session.record("staff", &ids[0]).await.expect("a record");
    assert_eq!(moved.redacted, HIDDEN);
    assert_eq!(
        code(session.remove_record("staff", &ids[2], None).await),
        "not-found"
    );
    let body = json!({"name": "new", "team": "t3"});
    let made = session.create_record("staff", "new", &body).await;
    assert_eq!(code(made), "row-outside");
    assert_eq!(
        session
            .count_records("staff", &[], 100)
            .await
            .expect("a number"),
        8
    );
}

#[tokio::test]
async fn records_out_of_view_are_left_out_of_many() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[
        clerk_of("internal", "t0", None),
        clerk_of("internal", "t1", None),
    ]);
    let many = session.records("staff", &ids).await.expect("some records");
    let found: Vec<&str> = many.iter().map(|it| &*it.id).collect();
    let in_view = ids.iter().enumerate().filter(|(place, _)| place % 3 < 2);
    assert_eq!(found, in_view.map(|(_, id)| &**id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_row_is_moved_and_made_only_with_what_its_new_place_shows() {
    let (mut office, ids) = rich().await;
    let mut session = office.automation(&[
        clerk_of("confidential", "t0", None),
        clerk_of("internal", "t1", Some(&["name", "team"])),
    ]);
    let both = json!({"team": "t1", "pay": "1"});
    let patched = session.patch_record("staff", &ids[0], None, &both).await;
    assert_eq!(code(patched), "field-hidden");
    let body = json!({"name": "new", "team": "t1", "pay": "1"});
    let made = session.create_record("staff", "new", &body).await;
    assert_eq!(code(made), "field-hidden");
    // Without a pay that is hidden now, or with one.
    let moved = json!({"team": "t1"});
    let patched = session.patch_record("staff", &ids[3], None, &moved).await;
    assert_eq!(
        *patched.expect("moved").body,
        json!({"name": "n3", "team": "t1"})
    );
}

#[tokio::test]
async fn what_breaks_a_schema_is_told_of_what_is_shown() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let definition = serde_json::from_value(json!({
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "pin": {"type": "string"}},
            "anyOf": [{"required": ["name"]}, {"required": ["nick"]}],
        },
    }));
    let defined = session
        .define_collection("keys", &definition.expect("a definition"))
        .await;
    defined.expect("defined");
    let body = json!({"name": "door", "pin": "4711"});
    let made = session.create_record("keys", "k", &body).await;
    let id = made.expect("made").id;
    office.commit(session).await;
    let mut session = office.automation(&[grant(json!({
        "kind": "records", "collection": "keys", "operations": ["update"], "fields": ["name", "nick"],
    }))]);
    for (merge, pointer) in [(json!({"name": null}), ""), (json!({"name": 7}), "/name")] {
        let patched = session.patch_record("keys", &id, None, &merge).await;
        let Err(Error::Invalid(problems)) = patched else {
            panic!("{patched:?}");
        };
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].pointer, pointer);
        assert!(!problems[0].message.contains("4711"), "{problems:?}");
    }
}

/// Of many rows out of view the listing tells nothing, and they use up no limit of whoever looks.
#[tokio::test]
async fn rows_out_of_view_count_for_nothing() {
    let (mut office, _) = rich().await;
    let mut session = office.person();
    for place in 100..1_300 {
        let body = json!({"name": format!("n{place}"), "team": "t2"});
        let key = format!("k{place}");
        let made = session.create_record("staff", &key, &body).await;
        made.expect("a record");
    }
    office.commit(session).await;
    let several = [
        clerk_of("internal", "t0", None),
        clerk_of("internal", "t1", Some(&["name"])),
    ];
    let mut session = office.automation(&several);
    let mut paging = Paging {
        limit: 1,
        after: None,
    };
    let mut found = 0;
    loop {
        let page = session.search_records("staff", &[], &[], &paging).await;
        let page = page.expect("a page");
        found += page.items.len();
        assert_eq!(page.items.len(), 1);
        paging.after = page.next;
        if paging.after.is_none() {
            break;
        }
    }
    assert_eq!(found, 8);
    assert_eq!(session.usage().rows_returned, 8);
    assert_eq!(session.draft().listings().len(), 1);
}

#[tokio::test]
async fn a_bound_that_no_field_can_be_held_against_leaves_no_row() {
    let (mut office, _) = rich().await;
    for rows in [
        json!({"nothing": ["t0"]}),
        json!({"team": [7]}),
        json!({"team": ["t0"], "nothing": [null]}),
    ] {
        let mut session = office.automation(&[grant(json!({
            "kind": "records", "collection": "staff", "operations": ["read"], "rows": rows,
        }))]);
        let counted = session.count_records("staff", &[], 100).await;
        assert_eq!(counted.expect("a number"), 0, "{rows}");
    }
    let bounds = json!({"team": ["t0", null]});
    let mut session = office.automation(&[grant(json!({
        "kind": "records", "collection": "staff", "operations": ["read"], "rows": bounds,
    }))]);
    assert_eq!(
        session
            .count_records("staff", &[], 100)
            .await
            .expect("a number"),
        4
    );
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
