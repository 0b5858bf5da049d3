//! Records: keys, revisions, listings over snapshot and draft.

use bursar_db::Verdict;
use bursar_domain::{draft::Direction, index::Comparison, manifest::Limits, office::PARTIES};
use bursar_office::{Error, Listed, Order, Paging, Session, Test};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, context, faults, grant};

fn test(field: &str, comparison: Comparison, values: &[Value]) -> Test {
    Test {
        field: field.to_owned(),
        comparison,
        values: values.to_vec(),
    }
}

fn by(field: &str, direction: Direction) -> [Order; 1] {
    [Order {
        field: field.to_owned(),
        direction,
    }]
}

fn titles<T: std::ops::Deref<Target = Value>>(page: &Listed<T>) -> Vec<String> {
    page.items
        .iter()
        .map(|row| row.body["title"].as_str().unwrap_or_default().to_owned())
        .collect()
}

async fn note(session: &mut Session, title: &str, rank: Option<i64>) -> String {
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

/// All pages of a listing, one row longer each than `limit` allows.
async fn walk(session: &mut Session, order: &[Order], limit: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = session
            .search_records("notes", &[], order, &Paging { limit, after })
            .await
            .expect("a page");
        assert!(page.items.len() <= usize::try_from(limit).expect("small"));
        found.extend(titles(&page));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

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
async fn searches_see_the_drafts_own_changes_in_order() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let mut ids = Vec::new();
    for (title, rank) in [("a", Some(1)), ("b", Some(2)), ("c", Some(3)), ("d", None)] {
        ids.push(note(&mut session, title, rank).await);
    }
    office.commit(session).await;
    let mut session = office.person();
    session
        .patch_record("notes", &ids[0], None, &json!({"rank": 9}))
        .await
        .expect("patched");
    session
        .remove_record("notes", &ids[1], None)
        .await
        .expect("removed");
    note(&mut session, "e", Some(0)).await;
    for limit in [1, 2, 3, 1000] {
        assert_eq!(
            walk(&mut session, &by("rank", Direction::Ascending), limit).await,
            ["e", "c", "a", "d"],
            "{limit}"
        );
        assert_eq!(
            walk(&mut session, &by("rank", Direction::Descending), limit).await,
            ["a", "c", "e", "d"],
            "{limit}"
        );
    }
    let above = [
        test("rank", Comparison::Greater, &[json!(0)]),
        test("rank", Comparison::Less, &[json!(9)]),
    ];
    let page = session
        .search_records(
            "notes",
            &above,
            &by("rank", Direction::Descending),
            &Paging::first(),
        )
        .await;
    assert_eq!(titles(&page.expect("a page")), ["c"]);
    assert_eq!(
        session
            .count_records("notes", &[], 100)
            .await
            .expect("counted"),
        4
    );
    assert_eq!(
        session
            .count_records("notes", &[], 2)
            .await
            .expect("counted up to two"),
        2
    );
    office.commit(session).await;
}

#[tokio::test]
async fn what_a_page_told_goes_stale_and_what_it_did_not_stays_fresh() {
    let check = async |changed: usize, is_stale: bool| {
        let mut office = Organisation::open().await;
        let mut session = office.person();
        let mut ids = Vec::new();
        for title in ["a", "b", "c"] {
            ids.push(note(&mut session, title, Some(1)).await);
        }
        office.commit(session).await;
        let mut reader = office.person();
        let paging = Paging {
            limit: 1,
            after: None,
        };
        let order = by("title", Direction::Ascending);
        let page = reader
            .search_records("notes", &[], &order, &paging)
            .await
            .expect("a page");
        assert!(page.next.is_some());
        note(&mut reader, "z", None).await;
        let mut writer = office.person();
        writer
            .remove_record("notes", &ids[changed], None)
            .await
            .expect("removed");
        office.commit(writer).await;
        let stale = matches!(office.propose(reader).await, Verdict::Stale(_));
        assert_eq!(stale, is_stale, "row {changed}");
    };
    check(0, true).await;
    // The cursor told that a second row was there, and nothing of the third.
    check(1, true).await;
    check(2, false).await;
}

#[tokio::test]
async fn a_cursor_is_good_for_the_same_arguments_only() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    for title in ["a", "b", "c"] {
        note(&mut session, title, Some(1)).await;
    }
    let order = by("title", Direction::Ascending);
    let page = session
        .search_records(
            "notes",
            &[],
            &order,
            &Paging {
                limit: 1,
                after: None,
            },
        )
        .await
        .expect("a page");
    let after = page.next.expect("there is more");
    let present = [test("rank", Comparison::Present, &[])];
    let mut check = async |conditions: &[Test], order: &[Order], after: &str| {
        let paging = Paging {
            limit: 1,
            after: Some(after.to_owned()),
        };
        session
            .search_records("notes", conditions, order, &paging)
            .await
            .map(|page| titles(&page))
    };
    assert_eq!(
        check(&[], &order, &after).await.expect("the next page"),
        ["b"]
    );
    assert_eq!(
        code(check(&present, &order, &after).await),
        "cursor-unusable"
    );
    assert_eq!(code(check(&[], &[], &after).await), "cursor-unusable");
    for hostile in [
        "",
        "zz",
        "0",
        "é",
        &after[..10],
        &format!("{after}ff"),
        &"0".repeat(100_000),
    ] {
        assert_eq!(
            code(check(&[], &order, hostile).await),
            "cursor-unusable",
            "{hostile:.20}"
        );
    }
    let mut other = office.person();
    let paging = Paging {
        limit: 1,
        after: Some(after),
    };
    assert_eq!(
        code(other.search_records("notes", &[], &order, &paging).await),
        "cursor-unusable"
    );
}

