//! The data folder: its key, its lock, its database; and what is assembled on it.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use bursar_api::Api;
use bursar_db::{Database, Keys, Options};
use bursar_domain::office::Actor;
use bursar_runtime::{CacheFolder, Runtime};
use bursar_worker::{Transport, Worker};

use crate::{failure::Failure, settings::Settings};

/// What to do about a key that cannot be used.
const KEY_HINT: &str =
    "restore the key file from its backup; it belongs to this data folder and cannot be made again";

/// An open data folder.
pub struct Place {
    pub database: Database,
    pub settings: Settings,
    keys: Keys,
}

/// Held by the one process that works off runs in a data folder.
pub struct WorkerLock {
    _file: File,
}

impl Place {
    /// Opens a data folder that `init` made.
    pub async fn open(settings: Settings) -> Result<Self, Failure> {
        if !settings.folder.is_dir() {
            return Err(Failure::user(format!(
                "there is no data folder {}",
                settings.folder.display()
            ))
            .hint("bursar init --name 'Your company'"));
        }
        let keys = read_key(&settings.key_file)?;
        Self::assemble(settings, keys).await
    }

    /// Opens a data folder; one that is there and empty is made, unless its database is elsewhere: that has a key already.
    pub async fn open_or_make(settings: Settings) -> Result<Self, Failure> {
        let is_empty =
            std::fs::read_dir(&settings.folder).is_ok_and(|mut entries| entries.next().is_none());
        if is_empty && settings.database.is_none() {
            Self::make(settings).await
        } else {
            Self::open(settings).await
        }
    }

    /// Makes what is missing of a data folder, and opens it.
    pub async fn make(settings: Settings) -> Result<Self, Failure> {
        std::fs::create_dir_all(&settings.folder).map_err(|error| {
            Failure::user(format!(
                "cannot make the folder {}",
                settings.folder.display()
            ))
            .because(error)
        })?;
        let is_new =
            !settings.folder.join("bursar.db").exists() && !settings.folder.join("blobs").exists();
        if is_new && !settings.key_file.exists() {
            write_key(&settings.key_file)?;
        }
        let keys = read_key(&settings.key_file)?;
        Self::assemble(settings, keys).await
    }

    async fn assemble(settings: Settings, keys: Keys) -> Result<Self, Failure> {
        check_key(&settings, &keys)?;
        let file = settings.folder.join("bursar.db");
        let options = Options {
            url: settings
                .database
                .clone()
                .unwrap_or_else(|| format!("sqlite:{}", file.display())),
            // Every run may hold a snapshot, and whoever looks at the data finds one free.
            readers_max: u32::try_from(settings.worker.concurrency_max)
                .unwrap_or(1_000)
                .saturating_add(8),
            database_bytes_max: settings.database_bytes_max,
            keys: keys.clone(),
        };
        let database = Database::open(&options, &settings.folder).await?;
        Ok(Self {
            database,
            settings,
            keys,
        })
    }

