//! One run's state beside its instance: the session, what was used of the limits, the log.

use std::sync::{Arc, Mutex, PoisonError};

use bursar_domain::{
    draft::Draft,
    manifest::Limits,
    run::{Claim, Usage},
};
use bursar_office::Session;
use wasmtime::ResourceLimiter;
use wasmtime_wasi::{WasiCtxView, WasiView};

use crate::{
    ending::{Fault, HostTrouble, LimitReached},
    engine::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX},
    inspect::Inspection,
    logs::{Kept, Logs},
    wasi::Wasi,
    weight::Weight,
};

/// What the host functions work on.
pub struct Guest {
    session: Session,
    limits: Limits,
    host_calls: u64,
    bytes_in: u64,
    bytes_out: u64,
    space: Space,
    logs: Arc<Mutex<Logs>>,
    /// For plugins that import one.
    wasi: Option<Wasi>,
}

impl Guest {
    /// A fresh run of a plugin.
    pub fn new(inspection: &Inspection, claim: &Claim, session: Session) -> Self {
        let logs = Arc::new(Mutex::new(Logs::new(claim.limits.log_bytes_max)));
        let wasi =
            (!inspection.wasi.is_empty()).then(|| Wasi::new(claim.time_us, &claim.seed, &logs));
        let space = Space {
            memory_bytes: 0,
            memory_bytes_max: claim.limits.memory_bytes_max,
            table_elements: 0,
            table_elements_max: claim.limits.table_elements_max,
        };
        Self {
            session,
            limits: claim.limits.clone(),
            host_calls: 0,
            bytes_in: 0,
            bytes_out: 0,
            space,
            logs,
            wasi,
        }
    }

    /// Counts a call of the guest, and what it hands over, and gives the session that answers it.
    pub fn called(&mut self, handed: &[&dyn Weight]) -> Result<&mut Session, Fault> {
        self.host_calls = self.host_calls.saturating_add(1);
        LimitReached::check(
            "host_calls_max",
            self.limits.host_calls_max,
            self.host_calls,
        )?;
        let bytes = handed.iter().map(|argument| argument.bytes());
        self.bytes_out = bytes.fold(self.bytes_out, u64::saturating_add);
        LimitReached::check("bytes_out_max", self.limits.bytes_out_max, self.bytes_out)?;
        Ok(&mut self.session)
    }

    /// Counts what an answer hands to the guest.
    pub fn hand<T: Weight>(&mut self, answer: T) -> Result<T, Fault> {
        self.bytes_in = self.bytes_in.saturating_add(answer.bytes());
        LimitReached::check("bytes_in_max", self.limits.bytes_in_max, self.bytes_in)?;
        Ok(answer)
    }

    /// Adds a line to the log.
    pub fn log(&mut self, level: &str, message: String, fields: Vec<(String, String)>) {
        self.logs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(level, message, fields);
    }

    /// The store's limiter.
    pub fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.space
    }

    /// Ends the run.
    pub fn into_parts(self) -> (Draft, Kept, Usage) {
        if let Some(wasi) = &self.wasi {
            wasi.finish();
        }
        let kept = self
            .logs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (draft, used) = self.session.into_parts();
        let usage = Usage {
            memory_bytes: self.space.memory_bytes,
            host_calls: self.host_calls,
            log_bytes: kept.bytes,
            log_lines_dropped: kept.dropped,
            ..used
        };
        (draft, kept, usage)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi
            .as_mut()
            .expect("WASI is linked for plugins that import it, and those have one")
            .view()
    }
}

/// Counts the linear memory and the tables of all the component's instances together; neither ever shrinks.
struct Space {
    memory_bytes: u64,
    memory_bytes_max: u64,
    table_elements: u64,
    table_elements_max: u64,
}

/// Growth over the limit ends the run, so that the same claim ends alike whatever the guest makes of a refusal.
///
/// Gives the sum that is used after it; none where it is over a maximum of the guest's own, which the guest is told.
fn grown(
    limit: &'static str,
    (used, allowed): (u64, u64),
    (current, desired): (usize, usize),
    maximum: Option<usize>,
) -> wasmtime::Result<Option<u64>> {
    // A maximum of the guest's own; the engine's is the largest limit there is.
    let own =
        maximum.filter(|maximum| u64::try_from(*maximum).is_ok_and(|maximum| maximum < allowed));
    if own.is_some_and(|maximum| desired > maximum) {
        return Ok(None);
    }
    let more = u64::try_from(desired.saturating_sub(current)).unwrap_or(u64::MAX);
    let total = used.saturating_add(more);
    LimitReached::check(limit, allowed, total).map_err(wasmtime::Error::new)?;
    Ok(Some(total))
}

impl ResourceLimiter for Space {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let so_far = (self.memory_bytes, self.memory_bytes_max);
        let total = grown("memory_bytes_max", so_far, (current, desired), maximum)?;
        self.memory_bytes = total.unwrap_or(self.memory_bytes);
        Ok(total.is_some())
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(HostTrouble::Memory(format!(
            "{error:#}"
        ))))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let so_far = (self.table_elements, self.table_elements_max);
        let total = grown("table_elements_max", so_far, (current, desired), maximum)?;
        self.table_elements = total.unwrap_or(self.table_elements);
        Ok(total.is_some())
    }

    fn instances(&self) -> usize {
        usize::try_from(CORE_INSTANCES_MAX).unwrap_or(usize::MAX)
    }

    fn tables(&self) -> usize {
        usize::try_from(TABLES_MAX).unwrap_or(usize::MAX)
    }

    fn memories(&self) -> usize {
        usize::try_from(MEMORIES_MAX).unwrap_or(usize::MAX)
    }
}
