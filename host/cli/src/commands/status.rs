//! `bursar status`.

use bursar_domain::row::Kind;
use serde_json::{Map, Value, json};

use crate::{
    commands::automation::all,
    failure::Failure,
    output::{Style, print},
    place::Place,
};

pub async fn status(place: &Place, style: Style) -> Result<(), Failure> {
    let database = &place.database;
    let mut runs = Map::new();
    for (_, state, count) in database.runs_counted().await? {
        let word = serde_json::to_value(state)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default();
        let sum = runs
            .get(&word)
            .and_then(Value::as_i64)
            .unwrap_or(0)
            .saturating_add(count);
        runs.insert(word, sum.into());
    }
    let messages: Map<String, Value> = database
        .outbox_counted()
        .await?
        .into_iter()
        .map(|(state, count)| (state, count.into()))
        .collect();
    let mut shown = Map::new();
    for (name, kind) in [
        ("departments", Kind::Department),
        ("plugins", Kind::Plugin),
        ("automations", Kind::Automation),
        ("tasks", Kind::Task),
    ] {
        shown.insert(name.to_owned(), all(database, kind).await?.len().into());
    }
    shown.insert("runs".to_owned(), Value::Object(runs));
    shown.insert("messages".to_owned(), Value::Object(messages));
    shown.insert(
        "commits".to_owned(),
        database.snapshot().seq().await?.into(),
    );
    print(style, &json!(shown), |_| {
        let line = |(name, value): (&String, &Value)| format!("{name:<12} {value}");
        shown.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}
