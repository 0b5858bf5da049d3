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
    snapshot::parse,
    statements as sql,
};

/// Records looked at together.
const PAGE_ROWS: i64 = 1000;

type ListedRow = (String, i64, i64, i64, String, String);

/// Makes the projections of each collection whose indexed or unique fields are others than before.
pub(crate) async fn reproject(tx: &mut Tx, set: &WorkingSet, before: &Before) -> Result<(), Error> {
    for (key, old) in &before.definitions {
        let new = set.bodies.get(key).and_then(|body| defined(body));
        match (defined(old), new) {
            (Some(old), Some(new)) if old.indexed == new.indexed && old.unique == new.unique => {}
            (_, Some(new)) => again(tx, &key.id, &new).await?,
            (_, None) => {}
        }
    }
    Ok(())
}

fn defined(body: &Value) -> Option<Collection> {
    serde_json::from_value(body.clone()).ok()
}

async fn again(tx: &mut Tx, collection: &str, definition: &Collection) -> Result<(), Error> {
    let all = || vec![args![Kind::Record.as_str(), collection]];
    tx.write(&sql::DELETE_ENTRIES_OF_COLLECTION, all())?;
    tx.write(&sql::DELETE_UNIQUE_OF_COLLECTION, all())?;
    let mut after = String::new();
    loop {
        let args = args![Kind::Record.as_str(), collection, after.as_str(), PAGE_ROWS];
        let rows: Vec<ListedRow> = tx.all(&sql::LIST_BY_ID, args).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after.clone_from(&last.0);
        let (mut entries, mut unique) = (Vec::new(), Vec::new());
        for (id, _, _, _, body, _) in rows {
            project(
                collection,
                &id,
                &body,
                definition,
                &mut entries,
                &mut unique,
            )?;
        }
        tx.write(&sql::UPSERT_ENTRIES, entries)?;
        tx.write(&sql::INSERT_UNIQUE, unique)?;
    }
}

fn project(
    collection: &str,
    id: &str,
    body: &str,
    definition: &Collection,
    entries: &mut Vec<Vec<Arg>>,
    unique: &mut Vec<Vec<Arg>>,
) -> Result<(), Error> {
    let key = RowKey::within(Kind::Record, collection, id);
    // A record that the definition does not take has neither; verification expects the same.
    let derived = derive(&key, parse(body)?.as_ref(), Some(definition)).unwrap_or_default();
    let kind = Kind::Record.as_str();
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
