//! Write Bursar plugins in Rust: the typed face of the contract in `wit/`.
//!
//! A plugin implements [`Plugin`] and names itself with [`plugin!`]. The modules below are the host's interfaces with a
//! little comfort added: listings that follow their cursors, JSON by serde, amounts as text. This crate knows no
//! business rule and keeps no state. What a plugin does not call leaves no import in its component.
//!
//! ```
//! use bursar_sdk::{Failure, Plugin, Run, Summary, filter, invoices};
//!
//! struct CountOpen;
//!
//! impl Plugin for CountOpen {
//!     fn run(_: &Run) -> Result<Summary, Failure> {
//!         let mut open = 0;
//!         for head in invoices::all(vec![filter::greater("outstanding", 0)], vec![]) {
//!             head?;
//!             open += 1;
//!         }
//!         Ok(Summary::new(format!("{open} invoices are open")).count("open", open))
//!     }
//! }
//!
//! bursar_sdk::plugin!(CountOpen);
//! ```

#[doc(hidden)]
#[expect(
    clippy::pedantic,
    reason = "generated from wit/, whose doc comments it carries"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "automation",
        pub_export_macro: true,
        export_macro_name: "export_handler",
        default_bindings_module: "bursar_sdk::bindings",
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
    });
}

pub mod calendars;
pub mod documents;
pub mod filter;
pub mod invoices;
pub mod ledger;
pub mod log;
mod money;
mod paging;
mod problem;
pub mod records;
mod run;
pub mod state;

pub use bindings::bursar::office::{
    calendars_write, clock, invoices_write, messages, random, records_write, rows, schedules,
    tasks, types,
};
pub use bindings::exports::bursar::office::handler::{
    Context, Event, Failure, Later, Manual, Summary, Tick, Trigger,
};
pub use money::{NotAnAmount, exponent};
pub use paging::{PAGE_ROWS, Pages};
pub use run::{Plugin, Run};
pub use types::{Error, Money, Problem};

#[doc(hidden)]
pub use run::enter;
