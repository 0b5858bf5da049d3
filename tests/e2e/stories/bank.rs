//! A bank statement from the file to the books, by command line only, as a person would do it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::place::{Place, say};

const AUTOMATION: &str = "bank-reconciliation";

#[test]
fn a_statement_is_previewed_booked_once_and_verified_on_sqlite() {
    tell(&Place::sqlite());
}

#[test]
fn a_statement_is_previewed_booked_once_and_verified_on_postgresql() {
    if let Some(place) = Place::postgres() {
        tell(&place);
    }
}

#[test]
fn a_statement_that_cannot_be_read_books_nothing_and_says_why() {
    let place = Place::sqlite();
    reconciling(&place);
    for case in [
        "bad-truncated",
        "bad-entities",
        "bad-not-xml",
        "bad-other-message",
        "bad-inexact-amount",
    ] {
        let folder = root()
            .join("plugins")
            .join(AUTOMATION)
            .join("cases")
            .join(case);
        let code = json_of(&folder.join("expected.json"))["failure"].clone();
        let document = add(&place, &folder.join("statement.xml"), case);
        let before = (books(&place), place.rows("notice", "").len());
        let said = place.refuse(&[
            "automation",
            "run",
            AUTOMATION,
            "--input",
            &document,
            "--event",
            case,
        ]);
        assert!(said.contains("failed"), "{said}");
        let runs = place.call(&["run", "list", "--limit", "1"]);
        let outcome = &runs[0]["report"]["outcome"];
        assert_eq!(
            (&outcome["kind"], &outcome["problem"]["code"]),
            (&json!("refused"), &code),
            "{case}"
        );
        assert_eq!(
            (books(&place), place.rows("notice", "").len()),
            (before.0, before.1 + 1),
            "{case}"
        );
        say(&format!("{case}: {code}"));
    }
    place.assert_clean();
}

fn tell(place: &Place) {
    reconciling(place);
    let expected = json_of(&demo("expected.json"));
    let first = add(place, &demo("statement.xml"), "statement.xml");
    let overlap = add(
        place,
        &demo("statement-overlap.xml"),
        "statement-overlap.xml",
    );

    let before = place.commits();
    let preview = place.call(&["automation", "preview", AUTOMATION, "--input", &first]);
    assert_eq!(place.commits(), before, "the preview changed something");
    assert_eq!(
        outcomes(&preview["logs"]),
        outcomes_of(&expected["statement.xml"])
    );

    let empty = books(place);
    let run = reconcile(place, &first);
    assert_eq!(
        outcomes(&run["report"]["logs"]),
        outcomes_of(&expected["statement.xml"])
    );
    let booked = books(place);
    assert_eq!(
        shown(&preview["rows"]),
        shown(&changes_of(place, &run)),
        "the run did what the preview showed"
    );
    assert!(
        booked
            .iter()
            .zip(&empty)
            .all(|(after, before)| after > before),
        "{empty:?} -> {booked:?}"
    );
    reconcile(place, &first);
    assert_eq!(
        books(place),
        booked,
        "the same statement again booked something"
    );

    let run = reconcile(place, &overlap);
    assert_eq!(
        outcomes(&run["report"]["logs"]),
        outcomes_of(&expected["statement-overlap.xml"])
    );
    let more = books(place);
    reconcile(place, &first);
    reconcile(place, &overlap);
    assert_eq!(books(place), more, "statements again booked something");

    place.assert_clean();
    let checkpoint = place.run(&["audit", "checkpoint"]);
    assert_eq!(checkpoint.code, Some(0), "{checkpoint:?}");
    let file = place.file("checkpoint.json", checkpoint.stdout.as_bytes());
    let verified = place.call(&["audit", "verify", "--checkpoint", &file]);
    assert_eq!(verified["findings_total"], 0, "{verified}");
    say(&format!(
        "payments, allocations, tasks: {empty:?} -> {booked:?} -> {more:?}"
    ));
}

