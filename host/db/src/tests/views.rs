//! Views for people: what they show, what they leave out, and that they follow their definitions.

use bursar_domain::{
    office::Collection,
    row::{Kind, RowKey},
};
use serde_json::{Value, json};

use super::tampering::Raw;
use crate::{
    adapter::Engine,
    testing::{Fresh, Work, databases, record},
};

/// A view as SQL names it.
fn view(database: &Fresh, name: &str) -> String {
    match database.engine() {
        Engine::Sqlite => format!("\"office_{name}\""),
        Engine::Postgres => format!("office.\"{name}\""),
    }
}

fn staff(pay: &str) -> Collection {
    serde_json::from_value(json!({
        "schema": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "NAME": {"type": ["string", "null"]},
                "id": {"type": "string"},
                "it's": {"type": "integer"},
                "quote\"d": {"type": "string"},
                "line\nfeed": {"type": "string"},
                "": {"type": "string"},
                "x".repeat(64): {"type": "string"},
                "room": {"type": "object"},
                "is_here": {"type": "boolean"},
                "rate": {"type": "string"},
                "anything": {},
                "pay": {"type": "string"},
                "health": {"type": "string"},
            },
        },
        "indexed": [{"name": "rate", "type": "decimal"}],
        "fields": {"pay": {"class": pay}, "health": {"class": "restricted"}, "name": {"class": "public"}},
    }))
    .expect("a definition")
}

async fn define(database: &Fresh, collection: &str, definition: &Collection) {
    let mut work = Work::on(database).await;
    let body = serde_json::to_value(definition).expect("JSON");
    work.put(&RowKey::of(Kind::Collection, collection), body)
        .await;
    work.commit(database).await;
}

/// Rows of a query without the first so many columns, as texts.
async fn rows(database: &Fresh, sql: &str) -> Vec<Vec<Option<String>>> {
    Raw::beside(database).await.rows(sql).await
}

fn texts(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|text| Some((*text).to_owned())).collect()
}

fn ada() -> Value {
    json!({
        "name": "Ada", "NAME": null, "id": "A-1", "it's": 7, "quote\"d": "q", "room": {"no": 1}, "is_here": true,
        "rate": "1.50", "anything": ["x"], "pay": "4200.00", "health": "well", "unlisted": "u",
    })
}

#[tokio::test]
async fn a_collections_view_shows_what_is_internal_or_public() {
    for database in databases().await {
        define(&database, "staff-x", &staff("confidential")).await;
        let mut work = Work::on(&database).await;
        work.put(&record("staff-x", "1"), ada()).await;
        work.commit(&database).await;
        let staff = view(&database, "records_staff-x");
        let all = rows(&database, &format!("select * from {staff}")).await;
        assert_eq!(all.len(), 1);
        let shown = format!("{all:?}");
        for hidden in ["4200", "well", "\"q\"", "unlisted"] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
        // Four columns of every view, and eight of the definition.
        assert_eq!(all[0].len(), 12, "{shown}");
        let named = format!(
            "select id, name_, id_, cast(\"it's\" as text), cast(rate as text) from {staff}"
        );
        assert_eq!(
            rows(&database, &named).await,
            [texts(&["1", "Ada", "A-1", "7", "1.50"])]
        );
        let condition = "is_here and \"it's\" > 6 and created_at is not null";
        let found = format!("select room, anything from {staff} where {condition}");
        let found = rows(&database, &found).await;
        let plain = |text: &Option<String>| text.as_deref().unwrap_or_default().replace(' ', "");
        let found: Vec<String> = found[0].iter().map(plain).collect();
        assert_eq!(found, ["{\"no\":1}", "[\"x\"]"]);
    }
}

