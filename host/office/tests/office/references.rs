//! References between records, and definitions that change while there are records.

use bursar_domain::office::Collection;
use bursar_office::{Paging, Session, import::Import};
use serde_json::{Value, json};

use crate::imports::{counts, done, file, told};
use crate::organisation::{Organisation, code, faults, grant, note, notes};

fn collection(value: Value) -> Collection {
    serde_json::from_value(value).expect("a definition")
}

/// Records with a name that may name one of another collection.
fn naming(target: &str, on_delete: &str, required: &[&str]) -> Collection {
    collection(json!({
        "schema": {
            "type": "object",
            "required": required,
            "properties": {"name": {"type": "string"}, "of": {"type": "string"}}
        },
        "indexed": [{"name": "name", "type": "text"}, {"name": "of", "type": "text"}],
        "references": [{"field": "of", "collection": target, "on_delete": on_delete}]
    }))
}

async fn define(session: &mut Session, slug: &str, definition: &Collection) {
    let defined = session.define_collection(slug, definition).await;
    defined.expect("a collection");
}

async fn make(session: &mut Session, slug: &str, name: &str, of: Option<&str>) -> String {
    let mut body = json!({"name": name});
    if let Some(of) = of {
        body["of"] = json!(of);
    }
    let made = session.create_record(slug, name, &body).await;
    made.expect("a record").id.to_string()
}

async fn count(session: &mut Session, slug: &str) -> u32 {
    session
        .count_records(slug, &[], 1000)
        .await
        .expect("a count")
}

#[tokio::test]
async fn what_a_record_names_is_there() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "orders", &naming("notes", "restrict", &[])).await;
    let target = note(&mut session, "a", None).await;
    let order = make(&mut session, "orders", "one", Some(&target)).await;
    for id in ["nobody", "", "\u{0}", &"x".repeat(300)] {
        let made = session
            .create_record("orders", "k", &json!({"of": id}))
            .await;
        let found = faults(made);
        assert_eq!(found.len(), 1, "{id:?}: {found:?}");
        let patched = session
            .patch_record("orders", &order, None, &json!({"of": id}))
            .await;
        assert_eq!(code(patched), "unknown-reference");
    }
    // Nothing is asked of a record that no longer names one.
    let patched = session
        .patch_record("orders", &order, None, &json!({"of": null}))
        .await;
    assert!(patched.expect("a patch").body.get("of").is_none());
    let unknown = naming("nowhere", "null", &[]);
    let found = faults(session.define_collection("others", &unknown).await);
    assert_eq!(
        found,
        [("/references/0/collection".to_owned(), "unknown".to_owned())]
    );
}

#[tokio::test]
async fn a_record_that_is_named_stays_goes_or_is_forgotten() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "kept", &naming("notes", "restrict", &[])).await;
    define(&mut session, "gone", &naming("notes", "cascade", &[])).await;
    define(&mut session, "free", &naming("gone", "null", &[])).await;
    define(&mut session, "bound", &naming("notes", "null", &["of"])).await;
    let target = note(&mut session, "a", None).await;
    let kept = make(&mut session, "kept", "k", Some(&target)).await;
    let mut last = String::new();
    for place in 0..30 {
        last = make(&mut session, "gone", &format!("g{place}"), Some(&target)).await;
    }
    let free = make(&mut session, "free", "f", Some(&last)).await;
    let bound = make(&mut session, "bound", "b", Some(&target)).await;
    office.commit(session).await;

    let mut session = office.person();
    assert_eq!(
        code(session.remove_record("notes", &target, None).await),
        "referred-to"
    );
    session
        .remove_record("kept", &kept, None)
        .await
        .expect("nothing names it");
    assert_eq!(
        code(session.remove_record("notes", &target, None).await),
        "referred-to"
    );
    session
        .remove_record("bound", &bound, None)
        .await
        .expect("nothing names it");
    session
        .remove_record("notes", &target, None)
        .await
        .expect("nothing restricts it");
    assert_eq!(
        (
            count(&mut session, "notes").await,
            count(&mut session, "gone").await
        ),
        (0, 0)
    );
    let freed = session.record("free", &free).await.expect("it stays");
    assert_eq!(*freed.body, json!({"name": "f"}));
    office.commit(session).await;
    assert!(
        office
            .database
            .verify(None)
            .await
            .expect("a verification")
            .is_clean()
    );
}

#[tokio::test]
async fn rec_8_what_is_held_does_not_go_with_another() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "gone", &naming("notes", "cascade", &[])).await;
    let target = note(&mut session, "a", None).await;
    make(&mut session, "gone", "free", Some(&target)).await;
    let kept = make(&mut session, "gone", "held", Some(&target)).await;
    let noted = session
        .hold_record("gone", &kept, "audit", "evidence")
        .await;
    noted.expect("a hold");
    office.commit(session).await;

    let mut session = office.person();
    let removed = session.remove_record("notes", &target, None).await;
    assert_eq!(code(removed), "held");
    assert!(session.draft().is_empty());
    let released = session.release_record("gone", &kept, "audit").await;
    released.expect("it was held");
    office.commit(session).await;
    let mut session = office.person();
    let removed = session.remove_record("notes", &target, None).await;
    removed.expect("nothing holds it");
    assert_eq!(count(&mut session, "gone").await, 0);
    office.commit(session).await;
}

