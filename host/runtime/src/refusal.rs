//! Why a file is not accepted as a plugin.
//!
//! Each reason has a stable code for programs, a sentence for people and a hint at what to do.

use bursar_domain::problem::Problem;

/// Largest component, in bytes.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// A file that is no plugin, or asks for what it may not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `too-large`
    #[error("the file has {bytes} bytes, a component has at most {COMPONENT_BYTES_MAX}")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
    },
    /// `over-limit`
    #[error("{limit} is {allowed}, the component has {used}")]
    OverLimit {
        /// Its name.
        limit: &'static str,
        /// Its value.
        allowed: u64,
        /// What the component has, as far as it was read.
        used: u64,
    },
    /// `not-wasm`
    #[error("the file is not WebAssembly")]
    NotWasm,
    /// `not-component`
    #[error("the file is a core WebAssembly module, not a component")]
    NotComponent,
    /// `malformed`
    #[error("the component is malformed: {0}")]
    Malformed(String),
    /// `no-manifest`
    #[error("the component carries no manifest")]
    NoManifest,
    /// `several-manifests`
    #[error("the component carries {0} manifests")]
    SeveralManifests(usize),
    /// `manifest-invalid`
    #[error("the manifest is invalid: {}", list(.0))]
    ManifestInvalid(Vec<Problem>),
    /// `unknown-import`
    #[error("the component imports {0:?}, which the host does not have")]
    UnknownImport(String),
    /// `other-contract`
    #[error("the component was built against {found:?}, the host has version {expected}")]
    OtherContract {
        /// What it imports or exports.
        found: String,
        /// The host's version of the contract.
        expected: &'static str,
    },
    /// `exceeds-manifest`
    #[error("the component reaches further than its manifest asks: {}", list(.0))]
    ExceedsManifest(Vec<Excess>),
    /// `no-handler`
    #[error("the component exports no handler with a function \"run\"")]
    NoHandler,
    /// `does-not-fit`
    #[error("the component does not fit the host: {0}")]
    DoesNotFit(String),
}

/// An imported function whose permission the manifest does not ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// As "interface.function".
    pub function: String,
    /// The permission that is missing, such as "records: update".
    pub missing: String,
}

impl std::fmt::Display for Excess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} needs the permission {:?}",
            self.function, self.missing
        )
    }
}

impl Refusal {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::OverLimit { .. } => "over-limit",
            Self::NotWasm => "not-wasm",
            Self::NotComponent => "not-component",
            Self::Malformed(_) => "malformed",
            Self::NoManifest => "no-manifest",
            Self::SeveralManifests(_) => "several-manifests",
            Self::ManifestInvalid(_) => "manifest-invalid",
            Self::UnknownImport(_) => "unknown-import",
            Self::OtherContract { .. } => "other-contract",
            Self::ExceedsManifest(_) => "exceeds-manifest",
            Self::NoHandler => "no-handler",
            Self::DoesNotFit(_) => "does-not-fit",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => {
                "build with optimisation for size, and strip debug information"
            }
            Self::OverLimit { .. } => "leave out what the plugin does not need, or make two of it",
            Self::NotWasm
            | Self::NotComponent
            | Self::Malformed(_)
            | Self::NoManifest
            | Self::SeveralManifests(_) => "make the component with `bursar plugin build`",
            Self::ManifestInvalid(_) => "correct plugin.toml and build again",
            Self::UnknownImport(_) | Self::DoesNotFit(_) => "build against the host's wit/ folder",
            Self::OtherContract { .. } => "build again with the SDK that belongs to this host",
            Self::ExceedsManifest(_) => {
                "ask for the permission in plugin.toml, with a reason, or do not call the function"
            }
            Self::NoHandler => "export the interface `handler` of the contract",
        }
    }
}

impl From<wasmparser::BinaryReaderError> for Refusal {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
