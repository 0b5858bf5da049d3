//! Documents and files on the disk: what is laid into a folder becomes a document, what is put into another becomes a file.
//!
//! Both directions look again and again, at least once, and end the same way however often: what was taken or written
//! stands in the log. All that lies on the disk is hostile; it is reached through a capability, so that no name and no
//! link leads out of the folder. Entered through [`Inbox`] and [`Export`].

mod disk;
mod export;
mod inbox;
#[cfg(test)]
mod tests;
mod watch;

use std::{path::Path, sync::Arc};

use bursar_db::{Database, Query};
use bursar_domain::{
    draft::{Direction, Position},
    office::{Actor, Folder},
    row::Kind,
};
use bursar_office::{Context, Session};
use cap_std::{ambient_authority, fs::Dir};

use crate::Error;

pub(crate) use export::Export;
pub(crate) use inbox::Inbox;

/// Folders read at a time.
const PAGE_ROWS: usize = 1_000;

/// Opens the folder that `inbox` and `export` lie in.
fn open_root(path: &Path) -> Result<Arc<Dir>, Error> {
    let dir = Dir::open_ambient_dir(path, ambient_authority());
    dir.map(Arc::new).map_err(|source| Error::Exchange {
        place: path.display().to_string(),
        source,
    })
}

/// Opens, or makes, a folder's place on the disk. Step by step: no link in it leads to other things of the host.
fn open_place(root: &Dir, way: &str, folder: &str) -> std::io::Result<Dir> {
    root.create_dir_all(way)?;
    let way = root.open_dir(way)?;
    way.create_dir_all(folder)?;
    way.open_dir(folder)
}

/// Ids of the folders that are meant for something.
async fn folders(
    database: &Database,
    is_meant: impl Fn(&Folder) -> bool,
) -> Result<Vec<String>, Error> {
    let mut snapshot = database.snapshot();
    let mut found = Vec::new();
    let mut after: Option<Position> = None;
    loop {
        let query = Query {
            kind: Kind::Folder,
            collection: Arc::from(""),
            conditions: Vec::new(),
            order: None,
            direction: Direction::Ascending,
            after: after.take(),
            limit: PAGE_ROWS,
        };
        let page = snapshot.list(&query).await?;
        let is_last = page.rows.len() < PAGE_ROWS;
        for (_, row) in page.rows {
            let folder: Folder = row.decode().map_err(bursar_office::Error::from)?;
            if is_meant(&folder) {
                found.push(row.key.id.to_string());
            }
            after = Some(Position {
                key: Vec::new(),
                id: row.key.id,
            });
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// A session of the host's own, under the name of what it does.
fn session(database: &Database, name: &str, now_us: i64, seed: [u8; 32]) -> Session {
    let scope = format!("system:{name}");
    let context = Context::of_host(Actor::new("system", name), &scope, now_us, seed);
    Session::new(database, context)
}

/// Does something with the disk where it holds nobody up.
async fn on_disk<T: Send + 'static>(
    place: &str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await?;
    done.map_err(|source| Error::Exchange {
        place: place.to_owned(),
        source,
    })
}
