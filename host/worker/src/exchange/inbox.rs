//! Inboxes: a file that was laid into a folder and stands still becomes a document, once.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    path::Path,
    sync::Arc,
    time::Instant,
};

use bursar_db::{Database, Verdict};
use bursar_office::run_seed;
use cap_std::fs::Dir;

use super::{
    disk::{DropFolder, Held, NOT_TEXT, Place, Sight},
    folders, on_disk, open_root, session,
    watch::Watch,
};
use crate::{Error, deliver::is_stopped, execute::chain, propose::propose};

/// What the host calls itself where it takes files in.
const NAME: &str = "inbox";

/// The inboxes of a host.
pub(crate) struct Inbox {
    database: Database,
    root: Arc<Dir>,
    seed_key: [u8; 32],
    watched: HashMap<String, Watched>,
}

/// One of them.
struct Watched {
    disk: DropFolder,
    watch: Watch,
    /// What could be neither taken nor moved away: it is told once.
    left: HashSet<OsString>,
}

/// What became of a file.
enum Taken {
    /// Its document stands in the log.
    Done,
    /// It can never be one.
    Refused(String),
    /// Others were quicker: the next look tells.
    Later,
}

impl Inbox {
    /// Watches `inbox` within a folder.
    pub fn open(database: Database, path: &Path, seed_key: [u8; 32]) -> Result<Self, Error> {
        Ok(Self {
            database,
            root: open_root(path)?,
            seed_key,
            watched: HashMap::new(),
        })
    }

    /// Looks once into every inbox; gives whether there is more to do at once.
    pub async fn look(&mut self, now: Instant) -> Result<bool, Error> {
        if is_stopped(&self.database).await? {
            return Ok(false);
        }
        let inboxes = folders(&self.database, |folder| folder.inbox).await?;
        self.watched.retain(|folder, _| inboxes.contains(folder));
        let mut has_more = false;
        let mut failed = None;
        for folder in inboxes {
            match self.look_into(&folder, now).await {
                Ok(more) => has_more |= more,
                // The other inboxes are looked into all the same.
                Err(error) => {
                    self.watched.remove(&folder);
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(has_more), Err)
    }

    async fn look_into(&mut self, folder: &str, now: Instant) -> Result<bool, Error> {
        let mut watched = match self.watched.remove(folder) {
            Some(watched) => watched,
            None => self.open_folder(folder).await?,
        };
        let disk = watched.disk.clone();
        let seen = on_disk(folder, move || Ok((disk.taking()?, disk.sight()?))).await?;
        let (mut taking, sight) = seen;
        watched.refuse_odd(folder, &sight).await?;
        for name in watched.watch.ready(sight.files, sight.unfinished, now) {
            let (disk, begun) = (watched.disk.clone(), name.clone());
            if on_disk(folder, move || disk.begin(&begun)).await? {
                taking.push(name.into());
            }
        }
        let mut has_more = false;
        for name in &taking {
            has_more |= !self.take(folder, &watched.disk, name).await?;
        }
        self.watched.insert(folder.to_owned(), watched);
        Ok(has_more)
    }

    async fn open_folder(&self, folder: &str) -> Result<Watched, Error> {
        let (root, name) = (self.root.clone(), folder.to_owned());
        let disk = on_disk(folder, move || DropFolder::open(&root, &name)).await?;
        Ok(Watched {
            disk,
            watch: Watch::default(),
            left: HashSet::new(),
        })
    }

    /// Takes a file that was put aside; tells whether it is dealt with.
    async fn take(&self, folder: &str, disk: &DropFolder, name: &OsStr) -> Result<bool, Error> {
        let (held, asked) = (disk.clone(), name.to_owned());
        let held = on_disk(folder, move || held.read(&asked)).await?;
        let taken = match (held, name.to_str()) {
            (Held::Gone, _) => return Ok(true),
            (Held::Content(content), Some(name)) => self.commit(folder, name, &content).await?,
            (Held::Content(_), None) => Taken::Refused(NOT_TEXT.to_owned()),
            (Held::Odd(why), _) => Taken::Refused(why.to_owned()),
        };
        match taken {
            Taken::Later => return Ok(false),
            Taken::Done => {
                let (disk, name) = (disk.clone(), name.to_owned());
                on_disk(folder, move || disk.finish(&name)).await?;
            }
            Taken::Refused(why) => refuse(folder, disk, Place::Taking, name, why).await?,
        }
        Ok(true)
    }

    async fn commit(&self, folder: &str, name: &str, content: &[u8]) -> Result<Taken, Error> {
        let now_us = self.database.now_us().await?;
        let seed = run_seed(&self.seed_key, NAME, &format!("{folder}/{name}/{now_us}"));
        let mut session = session(&self.database, NAME, now_us, seed);
        let media_type = media_type(name);
        let taken = session.take_document(folder, name, media_type, content);
        match taken.await {
            Ok(()) => {}
            Err(error) if error.is_host() => return Err(error.into()),
            Err(error) => return Ok(Taken::Refused(error.to_string())),
        }
        let (draft, _) = session.into_parts();
        if draft.is_empty() {
            return Ok(Taken::Done);
        }
        Ok(match propose(&self.database, NAME, draft).await? {
            Verdict::Committed { .. } => Taken::Done,
            Verdict::Stale(_) | Verdict::Fenced => Taken::Later,
            Verdict::Refused(problem) => Taken::Refused(problem.to_string()),
        })
    }
}

impl Watched {
    /// Moves away what can never be taken. What cannot be moved either stays, and is not looked at again.
    async fn refuse_odd(&mut self, folder: &str, sight: &Sight) -> Result<(), Error> {
        self.left
            .retain(|name| sight.odd.iter().any(|(odd, _)| odd == name));
        for (name, why) in &sight.odd {
            if self.left.contains(name) {
                continue;
            }
            let why = (*why).to_owned();
            let refused = refuse(folder, &self.disk, Place::Laid, name, why).await;
            if let Err(error) = refused {
                tracing::warn!(folder, name = %name.display(), cause = chain(&error), "a refused file cannot be moved away");
                self.left.insert(name.clone());
            }
        }
        Ok(())
    }
}

async fn refuse(
    folder: &str,
    disk: &DropFolder,
    place: Place,
    name: &OsStr,
    why: String,
) -> Result<(), Error> {
    tracing::warn!(folder, name = %name.display(), why, "a file is refused");
    let (disk, name) = (disk.clone(), name.to_owned());
    on_disk(folder, move || disk.refuse(place, &name, &why)).await
}

/// What a file's name says of its content.
fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "json" => "application/json",
        "csv" => "text/csv",
        "txt" => "text/plain",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}
