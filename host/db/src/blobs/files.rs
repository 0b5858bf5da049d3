//! Blobs as files of one folder, reached through a capability, never a path.

use std::{
    io::{Read, Seek, SeekFrom, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use cap_std::fs::{Dir, OpenOptions};

use super::{BLOB_BYTES_MAX, checked, is_digest, storage};
use crate::{error::Error, scratch::Scratch};

/// The folder of blobs. Cheap to clone.
#[derive(Clone)]
pub(super) struct Files {
    pub folder: Arc<Dir>,
}

impl Files {
    /// Writes a blob unless a whole one is there.
    pub fn put(&self, sha256: &str, bytes: &[u8]) -> Result<(), Error> {
        if self.get(sha256).is_ok() {
            return Ok(());
        }
        let written = self.write(sha256, bytes);
        written.map_err(|error| storage(sha256, &error))
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
            // No blob is that long, and no file can be asked for more than its system counts.
            if offset > BLOB_BYTES_MAX {
                return Ok(Vec::new());
            }
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
        checked(sha256, bytes)
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
        if !is_digest(sha256) {
            let kind = std::io::ErrorKind::InvalidInput;
            return Err(std::io::Error::new(kind, "not a digest"));
        }
        self.folder.open(sha256)
    }
}
