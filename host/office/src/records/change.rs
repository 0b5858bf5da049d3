//! Records that are made, patched and removed.

use std::sync::Arc;

use bursar_domain::{
    manifest::RecordOperation,
    row::{Kind, RowKey},
};
use serde_json::{Value, json};

use super::merge_patch;
use crate::{
    effects::Keyed,
    error::Error,
    session::{Session, View},
    write::Write,
};

impl Session {
    /// Adds a record; the same key gives the same record again (REC-6), as it was made to who may not read it.
    /// Needs `records: create`.
    pub async fn create_record(
        &mut self,
        collection: &str,
        key: &str,
        body: &Value,
    ) -> Result<View<Arc<Value>>, Error> {
        self.require_records(collection, RecordOperation::Create)?;
        let sight = self.sight(collection, &[RecordOperation::Create]).await?;
        sight.check_image(body)?;
        sight.check_named(body, body)?;
        let free = match self
            .effect(
                "records.create",
                key,
                &json!({"collection": collection, "body": body}),
            )
            .await?
        {
            Keyed::Used(id) => {
                let now = self.load_record(collection, &id).await?;
                let reading = self.sight(collection, &[RecordOperation::Read]).await?;
                if reading.admits(&now.body) {
                    return Ok(self.seen(&reading, &now));
                }
                let written = self.as_written("records.create", key, &now.key).await?;
                let written = written.ok_or_else(|| Error::not_found("such record"))?;
                return Ok(self.seen(&sight, &written));
            }
            Keyed::Free(free) => free,
        };
        let definition = &sight.definition;
        definition.check(body)?;
        self.check_references(&definition.collection, None, body)
            .await?;
        let id = self.new_id();
        let row_key = RowKey::within(Kind::Record, collection, &id);
        let write = Write::new(row_key, None, body.clone(), Some(&definition.collection))?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![free.used_for(&id)?, write])?;
        self.answer(collection, &id, RecordOperation::Create).await
    }

    /// Merges a patch (RFC 7386) into a record; hidden fields stay as they are (REC-5). Needs `records: update`.
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
        let row = self.load_record(collection, id).await?;
        let sight = self.sight(collection, &[RecordOperation::Update]).await?;
        sight.require(&row.body)?;
        sight.check_named(merge, &row.body)?;
        self.expect_revision(&row, expected)?;
        let mut body = row.body.as_ref().clone();
        merge_patch(&mut body, merge);
        if body == *row.body {
            return self.answer(collection, id, RecordOperation::Update).await;
        }
        sight.check_image(&body)?;
        sight.check_named(merge, &body)?;
        let definition = &sight.definition;
        sight.check_schema(&body)?;
        self.check_references(&definition.collection, Some(&row.body), &body)
            .await?;
        let write = Write::new(
            row.key.clone(),
            Some(&row),
            body,
            Some(&definition.collection),
        )?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![sight.weighed(write)])?;
        self.answer(collection, id, RecordOperation::Update).await
    }

    /// A record as whoever has done something with it sees it.
    async fn answer(
        &mut self,
        collection: &str,
        id: &str,
        done: RecordOperation,
    ) -> Result<View<Arc<Value>>, Error> {
        let row = self.load_record(collection, id).await?;
        let sight = self
            .sight(collection, &[done, RecordOperation::Read])
            .await?;
        sight.require(&row.body)?;
        Ok(self.seen(&sight, &row))
    }

    /// Deletes a record, and what its references say goes with it. Needs `records: delete`.
    ///
    /// A record that is held, that others name and may not lose, or a party that an invoice or payment names is a conflict.
    pub async fn remove_record(
        &mut self,
        collection: &str,
        id: &str,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        self.require_records(collection, RecordOperation::Delete)?;
        let row = self.load_record(collection, id).await?;
        let sight = self.sight(collection, &[RecordOperation::Delete]).await?;
        sight.require(&row.body)?;
        self.expect_revision(&row, expected)?;
        let writes = self.removal(row).await?;
        self.apply(writes)
    }
}
