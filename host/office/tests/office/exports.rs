//! Exports: one snapshot, and files that say nothing new when they come back.

use std::io::Cursor;

use bursar_office::{
    Session,
    export::{Export, ExportFormat},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::imports::{by, counts, done, file, import, many, opened, stored};

/// The bytes of an export.
async fn exported(session: Session, format: &Value) -> Vec<u8> {
    let format: ExportFormat = serde_json::from_value(format.clone()).expect("a format");
    let mut export = Export::new(session, "items", &[], &[], format)
        .await
        .expect("an export");
    let mut bytes = Vec::new();
    while let Some(chunk) = export.next_chunk().await.expect("a chunk") {
        bytes.extend(chunk);
    }
    bytes
}

#[tokio::test]
async fn rec_7_an_export_is_of_one_snapshot_and_has_each_record_once() {
    let mut office = opened().await;
    done(
        &office,
        &by(&["code"]),
        file(&many(2_500).replace("n0\n", "=1+1\n")),
    )
    .await;
    let format =
        serde_json::from_value(json!({"kind": "csv", "delimiter": "semicolon"})).expect("a format");
    let mut export = Export::new(office.person(), "items", &[], &[], format)
        .await
        .expect("an export");
    let mut text = Vec::new();
    while let Some(chunk) = export.next_chunk().await.expect("a chunk") {
        text.extend(chunk);
        // Whatever comes meanwhile is not part of it.
        done(
            &office,
            &by(&["code"]),
            file(&format!("code\nlate{}\n", text.len())),
        )
        .await;
    }
    let text = String::from_utf8(text).expect("UTF-8");
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2_501);
    assert_eq!(lines[0], "_id;code;is_sold;kept;mail;name;price;size;tags");
    assert!(!text.contains("late"));
    assert!(
        lines.iter().any(|line| line.ends_with(";c000;;;;'=1+1;;;")),
        "{}",
        lines[1]
    );
    assert!(stored(&mut office).await.len() > 2_500);
}

fn record() -> impl Strategy<Value = Value> {
    let text = || proptest::option::of("['=+@,;\"\r\n\t -]{0,3}\\PC{0,4}");
    let tags = proptest::option::of(proptest::collection::vec("\\PC{0,3}", 0..3));
    let size = proptest::option::of(proptest::option::of(-50_i64..50));
    let price = proptest::option::of((-999_i64..999, 0_u32..99));
    let sold = proptest::option::of(any::<bool>());
    (text(), text(), size, price, sold, tags).prop_map(|(name, kept, size, price, sold, tags)| {
        let mut body = json!({});
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        put("name", name.map(Value::from));
        put("kept", kept.map(Value::from));
        put("size", size.map(Value::from));
        put(
            "price",
            price.map(|(whole, cents)| json!(format!("{whole}.{cents:02}"))),
        );
        put("is_sold", sold.map(Value::from));
        put("tags", tags.map(Value::from));
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rec_6_what_is_exported_says_nothing_new_when_it_is_imported(bodies in proptest::collection::vec(record(), 1..12), chunk_rows in 1_u32..5) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut office = opened().await;
            let mut session = office.person();
            for (place, body) in bodies.iter().enumerate() {
                let mut body = body.clone();
                body["code"] = json!(format!("c{place}"));
                session.create_record("items", &format!("k{place}"), &body).await.expect("a record");
            }
            office.commit(session).await;
            let before = stored(&mut office).await;
            for format in [
                json!({"kind": "csv", "delimiter": "comma"}),
                json!({"kind": "csv", "delimiter": "tab", "formulas": "raw"}),
                json!({"kind": "json-lines"}),
            ] {
                let bytes = exported(office.person(), &format).await;
                let by_id = import(&json!({"format": format, "key": "id", "chunk_rows": chunk_rows}));
                let by_code = import(&json!({
                    "format": format, "key": {"properties": ["code"]}, "mapping": {"columns": {"_id": "ignore"}}
                }));
                for import in [by_id, by_code] {
                    let imported = done(&office, &import, Cursor::new(bytes.clone())).await;
                    assert_eq!(imported.report.problems, []);
                    assert_eq!((imported.report.counts, imported.commits), (counts(0, 0, bodies.len() as u64, 0), 0), "{}", String::from_utf8_lossy(&bytes));
                }
            }
            assert_eq!(stored(&mut office).await, before);
            // Into an empty collection: the same records, but that a table has no empty texts and nulls.
            let lines = exported(office.person(), &json!({"kind": "json-lines"})).await;
            let mut other = opened().await;
            let import = import(&json!({
                "format": {"kind": "json-lines"}, "key": {"properties": ["code"]}, "mapping": {"columns": {"_id": "ignore"}}
            }));
            done(&other, &import, Cursor::new(lines)).await;
            let bodies = |rows: Vec<(String, Value)>| rows.into_iter().map(|(_, body)| body).collect::<Vec<_>>();
            assert_eq!(bodies(stored(&mut other).await), bodies(before));
        });
    }
}
