//! Immutable content by digest: documents and plugins. Files in one folder, reached through a capability, never a path.

use std::{
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bursar_domain::log::sha256_hex;
use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions},
};

use crate::{error::Error, scratch::Scratch};

/// Largest blob, in bytes.
pub const BLOB_BYTES_MAX: u64 = 256 << 20;

/// The folder of blobs. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    folder: Arc<Dir>,
}

impl Blobs {
    /// Opens, or makes, `blobs` within a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Open {
            what: folder.join("blobs").display().to_string(),
            source: Arc::new(sqlx::Error::Io(error)),
        };
        let parent = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
        parent.create_dir_all("blobs").map_err(failed)?;
        Ok(Self {
            folder: Arc::new(parent.open_dir("blobs").map_err(failed)?),
        })
    }

    /// Stores bytes, durably, and gives their digest. Bytes that are there already are not written again.
    pub fn put(&self, bytes: &[u8]) -> Result<String, Error> {
        let sha256 = sha256_hex(bytes);
        if bytes.len() as u64 > BLOB_BYTES_MAX {
            return Err(Error::Blob {
                sha256,
                message: format!("it is larger than {BLOB_BYTES_MAX} bytes"),
            });
        }
        if self.get(&sha256).is_ok() {
            return Ok(sha256);
        }
        let written = self.write(&sha256, bytes);
        written.map_err(|error| storage(&sha256, &error))?;
        Ok(sha256)
    }

    /// Under another name first, so that a half-written file never has the blob's name.
    fn write(&self, sha256: &str, bytes: &[u8]) -> std::io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let attempt = NEXT.fetch_add(1, Ordering::Relaxed);
        let partial = format!("{sha256}.{}.{attempt}.partial", std::process::id());
        let mut file = self.folder.create(&partial)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) =
            written.and_then(|()| self.folder.rename(&partial, &self.folder, sha256))
        {
            let _ = self.folder.remove_file(&partial);
            return Err(error);
        }
        self.folder.open(".")?.sync_all()
    }

    /// Part of a blob; empty past its end.
    pub fn read(&self, sha256: &str, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = self.open_blob(sha256)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| storage(sha256, &error))
    }

    /// A whole blob, checked against its digest.
    pub fn get(&self, sha256: &str) -> Result<Vec<u8>, Error> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            self.open_blob(sha256)?
                .take(BLOB_BYTES_MAX)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| storage(sha256, &error))?;
        if sha256_hex(&bytes) == sha256 {
            Ok(bytes)
        } else {
            Err(Error::Blob {
                sha256: sha256.to_owned(),
                message: "its content does not match its digest".to_owned(),
            })
        }
    }

    /// An empty file on the same disk, for what only passes through.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let attempt = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{attempt}.scratch", std::process::id());
        let made = || -> std::io::Result<_> {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(true);
            let file = self.folder.open_with(&name, &options)?;
            self.folder.remove_file(&name)?;
            Ok(file)
        };
        made()
            .map(Scratch::new)
            .map_err(|error| storage(&name, &error))
    }

    fn open_blob(&self, sha256: &str) -> std::io::Result<cap_std::fs::File> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "not a digest",
            ));
        }
        self.folder.open(sha256)
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
