//! A throw-away PostgreSQL.
//!
//! Job: one cluster of our own for as long as something needs it, on any machine that has or may install the programs.
//! It never touches another cluster, and knows nothing of what is stored in it. Entered at [`provide`] and, for
//! `cargo xtask postgres`, at [`run`].

mod account;
mod cluster;
mod install;
mod programs;

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

pub use cluster::Cluster;

use crate::foreground::{Foreground, exit_code};
use crate::testing::POSTGRES_VARIABLE;
use programs::Programs;

/// Starts a cluster; installs PostgreSQL first where it is missing and can be installed.
pub fn provide(foreground: &mut Foreground) -> Result<Cluster> {
    let programs = Programs::find().or_else(|missing| {
        install::with_apt(foreground).with_context(|| format!("{missing:#}"))?;
        Programs::find()
    })?;
    Cluster::start(programs)
}

/// Runs one command beside a cluster that lives as long as the command.
pub fn run(command: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command is given")?;
    let mut foreground = Foreground::take()?;
    let cluster = provide(&mut foreground)?;
    let status = foreground.run(
        Command::new(program)
            .args(arguments)
            .env(POSTGRES_VARIABLE, cluster.address())
            .envs(cluster.client_variables()),
    )?;
    Ok(exit_code(status))
}
