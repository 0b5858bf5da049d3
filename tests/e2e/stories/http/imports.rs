//! Files of records in and out: previewed, imported, exported, imported again.

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Reply, World};
use crate::{commands::Remote, place::Place};

const IMPORTS: &str = "/v1/collections/customers/imports";
const EXPORT: &str = "/v1/collections/customers/export";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Customers, two of them with faults.
const CUSTOMERS: &str = "code,name,mail,credit\n\
    c1,\"Blue Door, Ltd\",blue@example.com,100\n\
    c2,Green Gate,not a mail,200\n\
    c3,Red Roof,red@example.com,plenty\n\
    c4,=1+1,,\n";

fn define(world: &World) {
    let definition = json!({
        "schema": {
            "type": "object", "required": ["code"], "additionalProperties": false,
            "properties": {
                "code": {"type": "string"}, "name": {"type": "string"},
                "mail": {"type": "string", "format": "email"}, "credit": {"type": "integer"},
            },
        },
        "indexed": [{"name": "code", "type": "text"}],
        "unique": ["code"],
    });
    world
        .put("/v1/collections/customers", &definition)
        .expect(200);
}

/// Sends a file and waits for what comes of it.
fn sent(world: &World, query: &str, media_type: &str, file: &[u8]) -> Value {
    let asked = world.ask(&Method::POST, &format!("{IMPORTS}?{query}"));
    let started = asked.bytes(media_type, file).expect(202);
    let place = started
        .header("location")
        .expect("the job's place")
        .to_owned();
    let job = world
        .get(&format!("{place}?wait_ms=30000"))
        .expect(200)
        .json();
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(job["steps_done"], job["steps"], "{job}");
    job
}

fn told(report: &Value) -> Vec<String> {
    let told = |problem: &Value| {
        format!(
            "{} {}: {}",
            problem["line"],
            problem["column"].as_str().unwrap_or("-"),
            problem["code"].as_str().expect("a code")
        )
    };
    let problems = report["problems"].as_array().expect("problems");
    problems.iter().map(told).collect()
}

const FAULTS: [&str; 2] = ["3 mail: schema-violation", "4 credit: not-an-integer"];

#[test]
fn customers_are_previewed_imported_and_exported_on_sqlite() {
    customers(&World::on(Place::sqlite()));
}

#[test]
fn customers_are_previewed_imported_and_exported_on_postgresql() {
    if let Some(place) = Place::postgres() {
        customers(&World::on(place));
    }
}

fn customers(world: &World) {
    define(world);
    let file = CUSTOMERS.as_bytes();
    world.unchanged(|| {
        let job = sent(world, "key=code&preview=true", "text/csv", file);
        let report = &job["result"];
        assert_eq!(report["kind"], "import-previewed");
        assert_eq!(told(report), FAULTS);
        let counts = json!({"rows": 4, "new": 2, "changed": 0, "same": 0, "bad": 2});
        assert_eq!(report["counts"], counts);
        assert_eq!(job["rows"], json!({"done": 4, "total": null}));
        // In earnest it is refused, since nobody said that bad rows may be left out.
        let job = sent(world, "key=code", "text/csv; charset=utf-8", file);
        assert_eq!((&job["kind"], &job["steps"]), (&json!("import"), &json!(2)));
        assert_eq!(job["result"]["end"], "refused");
        assert_eq!(told(&job["result"]["report"]), FAULTS);
    });
    let skip = "key=code&mode=skip-bad-rows";
    let imported = &sent(world, skip, "text/csv", file)["result"];
    assert_eq!(
        (&imported["end"], &imported["commits"]),
        (&json!("complete"), &json!(1))
    );
    assert_eq!(told(&imported["report"]), FAULTS);
    let exported = world.unchanged(|| {
        let again = &sent(world, skip, "text/csv", file)["result"];
        let counts = json!({"rows": 4, "new": 0, "changed": 0, "same": 2, "bad": 2});
        assert_eq!(again["report"]["counts"], counts);
        assert_eq!(again["commits"], 0);
        come_back(world)
    });
    // The names' apostrophe keeps a spreadsheet from computing, and is no part of the name.
    let names = ["\"Blue Door, Ltd\"", "'=1+1"];
    assert!(
        names.iter().all(|name| exported.contains(name)),
        "{exported}"
    );
    let mended = "code,mail,credit\nc2,green@example.com,200\nc1,blue@example.com,150\n";
    let imported = &sent(world, "key=code", "text/csv", mended.as_bytes())["result"];
    let counts = json!({"rows": 2, "new": 1, "changed": 1, "same": 0, "bad": 0});
    assert_eq!(imported["report"]["counts"], counts);
    world.place.assert_clean();
}

