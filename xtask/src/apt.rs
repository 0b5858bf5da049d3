//! Installs packages of Debian and its relatives.
//!
//! Job: apt-get, where it may be used without asking anybody. It does not know what the packages are for. Entered at
//! [`check`], [`install`] and [`run`].

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::foreground::Foreground;

/// Whether packages can be installed here; the error says why not.
pub fn check() -> Result<()> {
    if !rustix::process::geteuid().is_root() || !Path::new("/etc/debian_version").exists() {
        bail!("it is installed automatically only for root on Debian");
    }
    Ok(())
}

/// Installs packages and what they cannot do without.
pub fn install(foreground: &mut Foreground, packages: &[&str]) -> Result<()> {
    let arguments = ["install", "--yes", "--no-install-recommends"];
    run(foreground, &[arguments.as_slice(), packages].concat())
}

/// Runs apt-get; whatever else installs something at the moment is waited for.
pub fn run(foreground: &mut Foreground, arguments: &[&str]) -> Result<()> {
    let status = foreground.run(
        Command::new("apt-get")
            .args(["--option", "DPkg::Lock::Timeout=120"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr()),
    )?;
    if !status.success() {
        bail!("apt-get {} failed", arguments.join(" "));
    }
    Ok(())
}
