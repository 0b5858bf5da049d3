//! A disk that is full: said so, nothing half done, and work goes on when there is space again.

use serde_json::{Value, json};

use crate::{
    place::{Place, say},
    waiting::eventually,
};

/// Room for the schema and a little work.
const BYTES_MAX: u64 = 1 << 20;
/// Records of this size fill it after a few runs.
const RECORD_BYTES: usize = 48 << 10;
const RUNS_MAX: usize = 50;

#[test]
fn a_full_disk_is_said_so_and_leaves_nothing_half_done() {
    let place = Place::sqlite().founded();
    place.office(async |office| office.put_books().await);
    place.enable_guest("errand");
    place.configure(&format!("database_bytes_max = {BYTES_MAX}\n"));
    let (runs, said) = fill(&place);
    assert!(said.contains("the database is full"), "{said}");
    for beginning in ["error: ", "hint: "] {
        let lines = said.lines().filter(|line| line.starts_with(beginning));
        assert_eq!(lines.count(), 1, "{said}");
    }
    assert!(runs > 0, "nothing fitted at all");
    // Reading and verifying need no space.
    place.assert_clean();
    assert_eq!(
        filled(&place),
        runs,
        "a run that did not fit left something"
    );

    place.configure("");
    // A run that the host could not settle has a while to wait.
    eventually("the run is settled after all", || {
        let (code, _) = run(&place, &format!("run-{runs}"));
        (code == Some(0)).then_some(())
    });
    assert_eq!(filled(&place), runs + 1);
    place.assert_clean();
    say(&format!("{runs} runs fitted into {BYTES_MAX} bytes"));
}

/// Runs until one does not fit; gives how many did, and what was said of the last.
fn fill(place: &Place) -> (usize, String) {
    for number in 0..RUNS_MAX {
        let (code, said) = run(place, &format!("run-{number}"));
        match code {
            Some(0) => {}
            Some(1) => return (number, said),
            other => panic!("{other:?}: {said}"),
        }
    }
    panic!("{RUNS_MAX} runs fitted");
}

/// A run that keeps one large record.
fn run(place: &Place, event: &str) -> (Option<i32>, String) {
    let body = json!({"value": 1, "text": "x".repeat(RECORD_BYTES)}).to_string();
    let steps = json!([{"do": "create", "key": event, "body": body}]).to_string();
    let file = place.file("steps.json", steps.as_bytes());
    let answer = place.run(&[
        "automation",
        "run",
        "errand",
        "--event",
        event,
        "--input",
        &format!("@{file}"),
    ]);
    (answer.code, answer.stderr)
}

/// How many large records there are.
fn filled(place: &Place) -> usize {
    let rows = place.rows("record", "counters");
    let is_large = |row: &&Value| row["body"].get("text").is_some();
    rows.iter().filter(is_large).count()
}