/// What is exported is the records, and says nothing new; gives the table.
fn come_back(world: &World) -> String {
    let table = world.get(EXPORT).expect(200);
    let header = |reply: &Reply, name: &str| reply.header(name).unwrap_or_default().to_owned();
    assert_eq!(header(&table, "content-type"), "text/csv");
    assert_eq!(
        header(&table, "content-disposition"),
        "attachment; filename=\"customers.csv\""
    );
    let lines = world.get(&format!("{EXPORT}?format=jsonl")).expect(200);
    assert_eq!(header(&lines, "content-type"), "application/x-ndjson");
    assert_eq!(lines.text().lines().count(), 2);
    for (media_type, file) in [("text/csv", &table), ("application/jsonl", &lines)] {
        let back = &sent(world, "key=_id", media_type, &file.body)["result"];
        let counts = json!({"rows": 2, "new": 0, "changed": 0, "same": 2, "bad": 0});
        assert_eq!(back["report"]["counts"], counts);
    }
    table.text()
}

#[test]
fn the_command_line_tells_bad_rows_by_line_and_column_here_and_at_a_server() {
    let world = World::on(Place::sqlite());
    define(&world);
    let (place, remote) = (&world.place, Remote::of(&world));
    let file = place.file("customers.csv", CUSTOMERS.as_bytes());
    let import = ["import", "customers", &file, "--key", "code"];
    let preview = [&import[..], &["--preview"]].concat();
    world.unchanged(|| {
        for words in [preview.clone(), remote.words(&preview)] {
            let answer = place.run(&words);
            assert_eq!(answer.code, Some(1), "{answer:#?}");
            let line = |beginning: &str| answer.stdout.lines().any(|it| it.starts_with(beginning));
            assert!(line("line  column  reason"), "{}", answer.stdout);
            assert!(line("3     mail    "), "{}", answer.stdout);
            assert!(line("4     credit  "), "{}", answer.stdout);
            assert!(line("4 rows: 2 new, 0 changed, 0 the same, 2 bad."));
            assert!(answer.stderr.contains("--skip-bad"), "{}", answer.stderr);
        }
        let said = place.refuse(&import);
        assert!(said.contains("nothing was imported"), "{said}");
    });
    let skip = [&import[..], &["--skip-bad"]].concat();
    let imported = place.call(&skip);
    assert_eq!(imported["report"]["counts"]["new"], 2, "{imported}");
    let again = place.call(&remote.words(&skip));
    assert_eq!(
        (&again["report"]["counts"]["same"], &again["commits"]),
        (&json!(2), &json!(0))
    );
    exported_alike(&world, &remote);
}

fn exported_alike(world: &World, remote: &Remote) {
    let place = &world.place;
    let here = place.run(&["export", "customers"]);
    let there = place.run(&remote.words(&["export", "customers"]));
    assert_eq!((here.code, &there.stdout), (Some(0), &here.stdout));
    let output = place.file("out.csv", b"from before");
    place.call(&["export", "customers", "--output", &output]);
    let written = std::fs::read_to_string(&output).expect("the file");
    assert_eq!(written, here.stdout);
    let back = place.call(&["import", "customers", &output, "--key", "_id"]);
    assert_eq!(back["report"]["counts"]["same"], 2, "{back}");
    // What cannot be exported leaves what was there.
    for words in [
        ["export", "nobody", "--output", &output].to_vec(),
        remote.words(&["export", "nobody", "--output", &output]),
    ] {
        place.refuse(&words);
        let kept = std::fs::read_to_string(&output).expect("the file");
        assert_eq!(kept, written);
    }
}

