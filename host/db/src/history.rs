//! Looking back: which commits there were, what each changed, and what a row was before.

use std::sync::Arc;

use bursar_domain::{
    draft::Change,
    log::hex,
    row::{Kind, RowKey, Seq},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    Database,
    adapter::args,
    error::Error,
    snapshot::{has_nul, key_args, parse, row_key},
    statements as sql,
};

/// A commit of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitRecord {
    /// Its place in the log.
    pub seq: Seq,
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// Who, such as "person:ada".
    pub author: String,
    /// Which operation: "run", "timer", "enable-automation" and so on.
    pub cause: String,
    /// The run that it settled.
    pub run: Option<String>,
    /// How many rows it changed.
    pub changes: i64,
    /// The chain's hash (SHA-256) at this commit, lower-case hex.
    pub hash: String,
}

/// Which commits to list: newest first.
#[derive(Clone, Debug, Default)]
pub struct CommitFilter {
    /// Continue behind the last one seen.
    pub before: Option<Seq>,
    /// Most rows.
    pub limit: usize,
}

/// What a row became in a commit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowVersion {
    /// The commit.
    pub seq: Seq,
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// Who, such as "person:ada".
    pub author: String,
    /// Which operation.
    pub cause: String,
    /// The run that the commit settled.
    pub run: Option<String>,
    /// The row from then on; none if the commit removed it.
    pub body: Option<Arc<Value>>,
}

type CommitRow = (i64, i64, String, String, String, i64, Vec<u8>);

fn commit_record((seq, at_us, author, run, cause, changes, hash): CommitRow) -> CommitRecord {
    CommitRecord {
        seq,
        at_us,
        author,
        cause,
        run: present(run),
        changes,
        hash: hex(&hash),
    }
}

/// In the log, "" stands for none.
fn present(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn rows_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Database {
    /// Commits, newest first.
    pub async fn commits(&self, filter: &CommitFilter) -> Result<Vec<CommitRecord>, Error> {
        let mut tx = self.pools.reading().await?;
        let before = filter.before.unwrap_or(Seq::MAX);
        let args = args![before, rows_limit(filter.limit)];
        let rows: Vec<CommitRow> = tx.all(&sql::COMMITS_BEFORE, args).await?;
        Ok(rows.into_iter().map(commit_record).collect())
    }

    /// Commits that changed rows of some kinds from an instant on, newest first, without those that only note a token's use.
    pub async fn commits_of(
        &self,
        kinds: [Kind; 5],
        since_us: i64,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<CommitRecord>, Error> {
        let mut tx = self.pools.beside().await?;
        let [first, second, third, fourth, fifth] = kinds.map(Kind::as_str);
        let before = before.unwrap_or(Seq::MAX);
        let args = args![
            first,
            second,
            third,
            fourth,
            fifth,
            before,
            since_us,
            rows_limit(limit)
        ];
        let rows: Vec<CommitRow> = tx.all(&sql::COMMITS_OF_KINDS, args).await?;
        Ok(rows.into_iter().map(commit_record).collect())
    }

    /// One commit.
    pub async fn commit(&self, seq: Seq) -> Result<Option<CommitRecord>, Error> {
        let mut tx = self.pools.reading().await?;
        let row: Option<CommitRow> = tx.find(&sql::COMMIT_OF, args![seq]).await?;
        Ok(row.map(commit_record))
    }

    /// What a row was, newest first, continued behind a commit.
    pub async fn row_history(
        &self,
        key: &RowKey,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<RowVersion>, Error> {
        if has_nul(key) {
            return Ok(Vec::new());
        }
        let mut tx = self.pools.beside().await?;
        let mut asked = key_args(key);
        asked.extend(args![before.unwrap_or(Seq::MAX), rows_limit(limit)]);
        let rows: Vec<(i64, i64, String, String, String, Option<String>)> =
            tx.all(&sql::VERSIONS_BEFORE, asked).await?;
        let version = |(seq, at_us, author, run, cause, body): (_, _, _, _, _, Option<String>)| {
            Ok(RowVersion {
                seq,
                at_us,
                author,
                cause,
                run: present(run),
                body: body.map(|body| parse(&body)).transpose()?,
            })
        };
        rows.into_iter().map(version).collect()
    }

    /// The changes of one commit, in their order; index entries and unique keys are left out.
    pub async fn changes_of(&self, seq: Seq) -> Result<Vec<Change>, Error> {
        let mut tx = self.pools.reading().await?;
        let rows: Vec<(String, String, String, i64, Option<String>)> =
            tx.all(&sql::CHANGES_OF, args![seq]).await?;
        let change = |(kind, collection, id, previous, body): (
            String,
            String,
            String,
            i64,
            Option<String>,
        )| {
            let body = body.map(|body| parse(&body)).transpose()?;
            Ok(Change {
                key: row_key(&kind, &collection, &id)?,
                previous,
                body,
                index: Vec::new(),
                unique: Vec::new(),
            })
        };
        rows.into_iter().map(change).collect()
    }
}
