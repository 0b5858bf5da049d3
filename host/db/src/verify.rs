//! Verification: the log's chain, and a replay of the log against every other table.
//!
//! Every byte of every table is either hashed into the chain, derived from the log and compared, or under a seal.

mod checkpoints;
mod ledger;
mod projections;
mod replay;

use bursar_domain::{
    checkpoint::Checkpoint,
    log::{GENESIS, Hash, hex},
    row::Seq,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use checkpoints::Kept;

use crate::{
    Database,
    adapter::{Tx, args},
    error::Error,
    schema, statements as sql,
};

/// Findings that are kept; more are counted.
pub const FINDINGS_MAX: usize = 1_000;
/// Rows read at a time.
const PAGE_ROWS: i64 = 2_000;

/// Something that does not fit the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The table it is in.
    pub table: String,
    /// The commit it belongs to; 0 if it belongs to none.
    pub seq: Seq,
    /// The row, as the table names it.
    pub row: String,
    /// What is wrong.
    pub message: String,
}

/// What became of a place that a checkpoint names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointFault {
    /// The log ends before it: its tail was cut, or an older copy was put in its place.
    LogShorter,
    /// Another commit is in its place.
    HashDiffers,
}

/// A checkpoint that the log does not hold any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokenCheckpoint {
    /// The place that it names.
    pub checkpoint: Checkpoint,
    /// What is there instead.
    pub fault: CheckpointFault,
}

/// What verification found.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, PartialEq)]
pub struct Verification {
    /// Commits read.
    pub commits: u64,
    /// Changes replayed.
    pub changes: u64,
    /// Rows of other tables compared.
    pub rows: u64,
    /// The last commit.
    pub head_seq: Seq,
    /// Its hash, lower-case hex: note it elsewhere to find a cut tail later.
    pub head_hash: String,
    /// Checkpoints that were held against the log.
    pub checkpoints: u64,
    /// Those that it does not hold, at most 1000: findings as well.
    pub checkpoints_broken: Vec<BrokenCheckpoint>,
    /// How many findings there are.
    pub findings_total: u64,
    /// The first of them, by table and commit.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings_total == 0
    }

    pub(crate) fn add(
        &mut self,
        table: &str,
        seq: Seq,
        row: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                table: table.to_owned(),
                seq,
                row: row.into(),
                message: message.into(),
            });
        }
    }
}

impl Database {
    /// Verifies the chain, replays the log and compares every table with it, on one snapshot. The log must hold each of
    /// the checkpoints; who signed them is not looked at.
    pub async fn verify<'a>(
        &self,
        checkpoints: impl IntoIterator<Item = &'a Checkpoint>,
    ) -> Result<Verification, Error> {
        let mut kept = Kept::of(checkpoints);
        let mut tx = self.pools.reading().await?;
        let mut found = Verification::default();
        self.verify_schema(&mut tx, &mut found).await?;
        let replay = replay::replay(&mut tx, &mut found, &mut kept).await?;
        kept.end(&mut found, replay.head_seq);
        verify_head(&mut tx, &mut found, &replay).await?;
        projections::verify(&mut tx, &self.keys, &self.blobs, &replay, &mut found).await?;
        ledger::verify(&mut tx, &replay, &mut found).await?;
        found
            .findings
            .sort_by_key(|finding| (finding.seq, finding.table.clone()));
        Ok(found)
    }

    async fn verify_schema(&self, tx: &mut Tx, found: &mut Verification) -> Result<(), Error> {
        let applied: Vec<(i64, String)> = tx.all(&schema::APPLIED, args![]).await?;
        let expected: Vec<(i64, String)> = schema::MIGRATIONS
            .iter()
            .map(|migration| (migration.version, migration.checksum(self.pools.engine())))
            .collect();
        if applied != expected {
            found.add(
                "migration",
                0,
                "",
                "the schema's steps are not those of this program",
            );
        }
        Ok(())
    }
}

async fn verify_head(
    tx: &mut Tx,
    found: &mut Verification,
    replay: &replay::Replay,
) -> Result<(), Error> {
    let heads: Vec<(i64, i64, i64, Vec<u8>)> = tx.all(&sql::VERIFY_HEAD, args![]).await?;
    let expected = (
        1,
        replay.head_seq,
        replay.head_at_us,
        replay.head_hash.to_vec(),
    );
    match heads.as_slice() {
        [head] if *head == expected => {}
        // A head of other content names a commit that is gone; with the last commit's hash it is the head that is wrong.
        [(1, seq, _, hash)] if *seq > replay.head_seq && *hash != replay.head_hash => {
            found.add(
                "log_commit",
                replay.head_seq + 1,
                "",
                format!("the head is at {seq}, the log ends at {}", replay.head_seq),
            );
        }
        [] => found.add("log_head", replay.head_seq, "", "the head is missing"),
        _ => found.add(
            "log_head",
            replay.head_seq,
            "",
            "the head is not the log's last commit",
        ),
    }
    found.head_seq = replay.head_seq;
    found.head_hash = hex(&replay.head_hash);
    Ok(())
}

/// The hash that stands before the first commit.
const fn genesis() -> Hash {
    GENESIS
}
