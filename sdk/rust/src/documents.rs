//! Reading documents.

pub use crate::bindings::bursar::office::documents::{Listing, get, read, search};
use crate::paging::Pages;
use crate::rows::Document;
use crate::types::Error;

/// Bytes asked for at a time, the most a call gives.
const CHUNK_BYTES: u32 = 4 * 1024 * 1024;

/// All documents of a folder whose names begin with the prefix, page by page.
pub fn all(folder: &str, name_prefix: &str) -> impl Iterator<Item = Result<Document, Error>> {
    Pages::new(move |page| search(folder, name_prefix, page).map(|found| (found.items, found.next)))
}

/// A document's whole content. Look at its `bytes` first: it is held in memory.
pub fn read_all(id: &str) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    loop {
        let chunk = read(id, content.len() as u64, CHUNK_BYTES)?;
        if chunk.is_empty() {
            return Ok(content);
        }
        content.extend_from_slice(&chunk);
    }
}
