//! Files on a real disk that become documents, and documents that become files.

mod exporting;
mod hostile;
mod taking;

use std::{
    ffi::OsStr,
    path::PathBuf,
    time::{Duration, Instant},
};

use bursar_db::{Database, Keys, Proposal, Verdict};
use bursar_domain::office::{Actor, Document, Folder, Stop};
use bursar_office::{Paging, Session, View};
use tempfile::TempDir;

use super::{Export, Inbox, session};

/// A host's database and folder.
struct Host {
    database: Database,
    folder: TempDir,
}

/// An inbox that is looked into at times of the test's own.
struct Looking {
    inbox: Inbox,
    now: Instant,
}

impl Looking {
    async fn look(&mut self) {
        while self.inbox.look(self.now).await.expect("the disk works") {}
    }

    async fn look_after(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.look().await;
    }

    /// Looks until whatever stands still is taken.
    async fn take(&mut self) {
        self.look().await;
        self.look_after(2).await;
    }
}

impl Host {
    /// A host with inboxes and exports of these names.
    async fn with(inboxes: &[&str], exports: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = Database::open_sqlite(folder.path(), Keys::derive(&[7; 32]))
            .await
            .expect("a fresh database");
        let host = Self { database, folder };
        let all = inboxes.iter().chain(exports);
        host.change(async |session| {
            for id in all.clone() {
                let defined = Folder {
                    name: (*id).to_owned(),
                    department: None,
                    inbox: inboxes.contains(id),
                    export: exports.contains(id),
                };
                session.put_folder(id, &defined).await?;
            }
            Ok(())
        })
        .await;
        for id in inboxes {
            std::fs::create_dir_all(host.path("inbox", id)).expect("a folder");
        }
        host
    }

    async fn change(&self, change: impl AsyncFn(&mut Session) -> Result<(), bursar_office::Error>) {
        let now_us = self.database.now_us().await.expect("a clock");
        let seed = bursar_office::run_seed(&[1], "test", &now_us.to_string());
        let mut session = session(&self.database, "test", now_us, seed);
        change(&mut session).await.expect("allowed");
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "test".to_owned(),
            draft: session.into_parts().0,
            settles: None,
        };
        let verdict = self.database.propose(proposal).await.expect("an answer");
        assert!(matches!(verdict, Verdict::Committed { .. }), "{verdict:?}");
    }

    async fn set_stop(&self, stopped: bool) {
        self.change(async |session| {
            let reason = "an audit".to_owned();
            session.set_stop(&Stop { stopped, reason }).await
        })
        .await;
    }

    async fn put(&self, folder: &str, name: &str, content: &str) {
        self.change(async |session| {
            let added = session.add_document(folder, name, "text/plain", content.as_bytes());
            added.await.map(drop)
        })
        .await;
    }

    /// A folder on the disk.
    fn path(&self, way: &str, folder: &str) -> PathBuf {
        self.folder.path().join(way).join(folder)
    }

    /// Lays a file into the inbox "in".
    fn lay(&self, name: impl AsRef<OsStr>, content: &str) {
        let path = self.path("inbox", "in").join(name.as_ref());
        std::fs::write(path, content).expect("the file is written");
    }

    /// What lies in a folder on the disk, but for what is hidden.
    fn lying(&self, way: &str, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(way, folder)).expect("the folder is there");
        let names = entries.map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        });
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    fn looking(&self) -> Looking {
        let inbox = Inbox::open(self.database.clone(), self.folder.path(), [3; 32]);
        Looking {
            inbox: inbox.expect("the folder is there"),
            now: Instant::now(),
        }
    }

    fn exporting(&self) -> Export {
        let export = Export::open(self.database.clone(), self.folder.path());
        export.expect("the folder is there")
    }

    /// Name and content of each document of a folder.
    async fn documents(&self, folder: &str) -> Vec<(String, String)> {
        let found = self.views(folder).await;
        let mut contents = Vec::new();
        for view in found {
            let bytes = self.database.blobs().get(&view.body.sha256).await;
            let text = String::from_utf8(bytes.expect("it is kept"));
            contents.push((view.body.name, text.expect("the test writes text")));
        }
        contents
    }

    async fn views(&self, folder: &str) -> Vec<View<Document>> {
        let mut session = session(&self.database, "test", 1, [0; 32]);
        let found = session.search_documents(folder, "", &Paging::first()).await;
        found.expect("a page").items
    }

    /// The log fits everything else.
    async fn assert_clean(&self) {
        let found = self.database.verify(None).await.expect("a verification");
        assert!(found.is_clean(), "{:#?}", found.findings);
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(name, content): &(&str, &str)| ((*name).to_owned(), (*content).to_owned());
    expected.iter().map(pair).collect()
}
