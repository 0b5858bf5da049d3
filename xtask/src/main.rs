//! The project's chores.
//!
//! Job: everything around the code that a person or CI does with one command: try it, test it, measure it. It knows
//! cargo, rustup and PostgreSQL's programs, and nothing of the host: it talks to `bursar` through its command line only.
//! Entered as `cargo xtask CHORE`, an alias in `.cargo/config.toml`.

mod apt;
mod arguments;
mod bench;
mod cargo;
mod demo;
mod foreground;
mod mail_server;
mod mutants;
mod npm;
mod postgres;
mod schemathesis;
mod skipped;
mod testing;
mod toolchain;

use std::process::ExitCode;

use arguments::{Chore, USAGE, UsageError};

/// The request cannot be met: a wrong command line, a failing test, a missing program.
const EXIT_OF_USER: u8 = 1;
/// The chore itself broke.
const EXIT_OF_CHORE: u8 = 2;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(chore) => run(chore).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::from(EXIT_OF_CHORE)
        }),
        Err(UsageError(cause)) => {
            eprintln!("error: {cause}\n\nhint: cargo xtask help");
            ExitCode::from(EXIT_OF_USER)
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<ExitCode> {
    match chore {
        Chore::Bench(options) => bench::run(&options),
        Chore::Demo(options) => demo::run(&options),
        Chore::Help => {
            eprint!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        Chore::Mutants(options) => mutants::run(&options),
        Chore::Postgres(command) => postgres::run(&command),
        Chore::Schemathesis => schemathesis::run(),
        Chore::Test(options) => testing::run(&options),
    }
}
