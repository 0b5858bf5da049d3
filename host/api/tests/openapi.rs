//! The OpenAPI document: as people were shown it, and what holds for each of its operations.

use std::collections::BTreeSet;

use serde_json::Value;

const PROBLEM: &str = "#/components/schemas/ProblemDocument";
/// Bodies that are open by their nature: what a collection's schema allows, a patch of anything, sample data.
const OPEN_BODIES: [&str; 4] = [
    "create_record",
    "patch_record",
    "patch_automation",
    "load_sample",
];

struct Operation {
    method: String,
    path: String,
    spoken: Value,
}

fn document() -> Value {
    serde_json::to_value(bursar_api::openapi::document()).expect("the document is JSON")
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations");
        item.iter().map(|(method, spoken)| Operation {
            method: method.clone(),
            path: path.clone(),
            spoken: spoken.clone(),
        })
    });
    of_path.collect()
}

impl Operation {
    fn id(&self) -> &str {
        self.spoken["operationId"].as_str().expect("an id")
    }

    fn is_public(&self) -> bool {
        self.spoken.get("security").is_some()
    }

    /// The statuses whose answers are problem documents.
    fn problems(&self) -> BTreeSet<&str> {
        let responses = self.spoken["responses"].as_object().expect("responses");
        let problems = responses.iter().filter(|(_, response)| {
            response["content"]["application/problem+json"]["schema"]["$ref"] == PROBLEM
        });
        problems.map(|(status, _)| status.as_str()).collect()
    }
}

#[test]
fn the_document_is_the_one_that_people_were_shown() {
    insta::assert_json_snapshot!("document", document());
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_is() {
    let document = document();
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let id = operation.id();
        assert!(ids.insert(id.to_owned()), "{id} names two operations");
        let summary = operation.spoken["summary"].as_str().unwrap_or_default();
        assert!(
            (8..=100).contains(&summary.len()) && !summary.ends_with('.'),
            "{id}: {summary:?}"
        );
        let own = operation.spoken["tags"].as_array().expect("tags");
        assert!(
            own.len() == 1 && own.iter().all(|tag| tags.contains(&tag)),
            "{id}: {own:?}"
        );
    }
    assert!(ids.len() > 60);
}

#[test]
fn every_operation_says_how_it_can_fail() {
    let document = document();
    for operation in operations(&document) {
        let mut wanted = BTreeSet::from(["400", "408", "500", "503"]);
        if !operation.is_public() {
            wanted.extend(["401", "403", "422"]);
        }
        if operation.path.contains('{') {
            wanted.insert("404");
        }
        if operation.method != "get" {
            wanted.extend(["404", "409", "412", "429", "507"]);
        }
        if operation.spoken.get("requestBody").is_some() {
            wanted.extend(["413", "415"]);
        }
        let documented = operation.problems();
        let missing: Vec<_> = wanted.difference(&documented).collect();
        assert!(
            missing.is_empty(),
            "{} {}: {missing:?}",
            operation.method,
            operation.path
        );
        let responses = operation.spoken["responses"]
            .as_object()
            .expect("responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{}",
            operation.id()
        );
    }
}

#[test]
fn a_change_says_how_it_is_made_once_and_only_to_what_was_seen() {
    for operation in operations(&document()) {
        let headers: BTreeSet<&str> = operation.spoken["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "header")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let wanted = if operation.method == "get" {
            BTreeSet::new()
        } else {
            BTreeSet::from(["Idempotency-Key", "If-Match"])
        };
        assert!(
            headers.is_superset(&wanted),
            "{}: {headers:?}",
            operation.id()
        );
    }
}

#[test]
fn bodies_say_that_unknown_fields_are_refused() {
    let document = document();
    let named = |schema: &Value| match schema["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).cloned(),
        None => Some(schema.clone()),
    };
    for operation in operations(&document) {
        let body = &operation.spoken["requestBody"]["content"]["application/json"]["schema"];
        if body.is_null() || OPEN_BODIES.contains(&operation.id()) {
            continue;
        }
        let schema = named(body).expect("the schema is there");
        assert_eq!(schema["additionalProperties"], false, "{}", operation.id());
    }
}

/// A part that forbids what it does not know would refuse the whole.
#[test]
fn no_part_of_a_composed_answer_refuses_the_others() {
    let document = document();
    check_parts(&document, &document, "");
}

fn check_parts(document: &Value, value: &Value, at: &str) {
    for part in value["allOf"].as_array().into_iter().flatten() {
        let place = part["$ref"]
            .as_str()
            .map(|place| place.trim_start_matches('#'));
        let part = place
            .and_then(|place| document.pointer(place))
            .unwrap_or(part);
        assert_ne!(part["additionalProperties"], false, "{at}");
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                check_parts(document, member, &format!("{at}/{name}"));
            }
        }
        Value::Array(items) => {
            for item in items {
                check_parts(document, item, at);
            }
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    let places = text.split("\"$ref\":\"#").skip(1);
    for place in places.filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(place).is_some(), "{place} is not there");
    }
}
