//! Every function of the contract: what it tells, and what is asked of it.

use serde_json::{Value, json};

/// What a function tells of records.
pub enum Told {
    /// It answers from records, or about them.
    Records,
    /// Nothing that could be hidden, for this reason.
    Nothing(&'static str),
}

pub struct Function {
    /// "interface.function".
    pub name: &'static str,
    pub told: Told,
    /// Arguments of the calls that both worlds answer alike.
    pub calls: Vec<Value>,
}

fn records(name: &'static str, calls: Vec<Value>) -> Function {
    Function {
        name,
        told: Told::Records,
        calls,
    }
}

fn nothing(reason: &'static str, names: &[&'static str]) -> Vec<Function> {
    let function = |name: &&'static str| Function {
        name,
        told: Told::Nothing(reason),
        calls: Vec::new(),
    };
    names.iter().map(function).collect()
}

pub fn all() -> Vec<Function> {
    let mut all = reading();
    all.extend(writing());
    all.extend(naming_parties());
    for (reason, names) in NOTHING {
        all.extend(nothing(reason, names));
    }
    all
}

/// Functions that no record has a part in.
const NOTHING: &[(&str, &[&str])] = &[
    (
        "the run's own clock, randomness and log",
        &[
            "clock.now",
            "clock.today",
            "clock.to-local",
            "clock.to-instant",
            "random.number",
            "random.bytes",
            "log.write",
        ],
    ),
    (
        "the automation's own state, which it wrote itself",
        &["state.get", "state.put", "state.remove", "state.names"],
    ),
    (
        "business calendars are no records",
        &["schedules.add-business-days", "schedules.business-days"],
    ),
    (
        "entries have no fields that are hidden: a calendar is granted or not",
        &[
            "calendars.get",
            "calendars.search",
            "calendars.occurrences",
            "calendars.free-busy",
            "calendars.find-slots",
            "calendars-write.create",
            "calendars-write.replace",
            "calendars-write.remove",
        ],
    ),
    (
        "documents have no fields that are hidden: a folder is granted or not",
        &["documents.get", "documents.search", "documents.read"],
    ),
    (
        "what the automation wrote itself, and people's answers to it",
        &[
            "messages.mail",
            "messages.send",
            "tasks.create",
            "tasks.create-with",
            "tasks.get",
            "tasks.withdraw",
        ],
    ),
    (
        "payments, invoices and what they add up to name parties by their ids",
        &[
            "ledger.aging",
            "ledger.balances",
            "invoices.get-payment",
            "invoices.search-payments",
            "invoices-write.reverse-payment",
            "invoices-write.allocate",
            "invoices-write.write-off",
            "invoices-write.dun",
            "invoices-write.step",
        ],
    ),
];

fn reading() -> Vec<Function> {
    let item = |id: &str| json!({"collection": "items", "id": id});
    let condition = |field: &str, comparison: &str, values: Value| json!({"field": field, "comparison": comparison, "values": values});
    let query = |conditions: Value, order: Value, limit: u32| json!({"collection": "items", "conditions": conditions, "order": order, "limit": limit});
    let by = |field: &str, direction: &str| json!([{"field": field, "direction": direction}]);
    let mut searches = Vec::new();
    for field in [
        "name", "code", "size", "is_sold", "price", "made_on", "note",
    ] {
        for direction in ["ascending", "descending"] {
            searches.push(query(json!([]), by(field, direction), 4));
        }
        for comparison in ["missing", "present"] {
            searches.push(query(
                json!([condition(field, comparison, json!([]))]),
                json!([]),
                100,
            ));
        }
    }
    for (field, values) in [
        ("price", json!(["0.01"])),
        ("price", json!(["9000.10"])),
        ("made_on", json!([""])),
        ("name", json!(["n3"])),
        ("size", json!([1])),
        ("size", json!(["text"])),
    ] {
        for comparison in ["equal", "not-equal", "less", "greater-or-equal", "one-of"] {
            searches.push(query(
                json!([condition(field, comparison, values.clone())]),
                json!([]),
                3,
            ));
        }
    }
    searches.push(json!({"collection": "items", "limit": 3, "after": "00"}));
    searches.push(json!({"collection": "items", "limit": 0}));
    let counts = searches.iter().map(|search| {
        let conditions = search.get("conditions").cloned().unwrap_or_default();
        json!({"collection": "items", "conditions": conditions, "order": [], "at_most": 100})
    });
    let counts: Vec<Value> = counts.collect();
    let of_party = json!({"collection": "parties", "id": "${party}"});
    let many = json!({"collection": "items", "ids": ["${records/r0}", "nobody", "${records/r1}", "${records/r2}", "${records/r5}"]});
    vec![
        records(
            "records.get",
            vec![
                item("${records/r0}"),
                item("${records/r1}"),
                item("${records/r2}"),
                item("nobody"),
                of_party,
            ],
        ),
        records("records.get-many", vec![many]),
        records("records.search", searches),
        records("records.count", counts),
    ]
}

