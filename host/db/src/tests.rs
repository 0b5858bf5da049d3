//! Tests of the crate as a whole, each on both engines.

mod appending;
mod blobs;
mod checkpoints;
mod claims;
mod grouping;
mod invoicing;
mod ledger;
mod listing;
mod looking;
mod opening;
mod queues;
mod random;
mod records;
mod settling;
mod staleness;
mod tampering;
mod verification;
mod views;
