//! A server that has nothing to do.

use std::time::{Duration, Instant};

use crate::{
    place::Place,
    server::{SETTLES, Server},
};

/// Settles that are waited for: queues are looked at a few times a second, and each look is a settle.
const SETTLES_SEEN: usize = 12;
/// They take this long at least. A worker that wakes itself settles thousands of times a second.
const TAKEN_MIN: Duration = Duration::from_secs(2);

#[test]
fn an_idle_server_lets_its_database_rest() {
    let place = Place::sqlite();
    let mut server = Server::start(&place, SETTLES);
    let began = Instant::now();
    for _ in 0..SETTLES_SEEN {
        server.until("a settle", |line| line.contains("settle begins"));
    }
    let taken = began.elapsed();
    assert!(
        taken >= TAKEN_MIN,
        "{SETTLES_SEEN} settles of an idle server took {taken:?}"
    );
    server.stop();
}
