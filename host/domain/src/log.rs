//! What the commit log's hashes cover.
//!
//! A body is hashed with its salt, so that erasing both leaves a chain that still verifies and gives nothing away. The
//! chain covers the commit's facts and the list of its changes' body hashes, never the bodies themselves.

use sha2::{Digest, Sha256};

use crate::row::{RowKey, Seq};

/// A SHA-256 digest (FIPS 180-4).
pub type Hash = [u8; 32];

/// The hash before the first commit.
pub const GENESIS: Hash = [0; 32];

/// What makes up a commit but for its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitHead {
    /// 1, 2, 3, ...
    pub seq: Seq,
    /// Instant of the commit, in microseconds UTC: rises with every commit.
    pub at_us: i64,
    /// Who: an [`crate::office::Actor`] as text.
    pub author: String,
    /// The run that was settled, or "".
    pub run: String,
    /// Why, in a word such as "run", "install-plugin", "stop".
    pub cause: String,
}

/// Hash of a change's body, bound to its place in the log; no body is a removed row.
///
/// The place is in the commit's hash as well. It is here so that a change that was altered or moved gives itself away,
/// instead of only casting doubt on its commit.
pub fn body_hash(salt: &[u8], seq: Seq, key: &RowKey, previous: Seq, body: Option<&str>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([u8::from(body.is_some())]);
    part(&mut hasher, salt);
    hasher.update(seq.to_be_bytes());
    part(&mut hasher, key.kind.as_str().as_bytes());
    part(&mut hasher, key.collection.as_bytes());
    part(&mut hasher, key.id.as_bytes());
    hasher.update(previous.to_be_bytes());
    part(&mut hasher, body.unwrap_or_default().as_bytes());
    hasher.finalize().into()
}

/// Hash of a commit: everything in [`CommitHead`], the hash before it, and each change's key, previous revision and body hash.
pub fn commit_hash<'a>(
    previous: &Hash,
    head: &CommitHead,
    changes: impl IntoIterator<Item = (&'a RowKey, Seq, &'a Hash)>,
) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"bursar-commit-1");
    hasher.update(previous);
    hasher.update(head.seq.to_be_bytes());
    hasher.update(head.at_us.to_be_bytes());
    part(&mut hasher, head.author.as_bytes());
    part(&mut hasher, head.run.as_bytes());
    part(&mut hasher, head.cause.as_bytes());
    for (key, previous, hash) in changes {
        part(&mut hasher, key.kind.as_str().as_bytes());
        part(&mut hasher, key.collection.as_bytes());
        part(&mut hasher, key.id.as_bytes());
        hasher.update(previous.to_be_bytes());
        hasher.update(hash);
    }
    hasher.finalize().into()
}

/// Length first, so that no two lists of parts hash alike.
fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// SHA-256 of some bytes as lower-case hex: how blobs and components are named.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
