//! Runs cases on the real host: books from a seed, an automation on them, and what its runs leave.
//!
//! [`Stage`] is a host in process (a folder with SQLite, the sandbox, a worker), [`Seed`] the books of a case, and
//! [`differences`] says where what was found is not what was expected. What is a case, and what is expected of it, is for
//! the tests to say: those of the plugins that bring cases are this crate's own, those of the SDKs are in `sdk/conformance`.
#![expect(
    clippy::missing_panics_doc,
    reason = "what a case cannot have fails the test that wanted it"
)]

mod difference;
mod seed;
mod stage;

pub use difference::{Members, differences};
pub use seed::{Names, Seed};
pub use stage::{DEPARTMENT, ENTITY, Run, Stage, block_on};

use serde_json::Value;

/// The JSON of a file.
pub fn read_json(path: &std::path::Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Says that something is left out; a failure where nothing may be.
#[expect(clippy::print_stderr, reason = "the runner shows a test's report")]
pub fn skipped(what: &str, why: &str) {
    assert!(
        std::env::var_os("BURSAR_REQUIRE_ALL").is_none(),
        "{what}: {why}"
    );
    eprintln!("skipped: {what}: {why}");
}
