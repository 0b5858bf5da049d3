//! Imports: what files do to records, and that doing it again does nothing.

use std::io::{Cursor, Read, Seek};

use bursar_domain::{manifest::Authority, office::Collection};
use bursar_office::{
    Context, Error, Paging,
    import::{Counts, End, Import, Imported, Report, RowProblem, commit, preview},
};
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, context, grant};

/// Lines of text are a file.
pub type File = Cursor<Vec<u8>>;

pub fn file(text: &str) -> File {
    Cursor::new(text.as_bytes().to_vec())
}

pub fn import(value: &Value) -> Import {
    let mut whole = json!({"collection": "items", "format": {"kind": "csv"}});
    for (name, part) in value.as_object().expect("parts of an import") {
        whole[name] = part.clone();
    }
    serde_json::from_value(whole).expect("a good import")
}

pub fn by(properties: &[&str]) -> Import {
    import(&json!({"key": {"properties": properties}}))
}

fn items() -> Collection {
    serde_json::from_value(json!({
        "schema": {
            "type": "object",
            "required": ["code"],
            "additionalProperties": false,
            "properties": {
                "code": {"type": "string", "minLength": 1, "maxLength": 20},
                "name": {"type": "string"},
                "mail": {"type": "string", "format": "email"},
                "size": {"type": ["integer", "null"]},
                "price": {"type": "string"},
                "is_sold": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "kept": {"type": "string"}
            }
        },
        "indexed": [
            {"name": "code", "type": "text"}, {"name": "mail", "type": "text"},
            {"name": "size", "type": "integer"}, {"name": "price", "type": "decimal"}
        ],
        "unique": ["code", "mail"]
    }))
    .expect("a good definition")
}

/// An organisation with a collection "items".
pub async fn opened() -> Organisation {
    let mut office = Organisation::open().await;
    define_items(&mut office).await;
    office
}

/// The same on both engines, as far as they are there.
pub async fn opened_on_both() -> Vec<Organisation> {
    let mut offices = Organisation::open_on_both().await;
    for office in &mut offices {
        define_items(office).await;
    }
    offices
}

async fn define_items(office: &mut Organisation) {
    let mut session = office.person();
    session
        .define_collection("items", &items())
        .await
        .expect("a collection");
    office.commit(session).await;
}

pub fn everything() -> Context {
    context(None, Authority::Everything, [77; 32])
}

async fn looked<R: Read + Seek + Send>(
    office: &Organisation,
    import: &Import,
    mut file: R,
) -> Result<Report, Error> {
    preview(
        &office.database,
        &everything(),
        import,
        &mut file,
        &mut |_| {},
    )
    .await
}

pub async fn done<R: Read + Seek + Send>(
    office: &Organisation,
    import: &Import,
    mut file: R,
) -> Imported {
    commit(
        &office.database,
        &everything(),
        import,
        &mut file,
        &mut |_| {},
    )
    .await
    .expect("an import")
}

/// Every record, by its code.
pub async fn stored(office: &mut Organisation) -> Vec<(String, Value)> {
    let mut session = office.person();
    let (mut found, mut paging) = (Vec::new(), Paging::first());
    loop {
        let page = session.search_records("items", &[], &[], &paging).await;
        let page = page.expect("records");
        found.extend(
            page.items
                .iter()
                .map(|record| (record.id.to_string(), record.body.as_ref().clone())),
        );
        paging.after = page.next;
        if paging.after.is_none() {
            break;
        }
    }
    found.sort_by_key(|(_, body)| body["code"].to_string());
    found
}

pub fn told(problems: &[RowProblem]) -> Vec<String> {
    let told = |problem: &RowProblem| {
        let column = problem.column.as_deref().unwrap_or("-");
        format!("{}: {} at {column}", problem.line, problem.code)
    };
    problems.iter().map(told).collect()
}

pub fn counts(new: u64, changed: u64, same: u64, bad: u64) -> Counts {
    Counts {
        rows: new + changed + same + bad,
        new,
        changed,
        same,
        bad,
    }
}

#[tokio::test]
async fn a_preview_shows_what_a_commit_does_and_changes_nothing() {
    for office in opened_on_both().await {
        preview_and_commit(office).await;
    }
}

