//! Immutable content by digest: documents and plugins.
//!
//! With SQLite, which serves one node, a blob is a file of the data folder. With PostgreSQL, which many nodes share, it lies
//! in the database. Where they lie is decided here and nowhere else.

mod files;
mod table;

use std::{path::Path, sync::Arc};

use bursar_domain::log::sha256_hex;
use cap_std::{ambient_authority, fs::Dir};

use crate::{
    adapter::{Engine, Pools},
    error::Error,
    scratch::Scratch,
};
use files::Files;

/// Largest blob, in bytes.
pub const BLOB_BYTES_MAX: u64 = 256 << 20;

/// Where blobs are kept. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    /// On SQLite the blobs; on either engine what only passes through.
    files: Files,
    /// The database that blobs lie in; none if they are files.
    table: Option<Pools>,
}

impl Blobs {
    /// Opens, or makes, `blobs` within a folder.
    pub(crate) fn open(folder: &Path, pools: &Pools) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Open {
            what: folder.join("blobs").display().to_string(),
            source: Arc::new(sqlx::Error::Io(error)),
        };
        let parent = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
        parent.create_dir_all("blobs").map_err(failed)?;
        let folder = Arc::new(parent.open_dir("blobs").map_err(failed)?);
        Ok(Self {
            files: Files { folder },
            table: (pools.engine() == Engine::Postgres).then(|| pools.clone()),
        })
    }

    /// Stores bytes, durably, and gives their digest. Bytes that are there already are not written again.
    pub async fn put(&self, bytes: &[u8]) -> Result<String, Error> {
        let sha256 = sha256_hex(bytes);
        if bytes.len() as u64 > BLOB_BYTES_MAX {
            return Err(Error::Blob {
                sha256,
                message: format!("it is larger than {BLOB_BYTES_MAX} bytes"),
            });
        }
        if let Some(pools) = &self.table {
            table::put(pools, &sha256, bytes).await?;
            return Ok(sha256);
        }
        let bytes = bytes.to_vec();
        self.on_disk(move |files| files.put(&sha256, &bytes).map(|()| sha256))
            .await
    }

    /// Part of a blob; empty past its end.
    pub async fn read(&self, sha256: &str, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        if let Some(pools) = &self.table {
            return table::read(pools, sha256, offset, length).await;
        }
        let sha256 = sha256.to_owned();
        self.on_disk(move |files| files.read(&sha256, offset, length))
            .await
    }

    /// A whole blob, checked against its digest.
    pub async fn get(&self, sha256: &str) -> Result<Vec<u8>, Error> {
        if let Some(pools) = &self.table {
            return table::get(pools, sha256).await;
        }
        let sha256 = sha256.to_owned();
        self.on_disk(move |files| files.get(&sha256)).await
    }

    /// An empty file of the data folder's disk, for what only passes through.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        self.files.scratch()
    }

    /// Where blobs lie, as findings name it.
    pub(crate) fn place(&self) -> &'static str {
        if self.table.is_some() {
            "blob"
        } else {
            "blobs"
        }
    }

    /// Does something with files where it holds nobody up.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let files = self.files.clone();
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        done.map_err(|_| Error::Closed)?
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Bytes that are what their digest says.
fn checked(sha256: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if sha256_hex(&bytes) == sha256 {
        Ok(bytes)
    } else {
        Err(Error::Blob {
            sha256: sha256.to_owned(),
            message: "its content does not match its digest".to_owned(),
        })
    }
}

/// What a failure to store means; a full disk is told apart.
pub(crate) fn storage(sha256: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => Error::Full,
        _ => Error::Blob {
            sha256: sha256.to_owned(),
            message: error.to_string(),
        },
    }
}
