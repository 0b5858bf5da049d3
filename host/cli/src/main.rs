//! The command line: arguments, configuration, assembly, exit codes.
//!
//! Knows no rule of the office and no SQL. stdout carries data, stderr carries talk. Exit codes: 0 done, 1 the caller can
//! mend it, 2 the host is at fault.

mod arguments;
mod client;
mod commands;
mod failure;
mod output;
mod place;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use failure::Failure;

/// Runs make and drop many small values on many threads: the system's allocator would take a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.show(),
    }
}

fn start(arguments: Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::host("cannot start", error))?;
    let done = runtime.block_on(commands::perform(arguments));
    // Tasks that wait for nothing but input must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    done
}