async fn preview_and_commit(mut office: Organisation) {
    let first = "code,name,size,price,is_sold,tags\na,Anna,1,1.10,true,\"[\"\"x\"\"]\"\nb,,,,,\n";
    let report = looked(&office, &by(&["code"]), file(first))
        .await
        .expect("a report");
    assert_eq!(report.counts, counts(2, 0, 0, 0));
    assert!(stored(&mut office).await.is_empty());
    let imported = done(&office, &by(&["code"]), file(first)).await;
    assert_eq!((imported.end, imported.commits), (End::Complete, 1));
    assert_eq!(imported.report, report);
    let bodies: Vec<Value> = stored(&mut office)
        .await
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    let anna = json!({"code": "a", "name": "Anna", "size": 1, "price": "1.10", "is_sold": true, "tags": ["x"]});
    assert_eq!(bodies, [anna, json!({"code": "b"})]);

    let second = "code,size,name\na,2,Anna\nb,,\nc,3,Cleo\n";
    let report = looked(&office, &by(&["code"]), file(second))
        .await
        .expect("a report");
    assert_eq!(report.counts, counts(1, 1, 1, 0));
    let shown: Vec<Value> = report
        .diffs
        .iter()
        .map(|diff| serde_json::to_value(diff).expect("JSON"))
        .collect();
    let id = stored(&mut office).await[0].0.clone();
    assert_eq!(
        shown[0],
        json!({"line": 2, "id": id, "fields": [{"property": "size", "before": 1, "after": 2}]})
    );
    assert_eq!(
        (&shown[1]["line"], &shown[1]["id"], shown.len()),
        (&json!(4), &Value::Null, 2)
    );
    assert_eq!(
        done(&office, &by(&["code"]), file(second)).await.report,
        report
    );
}

#[tokio::test]
async fn rec_5_what_no_column_names_stays_and_an_empty_cell_takes_away() {
    let mut office = opened().await;
    let whole = "code,name,kept,size\na,Anna,here,1\n";
    done(&office, &by(&["code"]), file(whole)).await;
    done(&office, &by(&["code"]), file("code,name\na,\n")).await;
    let expected = json!({"code": "a", "kept": "here", "size": 1});
    assert_eq!(stored(&mut office).await[0].1, expected);
    let keep = import(&json!({"key": {"properties": ["code"]}, "mapping": {"empty": "keep"}}));
    done(&office, &keep, file("code,size,name\na,,Ada\n")).await;
    let expected = json!({"code": "a", "kept": "here", "size": 1, "name": "Ada"});
    assert_eq!(stored(&mut office).await[0].1, expected);
    let lines = import(&json!({"format": {"kind": "json-lines"}, "key": {"properties": ["code"]}}));
    done(
        &office,
        &lines,
        file("{\"code\":\"a\",\"size\":null,\"name\":null}\n"),
    )
    .await;
    // Null where the schema allows it is a value; where it does not it is none.
    let expected = json!({"code": "a", "kept": "here", "size": null});
    assert_eq!(stored(&mut office).await[0].1, expected);
}

#[tokio::test]
async fn columns_are_mapped_and_unknown_ones_refused_by_name() {
    let mut office = opened().await;
    let refused = looked(&office, &by(&["code"]), file("code,Name,_id\na,b,c\n")).await;
    let problems = refused.expect_err("refused").problems();
    let pointers: Vec<&str> = problems
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(pointers, ["/mapping/columns/Name", "/mapping/columns/_id"]);
    let mapped = import(&json!({
        "key": {"properties": ["code"]},
        "mapping": {
            "columns": {"No.": {"property": "code"}, "Preis": {"property": "price"}, "x": "ignore"},
            "constants": {"kept": "from the shop"},
            "decimal_comma": ["Preis"]
        }
    }));
    done(&office, &mapped, file("No.;Preis;x\na;1.234,50;y\n")).await;
    let expected = json!({"code": "a", "price": "1234.50", "kept": "from the shop"});
    assert_eq!(stored(&mut office).await[0].1, expected);
    let check = async |parts: Value, text: &str, expected: &str| {
        assert_eq!(
            code(looked(&office, &import(&parts), file(text)).await),
            expected,
            "{text}"
        );
    };
    check(
        json!({"mapping": {"columns": {"gone": "ignore"}}}),
        "code\na\n",
        "unknown",
    )
    .await;
    check(
        json!({"mapping": {"columns": {"x": {"property": "code"}}}}),
        "code,x\na,b\n",
        "duplicate",
    )
    .await;
    check(
        json!({"key": {"properties": ["name"]}}),
        "code,name\na,b\n",
        "key-not-unique",
    )
    .await;
    check(
        json!({"key": {"properties": ["mail"]}}),
        "code\na\n",
        "key-missing",
    )
    .await;
    check(
        json!({"key": {"properties": []}}),
        "code\na\n",
        "wrong-count",
    )
    .await;
    check(json!({"chunk_rows": 0}), "code\na\n", "out-of-range").await;
    check(
        json!({"collection": "nothing"}),
        "code\na\n",
        "collection-unknown",
    )
    .await;
    check(json!({}), "", "empty").await;
}

