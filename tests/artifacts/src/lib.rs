//! Builds or finds the plugins and the program that tests run, when a test asks for one.
//!
//! Knows where the guests and the first-party plugins are and hands them to [`bursar_runtime::package`], which makes
//! every component of Rust; those of other languages are committed, and built by their own tools ([`committed`],
//! [`rebuilt`]). Cargo's own lock lets one process of a test run build and the others find it done.
#![expect(
    clippy::missing_panics_doc,
    reason = "what cannot be built fails the test that asked for it"
)]

mod foreign;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use bursar_runtime::package;
use serde_json::Value;

pub use foreign::{Rebuilt, committed, rebuilt};

macro_rules! guests {
    ($($variant:ident => $name:literal,)*) => {
        /// A plugin of `tests/guests`: one for each source there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Guest { $(
            #[doc = concat!("`", $name, "`")]
            $variant,
        )* }

        impl Guest {
            /// All of them, by name.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// What [`guest`] and [`module`] know it by.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// The project's root folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders deep")
}

/// Every function of the contract, as "interface.function", from the text of `wit/`.
pub fn contract() -> BTreeSet<String> {
    let entries = std::fs::read_dir(workspace().join("wit")).expect("the contract is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut functions = BTreeSet::new();
    for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "wit")) {
        let text = std::fs::read_to_string(&path).expect("WIT is text");
        let mut interface = String::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("interface ") {
                name.trim_end_matches(" {").clone_into(&mut interface);
            }
            if let Some((name, _)) = line.trim().split_once(": func(") {
                functions.insert(format!("{interface}.{name}"));
            }
        }
    }
    assert!(functions.remove("handler.run"), "the contract was not read");
    functions
}

/// Where components are built: apart from the host's own build, whose lock cargo may hold.
fn target_dir() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join("guests")
}

fn modules() -> &'static BTreeMap<String, PathBuf> {
    static MODULES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    MODULES.get_or_init(|| {
        let cargo_toml = workspace().join("tests/guests/Cargo.toml");
        package::compile(&cargo_toml, &target_dir(), &["--examples"]).expect("the guests build")
    })
}

/// The core module of a guest of `tests/guests`.
pub fn module(name: &str) -> Vec<u8> {
    let path = modules()
        .get(name)
        .unwrap_or_else(|| panic!("there is no guest {name:?}"));
    std::fs::read(path).expect("cargo has just named this file")
}

/// The manifest of a guest of `tests/guests`.
pub fn manifest(name: &str) -> String {
    let path = workspace()
        .join("tests/guests/manifests")
        .join(name)
        .with_extension("toml");
    std::fs::read_to_string(path).expect("every guest has a manifest")
}

/// A guest of `tests/guests` as a component with its manifest, whether or not the host would install it.
pub fn guest(name: &str) -> Vec<u8> {
    package::assemble(&module(name), &manifest(name)).expect("the guest becomes a component")
}

/// A plugin of `plugins/` as `bursar plugin build` makes it.
pub fn plugin(name: &str) -> Vec<u8> {
    package::build_crate(&workspace().join("plugins").join(name), &target_dir())
        .expect("the plugin builds")
        .component
}

/// Names the program that `cargo xtask test` has built before the tests.
const PROGRAM_VARIABLE: &str = "BURSAR_TEST_PROGRAM";

/// The program `bursar`: the one that the environment names, else built here.
///
/// Built with the whole workspace's features, which are those of the tests' own build: nothing is compiled twice.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        std::env::var_os(PROGRAM_VARIABLE).map_or_else(build_program, PathBuf::from)
    })
}

fn build_program() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .args([
            "build",
            "--workspace",
            "--bin",
            "bursar",
            "--message-format",
            "json-render-diagnostics",
        ]);
    // What cargo told this test of its own package; build scripts that ask for it would run again, and much after them.
    let own = std::env::vars_os().map(|(name, _)| name);
    for name in own.filter(|name| is_of_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "the program builds");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "bursar")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.expect("cargo names what it has just built")
}

fn is_of_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}
