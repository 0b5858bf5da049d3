//! Documents that come from the disk and go there: what is noted of it, so that each file counts once.

use bursar_domain::log::sha256_hex;
use serde_json::json;

use crate::{effects::Keyed, error::Error, session::Session};

/// What there is to do about the file of a document's revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileWanted {
    /// It is to be written, and then the draft to be committed.
    New,
    /// It was written before.
    Written,
    /// The document has another revision by now.
    Outdated,
}

impl Session {
    /// Takes in a file that was laid into a folder. Equal contents are one document: what came before, under whatever name,
    /// changes nothing, so a file that comes again after a crash counts once. For the host.
    pub async fn take_document(
        &mut self,
        folder: &str,
        name: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<(), Error> {
        self.require_administrator()?;
        let key = format!("{folder}/{}", sha256_hex(content));
        match self.effect("documents.take", &key, &json!({})).await? {
            Keyed::Used(_) => Ok(()),
            Keyed::Free(free) => {
                let added = self.add_document(folder, name, media_type, content).await?;
                self.apply(vec![free.used_for(&added.id)?])
            }
        }
    }

    /// Notes that a revision of a document stands on the disk, and says whether it is to be written there first. For the
    /// host.
    pub async fn note_export(&mut self, id: &str, revision: &str) -> Result<FileWanted, Error> {
        self.require_administrator()?;
        if self.document(id).await?.revision != revision {
            return Ok(FileWanted::Outdated);
        }
        let key = format!("{id}/{revision}");
        match self.effect("documents.export", &key, &json!({})).await? {
            Keyed::Used(_) => Ok(FileWanted::Written),
            Keyed::Free(free) => {
                self.apply(vec![free.used_for(id)?])?;
                Ok(FileWanted::New)
            }
        }
    }
}
