//! What a viewer does not see of a change set: hidden values are told as changed, and not what they are.

use std::collections::HashMap;

use bursar_db::Database;
use bursar_domain::{
    confidentiality::{Class, is_hidden},
    office::Collection,
    row::{Kind, RowKey},
};

use super::{FieldDiff, NAMING, RowDiff};
use crate::error::Error;

/// Rows as somebody with a clearance may see them, by the definitions as they are now.
pub async fn veiled(
    database: &Database,
    mut rows: Vec<RowDiff>,
    clearance: Class,
) -> Result<Vec<RowDiff>, Error> {
    if clearance == Class::Restricted {
        return Ok(rows);
    }
    let mut slugs: Vec<String> = rows.iter().filter_map(collection_of).collect();
    slugs.sort();
    slugs.dedup();
    let keys: Vec<RowKey> = slugs
        .iter()
        .map(|slug| RowKey::of(Kind::Collection, slug))
        .collect();
    let mut definitions: HashMap<String, Collection> = HashMap::new();
    for row in database.look(&keys).await? {
        definitions.insert(row.key.id.to_string(), row.decode()?);
    }
    for row in &mut rows {
        if let Some(definition) = collection_of(row).and_then(|slug| definitions.get(&slug)) {
            veil(row, definition, clearance);
        }
    }
    Ok(rows)
}

/// The collection of a record; keys are written "kind/collection/id".
fn collection_of(row: &RowDiff) -> Option<String> {
    let mut parts = row.key.splitn(3, '/');
    let is_record = parts.next() == Some(Kind::Record.as_str());
    parts.next().filter(|_| is_record).map(str::to_owned)
}

fn veil(row: &mut RowDiff, definition: &Collection, clearance: Class) {
    let hidden = |member: &str| is_hidden(&definition.fields, clearance, member);
    let fields = std::mem::take(&mut row.fields);
    for field in fields {
        let steps = field.pointer.strip_prefix('/').unwrap_or_default();
        let member = steps.split('/').next().unwrap_or_default();
        let member = member.replace("~1", "/").replace("~0", "~");
        if !hidden(&member) {
            row.fields.push(field);
            continue;
        }
        let pointer = format!("/{}", member.replace('~', "~0").replace('/', "~1"));
        if row.fields.last().is_none_or(|last| last.pointer != pointer) {
            row.fields.push(FieldDiff::hidden(pointer));
        }
    }
    if NAMING.iter().any(|member| hidden(member)) {
        let (_, name) = row.key.split_once('/').unwrap_or_default();
        row.title = name.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::describe::{DiffKind, to_text};

    #[test]
    fn a_hidden_value_is_told_as_changed_and_nothing_more() {
        let definition: Collection = serde_json::from_value(json!({
            "schema": {},
            "fields": {"pay": {"class": "confidential"}, "key": {"class": "restricted"}}
        }))
        .expect("a definition");
        let field = |pointer: &str| FieldDiff {
            pointer: pointer.to_owned(),
            before: Some(json!(1)),
            after: Some(json!(2)),
            is_hidden: false,
        };
        let mut row = RowDiff {
            key: "record/staff/7".to_owned(),
            title: "staff \"K7\"".to_owned(),
            kind: DiffKind::Changed,
            fields: vec![field("/pay/base"), field("/pay/bonus"), field("/team")],
        };
        veil(&mut row, &definition, Class::Internal);
        assert_eq!(
            to_text(&[row]),
            "~ staff/7\n    /pay: changed (hidden)\n    /team: 1 -> 2\n"
        );
    }
}
