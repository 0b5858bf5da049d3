//! From source to a plugin: core module, component, manifest section.
//!
//! The one place that makes components; `bursar plugin build` and the tests' guests come here. Runs cargo as a child
//! process, and nothing of what it builds.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bursar_domain::manifest::{MANIFEST_BYTES_MAX, SECTION};
use serde::Deserialize;
use wasm_encoder::{CustomSection, Encode, Section};
use wasmparser::Parser;
use wit_component::ComponentEncoder;

use crate::{
    inspect::{Inspection, inspect},
    refusal::Refusal,
};

/// The target without `wasi:*` imports.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// A plugin's manifest, beside its Cargo.toml.
pub const MANIFEST_FILE: &str = "plugin.toml";

/// Small components, and traps instead of unwinding.
const PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
];

/// Why no plugin came out.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Cargo cannot be started.
    #[error("cannot start cargo")]
    Start(#[source] std::io::Error),
    /// The source does not compile; what cargo said.
    #[error("cargo could not build the plugin:\n{0}")]
    Build(String),
    /// The package is no plugin.
    #[error(
        "{folder} builds {count} WebAssembly libraries, a plugin is one (crate-type = [\"cdylib\"])"
    )]
    NotOneLibrary {
        /// The package.
        folder: PathBuf,
        /// How many it builds.
        count: usize,
    },
    /// The core module's contract metadata is missing or does not fit it.
    #[error("cannot make a component of the module: {0}")]
    Encode(String),
    /// The host would not install what came out.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A plugin and what the host would say to it.
#[derive(Clone, Debug)]
pub struct Built {
    /// The plugin.
    pub component: Vec<u8>,
    /// What it asks for and reaches.
    pub inspection: Inspection,
}

/// Makes a plugin of a core module that carries its contract (as wit-bindgen leaves it), or of a finished component.
///
/// Refuses what the host would refuse.
pub fn component(module: &[u8], manifest: &str) -> Result<Built, PackageError> {
    let component = assemble(module, manifest)?;
    let inspection = inspect(&component)?;
    Ok(Built {
        component,
        inspection,
    })
}

/// As [`component`], without asking whether the host would install it.
pub fn assemble(module: &[u8], manifest: &str) -> Result<Vec<u8>, PackageError> {
    let mut component = if Parser::is_component(module) {
        module.to_vec()
    } else {
        encode(module)?
    };
    if manifest.len() > MANIFEST_BYTES_MAX {
        return Err(PackageError::Encode(format!(
            "the manifest has more than {MANIFEST_BYTES_MAX} bytes"
        )));
    }
    let section = CustomSection {
        name: Cow::Borrowed(SECTION),
        data: Cow::Borrowed(manifest.as_bytes()),
    };
    component.push(section.id());
    section.encode(&mut component);
    Ok(component)
}

fn encode(module: &[u8]) -> Result<Vec<u8>, PackageError> {
    let mut encoder = ComponentEncoder::default();
    let component = encoder
        .module(module)
        .and_then(|encoder| encoder.validate(true).encode());
    component.map_err(|error| PackageError::Encode(format!("{error:#}")))
}

/// Builds the plugin crate in a folder, with its `plugin.toml`.
pub fn build_crate(folder: &Path, target_dir: &Path) -> Result<Built, PackageError> {
    let modules = compile(&folder.join("Cargo.toml"), target_dir, &["--lib"])?;
    let mut modules = modules.into_values();
    let (Some(module), None) = (modules.next(), modules.next()) else {
        return Err(PackageError::NotOneLibrary {
            folder: folder.to_owned(),
            count: modules.len(),
        });
    };
    let manifest = read(&folder.join(MANIFEST_FILE))?;
    let manifest = String::from_utf8(manifest)
        .map_err(|error| PackageError::Encode(format!("{MANIFEST_FILE}: {error}")))?;
    component(&read(&module)?, &manifest)
}

/// Compiles a package's libraries for [`TARGET`] with the small profile; gives core modules by their target's name.
///
/// `selection` are cargo's words for what to build, such as `--lib` or `--examples`.
pub fn compile(
    cargo_toml: &Path,
    target_dir: &Path,
    selection: &[&str],
) -> Result<BTreeMap<String, PathBuf>, PackageError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--release",
            "--quiet",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(selection)
        .arg("--manifest-path")
        .arg(cargo_toml)
        .arg("--target-dir")
        .arg(target_dir)
        .envs(PROFILE.iter().copied())
        // Flags that were meant for the host's own build.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null());
    let output = command.output().map_err(PackageError::Start)?;
    if !output.status.success() {
        return Err(PackageError::Build(
            String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned(),
        ));
    }
    let manifest_path = cargo_toml
        .canonicalize()
        .map_err(|source| PackageError::Read {
            path: cargo_toml.to_owned(),
            source,
        })?;
    let lines = output.stdout.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice::<Artifact>(line).ok())
        .filter_map(|artifact| artifact.module(&manifest_path))
        .collect())
}

/// One line of cargo's JSON messages; lines of another shape are about something else.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Artifact {
    fn module(self, manifest_path: &Path) -> Option<(String, PathBuf)> {
        let ours = self
            .manifest_path
            .canonicalize()
            .is_ok_and(|path| path == manifest_path);
        let module = self.filenames.into_iter().find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        });
        module
            .filter(|_| ours)
            .map(|module| (self.target.name, module))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PackageError> {
    std::fs::read(path).map_err(|source| PackageError::Read {
        path: path.to_owned(),
        source,
    })
}
