//! Real components in the real sandbox, on sessions over a real database.
//!
//! Every guest is a crate of `tests/guests`; [`office`] sets up what they work on.

mod answering;
mod beside;
mod bombs;
mod crafted;
mod ending;
mod hostile;
mod inspecting;
mod limits;
mod loading;
mod office;
mod proofs;
mod repeating;
mod wasi;