#[tokio::test]
async fn a_view_follows_its_definition_in_the_same_commit() {
    for database in databases().await {
        define(&database, "staff", &staff("internal")).await;
        let mut work = Work::on(&database).await;
        work.put(&record("staff", "1"), ada()).await;
        work.commit(&database).await;
        let staff_view = view(&database, "records_staff");
        let pay = format!("select pay from {staff_view}");
        assert_eq!(rows(&database, &pay).await, [texts(&["4200.00"])]);
        // What somebody has built upon it cannot keep what becomes confidential.
        if database.engine() == Engine::Postgres {
            let mut raw = Raw::beside(&database).await;
            raw.run(&format!(
                "create view payroll as select pay from {staff_view}"
            ))
            .await;
        }
        define(&database, "staff", &staff("confidential")).await;
        let all = rows(&database, &format!("select * from {staff_view}")).await;
        assert!(!format!("{all:?}").contains("4200"), "{all:?}");
        let mut work = Work::on(&database).await;
        work.set(&record("staff", "1"), None).await;
        work.commit(&database).await;
        assert!(
            rows(&database, &format!("select * from {staff_view}"))
                .await
                .is_empty()
        );
    }
}

#[tokio::test]
async fn every_name_of_a_collection_has_a_view_of_its_own() {
    for database in databases().await {
        let long = "a".repeat(63);
        let names = [
            format!("{long}b"),
            format!("{long}c"),
            "invoices".to_owned(),
        ];
        for name in &names {
            define(&database, name, &staff("internal")).await;
        }
        let sql = match database.engine() {
            Engine::Sqlite => {
                "select name from sqlite_master where type = 'view' and name like 'office_records%'"
            }
            Engine::Postgres => {
                "select viewname from pg_views where schemaname = 'office' and viewname like 'records%'"
            }
        };
        assert_eq!(rows(&database, sql).await.len(), names.len());
    }
}

#[tokio::test]
async fn the_hosts_own_rows_have_views() {
    for database in databases().await {
        let mut work = Work::on(&database).await;
        let line = json!({"description": "Desk", "quantity": "2", "unit": "C62", "unit_price": "10.00",
            "tax": {"category": "S", "rate": "20"}});
        let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
        work.put(
            &RowKey::of(Kind::Document, "d"),
            json!({"folder": "in", "name": "a.txt", "bytes": 3}),
        )
        .await;
        work.put(
            &RowKey::of(Kind::Task, "t"),
            json!({"title": "Look", "is_closed": false}),
        )
        .await;
        work.commit(&database).await;
        let documents = view(&database, "documents");
        let sum = format!("select cast(sum(bytes) as text) from {documents} where folder = 'in'");
        assert_eq!(rows(&database, &sum).await, [texts(&["3"])]);
        let open = format!(
            "select title from {} where not is_closed",
            view(&database, "tasks")
        );
        assert_eq!(rows(&database, &open).await, [texts(&["Look"])]);
        // The committer has rules of its own for invoices: here the row is put beside it.
        let body = json!({"flow": "receivable", "currency": "EUR", "lines": [line.clone(), line],
            "totals": {"net": money("40.00"), "tax": money("8.00"), "gross": money("48.00")}, "outstanding": money("8.00")});
        let insert = format!(
            "insert into image (kind, collection, id, revision, created_us, updated_us, body) \
             values ('invoice', '', 'i', 1, 0, 0, '{body}')"
        );
        Raw::beside(&database).await.run(&insert).await;
        let invoices = view(&database, "invoices");
        let found = format!(
            "select cast(gross as text), cast(outstanding as text), currency from {invoices}"
        );
        assert_eq!(
            rows(&database, &found).await,
            [texts(&["48.00", "8.00", "EUR"])]
        );
        let lines = view(&database, "invoice_lines");
        let found = format!(
            "select cast(position as text), description, tax_category from {lines} order by position"
        );
        let desk = |position: &str| texts(&[position, "Desk", "S"]);
        assert_eq!(rows(&database, &found).await, [desk("1"), desk("2")]);
        for name in ["payments", "allocations"] {
            let none = format!("select * from {}", view(&database, name));
            assert!(rows(&database, &none).await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_database_without_views_gets_them_when_it_is_opened() {
    for database in databases().await {
        define(&database, "staff", &staff("confidential")).await;
        let staff_view = view(&database, "records_staff");
        let mut raw = Raw::beside(&database).await;
        raw.run(&format!(
            "drop view {staff_view}; delete from migration where version = 6"
        ))
        .await;
        let again = database.second().await;
        assert!(
            rows(&database, &format!("select * from {staff_view}"))
                .await
                .is_empty()
        );
        drop(again);
    }
}
