//! What commands say when they cannot do what they were asked for, with a server and without.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use super::Remote;
use crate::{http::World, place::Place};

#[test]
fn what_is_refused_is_refused_with_the_same_words() {
    let world = World::on(Place::sqlite());
    let remote = Remote::of(&world);
    let place = &world.place;
    place.enable_guest("errand");
    place.call(&["automation", "disable", "errand"]);
    let enable = ["automation", "enable", "errand", "--plugin"];
    let commands: [&[&str]; 13] = [
        &["run", "show", "0123456789"],
        &["task", "show", "nobody"],
        &["task", "answer", "nobody", "yes"],
        &["message", "show", "nobody"],
        &["log", "show", "100000"],
        &["row", "list", "unicorns"],
        &["token", "revoke", "0123456789abcdef"],
        &["token", "create", "--name", "Eve", "--role", "viewer"],
        &["automation", "preview", "nobody"],
        &["automation", "run", "errand"],
        &["automation", "disable", "nobody"],
        &[&enable[..], &["errand", "--department", "nowhere"]].concat(),
        &[&enable[..], &["nobody", "--department", "operations"]].concat(),
    ];
    world.unchanged(|| {
        for command in commands {
            let here = place.refuse(command);
            let there = place.refuse(&remote.words(command));
            assert_eq!(there, here, "{command:?}");
        }
    });
}

#[test]
fn without_a_server_or_a_token_the_error_says_what_to_check() {
    let world = World::on(Place::sqlite());
    let place = &world.place;
    let url = format!("http://{}", world.address());
    let good = place.file("good.token", world.token("admin", None).text.as_bytes());
    let revoked = world.token("admin", None);
    place.call(&["token", "revoke", &revoked.id]);
    let revoked = place.file("revoked.token", revoked.text.as_bytes());
    let bad = place.file("bad.token", b"bursar_nobody");
    let two_lines = place.file("two.token", b"one\ntwo");
    let auditor = place.file(
        "auditor.token",
        world.token("auditor", None).text.as_bytes(),
    );
    let silent = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    };
    let elsewhere = format!("{url}/office");
    let bare = world.address();
    let ftp = format!("ftp://{bare}");
    for (url, token_file, words, hint) in [
        (silent.as_str(), &good, "does not answer", "bursar serve"),
        (&url, &bad, "(token-invalid)", "BURSAR_TOKEN"),
        (&url, &revoked, "(token-revoked)", "BURSAR_TOKEN"),
        (&url, &two_lines, "is not a token", "token create"),
        (
            &url,
            &"nowhere.token".to_owned(),
            "nowhere.token",
            "BURSAR_TOKEN_FILE",
        ),
        (&elsewhere, &good, "(no-such-route)", "BURSAR_URL"),
        (bare, &good, "is not the URL of a server", "BURSAR_URL"),
        (&ftp, &good, "is not the URL of a server", "BURSAR_URL"),
    ] {
        let error = place.refuse(&["--url", url, "--token-file", token_file, "status"]);
        let (cause, advice) = error.split_once("hint: ").expect("a hint");
        assert!(cause.contains(words) && advice.contains(hint), "{error}");
    }
    let error = place.refuse(&["--url", &url, "status"]);
    assert!(
        error.contains("asks for a token") && error.contains("BURSAR_TOKEN"),
        "{error}"
    );
    let refused = ["--url", &url, "--token-file", &auditor, "stop-all"];
    let error = place.refuse(&refused);
    assert!(error.contains("(role-insufficient)"), "{error}");
    assert!(!error.contains("bursar_"), "a token was repeated: {error}");
    // More than the server takes before it answers and hangs up.
    let large = place.file("large.bin", &vec![0; 8 << 20]);
    let add = ["document", "add", &large, "--folder-name", "inbox"];
    let error = place.refuse(&[&refused[..4], &add[..]].concat());
    assert!(error.contains("(role-insufficient)"), "{error}");
}

#[test]
fn a_server_that_is_another_is_told_apart() {
    let place = Place::sqlite().founded();
    let token = place.file("admin.token", b"bursar_any");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let status = ["--url", &url, "--token-file", &token, "status"];
    for (line, words) in [
        ("200 OK", "something else than expected"),
        ("404 Not Found", "404"),
        ("502 Bad Gateway", "502"),
    ] {
        let listener = listener
            .try_clone()
            .expect("the listener has a second handle");
        let answered = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody asks");
            answer(stream, line);
        });
        let error = place.refuse(&status);
        answered.join().expect("the other server answered");
        assert!(error.contains(words), "{error}");
    }
}

/// Reads a request's head and answers as another kind of server.
fn answer(mut stream: TcpStream, line: &str) {
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut bytes).expect("the request is read");
        head.extend_from_slice(bytes.get(..read).expect("what was read"));
    }
    let text = format!("HTTP/1.1 {line}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    let sent = stream.write_all(text.as_bytes());
    sent.expect("the answer is sent");
}

#[test]
fn variables_name_the_server_and_empty_ones_do_not() {
    let world = World::on(Place::sqlite());
    let token = world.token("admin", None);
    let url = format!("http://{}", world.address());
    let status = |url: &str, token: &str| {
        let mut command = world
            .place
            .command(&["--json", "token", "create", "--name", "Eve"]);
        command.env("BURSAR_URL", url).env("BURSAR_TOKEN", token);
        command.output().expect("the program runs")
    };
    let author = || {
        let commits = world.get("/v1/log?limit=1").expect(200).json();
        let author = commits["items"][0]["author"].as_str();
        author.expect("an author").to_owned()
    };
    assert!(status(&url, &token.text).status.success());
    assert_eq!(author(), format!("token:{}", token.id));
    assert!(
        status(&format!("{url}/"), &format!("{}\n", token.text))
            .status
            .success()
    );
    assert!(status("", "").status.success());
    assert_eq!(author(), "person:ada");
    let refused = status(&url, "");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("asks for a token"), "{error}");
}
