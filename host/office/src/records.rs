//! Records of collections.

use std::sync::Arc;

use bursar_domain::{
    index::{Comparison, fields_of},
    manifest::{Need, RecordOperation},
    office::PARTIES,
    problem::Problem,
    row::{Kind, Row, RowKey},
};
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    input::is_slug,
    listing::{Listed, Order, Paging, Scope, Test},
    schema::Definition,
    session::{Session, View},
    write::{Write, can_be_id, key_of as row_key},
};

/// Most ids of one call.
const IDS_MAX: usize = 1000;
/// Most rows that one call counts.
const COUNT_MAX: u32 = 100_000;
/// Rows fetched at once while counting.
const COUNT_PAGE_ROWS: usize = 1000;

impl Session {
    /// One record. Needs `records: read`.
    pub async fn record(&mut self, collection: &str, id: &str) -> Result<View<Arc<Value>>, Error> {
        self.require_records(collection, RecordOperation::Read)?;
        let row = self.load_record(collection, id).await?;
        self.hand_out(1)?;
        Ok(self.view(&row))
    }

    /// Records by id, at most 1000, in the order asked; what is not found is left out. Needs `records: read`.
    pub async fn records(
        &mut self,
        collection: &str,
        ids: &[String],
    ) -> Result<Vec<View<Arc<Value>>>, Error> {
        self.require_records(collection, RecordOperation::Read)?;
        if ids.len() > IDS_MAX {
            return Err(Error::invalid(
                "too-many",
                "/ids",
                format!("at most {IDS_MAX} ids"),
            ));
        }
        self.definition(collection).await?;
        let keys: Vec<RowKey> = ids
            .iter()
            .filter(|id| can_be_id(id))
            .map(|id| RowKey::within(Kind::Record, collection, id))
            .collect();
        let rows = self.load_many(&keys).await?;
        self.hand_out(rows.len())?;
        Ok(rows.iter().map(|row| self.view(row)).collect())
    }

    /// Records that pass all conditions. Needs `records: read`.
    pub async fn search_records(
        &mut self,
        collection: &str,
        conditions: &[Test],
        order: &[Order],
        paging: &Paging,
    ) -> Result<Listed<Arc<Value>>, Error> {
        let scope = self.record_scope(collection, conditions, order).await?;
        self.page(&scope, paging, |session, row| Ok(session.view(row)))
            .await
    }

    /// How many records pass all conditions, counted up to `at_most` (1 to 100000). Needs `records: read`.
    pub async fn count_records(
        &mut self,
        collection: &str,
        conditions: &[Test],
        at_most: u32,
    ) -> Result<u32, Error> {
        if !(1..=COUNT_MAX).contains(&at_most) {
            return Err(Error::invalid(
                "out-of-range",
                "/at-most",
                format!("1 to {COUNT_MAX}"),
            ));
        }
        let scope = self.record_scope(collection, conditions, &[]).await?;
        let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
        let (mut counted, mut after) = (0, None);
        loop {
            let answer = self
                .list(&scope, after, COUNT_PAGE_ROWS.min(at_most - counted))
                .await?;
            counted += answer.rows.len();
            after = answer.next;
            if after.is_none() || counted >= at_most {
                return Ok(u32::try_from(counted).unwrap_or(u32::MAX));
            }
        }
    }

