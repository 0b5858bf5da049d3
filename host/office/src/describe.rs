//! A draft as people read it: rows that would be new, changed or removed, field by field.
//!
//! Knows no colours and no terminal. Entered by [`describe`]; [`to_text`] makes plain text of it.

mod veil;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use bursar_db::Database;
use bursar_domain::{
    draft::{Change, Draft},
    pointer,
    row::{Kind, Row, RowKey, Seq},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use veil::veiled;

use crate::error::Error;

/// Members that name a record for people, the first one that is there.
const NAMING: [&str; 3] = ["name", "title", "key"];
/// What stands for a number that only the commit gives.
const NUMBER_PENDING: &str = "(number pending)";
/// Longest text shown of one value, in characters.
const VALUE_SHOWN_MAX: usize = 200;

/// One row of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowDiff {
    /// Which row, as "kind/collection/id".
    pub key: String,
    /// What people call it.
    pub title: String,
    /// What would happen to it.
    pub kind: DiffKind,
    /// Its fields that differ; all of them for a new or removed row.
    pub fields: Vec<FieldDiff>,
}

/// What would happen to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiffKind {
    /// It would be made.
    New,
    /// Its image would be another.
    Changed,
    /// It would be gone.
    Removed,
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldDiff {
    /// JSON Pointer into the row.
    pub pointer: String,
    /// The value before; none if there was none.
    pub before: Option<Value>,
    /// The value after; none if there would be none.
    pub after: Option<Value>,
    /// Whoever looks may not see it: neither value is told, nor whether they differ.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hidden: bool,
}

impl FieldDiff {
    fn hidden(pointer: String) -> Self {
        Self {
            pointer,
            before: None,
            after: None,
            is_hidden: true,
        }
    }
}

/// The rows of a draft against its snapshot, in the order in which they were first changed. Effect keys are left out.
pub async fn describe(database: &Database, draft: &Draft) -> Result<Vec<RowDiff>, Error> {
    let shown: Vec<&Change> = draft
        .changes()
        .iter()
        .filter(|change| change.key.kind != Kind::Effect)
        .collect();
    let keys: Vec<RowKey> = shown
        .iter()
        .filter(|change| change.previous != 0)
        .map(|change| change.key.clone())
        .collect();
    let mut old: HashMap<RowKey, Row> = HashMap::new();
    if !keys.is_empty() {
        let rows = database
            .snapshot_at(draft.snapshot_seq)
            .get_many(&keys)
            .await?;
        old.extend(rows.into_iter().map(|row| (row.key.clone(), row)));
    }
    Ok(shown
        .into_iter()
        .map(|change| row_diff(change, old.get(&change.key).map(|row| row.body.as_ref())))
        .collect())
}

/// The rows that a commit changed, against the state before it. Effect keys are left out.
pub async fn describe_commit(database: &Database, seq: Seq) -> Result<Vec<RowDiff>, Error> {
    let mut draft = Draft::on(seq.saturating_sub(1));
    database
        .changes_of(seq)
        .await?
        .into_iter()
        .for_each(|change| draft.put(change));
    describe(database, &draft).await
}

/// The rows as plain text: one heading for each row, one line for each value.
pub fn to_text(rows: &[RowDiff]) -> String {
    let mut text = String::new();
    for row in rows {
        let sign = match row.kind {
            DiffKind::New => '+',
            DiffKind::Changed => '~',
            DiffKind::Removed => '-',
        };
        let _ = writeln!(text, "{sign} {}", row.title);
        for field in &row.fields {
            let _ = match (&field.before, &field.after) {
                _ if field.is_hidden => writeln!(text, "    {}: (hidden)", field.pointer),
                (Some(before), Some(after)) => writeln!(
                    text,
                    "    {}: {} -> {}",
                    field.pointer,
                    shown(before),
                    shown(after)
                ),
                (None, Some(after)) => writeln!(text, "    {}: {}", field.pointer, shown(after)),
                (Some(before), None) => {
                    writeln!(text, "    {}: {} -> (none)", field.pointer, shown(before))
                }
                (None, None) => Ok(()),
            };
        }
    }
    text
}

