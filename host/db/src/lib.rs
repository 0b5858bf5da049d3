//! The only crate that knows SQL: snapshots, the commit log, queues, projections and their verification.
//!
//! It does not know what rows mean beyond what the log's invariants need, and nothing of plugins or people. Entered by
//! [`Database::open`]; read through [`Snapshot`]; written only by [`Database::propose`] and the queue's jobs, which all pass
//! the one committer.

mod adapter;
mod apply;
mod audit;
mod blobs;
mod committer;
mod decide;
mod ends;
mod error;
mod history;
mod images;
mod invoices;
mod ledger;
mod queue;
mod recent;
mod reproject;
mod schema;
mod scratch;
mod seal;
mod snapshot;
mod statements;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod views;

use std::path::Path;

pub use audit::{Bodies, LogExport};
pub use blobs::Blobs;
pub use committer::{Proposal, RunEnd, SettledRun, Verdict};
pub use ends::{EndOfRun, RunEnded};
pub use error::Error;
pub use history::{CommitFilter, CommitRecord, RowVersion};
pub use queue::{
    ClaimedMessage, ClaimedRun, Delivery, DeliveryOutcome, MessageFilter, MessageRecord,
    MessageState, RunFilter, RunLine, RunRecord, RunState,
};
pub use recent::RECENT_CHANGES_MAX;
pub use scratch::Scratch;
pub use seal::Keys;
pub use snapshot::{Page, Query, Snapshot};
pub use verify::{BrokenCheckpoint, CheckpointFault, Finding, Verification};

use adapter::Pools;
use committer::Committer;
use ends::Ends;

/// Where the data is, and with which limits it is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Connections for reading.
    pub readers_max: u32,
    /// Largest SQLite file, in bytes; none is the disk's size.
    pub database_bytes_max: Option<u64>,
    /// Keys derived from the host's master key.
    pub keys: Keys,
}

/// An open database. Cheap to clone; the last clone's end closes it.
#[derive(Clone)]
pub struct Database {
    pools: Pools,
    blobs: Blobs,
    keys: Keys,
    committer: Committer,
    ends: Ends,
}

impl Database {
    /// Opens, and migrates if it is of an older version. With SQLite, blobs lie in `folder`.
    pub async fn open(options: &Options, folder: &Path) -> Result<Self, Error> {
        let pools = Pools::open(options).await?;
        let blobs = Blobs::open(folder, &pools)?;
        schema::migrate(&pools).await?;
        let ends = Ends::default();
        let committer = Committer::start(pools.clone(), options.keys.clone(), ends.clone());
        Ok(Self {
            pools,
            blobs,
            keys: options.keys.clone(),
            committer,
            ends,
        })
    }

    /// Opens an SQLite file `bursar.db` in a folder, with defaults: what tests and small tools need.
    pub async fn open_sqlite(folder: &Path, keys: Keys) -> Result<Self, Error> {
        let url = format!("sqlite:{}", folder.join("bursar.db").display());
        Self::open_plainly(url, folder, keys).await
    }

    /// Makes a database at a PostgreSQL server, of a name that nobody has, and opens it: the same there.
    pub async fn new_postgres(
        server: &str,
        name: &str,
        folder: &Path,
        keys: Keys,
    ) -> Result<Self, Error> {
        let url = schema::create(server, name).await?;
        Self::open_plainly(url, folder, keys).await
    }

    async fn open_plainly(url: String, folder: &Path, keys: Keys) -> Result<Self, Error> {
        let options = Options {
            url,
            readers_max: 8,
            database_bytes_max: None,
            keys,
        };
        Self::open(&options, folder).await
    }

    /// The data as of now: pinned at the first read.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.pools.clone(), None)
    }

    /// The data as it was after commit `seq`.
    pub fn snapshot_at(&self, seq: bursar_domain::row::Seq) -> Snapshot {
        Snapshot::new(self.pools.clone(), Some(seq))
    }

    /// Contents of documents and plugins, by digest.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Waits for the end of a run from now on: ask, look at the run, then wait.
    ///
    /// What other processes settle is not told.
    pub fn end_of(&self, run: &str) -> EndOfRun {
        self.ends.wait_for(run)
    }

    /// Closes the committer and the connections; what was proposed before is settled first.
    pub async fn close(self) {
        self.committer.close().await;
        self.pools.close().await;
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").finish_non_exhaustive()
    }
}
