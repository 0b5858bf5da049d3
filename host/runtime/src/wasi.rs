//! An empty WASI for plugins that import one: no environment, no files, no network, a clock that stands still.
//!
//! What the plugin prints becomes lines of the run's log: standard output at level info, standard error at warn.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, ResourceTable, WasiCtx, WasiCtxView, async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use crate::logs::{LINE_BYTES_MAX, Logs};

/// Most handles (streams, pollables) that a guest can hold.
const HANDLES_MAX: usize = 1000;
/// Most random bytes in one call.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// One run's WASI.
pub struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
    output: [Arc<Mutex<Printed>>; 2],
}

impl Wasi {
    /// A WASI with the run's clock, randomness from its seed, and its log.
    pub fn new(time_us: i64, seed: &[u8; 32], logs: &Arc<Mutex<Logs>>) -> Self {
        let printed = |level| {
            Arc::new(Mutex::new(Printed {
                level,
                line: Vec::new(),
                logs: Arc::clone(logs),
            }))
        };
        let output = [printed("info"), printed("warn")];
        let [standard, error] = &output;
        let random = |purpose: &str| {
            ChaCha20Rng::from_seed(
                Sha256::new()
                    .chain_update(seed)
                    .chain_update(purpose)
                    .finalize()
                    .into(),
            )
        };
        let clock = Still(Duration::from_micros(u64::try_from(time_us).unwrap_or(0)));
        let context = WasiCtx::builder()
            .stdout(Printer(Arc::clone(standard)))
            .stderr(Printer(Arc::clone(error)))
            .secure_random(random("wasi secure"))
            .insecure_random(random("wasi insecure"))
            .insecure_random_seed(u128::from_le_bytes(first_half(seed)))
            .max_random_size(RANDOM_BYTES_MAX)
            .wall_clock(clock)
            .monotonic_clock(clock)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            context,
            table,
            output,
        }
    }

    /// What the linked functions work on.
    pub fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        }
    }

    /// Turns what is left of unfinished lines into lines.
    pub fn finish(&self) {
        for printed in &self.output {
            printed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .end_line();
        }
    }
}

fn first_half(seed: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|place| seed.get(place).copied().unwrap_or_default())
}

/// A clock that stands still.
#[derive(Clone, Copy)]
struct Still(Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// What one stream printed since its last line.
struct Printed {
    level: &'static str,
    line: Vec<u8>,
    logs: Arc<Mutex<Logs>>,
}

impl Printed {
    fn print(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            self.logs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(self.level, text.to_owned(), Vec::new());
        }
    }
}

/// A stream of [`Printed`]: always ready, never full.
#[derive(Clone)]
struct Printer(Arc<Mutex<Printed>>);

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this one, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_BYTES_MAX)
    }
}

#[async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {}
}
