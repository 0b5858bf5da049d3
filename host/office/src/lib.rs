//! Every operation of the office, once: on records, invoices, payments, schedules, documents, messages, tasks, state.
//!
//! A [`Session`] is where plugins and people both come to work. It reads from one pinned snapshot, collects what would
//! change in a draft that its own reads look through, and asks its authority at each operation. It never commits, does
//! not know SQL, wasm, HTTP or who waits for the draft, and has neither a clock nor randomness of its own: both come with
//! its [`Context`]. Entered by [`Session::new`], left by [`Session::into_parts`].
//!
//! Files of many records come through [`import`] and whole organisations through [`sample`], which do commit, a session for each
//! chunk; records leave through [`export`].
//!
//! The operations are methods of [`Session`], one module for each interface of the contract; what only an administrator
//! may do is in [`admin`], what people see of a draft in [`describe`].

pub mod admin;
pub mod aging;
pub mod allocations;
pub mod appointments;
pub mod audit;
mod calendars;
mod clock;
mod commit;
mod content;
pub mod credits;
pub mod describe;
pub mod documents;
pub mod due;
mod effects;
mod error;
pub mod exchange;
mod expansion;
pub mod export;
mod folders;
mod handover;
pub mod import;
pub mod input;
pub mod invoices;
mod language;
mod listing;
pub mod messages;
pub mod openings;
mod organisation;
mod papers;
mod payables;
pub mod payments;

mod records;
mod reminders;
mod runs;
pub mod sample;
mod schedules;
pub mod schema;
mod session;
pub mod slots;
mod state;
pub mod tasks;
pub mod templates;
mod tokens;
mod write;

pub use effects::{Earlier, Request};
pub use error::Error;
pub use handover::FileWanted;
pub use listing::{Listed, Order, Paging, Test};
pub use records::{BadRecord, COUNT_MAX, Evolution, merge_patch};
pub use reminders::Tended;
pub use runs::{check_start, run_id, run_seed, timer_key};
pub use session::{Context, Expected, Session, View};
