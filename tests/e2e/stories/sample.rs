//! The invented company, loaded by the real program: once, whoever asks, and only where there is room for it.

use serde_json::{Value, json};

use crate::{commands::Remote, http::World, place::Place};

const TODAY: &str = "2026-11-22";

/// An organisation with a legal entity of its own and nothing else.
fn founded(place: Place) -> Place {
    place.call(&["init", "--name", "Holding GmbH"]);
    place
}

#[test]
fn the_sample_company_is_loaded_once() {
    let place = founded(Place::sqlite());
    let loaded = place.call(&["sample", "load", "--today", TODAY]);
    assert_eq!(loaded["changed"], true);
    assert_eq!(loaded["today"], TODAY);
    let commits = place.commits();
    // Another day does not make another company.
    let again = place.run(&["sample", "load"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(
        again.stderr.contains("Loading the sample company"),
        "{again:?}"
    );
    for words in ["Its today is 2026-11-22.", "Nothing was changed"] {
        assert!(again.stdout.contains(words), "{again:?}");
    }
    assert_eq!(place.commits(), commits, "loading again changed something");

    let people = place.rows("record", "employees");
    assert_eq!(people.len(), 35);
    let aging = place.call(&["aging", "--as-of", TODAY]);
    let books = aging["books"].as_array().expect("books");
    let currencies: Vec<&Value> = books.iter().map(|it| &it["currency"]).collect();
    assert!(currencies.contains(&&json!("EUR")), "{aging}");
    let shown = place.call(&["calendar", "show", "works", "--from", TODAY, "--days", "7"]);
    assert!(shown.to_string().contains("Stand-up"), "{shown}");
    place.assert_clean();
}

#[test]
fn the_sample_company_is_loaded_at_a_server_by_administrators_only() {
    let place = Place::postgres().unwrap_or_else(Place::sqlite);
    let world = World::fresh(place);
    let remote = Remote::of(&world);
    let load = ["sample", "load", "--today", TODAY];
    let loaded = world.place.call(&remote.words(&load));
    assert_eq!(loaded["changed"], true);
    // Pay is for those who may read everything, until people have grants of their own.
    let operator = world.token("operator", Some("hr"));
    for path in [
        "collections/employees/records",
        "rows/record?collection=employees",
    ] {
        let asked = world.get(&format!("/v1/{path}")).by(&operator);
        asked.refused(403, "role-insufficient");
    }
    let load = world.post("/v1/samples/company", &json!({})).by(&operator);
    load.refused(403, "role-insufficient");
    let again = world.place.call(&remote.words(&["sample", "load"]));
    assert_eq!(again["changed"], false);
}

#[test]
fn what_is_there_already_is_left_alone() {
    let place = Place::sqlite().founded();
    place.refuse_without_trace(&["sample", "load"], "sample-clash");
    place.refuse_without_trace(&["sample", "load", "--today", "soon"], "parameter-invalid");
    place.refuse_without_trace(&["sample", "load", "--today", "1999-12-31"], "2000");
}