    /// Adds a record; the same key gives the same record again (REC-6). Needs `records: create`.
    pub async fn create_record(
        &mut self,
        collection: &str,
        key: &str,
        body: &Value,
    ) -> Result<View<Arc<Value>>, Error> {
        self.require_records(collection, RecordOperation::Create)?;
        let definition = self.definition(collection).await?;
        let free = match self
            .effect(
                "records.create",
                key,
                &json!({"collection": collection, "body": body}),
            )
            .await?
        {
            Keyed::Used(id) => {
                let row = self.load_record(collection, &id).await?;
                return Ok(self.view(&row));
            }
            Keyed::Free(free) => free,
        };
        definition.check(body)?;
        let id = self.new_id();
        let row_key = RowKey::within(Kind::Record, collection, &id);
        let write = Write::new(row_key, None, body.clone(), Some(&definition.collection))?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![free.used_for(&id)?, write])?;
        let row = self.load_record(collection, &id).await?;
        Ok(self.view(&row))
    }

    /// Merges a patch (RFC 7386) into a record. Needs `records: update`.
    pub async fn patch_record(
        &mut self,
        collection: &str,
        id: &str,
        expected: Option<&str>,
        merge: &Value,
    ) -> Result<View<Arc<Value>>, Error> {
        self.require_records(collection, RecordOperation::Update)?;
        if !merge.is_object() {
            return Err(Error::invalid(
                "not-an-object",
                "/merge",
                "a merge patch of a record is a JSON object",
            ));
        }
        let definition = self.definition(collection).await?;
        let row = self.load_record(collection, id).await?;
        self.expect_revision(&row, expected)?;
        let mut body = row.body.as_ref().clone();
        merge_patch(&mut body, merge);
        if body == *row.body {
            return Ok(self.view(&row));
        }
        definition.check(&body)?;
        let write = Write::new(
            row.key.clone(),
            Some(&row),
            body,
            Some(&definition.collection),
        )?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![write])?;
        let row = self.load_record(collection, id).await?;
        Ok(self.view(&row))
    }

    /// Deletes a record. A party that an invoice or payment names is a conflict. Needs `records: delete`.
    pub async fn remove_record(
        &mut self,
        collection: &str,
        id: &str,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        self.require_records(collection, RecordOperation::Delete)?;
        let row = self.load_record(collection, id).await?;
        self.expect_revision(&row, expected)?;
        if collection == PARTIES {
            self.refuse_referred(id).await?;
        }
        self.apply(vec![Write::removal(&row)])
    }

    /// Passes if records may be read.
    pub(crate) fn require_read(&self, collection: &str) -> Result<(), Error> {
        self.require_records(collection, RecordOperation::Read)
    }

    fn require_records(&self, collection: &str, operation: RecordOperation) -> Result<(), Error> {
        let words =
            || format!("{operation:?} on records of {:?}", name_of(collection)).to_lowercase();
        self.require(Need::Records(collection, operation), words)
    }

    pub(crate) async fn definition(&mut self, collection: &str) -> Result<Arc<Definition>, Error> {
        let message = || format!("there is no collection {:?}", name_of(collection));
        let unknown = || Error::NotFound(Problem::new("collection-unknown", message()));
        if !is_slug(collection) {
            return Err(unknown());
        }
        let row = self
            .load(&RowKey::of(Kind::Collection, collection))
            .await?
            .ok_or_else(unknown)?;
        Definition::of(&row)
    }

    async fn load_record(&mut self, collection: &str, id: &str) -> Result<Row, Error> {
        if !is_slug(collection) {
            self.definition(collection).await?;
        }
        let key = row_key(Kind::Record, collection, id, "such record")?;
        // The definition comes along in one trip: whoever changes the record asks for it next.
        let definition = RowKey::of(Kind::Collection, collection);
        let rows = self.load_many(&[definition, key.clone()]).await?;
        if let Some(row) = rows.into_iter().find(|row| row.key == key) {
            return Ok(row);
        }
        self.definition(collection).await?;
        Err(Error::not_found("such record"))
    }

    async fn record_scope(
        &mut self,
        collection: &str,
        conditions: &[Test],
        order: &[Order],
    ) -> Result<Scope, Error> {
        self.require_records(collection, RecordOperation::Read)?;
        let definition = self.definition(collection).await?;
        Scope::all(Kind::Record, collection).typed(definition.fields(), conditions, order)
    }

    pub(crate) fn expect_revision(&self, row: &Row, expected: Option<&str>) -> Result<(), Error> {
        match expected {
            Some(expected) if self.view(row).revision != expected => Err(Error::conflict(
                "revision-changed",
                "the row has another revision than expected",
            )),
            _ => Ok(()),
        }
    }

    async fn refuse_referred(&mut self, party: &str) -> Result<(), Error> {
        for kind in [Kind::Invoice, Kind::Payment] {
            let fields = fields_of(kind);
            let Some(field) = fields.iter().find(|field| field.name == "party") else {
                continue;
            };
            let scope =
                Scope::all(kind, "").and(field, Comparison::Equal, &[Value::from(party)])?;
            if !self.list(&scope, None, 1).await?.rows.is_empty() {
                return Err(Error::conflict(
                    "referred-to",
                    format!("an {kind} names this party"),
                ));
            }
        }
        Ok(())
    }
}

/// A name from outside, cut for a message.
fn name_of(text: &str) -> String {
    text.chars().take(64).collect()
}

/// RFC 7386: members of the patch replace those of the target, null takes away.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(object) = target.as_object_mut() else {
        return;
    };
    for (name, value) in members {
        if value.is_null() {
            object.remove(name);
        } else {
            merge_patch(object.entry(name.as_str()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_does_what_the_examples_of_rfc_7386_say() {
        let check = |target: Value, patch: Value, expected: Value| {
            let mut merged = target;
            merge_patch(&mut merged, &patch);
            assert_eq!(merged, expected, "{patch}");
        };
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(
            json!({"a": "b"}),
            json!({"b": "c"}),
            json!({"a": "b", "b": "c"}),
        );
        check(
            json!({"a": "b", "b": "c"}),
            json!({"a": null}),
            json!({"b": "c"}),
        );
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(
            json!({"a": {"b": "c"}}),
            json!({"a": {"b": "d", "c": null}}),
            json!({"a": {"b": "d"}}),
        );
        check(
            json!({"a": [{"b": "c"}]}),
            json!({"a": [1]}),
            json!({"a": [1]}),
        );
        check(
            json!({"e": null}),
            json!({"a": 1}),
            json!({"e": null, "a": 1}),
        );
        check(
            json!({}),
            json!({"a": {"bb": {"ccc": null}}}),
            json!({"a": {"bb": {}}}),
        );
    }
}
