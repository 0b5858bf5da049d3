//! Records: keys, revisions, listings over snapshot and draft.

use bursar_domain::{manifest::Limits, office::PARTIES};
use bursar_office::{Error, Paging, Session};
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, context, faults, grant, note};

#[tokio::test]
async fn rec_6_same_key_same_payload_same_record() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let body = json!({"title": "a", "rank": 1});
    let first = session
        .create_record("notes", "k", &body)
        .await
        .expect("created");
    let again = session
        .create_record("notes", "k", &json!({"rank": 1, "title": "a"}))
        .await
        .expect("the same");
    assert_eq!(first, again);
    assert_eq!(
        code(
            session
                .create_record("notes", "k", &json!({"title": "b"}))
                .await
        ),
        "key-reused"
    );
    office.commit(session).await;
    let mut later = office.person();
    let kept = later
        .create_record("notes", "k", &body)
        .await
        .expect("the same in a later session");
    assert_eq!((&kept.id, later.draft().is_empty()), (&first.id, true));
    let mut other = office.automation(&[grant(
        json!({"kind": "records", "collection": "notes", "operations": ["create"]}),
    )]);
    let own = other
        .create_record("notes", "k", &json!({"title": "c"}))
        .await
        .expect("another's keys are others");
    assert_ne!(own.id, kept.id);
}

#[tokio::test]
async fn run_7_the_same_seed_and_snapshot_give_the_same_draft() {
    let office = Organisation::open().await;
    let mut drafts = Vec::new();
    for seed in [[9; 32], [9; 32], [8; 32]] {
        let everything = bursar_domain::manifest::Authority::Everything;
        let mut session = Session::new(&office.database, context(None, everything, seed));
        note(&mut session, "a", Some(1)).await;
        drafts.push(session.into_parts().0);
    }
    assert_eq!(drafts[0], drafts[1]);
    assert_ne!(drafts[0], drafts[2]);
}

#[tokio::test]
async fn a_body_that_breaks_the_schema_is_told_with_pointers() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let body = json!({"title": "", "rank": "high", "when": "2026-02-30"});
    let mut found = faults(session.create_record("notes", "k", &body).await);
    found.sort();
    let expected = ["/rank", "/title", "/when"]
        .map(|pointer| (pointer.to_owned(), "schema-violation".to_owned()));
    assert_eq!(found, expected);
    assert_eq!(
        code(session.create_record("notes", "k", &json!([])).await),
        "not-an-object"
    );
    assert_eq!(
        code(
            session
                .create_record("notes", "", &json!({"title": "a"}))
                .await
        ),
        "empty"
    );
    assert_eq!(
        code(
            session
                .create_record("notes", &"k".repeat(201), &json!({"title": "a"}))
                .await
        ),
        "too-long"
    );
    let long = "x".repeat(600);
    assert_eq!(
        code(
            session
                .create_record("notes", "k", &json!({"title": long}))
                .await
        ),
        "value-too-long"
    );
    assert_eq!(
        code(
            session
                .create_record("notes", "k", &json!({"title": "a", "extra": "\0"}))
                .await
        ),
        "control-character"
    );
    assert_eq!(
        code(
            session
                .create_record("notes", "k", &json!({"title": "a", "extra": i64::MAX}))
                .await
        ),
        "out-of-range"
    );
    assert_eq!(
        code(session.create_record("nothing", "k", &json!({})).await),
        "collection-unknown"
    );
    assert_eq!(
        code(session.create_record("no\0thing", "k", &json!({})).await),
        "collection-unknown"
    );
    assert!(session.draft().is_empty());
}

#[tokio::test]
async fn a_revision_changes_with_every_write_and_is_compared() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let id = note(&mut session, "a", Some(1)).await;
    office.commit(session).await;
    let mut session = office.person();
    let stored = session.record("notes", &id).await.expect("there");
    let changed = session
        .patch_record("notes", &id, Some(&stored.revision), &json!({"rank": 2}))
        .await
        .expect("patched");
    assert_ne!(stored.revision, changed.revision);
    assert_eq!(
        code(
            session
                .patch_record("notes", &id, Some(&stored.revision), &json!({"rank": 3}))
                .await
        ),
        "revision-changed"
    );
    let again = session
        .patch_record(
            "notes",
            &id,
            Some(&changed.revision),
            &json!({"rank": null}),
        )
        .await
        .expect("patched");
    assert_ne!(again.revision, changed.revision);
    assert_eq!(*again.body, json!({"title": "a"}));
    assert_eq!(again.created_us, stored.created_us);
    assert_eq!(
        code(session.patch_record("notes", &id, None, &json!("x")).await),
        "not-an-object"
    );
    assert_eq!(
        code(session.remove_record("notes", &id, Some("1")).await),
        "revision-changed"
    );
    session
        .remove_record("notes", &id, None)
        .await
        .expect("removed");
    assert_eq!(code(session.record("notes", &id).await), "not-found");
    office.commit(session).await;
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_no_change() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let id = note(&mut session, "a", Some(1)).await;
    office.commit(session).await;
    let mut session = office.person();
    session
        .patch_record("notes", &id, None, &json!({"rank": 1, "missing": null}))
        .await
        .expect("nothing to do");
    assert!(session.draft().is_empty());
}