    /// Takes the worker's lock, if nobody else holds it. Only SQLite needs it: PostgreSQL has leases for many workers.
    pub fn try_worker_lock(&self) -> Result<Option<WorkerLock>, Failure> {
        let path = self.settings.folder.join("worker.lock");
        let failed = |error: std::io::Error| {
            Failure::user(format!("cannot open {}", path.display())).because(error)
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        if self.is_shared() {
            return Ok(Some(WorkerLock { _file: file }));
        }
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                (&file)
                    .write_all(std::process::id().to_string().as_bytes())
                    .map_err(failed)?;
                Ok(Some(WorkerLock { _file: file }))
            }
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Who holds the worker's lock, as far as the file tells.
    pub fn worker_process(&self) -> String {
        let mut text = String::new();
        let read = File::open(self.settings.folder.join("worker.lock"))
            .and_then(|file| file.take(20).read_to_string(&mut text));
        if read.is_ok() && !text.is_empty() {
            format!("process {text}")
        } else {
            "another process".to_owned()
        }
    }

    /// Whether other nodes may work on the same database.
    pub fn is_shared(&self) -> bool {
        self.settings
            .database
            .as_ref()
            .is_some_and(|url| !url.starts_with("sqlite:"))
    }

    /// A worker on this folder.
    pub fn worker(&self) -> Result<Worker, Failure> {
        Ok(self.workshop().worker()?)
    }

    /// The API on this folder, beside a worker.
    pub fn api_beside(&self, worker: &Worker) -> Api {
        let worker = worker.clone();
        Api::new(self.database.clone(), move || Ok(worker.clone()))
    }

    /// The API on this folder, with a worker of its own as soon as one is needed.
    pub fn api(&self) -> Api {
        let workshop = self.workshop();
        Api::new(self.database.clone(), move || workshop.worker())
    }

    fn workshop(&self) -> Workshop {
        Workshop {
            database: self.database.clone(),
            keys: self.keys.clone(),
            folder: self.settings.folder.clone(),
            smtp: self.settings.smtp.clone(),
            worker: self.settings.worker.clone(),
        }
    }
}

/// What a worker is made of.
struct Workshop {
    database: Database,
    keys: Keys,
    folder: PathBuf,
    smtp: Option<bursar_worker::SmtpSettings>,
    worker: bursar_worker::Settings,
}

impl Workshop {
    fn worker(&self) -> Result<Worker, bursar_worker::Error> {
        let cache = CacheFolder {
            path: self.folder.join("cache"),
            key: *self.keys.cache(),
        };
        let instances_max = u32::try_from(self.worker.concurrency_max).unwrap_or(64);
        let runtime = Runtime::new(bursar_runtime::Settings {
            cache: Some(cache),
            instances_max,
        })?;
        let transport = match &self.smtp {
            Some(smtp) => Transport::smtp(smtp)?,
            None => Transport::folder(&self.folder.join("mail"))?,
        };
        Ok(Worker::new(
            self.database.clone(),
            runtime,
            transport,
            *self.keys.seed(),
            self.worker.clone(),
        ))
    }
}

/// Whoever is logged in on this machine.
pub fn author() -> Actor {
    let name = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(64)
        .collect();
    Actor::new("person", if name.is_empty() { "local" } else { &name })
}

fn write_key(path: &Path) -> Result<(), Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| Failure::host("the operating system gives no random bytes", error))?;
    let failed = |error: std::io::Error| {
        Failure::user(format!("cannot write the master key {}", path.display())).because(error)
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    writeln!(file, "{}", bursar_domain::log::hex(&key))
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

/// The data folder remembers which key it belongs to: under another one its seals would not fit, and runs would differ.
fn check_key(settings: &Settings, keys: &Keys) -> Result<(), Failure> {
    let path = settings.folder.join("key.digest");
    let digest =
        bursar_domain::log::sha256_hex(&[keys.seed().as_slice(), b"bursar/belongs/1"].concat());
    let failed = |error: std::io::Error| {
        Failure::user(format!("cannot use {}", path.display()))
            .because(error)
            .hint("check the folder's owner and free space")
    };
    match std::fs::read_to_string(&path) {
        Ok(known) if known == digest => Ok(()),
        Ok(_) => Err(Failure::user(format!(
            "the master key {} belongs to another data folder",
            settings.key_file.display()
        ))
        .hint(KEY_HINT)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let partial = path.with_added_extension("partial");
            std::fs::write(&partial, digest)
                .and_then(|()| std::fs::rename(&partial, &path))
                .map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

fn read_key(path: &Path) -> Result<Keys, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::user(format!("cannot read the master key {}", path.display()))
            .because(error)
            .hint(KEY_HINT)
    })?;
    let text = text.trim();
    let byte = |place: usize| {
        text.get(place * 2..place * 2 + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    match bytes.map(<[u8; 32]>::try_from) {
        Some(Ok(key)) if text.len() == 64 => Ok(Keys::derive(&key)),
        _ => Err(Failure::user(format!("{} is not a master key", path.display())).hint(KEY_HINT)),
    }
}
