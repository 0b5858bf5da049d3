//! Reading and writing rows.

use std::sync::Arc;

use bursar_domain::{
    draft::{Direction, UniqueKey},
    index::Comparison,
    row::{Kind, RowKey},
};
use serde_json::{Value, json};

use crate::{
    Query, Verdict,
    testing::{
        Fresh, Work, all_of, assert_clean, committed, condition, databases, define, ids, record,
        refusal, write,
    },
};

#[tokio::test]
async fn what_is_committed_can_be_read() {
    for database in databases().await {
        let body = json!({"name": "Ünïcode 🦀", "price": "-1.10", "size": null, "deep": [{"b": 1, "a": [true]}]});
        let seq = write(&database, "c", &[("r", Some(body.clone()))]).await;
        let row = database
            .snapshot()
            .get(&record("c", "r"))
            .await
            .expect("a read")
            .expect("the row");
        assert_eq!((row.revision, &*row.body), (seq, &body));
        assert_eq!(row.created_us, row.updated_us);

        let changed = write(&database, "c", &[("r", Some(json!({"name": "b"})))]).await;
        let later = database
            .snapshot()
            .get(&record("c", "r"))
            .await
            .expect("a read")
            .expect("the row");
        assert_eq!(
            (changed, later.revision, later.created_us),
            (seq + 1, seq + 1, row.created_us)
        );
        assert!(later.updated_us > row.updated_us);
    }
}

#[tokio::test]
async fn many_rows_come_in_the_order_asked() {
    for database in databases().await {
        let some = Some(json!({}));
        write(
            &database,
            "c",
            &[("a", some.clone()), ("b", some.clone()), ("c", some)],
        )
        .await;
        let keys = ["c", "missing", "a", "b", "a"].map(|id| record("c", id));
        let rows = database.snapshot().get_many(&keys).await.expect("the rows");
        let found: Vec<_> = rows.iter().map(|row| &*row.key.id).collect();
        assert_eq!(found, ["c", "a", "b", "a"]);
    }
}

async fn with_shelf(database: &Fresh) {
    define(database, "c").await;
    let rows = [
        ("a", json!({"name": "ä", "size": 1})),
        ("b", json!({"name": "b", "size": 2, "price": "1.10"})),
        ("c", json!({"name": "bb", "size": 2, "price": "1.1"})),
        ("d", json!({"name": "🦀", "size": null})),
        ("e", json!({"price": "-3"})),
    ];
    let rows = rows.map(|(id, body)| (id, Some(body)));
    write(database, "c", &rows).await;
}

/// Field, comparison, values.
type Test<'a> = (&'a str, Comparison, &'a [Value]);