#[tokio::test]
async fn hostile_listings_are_invalid() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let mut check = async |conditions: &[Test], order: &[Order], limit: u32| {
        code(
            session
                .search_records("notes", conditions, order, &Paging { limit, after: None })
                .await,
        )
    };
    let good = by("title", Direction::Ascending);
    assert_eq!(check(&[], &[], 0).await, "page-empty");
    assert_eq!(
        check(&[test("when", Comparison::Present, &[])], &[], 1).await,
        "not-indexed"
    );
    assert_eq!(
        check(&[], &by("when", Direction::Ascending), 1).await,
        "not-indexed"
    );
    assert_eq!(
        check(&[], &[good[0].clone(), good[0].clone()], 1).await,
        "order-too-long"
    );
    assert_eq!(
        check(&vec![test("title", Comparison::Present, &[]); 21], &[], 1).await,
        "too-many"
    );
    assert_eq!(
        check(
            &[test("title", Comparison::OneOf, &vec![json!("a"); 201])],
            &[],
            1
        )
        .await,
        "too-many"
    );
    assert_eq!(
        check(&[test("rank", Comparison::Equal, &[json!("a")])], &[], 1).await,
        "wrong-type"
    );
    assert_eq!(
        check(&[test("rank", Comparison::Equal, &[])], &[], 1).await,
        "wrong-count"
    );
    assert_eq!(
        code(session.count_records("notes", &[], 0).await),
        "out-of-range"
    );
    assert_eq!(
        code(session.records("notes", &vec!["x".to_owned(); 1001]).await),
        "too-many"
    );
    let nothing = session
        .records("notes", &["\0".to_owned(), "é".to_owned(), "x".repeat(100)])
        .await
        .expect("no such rows");
    assert!(nothing.is_empty());
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
async fn the_runs_limits_hold_and_nothing_of_the_call_is_kept() {
    let mut office = Organisation::open().await;
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

/// One step of a random history over a few notes.
#[derive(Clone, Debug)]
enum Step {
    Make(Option<i64>),
    Rank(usize, Option<i64>),
    Remove(usize),
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let rank = || proptest::option::of(-3_i64..4);
    prop_oneof![
        3 => rank().prop_map(Step::Make),
        3 => (0_usize..8, rank()).prop_map(|(place, rank)| Step::Rank(place, rank)),
        1 => (0_usize..8).prop_map(Step::Remove),
        1 => Just(Step::Commit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rec_7_a_listing_by_cursor_returns_each_row_once_in_order(steps in proptest::collection::vec(step(), 1..30), limit in 1_u32..5) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut office = Organisation::open().await;
            let mut session = office.person();
            let mut model: Vec<(String, String, Option<i64>)> = Vec::new();
            for (place, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Make(rank) => {
                        let title = format!("n{place}");
                        let id = note(&mut session, &title, rank).await;
                        model.push((id, title, rank));
                    }
                    Step::Rank(at, rank) if at < model.len() => {
                        session.patch_record("notes", &model[at].0, None, &json!({"rank": rank})).await.expect("patched");
                        model[at].2 = rank;
                    }
                    Step::Remove(at) if at < model.len() => {
                        session.remove_record("notes", &model[at].0, None).await.expect("removed");
                        model.remove(at);
                    }
                    Step::Commit if !session.draft().is_empty() => {
                        office.commit(session).await;
                        session = office.person();
                    }
                    _ => {}
                }
            }
            let mut ascending = model.clone();
            ascending.sort_by_key(|(id, _, rank)| (rank.is_none(), *rank, id.clone()));
            let mut descending = model.clone();
            descending.sort_by_key(|(id, _, rank)| (rank.is_none(), std::cmp::Reverse((*rank, id.clone()))));
            let names = |rows: &[(String, String, Option<i64>)]| rows.iter().map(|(_, title, _)| title.clone()).collect::<Vec<_>>();
            assert_eq!(walk(&mut session, &by("rank", Direction::Ascending), limit).await, names(&ascending));
            assert_eq!(walk(&mut session, &by("rank", Direction::Descending), limit).await, names(&descending));
        });
    }
}
