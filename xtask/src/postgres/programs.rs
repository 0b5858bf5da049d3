//! Where PostgreSQL's programs lie.
//!
//! Job: the folder that holds `initdb` and `pg_ctl` of a release that the project supports. It does not run a server.
//! Entered at [`Programs::find`].

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The oldest release that the project supports.
const MAJOR_MIN: u32 = 15;
/// Debian keeps each release in a folder of its own and puts only the client's programs on the path.
const VERSIONED: &str = "/usr/lib/postgresql";

/// The programs of one release.
#[derive(Debug, PartialEq, Eq)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Looks along the path, then in the versioned folders, newest first.
    pub fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut too_old = None;
        for folder in candidates(&path, Path::new(VERSIONED)) {
            match major_of(&folder) {
                Some(major) if major >= MAJOR_MIN => return Ok(Self { folder }),
                Some(major) => too_old = Some((folder, major)),
                None => {}
            }
        }
        match too_old {
            Some((folder, major)) => {
                bail!(
                    "PostgreSQL {major} in {} is older than {MAJOR_MIN}",
                    folder.display()
                )
            }
            None => bail!("initdb and pg_ctl not found; install PostgreSQL {MAJOR_MIN} or newer"),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The folders that hold both programs, in the order in which they are preferred.
fn candidates(path: &OsStr, versioned: &Path) -> Vec<PathBuf> {
    std::env::split_paths(path)
        .chain(newest_first(versioned))
        .filter(|folder| folder.is_absolute())
        .filter(|folder| {
            ["initdb", "pg_ctl"]
                .iter()
                .all(|program| folder.join(program).is_file())
        })
        .collect()
}

fn newest_first(versioned: &Path) -> Vec<PathBuf> {
    let mut majors: Vec<u32> = fs::read_dir(versioned)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    majors.sort_unstable_by(|left, right| right.cmp(left));
    majors
        .iter()
        .map(|major| versioned.join(major.to_string()).join("bin"))
        .collect()
}

fn major_of(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("initdb"))
        .arg("--version")
        .output()
        .ok()?;
    major_in(std::str::from_utf8(&output.stdout).ok()?)
}

/// The first number after the product's name, as in `initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_in(version: &str) -> Option<u32> {
    let (_, rest) = version.split_once("(PostgreSQL) ")?;
    let digits_end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits_end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path, programs: &[&str]) {
        fs::create_dir_all(folder).expect("a folder is made");
        for program in programs {
            fs::write(folder.join(program), "").expect("a file is written");
        }
    }

    #[test]
    fn the_major_release_is_read_from_every_form_of_version() {
        for (version, expected) in [
            (
                "initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n",
                Some(15),
            ),
            ("initdb (PostgreSQL) 18beta1\n", Some(18)),
            ("initdb (PostgreSQL) 17", Some(17)),
            ("initdb (PostgreSQL) 9.6.24\n", Some(9)),
            ("initdb (PostgreSQL) devel\n", None),
            ("initdb 15.1\n", None),
            ("", None),
        ] {
            assert_eq!(major_in(version), expected, "{version:?}");
        }
    }

    #[test]
    fn releases_are_ordered_by_number_and_not_by_text() {
        let versioned = tempfile::tempdir().expect("a temporary folder");
        for name in ["9.6", "15", "9", "100", "common"] {
            install(&versioned.path().join(name).join("bin"), &[]);
        }
        let expected = ["100", "15", "9"].map(|major| versioned.path().join(major).join("bin"));
        assert_eq!(newest_first(versioned.path()), expected);
    }

    #[test]
    fn the_path_comes_first_and_half_an_installation_does_not_count() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let [whole, half, versioned] =
            ["whole", "half", "versioned"].map(|name| root.path().join(name));
        install(&whole, &["initdb", "pg_ctl"]);
        install(&half, &["initdb"]);
        install(&versioned.join("15/bin"), &["initdb", "pg_ctl"]);
        install(&versioned.join("16/bin"), &["pg_ctl"]);
        let path = std::env::join_paths([&half, &whole]).expect("no colon in the names");
        assert_eq!(
            candidates(&path, &versioned),
            [whole, versioned.join("15/bin")]
        );
    }

    #[test]
    fn without_any_folder_there_is_no_candidate() {
        assert_eq!(
            candidates(OsStr::new(""), Path::new("/nowhere/at/all")),
            Vec::<PathBuf>::new()
        );
    }
}