/// Functions that change records answer with what is seen of them, or say what is wrong.
fn writing() -> Vec<Function> {
    let new = |body: Value| json!({"collection": "items", "key": "k", "body": body});
    let patch = |id: &str, merge: Value| json!({"collection": "items", "id": id, "merge": merge});
    let mut patches: Vec<Value> = [
        json!({"size": 9}),
        json!({"name": ""}),
        json!({"code": "c4"}),
        json!({"price": "0.01"}),
        json!({"price": null}),
        json!({"note": {}}),
        json!({"unknown": 1}),
        json!({"name": "x".repeat(201)}),
        json!({}),
    ]
    .into_iter()
    .flat_map(|merge| ["${records/r0}", "${records/r1}"].map(|id| patch(id, merge.clone())))
    .collect();
    patches.push(json!({"collection": "items", "id": "${records/r1}", "expected": "0", "merge": {"size": 1}}));
    let removed = |id: &str| json!({"collection": "items", "id": id});
    vec![
        records(
            "records-write.create",
            vec![
                new(json!({"name": "n"})),
                new(json!({"name": "n", "code": "c3"})),
                new(json!({"name": "n", "price": "1"})),
                new(json!({"size": 1})),
            ],
        ),
        records("records-write.patch", patches),
        records(
            "records-write.remove",
            ["${records/r0}", "${records/r1}", "${records/r2}", "nobody"]
                .map(removed)
                .into(),
        ),
    ]
}

/// Functions that look at parties, which have a hidden member too.
fn naming_parties() -> Vec<Function> {
    let content = |party: &str| {
        json!({
            "flow": "receivable", "kind": "invoice", "legal_entity": "${entity}", "party": party, "currency": "EUR",
            "lines": [{"description": "work", "quantity": "1", "unit": "HUR", "unit_price": "10",
                       "tax": {"category": "Z", "rate": "0"}}]
        })
    };
    let search = json!({"conditions": [], "order": [{"field": "gross", "direction": "descending"}], "limit": 3});
    vec![
        records(
            "invoices.get",
            vec![json!({"id": "${invoice}"}), json!({"id": "nobody"})],
        ),
        records("invoices.search", vec![search]),
        records(
            "invoices-write.draft",
            vec![
                json!({"key": "k", "content": content("${party}")}),
                json!({"key": "k", "content": content("nobody")}),
            ],
        ),
        records(
            "invoices-write.credit",
            vec![
                json!({"key": "k", "invoice": "${invoice}"}),
                json!({"key": "k", "invoice": "${invoice}", "lines": []}),
                json!({"key": "k", "invoice": "${draft}"}),
                json!({"key": "k", "invoice": "nobody"}),
            ],
        ),
        records(
            "invoices-write.issue",
            ["${draft_revision}", "0"]
                .map(|revision| json!({"id": "${draft}", "expected": revision}))
                .into(),
        ),
        records(
            "invoices-write.record-payment",
            vec![json!({"key": "k", "payment": {
                "flow": "receivable", "legal_entity": "${entity}", "party": "${party}", "amount": "1.00 EUR",
                "value_date": "2026-03-17", "bank_reference": "B-1", "bank_account": "giro", "text": ""}})],
        ),
    ]
}