#[tokio::test]
async fn records_that_name_each_other_go_together() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "ring", &naming("ring", "cascade", &[])).await;
    let one = make(&mut session, "ring", "one", None).await;
    let two = make(&mut session, "ring", "two", Some(&one)).await;
    let patched = session
        .patch_record("ring", &one, None, &json!({"of": two}))
        .await;
    patched.expect("a ring");
    office.commit(session).await;
    let mut session = office.person();
    session
        .remove_record("ring", &two, None)
        .await
        .expect("both go");
    assert_eq!(count(&mut session, "ring").await, 0);
    office.commit(session).await;
}

#[tokio::test]
async fn a_removal_needs_the_rights_of_all_that_goes_with_it() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "gone", &naming("notes", "cascade", &[])).await;
    let target = note(&mut session, "a", None).await;
    make(&mut session, "gone", "g", Some(&target)).await;
    office.commit(session).await;
    let on = |collection: &str| {
        grant(json!({"kind": "records", "collection": collection, "operations": ["delete"]}))
    };
    let mut session = office.automation(&[on("notes")]);
    assert_eq!(
        code(session.remove_record("notes", &target, None).await),
        "not-granted"
    );
    assert!(session.draft().is_empty());
    let mut session = office.automation(&[on("notes"), on("gone")]);
    session
        .remove_record("notes", &target, None)
        .await
        .expect("both are granted");
}

#[tokio::test]
async fn a_record_that_somebody_names_meanwhile_stays() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "orders", &naming("notes", "restrict", &[])).await;
    let target = note(&mut session, "a", None).await;
    office.commit(session).await;
    let (mut remover, mut namer) = (office.person(), office.person());
    remover
        .remove_record("notes", &target, None)
        .await
        .expect("nothing names it");
    make(&mut namer, "orders", "one", Some(&target)).await;
    office.commit(namer).await;
    let verdict = office.propose(remover).await;
    assert!(
        matches!(verdict, bursar_db::Verdict::Stale(_)),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn rec_1_a_definition_that_records_break_is_refused_and_counted() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    for (title, rank) in [("a", Some(1)), ("b", Some(30)), ("c", None), ("a", Some(2))] {
        let body = rank.map_or_else(
            || json!({"title": title}),
            |rank| json!({"title": title, "rank": rank}),
        );
        let key = format!("{title}{rank:?}");
        session
            .create_record("notes", &key, &body)
            .await
            .expect("a note");
    }
    office.commit(session).await;
    let mut session = office.person();
    let mut narrow = notes();
    narrow.schema["properties"]["rank"] = json!({"type": "integer", "maximum": 9});
    narrow.unique = vec!["title".to_owned()];
    let found = session
        .try_collection("notes", &narrow)
        .await
        .expect("a report");
    assert_eq!((found.rows, found.failing), (4, 2));
    let told: Vec<&str> = found
        .bad
        .iter()
        .map(|bad| bad.problems[0].code.as_str())
        .collect();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["not-unique", "schema-violation"]);
    assert_eq!(
        code(session.define_collection("notes", &narrow).await),
        "records-fail"
    );
    assert!(session.draft().is_empty());
}

#[tokio::test]
async fn a_definition_changes_with_its_records_in_place() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let body = json!({"title": "a", "rank": 3, "when": "2026-01-31"});
    let made = session
        .create_record("notes", "k", &body)
        .await
        .expect("a note");
    let id = made.id.to_string();
    office.commit(session).await;
    let mut wider = notes();
    wider.schema["properties"]["more"] = json!({"type": "string"});
    wider.indexed.retain(|field| field.name != "rank");
    wider
        .indexed
        .push(serde_json::from_value(json!({"name": "when", "type": "text"})).expect("a field"));
    wider.unique.push("title".to_owned());
    let mut session = office.person();
    define(&mut session, "notes", &wider).await;
    office.commit(session).await;

    // What is newly indexed is found, what is newly unique is refused, and nothing of the record changed.
    let mut session = office.person();
    let tests = [bursar_office::Test {
        field: "when".to_owned(),
        comparison: bursar_domain::index::Comparison::Equal,
        values: vec![json!("2026-01-31")],
    }];
    let found = session
        .search_records("notes", &tests, &[], &Paging::first())
        .await;
    let items = found.expect("records").items;
    assert_eq!(items.len(), 1);
    assert_eq!((&*items[0].id, &*items[0].body), (id.as_str(), &body));
    let again = session
        .create_record("notes", "other", &json!({"title": "a"}))
        .await;
    assert_eq!(code(again), "not-unique");
    assert!(
        office
            .database
            .verify(None)
            .await
            .expect("a verification")
            .is_clean()
    );

    // Somebody who adds a record meanwhile makes the next change look again.
    let (mut changer, mut adder) = (office.person(), office.person());
    define(&mut changer, "notes", &notes()).await;
    note(&mut adder, "b", Some(1)).await;
    office.commit(adder).await;
    let verdict = office.propose(changer).await;
    assert!(
        matches!(verdict, bursar_db::Verdict::Stale(_)),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn an_import_names_records_that_are_there() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    define(&mut session, "orders", &naming("notes", "restrict", &[])).await;
    let target = note(&mut session, "a", None).await;
    office.commit(session).await;
    let text = format!("name,of\none,{target}\ntwo,nobody\nthree,\n");
    let import: Import = serde_json::from_value(json!({
        "collection": "orders", "format": {"kind": "csv"}, "mode": "skip-bad-rows",
    }))
    .expect("an import");
    let imported = done(&office, &import, file(&text)).await;
    assert_eq!(imported.report.counts, counts(2, 0, 0, 1));
    assert_eq!(
        told(&imported.report.problems),
        ["3: unknown-reference at of"]
    );
}
