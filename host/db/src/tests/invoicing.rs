//! Numbers without gaps, sums that add up, and dates that stay within their period.

use std::collections::BTreeMap;

use bursar_domain::{
    invoice::{Invoice, creditor_reference, number_token},
    row::{Kind, RowKey},
};
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::settling::settle;
use crate::{
    Database, Verdict,
    testing::{Work, assert_clean, committed, databases, record, refusal},
};

pub(super) fn entity(lock_date: Option<&str>) -> Value {
    let mut entity = json!({
        "name": "Lindgren & Co", "zone": "Europe/Vienna", "base_currency": "EUR", "locale": "de-AT"
    });
    if let Some(date) = lock_date {
        entity["lock_date"] = json!(date);
    }
    entity
}

pub(super) fn euros(minor: i64) -> Value {
    let money = bursar_domain::money::Money::new(
        minor,
        bursar_domain::money::Currency::parse("EUR").expect("a currency"),
    );
    serde_json::to_value(money).expect("JSON")
}

/// An invoice over 100.00 EUR as a run leaves it before its number is given.
pub(super) fn issued(entity: &str, outstanding: i64) -> Value {
    let tax = json!({"category": "S", "rate": "0"});
    json!({
        "flow": "receivable", "kind": "invoice", "legal_entity": entity, "party": "p1", "currency": "EUR",
        "lines": [{"description": "work", "quantity": "1", "unit": "C62", "unit_price": "100", "tax": tax}],
        "state": "issued", "number": null, "issue_date": null, "party_name": "Bo",
        "totals": {
            "line_nets": [euros(10_000)], "net": euros(10_000), "tax": euros(0), "gross": euros(10_000),
            "tax_totals": [{"tax": tax, "taxable": euros(10_000), "amount": euros(0)}]
        },
        "outstanding": euros(outstanding), "dunning_level": 0, "reference": null
    })
}

pub(super) fn draft(entity: &str) -> Value {
    let mut invoice = issued(entity, 0);
    invoice["state"] = json!("draft");
    invoice
}

pub(super) fn payment(unallocated: i64, text: &str) -> Value {
    json!({
        "flow": "receivable", "legal_entity": "e1", "party": "p1", "amount": euros(10_000),
        "value_date": "2026-03-02", "bank_reference": text, "bank_account": "AT1", "text": text,
        "unallocated": euros(unallocated), "reverses": null, "reversed_by": null
    })
}

pub(super) fn allocation(amount: i64, on: &str) -> Value {
    json!({
        "settlement": "payment", "source": "p", "invoice": "i", "amount": euros(amount), "date": on, "reason": ""
    })
}

pub(super) fn invoice_key(id: &str) -> RowKey {
    RowKey::of(Kind::Invoice, id)
}

pub(super) async fn found(database: &Database, entities: &[&str], lock_date: Option<&str>) {
    let mut work = Work::on(database).await;
    for id in entities {
        work.put(&RowKey::of(Kind::Entity, id), entity(lock_date))
            .await;
    }
    work.commit(database).await;
}

pub(super) async fn issue(database: &Database, id: &str, entity: &str, on: Date) -> Verdict {
    let mut work = Work::on(database).await;
    work.put(&invoice_key(id), issued(entity, 10_000)).await;
    work.issue(id, "INV", Some(on));
    work.propose(database).await
}

/// What each of many proposers does, by its number: most issue; some are refused, stale or never proposed.
async fn propose_one(database: &Database, worker: usize, turn: usize) {
    let id = format!("i{worker}-{turn}");
    let entity = ["e1", "e2"][(worker + turn) % 2];
    let on = [date(2025, 5, 1), date(2026, 5, 1)][(turn / 2) % 2];
    let mut work = Work::on(database).await;
    let outstanding = if turn % 5 == 3 { 9_999 } else { 10_000 };
    work.put(&invoice_key(&id), issued(entity, outstanding))
        .await;
    work.issue(&id, "INV", Some(on));
    if turn % 4 == 1 {
        // Reads what all the others write.
        let size = work
            .get(&record("plain", "shared"))
            .await
            .map_or(0, |row| row.revision);
        work.put(&record("plain", "shared"), json!({ "size": size }))
            .await;
    }
    if turn % 7 != 6 {
        work.propose(database).await;
    }
}