/// A company with its books, in which the plugin is built, installed and enabled.
fn reconciling(place: &Place) {
    let company = json_of(&demo("company.json"));
    let entity = &company["legal_entity"];
    let text = |name: &str| entity[name].as_str().expect("a text");
    place.call(&[
        "init",
        "--entity",
        text("key"),
        "--name",
        text("name"),
        "--zone",
        text("zone"),
    ]);
    place.call(&["sample", "load", &path(&demo("company.json"))]);
    let again = place.call(&["sample", "load", &path(&demo("company.json"))]);
    assert_eq!(again["changed"], false, "loading again changed something");
    let component = place.folder().with_file_name("plugin.wasm");
    let source = root().join("plugins").join(AUTOMATION);
    let target = root().join("target").join("guests");
    let built = place.call(&[
        "plugin",
        "build",
        &path(&source),
        "--out",
        &path(&component),
        "--target-dir",
        &path(&target),
    ]);
    assert_eq!(built["wasi"], json!([]));
    place.call(&["plugin", "install", &path(&component)]);
    let config = format!("@{}", path(&demo("config.json")));
    place.call(&[
        "automation",
        "enable",
        AUTOMATION,
        "--plugin",
        AUTOMATION,
        "--department",
        "finance",
        "--config",
        &config,
    ]);
}

/// Adds a statement and gives the input of a run that reads it.
fn add(place: &Place, file: &Path, name: &str) -> String {
    let document = place.call(&[
        "document",
        "add",
        &path(file),
        "--folder-name",
        "statements",
        "--name",
        name,
        "--media-type",
        "application/xml",
    ]);
    json!({"document": document["id"]}).to_string()
}

fn reconcile(place: &Place, input: &str) -> Value {
    let run = place.call(&["automation", "run", AUTOMATION, "--input", input]);
    assert_eq!(run["state"], "committed", "{run:#}");
    run
}

/// How many payments, allocations and tasks there are.
fn books(place: &Place) -> [usize; 3] {
    ["payment", "allocation", "task"].map(|kind| place.rows(kind, "").len())
}

fn changes_of(place: &Place, run: &Value) -> Value {
    place.call(&["run", "show", run["id"].as_str().expect("an id")])["changes"].clone()
}

/// What a list of differences shows, without the ids that another event's run makes differently.
pub fn shown(rows: &Value) -> Vec<(String, usize)> {
    let rows = rows.as_array().expect("a list of rows");
    let mut shown: Vec<(String, usize)> = rows
        .iter()
        .map(|row| {
            let kind = row["key"].as_str().and_then(|key| key.split('/').next());
            let fields = row["fields"].as_array().map_or(0, Vec::len);
            (
                format!("{} {}", row["kind"], kind.unwrap_or_default()),
                fields,
            )
        })
        .collect();
    shown.sort();
    shown
}

/// Bank reference and outcome of each entry, as the run's log tells them.
pub fn outcomes(lines: &Value) -> Vec<(String, String)> {
    let field = |line: &Value, name: &str| {
        let fields = line["fields"].as_array()?;
        let pair = fields.iter().find(|pair| pair[0] == name)?;
        Some(pair[1].as_str()?.to_owned())
    };
    let lines = lines.as_array().expect("a list of lines");
    lines
        .iter()
        .filter_map(|line| Some((field(line, "bank_reference")?, field(line, "outcome")?)))
        .collect()
}

pub fn outcomes_of(expected: &Value) -> Vec<(String, String)> {
    let entries = expected.as_array().expect("a list of entries");
    let names: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| entry["outcome"].as_str())
        .collect();
    assert!(
        names.len() > 1,
        "the statement has entries of several kinds"
    );
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    entries
        .iter()
        .map(|entry| (text(entry, "bank_reference"), text(entry, "outcome")))
        .collect()
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("this crate lies two folders deep").to_owned()
}

pub fn demo(name: &str) -> PathBuf {
    root().join("xtask").join("demo").join(name)
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

pub fn json_of(path: &Path) -> Value {
    let text = std::fs::read(path).expect("the file is there");
    serde_json::from_slice(&text).expect("the file is JSON")
}
