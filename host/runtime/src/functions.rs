//! The host functions: count the call, convert, ask the session, convert back. One module for each interface.

mod calendars;
mod documents;
mod free;
mod invoices;
mod ledger;
mod records;
mod state;
mod work;

use crate::{
    contract::bursar::office::{rows, types},
    ending::Fault,
    guest::Guest,
};

impl types::Host for Guest {
    fn convert_error(&mut self, fault: Fault) -> wasmtime::Result<types::Error> {
        match fault {
            Fault::Guest(error) => Ok(error),
            Fault::End(error) => Err(error),
        }
    }
}

impl rows::Host for Guest {}
