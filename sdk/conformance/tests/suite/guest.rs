//! The guests: a folder for each language.

use std::path::PathBuf;

use bursar_artifacts::{Rebuilt, committed, rebuilt};
use bursar_runtime::{Inspection, inspect};

use crate::{folder, folders_in};

/// One language's guest.
pub struct Guest {
    /// The folder's name.
    pub language: String,
    pub folder: PathBuf,
}

pub fn all() -> Vec<Guest> {
    let folders = folders_in(&folder().join("guests"));
    let guest = |folder: PathBuf| Guest {
        language: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        folder,
    };
    folders.into_iter().map(guest).collect()
}

impl Guest {
    /// Whether its component is kept, so that it runs without its toolchain.
    pub fn is_committed(&self) -> bool {
        self.folder.join("component").is_dir()
    }

    /// The committed component, else one that is built now.
    pub fn component(&self) -> Vec<u8> {
        committed(&self.folder).unwrap_or_else(|| match rebuilt(&self.folder) {
            Rebuilt::Component(component) => component,
            Rebuilt::Without(toolchain) => {
                panic!(
                    "{} keeps no component, and {toolchain} is not ready",
                    self.language
                )
            }
        })
    }

    pub fn inspection(&self) -> Inspection {
        inspect(&self.component()).expect("the guest is a plugin")
    }
}
