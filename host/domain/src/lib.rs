//! Nouns and pure rules of Bursar: rows, drafts, invoices, calendars, schedules, manifests, the log's
//! hashes.
//!
//! Everything here is data in and data out. There is no IO, no async, no clock and no randomness: time, ids and seeds
//! arrive as arguments. Entered from every other crate; knows none of them.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

pub mod access;
pub mod aging;
pub mod audit;
pub mod availability;
pub mod business;
pub mod calendar;
pub mod canonical;
pub mod checkpoint;
pub mod confidentiality;
pub mod decimal;
pub mod derive;
pub mod draft;
pub mod icalendar;
pub mod index;
pub mod invoice;
pub mod log;
pub mod manifest;
pub mod matching;
pub mod money;
pub mod office;
pub mod pointer;
pub mod problem;
pub mod recurrence;
pub mod row;
pub mod run;
pub mod schedule;
pub mod settlement;
mod shapes;
pub mod time;
pub mod totals;
pub mod ubl;
pub mod vectors;

/// For serde: what is as it would be if nothing was said is not written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
