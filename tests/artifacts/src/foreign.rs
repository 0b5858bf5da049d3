//! Components of other languages: as they are committed, and built anew where their tools are.
//!
//! A folder's `build.toml` says with which toolchain it is built and how. Which toolchains are ready, with everything that
//! they need fetched, the environment tells: `cargo xtask test` has seen to it. A Rust crate needs no more than cargo.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use bursar_runtime::package;
use serde::Deserialize;

use crate::target_dir;

/// How a folder's component is built; beside its `plugin.toml`.
const RECIPE_FILE: &str = "build.toml";
/// Where a folder keeps its component, packed and with its digest.
const COMMITTED_FOLDER: &str = "component";
/// Names of toolchains that are ready, separated by commas.
const TOOLCHAINS_VARIABLE: &str = "BURSAR_TEST_TOOLCHAINS";
/// The toolchain that the tests themselves are built with.
const CARGO: &str = "cargo";
/// In a recipe's command: the file that the component goes to.
const COMPONENT_WORD: &str = "{component}";

/// A folder's `build.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    /// "cargo" for a Rust crate, else a name that the environment knows, such as "npm".
    toolchain: String,
    /// Program and arguments, run in the folder; none for a Rust crate.
    #[serde(default)]
    command: Vec<String>,
}

/// What became of building a component anew.
#[derive(Debug)]
pub enum Rebuilt {
    /// The component.
    Component(Vec<u8>),
    /// This toolchain is not ready here.
    Without(String),
}

/// The component that a folder keeps committed, if it keeps one.
pub fn committed(folder: &Path) -> Option<Vec<u8>> {
    let kept = folder.join(COMMITTED_FOLDER);
    kept.is_dir()
        .then(|| bursar_packed::unpack(&kept).unwrap_or_else(|error| panic!("{error}")))
}

/// The component of a folder, built from its source now.
pub fn rebuilt(folder: &Path) -> Rebuilt {
    let recipe = recipe_of(folder);
    if recipe.toolchain == CARGO {
        let built = package::build_crate(folder, &target_dir());
        let built = built.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        return Rebuilt::Component(built.component);
    }
    let ready = std::env::var(TOOLCHAINS_VARIABLE).unwrap_or_default();
    if ready.split(',').any(|name| name == recipe.toolchain) {
        Rebuilt::Component(build(folder, &recipe.command))
    } else {
        Rebuilt::Without(recipe.toolchain)
    }
}

fn recipe_of(folder: &Path) -> Recipe {
    let path = folder.join(RECIPE_FILE);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn build(folder: &Path, command: &[String]) -> Vec<u8> {
    let out = tempfile::tempdir().expect("a temporary folder");
    let component = out.path().join("component.wasm");
    let words: Vec<String> = command
        .iter()
        .map(|word| word.replace(COMPONENT_WORD, &component.display().to_string()))
        .collect();
    let (program, arguments) = words.split_first().expect("the recipe has a command");
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    assert!(
        output.status.success(),
        "{} does not build: {}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read(&component).expect("the command leaves the component where it is told to")
}
