//! What is written in JavaScript and TypeScript.
//!
//! Job: fetches the tools of the packages in the repository, and runs their own tests. Without npm the committed components
//! still run; they are just not built anew. Entered at [`ensure`] and [`tests`].

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::foreground::Foreground;

/// What the recipes of components call this toolchain.
pub const TOOLCHAIN: &str = "npm";
/// The SDK first: the others link to it and use its tools.
const PACKAGES: [&str; 3] = [
    "sdk/js",
    "sdk/conformance/guests/js",
    "plugins/overdue-reminders",
];
/// Packages with a test script.
const TESTED: [&str; 2] = ["sdk/js", "plugins/overdue-reminders"];
/// The oldest Node.js that the SDK's tools run on.
const NODE_MAJOR_MIN: u32 = 20;
/// npm writes it when everything that the lock file names is there.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// Sees to it that every package has its tools; fetches what is missing or older than its lock file.
pub fn ensure(foreground: &mut Foreground) -> Result<()> {
    check_node()?;
    for package in PACKAGES {
        let folder = cargo::root().join(package);
        if is_installed(&folder) {
            continue;
        }
        eprintln!("fetching the tools of {package} with npm");
        let status = foreground.run(npm(&folder, &["ci"]).stdout(std::io::stderr()))?;
        if !status.success() {
            bail!("npm ci failed in {package}");
        }
    }
    Ok(())
}

/// The packages' own tests; those of the SDK also try it on the program.
pub fn tests(program: &Path) -> Vec<Command> {
    let test = |package| {
        let mut command = npm(&cargo::root().join(package), &["test"]);
        command.env("BURSAR", program);
        command
    };
    TESTED.into_iter().map(test).collect()
}

fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(TOOLCHAIN);
    command.current_dir(folder).args(arguments);
    command.stdin(Stdio::null());
    command
}

fn check_node() -> Result<()> {
    for program in ["npm", "node"] {
        let version = version_of(program).with_context(|| {
            format!("{program} does not start; Node.js {NODE_MAJOR_MIN} or later brings it")
        })?;
        if program == "node" && major_of(&version) < Some(NODE_MAJOR_MIN) {
            bail!("Node.js {version} is too old: {NODE_MAJOR_MIN} or later is needed");
        }
    }
    Ok(())
}

fn version_of(program: &str) -> Result<String> {
    let output = Command::new(program)
        .arg("--version")
        .stderr(Stdio::null())
        .output()?;
    if !output.status.success() {
        bail!("{program} --version failed");
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// 20 of "v20.20.2".
fn major_of(version: &str) -> Option<u32> {
    let (major, _) = version.strip_prefix('v')?.split_once('.')?;
    major.parse().ok()
}

fn is_installed(folder: &Path) -> bool {
    let written = |name: &str| folder.join(name).metadata()?.modified();
    let is_newer = || Ok::<_, std::io::Error>(written(INSTALLED)? >= written("package-lock.json")?);
    is_newer().unwrap_or(false)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_by_their_first_number() {
        assert_eq!(major_of("v20.20.2"), Some(20));
        assert!(major_of("v9.11.0") < Some(NODE_MAJOR_MIN));
        assert!(major_of("something") < Some(NODE_MAJOR_MIN));
    }

    #[test]
    fn tools_older_than_their_lock_file_are_fetched_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str| std::fs::write(folder.path().join(name), "{}");
        write("package-lock.json").expect("a file is written");
        assert!(!is_installed(folder.path()), "nothing was fetched yet");
        std::fs::create_dir(folder.path().join("node_modules")).expect("a folder is made");
        write(INSTALLED).expect("a file is written");
        assert!(is_installed(folder.path()));
        let later = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
        std::fs::File::options()
            .write(true)
            .open(folder.path().join("package-lock.json"))
            .and_then(|file| file.set_modified(later))
            .expect("a file's time can be set");
        assert!(!is_installed(folder.path()), "the lock file is newer");
    }
}
