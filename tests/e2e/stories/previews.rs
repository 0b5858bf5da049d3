//! Previews as people read them, word by word.
//!
//! Ids and instants come from a run's seed and clock: their kind stands for them. Everything else must be as it is kept in
//! `snapshots`.

use serde_json::{Value, json};

use crate::{place::Place, quickstart::faceless};

#[test]
fn a_changed_row_is_shown_with_what_it_was_and_what_it_would_be() {
    let place = Place::sqlite().founded();
    let books = place.office(async |office| office.put_books().await);
    place.enable_guest("counter");
    let shown = preview(&place, "counter", &json!({"counter": books.counters[0]}));
    insta::assert_snapshot!("changed_row", shown);
}

#[test]
fn a_new_row_is_shown_with_all_its_fields() {
    let place = Place::sqlite().founded();
    place.office(async |office| office.put_books().await);
    place.enable_guest("errand");
    let steps = json!([
        {"do": "create", "key": "one", "body": r#"{"value": 7, "note": "two\nlines"}"#},
        {"do": "task", "key": "ask", "assignee": "role:clerk"},
    ]);
    insta::assert_snapshot!("new_rows", preview(&place, "errand", &steps));
}

#[test]
fn a_number_that_only_the_commit_gives_is_shown_as_pending() {
    let place = Place::sqlite().founded();
    let books = place.office(async |office| office.put_books().await);
    place.enable_guest("counter");
    let input = json!({
        "counter": books.counters[0], "party": books.party, "invoice": true, "mail": "ada@example.com",
    });
    let shown = preview(&place, "counter", &input);
    assert!(shown.contains("(number pending)"), "{shown}");
    insta::assert_snapshot!("pending_number", shown);
    // What the mail says in the end has the number.
    let run = [
        "automation",
        "run",
        "counter",
        "--input",
        &input.to_string(),
    ];
    place.call(&run);
    let mails = place.mails();
    assert!(
        mails.len() == 1 && !mails[0].contains("pending"),
        "{mails:?}"
    );
}

#[test]
fn a_preview_that_fails_says_why_and_shows_what_it_did_until_then() {
    let place = Place::sqlite().founded();
    place.office(async |office| office.put_books().await);
    place.enable_guest("counter");
    let shown = preview(&place, "counter", &json!({"counter": "nobody"}));
    insta::assert_snapshot!("failed", shown);
}

/// What the program prints, without ids and instants. It must have changed nothing.
fn preview(place: &Place, automation: &str, input: &Value) -> String {
    let before = place.commits();
    let input = input.to_string();
    let answer = place.run(&["automation", "preview", automation, "--input", &input]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert_eq!(place.commits(), before, "the preview changed something");
    faceless(&answer.stdout)
}
