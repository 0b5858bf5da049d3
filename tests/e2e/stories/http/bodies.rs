//! Too much of everything.

use std::io::Write;

use ureq::http::Method;

use super::{World, raw::answer};
use crate::place::Place;

/// Largest JSON body and largest file, in bytes, as the API says.
const JSON_BYTES_MAX: usize = 1 << 20;
const FILE_BYTES_MAX: usize = 64 << 20;
/// Largest file of an import, in bytes.
const IMPORT_BYTES_MAX: usize = 256 << 20;
/// Largest line and headers of a request, in bytes.
const HEADER_BYTES_MAX: usize = 64 << 10;

const UPLOADS: [(&str, &str, usize); 4] = [
    (
        "PUT /v1/departments/second",
        "application/json",
        JSON_BYTES_MAX,
    ),
    ("POST /v1/plugins", "application/wasm", FILE_BYTES_MAX),
    (
        "PUT /v1/folders/inbox/documents/large",
        "text/plain",
        FILE_BYTES_MAX,
    ),
    (
        "POST /v1/collections/parties/imports",
        "text/csv",
        IMPORT_BYTES_MAX,
    ),
];

#[test]
fn a_body_that_announces_too_much_is_refused_before_a_byte_of_it_came() {
    let world = World::on(Place::sqlite());
    world.unchanged(|| {
        for (request, media_type, bytes_max) in UPLOADS {
            for bytes in [bytes_max + 1, usize::MAX >> 1] {
                let head = world.lines(request);
                let words =
                    format!("{head}content-type: {media_type}\r\ncontent-length: {bytes}\r\n\r\n");
                let reply = world.talk(words.as_bytes()).expect("an answer");
                reply.problem(413, "body-too-large");
            }
        }
    });
}

#[test]
fn a_body_that_announces_nothing_is_cut_off_at_its_limit() {
    let world = World::on(Place::sqlite());
    world.unchanged(|| {
        for (request, media_type, bytes_max) in UPLOADS {
            let head = world.lines(request);
            let words =
                format!("{head}content-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n");
            let mut stream = world.connect();
            stream
                .write_all(words.as_bytes())
                .expect("the server reads");
            let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
            for _ in 0..=bytes_max / 0x10000 {
                stream
                    .write_all(&chunk)
                    .expect("the server reads up to the limit");
            }
            let reply = answer(&mut stream).expect("an answer");
            reply.problem(413, "body-too-large");
        }
    });
}

#[test]
fn a_body_of_just_the_largest_size_is_read() {
    let world = World::on(Place::sqlite());
    let mut body = b"{\"name\": \"Second\"".to_vec();
    body.resize(JSON_BYTES_MAX - 1, b' ');
    body.push(b'}');
    let put = |body: &[u8]| {
        world
            .ask(&Method::PUT, "/v1/departments/second")
            .bytes("application/json", body)
    };
    put(&body).expect(200);
}

#[test]
fn whoever_may_not_do_it_is_told_before_a_large_body_is_read() {
    let world = World::on(Place::sqlite());
    let words = format!(
        "POST /v1/plugins HTTP/1.1\r\nhost: {}\r\ncontent-length: {FILE_BYTES_MAX}\r\n\r\n",
        world.address()
    );
    let mut stream = world.connect();
    stream
        .write_all(words.as_bytes())
        .expect("the server reads");
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("nothing more is sent");
    answer(&mut stream)
        .expect("an answer")
        .problem(401, "token-missing");
}

#[test]
fn headers_and_queries_without_end_are_cut_off_and_others_are_answered() {
    let world = World::on(Place::sqlite());
    let header = format!(
        "{}x: {}\r\n\r\n",
        world.lines("GET /v1/me"),
        "a".repeat(3 * HEADER_BYTES_MAX)
    );
    let headers = world.lines("GET /v1/me") + &"x: a\r\n".repeat(10_000) + "\r\n";
    let query = world.lines(&format!("GET /v1/runs?after={}", "a".repeat(10 << 20))) + "\r\n";
    world.unchanged(|| {
        for words in [header, headers, query] {
            let status = world.talk(words.as_bytes()).map(|reply| reply.status);
            assert!(matches!(status, None | Some(414 | 431)), "{status:?}");
            world.get("/v1/me").expect(200);
        }
    });
    let fits = format!(
        "{}x: {}\r\n\r\n",
        world.lines("GET /v1/me"),
        "a".repeat(HEADER_BYTES_MAX / 2)
    );
    assert_eq!(
        world.talk(fits.as_bytes()).map(|reply| reply.status),
        Some(200)
    );
}
