//! Checkpoints that were kept elsewhere, held against the log as it is read.

use std::collections::{BTreeMap, BTreeSet};

use bursar_domain::{
    checkpoint::Checkpoint,
    log::{Hash, hex},
    row::Seq,
};

use super::{BrokenCheckpoint, CheckpointFault, FINDINGS_MAX, Verification};

/// Places that the log has not come to yet.
#[derive(Default)]
pub(super) struct Kept {
    count: u64,
    places: BTreeMap<Seq, BTreeSet<String>>,
}

impl Kept {
    pub(super) fn of<'a>(checkpoints: impl IntoIterator<Item = &'a Checkpoint>) -> Self {
        let mut kept = Self::default();
        for checkpoint in checkpoints {
            kept.count += 1;
            let hashes = kept.places.entry(checkpoint.seq).or_default();
            hashes.insert(checkpoint.hash.clone());
        }
        kept
    }

    /// The log holds this commit; before the first one it has the hash of none.
    pub(super) fn pass(&mut self, found: &mut Verification, seq: Seq, hash: &Hash) {
        let hash = hex(hash);
        for other in self.places.remove(&seq).unwrap_or_default() {
            if other != hash {
                let message = "the commit is not the one that the checkpoint names";
                found.add("log_commit", seq, "", message);
                found.break_checkpoint(seq, other, CheckpointFault::HashDiffers);
            }
        }
    }

    /// The log has no more commits.
    pub(super) fn end(self, found: &mut Verification, head_seq: Seq) {
        found.checkpoints = self.count;
        for (seq, hashes) in self.places {
            let (place, fault) = if seq > head_seq {
                (head_seq + 1, CheckpointFault::LogShorter)
            } else {
                (seq, CheckpointFault::HashDiffers)
            };
            let message = match fault {
                CheckpointFault::LogShorter => format!(
                    "the log ends at {head_seq}, a checkpoint names commit {seq}: its tail was cut"
                ),
                CheckpointFault::HashDiffers => {
                    format!("a checkpoint names commit {seq}, which is not there")
                }
            };
            found.add("log_commit", place, "", message);
            for hash in hashes {
                found.break_checkpoint(seq, hash, fault);
            }
        }
    }
}

impl Verification {
    fn break_checkpoint(&mut self, seq: Seq, hash: String, fault: CheckpointFault) {
        if self.checkpoints_broken.len() < FINDINGS_MAX {
            let checkpoint = Checkpoint { seq, hash };
            self.checkpoints_broken
                .push(BrokenCheckpoint { checkpoint, fault });
        }
    }
}