#[tokio::test]
async fn bad_rows_are_all_told_and_nothing_is_committed_unless_they_are_skipped() {
    for office in opened_on_both().await {
        bad_rows(office).await;
    }
}

async fn bad_rows(mut office: Organisation) {
    done(
        &office,
        &by(&["code"]),
        file("code,mail\nz,z@example.com\n"),
    )
    .await;
    let text = "code,mail,size\n\
        a,a@example.com,1\n\
        b,b@example.com,many\n\
        ,c@example.com,1\n\
        d,d@example.com\n\
        e,nobody,1\n\
        f,z@example.com,1\n\
        a,g@example.com,1\n\
        h,a@example.com,1\n";
    let mut expected = [
        "3: not-an-integer at size",
        "4: key-missing at -",
        "5: ragged at size",
        "6: schema-violation at mail",
        "7: not-unique at mail",
        "8: duplicate at -",
        "9: duplicate at -",
    ];
    let refused = done(&office, &by(&["code"]), file(text)).await;
    assert_eq!((refused.end, refused.commits), (End::Refused, 0));
    assert_eq!(told(&refused.report.problems), expected);
    assert_eq!(refused.report.counts, counts(1, 0, 0, 7));
    let twice = &refused.report.problems[5].message;
    assert!(twice.contains("lines 2 and 8"), "{twice}");
    assert_eq!(stored(&mut office).await.len(), 1);
    for chunk_rows in [1, 3, 100] {
        let skips = json!({"key": {"properties": ["code"]}, "mode": "skip-bad-rows", "chunk_rows": chunk_rows});
        let skipped = done(&office, &import(&skips), file(text)).await;
        assert_eq!(skipped.end, End::Complete);
        assert_eq!(told(&skipped.report.problems), expected);
        // From now on the value is that of a record that was there before.
        expected[6] = "9: not-unique at mail";
        assert_eq!(stored(&mut office).await.len(), 2);
    }
}

#[tokio::test]
async fn what_is_told_of_a_file_is_bounded_and_the_rest_is_counted() {
    let office = opened().await;
    let lines = json!({"format": {"kind": "json-lines"}, "key": {"properties": ["code"]}});
    let unknown: Vec<String> = (0..30).map(|place| format!("\"x{place}\":1")).collect();
    let bad = format!("{{{}}}\n", unknown.join(","));
    let report = looked(&office, &import(&lines), file(&bad.repeat(60)))
        .await
        .expect("a report");
    assert_eq!(report.counts, counts(0, 0, 0, 60));
    assert_eq!(
        (report.problems.len(), report.problems_left_out),
        (1_000, 800)
    );
    let line = |row: usize| report.problems[row].line;
    assert_eq!((line(19), line(20), line(999)), (1, 2, 50));

    let long = "x".repeat(1 << 20);
    let name = format!("{{\"{}\":1}}\n", &long[..1 << 19]);
    let mail = format!("{{\"code\":\"a\",\"mail\":\"{}\"}}\n", &long[..1 << 19]);
    let report = looked(&office, &import(&lines), file(&format!("{name}{mail}")))
        .await
        .expect("a report");
    assert_eq!(report.counts.bad, 2);
    let told = serde_json::to_string(&report).expect("JSON");
    assert!(told.len() < 5_000, "{} bytes", told.len());

    let rows: Vec<String> = (0..5)
        .map(|place| {
            format!(
                "{{\"code\":\"c{place}\",\"kept\":\"{}\"}}\n",
                &long[..100_000]
            )
        })
        .collect();
    let rows = rows.concat();
    let report = looked(&office, &import(&lines), file(&rows))
        .await
        .expect("a report");
    assert_eq!((report.counts.new, report.diffs.len()), (5, 2));
    let single = Import {
        chunk_rows: 1,
        ..import(&lines)
    };
    assert_eq!(done(&office, &single, file(&rows)).await.report, report);
}

#[tokio::test]
async fn a_key_of_several_properties_names_one_record() {
    let mut office = opened().await;
    let keys = by(&["code", "mail"]);
    done(
        &office,
        &keys,
        file("code,mail\na,a@example.com\nb,b@example.com\n"),
    )
    .await;
    let report = looked(&office, &keys, file("code,mail\na,b@example.com\n"))
        .await
        .expect("a report");
    assert_eq!(told(&report.problems), ["2: key-ambiguous at -"]);
    // Known by one of them, and given another value of the other.
    done(&office, &keys, file("code,mail\na,new@example.com\n")).await;
    let bodies: Vec<Value> = stored(&mut office)
        .await
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    assert_eq!(bodies[0], json!({"code": "a", "mail": "new@example.com"}));
    assert_eq!(bodies.len(), 2);
}

