//! Unpacks the plugins that are committed as components, so that they can be used without their language's tools.
//!
//! A folder holds one component as `NAME.wasm.gz`, and in `digest.txt` the SHA-256 of what it unpacks to. Knows nothing of
//! components: bytes and digests only. Entered by [`unpack`].

use std::{
    fmt::Write as _,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// Ending of the one packed component of a folder.
const PACKED: &str = ".wasm.gz";
/// File with the component's SHA-256 in hexadecimal digits.
const DIGEST_FILE: &str = "digest.txt";
/// Largest component that is unpacked, in bytes: more is somebody's bomb.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// Why a component cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read, or is no gzip.
    #[error("cannot read {path}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder does not hold exactly one component.
    #[error("{folder} holds {count} files that end in {PACKED}, not one")]
    NotOne {
        /// The folder.
        folder: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// The component is too large.
    #[error("{path} unpacks to more than {COMPONENT_BYTES_MAX} bytes")]
    TooLarge {
        /// Which one.
        path: PathBuf,
    },
    /// The component is not the one that was committed with its digest.
    #[error("{path} unpacks to {found}, but {DIGEST_FILE} beside it says {expected}")]
    Digest {
        /// Which one.
        path: PathBuf,
        /// The digest of what is there.
        found: String,
        /// The digest that it should have.
        expected: String,
    },
}

/// The component of a folder, if it is the one that `digest.txt` names.
pub fn unpack(folder: &Path) -> Result<Vec<u8>, Error> {
    let path = packed_in(folder)?;
    let component = decompressed(&path)?;
    let digest_file = folder.join(DIGEST_FILE);
    let expected = std::fs::read_to_string(&digest_file).map_err(unreadable(&digest_file))?;
    let (expected, found) = (expected.trim().to_owned(), digest_of(&component));
    if found == expected {
        Ok(component)
    } else {
        Err(Error::Digest {
            path,
            found,
            expected,
        })
    }
}

fn packed_in(folder: &Path) -> Result<PathBuf, Error> {
    let entries = std::fs::read_dir(folder).map_err(unreadable(folder))?;
    let mut packed = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable(folder))?.path();
        if path.to_string_lossy().ends_with(PACKED) {
            packed.push(path);
        }
    }
    match packed.pop() {
        Some(path) if packed.is_empty() => Ok(path),
        rest => Err(Error::NotOne {
            folder: folder.to_owned(),
            count: packed.len() + usize::from(rest.is_some()),
        }),
    }
}

fn decompressed(path: &Path) -> Result<Vec<u8>, Error> {
    let file = std::fs::File::open(path).map_err(unreadable(path))?;
    let mut component = Vec::new();
    MultiGzDecoder::new(file)
        .take(COMPONENT_BYTES_MAX + 1)
        .read_to_end(&mut component)
        .map_err(unreadable(path))?;
    if component.len() as u64 > COMPONENT_BYTES_MAX {
        return Err(Error::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(component)
}

fn digest_of(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a text does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    |source| Error::Read { path, source }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;

    const CONTENT: &[u8] = b"a component";

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).expect("a file is written");
        }
        folder
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("it goes into memory");
        encoder.finish().expect("it goes into memory")
    }

    #[test]
    fn a_component_comes_out_as_it_went_in() {
        let digest = format!("{}\n", digest_of(CONTENT));
        let folder = folder(&[
            ("one.wasm.gz", &packed(CONTENT)),
            ("digest.txt", digest.as_bytes()),
        ]);
        let component = unpack(folder.path()).expect("the folder is good");
        assert_eq!(component, CONTENT);
    }

    #[test]
    fn a_digest_is_the_standards_sha_256() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest_of(b"abc"), of_abc);
    }

    #[test]
    fn another_component_than_the_digest_names_is_refused() {
        let digest = digest_of(b"another");
        let folder = folder(&[
            ("one.wasm.gz", &packed(CONTENT)),
            ("digest.txt", digest.as_bytes()),
        ]);
        let error = unpack(folder.path()).expect_err("the digest is another's");
        assert!(matches!(error, Error::Digest { .. }), "{error}");
    }

    #[test]
    fn a_folder_holds_one_whole_component_and_its_digest() {
        let (one, digest) = (packed(CONTENT), digest_of(CONTENT));
        let digest = ("digest.txt", digest.as_bytes());
        let check = |files: &[(&str, &[u8])], expected: &str| {
            let error = unpack(folder(files).path()).expect_err(expected);
            let words = error.to_string();
            assert!(words.contains(expected), "{words}");
        };
        check(&[digest], "holds 0 files");
        check(
            &[("a.wasm.gz", &one), ("b.wasm.gz", &one), digest],
            "holds 2 files",
        );
        check(&[("a.wasm.gz", &one)], "digest.txt");
        check(&[("a.wasm.gz", CONTENT), digest], "a.wasm.gz");
        check(&[("a.wasm.gz", &one[..one.len() - 1]), digest], "a.wasm.gz");
    }
}