/// A body without what nobody has to see: the digest of a token's secret.
pub fn visible(kind: Kind, body: &Value) -> Cow<'_, Value> {
    if kind != Kind::Token || body.get("sha256").is_none() {
        return Cow::Borrowed(body);
    }
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("sha256");
    }
    Cow::Owned(body)
}

fn row_diff(change: &Change, old: Option<&Value>) -> RowDiff {
    let seen = |body| visible(change.key.kind, body);
    let (old, new) = (old.map(seen), change.body.as_deref().map(seen));
    let (old, new) = (old.as_deref(), new.as_deref());
    let kind = match (old, new) {
        (_, None) => DiffKind::Removed,
        (None, Some(_)) => DiffKind::New,
        (Some(_), Some(_)) => DiffKind::Changed,
    };
    let is_pending = change.key.kind == Kind::Invoice
        && new.is_some_and(|new| text_at(new, "/state") == "issued" && new["number"].is_null());
    let new = new.map(|new| with_pending(new, is_pending));
    let mut fields = Vec::new();
    compare(old, new.as_ref(), &mut String::new(), &mut fields);
    let title = title_of(&change.key, new.as_ref().or(old).unwrap_or(&Value::Null));
    RowDiff {
        key: change.key.to_string(),
        title,
        kind,
        fields,
    }
}

/// The image with words in place of what only the commit gives.
fn with_pending(body: &Value, is_pending: bool) -> Value {
    let mut body = body.clone();
    if is_pending {
        body["number"] = Value::from(NUMBER_PENDING);
    }
    replace_tokens(&mut body);
    body
}

