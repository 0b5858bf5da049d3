//! Records of collections: reading them. How they change is in the modules below.

mod change;
mod evolution;
mod holds;
mod merge;
mod references;
mod sight;

use std::sync::Arc;

use bursar_domain::{
    manifest::{Need, RecordOperation},
    problem::Problem,
    row::{Kind, Row, RowKey},
};
use serde_json::Value;

pub use evolution::{BadRecord, Evolution};
pub use merge::merge_patch;
pub(crate) use sight::Sight;

use crate::{
    error::Error,
    input::{is_slug, name_of},
    listing::{Listed, Order, Paging, Scope, Test},
    schema::Definition,
    session::{Session, View},
    write::{can_be_id, key_of as row_key},
};

/// Most ids of one call.
const IDS_MAX: usize = 1000;
/// Most rows that one call counts.
pub const COUNT_MAX: u32 = 100_000;

impl Session {
    /// One record. Needs `records: read`.
    pub async fn record(&mut self, collection: &str, id: &str) -> Result<View<Arc<Value>>, Error> {
        self.require_records(collection, RecordOperation::Read)?;
        let row = self.load_record(collection, id).await?;
        let sight = self.sight(collection, &[RecordOperation::Read]).await?;
        sight.require(&row.body)?;
        self.hand_out(1)?;
        Ok(self.seen(&sight, &row))
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
        let sight = self.sight(collection, &[RecordOperation::Read]).await?;
        let keys: Vec<RowKey> = ids
            .iter()
            .filter(|id| can_be_id(id))
            .map(|id| RowKey::within(Kind::Record, collection, id))
            .collect();
        let mut rows = self.load_many(&keys).await?;
        rows.retain(|row| sight.admits(&row.body));
        self.hand_out(rows.len())?;
        Ok(rows.iter().map(|row| self.seen(&sight, row)).collect())
    }

    /// Records that pass all conditions. Needs `records: read`.
    pub async fn search_records(
        &mut self,
        collection: &str,
        conditions: &[Test],
        order: &[Order],
        paging: &Paging,
    ) -> Result<Listed<Arc<Value>>, Error> {
        let (scope, sight) = self.record_scope(collection, conditions, order).await?;
        self.page(&scope, paging, |session, row| Ok(session.seen(&sight, row)))
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
        let (scope, _) = self.record_scope(collection, conditions, &[]).await?;
        self.count(&scope, at_most).await
    }

    /// Passes if an operation on a collection's records is granted.
    pub(crate) fn require_records(
        &self,
        collection: &str,
        operation: RecordOperation,
    ) -> Result<(), Error> {
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

    pub(crate) async fn load_record(&mut self, collection: &str, id: &str) -> Result<Row, Error> {
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
    ) -> Result<(Scope, Arc<Sight>), Error> {
        self.require_records(collection, RecordOperation::Read)?;
        let sight = self.sight(collection, &[RecordOperation::Read]).await?;
        sight.check_asked(conditions, order)?;
        let scope = Scope::all(Kind::Record, collection);
        let scope = scope.typed(sight.definition.fields(), conditions, order)?;
        Ok((scope.in_view(&sight), sight))
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
}
