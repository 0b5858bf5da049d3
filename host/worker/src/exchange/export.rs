//! Exports: the documents of a folder as files, written after their commit, at least once.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use bursar_db::{Database, Verdict};
use bursar_domain::{
    index::Comparison,
    office::Document,
    row::{Kind, Seq},
};
use bursar_office::{FileWanted, Paging, Test, View};
use cap_std::fs::Dir;

use super::{folders, on_disk, open_place, open_root, session};
use crate::{
    Error,
    deliver::{is_stopped, write},
    propose::propose,
};

/// What the host calls itself where it writes files.
const NAME: &str = "export";
/// Documents read at a time.
const PAGE_ROWS: u32 = 1_000;

/// The exports of a host.
pub(crate) struct Export {
    database: Database,
    root: Arc<Dir>,
    /// Revisions that stand on the disk, by document. It saves time only: what was written stands in the log.
    written: HashMap<Arc<str>, String>,
    /// Documents that changed while they were written: their files are written again, whatever is noted.
    doubtful: HashSet<Arc<str>>,
    /// The commit up to which everything was looked at.
    seen: Option<Seq>,
}

impl Export {
    /// Writes to `export` within a folder.
    pub fn open(database: Database, path: &Path) -> Result<Self, Error> {
        Ok(Self {
            database,
            root: open_root(path)?,
            written: HashMap::new(),
            doubtful: HashSet::new(),
            seen: None,
        })
    }

    /// Writes what is not written yet; gives whether there was anything.
    pub async fn look(&mut self) -> Result<bool, Error> {
        let head = self.database.snapshot().seq().await?;
        if self.seen == Some(head) || is_stopped(&self.database).await? {
            return Ok(false);
        }
        let (mut any, mut failed) = (false, None);
        for folder in folders(&self.database, |folder| folder.export).await? {
            for document in self.unwritten(&folder).await? {
                match self.export(&document).await {
                    Ok(()) => any = true,
                    // The other documents are written all the same.
                    Err(error) => failed = Some(error),
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.seen = Some(head);
        Ok(any)
    }

    /// Documents of a folder whose revision is not known to stand on the disk.
    async fn unwritten(&self, folder: &str) -> Result<Vec<View<Document>>, Error> {
        let now_us = self.database.now_us().await?;
        let mut session = session(&self.database, NAME, now_us, [0; 32]);
        let conditions = [Test {
            field: "folder".to_owned(),
            comparison: Comparison::Equal,
            values: vec![folder.into()],
        }];
        let mut found = Vec::new();
        let mut paging = Paging {
            limit: PAGE_ROWS,
            after: None,
        };
        loop {
            let page = session
                .rows::<Document>(Kind::Document, &conditions, &paging)
                .await?;
            let is_unwritten =
                |row: &View<Document>| self.written.get(&row.id) != Some(&row.revision);
            found.extend(page.items.into_iter().filter(is_unwritten));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Writes a document, then notes that it did: a crash between the two writes it again.
    async fn export(&mut self, document: &View<Document>) -> Result<(), Error> {
        let now_us = self.database.now_us().await?;
        let mut session = session(&self.database, NAME, now_us, [0; 32]);
        let wanted = session.note_export(&document.id, &document.revision);
        match wanted.await? {
            FileWanted::Outdated => return Ok(()),
            FileWanted::Written if !self.doubtful.contains(&document.id) => {
                self.has_written(document);
                return Ok(());
            }
            FileWanted::Written | FileWanted::New => self.write(&document.body).await?,
        }
        let (draft, _) = session.into_parts();
        if draft.is_empty()
            || matches!(
                propose(&self.database, NAME, draft).await?,
                Verdict::Committed { .. }
            )
        {
            self.has_written(document);
        } else {
            // Another worker may have written a later revision before this one came: the next look puts it right.
            self.doubtful.insert(document.id.clone());
        }
        Ok(())
    }

    fn has_written(&mut self, document: &View<Document>) {
        self.doubtful.remove(&document.id);
        let (id, revision) = (document.id.clone(), document.revision.clone());
        self.written.insert(id, revision);
    }

    async fn write(&self, document: &Document) -> Result<(), Error> {
        let Document {
            folder,
            name,
            sha256,
            ..
        } = document.clone();
        let root = self.root.clone();
        let content = self.database.blobs().get(&sha256).await?;
        on_disk(&folder.clone(), move || {
            write(&open_place(&root, NAME, &folder)?, &name, &content)
        })
        .await
    }
}