#[tokio::test]
async fn every_comparison_selects_the_same_rows_on_both_engines() {
    use Comparison::{
        Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Missing, NotEqual, OneOf, Present,
        StartsWith,
    };
    let cases: &[(&[Test], &str)] = &[
        (&[], "abcde"),
        (&[("size", Equal, &[json!(2)])], "bc"),
        (&[("size", NotEqual, &[json!(2)])], "a"),
        (&[("size", Less, &[json!(2)])], "a"),
        (&[("size", LessOrEqual, &[json!(2)])], "abc"),
        (&[("size", Greater, &[json!(1)])], "bc"),
        (&[("size", GreaterOrEqual, &[json!(1)])], "abc"),
        (&[("size", OneOf, &[json!(1), json!(7)])], "a"),
        (&[("size", Missing, &[])], "de"),
        (&[("size", Present, &[])], "abc"),
        (&[("name", StartsWith, &[json!("b")])], "bc"),
        (&[("name", Greater, &[json!("b")])], "acd"),
        (&[("name", Equal, &[json!("🦀")])], "d"),
        (&[("price", Equal, &[json!("1.100")])], "bc"),
        (&[("price", Less, &[json!("0")])], "e"),
        (
            &[
                ("size", GreaterOrEqual, &[json!(1)]),
                ("size", Less, &[json!(2)]),
            ],
            "a",
        ),
        (
            &[
                ("size", Equal, &[json!(2)]),
                ("name", NotEqual, &[json!("b")]),
            ],
            "c",
        ),
        (
            &[("size", Less, &[json!(1)]), ("size", Greater, &[json!(1)])],
            "",
        ),
    ];
    for database in databases().await {
        with_shelf(&database).await;
        let head = database.snapshot().seq().await.expect("a snapshot");
        for (conditions, expected) in cases {
            for order in [None, Some("size"), Some("name"), Some("price")] {
                let query = Query {
                    conditions: conditions
                        .iter()
                        .map(|(field, comparison, values)| condition(field, *comparison, values))
                        .collect(),
                    order: order.map(str::to_owned),
                    ..all_of("c")
                };
                for mut snapshot in [database.snapshot(), database.snapshot_at(head)] {
                    let page = snapshot.list(&query).await.expect("a page");
                    let mut found = ids(&page);
                    found.sort_unstable();
                    assert_eq!(found.concat(), *expected, "{conditions:?} by {order:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn rows_without_a_value_sort_last_and_ties_are_by_id() {
    for database in databases().await {
        with_shelf(&database).await;
        for (order, expected) in [
            (None, "abcde"),
            (Some("size"), "abcde"),
            (Some("name"), "bcade"),
            (Some("price"), "ebcad"),
        ] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let query = Query {
                    order: order.map(str::to_owned),
                    direction,
                    ..all_of("c")
                };
                let page = database.snapshot().list(&query).await.expect("a page");
                let mut found = ids(&page);
                if direction == Direction::Descending {
                    found.reverse();
                }
                assert_eq!(found.concat(), expected, "{order:?} {direction:?}");
            }
        }
    }
}

#[tokio::test]
async fn rec_7_a_listing_by_pages_gives_each_id_once() {
    for database in databases().await {
        define(&database, "c").await;
        let names: Vec<_> = (0..23).map(|n| format!("r{n:02}")).collect();
        let body = |n: i64| Some(json!({"size": n % 3, "name": "same"}));
        let rows: Vec<_> = (0..)
            .zip(&names)
            .map(|(n, id)| (id.as_str(), body(n)))
            .collect();
        write(&database, "c", &rows).await;
        let all: &[Value] = &[json!(0), json!(1), json!(2)];
        let filters = [
            vec![],
            vec![condition("name", Comparison::Equal, &[json!("same")])],
            vec![condition("size", Comparison::OneOf, all)],
        ];
        for (order, limit, direction, conditions) in combinations(&filters) {
            let mut query = Query {
                conditions,
                order,
                direction,
                limit,
                ..all_of("c")
            };
            let mut found = Vec::new();
            let mut snapshot = database.snapshot();
            loop {
                let page = snapshot.list(&query).await.expect("a page");
                found.extend(ids(&page).into_iter().map(str::to_owned));
                assert_eq!(page.is_last, found.len() == names.len());
                if page.is_last {
                    break;
                }
                assert_eq!(page.rows.len(), limit);
                query.after = page.rows.last().map(|(position, _)| position.clone());
            }
            found.sort();
            assert_eq!(found, names, "{query:?}");
        }
    }
}

/// Every order, page size, direction and filter with every other.
fn combinations<T: Clone>(filters: &[T]) -> Vec<(Option<String>, usize, Direction, T)> {
    let mut cases = Vec::new();
    for order in [None, Some("size"), Some("name")] {
        for limit in [1, 7, 22, 23] {
            for direction in [Direction::Ascending, Direction::Descending] {
                for filter in filters {
                    cases.push((order.map(str::to_owned), limit, direction, filter.clone()));
                }
            }
        }
    }
    cases
}

#[tokio::test]
async fn a_selective_condition_finds_its_rows_in_a_large_collection() {
    for database in databases().await {
        define(&database, "c").await;
        let names: Vec<_> = (0..2_500).map(|n| format!("r{n:04}")).collect();
        let body = |n: i64| json!({"size": n / 2_100, "name": format!("n{}", n % 50)});
        let rows: Vec<_> = (0..)
            .zip(&names)
            .map(|(n, id)| (id.as_str(), Some(body(n))))
            .collect();
        write(&database, "c", &rows).await;
        let count = async |size: i64, name: &str| {
            let query = Query {
                conditions: vec![
                    condition("size", Comparison::OneOf, &[json!(size), json!(9)]),
                    condition("name", Comparison::OneOf, &[json!(name), json!("n0")]),
                ],
                order: Some("price".to_owned()),
                limit: 1_000,
                ..all_of("c")
            };
            let page = database.snapshot().list(&query).await.expect("a page");
            page.rows.len()
        };
        // Few candidates by size (400), and too many of them (2,100): then the order is walked.
        assert_eq!((count(1, "n1").await, count(0, "n1").await), (16, 84));
    }
}

#[tokio::test]
async fn a_snapshot_does_not_see_later_commits() {
    for database in databases().await {
        let seq = write(&database, "c", &[("a", Some(json!({"name": "old"})))]).await;
        let mut snapshot = database.snapshot();
        assert_eq!(snapshot.seq().await.expect("a snapshot"), seq);
        let new = Some(json!({"name": "new"}));
        write(&database, "c", &[("a", new.clone()), ("b", new)]).await;
        let row = snapshot.get(&record("c", "a")).await.expect("a read");
        assert_eq!(row.expect("the row").revision, seq);
        let page = snapshot.list(&all_of("c")).await.expect("a page");
        assert_eq!(ids(&page), ["a"]);
    }
}

#[tokio::test]
async fn the_data_as_of_a_commit_stays_what_it_was() {
    for database in databases().await {
        define(&database, "c").await;
        let body = |code: &str| Some(json!({"code": code}));
        let first = write(&database, "c", &[("a", body("x")), ("b", body("y"))]).await;
        let mut before = Vec::new();
        for id in ["a", "b"] {
            before.push(
                database
                    .snapshot()
                    .get(&record("c", id))
                    .await
                    .expect("a read"),
            );
        }
        write(&database, "c", &[("a", body("z")), ("b", None)]).await;
        let third = write(&database, "c", &[("b", body("x"))]).await;

        let mut then = database.snapshot_at(first);
        let listed = then.list(&all_of("c")).await.expect("a page");
        let expected: Vec<_> = before.iter().flatten().cloned().collect();
        let rows: Vec<_> = listed.rows.into_iter().map(|(_, row)| row).collect();
        assert_eq!(rows, expected);
        for (id, row) in ["a", "b"].into_iter().zip(before) {
            assert_eq!(then.get(&record("c", id)).await.expect("a read"), row);
        }
        let holder = then
            .find_unique("record/c/code", "x")
            .await
            .expect("a read");
        assert_eq!(holder, Some(record("c", "a")));
        let holder = database.snapshot().find_unique("record/c/code", "x").await;
        assert_eq!(holder.expect("a read"), Some(record("c", "b")));

        let mut gone = database.snapshot_at(first + 1);
        assert_eq!(gone.get(&record("c", "b")).await.expect("a read"), None);
        let mut now = database.snapshot_at(third + 100);
        assert_eq!(now.seq().await.expect("a snapshot"), third);
        let made_again = now.get(&record("c", "b")).await.expect("a read");
        let present = database
            .snapshot()
            .get(&record("c", "b"))
            .await
            .expect("a read");
        assert_eq!(made_again, present);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_row_that_is_made_again_starts_anew() {
    for database in databases().await {
        define(&database, "c").await;
        let first = write(&database, "c", &[("a", Some(json!({"code": "x"})))]).await;
        write(&database, "c", &[("a", None)]).await;
        let again = write(&database, "c", &[("a", Some(json!({"code": "x"})))]).await;
        let row = database.snapshot().get(&record("c", "a")).await;
        let row = row.expect("a read").expect("the row");
        assert_eq!((row.revision, again), (again, first + 2));
        assert_eq!(row.created_us, row.updated_us);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_unique_value_has_one_holder() {
    for database in databases().await {
        define(&database, "c").await;
        let body = |code: &str| Some(json!({"code": code}));
        write(&database, "c", &[("a", body("x")), ("b", body("y"))]).await;
        let mut work = Work::on(&database).await;
        work.set(&record("c", "d"), body("x")).await;
        assert!(matches!(work.propose(&database).await, Verdict::Stale(_)));

        let mut work = Work::on(&database).await;
        for id in ["e", "f"] {
            work.set(&record("c", id), body("z")).await;
        }
        assert!(matches!(work.propose(&database).await, Verdict::Stale(_)));

        // Two rows may swap their values, and a removed row gives its value up, in one proposal.
        write(&database, "c", &[("a", body("y")), ("b", body("x"))]).await;
        write(&database, "c", &[("d", body("x")), ("b", None)]).await;
        for (value, holder) in [("x", "d"), ("y", "a")] {
            let found = database
                .snapshot()
                .find_unique("record/c/code", value)
                .await;
            assert_eq!(found.expect("a read"), Some(record("c", holder)));
        }
        assert_clean(&database).await;
    }
}

/// Whoever proposes without having looked for holds is held to them all the same.
#[tokio::test]
async fn rec_8_the_commit_removes_nothing_that_is_held() {
    for database in databases().await {
        define(&database, "c").await;
        let rows = ["a", "b"].map(|id| (id, Some(json!({"code": id}))));
        write(&database, "c", &rows).await;
        let mut work = Work::on(&database).await;
        let hold = RowKey::within(Kind::Hold, "c", "a");
        work.put(&hold, json!({"matters": {"audit": "evidence"}}))
            .await;
        work.commit(&database).await;
        let mut work = Work::on(&database).await;
        work.set(&record("c", "b"), None).await;
        work.set(&record("c", "a"), None).await;
        assert_eq!(refusal(work.propose(&database).await), "held");
        write(&database, "c", &[("b", None)]).await;
        // Whoever ends the hold may remove the record with it, and nobody removes what they hold.
        for (held, is_refused) in [(true, true), (false, false)] {
            let mut work = Work::on(&database).await;
            let matters = held.then(|| json!({"matters": {"tax": "seven years"}}));
            work.set(&hold, matters).await;
            work.set(&record("c", "a"), None).await;
            let verdict = work.propose(&database).await;
            if is_refused {
                assert_eq!(refusal(verdict), "held");
            } else {
                committed(verdict);
            }
        }
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn a_change_of_a_row_that_was_not_read_is_refused() {
    for database in databases().await {
        let mut work = Work::on(&database).await;
        work.draft.put(crate::testing::change(
            &record("c", "a"),
            0,
            Some(json!({})),
        ));
        assert_eq!(refusal(work.propose(&database).await), "unread-change");
    }
}

#[tokio::test]
async fn text_that_one_engine_cannot_store_is_refused_on_both() {
    for database in databases().await {
        let keys = [
            (
                record("c", "a"),
                json!({"name": "nul \u{0}"}),
                "not-canonical",
            ),
            (record("c", "a"), json!({"half": 0.5}), "not-canonical"),
            (record("c", "nul \u{0}"), json!({}), "control-character"),
            (record("nul \u{0}", "a"), json!({}), "control-character"),
        ];
        for (key, body, code) in keys {
            let mut work = Work::on(&database).await;
            let mut change = crate::testing::change(&key, 0, None);
            change.body = Some(Arc::new(body));
            work.draft.read_row(&key, 0);
            work.draft.put(change);
            assert_eq!(refusal(work.propose(&database).await), code);
        }
        // Nobody can have such a row, and asking for it is no harm.
        let mut work = Work::on(&database).await;
        assert_eq!(work.get(&record("c", "nul \u{0}")).await, None);
        let holder = work
            .snapshot
            .find_unique("record/c/code", "nul \u{0}")
            .await;
        assert_eq!(holder.expect("a read"), None);
        work.put(&record("c", "a"), json!({})).await;
        assert_eq!(work.commit(&database).await, 1);
    }
}

#[tokio::test]
async fn an_empty_draft_is_a_commit_without_changes() {
    for database in databases().await {
        let first = Work::on(&database).await.commit(&database).await;
        let second = committed(Work::on(&database).await.propose(&database).await);
        assert_eq!((first, second), (1, 2));
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn rows_of_every_kind_are_kept_apart() {
    for database in databases().await {
        let mut work = Work::on(&database).await;
        for kind in [Kind::State, Kind::Effect, Kind::Timer] {
            work.put(
                &RowKey::within(kind, "x", "same"),
                json!({"kind": kind.as_str()}),
            )
            .await;
        }
        work.commit(&database).await;
        let row = database
            .snapshot()
            .get(&RowKey::within(Kind::Effect, "x", "same"))
            .await;
        let row = row.expect("a read").expect("the row");
        assert_eq!(*row.body, json!({"kind": "effect"}));
    }
}

#[tokio::test]
async fn holders_of_many_unique_values_are_found_at_once() {
    for database in databases().await {
        define(&database, "c").await;
        let ids: Vec<String> = (0..600).map(|place| format!("r{place:03}")).collect();
        let rows: Vec<(&str, Option<Value>)> = ids
            .iter()
            .map(|id| (id.as_str(), Some(json!({"code": format!("code {id}")}))))
            .collect();
        let seq = write(&database, "c", &rows).await;
        write(&database, "c", &[("r007", None)]).await;
        let value = |value: String| UniqueKey {
            space: "record/c/code".to_owned(),
            value,
        };
        let mut asked: Vec<UniqueKey> = ids.iter().map(|id| value(format!("code {id}"))).collect();
        asked.extend([value("code".to_owned()), value("nul \0".to_owned())]);
        let now = database.snapshot().find_uniques(&asked).await;
        let now = now.expect("the holders");
        assert_eq!(now.len(), 599);
        for (value, holder) in &now {
            assert_eq!(value.value, format!("code {}", holder.id));
        }
        let then = database.snapshot_at(seq).find_uniques(&asked[7..8]).await;
        let then = then.expect("the holders as of then");
        assert_eq!(then.get(&asked[7]), Some(&record("c", "r007")));
        assert!(!now.contains_key(&asked[7]));
        let none = database.snapshot().find_uniques(&[]).await;
        assert!(none.expect("nothing").is_empty());
    }
}
