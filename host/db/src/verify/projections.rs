//! Compares every projection with the replayed log, in the order of its key, a page at a time.

use std::collections::{HashMap, HashSet, VecDeque};

use bursar_domain::{
    derive::derive,
    draft::UniqueKey,
    index::IndexEntry,
    row::{Kind, RowKey, Seq},
};

use super::{
    PAGE_ROWS, Verification,
    replay::{Replay, digest},
};
use crate::{
    adapter::{Tx, args},
    blobs::Blobs,
    error::Error,
    queue::{OutboxColumns, RunColumns},
    seal::Keys,
    snapshot::row_key,
    statements as sql,
};

pub(super) async fn verify(
    tx: &mut Tx,
    keys: &Keys,
    blobs: &Blobs,
    replay: &Replay,
    found: &mut Verification,
) -> Result<(), Error> {
    let unique = images(tx, replay, found).await?;
    unique_keys(tx, replay, &unique, found).await?;
    runs(tx, keys, replay, found).await?;
    outbox(tx, keys, replay, found).await?;
    for (sha256, seq) in &replay.blobs {
        match blobs.get(sha256).await {
            Ok(_) => {}
            Err(error @ Error::Blob { .. }) => {
                found.add(blobs.place(), *seq, sha256.as_str(), error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

type ImageRow = (String, String, String, i64, i64, i64, String);

/// Images and, in step with them, their index entries; gives the unique keys that must be there.
async fn images(
    tx: &mut Tx,
    replay: &Replay,
    found: &mut Verification,
) -> Result<HashMap<UniqueKey, (RowKey, Seq)>, Error> {
    let mut unique = HashMap::new();
    let mut seen: HashSet<RowKey> = HashSet::new();
    let mut entries = Entries::default();
    let (mut kind, mut collection, mut id) = (String::new(), String::new(), String::new());
    loop {
        let page: Vec<ImageRow> = tx
            .all(
                &sql::VERIFY_IMAGES,
                args![kind.as_str(), collection.as_str(), id.as_str(), PAGE_ROWS],
            )
            .await?;
        let Some(last) = page.last() else { break };
        (kind, collection, id) = (last.0.clone(), last.1.clone(), last.2.clone());
        for row in page {
            found.rows += 1;
            let place = (row.0.clone(), row.1.clone(), row.2.clone());
            let expected = image(replay, row, &mut unique, &mut seen, found);
            entries.compare(tx, &place, expected, found).await?;
        }
    }
    entries.rest(tx, found).await?;
    for (key, present) in replay.rows.iter().filter(|(key, _)| !seen.contains(*key)) {
        found.add(
            "image",
            present.revision,
            key.to_string(),
            "the row is missing",
        );
    }
    Ok(unique)
}

/// Checks one image; gives its index entries, and the commit they belong to.
fn image(
    replay: &Replay,
    row: ImageRow,
    unique: &mut HashMap<UniqueKey, (RowKey, Seq)>,
    seen: &mut HashSet<RowKey>,
    found: &mut Verification,
) -> (Vec<IndexEntry>, Seq) {
    let (kind, collection, id, revision, created_us, updated_us, body) = row;
    let name = format!("{kind}/{collection}/{id}");
    let Ok(key) = row_key(&kind, &collection, &id) else {
        found.add("image", revision, name, "unknown kind");
        return (Vec::new(), revision);
    };
    let Some(present) = replay.rows.get(&key) else {
        found.add("image", revision, name, "the log knows no such row");
        return (Vec::new(), revision);
    };
    if (revision, created_us, updated_us)
        != (present.revision, present.created_us, present.updated_us)
    {
        found.add(
            "image",
            present.revision,
            name.as_str(),
            "its revision or its instants are not those of the log",
        );
    }
    let mut expected = Vec::new();
    if digest(&body) == present.text {
        let value = serde_json::from_str(&body).unwrap_or_default();
        let definition = if key.kind == Kind::Record {
            replay.definitions.get(&collection)
        } else {
            None
        };
        let derived = derive(&key, &value, definition).unwrap_or_default();
        unique.extend(
            derived
                .unique
                .into_iter()
                .map(|unique| (unique, (key.clone(), present.revision))),
        );
        expected = derived.index;
        expected.sort();
    } else {
        found.add(
            "image",
            present.revision,
            name,
            "its body is not the one in the log",
        );
    }
    let seq = present.revision;
    seen.insert(key);
    (expected, seq)
}

type EntryRow = (String, String, String, String, Vec<u8>);

/// The field index, read in step with the images.
#[derive(Default)]
struct Entries {
    waiting: VecDeque<EntryRow>,
    place: (String, String, String, String),
    is_done: bool,
}

impl Entries {
    async fn next(&mut self, tx: &mut Tx) -> Result<Option<EntryRow>, Error> {
        if self.waiting.is_empty() && !self.is_done {
            let (kind, collection, id, field) = &self.place;
            let args = args![
                kind.as_str(),
                collection.as_str(),
                id.as_str(),
                field.as_str(),
                PAGE_ROWS
            ];
            self.waiting = tx.all::<EntryRow>(&sql::VERIFY_ENTRIES, args).await?.into();
            match self.waiting.back() {
                Some((kind, collection, id, field, _)) => {
                    self.place = (kind.clone(), collection.clone(), id.clone(), field.clone());
                }
                None => self.is_done = true,
            }
        }
        Ok(self.waiting.pop_front())
    }

    async fn compare(
        &mut self,
        tx: &mut Tx,
        image: &(String, String, String),
        (expected, seq): (Vec<IndexEntry>, Seq),
        found: &mut Verification,
    ) -> Result<(), Error> {
        let mut got: Vec<IndexEntry> = Vec::new();
        while let Some(entry) = self.next(tx).await? {
            let place = (entry.0.clone(), entry.1.clone(), entry.2.clone());
            match place.cmp(image) {
                std::cmp::Ordering::Less => stray(&entry, found),
                std::cmp::Ordering::Equal => got.push(IndexEntry {
                    field: entry.3,
                    key: entry.4,
                }),
                std::cmp::Ordering::Greater => {
                    self.waiting.push_front(entry);
                    break;
                }
            }
            found.rows += 1;
        }
        got.sort();
        if got != expected {
            found.add(
                "field_index",
                seq,
                format!("{}/{}/{}", image.0, image.1, image.2),
                "its entries are not those of the row",
            );
        }
        Ok(())
    }

    async fn rest(&mut self, tx: &mut Tx, found: &mut Verification) -> Result<(), Error> {
        while let Some(entry) = self.next(tx).await? {
            stray(&entry, found);
        }
        Ok(())
    }
}

fn stray(entry: &EntryRow, found: &mut Verification) {
    found.add(
        "field_index",
        0,
        format!("{}/{}/{} {}", entry.0, entry.1, entry.2, entry.3),
        "an entry of a row that does not exist",
    );
}

async fn unique_keys(
    tx: &mut Tx,
    replay: &Replay,
    expected: &HashMap<UniqueKey, (RowKey, Seq)>,
    found: &mut Verification,
) -> Result<(), Error> {
    let mut seen: HashSet<UniqueKey> = HashSet::new();
    let (mut space, mut value) = (String::new(), String::new());
    loop {
        let page: Vec<(String, String, String, String, String)> = tx
            .all(
                &sql::VERIFY_UNIQUE,
                args![space.as_str(), value.as_str(), PAGE_ROWS],
            )
            .await?;
        let Some(last) = page.last() else { break };
        (space, value) = (last.0.clone(), last.1.clone());
        for (space, value, kind, collection, id) in page {
            found.rows += 1;
            let (key, holder) = (
                UniqueKey { space, value },
                row_key(&kind, &collection, &id).ok(),
            );
            let name = format!("{} {:?}", key.space, key.value);
            match expected.get(&key) {
                Some((row, seq)) if holder.as_ref() != Some(row) => {
                    found.add("unique_key", *seq, name, "it names another row");
                }
                Some(_) => {}
                None => {
                    let seq = holder
                        .and_then(|holder| replay.rows.get(&holder))
                        .map_or(0, |row| row.revision);
                    found.add("unique_key", seq, name, "no row has this value");
                }
            }
            seen.insert(key);
        }
    }
    for (key, (_, seq)) in expected.iter().filter(|(key, _)| !seen.contains(*key)) {
        found.add(
            "unique_key",
            *seq,
            format!("{} {:?}", key.space, key.value),
            "the value is missing",
        );
    }
    Ok(())
}

type RunRow = (
    String,
    i64,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    String,
    Vec<u8>,
);

async fn runs(
    tx: &mut Tx,
    keys: &Keys,
    replay: &Replay,
    found: &mut Verification,
) -> Result<(), Error> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut after = String::new();
    loop {
        let page: Vec<RunRow> = tx
            .all(&sql::VERIFY_RUNS, args![after.as_str(), PAGE_ROWS])
            .await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.0);
        for (
            id,
            seq,
            automation,
            body,
            state,
            fence,
            attempt,
            clock_us,
            due_us,
            settled_seq,
            report,
            seal,
        ) in page
        {
            found.rows += 1;
            let Some(expected) = replay.runs.get(&id) else {
                found.add("run", seq, id.as_str(), "the log knows no such run");
                continue;
            };
            if (seq, &automation, digest(&body))
                != (expected.seq, &expected.automation, expected.text)
            {
                found.add(
                    "run",
                    expected.seq,
                    id.as_str(),
                    "it is not the run that the log queued",
                );
            }
            let settled = settled_seq.map(|settled| (settled, state.clone()));
            if settled != expected.settled {
                found.add(
                    "run",
                    expected.seq,
                    id.as_str(),
                    "its state is not the one in the log",
                );
            }
            let columns = RunColumns {
                id: &id,
                state: &state,
                fence,
                attempt,
                clock_us,
                due_us,
                settled_seq,
                report: &report,
            };
            if columns.seal(keys) != seal {
                found.add("run", expected.seq, id.as_str(), "its seal is broken");
            }
            seen.insert(id);
        }
    }
    for (id, run) in replay.runs.iter().filter(|(id, _)| !seen.contains(*id)) {
        found.add("run", run.seq, id.as_str(), "the run is missing");
    }
    Ok(())
}

type OutboxRow = (
    String,
    i64,
    String,
    String,
    String,
    i64,
    Option<i64>,
    String,
    Vec<u8>,
);

async fn outbox(
    tx: &mut Tx,
    keys: &Keys,
    replay: &Replay,
    found: &mut Verification,
) -> Result<(), Error> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut after = String::new();
    loop {
        let page: Vec<OutboxRow> = tx
            .all(&sql::VERIFY_OUTBOX, args![after.as_str(), PAGE_ROWS])
            .await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.0);
        for (id, seq, automation, body, state, attempts, due_us, error, seal) in page {
            found.rows += 1;
            let Some(expected) = replay.messages.get(&id) else {
                found.add("outbox", seq, id.as_str(), "the log knows no such message");
                continue;
            };
            if (seq, &automation, digest(&body))
                != (expected.seq, &expected.automation, expected.text)
            {
                found.add(
                    "outbox",
                    expected.seq,
                    id.as_str(),
                    "it is not the message that the log holds",
                );
            }
            let columns = OutboxColumns {
                id: &id,
                state: &state,
                attempts,
                due_us,
                error: &error,
            };
            if columns.seal(keys) != seal {
                found.add("outbox", expected.seq, id.as_str(), "its seal is broken");
            }
            seen.insert(id);
        }
    }
    for (id, message) in replay.messages.iter().filter(|(id, _)| !seen.contains(*id)) {
        found.add("outbox", message.seq, id.as_str(), "the message is missing");
    }
    Ok(())
}
