//! Files for what passes through: larger than memory should hold, and of no use once it is worked off.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::{blobs::storage, error::Error};

/// What failures call it.
const NAME: &str = "a temporary file";

/// A file of the data folder's disk without a name: it is gone with its handle, however the process ends.
#[derive(Debug)]
pub struct Scratch {
    file: cap_std::fs::File,
}

impl Scratch {
    pub(crate) fn new(file: cap_std::fs::File) -> Self {
        Self { file }
    }

    /// Adds bytes behind those that are there.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .seek(SeekFrom::End(0))
            .and_then(|_| self.file.write_all(bytes))
            .map_err(|error| storage(NAME, &error))
    }
}

impl Read for Scratch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Scratch {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
