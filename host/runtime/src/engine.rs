//! wasmtime's engine: one configuration for every plugin, and the clock that interrupts them.

use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::JoinHandle,
    time::Duration,
};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::Error;

/// How often running guests look up: the precision of deadlines, and how long one may hold a thread.
const TICK: Duration = Duration::from_millis(5);
/// Most memory of one instance, whatever its limit: the manifest's own cap.
const MEMORY_BYTES_MAX: usize = 256 << 20;
/// Most of the guest's own stack: `stack_bytes_max`.
pub const STACK_BYTES_MAX: usize = 512 << 10;
/// Stack of the fiber that a guest and its host calls run on.
const FIBER_BYTES: usize = 2 << 20;
/// Most bytes that one call may hand to the host, a few of the largest JSON values: `call_bytes_max`.
pub const CALL_BYTES_MAX: usize = 16 << 20;
/// Core modules instantiated within one component; interpreters bring some forty.
pub const CORE_INSTANCES_MAX: u32 = 64;
/// Linear memories of one component.
pub const MEMORIES_MAX: u32 = 4;
/// Tables of one component.
pub const TABLES_MAX: u32 = 64;
/// Elements of one table, whatever its limit: the manifest's own cap.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The engine for at most so many instances at once.
///
/// Where the address space for the pool cannot be had, instances are made on demand: slower, else the same.
pub fn engine(instances_max: u32) -> Result<Engine, Error> {
    let pooled = Engine::new(&config(pool(instances_max)));
    let engine = pooled.or_else(|error| {
        tracing::warn!(%error, instances_max, "no pool of instances, they are made on demand");
        Engine::new(&config(InstanceAllocationStrategy::OnDemand))
    });
    engine.map_err(|error| Error::Sandbox(format!("{error:#}")))
}

fn pool(instances_max: u32) -> InstanceAllocationStrategy {
    let all = |each: u32| each.saturating_mul(instances_max);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances_max)
        .total_core_instances(all(CORE_INSTANCES_MAX))
        .total_memories(all(MEMORIES_MAX))
        .total_tables(all(TABLES_MAX))
        .total_stacks(instances_max)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        // A component may have them all in one module.
        .max_memories_per_module(MEMORIES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(4 << 20)
        .max_memory_size(MEMORY_BYTES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        // Small guests are cleared by writing, not by giving pages back, which interrupts every core; where the kernel
        // can tell, only the pages that were written.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10);
    InstanceAllocationStrategy::Pooling(pool)
}

fn config(allocation: InstanceAllocationStrategy) -> Config {
    let mut config = Config::new();
    config
        .allocation_strategy(allocation)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .async_stack_size(FIBER_BYTES)
        // The same claim on the same snapshot gives the same draft, on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    config
}

/// A thread that lets running guests look up at every tick. It ends when this is dropped.
pub struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts ticking.
    pub fn start(engine: &Engine) -> Result<Self, Error> {
        let (stop, stopped) = mpsc::channel();
        let engine = engine.clone();
        let tick = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new()
            .name("bursar-ticker".to_owned())
            .spawn(tick);
        let thread = thread.map_err(|error| Error::Sandbox(error.to_string()))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has nothing that could panic; if it did, there is nobody left to tell.
            drop(thread.join());
        }
    }
}
