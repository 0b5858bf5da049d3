//! Clients that take their time.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::World;
use crate::place::Place;

/// A byte of a slow client comes so often.
const PACE: Duration = Duration::from_millis(250);
/// The host's limit for a request's headers, and a part of it that tells that it was kept.
const HEADERS_MAX: Duration = Duration::from_secs(15);
/// After so long a slow client must have been cut off.
const CUT_OFF_MAX: Duration = Duration::from_secs(45);
const IDLE: usize = 300;
const STALLED: usize = 50;

/// All slow things at once: each of them takes as long as the limit.
#[test]
fn slow_clients_are_cut_off_and_keep_nobody_else_waiting() {
    let world = World::on(Place::sqlite());
    let begun = Instant::now();
    let crawling = {
        let stream = world.connect();
        std::thread::spawn(move || crawl(stream))
    };
    let mut silent: Vec<TcpStream> = (0..IDLE).map(|_| world.connect()).collect();
    let stalled: Vec<TcpStream> = (0..STALLED).map(|_| stall(&world)).collect();

    let before = world.commits();
    for _ in 0..20 {
        world.get("/v1/departments").expect(200);
    }
    let answered = begun.elapsed();
    assert!(
        answered < HEADERS_MAX,
        "others waited for slow clients: {answered:?}"
    );

    let crawled = crawling.join().expect("the slow client ends");
    assert!(crawled >= HEADERS_MAX / 2, "cut off too early: {crawled:?}");
    assert!(crawled <= CUT_OFF_MAX, "cut off too late: {crawled:?}");
    for stream in &mut silent {
        stream
            .set_read_timeout(Some(CUT_OFF_MAX))
            .expect("a time limit");
        let read = stream.read(&mut [0; 512]);
        assert!(is_closed(&read), "a silent connection stays: {read:?}");
    }
    world.get("/v1/me").expect(200);
    drop(stalled);
    assert_eq!(world.commits(), before, "half a request was done");
}

/// Sends headers byte by byte until the server has enough of it; how long that took.
fn crawl(mut stream: TcpStream) -> Duration {
    let begun = Instant::now();
    stream.set_read_timeout(Some(PACE)).expect("a time limit");
    let mut words = b"GET /v1/me HTTP/1.1\r\nx: "
        .iter()
        .copied()
        .chain(std::iter::repeat(b'a'));
    while begun.elapsed() < CUT_OFF_MAX {
        let byte = words.next().unwrap_or(b'a');
        let is_sent = stream.write_all(&[byte]).is_ok();
        // Waiting for an answer is the client's pace.
        if !is_sent || is_closed(&stream.read(&mut [0; 512])) {
            break;
        }
    }
    begun.elapsed()
}

/// The server has closed, or said something, which is the last that it does.
fn is_closed(read: &std::io::Result<usize>) -> bool {
    match read {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// A request that stops in the middle of its body.
fn stall(world: &World) -> TcpStream {
    let mut stream = world.connect();
    let head = world.lines("PUT /v1/departments/half");
    let words = format!(
        "{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"name\": \"Ha"
    );
    stream
        .write_all(words.as_bytes())
        .expect("the server reads");
    stream
}
