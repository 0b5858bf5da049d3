//! Compares the ledger with what the replayed invoices, payments and allocations imply.

use std::collections::BTreeMap;

use bursar_domain::{aging::entries_of, row::RowKey};

use super::{PAGE_ROWS, Verification, replay::Replay};
use crate::{
    adapter::{Tx, args},
    error::Error,
    ledger::{LedgerRow, row_of},
    statements as sql,
};

/// Kind, id and entry, which a row of the ledger is found by.
type Place = (String, String, String);

fn place(row: &LedgerRow) -> Place {
    (row.0.clone(), row.1.clone(), row.2.clone())
}

pub(super) async fn verify(
    tx: &mut Tx,
    replay: &Replay,
    found: &mut Verification,
) -> Result<(), Error> {
    let mut expected = expected(replay);
    let mut after: Place = Place::default();
    loop {
        let (kind, id, entry) = &after;
        let args = args![kind.as_str(), id.as_str(), entry.as_str(), PAGE_ROWS];
        let page: Vec<LedgerRow> = tx.all(&sql::VERIFY_LEDGER, args).await?;
        let Some(last) = page.last() else { break };
        after = place(last);
        for row in page {
            found.rows += 1;
            let (name, place) = (format!("{}/{} {}", row.0, row.1, row.2), place(&row));
            match expected.remove(&place) {
                Some((implied, _)) if implied == row => {}
                Some((_, seq)) => found.add("ledger", seq, name, "it is not what its row implies"),
                None => found.add("ledger", 0, name, "no row implies it"),
            }
        }
    }
    for ((kind, id, entry), (_, seq)) in expected {
        let name = format!("{kind}/{id} {entry}");
        found.add("ledger", seq, name, "the entry is missing");
    }
    Ok(())
}

/// What must be there, and the commit that wrote the row which implies it.
fn expected(replay: &Replay) -> BTreeMap<Place, (LedgerRow, i64)> {
    let seq = |key: &RowKey| replay.rows.get(key).map_or(0, |row| row.revision);
    let mut rows: Vec<(LedgerRow, i64)> = Vec::new();
    for (key, entry) in &replay.entries {
        rows.push((row_of(key, entry), seq(key)));
    }
    for (key, allocation) in &replay.allocations {
        let entries = entries_of(allocation, |named| replay.entries.get(named).cloned());
        rows.extend(entries.iter().map(|entry| (row_of(key, entry), seq(key))));
    }
    rows.into_iter().map(|row| (place(&row.0), row)).collect()
}
