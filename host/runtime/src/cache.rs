//! Compiled plugins on disk, authenticated: they are native code, so a file is only as good as its MAC.
//!
//! A file's name says what it was made of (component, wasmtime, settings), its content is a MAC and the code. It is read
//! once, and what was authenticated is what runs. Whoever can write the folder but does not have the key can at most
//! make the host compile again.

use std::{
    fmt,
    hash::{Hash, Hasher},
    io::{ErrorKind, Write},
    path::PathBuf,
};

use bursar_domain::log;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use crate::error::Error;

const MAC_BYTES: usize = 32;

/// Where compiled plugins are kept, and the key that authenticates them.
#[derive(Clone)]
pub struct CacheFolder {
    /// Made if missing. Best outside of what is backed up.
    pub path: PathBuf,
    /// A child of the host's master key, used for nothing else, never stored beside the folder.
    pub key: [u8; 32],
}

impl fmt::Debug for CacheFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CacheFolder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The folder, for one engine.
pub struct Cache {
    folder: CacheFolder,
    /// What the engine's code depends on beside the component: wasmtime's version, settings, the processor's features.
    fingerprint: String,
}

impl Cache {
    /// Opens the folder.
    pub fn open(folder: CacheFolder, engine: &Engine) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder.path).map_err(|source| Error::Cache {
            path: folder.path.clone(),
            source,
        })?;
        let mut fingerprint = Fingerprint(Sha256::new());
        engine
            .precompile_compatibility_hash()
            .hash(&mut fingerprint);
        let fingerprint = log::hex(&fingerprint.0.finalize())
            .chars()
            .take(16)
            .collect();
        Ok(Self {
            folder,
            fingerprint,
        })
    }

    /// The compiled component, if it is there, whole and ours.
    pub fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = self.name(digest);
        let path = self.folder.path.join(&name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read a compiled plugin, compiling again");
                return None;
            }
        };
        let Some(code) = self.authentic(&name, &bytes) else {
            tracing::warn!(path = %path.display(), "a compiled plugin is not authentic, compiling again");
            return None;
        };
        #[expect(
            unsafe_code,
            reason = "wasmtime cannot check native code; its origin is checked instead"
        )]
        // SAFETY: `deserialize` asks for bytes that `serialize` made. These very bytes carry a MAC under a key that only
        // this host has, over a name that holds the component's digest and the engine's fingerprint; `store` is the one
        // place that makes such a MAC, of what `serialize` gave it. The buffer is ours alone, nobody can change it now.
        let component = unsafe { Component::deserialize(engine, code) };
        component
            .inspect_err(|error| tracing::warn!(path = %path.display(), %error, "a compiled plugin is stale, compiling again"))
            .ok()
    }

    /// Keeps a compiled component; trouble is logged, the plugin runs all the same.
    pub fn store(&self, digest: &str, component: &Component) {
        let name = self.name(digest);
        let stored = component
            .serialize()
            .map_err(std::io::Error::other)
            .and_then(|code| {
                let mut mac = self.mac(&name);
                mac.update(&code);
                let mut file = tempfile::NamedTempFile::new_in(&self.folder.path)?;
                file.write_all(&mac.finalize().into_bytes())?;
                file.write_all(&code)?;
                file.persist(self.folder.path.join(&name))?;
                Ok(())
            });
        if let Err(error) = stored {
            tracing::warn!(folder = %self.folder.path.display(), %error, "cannot keep a compiled plugin");
        }
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{}.compiled", self.fingerprint)
    }

    fn mac(&self, name: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.folder.key)
            .expect("HMAC takes keys of any length");
        // The name's length is the same for every file, so name and code cannot be told apart in two ways.
        mac.update(name.as_bytes());
        mac
    }

    fn authentic<'a>(&self, name: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, code) = bytes.split_at_checked(MAC_BYTES)?;
        let mut mac = self.mac(name);
        mac.update(code);
        mac.verify_slice(tag).ok().map(|()| code)
    }
}

/// A hasher that is the same on every machine and in every version of the standard library.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
