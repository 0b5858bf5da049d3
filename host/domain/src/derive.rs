//! What a row's body implies: its index entries and its unique keys.
//!
//! Whoever writes a row and whoever verifies the log call the same function, so that the projections of both can be
//! compared entry by entry.

use serde_json::Value;

use crate::{
    draft::UniqueKey,
    index::{IndexEntry, IndexField, entries, fields_of, key_of},
    office::Collection,
    problem::Problem,
    row::{Kind, RowKey},
};

/// Index entries and unique keys of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// One entry for every indexed field.
    pub index: Vec<IndexEntry>,
    /// Values that no other row may have.
    pub unique: Vec<UniqueKey>,
}

/// Derives both. Records need their collection's definition; without one they have neither.
pub fn derive(
    key: &RowKey,
    body: &Value,
    definition: Option<&Collection>,
) -> Result<Derived, Vec<Problem>> {
    let index = match key.kind {
        Kind::Record => entries(
            definition.map_or::<&[IndexField], _>(&[], |collection| &collection.indexed),
            body,
        )?,
        kind => entries(&fields_of(kind), body)?,
    };
    let unique = match (key.kind, definition) {
        (Kind::Record, Some(collection)) => record_keys(key, body, collection, &index),
        _ => own_keys(key, body),
    };
    Ok(Derived { index, unique })
}

fn record_keys(
    key: &RowKey,
    body: &Value,
    collection: &Collection,
    index: &[IndexEntry],
) -> Vec<UniqueKey> {
    let present = |field: &&String| key_of(index, field) != crate::index::MISSING;
    let value = |field: &String| {
        let indexed = collection
            .indexed
            .iter()
            .find(|indexed| indexed.name == *field)?;
        Some(UniqueKey {
            space: record_space(&key.collection, field),
            value: unique_text(indexed.value(body))?,
        })
    };
    collection
        .unique
        .iter()
        .filter(present)
        .filter_map(value)
        .collect()
}

/// Unique keys of the kinds whose shape is the host's own.
fn own_keys(key: &RowKey, body: &Value) -> Vec<UniqueKey> {
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let unique = |space: String, value: &str| {
        vec![UniqueKey {
            space,
            value: value.to_owned(),
        }]
    };
    match key.kind {
        // What was rejected is no longer in the way of the supplier's next try.
        Kind::Invoice if text("state") == Some("rejected") => Vec::new(),
        Kind::Invoice => match (text("number"), text("supplier_number")) {
            (Some(number), _) => unique(
                format!(
                    "invoice-number/{}",
                    text("legal_entity").unwrap_or_default()
                ),
                number,
            ),
            (None, Some(number)) => unique(
                format!("supplier-number/{}", text("party").unwrap_or_default()),
                &normalised_number(number),
            ),
            (None, None) => Vec::new(),
        },
        Kind::Payment => match text("bank_reference") {
            Some(reference) => unique(
                format!(
                    "bank-reference/{}",
                    text("bank_account").unwrap_or_default()
                ),
                reference,
            ),
            None => Vec::new(),
        },
        Kind::Entry => match text("uid") {
            Some(uid) => unique(entry_space(&key.collection), uid),
            None => Vec::new(),
        },
        Kind::Document => match text("name") {
            Some(name) => unique(
                format!("document/{}", text("folder").unwrap_or_default()),
                name,
            ),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The rows whose values a space holds: kind and collection.
pub fn rows_of_space(space: &str) -> Option<(Kind, &str)> {
    let (rule, of) = space.split_once('/')?;
    match rule {
        "record" => Some((Kind::Record, of.rsplit_once('/')?.0)),
        "invoice-number" | "supplier-number" => Some((Kind::Invoice, "")),
        "bank-reference" => Some((Kind::Payment, "")),
        "document" => Some((Kind::Document, "")),
        "entry-uid" => Some((Kind::Entry, of)),
        _ => None,
    }
}

/// A supplier's number without what people write differently: only letters and digits, upper case.
pub fn normalised_number(number: &str) -> String {
    number
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

/// The space of the UIDs of a calendar's entries.
pub fn entry_space(calendar: &str) -> String {
    format!("entry-uid/{calendar}")
}

/// The space of a record's unique field.
pub fn record_space(collection: &str, field: &str) -> String {
    format!("record/{collection}/{field}")
}

/// A unique field's value as text; none if there is none.
pub fn unique_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
