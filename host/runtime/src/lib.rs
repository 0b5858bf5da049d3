//! Inspects, compiles, links, limits and executes plugins.
//!
//! The only crate that knows wasmtime. A plugin is untrusted: [`inspect()`] looks at its bytes without running them,
//! [`Runtime::load`] compiles and links it, [`Runtime::execute`] gives it a fresh instance for one claimed run and
//! reports how that ended. Host functions count the call, convert, and ask the run's [`bursar_office::Session`]; no rule
//! of the office is here, nor does this crate know who claims runs and what becomes of their drafts.
//!
//! Three things that must never be taken for one another have types of their own: what the plugin did is an
//! [`Outcome`](bursar_domain::run::Outcome) (its failures, its traps, the limits it ran into), what the host could not do
//! is an [`Error`], and a file that is no plugin is a [`Refusal`].
#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod cache;
mod contract;
mod convert;
mod ending;
mod engine;
mod error;
mod execute;
mod extent;
mod functions;
mod guest;
mod inspect;
mod logs;
pub mod package;
mod processor;
mod refusal;
mod runtime;
mod wasi;
mod weight;

pub use cache::CacheFolder;
pub use error::Error;
pub use inspect::{CONTRACT_VERSION, Inspection, inspect};
pub use logs::LINE_BYTES_MAX;
pub use refusal::{COMPONENT_BYTES_MAX, Excess, Refusal};
pub use runtime::{Plugin, Runtime, Seat, Settings};
