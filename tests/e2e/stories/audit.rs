//! What leaves the host for its auditors: signed checkpoints, and the log as a file that anybody can check.

mod keeping;
mod stranger;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{
    commands::Remote,
    http::World,
    place::{Answer, Place},
};

fn on_both(story: fn(&Place)) {
    story(&Place::sqlite().founded());
    if let Some(place) = Place::postgres() {
        story(&place.founded());
    }
}

fn checkpoint(place: &Place) -> String {
    let answer = place.run(&["audit", "checkpoint"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    answer.stdout
}

fn public_key(place: &Place) -> String {
    let shown = place.call(&["audit", "public-key"]);
    shown["public_key"].as_str().expect("a key").to_owned()
}

/// Something happens.
fn commit(place: &Place, name: &str) {
    let file = place.file(name, name.as_bytes());
    place.call(&["document", "add", &file, "--folder-name", "in"]);
}

/// A verification that says what became of the log.
fn broken(place: &Place, file: &str, words: &str) -> Answer {
    let answer = place.run(&["audit", "verify", "--checkpoint", file]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    let is_told = answer.stderr.contains(words) && answer.stderr.contains("hint: ");
    assert!(is_told, "{words}: {answer:?}");
    answer
}

#[test]
fn kept_checkpoints_hold_while_the_log_grows() {
    on_both(|place| {
        let mut kept = checkpoint(place);
        commit(place, "one");
        kept.push_str(&checkpoint(place));
        commit(place, "two");
        let file = place.file("kept.jsonl", kept.as_bytes());
        let key = public_key(place);
        let key_file = place.file("key.txt", format!("{key}\n").as_bytes());
        for given in [
            &[][..],
            &["--public-key", &key],
            &["--public-key", &key_file],
        ] {
            let command = [&["audit", "verify", "--checkpoint", &file], given].concat();
            let found = place.call(&command);
            assert_eq!(
                (&found["checkpoints"], &found["findings_total"]),
                (&json!(2), &json!(0))
            );
        }
        let shown = place.run(&["audit", "verify", "--checkpoint", &file]);
        assert!(shown.stdout.contains("It holds 2 of 2 checkpoints."));
        assert!(!shown.stderr.contains("not signed"), "{shown:?}");
    });
}

#[test]
fn a_checkpoint_that_nobody_here_signed_is_refused_by_its_code() {
    on_both(|place| {
        let line = checkpoint(place);
        let refuse = |name: &str, text: &str, given: &[&str], code: &str| {
            let file = place.file(name, text.as_bytes());
            let command = [&["audit", "verify", "--checkpoint", &file], given].concat();
            place.refuse_without_trace(&command, code);
        };
        let mut changed: Value = serde_json::from_str(&line).expect("JSON");
        changed["seq"] = json!(1);
        let changed = changed.to_string();
        let wrong = "checkpoint-signature-wrong";
        refuse("changed", &changed, &[], wrong);
        refuse("second", &format!("{line}{changed}"), &[], "checkpoint 2");
        // RFC 8032's own key, which signed nothing here.
        let other = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let given = ["--public-key", other];
        refuse("other", &line, &given, "checkpoint-other-key");
        refuse("key", &line, &["--public-key", "nothing"], "public key");
        refuse("empty", "", &[], "it is empty");
        refuse("torn", &line[..40], &[], "holds no checkpoints");
    });
}

#[test]
fn a_log_that_is_shorter_or_another_is_told_apart() {
    on_both(|place| {
        let hash = "0f".repeat(32);
        let later = json!({"seq": 1_000_000, "hash": hash}).to_string();
        let file = place.file("later", later.as_bytes());
        let answer = broken(place, &file, "checkpoint-log-shorter");
        assert!(answer.stderr.contains("1 of 1 checkpoints are not signed"));
        let other = json!({"seq": 1, "hash": hash}).to_string();
        let file = place.file("other", other.as_bytes());
        broken(place, &file, "checkpoint-hash-differs");
    });
}

#[test]
fn an_older_copy_in_the_place_of_the_log_is_found() {
    let place = Place::sqlite().founded();
    let older: Vec<_> = database_files(&place)
        .into_iter()
        .map(|path| (std::fs::read(&path).expect("a file is read"), path))
        .collect();
    commit(&place, "one");
    let file = place.file("kept", checkpoint(&place).as_bytes());
    for path in database_files(&place) {
        std::fs::remove_file(path).expect("the newer one goes");
    }
    for (bytes, path) in older {
        std::fs::write(path, bytes).expect("the older one is put back");
    }
    place.assert_clean();
    broken(&place, &file, "checkpoint-log-shorter");
}

/// The database's file, and what SQLite keeps beside it.
fn database_files(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.folder()).expect("the data folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_database = |path: &PathBuf| path.display().to_string().contains("bursar.db");
    paths.filter(is_database).collect()
}

#[test]
fn a_stranger_computes_the_chain_of_an_export() {
    on_both(|place| {
        place.call(&["token", "create", "--name", "a script"]);
        commit(place, "one");
        let key = public_key(place);
        let output = place.file("log.jsonl", b"an earlier one");
        place.call(&["audit", "export", "--output", &output]);
        let text = std::fs::read_to_string(&output).expect("the export");
        let read = stranger::verify(&text, &key).expect("it is whole");
        assert_eq!(read.seq, place.commits());
        assert!(read.bodies > 0 && text.contains("Example Ltd"));
        // What a token's secret is checked with is nobody's business.
        assert!(!text.contains("a script"), "{text}");

        let bare = place.run(&["audit", "export", "--without-bodies"]);
        let read = stranger::verify(&bare.stdout, &key).expect("it is whole");
        assert_eq!((read.seq, read.bodies), (place.commits(), 0));
        assert!(!bare.stdout.contains("Example Ltd"));
        stranger::assert_every_change_is_found(&text, &key);
    });
}

#[test]
fn a_server_says_the_same() {
    let world = World::on(Place::sqlite());
    let remote = Remote::of(&world);
    let place = &world.place;
    let there = place.call(&remote.words(&["audit", "public-key"]));
    assert_eq!(there, place.call(&["audit", "public-key"]));
    let key = public_key(place);
    let line = place.run(&remote.words(&["audit", "checkpoint"])).stdout;
    let file = place.file("kept", line.as_bytes());
    for words in [
        vec!["audit", "verify", "--checkpoint", &file],
        remote.words(&["audit", "verify", "--checkpoint", &file]),
    ] {
        assert_eq!(place.call(&words)["findings_total"], json!(0));
    }
    let export = place.run(&remote.words(&["audit", "export"])).stdout;
    assert!(stranger::verify(&export, &key).is_ok());
    // Over HTTP a kept line is sent as it is.
    let signed: Value = serde_json::from_str(&line).expect("JSON");
    let asked = json!({"checkpoints": [signed]});
    world.post("/v1/verifications", &asked).expect(202);
    let mut changed = asked;
    changed["checkpoints"][0]["seq"] = json!(1);
    let refused = world.post("/v1/verifications", &changed);
    refused.refused(422, "checkpoint-signature-wrong");
}
