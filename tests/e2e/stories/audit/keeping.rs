//! Checkpoints that a server makes by itself, and where it brings them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
};

use serde_json::{Value, json};

use crate::{place::Place, waiting::eventually};

#[test]
fn a_server_brings_checkpoints_to_a_file_and_a_webhook() {
    let place = Place::sqlite().founded();
    let hook = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/kept", hook.local_addr().expect("an address"));
    let kept = place.folder().with_file_name("kept.jsonl");
    place.configure(&format!(
        "[audit]\ncheckpoint_file = {kept:?}\ncheckpoint_webhook = {url:?}\n"
    ));
    let posted = std::thread::spawn(move || answer_once(&hook));
    let server = place.serve();
    let line = eventually("a checkpoint in the file", || {
        let text = std::fs::read_to_string(&kept).ok()?;
        text.ends_with('\n').then_some(text)
    });
    let mode = std::fs::metadata(&kept).expect("the file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let posted: Value =
        serde_json::from_str(&posted.join().expect("the webhook was asked")).expect("JSON");
    let written: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(posted["seq"], written["seq"]);
    server.stop();
    // The log did not move: what is kept is kept once.
    let server = place.serve();
    server.stop();
    let again = std::fs::read_to_string(&kept).expect("the file");
    assert_eq!(again, line);
    let file = kept.display().to_string();
    let found = place.call(&["audit", "verify", "--checkpoint", &file]);
    assert_eq!(found["checkpoints"], json!(1));
}

#[test]
fn a_place_that_takes_no_checkpoints_is_told_of_once_and_holds_nothing_up() {
    let place = Place::sqlite().founded();
    place.enable_guest("touch");
    let nowhere = place.folder().join("nowhere/kept.jsonl");
    place.configure(&format!(
        "[audit]\ncheckpoint_file = {nowhere:?}\ncheckpoint_webhook = \"http://127.0.0.1:1/\"\n"
    ));
    let server = place.serve();
    let run = place.call(&["automation", "run", "touch"]);
    assert_eq!(run["state"], "committed");
    let lines = server.stop();
    for what in ["checkpoint file", "checkpoint webhook"] {
        let told = lines.iter().filter(|line| line.contains(what)).count();
        assert_eq!(told, 1, "{what}: {lines:#?}");
    }
}

/// Takes one request, answers that it is good, and gives its body.
fn answer_once(hook: &TcpListener) -> String {
    let (mut stream, _) = hook.accept().expect("somebody asks");
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        .expect("an answer");
    String::from_utf8(body).expect("JSON is text")
}
