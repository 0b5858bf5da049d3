//! The sandbox's long-lived part: engine, linked host functions, plugins loaded so far.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{
    Engine,
    component::{Component, HasSelf, Linker},
};

use crate::{
    cache::{Cache, CacheFolder},
    contract::{Automation, AutomationPre},
    engine::{Ticker, engine},
    error::Error,
    guest::Guest,
    inspect::{Inspection, inspect},
    refusal::Refusal,
};

/// Plugins kept in memory, compiled and linked.
const PLUGINS_MAX: usize = 128;

/// How the sandbox is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where compiled plugins are kept; none compiles anew in every process.
    pub cache: Option<CacheFolder>,
    /// Most runs at once; more wait for their turn.
    pub instances_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache: None,
            instances_max: 64,
        }
    }
}

/// Room for one instance, until dropped.
pub struct Seat {
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// The sandbox. Cheap to clone; the last clone takes its clock's thread along.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub engine: Engine,
    pub seats: Arc<Semaphore>,
    plain: Linker<Guest>,
    with_wasi: Linker<Guest>,
    cache: Option<Cache>,
    loaded: Mutex<HashMap<String, Plugin>>,
    /// Held, not used: ends when the sandbox does.
    _ticker: Ticker,
}

/// A plugin that is ready to run. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Loaded>,
}

struct Loaded {
    inspection: Inspection,
    ready: AutomationPre<Guest>,
}

impl Plugin {
    /// What it asks for and reaches.
    pub fn inspection(&self) -> &Inspection {
        &self.inner.inspection
    }

    pub(crate) fn ready(&self) -> &AutomationPre<Guest> {
        &self.inner.ready
    }
}

impl Runtime {
    /// Sets up the sandbox.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let engine = engine(settings.instances_max.max(1))?;
        let cache = settings
            .cache
            .map(|folder| Cache::open(folder, &engine))
            .transpose()?;
        let plain = linker(&engine).map_err(|error| Error::Sandbox(format!("{error:#}")))?;
        let with_wasi = linker(&engine).and_then(|mut linker| {
            wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
            Ok(linker)
        });
        let with_wasi = with_wasi.map_err(|error| Error::Sandbox(format!("{error:#}")))?;
        let seats = usize::try_from(settings.instances_max.max(1));
        let seats = Semaphore::new(seats.unwrap_or(Semaphore::MAX_PERMITS));
        let ticker = Ticker::start(&engine)?;
        let inner = Inner {
            engine,
            seats: Arc::new(seats),
            plain,
            with_wasi,
            cache,
            loaded: Mutex::default(),
            _ticker: ticker,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The plugin of that digest, if it was loaded before: spares reading its bytes.
    pub fn find(&self, digest: &str) -> Option<Plugin> {
        self.inner
            .loaded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            .cloned()
    }

    /// Makes a component ready to run. Compiling takes up to many seconds: call it where blocking is fine.
    ///
    /// Refuses everything that [`inspect`] refuses, and what does not fit the host's functions by type.
    pub fn load(&self, bytes: &[u8]) -> Result<Plugin, Error> {
        let inspection = inspect(bytes)?;
        if let Some(plugin) = self.find(&inspection.digest) {
            return Ok(plugin);
        }
        let component = self.compile(bytes, &inspection.digest)?;
        let linker = if inspection.wasi.is_empty() {
            &self.inner.plain
        } else {
            &self.inner.with_wasi
        };
        let ready = linker
            .instantiate_pre(&component)
            .and_then(AutomationPre::new);
        let ready = ready.map_err(|error| Refusal::DoesNotFit(format!("{error:#}")))?;
        let plugin = Plugin {
            inner: Arc::new(Loaded { inspection, ready }),
        };
        self.keep(&plugin);
        Ok(plugin)
    }

    fn compile(&self, bytes: &[u8], digest: &str) -> Result<Component, Error> {
        let Inner { engine, cache, .. } = self.inner.as_ref();
        if let Some(component) = cache.as_ref().and_then(|cache| cache.load(engine, digest)) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, bytes)
            .map_err(|error| Refusal::DoesNotFit(format!("{error:#}")))?;
        if let Some(cache) = cache {
            cache.store(digest, &component);
        }
        Ok(component)
    }

    fn keep(&self, plugin: &Plugin) {
        let mut loaded = self
            .inner
            .loaded
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if loaded.len() >= PLUGINS_MAX {
            // Rare, and cheap to repair with the folder of compiled plugins: not worth an order of use.
            loaded.clear();
        }
        loaded.insert(plugin.inspection().digest.clone(), plugin.clone());
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    Automation::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}