#[tokio::test]
async fn unique_values_are_refused_in_the_snapshot_and_in_the_draft() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let with_mail = |mail: &str| json!({"title": "a", "mail": mail});
    let first = session
        .create_record("notes", "1", &with_mail("a@b.example"))
        .await
        .expect("free");
    assert_eq!(
        code(
            session
                .create_record("notes", "2", &with_mail("a@b.example"))
                .await
        ),
        "not-unique"
    );
    office.commit(session).await;
    let mut session = office.person();
    assert_eq!(
        code(
            session
                .create_record("notes", "2", &with_mail("a@b.example"))
                .await
        ),
        "not-unique"
    );
    session
        .patch_record("notes", &first.id, None, &json!({"mail": "c@b.example"}))
        .await
        .expect("moved away");
    session
        .create_record("notes", "2", &with_mail("a@b.example"))
        .await
        .expect("free now");
    session
        .patch_record("notes", &first.id, None, &json!({"rank": 1}))
        .await
        .expect("its own value is free to itself");
    office.commit(session).await;
}

#[tokio::test]
async fn what_is_not_granted_is_denied() {
    let mut office = Organisation::open().await;
    let mut session = office.automation(&[grant(
        json!({"kind": "records", "collection": "notes", "operations": ["read"]}),
    )]);
    assert_eq!(code(session.record("notes", "x").await), "not-found");
    assert_eq!(
        code(
            session
                .create_record("notes", "k", &json!({"title": "a"}))
                .await
        ),
        "not-granted"
    );
    assert_eq!(
        code(session.patch_record("notes", "x", None, &json!({})).await),
        "not-granted"
    );
    assert_eq!(
        code(session.remove_record("notes", "x", None).await),
        "not-granted"
    );
    assert_eq!(code(session.record(PARTIES, "x").await), "not-granted");
    assert_eq!(code(session.record("unknown", "x").await), "not-granted");
    assert_eq!(
        code(
            session
                .define_collection("more", &crate::organisation::notes())
                .await
        ),
        "administrator-only"
    );
}

#[tokio::test]
async fn who_may_create_and_not_read_is_answered_what_it_made() {
    for mut office in Organisation::open_on_both().await {
        let own = json!({"title": "own", "rank": 1});
        let granted = |operations: &[&str]| {
            grant(json!({"kind": "records", "collection": "notes", "operations": operations}))
        };
        let mut plugin = office.automation(&[granted(&["create"])]);
        let made = plugin.create_record("notes", "k", &own).await;
        let made = made.expect("made").id;
        let again = plugin.create_record("notes", "k", &own).await;
        assert_eq!(*again.expect("of this draft").body, own);
        office.commit(plugin).await;
        let mut person = office.person();
        let patch = json!({"rank": 2, "mail": "ada@example.com"});
        let patched = person.patch_record("notes", &made, None, &patch).await;
        patched.expect("patched");
        office.commit(person).await;
        let now = json!({"title": "own", "rank": 2, "mail": "ada@example.com"});
        let reading = |bounds: Value| {
            let mut read =
                json!({"kind": "records", "collection": "notes", "operations": ["read"]});
            for (name, value) in bounds.as_object().expect("bounds") {
                read[name] = value.clone();
            }
            vec![granted(&["create"]), grant(read)]
        };
        let elsewhere = reading(json!({"rows": {"title": ["other"]}}));
        let in_part = reading(json!({"fields": ["title", "mail"]}));
        let part = json!({"title": "own", "mail": "ada@example.com"});
        for (grants, seen) in [
            (vec![granted(&["create"])], &own),
            (elsewhere, &own),
            (in_part, &part),
            (vec![granted(&["create", "read"])], &now),
        ] {
            let mut plugin = office.automation(&grants);
            let again = plugin.create_record("notes", "k", &own).await;
            let again = again.expect("the first one again");
            assert_eq!((&again.id, &*again.body), (&made, seen));
            assert!(plugin.draft().is_empty());
        }
        let mut person = office.person();
        let removed = person.remove_record("notes", &made, None).await;
        removed.expect("removed");
        office.commit(person).await;
        let mut plugin = office.automation(&[granted(&["create"])]);
        let again = plugin.create_record("notes", "k", &own).await;
        assert_eq!(code(again), "not-found");
    }
}

#[tokio::test]
async fn the_runs_limits_hold_and_nothing_of_the_call_is_kept() {
    let office = Organisation::open().await;
    let everything = bursar_domain::manifest::Authority::Everything;
    let limits = Limits {
        rows_changed_max: 2,
        rows_returned_max: 3,
        ..Limits::default()
    };
    let mut session = Session::new(
        &office.database,
        bursar_office::Context {
            limits,
            ..context(None, everything, [1; 32])
        },
    );
    note(&mut session, "a", None).await;
    note(&mut session, "b", None).await;
    let refused = session
        .create_record("notes", "c", &json!({"title": "c"}))
        .await;
    assert!(
        matches!(
            refused,
            Err(Error::Exhausted {
                limit: "rows_changed_max",
                allowed: 2,
                used: 3
            })
        ),
        "{refused:?}"
    );
    assert_eq!(session.draft().changes().len(), 4);
    session
        .search_records("notes", &[], &[], &Paging::first())
        .await
        .expect("two rows");
    let refused = session
        .search_records("notes", &[], &[], &Paging::first())
        .await;
    assert!(
        matches!(
            refused,
            Err(Error::Exhausted {
                limit: "rows_returned_max",
                ..
            })
        ),
        "{refused:?}"
    );
    office.commit(session).await;
}

#[tokio::test]
async fn a_party_that_an_invoice_names_cannot_be_removed() {
    let mut office = Organisation::open().await;
    let (customer, supplier) = (office.customer.clone(), office.supplier.clone());
    let mut session = office.person();
    let content =
        crate::organisation::content(bursar_domain::invoice::Flow::Receivable, &customer, "10");
    session.draft_invoice("1", &content).await.expect("a draft");
    assert_eq!(
        code(session.remove_record(PARTIES, &customer, None).await),
        "referred-to"
    );
    session
        .remove_record(PARTIES, &supplier, None)
        .await
        .expect("nobody names it");
}