fn replace_tokens(value: &mut Value) {
    match value {
        Value::String(text) => {
            while let Some((start, end)) = token_in(text) {
                text.replace_range(start..end, NUMBER_PENDING);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(replace_tokens),
        Value::Object(members) => members.values_mut().for_each(replace_tokens),
        _ => {}
    }
}

/// Where the first number token stands in a text.
fn token_in(text: &str) -> Option<(usize, usize)> {
    let token = bursar_domain::invoice::number_token("");
    let (opening, closing) = token.split_at(token.find(':')? + 1);
    let start = text.find(opening)?;
    let length = text[start..].find(closing)?;
    Some((start, start + length + closing.len()))
}

/// Leaves that differ, by pointer. Null and absent are the same.
fn compare(
    before: Option<&Value>,
    after: Option<&Value>,
    pointer: &mut String,
    fields: &mut Vec<FieldDiff>,
) {
    let before = before.filter(|value| !value.is_null());
    let after = after.filter(|value| !value.is_null());
    if before == after {
        return;
    }
    let steps = steps(before, after);
    if steps.is_empty() {
        fields.push(FieldDiff {
            pointer: pointer.clone(),
            before: before.cloned(),
            after: after.cloned(),
            is_hidden: false,
        });
    }
    for step in steps {
        let length = pointer.len();
        let _ = write!(pointer, "/{}", pointer::escape(&step));
        compare(
            before.and_then(|value| member(value, &step)),
            after.and_then(|value| member(value, &step)),
            pointer,
            fields,
        );
        pointer.truncate(length);
    }
}

/// Names of the members of two objects, or places of two arrays; nothing if they are not of one shape.
fn steps(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let values: Vec<&Value> = before.into_iter().chain(after).collect();
    let objects: Vec<_> = values
        .iter()
        .filter_map(|value| value.as_object())
        .collect();
    let arrays: Vec<_> = values.iter().filter_map(|value| value.as_array()).collect();
    if objects.len() == values.len() {
        let names: BTreeSet<&String> = objects.iter().flat_map(|members| members.keys()).collect();
        names.into_iter().cloned().collect()
    } else if arrays.len() == values.len() {
        let length = arrays.iter().map(|values| values.len()).max().unwrap_or(0);
        (0..length).map(|place| place.to_string()).collect()
    } else {
        Vec::new()
    }
}

fn member<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(step),
        Value::Array(values) => values.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

/// What people call a row.
fn title_of(key: &RowKey, body: &Value) -> String {
    let text = |pointer: &str| text_at(body, pointer).to_owned();
    let money = |pointer: &str| {
        format!(
            "{} {}",
            text_at(body, &format!("{pointer}/amount")),
            text_at(body, &format!("{pointer}/currency"))
        )
    };
    match key.kind {
        Kind::Record => {
            let named = NAMING.map(|member| text(&format!("/{member}")));
            let name = named.into_iter().find(|name| !name.is_empty());
            format!(
                "{} {:?}",
                key.collection,
                name.unwrap_or_else(|| key.id.to_string())
            )
        }
        Kind::Invoice => {
            let number = [
                text("/number"),
                text("/supplier_number"),
                format!("({})", text("/state")),
            ];
            let number = number
                .into_iter()
                .find(|number| !number.is_empty())
                .unwrap_or_default();
            format!(
                "{} {number} of {:?}, {}",
                text("/kind"),
                text("/party_name"),
                money("/totals/gross")
            )
        }
        Kind::Payment => format!(
            "payment of {} on {} {:?}",
            money("/amount"),
            text("/value_date"),
            text("/bank_reference")
        ),
        Kind::Allocation if text("/settlement") == "write-off" => {
            format!(
                "write-off of {} ({}) on invoice {}",
                money("/amount"),
                text("/reason"),
                text("/invoice")
            )
        }
        Kind::Allocation => format!(
            "{} of payment {} to invoice {}",
            money("/amount"),
            text("/source"),
            text("/invoice")
        ),
        Kind::Document => format!("document {:?} in {:?}", text("/name"), text("/folder")),
        Kind::Folder => format!("folder {:?}", text("/name")),
        Kind::Entry => {
            let (kind, title, start) = (text("/kind"), text("/title"), text("/start"));
            format!("{kind} {title:?} in {}, from {start}", key.collection)
        }
        Kind::Task => format!("task for {}: {:?}", text("/assignee"), text("/title")),
        Kind::Message => format!("mail to {}: {:?}", text("/to/0"), text("/subject")),
        Kind::State => format!("state {:?} of {}", key.id, key.collection),
        _ => format!("{} {}", key.kind, key.id),
    }
}

fn text_at<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A value on one line.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Object(members)
            if members.len() == 2
                && members.contains_key("amount")
                && members.contains_key("currency") =>
        {
            format!(
                "{} {}",
                text_at(value, "/amount"),
                text_at(value, "/currency")
            )
        }
        value => value.to_string(),
    };
    if text.chars().count() <= VALUE_SHOWN_MAX {
        text
    } else {
        text.chars().take(VALUE_SHOWN_MAX).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(before: &Value, after: &Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let mut fields = Vec::new();
        compare(Some(before), Some(after), &mut String::new(), &mut fields);
        fields
            .into_iter()
            .map(|field| (field.pointer, field.before, field.after))
            .collect()
    }

    #[test]
    fn a_difference_is_told_leaf_by_leaf() {
        let before = json!({"same": 1, "gone": "x", "deep": {"a/b": [1, 2]}, "shape": {"a": 1}, "null": null});
        let after = json!({"same": 1, "new": true, "deep": {"a/b": [1, 3, 4]}, "shape": [1]});
        assert_eq!(
            differences(&before, &after),
            [
                ("/deep/a~1b/1".to_owned(), Some(json!(2)), Some(json!(3))),
                ("/deep/a~1b/2".to_owned(), None, Some(json!(4))),
                ("/gone".to_owned(), Some(json!("x")), None),
                ("/new".to_owned(), None, Some(json!(true))),
                ("/shape".to_owned(), Some(json!({"a": 1})), Some(json!([1]))),
            ]
        );
    }

    #[test]
    fn number_tokens_are_shown_as_pending_and_other_brackets_stay() {
        let token = bursar_domain::invoice::number_token("abc");
        let mut text = json!({"text": format!("{token} and {token}, not ⟦this⟧ nor ⟦number:open")});
        replace_tokens(&mut text);
        assert_eq!(
            text["text"],
            "(number pending) and (number pending), not ⟦this⟧ nor ⟦number:open"
        );
    }
}
