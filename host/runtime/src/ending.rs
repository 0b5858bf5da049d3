//! The ways in which a run ends before its plugin returns: a limit, trouble of the host, a trap.
//!
//! The three never mix. A limit and trouble of the host travel through wasmtime as errors of their own types and are
//! found again here; whatever else comes out of it was the guest's doing.

use bursar_domain::run::Outcome;
use rustix::io::Errno;
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Trap};

use crate::{
    contract::bursar::office::types,
    engine::{CALL_BYTES_MAX, STACK_BYTES_MAX},
    error::Error,
};

/// Longest text of a trap, in bytes.
const TRAP_BYTES_MAX: usize = 4096;

/// How wasmtime begins to say that a call hands more to the host than it may; the error has no public type.
const CALL_TOO_LARGE: &str = "too much data is being copied between the host and the guest";

/// Why a host function gives no answer.
pub enum Fault {
    /// The guest is told.
    Guest(types::Error),
    /// The run ends.
    End(wasmtime::Error),
}

/// A limit of the sandbox ended the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit} is {allowed}, the run used {used}")]
pub struct LimitReached {
    /// Its name in the manifest's limits, or in the sandbox's own.
    pub limit: &'static str,
    /// Its value.
    pub allowed: u64,
    /// What was used, or asked for, when it ended the run; at least that, where nobody can tell.
    pub used: u64,
}

/// Trouble of the host ended the run; the guest saw nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum HostTrouble {
    /// The office has no answer.
    #[error("the host could not answer a call of the plugin")]
    Office(#[source] bursar_office::Error),
    /// The machine has no more memory, though the run's limit has.
    #[error("the host has no memory for the plugin: {0}")]
    Memory(String),
}

impl LimitReached {
    /// An error if more is used than allowed.
    pub fn check(limit: &'static str, allowed: u64, used: u64) -> Result<(), Self> {
        if used > allowed {
            Err(Self {
                limit,
                allowed,
                used,
            })
        } else {
            Ok(())
        }
    }
}

impl From<LimitReached> for Fault {
    fn from(limit: LimitReached) -> Self {
        Self::End(wasmtime::Error::new(limit))
    }
}

impl From<LimitReached> for Outcome {
    fn from(reached: LimitReached) -> Self {
        Self::LimitReached {
            limit: reached.limit.to_owned(),
            allowed: reached.allowed,
            used: reached.used,
        }
    }
}

impl From<types::Error> for Fault {
    fn from(error: types::Error) -> Self {
        Self::Guest(error)
    }
}

/// Sorts what wasmtime gave back instead of the plugin's answer.
pub fn outcome_of(error: wasmtime::Error) -> Result<Outcome, Error> {
    let error = match error.downcast::<HostTrouble>() {
        Ok(HostTrouble::Office(trouble)) => return Err(Error::Host(trouble)),
        Ok(trouble @ HostTrouble::Memory(_)) => return Err(Error::Sandbox(trouble.to_string())),
        Err(error) => error,
    };
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return Ok((*limit).into());
    }
    if let Some(limit) = limit_of_wasmtime(&error) {
        return Ok(limit.into());
    }
    // An instance could not be made. The guest has no way to bring these about: it has neither files nor threads, and its
    // memory is counted before it is asked for.
    let is_ours = error.is::<PoolConcurrencyLimitError>()
        || error.is::<OutOfMemory>()
        || error
            .chain()
            .any(|cause| cause.is::<Errno>() || cause.is::<std::io::Error>());
    if is_ours {
        return Err(Error::Sandbox(format!("{error:#}")));
    }
    let mut message = error.root_cause().to_string();
    message.truncate(message.floor_char_boundary(TRAP_BYTES_MAX));
    Ok(Outcome::Trapped { message })
}

/// Limits that wasmtime keeps by itself. It does not tell how much was asked for, only that it was more than allowed.
fn limit_of_wasmtime(error: &wasmtime::Error) -> Option<LimitReached> {
    let (limit, allowed) = if error.downcast_ref::<Trap>() == Some(&Trap::StackOverflow) {
        ("stack_bytes_max", STACK_BYTES_MAX)
    } else if error.root_cause().to_string().starts_with(CALL_TOO_LARGE) {
        ("call_bytes_max", CALL_BYTES_MAX)
    } else {
        return None;
    };
    let allowed = u64::try_from(allowed).unwrap_or(u64::MAX);
    Some(LimitReached {
        limit,
        allowed,
        used: allowed.saturating_add(1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(error: impl std::error::Error + Send + Sync + 'static) -> Result<Outcome, String> {
        let error = wasmtime::Error::new(error).context("on the way");
        outcome_of(error).map_err(|error| {
            error
                .to_string()
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
    }

    #[test]
    fn limit_trouble_and_trap_are_told_apart() {
        let limit = LimitReached {
            limit: "wall_ms_max",
            allowed: 1,
            used: 2,
        };
        assert_eq!(outcome(limit), Ok(limit.into()));
        let broken = bursar_office::Error::Broken("a calendar".to_owned());
        assert_eq!(
            outcome(HostTrouble::Office(broken)),
            Err("the run ended by trouble of the host".to_owned())
        );
        assert_eq!(
            outcome(HostTrouble::Memory("none".to_owned())),
            Err("the sandbox failed".to_owned())
        );
        assert_eq!(outcome(Errno::NOMEM), Err("the sandbox failed".to_owned()));
        assert_eq!(
            outcome(std::io::Error::other("disk")),
            Err("the sandbox failed".to_owned())
        );
        let trapped = Outcome::Trapped {
            message: wasmtime::Trap::UnreachableCodeReached.to_string(),
        };
        assert_eq!(outcome(wasmtime::Trap::UnreachableCodeReached), Ok(trapped));
    }
}
