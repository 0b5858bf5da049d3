//! Reads the log from its start: checks the chain, and builds the state that every projection must show.

use std::collections::{BTreeMap, HashMap};

use bursar_domain::{
    aging::{Entry, own_entry},
    invoice::Allocation,
    log::{CommitHead, Hash, body_hash, commit_hash},
    office::Collection,
    row::{Kind, RowKey, Seq},
    run::QueuedRun,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{PAGE_ROWS, Verification, checkpoints::Kept, genesis};
use crate::{
    adapter::{Tx, args},
    error::Error,
    queue::automation_of,
    snapshot::row_key,
    statements as sql,
};

/// One row as the log says it is.
pub(super) struct Present {
    pub revision: Seq,
    pub created_us: i64,
    pub updated_us: i64,
    /// Digest of the body's text.
    pub text: Hash,
}

/// One queued run as the log says it is.
pub(super) struct ExpectedRun {
    pub seq: Seq,
    pub automation: String,
    pub text: Hash,
    /// The commit that settled it, and how.
    pub settled: Option<(Seq, String)>,
}

/// One message as the log says it is.
pub(super) struct ExpectedMessage {
    pub seq: Seq,
    pub automation: String,
    pub text: Hash,
}

/// The state at the log's end.
#[derive(Default)]
pub(super) struct Replay {
    pub head_seq: Seq,
    pub head_at_us: i64,
    pub head_hash: Hash,
    pub rows: HashMap<RowKey, Present>,
    pub runs: HashMap<String, ExpectedRun>,
    pub messages: HashMap<String, ExpectedMessage>,
    pub definitions: HashMap<String, Collection>,
    /// What invoices, credit notes and payments add to what parties owe.
    pub entries: HashMap<RowKey, Entry>,
    pub allocations: HashMap<RowKey, Allocation>,
    /// Blobs that rows name, with the commit that named them.
    pub blobs: HashMap<String, Seq>,
}

type CommitRow = (i64, i64, String, String, String, i64, Vec<u8>);
type ChangeRow = (
    i64,
    i64,
    String,
    String,
    String,
    i64,
    Option<String>,
    Option<Vec<u8>>,
    Vec<u8>,
);

/// What a commit's hash covers of a change.
type Covered = (RowKey, Seq, Hash);

fn name((seq, ordinal, kind, collection, id, ..): &ChangeRow) -> String {
    format!("{seq}.{ordinal} {kind}/{collection}/{id}")
}

/// How the run ended, if the change is its notice.
fn end_of((_, _, kind, _, id, _, body, ..): &ChangeRow, run: &str) -> Option<String> {
    if kind != Kind::Notice.as_str() || id != run {
        return None;
    }
    let body: Value = serde_json::from_str(body.as_deref()?).ok()?;
    Some(body.get("end")?.as_str()?.to_owned())
}

pub(super) fn digest(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

pub(super) async fn replay(
    tx: &mut Tx,
    found: &mut Verification,
    kept: &mut Kept,
) -> Result<Replay, Error> {
    let mut replay = Replay {
        head_hash: genesis(),
        ..Replay::default()
    };
    kept.pass(found, replay.head_seq, &replay.head_hash);
    loop {
        let from = replay.head_seq;
        let commits: Vec<CommitRow> = tx.all(&sql::VERIFY_COMMITS, args![from, PAGE_ROWS]).await?;
        let Some(last) = commits.last().map(|commit| commit.0) else {
            break;
        };
        let changes: Vec<ChangeRow> = tx.all(&sql::VERIFY_CHANGES, args![from, last]).await?;
        let mut by_commit: BTreeMap<Seq, Vec<ChangeRow>> = BTreeMap::new();
        for change in changes {
            by_commit.entry(change.0).or_default().push(change);
        }
        for commit in commits {
            let changes = by_commit.remove(&commit.0).unwrap_or_default();
            replay.commit(found, commit, changes);
            kept.pass(found, replay.head_seq, &replay.head_hash);
        }
        for seq in by_commit.keys() {
            found.add(
                "change",
                *seq,
                "",
                "changes of a commit that does not exist",
            );
        }
    }
    if let Some((seq,)) = tx.find::<(i64,)>(&sql::VERIFY_STRAYS, args![]).await? {
        found.add("change", seq, "", "changes of a commit that does not exist");
    }
    Ok(replay)
}

impl Replay {
    fn commit(&mut self, found: &mut Verification, commit: CommitRow, changes: Vec<ChangeRow>) {
        let (seq, at_us, author, run, cause, count, stored) = commit;
        self.check_place(found, seq, at_us);
        let mut covered: Vec<Covered> = Vec::with_capacity(changes.len());
        let mut end = None;
        for (expected, change) in (0_i64..).zip(changes) {
            if change.1 != expected {
                let message = format!("ordinal {expected} is missing");
                found.add("change", seq, name(&change), message);
            }
            end = end_of(&change, &run).or(end);
            covered.extend(self.change(found, at_us, change));
        }
        if !run.is_empty() {
            self.settle(found, seq, &run, end);
        }
        let head = CommitHead {
            seq,
            at_us,
            author,
            run,
            cause,
        };
        let hash = commit_hash(
            &self.head_hash,
            &head,
            covered
                .iter()
                .map(|(key, previous, hash)| (key, *previous, hash)),
        );
        if i64::try_from(covered.len()) != Ok(count) {
            // With the right hash nothing is missing: it is the count that is wrong.
            let table = if stored == hash {
                "log_commit"
            } else {
                "change"
            };
            let message = format!("the commit has {count} changes, here are {}", covered.len());
            found.add(table, seq, "", message);
        }
        if stored != hash {
            found.add(
                "log_commit",
                seq,
                "",
                "its hash does not belong to its content, its changes and the commit before",
            );
        }
        found.commits += 1;
        self.head_seq = seq;
        self.head_at_us = at_us;
        // On with what is stored: one bad commit is one finding, and the next one tells whether the chain was patched up.
        self.head_hash = stored.try_into().unwrap_or(hash);
    }

    /// Commits follow each other without a gap, in place and in time.
    fn check_place(&self, found: &mut Verification, seq: Seq, at_us: i64) {
        if seq != self.head_seq + 1 {
            found.add(
                "log_commit",
                self.head_seq + 1,
                "",
                format!("commit {} is missing", self.head_seq + 1),
            );
        }
        if at_us <= self.head_at_us {
            found.add(
                "log_commit",
                seq,
                "",
                "its instant is not after the one before",
            );
        }
    }

    /// A run came to its end in this commit; without a notice its change set was committed.
    fn settle(&mut self, found: &mut Verification, seq: Seq, run: &str, end: Option<String>) {
        let end = end.unwrap_or_else(|| "committed".to_owned());
        if let Some(settled) = self.runs.get_mut(run) {
            settled.settled = Some((seq, end));
        } else {
            let message = "it settles a run that was never queued";
            found.add("log_commit", seq, run, message);
        }
    }

    /// Checks one change by itself, and brings the state behind it.
    fn change(
        &mut self,
        found: &mut Verification,
        at_us: i64,
        change: ChangeRow,
    ) -> Option<Covered> {
        let name = name(&change);
        let (seq, _, kind, collection, id, previous, body, salt, hash) = change;
        let Ok(key) = row_key(&kind, &collection, &id) else {
            found.add("change", seq, name, "unknown kind");
            return None;
        };
        let stored: Hash = hash.try_into().unwrap_or_default();
        let hash = salt.map(|salt| body_hash(&salt, seq, &key, previous, body.as_deref()));
        if hash != Some(stored) {
            let message = "its place, body, salt and hash do not belong together";
            found.add("change", seq, name.as_str(), message);
        }
        let revision = self.revision(&key);
        if previous != revision {
            let message = format!("it follows revision {previous}, the row is at {revision}");
            found.add("change", seq, name, message);
        }
        self.note(key.clone(), seq, at_us, body.as_deref());
        found.changes += 1;
        Some((key, previous, stored))
    }

    fn revision(&self, key: &RowKey) -> Seq {
        match key.kind {
            Kind::Run => self.runs.get(&*key.id).map_or(0, |run| run.seq),
            Kind::Message => self.messages.get(&*key.id).map_or(0, |message| message.seq),
            _ => self.rows.get(key).map_or(0, |row| row.revision),
        }
    }

    /// The state behind one change.
    fn note(&mut self, key: RowKey, seq: Seq, at_us: i64, body: Option<&str>) {
        let id = key.id.to_string();
        match (key.kind, body) {
            (Kind::Run, Some(body)) => {
                let automation = serde_json::from_str::<QueuedRun>(body)
                    .map(|run| run.automation)
                    .unwrap_or_default();
                self.runs.insert(
                    id,
                    ExpectedRun {
                        seq,
                        automation,
                        text: digest(body),
                        settled: None,
                    },
                );
            }
            (Kind::Message, Some(body)) => {
                let message = serde_json::from_str::<Value>(body).unwrap_or_default();
                let expected = ExpectedMessage {
                    seq,
                    automation: automation_of(&message).to_owned(),
                    text: digest(body),
                };
                self.messages.insert(id, expected);
            }
            (_, None) => {
                self.entries.remove(&key);
                self.rows.remove(&key);
            }
            (kind, Some(body)) => {
                match kind {
                    Kind::Invoice | Kind::Payment | Kind::Allocation => self.book(&key, body),
                    Kind::Collection => drop(
                        serde_json::from_str(body)
                            .map(|definition| self.definitions.insert(id, definition)),
                    ),
                    Kind::Plugin => drop(self.blobs.insert(id, seq)),
                    Kind::Document => {
                        let document = serde_json::from_str::<Value>(body).unwrap_or_default();
                        if let Some(sha256) = document.get("sha256").and_then(Value::as_str) {
                            self.blobs.insert(sha256.to_owned(), seq);
                        }
                    }
                    _ => {}
                }
                let created_us = self.rows.get(&key).map_or(at_us, |row| row.created_us);
                self.rows.insert(
                    key,
                    Present {
                        revision: seq,
                        created_us,
                        updated_us: at_us,
                        text: digest(body),
                    },
                );
            }
        }
    }

    /// What the ledger needs of a row. A body that is not of its kind's shape implies nothing.
    fn book(&mut self, key: &RowKey, body: &str) {
        let value = serde_json::from_str::<Value>(body).unwrap_or_default();
        if key.kind == Kind::Allocation {
            let allocation = serde_json::from_value(value).ok();
            self.allocations
                .extend(allocation.map(|allocation| (key.clone(), allocation)));
            return;
        }
        match own_entry(key.kind, &value) {
            Some(entry) => drop(self.entries.insert(key.clone(), entry)),
            None => drop(self.entries.remove(key)),
        }
    }
}
