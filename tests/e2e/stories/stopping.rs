//! The organisation-wide stop, and its end, while a server works.

use serde_json::json;

use crate::{
    office::manual,
    place::{Place, say},
    server::{SETTLES, Server, settled_seq},
    waiting::eventually,
};

const RUNS: usize = 1_600;
const MAILS: usize = 600;
/// Looks of the stopped server at its queues, after which nothing more is expected.
const LOOKS: usize = 10;

#[test]
fn stop_all_stops_everything_until_resume_on_sqlite() {
    stop_and_resume(&Place::sqlite().founded());
}

#[test]
fn stop_all_stops_everything_until_resume_on_postgresql() {
    if let Some(place) = Place::postgres() {
        stop_and_resume(&place.founded());
    }
}

fn stop_and_resume(place: &Place) {
    place.configure("[worker]\nconcurrency_max = 4\npoll_ms = 50\n");
    let queued = queue(place);
    let mut server = Server::start(place, SETTLES);
    let working = |line: &str| settled_seq(line).is_some_and(|seq| seq >= queued + 20);
    server.until("the server has begun", working);
    eventually("the first mail leaves", || {
        (!place.mails().is_empty()).then_some(())
    });

    let stopped = place.call(&["stop-all", "--reason", "a drill"]);
    let stopped = stopped["commit"].as_i64().expect("the stop is a commit");
    look(&mut server);
    let (commits, mails) = (place.commits(), place.mails().len());
    assert_eq!(commits, stopped, "a run was committed after the stop");
    assert!(
        mails < MAILS + RUNS,
        "the stop came too late to show anything"
    );
    look(&mut server);
    assert_eq!(place.commits(), stopped);
    assert_eq!(place.mails().len(), mails, "a mail left after the stop");
    let status = place.call(&["status"]);
    let left = |what: &str, state: &str| status[what][state].as_u64().unwrap_or(0);
    let (runs, messages) = (left("runs", "queued"), left("messages", "waiting"));
    assert!(
        runs > 0 && messages > 0,
        "nothing was left to stop: {status}"
    );

    let resumed = place.call(&["resume"]);
    assert_eq!(resumed["commit"], stopped + 1);
    eventually("the rest is worked off", || {
        let status = place.call(&["status"]);
        let sent = status["messages"] == json!({"sent": RUNS + MAILS});
        (sent && status["runs"] == json!({"committed": RUNS + 1})).then_some(())
    });
    server.stop();
    let values = place.rows("record", "counters");
    let sum: i64 = values
        .iter()
        .filter_map(|row| row["body"]["value"].as_i64())
        .sum();
    assert_eq!(usize::try_from(sum), Ok(RUNS));
    assert_eq!(place.mails().len(), RUNS + MAILS);
    place.assert_clean();
    say(&format!(
        "the stop held {runs} runs and {messages} messages"
    ));
}

/// One run that sends many mails, then many that send one; gives where the log ends then.
fn queue(place: &Place) -> i64 {
    place.enable_guest("errand");
    place.enable_guest("counter");
    place.office(async |office| {
        let books = office.put_books().await;
        let mail = |n| json!({"do": "mail", "key": format!("mail-{n}"), "to": "customer@example.com"});
        let steps: Vec<_> = (0..MAILS).map(mail).collect();
        office.queue("errand", &[manual("many", json!(steps))]).await;
        let counter = |n: usize| json!({"counter": books.counters.get(n % books.counters.len()), "mail": "customer@example.com"});
        let events: Vec<_> = (0..RUNS).map(|n| manual(&format!("run-{n}"), counter(n))).collect();
        office.queue("counter", &events).await;
    });
    place.commits()
}

/// Waits until the server has looked at its queues so many times; all that it had begun is over then.
fn look(server: &mut Server) {
    let mut looks = 0;
    server.until("the server looks at its queues", |line| {
        looks += usize::from(line.contains("settle ends"));
        looks > LOOKS
    });
}
