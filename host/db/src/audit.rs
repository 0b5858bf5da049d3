//! What leaves the host for whoever does not trust it: signed checkpoints, and the log as a file.
//!
//! docs/audit.md has both formats, exactly enough to check them without this program.

use std::{collections::BTreeMap, fmt::Write as _};

use bursar_domain::{
    checkpoint::{PublicKey, SignedCheckpoint},
    log::{GENESIS, Hash, hex},
    row::{Kind, Seq},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Database, Keys,
    adapter::{Pools, Tx, args},
    error::Error,
    statements as sql,
};

/// Commits read at a time.
const PAGE_COMMITS: i64 = 200;
/// Changes read at a time, unless one commit has more: each may be large.
const PAGE_CHANGES: i64 = 200;

/// Which bodies an export has. The chain can be computed either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// All but those of access tokens, which nobody has to see.
    Shown,
    /// None: only their digests.
    Withheld,
}

/// One commit of an export.
#[derive(Serialize)]
struct ExportedCommit<'a> {
    at_us: i64,
    author: &'a str,
    cause: &'a str,
    changes: Vec<ExportedChange>,
    hash: String,
    run: &'a str,
    seq: Seq,
}

/// One change of an export. Salt and body are there together or withheld together; a body of null is a removed row.
#[derive(Serialize)]
struct ExportedChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    body_hash: String,
    collection: String,
    id: String,
    kind: String,
    previous: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
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

/// The log on its way into a file, up to where it stood at one moment. It is appended to and never changed, so that each page
/// is read by itself: whoever reads slowly holds nobody up.
pub struct LogExport {
    pools: Pools,
    keys: Keys,
    bodies: Bodies,
    now_us: i64,
    head: Head,
    /// The last commit that was read.
    seq: Seq,
    is_done: bool,
}

impl Database {
    /// What this host's checkpoints are checked with.
    pub fn public_key(&self) -> PublicKey {
        self.keys.checkpoint().public()
    }

    /// Signs where the log stands. The head is looked at; that the log before it is whole is [`Database::verify`]'s matter.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, Error> {
        let now_us = self.now_us().await?;
        let head = Head::read(&mut self.pools.reading().await?).await?;
        Ok(head.sign(&self.keys, now_us))
    }

    /// The log as JSON Lines: its commits from the first, and a signed checkpoint of the last.
    pub async fn export_log(&self, bodies: Bodies) -> Result<LogExport, Error> {
        let now_us = self.now_us().await?;
        let head = Head::read(&mut self.pools.reading().await?).await?;
        Ok(LogExport {
            pools: self.pools.clone(),
            keys: self.keys.clone(),
            bodies,
            now_us,
            head,
            seq: 0,
            is_done: false,
        })
    }
}

/// Where the log stands.
struct Head {
    seq: Seq,
    at_us: i64,
    hash: Hash,
}

impl Head {
    /// The head, if it is the log's last commit: what else it says is not signed.
    async fn read(tx: &mut Tx) -> Result<Self, Error> {
        let head: Option<(i64, i64, Vec<u8>)> = tx.find(&sql::HEAD, args![]).await?;
        let (seq, at_us, hash) =
            head.ok_or_else(|| Error::Corrupt("the log has no head".to_owned()))?;
        let last: Vec<CommitRow> = tx.all(&sql::COMMITS_BEFORE, args![Seq::MAX, 1_i64]).await?;
        let (logged_seq, logged_us, logged_hash) = match last.into_iter().next() {
            Some((seq, at_us, .., hash)) => (seq, at_us, hash),
            None => (0, at_us, GENESIS.to_vec()),
        };
        match hash.try_into() {
            Ok(hash) if (logged_seq, logged_us) == (seq, at_us) && logged_hash == hash => {
                Ok(Self { seq, at_us, hash })
            }
            _ => Err(Error::Corrupt(format!(
                "the head is at commit {seq}, and the log's last commit is another"
            ))),
        }
    }

    /// A checkpoint is no earlier than what it names, whatever the clock says.
    fn sign(&self, keys: &Keys, now_us: i64) -> SignedCheckpoint {
        let at_us = now_us.max(self.at_us);
        keys.checkpoint().sign(self.seq, &self.hash, at_us)
    }
}

impl LogExport {
    /// The next lines; none at the end.
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let page = args![self.seq, PAGE_COMMITS];
        let mut tx = self.pools.reading().await?;
        let mut commits: Vec<CommitRow> = tx.all(&sql::VERIFY_COMMITS, page).await?;
        commits.retain(|commit| commit.0 <= self.head.seq);
        commits.truncate(fitting(&commits));
        let Some(last) = commits.last().map(|commit| commit.0) else {
            self.is_done = true;
            let line = self.head.sign(&self.keys, self.now_us).to_line() + "\n";
            return Ok(Some(line.into_bytes()));
        };
        let page = args![self.seq, last];
        let changes: Vec<ChangeRow> = tx.all(&sql::VERIFY_CHANGES, page).await?;
        drop(tx);
        let mut by_commit: BTreeMap<Seq, Vec<ExportedChange>> = BTreeMap::new();
        for change in changes {
            let (seq, change) = self.change(change);
            by_commit.entry(seq).or_default().push(change);
        }
        self.seq = last;
        let mut text = String::new();
        for (seq, at_us, author, run, cause, _, hash) in commits {
            let commit = ExportedCommit {
                at_us,
                author: &author,
                cause: &cause,
                changes: by_commit.remove(&seq).unwrap_or_default(),
                hash: hex(&hash),
                run: &run,
                seq,
            };
            let line = serde_json::to_string(&commit);
            let line = line.map_err(|error| Error::Corrupt(error.to_string()))?;
            // Writing into a text cannot fail.
            let _ = writeln!(text, "{line}");
        }
        Ok(Some(text.into_bytes()))
    }

    fn change(&self, row: ChangeRow) -> (Seq, ExportedChange) {
        let (seq, _, kind, collection, id, previous, body, salt, hash) = row;
        let is_shown = self.bodies == Bodies::Shown && kind != Kind::Token.as_str();
        let salt = salt.filter(|_| is_shown).map(|salt| hex(&salt));
        let change = ExportedChange {
            body: salt.is_some().then(|| Value::from(body)),
            body_hash: hex(&hash),
            collection,
            id,
            kind,
            previous,
            salt,
        };
        (seq, change)
    }
}

/// How many commits have no more changes than are read at once; one at least.
fn fitting(commits: &[CommitRow]) -> usize {
    let mut changes = 0_i64;
    let fit = commits.iter().take_while(|commit| {
        changes = changes.saturating_add(commit.5);
        changes <= PAGE_CHANGES
    });
    fit.count().max(1)
}
