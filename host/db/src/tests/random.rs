//! Random operations, the same on both engines.

use bursar_domain::{draft::Direction, index::Comparison};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Database, Query, Verdict,
    adapter::args,
    statements as sql,
    testing::PLAIN,
    testing::{Fresh, Work, all_of, assert_clean, condition, databases, define, record},
};

/// What one proposal does: rows by number, and their new bodies.
type Operation = Vec<(u8, Option<Value>)>;

fn body() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec!["", "a", "ab", "b", "ä", "🦀"]);
    let size = prop_oneof![Just(Value::Null), (0_i64..4).prop_map(Value::from)];
    let price = prop::sample::select(vec!["-1", "1.0", "1.00", "2.5"]);
    (
        prop::option::of(text),
        prop::option::of(size),
        prop::option::of(price),
        prop::option::weighted(0.3, 0_u8..3),
    )
        .prop_map(|(name, size, price, code)| {
            let mut body = serde_json::Map::new();
            body.extend(name.map(|name| ("name".to_owned(), json!(name))));
            body.extend(size.map(|size| ("size".to_owned(), size)));
            body.extend(price.map(|price| ("price".to_owned(), json!(price))));
            body.extend(code.map(|code| ("code".to_owned(), json!(code.to_string()))));
            Value::Object(body)
        })
}

fn operations(proposals_max: usize) -> impl Strategy<Value = Vec<Operation>> {
    let one = (0_u8..8, prop::option::weighted(0.8, body()));
    prop::collection::vec(prop::collection::vec(one, 1..4), 0..proposals_max)
}

fn listing() -> impl Strategy<Value = Query> {
    use Comparison::{Equal, GreaterOrEqual, Less, Missing, NotEqual, OneOf, Present, StartsWith};
    let sizes = prop::sample::select(vec![
        condition("size", Equal, &[json!(1)]),
        condition("size", NotEqual, &[json!(1)]),
        condition("size", Less, &[json!(2)]),
        condition("size", GreaterOrEqual, &[json!(1)]),
        condition("size", OneOf, &[json!(0), json!(3)]),
        condition("size", Missing, &[]),
    ]);
    let others = prop::sample::select(vec![
        condition("name", StartsWith, &[json!("a")]),
        condition("name", Equal, &[json!("ä")]),
        condition("name", Missing, &[]),
        condition("price", Equal, &[json!("1")]),
        condition("price", Present, &[]),
    ]);
    let orders = prop::sample::select(vec![None, Some("size"), Some("name"), Some("price")]);
    (
        prop::collection::vec(sizes, 0..3),
        prop::collection::vec(others, 0..2),
        orders,
        any::<bool>(),
        1_usize..6,
    )
        .prop_map(|(mut conditions, others, order, ascending, limit)| {
            conditions.extend(others);
            Query {
                conditions,
                order: order.map(str::to_owned),
                direction: if ascending {
                    Direction::Ascending
                } else {
                    Direction::Descending
                },
                limit,
                ..all_of("c")
            }
        })
}

async fn perform(database: &Database, collection: &str, operation: &Operation) -> Verdict {
    let mut work = Work::on(database).await;
    for (row, body) in operation {
        work.set(&record(collection, &format!("r{row}")), body.clone())
            .await;
    }
    work.propose(database).await
}

/// All rows, index entries and unique values, in the order of their keys, without what the clock gave.
async fn state(database: &Database) -> String {
    let mut tx = database.pools.reading().await.expect("a transaction");
    let images: Vec<(String, String, String, i64, i64, i64, String)> = tx
        .all(&sql::VERIFY_IMAGES, args!["", "", "", 10_000_i64])
        .await
        .expect("images");
    let images: Vec<_> = images
        .into_iter()
        .map(|(kind, collection, id, revision, _, _, body)| (kind, collection, id, revision, body))
        .collect();
    let entries: Vec<(String, String, String, String, Vec<u8>)> = tx
        .all(&sql::VERIFY_ENTRIES, args!["", "", "", "", 10_000_i64])
        .await
        .expect("entries");
    let unique: Vec<(String, String, String, String, String)> = tx
        .all(&sql::VERIFY_UNIQUE, args!["", "", 10_000_i64])
        .await
        .expect("unique values");
    format!("{images:#?}\n{entries:?}\n{unique:#?}")
}

/// Runs a property over random values, each with a name of its own for what it makes.
pub(super) fn for_all<T: std::fmt::Debug>(
    cases: u32,
    values: impl Strategy<Value = T>,
    property: &impl AsyncFn(&[Fresh], &str, T) -> Result<(), TestCaseError>,
) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let databases = runtime.block_on(databases());
    let next = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&values, |value| {
        let collection = format!("c{}", next.replace(next.get() + 1));
        runtime.block_on(property(&databases, &collection, value))
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    runtime.block_on(async {
        for database in databases {
            assert_clean(&database).await;
        }
    });
}

#[test]
fn mon_6_both_engines_give_equal_results() {
    for_all(24, (operations(8), listing()), &async |databases,
                                                    collection,
                                                    (
        operations,
        listing,
    )| {
        let query = Query {
            collection: collection.into(),
            ..listing
        };
        let mut seen = Vec::new();
        for database in databases {
            define(database, collection).await;
            let mut verdicts = Vec::new();
            for operation in &operations {
                verdicts.push(perform(database, collection, operation).await);
            }
            let page = database.snapshot().list(&query).await.expect("a page");
            let rows: Vec<_> = page
                .rows
                .into_iter()
                .map(|(place, row)| (place, row.revision))
                .collect();
            seen.push((verdicts, rows, page.is_last, state(database).await));
        }
        for pair in seen.windows(2) {
            prop_assert_eq!(&pair[0], &pair[1]);
        }
        Ok(())
    });
}

#[test]
fn a_listing_now_is_the_listing_as_of_the_last_commit() {
    for_all(48, (operations(6), listing()), &async |databases,
                                                    collection,
                                                    (
        operations,
        listing,
    )| {
        for database in databases {
            define(database, collection).await;
            for operation in &operations {
                perform(database, collection, operation).await;
            }
            let mut query = Query {
                collection: collection.into(),
                ..listing.clone()
            };
            let mut now = database.snapshot();
            let mut then = database.snapshot_at(now.seq().await.expect("a snapshot"));
            loop {
                let (left, right) = (
                    now.list(&query).await.expect("a page"),
                    then.list(&query).await.expect("a page"),
                );
                prop_assert_eq!(&left.rows, &right.rows);
                prop_assert_eq!(left.is_last, right.is_last);
                query.after = left.rows.last().map(|(place, _)| place.clone());
                if left.is_last {
                    break;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn fresh_listings_answer_the_same_again() {
    let values = (operations(4), listing(), operations(3));
    for_all(
        64,
        values,
        &async |databases, collection, (before, listing, later)| {
            for database in databases {
                define(database, collection).await;
                for operation in &before {
                    perform(database, collection, operation).await;
                }
                let query = Query {
                    collection: collection.into(),
                    ..listing.clone()
                };
                let mut work = Work::on(database).await;
                let answer = work.list(&query).await;
                work.put(&record(PLAIN, collection), json!({})).await;
                for operation in &later {
                    perform(database, collection, operation).await;
                }
                if let Verdict::Committed { .. } = work.propose(database).await {
                    let again = database.snapshot().list(&query).await.expect("a page");
                    prop_assert_eq!(&again.rows, &answer.rows);
                } else {
                    prop_assert!(!later.is_empty());
                }
            }
            Ok(())
        },
    );
}
