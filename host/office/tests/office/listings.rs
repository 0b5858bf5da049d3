//! Listings of records: pages over snapshot and draft together, cursors, and what they depend on.

use bursar_db::Verdict;
use bursar_domain::{draft::Direction, index::Comparison};
use bursar_office::{Listed, Order, Paging, Session, Test};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, note};

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
    let first = Paging {
        limit: 1,
        after: None,
    };
    let page = session.search_records("notes", &[], &order, &first).await;
    let after = page.expect("a page").next.expect("there is more");
    let present = [test("rank", Comparison::Present, &[])];
    let ranked = |rank: i64| [test("rank", Comparison::Equal, &[json!(rank)])];
    let page = session
        .search_records("notes", &ranked(1), &order, &first)
        .await;
    let of_rank = page.expect("a page").next.expect("there is more");
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
    let next = check(&ranked(1), &order, &of_rank).await;
    assert_eq!(next.expect("a page"), ["b"]);
    let refused = check(&ranked(2), &order, &of_rank).await;
    assert_eq!(code(refused), "cursor-unusable");
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
