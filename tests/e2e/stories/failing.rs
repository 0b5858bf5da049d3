//! Plugins that fail while they run: each run ends under its own name, once, and the worker goes on with the next.

use serde_json::{Value, json};

use crate::{place::Place, waiting::eventually};

const WALL_MS_MAX: u64 = 300;

#[test]
fn a_plugin_that_traps_loops_or_eats_memory_fails_once_and_others_run_on() {
    let place = Place::sqlite().founded();
    let books = place.office(async |office| office.put_books().await);
    place.enable_guest("counter");
    place.enable_guest("trap");
    place.enable_guest("hungry");
    place.enable("spin", &impatient_spin());
    let server = place.serve();
    let count = json!({"counter": books.counters.first()}).to_string();
    let hungry = json!({"bytes": 1 << 30}).to_string();
    let failures = [
        ("trap", "{}", "trapped", ""),
        ("spin", "{}", "limit-reached", "wall_ms_max"),
        (
            "hungry",
            hungry.as_str(),
            "limit-reached",
            "memory_bytes_max",
        ),
    ];
    for (done, (guest, input, kind, limit)) in failures.into_iter().enumerate() {
        let before = (place.commits(), place.rows("notice", "").len());
        let said = place.refuse(&[
            "automation",
            "run",
            guest,
            "--input",
            input,
            "--event",
            guest,
        ]);
        assert!(
            said.contains("failed") && said.contains("bursar run show"),
            "{said}"
        );
        let run = only_run(&place, guest);
        let outcome = &run["report"]["outcome"];
        let ended = (
            outcome["kind"].as_str(),
            outcome["limit"].as_str().unwrap_or_default(),
        );
        assert_eq!(
            (&run["state"], ended),
            (&json!("failed"), (Some(kind), limit)),
            "{run:#}"
        );
        // The run's own commit, and the one of its end with one notice.
        let after = (place.commits(), place.rows("notice", "").len());
        assert_eq!(after, (before.0 + 2, before.1 + 1));
        assert!(
            place.rows("state", guest).is_empty(),
            "{guest} left something"
        );
        let next = place.call(&["automation", "run", "counter", "--input", &count]);
        let counted = format!("counted to {}", done + 1);
        assert_eq!(
            (&next["state"], &next["report"]["summary"]),
            (&json!("committed"), &json!(counted))
        );
    }
    let lines = server.stop();
    let errors: Vec<&String> = lines.iter().filter(|line| line.contains("ERROR")).collect();
    assert!(
        errors.is_empty(),
        "a plugin's fault is no error of the host: {errors:?}"
    );
    place.assert_clean();
}

#[test]
fn a_failed_run_of_the_same_event_is_not_tried_again() {
    let place = Place::sqlite().founded();
    place.enable_guest("trap");
    let run = ["automation", "run", "trap", "--event", "the-same"];
    place.refuse(&run);
    let before = place.commits();
    place.refuse(&run);
    assert_eq!(place.commits(), before);
}

#[test]
fn a_collection_that_is_unknown_or_not_granted_is_told_to_the_plugin_by_its_code() {
    let place = Place::sqlite().founded();
    place.enable_guest("errand");
    let other = bursar_artifacts::manifest("errand")
        .replace("\"counters\"", "\"others\"")
        .replace("\"errand\"", "\"stranger\"");
    let other = bursar_runtime::package::assemble(&bursar_artifacts::module("errand"), &other);
    place.enable("stranger", &other.expect("a component"));
    let steps = json!([
        {"do": "get", "id": "x"},
        {"do": "search", "limit": 1, "after": null},
        {"do": "create", "key": "k", "body": r#"{"value":1}"#},
        {"do": "patch", "id": "x", "expected": null, "merge": "{}"},
        {"do": "remove", "id": "x"},
    ]);
    // The first is granted a collection that nobody has defined; the second is granted another than it asks for.
    for (automation, code) in [
        ("errand", "not-found collection-unknown"),
        ("stranger", "denied not-granted"),
    ] {
        let run = place.call(&[
            "automation",
            "run",
            automation,
            "--input",
            &steps.to_string(),
        ]);
        assert_eq!(run["state"], "committed");
        let told: Vec<&str> = run["report"]["summary"]
            .as_str()
            .expect("a summary")
            .lines()
            .collect();
        assert_eq!(told, [code; 5], "{automation}");
    }
    assert!(place.rows("record", "counters").is_empty());
    place.assert_clean();
}

#[test]
fn an_automation_or_input_that_cannot_be_is_refused_and_queues_nothing() {
    let place = Place::sqlite().founded();
    place.enable_guest("errand");
    for (words, part) in [
        (
            ["automation", "preview", "nobody", "--input", "{}"],
            "nobody",
        ),
        (["automation", "run", "nobody", "--input", "{}"], "nobody"),
        (
            ["automation", "run", "errand", "--input", "{"],
            "not valid JSON",
        ),
        (
            ["automation", "run", "errand", "--input", "@nowhere.json"],
            "nowhere.json",
        ),
    ] {
        place.refuse_without_trace(&words, part);
    }
    assert_eq!(place.call(&["run", "list"]), json!([]));
}

/// The guest `spin` with so little time that a loop ends soon.
fn impatient_spin() -> Vec<u8> {
    let manifest = bursar_artifacts::manifest("spin");
    let manifest = format!("{manifest}\n[limits]\nwall_ms_max = {WALL_MS_MAX}\n");
    let spin = bursar_runtime::package::assemble(&bursar_artifacts::module("spin"), &manifest);
    spin.expect("a component")
}

/// The only run of an automation, once it has ended.
fn only_run(place: &Place, automation: &str) -> Value {
    eventually("the run's end", || {
        let runs = place.call(&["run", "list", "--automation", automation]);
        let [run] = runs.as_array()?.as_slice() else {
            panic!("one run: {runs}")
        };
        (run["state"] != "queued" && run["state"] != "running").then(|| run.clone())
    })
}
