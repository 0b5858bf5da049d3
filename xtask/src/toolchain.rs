//! The compiler and what belongs to it.
//!
//! Job: sees to the target that plugins are compiled for, and finds the better test runner. It does not know what is
//! compiled. Entered at [`ensure_wasm_target`] and [`has_nextest`].

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target for plugins when the compiler lacks it; without a network that only works when it is there.
pub fn ensure_wasm_target() -> Result<()> {
    if holds_core(&library_folder()?) {
        return Ok(());
    }
    eprintln!("adding the target {WASM_TARGET}");
    let added = Command::new("rustup")
        .args(["target", "add", WASM_TARGET])
        .stdout(std::io::stderr())
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("rustup could not add the target {WASM_TARGET}"),
        Err(error) => Err(error).with_context(|| {
            format!("the compiler lacks the target {WASM_TARGET}, and rustup, which could add it, does not start")
        }),
    }
}

/// Where the compiler looks for the target's libraries. The compiler is asked, not rustup, since it decides.
fn library_folder() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .output()
        .context("cannot start rustc")?;
    if !output.status.success() {
        bail!("rustc does not know the target {WASM_TARGET}");
    }
    let text =
        String::from_utf8(output.stdout).context("rustc names a folder that is not UTF-8")?;
    Ok(PathBuf::from(text.trim_end()))
}

/// Whether a target's core library is there: the folder alone may outlive its target.
fn holds_core(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries
            .filter_map(Result::ok)
            .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

/// Whether `cargo nextest` can run.
pub fn has_nextest() -> bool {
    cargo::command()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_there_only_with_its_core_library() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(!holds_core(&folder.path().join("absent")));
        assert!(!holds_core(folder.path()));
        std::fs::write(folder.path().join("libcore-0123456789abcdef.rlib"), "")
            .expect("a file is written");
        assert!(holds_core(folder.path()));
    }
}
