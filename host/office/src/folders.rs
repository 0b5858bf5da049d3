//! Folders of documents: whose they are, and whether files come from the disk or go there.

use bursar_domain::{
    office::Folder,
    row::{Kind, RowKey},
};

use crate::{error::Error, input::Faults, session::Session, write::Write};

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;

impl Session {
    /// Makes or changes a folder. For administrators.
    pub async fn put_folder(&mut self, id: &str, folder: &Folder) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.slug("/id", id);
        faults.line("/name", &folder.name, 1..=NAME_BYTES_MAX);
        if let Some(department) = &folder.department {
            let is_there = self.exists(Kind::Department, department).await?;
            let message = "there is no such department";
            faults.unless(is_there, "unknown", "/department", message);
        }
        faults.result()?;
        self.upsert(RowKey::of(Kind::Folder, id), folder).await
    }

    /// What defines a folder that a document is put into first; nothing if it is defined.
    pub(crate) async fn folder_on_first_use(&mut self, id: &str) -> Result<Option<Write>, Error> {
        let key = RowKey::of(Kind::Folder, id);
        if self.load(&key).await?.is_some() {
            return Ok(None);
        }
        let folder = Folder {
            name: id.to_owned(),
            ..Folder::default()
        };
        Write::of(key, None, &folder).map(Some)
    }
}
