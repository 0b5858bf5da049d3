//! REC-4 for everything that can be asked: two organisations that differ in nothing but the values of hidden fields answer
//! whoever does not see these alike.
//!
//! `functions` and `operations` list all functions of the contract and all operations of the API, each with what is asked of
//! it in both worlds; one that is not listed fails the test, so that nothing new stays unclassified. `world` is an
//! organisation with such fields. What is asked is a function's call by an automation without clearance, in a preview that a
//! department's operator makes, and an operation's request by an operator and by a viewer. Revisions and instants are
//! outside of what is compared.

mod functions;
mod operations;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use functions::Told;
use world::{Reply, World};

/// What is told to a reader without clearance must be told this often, or the property was not tried.
const COMPARED_MIN: usize = 100;

/// The same organisation twice, but for what is hidden.
struct Worlds {
    rich: World,
    poor: World,
    compared: usize,
}

impl Worlds {
    fn open() -> Self {
        let rich = World::open(
            |place| json!({"price": format!("{}.10", 9000 - place), "made_on": "2026-01-31", "note": {"ill": true}}),
        );
        let poor = World::open(|place| match place % 3 {
            0 => json!({}),
            1 => json!({"price": "0.01", "note": ["y".repeat(300)]}),
            _ => json!({"made_on": "", "note": null}),
        });
        assert_eq!(rich.known(), poor.known(), "the worlds have the same ids");
        Self {
            rich,
            poor,
            compared: 0,
        }
    }

    /// Asks both worlds the same, in one name; the answers, the first of them being the rich world's.
    fn ask(&self, name: &str, method: &str, path: &str, body: Option<&Value>) -> [Reply; 2] {
        [&self.rich, &self.poor].map(|world| world.ask(name, method, path, body))
    }

    /// Asks both worlds the same in the name of somebody without clearance: the answers are the same.
    fn alike(&mut self, name: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let [rich, poor] = self.ask(name, method, path, body);
        assert_eq!(rich, poor, "{method} {path} {body:?} as {name}");
        self.compared += 1;
        rich
    }
}

#[test]
fn rec_4_no_function_tells_what_is_hidden() {
    let listed = functions::all();
    let names: BTreeSet<String> = listed.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(names.len(), listed.len(), "a function is listed twice");
    assert_eq!(
        bursar_artifacts::contract(),
        names,
        "left: wit/, right: the list"
    );

    let mut worlds = Worlds::open();
    let (mut answers, mut hidden) = (0, 0);
    for function in &listed {
        if let Told::Nothing(reason) = function.told {
            assert!(!reason.is_empty(), "{}", function.name);
            continue;
        }
        let mut is_answered = false;
        for call in &function.calls {
            let call = [json!({"call": function.name}), call.clone()];
            let body = worlds.rich.start(&call);
            let path = "/v1/automations/conformance/previews";
            let reply = worlds.alike("operator", "post", path, Some(&body));
            assert_eq!(reply.status, 200, "{}: {}", function.name, reply.body);
            let [log, ..] = reply.body["logs"].as_array().expect("logs").as_slice() else {
                panic!("{} answers nothing: {}", function.name, reply.body)
            };
            answers += 1;
            is_answered |= !log.to_string().contains("\\\"error\\\":");
            hidden += usize::from(log.to_string().contains("\"note\",\"price\""));
        }
        assert!(is_answered, "{} answers with errors only", function.name);
    }
    let compared = worlds.compared;
    eprintln!(
        "REC-4: {compared} previews of {answers} calls compared, {hidden} with hidden fields"
    );
    assert!(compared >= COMPARED_MIN);
    assert!(hidden >= 10, "hardly a call met a hidden field");
}

#[test]
fn rec_4_no_operation_tells_what_is_hidden() {
    let mut worlds = Worlds::open();
    let document = worlds.rich.document();
    let mut listed: BTreeMap<&str, &operations::Operation> =
        operations::ALL.iter().map(|it| (it.id, it)).collect();
    assert_eq!(listed.len(), operations::ALL.len(), "one is listed twice");
    let mut differing = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, spoken) in item.as_object().expect("operations") {
            let id = spoken["operationId"].as_str().expect("an id");
            let operation = listed
                .remove(id)
                .unwrap_or_else(|| panic!("{id} is new: what does it tell of records?"));
            differing += usize::from(asked(&mut worlds, operation, method, path));
        }
    }
    assert!(listed.is_empty(), "the document has no {:?}", listed.keys());
    let compared = worlds.compared;
    eprintln!("REC-4: {compared} answers compared, {differing} operations tell whoever sees all");
    assert!(compared >= COMPARED_MIN);
}

/// Asks an operation in the names of those without clearance; whether it tells those apart who see everything.
fn asked(
    worlds: &mut Worlds,
    operation: &operations::Operation,
    method: &str,
    template: &str,
) -> bool {
    let id = operation.id;
    assert!(!operation.asks.is_empty(), "{id} is not asked anything");
    let (mut statuses, mut differs) = (BTreeSet::new(), false);
    for ask in operation.asks {
        let (path, body) = worlds.rich.filled(ask);
        assert!(
            operations::fits(template, &path),
            "{id}: {path} is no {template}"
        );
        for name in ["operator", "viewer"] {
            let reply = worlds.alike(name, method, &path, body.as_ref());
            statuses.insert(reply.status);
        }
        if method == "get" || operation.tells == operations::Tells::Records {
            let [rich, poor] = worlds.ask("admin", method, &path, body.as_ref());
            differs |= rich != poor;
        }
    }
    // A department's caller is answered, or kept out.
    let is_answered = statuses
        .iter()
        .any(|status| matches!(status, 200..300 | 403));
    assert!(is_answered, "{id} answers {statuses:?}");
    if operation.tells == operations::Tells::Records {
        assert!(
            differs,
            "{id} tells nothing of records, even to whoever sees them"
        );
    }
    differs
}
