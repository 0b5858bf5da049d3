//! The mail server that tests send to.
//!
//! Job: sees to it that the tests' own script, which is Python's SMTP server, can run. It does not know what is sent.
//! Entered at [`ensure`].

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::foreground::Foreground;
use crate::{apt, cargo};

const SCRIPT: &str = "tests/e2e/mail_server.py";

/// Installs what the script needs where it is missing and can be installed.
pub fn ensure(foreground: &mut Foreground) -> Result<()> {
    if is_ready() {
        return Ok(());
    }
    let missing = "python3 has neither aiosmtpd nor smtpd";
    apt::check().context(missing)?;
    eprintln!("installing Python's SMTP server with apt-get");
    apt::run(foreground, &["update"])?;
    apt::install(foreground, &["python3-aiosmtpd"])?;
    if !is_ready() {
        bail!("{missing}, even with the package python3-aiosmtpd");
    }
    Ok(())
}

fn is_ready() -> bool {
    let status = Command::new("python3")
        .arg(cargo::root().join(SCRIPT))
        .arg("--check")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
