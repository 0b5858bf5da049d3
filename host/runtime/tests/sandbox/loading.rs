//! Compiling, and the folder of what was compiled.

use std::{os::unix::fs::MetadataExt, path::PathBuf};

use bursar_domain::manifest::Limits;
use bursar_runtime::{CacheFolder, Error, Refusal, Runtime, Settings};
use serde_json::json;

use crate::office::{Office, runtime};

fn sandbox(folder: &std::path::Path, key: [u8; 32]) -> Runtime {
    let cache = CacheFolder {
        path: folder.join("compiled"),
        key,
    };
    Runtime::new(Settings {
        cache: Some(cache),
        instances_max: 1,
    })
    .expect("the sandbox starts")
}

fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("compiled")).expect("the folder is there");
    entries.map(|entry| entry.expect("a file").path()).collect()
}

/// Loads a guest in a sandbox of its own; gives the one file of the folder and its inode.
fn load(folder: &std::path::Path, key: [u8; 32], guest: &str) -> (PathBuf, u64) {
    sandbox(folder, key)
        .load(&bursar_artifacts::guest(guest))
        .expect("a plugin");
    let files = files(folder);
    let [file] = files.as_slice() else {
        panic!("one file: {files:?}")
    };
    (
        file.clone(),
        std::fs::metadata(file).expect("it is there").ino(),
    )
}

#[test]
fn a_compiled_plugin_is_kept_and_taken_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = load(folder.path(), [3; 32], "caller");
    assert_eq!(load(folder.path(), [3; 32], "caller"), first);
}

#[test]
fn a_compiled_plugin_that_was_touched_is_compiled_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, mut inode) = load(folder.path(), [3; 32], "caller");
    let good = std::fs::read(&file).expect("it is there");
    for place in [0, 31, 32, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&file, bad).expect("the folder is ours");
        let (_, now) = load(folder.path(), [3; 32], "caller");
        // The new file was there before the old one went, so it cannot have the same inode; a later one may.
        assert_ne!(now, inode, "byte {place}");
        inode = now;
        assert_eq!(std::fs::read(&file).expect("it is there").len(), good.len());
    }
    for length in [0, 10, 32, good.len() - 1] {
        std::fs::write(&file, &good[..length]).expect("the folder is ours");
        load(folder.path(), [3; 32], "caller");
        assert_eq!(std::fs::read(&file).expect("it is there").len(), good.len());
    }
}

#[test]
fn a_compiled_plugin_of_another_key_is_not_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, first) = load(folder.path(), [3; 32], "caller");
    let (_, second) = load(folder.path(), [4; 32], "caller");
    assert_ne!(first, second);
}

#[test]
fn a_compiled_plugin_under_another_ones_name_is_not_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (caller, _) = load(folder.path(), [3; 32], "caller");
    let foreign = std::fs::read(&caller).expect("it is there");
    std::fs::remove_file(&caller).expect("the folder is ours");
    let (hungry, _) = load(folder.path(), [3; 32], "hungry");
    std::fs::write(&hungry, &foreign).expect("the folder is ours");
    load(folder.path(), [3; 32], "hungry");
    assert_ne!(std::fs::read(&hungry).expect("it is there"), foreign);
}

#[tokio::test]
async fn a_plugin_from_the_folder_works_as_the_compiled_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let office = Office::open().await;
    let limits = Limits::default();
    let compiled = office
        .execute("caller", json!({"calls": 3}), limits.clone())
        .await
        .expect("no trouble")
        .outcome;
    for _ in 0..2 {
        let sandbox = sandbox(folder.path(), [3; 32]);
        let plugin = sandbox
            .load(&bursar_artifacts::guest("caller"))
            .expect("a plugin");
        let report = office
            .execute_in(&sandbox, &plugin, json!({"calls": 3}), limits.clone())
            .await
            .expect("no trouble");
        assert_eq!(report.outcome, compiled);
    }
}

#[test]
fn a_loaded_plugin_is_found_by_its_digest() {
    let plugin = runtime()
        .load(&bursar_artifacts::guest("caller"))
        .expect("a plugin");
    let digest = &plugin.inspection().digest;
    assert_eq!(
        runtime()
            .find(digest)
            .map(|found| found.inspection().clone())
            .as_ref(),
        Some(plugin.inspection())
    );
    assert!(runtime().find("none").is_none());
}

#[test]
pub fn a_component_of_other_types_does_not_fit() {
    let refused = runtime()
        .load(&bursar_artifacts::guest("misfit"))
        .map(|plugin| plugin.inspection().clone());
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::DoesNotFit(_)))),
        "{refused:?}"
    );
}

#[test]
fn what_is_refused_is_not_compiled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = sandbox(folder.path(), [3; 32])
        .load(&bursar_artifacts::guest("greedy"))
        .map(|_| ());
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::ExceedsManifest(_)))),
        "{refused:?}"
    );
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}
