//! A folder on the disk that files are laid into: what lies there, and the way of each file out of it.
//!
//! A file is renamed into a folder of ours before it is read, so that what is removed is what was read, and a crash leaves
//! it where it is found again. Knows nothing of documents.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    io::{self, ErrorKind, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bursar_domain::log::sha256_hex;
use cap_std::fs::{Dir, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::{open_place, watch::Look};

/// Largest file, in bytes: what a request may bring as well.
pub(super) const FILE_BYTES_MAX: u64 = 64 << 20;
/// Longest name, in bytes, as of any document.
const NAME_BYTES_MAX: usize = 200;
/// Most files of a folder that are looked at.
const ENTRIES_MAX: usize = 10_000;
/// Refused files of one name.
const REFUSED_MAX: u32 = 1_000;
/// Where all inboxes lie.
const INBOX: &str = "inbox";
/// Files that are being taken.
const TAKING: &str = ".taking";
/// Files that cannot be taken, each with its reason.
const REFUSED: &str = ".refused";
/// What an unfinished file's name ends with.
const UNFINISHED: [&str; 2] = [".part", ".tmp"];

/// Why a file is refused whose name nobody can write.
pub(super) const NOT_TEXT: &str = "its name is not UTF-8";
/// Why a file is refused that is too large.
const TOO_LARGE: &str = "it is larger than 64 MiB";

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where it was laid.
    Laid,
    /// Where it waits for its commit.
    Taking,
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Files that may be taken once they stand still.
    pub files: Vec<(String, Look)>,
    /// Files under a name that says they are not finished.
    pub unfinished: HashSet<Look>,
    /// What can never be taken, and why.
    pub odd: Vec<(OsString, &'static str)>,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Its bytes.
    Content(Vec<u8>),
    /// It cannot be taken, and why.
    Odd(&'static str),
    /// It is not there.
    Gone,
}

/// The folder. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct DropFolder {
    dir: Arc<Dir>,
}

impl DropFolder {
    /// Opens, or makes, the inbox of a folder of documents.
    pub fn open(root: &Dir, folder: &str) -> io::Result<Self> {
        let dir = open_place(root, INBOX, folder)?;
        dir.create_dir_all(TAKING)?;
        dir.create_dir_all(REFUSED)?;
        Ok(Self { dir: Arc::new(dir) })
    }

    /// Looks at everything that lies there.
    pub fn sight(&self) -> io::Result<Sight> {
        let mut sight = Sight::default();
        for entry in self.dir.entries()?.take(ENTRIES_MAX) {
            let name = entry?.file_name();
            let Some(metadata) = found(self.dir.symlink_metadata(&name))? else {
                continue;
            };
            if is_unfinished(&name) {
                if metadata.is_file() {
                    sight.unfinished.insert(look(&metadata));
                }
                continue;
            }
            match (why_odd(&name, &metadata), name.into_string()) {
                (None, Ok(name)) => sight.files.push((name, look(&metadata))),
                (Some(why), Ok(name)) => sight.odd.push((name.into(), why)),
                (why, Err(name)) => sight.odd.push((name, why.unwrap_or(NOT_TEXT))),
            }
        }
        Ok(sight)
    }

    /// Names of files that were begun and not finished.
    pub fn taking(&self) -> io::Result<Vec<OsString>> {
        let entries = self.dir.read_dir(TAKING)?.take(ENTRIES_MAX);
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    /// Puts a file aside to be taken, unless one of its name is still under way; tells whether it did.
    pub fn begin(&self, name: &str) -> io::Result<bool> {
        let aside = Path::new(TAKING).join(name);
        if found(self.dir.symlink_metadata(&aside))?.is_some() {
            return Ok(false);
        }
        let moved = found(self.dir.rename(name, &self.dir, &aside))?;
        Ok(moved.is_some())
    }

    /// What a file holds that was put aside. Nothing that it turned into meanwhile is waited for or followed.
    pub fn read(&self, name: &OsStr) -> io::Result<Held> {
        let path = Path::new(TAKING).join(name);
        let Some(metadata) = found(self.dir.symlink_metadata(&path))? else {
            return Ok(Held::Gone);
        };
        if let Some(why) = why_odd(name, &metadata) {
            return Ok(Held::Odd(why));
        }
        let mut options = OpenOptions::new();
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let Some(file) = found(self.dir.open_with(&path, &options))? else {
            return Ok(Held::Gone);
        };
        let metadata = file.metadata()?;
        if let Some(why) = why_odd(name, &metadata) {
            return Ok(Held::Odd(why));
        }
        if metadata.nlink() > 1 {
            return Ok(Held::Odd("it has another name elsewhere (a hard link)"));
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Ok(Held::Odd(TOO_LARGE));
        }
        Ok(Held::Content(bytes))
    }

    /// Removes a file that was taken.
    pub fn finish(&self, name: &OsStr) -> io::Result<()> {
        found(self.dir.remove_file(Path::new(TAKING).join(name))).map(drop)
    }

    /// Moves what cannot be taken out of the way, with the reason beside it.
    pub fn refuse(&self, place: Place, name: &OsStr, why: &str) -> io::Result<()> {
        let from = match place {
            Place::Laid => PathBuf::from(name),
            Place::Taking => Path::new(TAKING).join(name),
        };
        let shown = shown(name);
        let kept = self.free_name(&shown)?;
        if found(
            self.dir
                .rename(from, &self.dir, Path::new(REFUSED).join(&kept)),
        )?
        .is_none()
        {
            return Ok(());
        }
        let reason = Path::new(REFUSED).join(reason_of(&kept));
        self.dir
            .write(reason, format!("{}: {why}\n", name.display()))
    }

    /// A name under which nothing was refused yet, nor its reason written.
    fn free_name(&self, name: &str) -> io::Result<String> {
        let is_free = |name: &str| -> io::Result<bool> {
            let there = self.dir.symlink_metadata(Path::new(REFUSED).join(name));
            Ok(found(there)?.is_none())
        };
        for place in 0..REFUSED_MAX {
            let kept = match place {
                0 => name.to_owned(),
                more => format!("{name}.{more}"),
            };
            if is_free(&kept)? && is_free(&reason_of(&kept))? {
                return Ok(kept);
            }
        }
        let message = "too many files of this name were refused";
        Err(io::Error::new(ErrorKind::AlreadyExists, message))
    }
}

/// What a refused file's reason is called.
fn reason_of(name: &str) -> String {
    format!("{name}.reason.txt")
}

/// None for what is gone: others may take it away at any time.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn look(metadata: &Metadata) -> Look {
    Look {
        file: (metadata.dev(), metadata.ino()),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

fn is_unfinished(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    bytes.starts_with(b".")
        || UNFINISHED
            .iter()
            .any(|ending| bytes.ends_with(ending.as_bytes()))
}

/// Why something can never be a document.
fn why_odd(name: &OsStr, metadata: &Metadata) -> Option<&'static str> {
    let Some(text) = name.to_str() else {
        return Some(NOT_TEXT);
    };
    let kind = metadata.file_type();
    if kind.is_symlink() {
        Some("it is a symbolic link")
    } else if kind.is_dir() {
        Some("it is a folder")
    } else if !kind.is_file() {
        Some("it is no file but a device, a pipe or a socket")
    } else if text.len() > NAME_BYTES_MAX {
        Some("its name is longer than 200 bytes")
    } else if text.chars().any(is_odd) {
        Some("its name has control characters or a backslash")
    } else if metadata.len() > FILE_BYTES_MAX {
        Some(TOO_LARGE)
    } else {
        None
    }
}

fn is_odd(character: char) -> bool {
    character.is_control() || matches!(character, '\\' | '\u{2028}' | '\u{2029}')
}

/// A name that can be read and written by anybody, made from one that perhaps cannot.
fn shown(name: &OsStr) -> String {
    let is_plain = |text: &&str| text.len() <= NAME_BYTES_MAX && !text.chars().any(is_odd);
    if let Some(text) = name.to_str().filter(is_plain) {
        return text.to_owned();
    }
    let mut digest = sha256_hex(name.as_bytes());
    digest.truncate(16);
    format!("odd-name-{digest}")
}