#[tokio::test]
async fn a_unique_value_that_one_row_gives_up_another_may_take() {
    for office in opened_on_both().await {
        values_that_change_hands(office).await;
    }
}

async fn values_that_change_hands(mut office: Organisation) {
    let keys = by(&["code"]);
    done(&office, &keys, file("code,mail\na,x@example.com\n")).await;
    for chunk_rows in [1, 10] {
        let import = Import {
            chunk_rows,
            ..keys.clone()
        };
        let text = "code,mail\na,y@example.com\nb,x@example.com\n";
        let report = looked(&office, &import, file(text))
            .await
            .expect("a report");
        assert_eq!(report.counts.bad, 0, "{:?}", report.problems);
        assert_eq!(done(&office, &import, file(text)).await.end, End::Complete);
    }
    assert_eq!(stored(&mut office).await.len(), 2);
    let wrong = "code,mail\nc,x@example.com\nb,z@example.com\n";
    let report = looked(&office, &keys, file(wrong)).await.expect("a report");
    assert_eq!(told(&report.problems), ["2: not-unique at mail"]);
}

#[tokio::test]
async fn without_a_key_the_same_file_is_imported_once() {
    for office in opened_on_both().await {
        same_file_again(office).await;
    }
}

async fn same_file_again(mut office: Organisation) {
    let lines = import(&json!({}));
    let text = "code,name\na,Anna\nb,Bert\n";
    assert_eq!(
        done(&office, &lines, file(text)).await.report.counts,
        counts(2, 0, 0, 0)
    );
    let again = done(&office, &lines, file(text)).await;
    assert_eq!(
        (again.report.counts, again.commits),
        (counts(0, 0, 2, 0), 0)
    );
    // What somebody changed meanwhile is not taken back.
    let mut session = office.person();
    let id = stored(&mut office).await[0].0.clone();
    session
        .patch_record("items", &id, None, &json!({"name": "Ada"}))
        .await
        .expect("patched");
    office.commit(session).await;
    assert_eq!(done(&office, &lines, file(text)).await.commits, 0);
    assert_eq!(stored(&mut office).await[0].1["name"], "Ada");
    // Another file is other rows.
    let other = looked(&office, &lines, file("code,name\nc,Anna\n"))
        .await
        .expect("a report");
    assert_eq!(other.counts, counts(1, 0, 0, 0));
}

#[tokio::test]
async fn rows_by_id_change_their_record_and_rows_without_one_are_new() {
    let mut office = opened().await;
    done(&office, &by(&["code"]), file("code,name\na,Anna\n")).await;
    let id = stored(&mut office).await[0].0.clone();
    let by_id = import(&json!({"key": "id"}));
    let text = format!("_id,code,name\n{id},a,Ada\n,b,Bert\n");
    assert_eq!(
        done(&office, &by_id, file(&text)).await.report.counts,
        counts(1, 1, 0, 0)
    );
    assert_eq!(
        done(&office, &by_id, file(&text)).await.report.counts,
        counts(0, 0, 2, 0)
    );
    let wrong = format!("_id,code\n{id},a\n{id},a\nnobody,c\nüml aut,d\n");
    let report = looked(&office, &by_id, file(&wrong))
        .await
        .expect("a report");
    assert_eq!(
        told(&report.problems),
        [
            "3: duplicate at -",
            "4: not-found at _id",
            "5: not-found at _id"
        ]
    );
}

#[tokio::test]
async fn an_import_needs_the_rights_of_its_collection() {
    let office = opened().await;
    let some =
        grant(json!({"kind": "records", "collection": "items", "operations": ["read", "create"]}));
    let lacking = context(None, Authority::Granted(vec![some]), [1; 32]);
    let mut text = file("code\na\n");
    let refused = commit(
        &office.database,
        &lacking,
        &by(&["code"]),
        &mut text,
        &mut |_| {},
    )
    .await;
    assert_eq!(code(refused), "not-granted");
    let all = grant(
        json!({"kind": "records", "collection": "items", "operations": ["read", "create", "update"]}),
    );
    let granted = context(None, Authority::Granted(vec![all]), [1; 32]);
    let done = commit(
        &office.database,
        &granted,
        &by(&["code"]),
        &mut text,
        &mut |_| {},
    )
    .await;
    assert_eq!(done.expect("an import").commits, 1);
}

pub fn many(rows: usize) -> String {
    let lines: Vec<String> = (0..rows)
        .map(|place| format!("c{place:03},n{place}"))
        .collect();
    format!("code,name\n{}\n", lines.join("\n"))
}