#[test]
fn a_sheet_of_a_workbook_is_imported_by_its_columns() {
    let world = World::on(Place::sqlite());
    define(&world);
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let header = ["No.", "name", "credit"].map(cell).concat();
    let row = format!(
        "{}{}<c><v>1500.0000000000002</v></c>",
        cell("c9"),
        cell("Yellow &amp; Co")
    );
    let file = workbook(&format!("<row>{header}</row><row>{row}</row>"));
    let mapping =
        "mapping=%7B%22columns%22%3A%7B%22No.%22%3A%7B%22property%22%3A%22code%22%7D%7D%7D";
    let query = format!("key=code&{mapping}");
    let imported = &sent(&world, &query, XLSX, &file)["result"];
    assert_eq!(imported["report"]["counts"]["new"], 1, "{imported}");
    let path = world.place.file("customers.xlsx", &file);
    let again = [
        "import",
        "customers",
        &path,
        "--key",
        "code",
        "--column",
        "No.=code",
    ];
    let again = world.place.call(&again);
    assert_eq!(again["report"]["counts"]["same"], 1, "{again}");
    let lines = world.get(&format!("{EXPORT}?format=jsonl")).expect(200);
    let record: Value = serde_json::from_slice(&lines.body).expect("one line");
    assert_eq!(
        (&record["name"], &record["credit"]),
        (&json!("Yellow & Co"), &json!(1500))
    );
}

/// A workbook with one sheet: an archive whose parts are stored as they are.
fn workbook(rows: &str) -> Vec<u8> {
    let relation = "<Relationships><Relationship Id=\"a\" Type=\"x/worksheet\" Target=\"sheet.xml\"/></Relationships>";
    let parts = [
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"S\" id=\"a\"/></sheets></workbook>".to_owned(),
        ),
        ("xl/_rels/workbook.xml.rels", relation.to_owned()),
        (
            "xl/sheet.xml",
            format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("small").to_le_bytes();
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in &parts {
        let at = length(&bytes);
        let mut fields = vec![0; 14];
        fields.extend(length(content.as_bytes()));
        fields.extend(length(content.as_bytes()));
        fields.extend(&length(name.as_bytes())[..2]);
        fields.extend([0; 2]);
        bytes.extend(
            [
                b"PK\x03\x04",
                &fields[..],
                name.as_bytes(),
                content.as_bytes(),
            ]
            .concat(),
        );
        directory.extend(
            [
                b"PK\x01\x02\0\0",
                &fields[..],
                &[0; 10],
                &at,
                name.as_bytes(),
            ]
            .concat(),
        );
    }
    let at = length(&bytes);
    bytes.extend(&directory);
    bytes.extend(
        [
            b"PK\x05\x06",
            &[0; 8][..],
            &length(&directory),
            &at,
            &[0; 2],
        ]
        .concat(),
    );
    bytes
}

#[test]
fn what_cannot_be_imported_is_refused_before_or_told_by_the_job() {
    let world = World::on(Place::sqlite());
    define(&world);
    let ask = |path: &str, media_type: &str| {
        let asked = world.ask(&Method::POST, path);
        asked.bytes(media_type, CUSTOMERS.as_bytes())
    };
    world.unchanged(|| {
        ask(IMPORTS, "application/vnd.ms-excel").refused(415, "media-type-unsupported");
        ask("/v1/collections/nobody/imports", "text/csv").refused(404, "not-found");
        for query in [
            "colour=red",
            "mode=perhaps",
            "preview=perhaps",
            "mapping=x",
            "sheet=S",
        ] {
            let code = match query {
                "colour=red" => "unknown-parameter",
                _ => "parameter-invalid",
            };
            ask(&format!("{IMPORTS}?{query}"), "text/csv").refused(400, code);
        }
        world
            .get("/v1/collections/nobody/export")
            .refused(404, "collection-unknown");
        world
            .get(&format!("{EXPORT}?format=xlsx"))
            .refused(400, "parameter-invalid");
        // Only its first line says that the file is not what it was said to be.
        let started = ask(IMPORTS, XLSX).expect(202).json();
        let path = format!(
            "/v1/jobs/{}?wait_ms=30000",
            started["id"].as_str().expect("an id")
        );
        let job = world.get(&path).expect(200).json();
        assert_eq!(job["state"], "failed", "{job}");
        assert_eq!(job["problem"]["code"], "not-a-workbook", "{job}");
    });
    let auditor = world.token("auditor", None);
    world.get(EXPORT).by(&auditor).expect(200);
    ask(IMPORTS, "text/csv")
        .by(&auditor)
        .refused(403, "role-insufficient");
}
