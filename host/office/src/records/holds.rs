//! Holds: what keeps a record from being deleted by anyone (REC-8). The commit checks them again.

use std::collections::BTreeMap;

use bursar_domain::{
    office::Hold,
    row::{Kind, RowKey},
};

use crate::{
    error::Error,
    input::Faults,
    session::{Session, View},
    write::Write,
};

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 2000;
/// Most matters that hold one record.
const MATTERS_MAX: usize = 100;

impl Session {
    /// The matters that hold a record. For administrators.
    pub async fn holds(
        &mut self,
        collection: &str,
        id: &str,
    ) -> Result<BTreeMap<String, String>, Error> {
        self.require_administrator()?;
        let row = self.load_record(collection, id).await?;
        let found = self.find::<Hold>(&hold_of(&row.key)).await?;
        Ok(found.map_or_else(BTreeMap::new, |(_, hold)| hold.matters))
    }

    /// Holds a record for a matter; doing it again replaces the reason. For administrators.
    pub async fn hold_record(
        &mut self,
        collection: &str,
        id: &str,
        matter: &str,
        reason: &str,
    ) -> Result<View<Hold>, Error> {
        let mut matters = self.holds(collection, id).await?;
        matters.insert(matter.to_owned(), reason.to_owned());
        let mut faults = Faults::default();
        faults.slug("/matter", matter);
        faults.text("/reason", reason, 1..=REASON_BYTES_MAX);
        faults.unless(
            matters.len() <= MATTERS_MAX,
            "too-many",
            "/matter",
            format!("at most {MATTERS_MAX} matters hold one record"),
        );
        faults.result()?;
        let key = RowKey::within(Kind::Hold, collection, id);
        self.upsert(key.clone(), &Hold { matters }).await?;
        let row = self.load(&key).await?;
        let row = row.ok_or_else(|| Error::Broken(format!("{key} is gone")))?;
        Ok(self.typed(&row)?)
    }

    /// Ends a matter's hold of a record. For administrators.
    pub async fn release_record(
        &mut self,
        collection: &str,
        id: &str,
        matter: &str,
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let key = hold_of(&self.load_record(collection, id).await?.key);
        let not_found = || Error::not_found("such hold");
        let (row, mut hold) = self.find::<Hold>(&key).await?.ok_or_else(not_found)?;
        hold.matters.remove(matter).ok_or_else(not_found)?;
        let write = if hold.matters.is_empty() {
            Write::removal(&row)
        } else {
            Write::of(key, Some(&row), &hold)?
        };
        self.apply(vec![write])
    }

    /// Refuses to remove what is held.
    pub(crate) async fn refuse_held(&mut self, record: &RowKey) -> Result<(), Error> {
        match self.load(&hold_of(record)).await? {
            None => Ok(()),
            Some(_) => Err(Error::conflict("held", "the record is held: it stays")),
        }
    }
}

fn hold_of(record: &RowKey) -> RowKey {
    RowKey::within(Kind::Hold, &record.collection, &record.id)
}