/// The numbers in the database, by legal entity and year.
async fn numbers(database: &Database) -> BTreeMap<(String, String), Vec<String>> {
    let query = crate::Query {
        kind: Kind::Invoice,
        limit: 10_000,
        ..crate::testing::all_of("")
    };
    let page = database.snapshot().list(&query).await.expect("a page");
    let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (_, row) in page.rows {
        let invoice: Invoice = row.decode().expect("an invoice");
        let number = invoice.number.expect("a number");
        let (series, ordinal) = number.rsplit_once('-').expect("a series");
        let key = (invoice.content.legal_entity, series.to_owned());
        found.entry(key).or_default().push(ordinal.to_owned());
    }
    for ordinals in found.values_mut() {
        ordinals.sort();
    }
    found
}

#[tokio::test]
async fn inv_1_what_was_issued_stays_as_it_was() {
    let edits: [fn(&mut Value); 5] = [
        |it| it["lines"][0]["description"] = json!("play"),
        |it| it["party_name"] = json!("Bob"),
        |it| it["due_date"] = json!("2026-06-01"),
        |it| it["issue_date"] = json!("2026-05-02"),
        |it| it["number"] = json!("INV-2026-000002"),
    ];
    for database in databases().await {
        found(&database, &["e1"], None).await;
        committed(issue(&database, "i", "e1", date(2026, 5, 1)).await);
        for edit in edits {
            let mut work = Work::on(&database).await;
            let row = work.get(&invoice_key("i")).await.expect("it is there");
            let mut body = row.body.as_ref().clone();
            edit(&mut body);
            work.put(&invoice_key("i"), body).await;
            assert_eq!(refusal(work.propose(&database).await), "invoice-final");
        }
        assert_clean(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inv_2_numbers_have_no_gaps() {
    for database in databases().await {
        found(&database, &["e1", "e2"], None).await;
        let nodes = [database.database.clone(), database.second().await];
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let node = nodes[worker % 2].clone();
                tokio::spawn(async move {
                    for turn in 0..14 {
                        propose_one(&node, worker, turn).await;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.expect("no panic");
        }
        let numbers = numbers(&database).await;
        let total: usize = numbers.values().map(Vec::len).sum();
        assert_eq!(numbers.len(), 4, "two entities in two years");
        assert!(total > 40, "only {total} were issued");
        for (series, ordinals) in numbers {
            let expected: Vec<_> = (1..=ordinals.len()).map(|n| format!("{n:06}")).collect();
            assert_eq!(ordinals, expected, "{series:?}");
        }
        let [_, second] = nodes;
        second.close().await;
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn several_issues_of_one_proposal_take_numbers_in_order() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        issue(&database, "first", "e1", date(2026, 1, 5)).await;
        let mut work = Work::on(&database).await;
        for id in ["b", "a"] {
            work.put(&invoice_key(id), issued("e1", 10_000)).await;
            work.issue(id, "INV", Some(date(2026, 1, 5)));
        }
        let Verdict::Committed { numbers, .. } = work.propose(&database).await else {
            panic!("not committed");
        };
        let expected = [("a", "INV-2026-000003"), ("b", "INV-2026-000002")];
        let expected = expected.map(|(id, number)| (id.to_owned(), number.to_owned()));
        assert_eq!(numbers, BTreeMap::from(expected));
    }
}

#[tokio::test]
async fn tokens_of_the_same_proposal_become_numbers() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        let text = format!("see {} twice: {}", number_token("i"), number_token("i"));
        let other = number_token("other");
        let mut work = Work::on(&database).await;
        work.put(&invoice_key("i"), issued("e1", 10_000)).await;
        work.issue("i", "INV", Some(date(2026, 4, 1)));
        let mut message = super::queues::message(&text);
        message["text"] = json!(other);
        work.put(&RowKey::of(Kind::Message, "m"), message).await;
        let task = json!({"title": text, "is_closed": false, "choices": [{"label": text}]});
        work.put(&RowKey::of(Kind::Task, "t"), task).await;
        work.put(&RowKey::of(Kind::Payment, "p"), payment(10_000, &text))
            .await;
        work.put(&record("plain", "r"), json!({"name": text})).await;
        work.commit(&database).await;

        let number = "INV-2026-000001";
        let replaced = format!("see {number} twice: {number}");
        let mut snapshot = database.snapshot();
        let mut body = async |key: RowKey| {
            let row = snapshot.get(&key).await.expect("a read");
            row.expect("the row").body
        };
        let message = body(RowKey::of(Kind::Message, "m")).await;
        assert_eq!(
            (&message["subject"], &message["text"]),
            (&json!(replaced), &json!(other))
        );
        let task = body(RowKey::of(Kind::Task, "t")).await;
        assert_eq!(
            (&task["title"], &task["choices"][0]["label"]),
            (&json!(replaced), &json!(replaced))
        );
        assert_eq!(
            body(RowKey::of(Kind::Payment, "p")).await["text"],
            json!(replaced)
        );
        assert_eq!(body(record("plain", "r")).await["name"], json!(text));
        let invoice = body(invoice_key("i")).await;
        assert_eq!(
            (&invoice["number"], &invoice["issue_date"]),
            (&json!(number), &json!("2026-04-01"))
        );
        assert_eq!(invoice["reference"], json!(creditor_reference(number)));
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn without_a_date_an_invoice_is_issued_on_the_business_date_of_its_commit() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        let mut work = Work::on(&database).await;
        work.put(&invoice_key("i"), issued("e1", 10_000)).await;
        work.issue("i", "INV", None);
        work.commit(&database).await;
        let row = database.snapshot().get(&invoice_key("i")).await;
        let row = row.expect("a read").expect("the invoice");
        let zone = bursar_domain::time::zone("Europe/Vienna").expect("a zone");
        let today = bursar_domain::time::date_in_zone(row.updated_us, &zone).expect("a date");
        let invoice: Invoice = row.decode().expect("an invoice");
        assert_eq!(invoice.issue_date, Some(today));
    }
}

#[tokio::test]
async fn only_the_commit_gives_numbers() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        let on = date(2026, 2, 1);
        issue(&database, "done", "e1", on).await;
        let check = async |body: Option<Value>, issues: usize, code: &str| {
            let mut work = Work::on(&database).await;
            if let Some(body) = body {
                work.put(&invoice_key("i"), body).await;
            }
            for _ in 0..issues {
                work.issue("i", "INV", Some(on));
            }
            work.draft.read_row(&record("plain", "x"), 0);
            work.draft.put(crate::testing::change(
                &record("plain", "x"),
                0,
                Some(json!({})),
            ));
            assert_eq!(refusal(work.propose(&database).await), code);
        };
        let mut by_hand = issued("e1", 10_000);
        by_hand["number"] = json!("INV-2026-000009");
        by_hand["issue_date"] = json!("2026-02-01");
        check(Some(by_hand.clone()), 0, "number-by-hand").await;
        check(Some(by_hand.clone()), 1, "issue-twice").await;
        by_hand["state"] = json!("draft");
        by_hand["outstanding"] = euros(0);
        check(Some(by_hand), 0, "number-without-issue").await;
        check(Some(issued("e1", 10_000)), 0, "issue-without-number").await;
        check(Some(issued("e1", 10_000)), 2, "issue-twice").await;
        check(Some(issued("nowhere", 10_000)), 1, "unknown-entity").await;
        check(Some(json!({"flow": "receivable"})), 1, "malformed").await;
        check(None, 1, "issue-unknown").await;

        let mut work = Work::on(&database).await;
        work.put(
            &RowKey::within(Kind::Series, "e1", "INV-2026"),
            json!({"last": 7, "last_issue_date": "2026-01-01"}),
        )
        .await;
        assert_eq!(refusal(work.propose(&database).await), "series-final");

        let mut work = Work::on(&database).await;
        work.get(&invoice_key("done")).await;
        work.set(&invoice_key("done"), None).await;
        assert_eq!(refusal(work.propose(&database).await), "invoice-final");
        let expected = BTreeMap::from([(
            ("e1".to_owned(), "INV-2026".to_owned()),
            vec!["000001".to_owned()],
        )]);
        assert_eq!(numbers(&database).await, expected);
    }
}

#[tokio::test]
async fn issue_dates_of_a_series_do_not_go_back() {
    for database in databases().await {
        found(&database, &["e1", "e2"], None).await;
        let cases = [
            ("a", "e1", date(2026, 5, 2), None),
            ("b", "e1", date(2026, 5, 1), Some("issue-date-before-last")),
            ("c", "e1", date(2026, 5, 2), None),
            ("d", "e1", date(2025, 5, 1), None),
            ("e", "e2", date(2026, 5, 1), None),
        ];
        for (id, entity, on, expected) in cases {
            let verdict = issue(&database, id, entity, on).await;
            let code = match verdict {
                Verdict::Refused(problem) => Some(problem.code),
                _ => None,
            };
            assert_eq!(code.as_deref(), expected, "{id}");
        }
    }
}

#[tokio::test]
async fn inv_10_nothing_is_posted_on_or_before_the_lock_date() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        issue(&database, "i", "e1", date(2026, 3, 1)).await;
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Payment, "p"), payment(10_000, "one"))
            .await;
        work.commit(&database).await;
        // Proposers that read nothing of the entity are held to its lock date all the same.
        found(&database, &["e1"], Some("2026-03-31")).await;

        let late = issue(&database, "late", "e1", date(2026, 3, 31)).await;
        assert_eq!(refusal(late), "period-locked");
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Payment, "q"), payment(10_000, "two"))
            .await;
        assert_eq!(refusal(work.propose(&database).await), "period-locked");
        let allocate = settle(&database, 10_000, 0, &[allocation(10_000, "2026-03-31")]).await;
        assert_eq!(refusal(allocate), "period-locked");
        let good = issue(&database, "good", "e1", date(2026, 4, 1)).await;
        assert!(matches!(good, Verdict::Committed { .. }));
        let allocate = settle(&database, 10_000, 0, &[allocation(10_000, "2026-04-01")]).await;
        assert!(matches!(allocate, Verdict::Committed { .. }));
    }
}

