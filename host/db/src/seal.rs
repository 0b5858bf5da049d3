//! Keys derived from the host's master key, and seals over columns that the log does not cover.
//!
//! Leases, attempts and delivery marks change without a commit. Each such row carries a seal over them, so that
//! verification finds a changed byte there as well.

use bursar_domain::checkpoint::CheckpointKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Length of a seal, in bytes.
pub(crate) const SEAL_BYTES: usize = 16;

/// Keys derived from one master key. Never stored, never shown.
#[derive(Clone)]
pub struct Keys {
    seal: [u8; 32],
    seed: [u8; 32],
    cache: [u8; 32],
    checkpoint: CheckpointKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Keys(..)")
    }
}

impl Keys {
    /// Derives a key for each purpose (HMAC-SHA256 of the purpose's name).
    pub fn derive(master: &[u8; 32]) -> Self {
        let child = |purpose: &str| mac(master, purpose.as_bytes());
        Self {
            seal: child("bursar/seal/1"),
            seed: child("bursar/seed/1"),
            cache: child("bursar/compile-cache/1"),
            checkpoint: CheckpointKey::from_seed(&child("bursar/checkpoint/1")),
        }
    }

    /// Key of runs' seeds.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Key of the compile cache.
    pub fn cache(&self) -> &[u8; 32] {
        &self.cache
    }

    /// Key that checkpoints are signed with.
    pub(crate) fn checkpoint(&self) -> &CheckpointKey {
        &self.checkpoint
    }

    /// Seal over a row's unlogged columns.
    pub(crate) fn seal(&self, table: &str, columns: &[Column<'_>]) -> Vec<u8> {
        let mut text = Vec::with_capacity(128);
        part(&mut text, table.as_bytes());
        for column in columns {
            match column {
                Column::Int(value) => text.extend_from_slice(&value.to_be_bytes()),
                Column::Text(value) => part(&mut text, value.as_bytes()),
            }
        }
        mac(&self.seal, &text)
            .into_iter()
            .take(SEAL_BYTES)
            .collect()
    }
}

/// A sealed column.
pub(crate) enum Column<'a> {
    Int(i64),
    Text(&'a str),
}

fn part(text: &mut Vec<u8>, bytes: &[u8]) {
    text.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    text.extend_from_slice(bytes);
}

fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}
