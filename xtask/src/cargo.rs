//! Calls cargo.
//!
//! Job: cargo commands at the workspace's root, and where a built program lies. It does not know what is built.
//! Entered at [`command`] and [`build`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

#[derive(Debug, Clone, Copy)]
pub enum Profile {
    Dev,
    Release,
}

/// The workspace's root folder.
///
/// Asked for at run time, since two clones with one target folder share this program, and each means its own root.
pub fn root() -> PathBuf {
    let built_in = || OsString::from(env!("CARGO_MANIFEST_DIR"));
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(built_in));
    here.parent()
        .expect("this crate lies in a folder of the workspace")
        .to_owned()
}

/// The folder that everything is built in.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |it| root().join(it))
}

/// The cargo that started us, at the workspace's root.
pub fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root());
    // What cargo told us of our own package; build scripts that ask for it would run again, and much after them.
    let own = std::env::vars_os().map(|(name, _)| name);
    for name in own.filter(|name| is_of_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_of_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// Builds a program of the workspace and says where it lies; progress goes to stderr.
///
/// The whole workspace is selected, so that features are the same for the demo and the tests, and nothing big is compiled
/// twice.
pub fn build(program: &str, profile: Profile) -> Result<PathBuf> {
    let mut cargo = command();
    cargo.args([
        "build",
        "--workspace",
        "--bin",
        program,
        "--message-format",
        "json-render-diagnostics",
    ]);
    if let Profile::Release = profile {
        cargo.arg("--release");
    }
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("{program} does not build");
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("there is no program {program}"))
}

/// The last program that cargo's messages name: what a package depends on comes before it.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = r#"
            {"reason":"compiler-artifact","executable":"/x/build-script"}
            {"reason":"compiler-artifact","executable":"/x/bursar"}
            {"reason":"compiler-artifact","executable":null}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/x/bursar")));
    }

    #[test]
    fn a_library_has_no_program() {
        assert_eq!(
            executable(r#"{"reason":"compiler-artifact","executable":null}"#),
            None
        );
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
    }
}
