//! What goes wrong on the host's side.

use std::path::PathBuf;

use bursar_domain::canonical::CanonicalError;

use crate::refusal::Refusal;

/// Trouble that is not the plugin's doing, and files that are no plugins.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not accepted as a plugin.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The office could not answer a call: the run's report is lost, the run stays queued.
    #[error("the run ended by trouble of the host")]
    Host(#[source] bursar_office::Error),
    /// The claim's stored configuration or input is none that the log could hold.
    #[error("the claim holds JSON that has no canonical form")]
    Claim(#[from] CanonicalError),
    /// The sandbox itself could not be set up.
    #[error("the sandbox failed: {0}")]
    Sandbox(String),
    /// The folder of compiled plugins cannot be used.
    #[error("cannot use the folder of compiled plugins {path}")]
    Cache {
        /// The folder, or a file in it.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
