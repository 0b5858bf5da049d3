//! What a viewer does not see of a change set: of a record that changes, hidden members are named and nothing more.

use std::collections::HashMap;

use bursar_db::Database;
use bursar_domain::{
    confidentiality::{Class, is_hidden},
    office::Collection,
    pointer,
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

/// Hidden members are named whether they are there or not, and whether they differ or not: that they do is told by their
/// values (REC-4).
fn veil(row: &mut RowDiff, definition: &Collection, clearance: Class) {
    let hidden = |member: &str| is_hidden(&definition.fields, clearance, member);
    let members = definition.hidden_from(clearance);
    if members.is_empty() {
        return;
    }
    // A field that is the whole record is there only if nothing else is, hidden members included.
    row.fields.retain(|field| {
        let member = pointer::member(&field.pointer);
        member.is_some_and(|member| !hidden(&member))
    });
    let named = members
        .iter()
        .map(|member| FieldDiff::hidden(format!("/{}", pointer::escape(member))));
    row.fields.extend(named);
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

    fn field(pointer: &str) -> FieldDiff {
        FieldDiff {
            pointer: pointer.to_owned(),
            before: Some(json!(1)),
            after: Some(json!(2)),
            is_hidden: false,
        }
    }

    #[test]
    fn hidden_members_are_named_whether_they_differ_or_not() {
        let definition: Collection = serde_json::from_value(json!({
            "schema": {},
            "fields": {"pay": {"class": "confidential"}, "key": {"class": "restricted"}}
        }))
        .expect("a definition");
        let veiled = |pointers: &[&str]| {
            let mut row = RowDiff {
                key: "record/staff/7".to_owned(),
                title: "staff \"K7\"".to_owned(),
                kind: DiffKind::Changed,
                fields: pointers.iter().map(|pointer| field(pointer)).collect(),
            };
            veil(&mut row, &definition, Class::Internal);
            to_text(&[row])
        };
        let expected = "~ staff/7\n    /team: 1 -> 2\n    /key: (hidden)\n    /pay: (hidden)\n";
        assert_eq!(veiled(&["/pay/base", "/pay/bonus", "/team"]), expected);
        assert_eq!(veiled(&["/team"]), expected);
        assert_eq!(veiled(&[""]), veiled(&["/key"]));
    }
}
