//! Index entries and unique keys of a collection's records, made again when its definition becomes another one.
//!
//! Runs in the transaction that writes the definition. No record of the collection changes in the same group: whoever
//! changes one has read the definition, and whoever changes the definition has read all records.

use bursar_domain::{
    derive::derive,
    office::Collection,
    row::{Kind, RowKey},
};
use serde_json::Value;

use crate::{
    adapter::{Arg, Tx, args},
    apply::Before,
    decide::WorkingSet,
    error::Error,
    images::next_page,
    snapshot::parse,
    statements as sql,
};

/// Makes the projections of each collection whose indexed or unique fields are others than before.
pub(crate) async fn reproject(tx: &mut Tx, set: &WorkingSet, before: &Before) -> Result<(), Error> {
    for (key, old) in &before.definitions {
        let new = set.bodies.get(key).and_then(|body| defined(body));
        match (defined(old), new) {
            (Some(old), Some(new)) if old.indexed == new.indexed && old.unique == new.unique => {}
            (_, Some(new)) => again(tx, Kind::Record, &key.id, Some(&new)).await?,
            (_, None) => {}
        }
    }
    Ok(())
}

fn defined(body: &Value) -> Option<Collection> {
    serde_json::from_value(body.clone()).ok()
}

/// Makes those of all rows of a kind of the host's own, whose fields are others than before.
pub(crate) async fn reproject_kind(tx: &mut Tx, kind: Kind) -> Result<(), Error> {
    again(tx, kind, "", None).await
}

async fn again(
    tx: &mut Tx,
    kind: Kind,
    collection: &str,
    definition: Option<&Collection>,
) -> Result<(), Error> {
    let all = || vec![args![kind.as_str(), collection]];
    tx.write(&sql::DELETE_ENTRIES_OF_COLLECTION, all())?;
    tx.write(&sql::DELETE_UNIQUE_OF_COLLECTION, all())?;
    let mut after = String::new();
    loop {
        let rows = next_page(tx, kind, collection, &mut after).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let (mut entries, mut unique) = (Vec::new(), Vec::new());
        for (id, body) in rows {
            let key = RowKey::within(kind, collection, &id);
            project(&key, &body, definition, &mut entries, &mut unique)?;
        }
        tx.write(&sql::UPSERT_ENTRIES, entries)?;
        tx.write(&sql::INSERT_UNIQUE, unique)?;
    }
}

fn project(
    key: &RowKey,
    body: &str,
    definition: Option<&Collection>,
    entries: &mut Vec<Vec<Arg>>,
    unique: &mut Vec<Vec<Arg>>,
) -> Result<(), Error> {
    // A record that the definition does not take has neither; verification expects the same.
    let derived = derive(key, parse(body)?.as_ref(), definition).unwrap_or_default();
    let (kind, collection, id) = (key.kind.as_str(), &*key.collection, &*key.id);
    entries.extend(derived.index.into_iter().map(|entry| {
        args![
            kind,
            collection,
            entry.field.as_str(),
            entry.key.as_slice(),
            id
        ]
    }));
    unique.extend(derived.unique.into_iter().map(|held| {
        args![
            held.space.as_str(),
            held.value.as_str(),
            kind,
            collection,
            id
        ]
    }));
    Ok(())
}
