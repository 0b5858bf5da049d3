//! Blobs as rows of the database: what many nodes share.
//!
//! A blob is cut into pieces, so that reading a part reads no more, and no statement is larger than a piece.

use super::checked;
use crate::{
    adapter::{
        Kind::{Bytes, Int, Text},
        Pools, Sql, Statement, args,
    },
    error::Error,
};

/// Bytes of a piece; the last one is shorter.
const PIECE_BYTES: usize = 1 << 20;

const DELETE: Statement = postgres("delete from blob where sha256 = $1", &[Text]);
const INSERT: Statement = postgres(
    "insert into blob (sha256, ordinal, bytes) values ($1, $2, $3) on conflict do nothing returning ordinal",
    &[Text, Int, Bytes],
);
const READ: Statement = postgres(
    "select ordinal, bytes from blob where sha256 = $1 and ordinal between $2 and $3 order by ordinal",
    &[Text, Int, Int],
);

/// Only PostgreSQL serves many nodes, so only it has the table.
const fn postgres(text: &'static str, kinds: &'static [crate::adapter::Kind]) -> Statement {
    Statement {
        sql: Sql::Same(text),
        kinds,
    }
}

/// Writes a blob unless a whole one is there. Others see it whole or not at all.
pub(super) async fn put(pools: &Pools, sha256: &str, bytes: &[u8]) -> Result<(), Error> {
    if get(pools, sha256).await.is_ok() {
        return Ok(());
    }
    let mut tx = pools.beside().await?;
    let _: Vec<(i64,)> = tx.all(&DELETE, args![sha256]).await?;
    // Nothing is a blob too: it has one piece.
    let pieces = bytes.chunks(PIECE_BYTES);
    let none = bytes.is_empty().then_some(bytes);
    for (ordinal, piece) in (0_i64..).zip(pieces.chain(none)) {
        let _: Vec<(i64,)> = tx.all(&INSERT, args![sha256, ordinal, piece]).await?;
    }
    tx.commit().await
}

/// A whole blob, checked against its digest.
pub(super) async fn get(pools: &Pools, sha256: &str) -> Result<Vec<u8>, Error> {
    checked(sha256, pieces(pools, sha256, 0, i64::MAX).await?.concat())
}

/// Part of a blob; empty past its end.
pub(super) async fn read(
    pools: &Pools,
    sha256: &str,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, Error> {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = offset.saturating_add(length);
    let ordinal = |place: usize| i64::try_from(place / PIECE_BYTES).unwrap_or(i64::MAX);
    let found = pieces(pools, sha256, ordinal(offset), ordinal(end))
        .await?
        .concat();
    let start = (offset % PIECE_BYTES).min(found.len());
    let end = start.saturating_add(length).min(found.len());
    Ok(found.get(start..end).unwrap_or_default().to_vec())
}

/// Pieces from one to another; a blob of which nothing is there is missing.
async fn pieces(pools: &Pools, sha256: &str, first: i64, last: i64) -> Result<Vec<Vec<u8>>, Error> {
    let mut tx = pools.beside().await?;
    let mut found: Vec<(i64, Vec<u8>)> = tx.all(&READ, args![sha256, first, last]).await?;
    if found.is_empty() && first > 0 {
        // Past the end, or missing?
        found = tx.all(&READ, args![sha256, 0_i64, 0_i64]).await?;
        if !found.is_empty() {
            return Ok(Vec::new());
        }
    }
    if found.is_empty() {
        return Err(Error::Blob {
            sha256: sha256.to_owned(),
            message: "it is not there".to_owned(),
        });
    }
    let is_whole = (first..)
        .zip(&found)
        .all(|(wanted, (ordinal, _))| *ordinal == wanted);
    if !is_whole {
        return Err(Error::Blob {
            sha256: sha256.to_owned(),
            message: "a piece of it is missing".to_owned(),
        });
    }
    Ok(found.into_iter().map(|(_, bytes)| bytes).collect())
}
