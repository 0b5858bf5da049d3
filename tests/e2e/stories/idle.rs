//! A server that has nothing to do.

use std::time::Duration;

use crate::{
    place::Place,
    server::{SETTLES, Server},
};

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(3);
/// Queues and timers are looked at once a second; a worker that wakes itself settles thousands of times.
const SETTLES_MAX: usize = 40;

#[test]
fn an_idle_server_lets_its_database_rest() {
    let place = Place::sqlite();
    let server = Server::start(&place, SETTLES);
    std::thread::sleep(WATCHED);
    let lines = server.stop();
    let settles = lines
        .iter()
        .filter(|line| line.contains("settle begins"))
        .count();
    assert!(settles > 0, "it looks at its queues");
    assert!(
        settles <= SETTLES_MAX,
        "{settles} settles in {WATCHED:?} of an idle server"
    );
}
