//! `cargo xtask bench`.
//!
//! Job: builds the bench with optimisations, runs it, and shows the summary that it wrote. It does not know what is
//! measured. Entered at [`run`].

use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::arguments::BenchOptions;
use crate::cargo::{self, Profile};
use crate::toolchain;

const SUMMARY: &str = "target/bench/summary.json";

pub fn run(options: &BenchOptions) -> Result<ExitCode> {
    toolchain::ensure_wasm_target()?;
    let program = cargo::build("bursar-bench", Profile::Release)?;
    let summary = cargo::root().join(SUMMARY);
    // An old summary must not pass for the result of a bench that wrote none.
    if summary.exists() {
        std::fs::remove_file(&summary)
            .with_context(|| format!("cannot remove the old {SUMMARY}"))?;
    }
    let mut bench = Command::new(program);
    if let Some(parts) = &options.only {
        bench.arg("--only").arg(parts);
    }
    let status = bench
        .current_dir(cargo::root())
        .stdout(std::io::stderr())
        .status()
        .context("cannot start the bench")?;
    if !status.success() {
        bail!("the bench failed: {status}");
    }
    let text = std::fs::read(&summary).with_context(|| format!("the bench wrote no {SUMMARY}"))?;
    std::io::stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}