/// A supplier's document of such a kind and state, posted on 15 March.
fn payable(kind: &str, state: &str) -> Value {
    let mut payable = issued("e1", if state == "rejected" { 0 } else { 10_000 });
    payable["flow"] = json!("payable");
    payable["kind"] = json!(kind);
    payable["state"] = json!(state);
    payable["posted_on"] = json!("2026-03-15");
    payable
}

#[tokio::test]
async fn inv_10_what_counts_in_a_locked_period_neither_begins_nor_ends() {
    // What was there, what it becomes, and whether that changes what was owed on 15 March.
    let cases = [
        ("invoice", "received", "rejected", true),
        ("invoice", "received", "approved", false),
        ("credit-note", "received", "rejected", false),
        ("credit-note", "received", "matched", false),
        ("credit-note", "matched", "approved", true),
    ];
    for database in databases().await {
        for (kind, before, after, is_posted) in cases {
            let name = format!("{kind} {before} {after}");
            found(&database, &["e1"], None).await;
            let key = invoice_key(&name.replace(' ', "-"));
            let mut work = Work::on(&database).await;
            work.put(&key, payable(kind, before)).await;
            work.commit(&database).await;
            for (lock_date, is_refused) in [("2026-03-15", is_posted), ("2026-03-14", false)] {
                found(&database, &["e1"], Some(lock_date)).await;
                let mut work = Work::on(&database).await;
                work.put(&key, payable(kind, after)).await;
                let verdict = work.propose(&database).await;
                match verdict {
                    Verdict::Refused(problem) => {
                        assert!(is_refused, "{name} {lock_date} {problem}");
                        assert_eq!(problem.code, "period-locked");
                    }
                    Verdict::Committed { .. } => assert!(!is_refused, "{name} {lock_date}"),
                    other => panic!("{other:?}"),
                }
                if !is_refused {
                    break;
                }
            }
        }
        // A credit note that begins to count after the period was closed does so later.
        let key = invoice_key("later");
        found(&database, &["e1"], None).await;
        let mut work = Work::on(&database).await;
        work.put(&key, payable("credit-note", "matched")).await;
        work.commit(&database).await;
        found(&database, &["e1"], Some("2026-03-31")).await;
        for (state, posted_on, expected) in [
            ("needs-attention", "2026-04-01", "invoice-final"),
            ("approved", "2026-03-31", "period-locked"),
            ("approved", "2026-04-01", ""),
            ("scheduled", "2026-04-02", "invoice-final"),
        ] {
            let mut work = Work::on(&database).await;
            let mut later = payable("credit-note", state);
            later["posted_on"] = json!(posted_on);
            work.put(&key, later).await;
            let code = match work.propose(&database).await {
                Verdict::Refused(problem) => problem.code,
                Verdict::Committed { .. } => String::new(),
                other => panic!("{other:?}"),
            };
            assert_eq!(code, expected, "{state} {posted_on}");
        }
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn inv_10_nothing_is_taken_back_within_a_locked_period() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        issue(&database, "i", "e1", date(2026, 3, 1)).await;
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Payment, "p"), payment(10_000, "one"))
            .await;
        work.commit(&database).await;
        let paid = settle(&database, 10_000, 0, &[allocation(10_000, "2026-03-03")]).await;
        assert!(matches!(paid, Verdict::Committed { .. }));
        found(&database, &["e1"], Some("2026-03-31")).await;
        for (on, is_refused) in [("2026-03-31", true), ("2026-04-01", false)] {
            let back = settle(&database, -10_000, 10_000, &[allocation(-10_000, on)]).await;
            assert_eq!(matches!(back, Verdict::Refused(_)), is_refused, "{back:?}");
        }
        assert_clean(&database).await;
    }
}
