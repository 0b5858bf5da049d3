//! The copy of the project that faults are planted in.
//!
//! Job: keeps a copy beside the build that is the project to the byte, but for one fault at a time. The project itself is
//! never written to. Entered at [`Tree::copied`] and [`check`].

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::faults::Fault;

/// A copy of the project, and a place for what is built of it.
pub struct Tree {
    folder: PathBuf,
    work: PathBuf,
    /// Nobody else plants into the same copy until this is dropped.
    _lock: File,
}

/// A file of the copy with a fault in it.
pub struct Planted {
    path: PathBuf,
    original: String,
}

impl Tree {
    /// Brings the copy in a work folder to the state of the project. What is the same stays untouched, so that what was
    /// built of it is still good.
    pub fn copied(root: &Path, work: &Path) -> Result<Self> {
        let folder = work.join("tree");
        std::fs::create_dir_all(&folder).context("cannot make the folder of the copy")?;
        let lock = File::create(work.join("lock")).context("cannot make the copy's lock")?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            bail!(
                "another run plants faults into {}: wait for its end",
                folder.display()
            );
        }
        let wanted = files_of(root)?;
        for name in &wanted {
            copy(&root.join(name), &folder.join(name))
                .with_context(|| format!("cannot copy {}", name.display()))?;
        }
        let noted = work.join("files");
        let before = std::fs::read(&noted).unwrap_or_default();
        for gone in names_in(&before).difference(&wanted) {
            let path = folder.join(gone);
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        let names: Vec<&[u8]> = wanted.iter().map(|it| it.as_os_str().as_bytes()).collect();
        std::fs::write(noted, names.join(&0))?;
        Ok(Self {
            folder,
            work: work.to_owned(),
            _lock: lock,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its programs are built.
    pub fn target(&self) -> PathBuf {
        self.work.join("target")
    }

    /// Where the output of its tests is kept.
    pub fn logs(&self) -> PathBuf {
        self.work.join("logs")
    }

    /// Plants a fault.
    pub fn plant(&self, fault: &Fault) -> Result<Planted> {
        check(&self.folder, fault)?;
        let path = self.folder.join(fault.file);
        let original = std::fs::read_to_string(&path)?;
        std::fs::write(&path, original.replacen(fault.find, fault.replace, 1))?;
        Ok(Planted { path, original })
    }
}

impl Planted {
    /// The file as it was.
    pub fn taken_away(self) -> Result<()> {
        std::fs::write(&self.path, &self.original)
            .with_context(|| format!("cannot restore {}", self.path.display()))
    }
}

/// Whether a fault's text is where the list says, and only once.
pub fn check(root: &Path, fault: &Fault) -> Result<()> {
    let name = fault.name;
    let text = std::fs::read_to_string(root.join(fault.file))
        .with_context(|| format!("the fault {name}: {}", fault.file))?;
    let times = text.matches(fault.find).count();
    if times != 1 {
        bail!(
            "the fault {name}: its text occurs {times} times in {}, not once: mend the list",
            fault.file
        );
    }
    Ok(())
}

/// What git knows of the project, and what is new in it.
fn files_of(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let listed = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .context("cannot start git")?;
    if !listed.status.success() {
        bail!("git cannot list the project's files");
    }
    let mut files = names_in(&listed.stdout);
    // Removed, and not yet committed so.
    files.retain(|name| root.join(name).is_file());
    Ok(files)
}

fn names_in(bytes: &[u8]) -> BTreeSet<PathBuf> {
    let names = bytes.split(|byte| *byte == 0);
    let names = names.filter(|name| !name.is_empty());
    names.map(|name| OsStr::from_bytes(name).into()).collect()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let content = std::fs::read(from)?;
    if std::fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // With its permissions: some files are programs.
    std::fs::copy(from, to)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::faults::DOMAIN;
    use super::*;

    const FAULT: Fault = Fault {
        name: "three",
        about: "two and two are three",
        breaks: "arithmetic",
        file: "sums",
        find: "four",
        replace: "three",
        suite: &DOMAIN,
        tests: &[],
    };

    fn git(folder: &Path, words: &[&str]) {
        let status = Command::new("git").current_dir(folder).args(words).status();
        assert!(status.expect("git runs").success());
    }

    #[test]
    fn a_copy_follows_the_project_and_takes_one_fault_at_a_time() {
        let (root, work) = [(); 2]
            .map(|()| tempfile::tempdir().expect("a folder"))
            .into();
        git(root.path(), &["init", "--quiet"]);
        let write = |name: &str, text: &str| {
            std::fs::write(root.path().join(name), text).expect("a file is written");
        };
        write("sums", "2 + 2 is four");
        write("gone", "");
        Tree::copied(root.path(), work.path()).expect("a copy");
        std::fs::remove_file(root.path().join("gone")).expect("a file is removed");
        let tree = Tree::copied(root.path(), work.path()).expect("a copy");
        let sums = || std::fs::read_to_string(tree.folder().join("sums")).expect("a file");
        assert!(!tree.folder().join("gone").exists());
        let other = Tree::copied(root.path(), work.path()).err();
        let told = other.expect("somebody is at it").to_string();
        assert!(told.contains("another run"), "{told}");

        let planted = tree.plant(&FAULT).expect("it fits");
        assert_eq!(sums(), "2 + 2 is three");
        assert!(tree.plant(&FAULT).is_err());
        planted.taken_away().expect("it is taken away");
        assert_eq!(sums(), "2 + 2 is four");

        write("sums", "four is four");
        let error = check(root.path(), &FAULT).expect_err("it is there twice");
        assert!(error.to_string().contains("three"), "{error}");
    }
}
