//! The ledger: a projection of invoices, payments and allocations in columns that the database can add up.
//!
//! What each row implies is said by [`bursar_domain::aging`]; here it is written with the commit, read back, and filled
//! when a database of before there was a ledger is opened.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bursar_domain::{
    aging::{Account, Books, Entry, EntryKind, entries_of, own_entry},
    invoice::{Allocation, Flow},
    money::Currency,
    row::{Kind, RowKey},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    adapter::{Arg, Tx, args},
    decide::{LoggedChange, WorkingSet},
    error::Error,
    images::next_page,
    snapshot::parse,
    statements as sql,
};

/// A row of the table.
pub(crate) type LedgerRow = (
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    Option<i64>,
    i64,
    i64,
);

/// Entries that stored rows imply.
pub(crate) fn before(bodies: &HashMap<RowKey, Arc<Value>>) -> HashMap<RowKey, Entry> {
    let entry = |(key, body): (&RowKey, &Arc<Value>)| {
        own_entry(key.kind, body).map(|entry| (key.clone(), entry))
    };
    bodies.iter().filter_map(entry).collect()
}

/// Writes what a group's changes imply; `before` is what was implied before it.
pub(crate) fn write(
    tx: &mut Tx,
    set: &WorkingSet,
    before: &HashMap<RowKey, Entry>,
) -> Result<(), Error> {
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    let mut documents: BTreeSet<&RowKey> = BTreeSet::new();
    let now = |key: &RowKey| own_entry(key.kind, set.bodies.get(key)?);
    for LoggedChange { change, .. } in &set.written.changes {
        match (change.key.kind, change.body.as_deref()) {
            (Kind::Invoice | Kind::Payment, _) => drop(documents.insert(&change.key)),
            (Kind::Allocation, Some(body)) => {
                let allocation = decode::<Allocation>(&change.key, body)?;
                let entries = entries_of(&allocation, now);
                upserts.extend(entries.iter().map(|entry| row_args(&change.key, entry)));
            }
            _ => {}
        }
    }
    for key in documents {
        match (before.get(key), now(key)) {
            (old, Some(new)) if old == Some(&new) => {}
            (_, Some(new)) => upserts.push(row_args(key, &new)),
            (Some(_), None) => deletes.push(args![key.kind.as_str(), key.id.clone()]),
            (None, None) => {}
        }
    }
    tx.write(&sql::DELETE_LEDGER, deletes)?;
    tx.write(&sql::UPSERT_LEDGER, upserts)
}

fn decode<T: for<'de> Deserialize<'de>>(key: &RowKey, body: &Value) -> Result<T, Error> {
    T::deserialize(body).map_err(|error| Error::Corrupt(format!("{key}: {error}")))
}

const fn flow_text(flow: Flow) -> &'static str {
    match flow {
        Flow::Receivable => "receivable",
        Flow::Payable => "payable",
    }
}

pub(crate) fn flow_arg(flow: Flow) -> Arg {
    Arg::from(flow_text(flow))
}

fn row_args(key: &RowKey, entry: &Entry) -> Vec<Arg> {
    let account = &entry.account;
    args![
        key.kind.as_str(),
        key.id.clone(),
        entry.kind.as_str(),
        flow_text(entry.flow),
        account.books.legal_entity.as_str(),
        account.party.as_str(),
        account.books.currency.code(),
        entry.due_day,
        entry.from_day,
        entry.minor
    ]
}

/// An entry as the table has it.
pub(crate) fn row_of(key: &RowKey, entry: &Entry) -> LedgerRow {
    let account = &entry.account;
    (
        key.kind.as_str().to_owned(),
        key.id.to_string(),
        entry.kind.as_str().to_owned(),
        flow_text(entry.flow).to_owned(),
        account.books.legal_entity.clone(),
        account.party.clone(),
        account.books.currency.code().to_owned(),
        entry.due_day,
        entry.from_day,
        entry.minor,
    )
}

pub(crate) fn books_of(legal_entity: String, currency: &str) -> Result<Books, Error> {
    let currency = Currency::parse(currency)
        .map_err(|error| Error::Corrupt(format!("ledger: {currency:?}: {error}")))?;
    Ok(Books {
        legal_entity,
        currency,
    })
}

pub(crate) fn account_of(
    (party, legal_entity, currency): (String, String, String),
) -> Result<Account, Error> {
    let books = books_of(legal_entity, &currency)?;
    Ok(Account { party, books })
}

pub(crate) fn entry_kind(text: &str) -> Result<EntryKind, Error> {
    EntryKind::find(text).ok_or_else(|| Error::Corrupt(format!("ledger: unknown entry {text:?}")))
}

/// Fills the ledger of a database that had none.
pub(crate) async fn fill(tx: &mut Tx) -> Result<(), Error> {
    let mut own: HashMap<RowKey, Entry> = HashMap::new();
    for kind in [Kind::Invoice, Kind::Payment, Kind::Allocation] {
        let mut after = String::new();
        loop {
            let page = next_page(tx, kind, "", &mut after).await?;
            if page.is_empty() {
                break;
            }
            let mut rows = Vec::with_capacity(page.len());
            for (id, body) in page {
                let (key, body) = (RowKey::of(kind, &id), parse(&body)?);
                if kind == Kind::Allocation {
                    let allocation = decode::<Allocation>(&key, &body)?;
                    let entries = entries_of(&allocation, |key| own.get(key).cloned());
                    rows.extend(entries.iter().map(|entry| row_args(&key, entry)));
                } else if let Some(entry) = own_entry(kind, &body) {
                    rows.push(row_args(&key, &entry));
                    own.insert(key, entry);
                }
            }
            tx.write(&sql::UPSERT_LEDGER, rows)?;
        }
    }
    Ok(())
}
