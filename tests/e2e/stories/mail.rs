//! Mail over SMTP, to a server that is none of ours.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
};

use serde_json::{Value, json};

use crate::{
    place::{Place, Process, say, skipped},
    waiting::{WAIT_MAX, eventually},
};

/// Python's own SMTP server, while it runs.
struct MailServer {
    _process: Process,
    lines: Receiver<String>,
}

impl MailServer {
    fn start(port: u16) -> Self {
        let mut command = python();
        command
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = Process(command.spawn().expect("python starts"));
        let stdout = process.0.stdout.take().expect("the pipe is ours");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody may listen any more.
                let _ = sender.send(line);
            }
        });
        let server = Self {
            _process: process,
            lines,
        };
        assert_eq!(server.next(), json!({"ready": true}));
        server
    }

    /// The next thing that it says.
    fn next(&self) -> Value {
        let line = self
            .lines
            .recv_timeout(WAIT_MAX)
            .expect("the mail server says something");
        serde_json::from_str(&line).expect("one JSON value a line")
    }
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("mail_server.py"));
    command
}

/// Whether this machine has a mail server; says loudly if not.
fn has_mail_server() -> bool {
    let found = python()
        .arg("--check")
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        skipped("mail over SMTP", "python3 has neither aiosmtpd nor smtpd");
    }
    found
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A place whose mail goes to that port, and the input of a run that sends one.
fn mailing(port: u16) -> (Place, String) {
    let place = Place::sqlite().founded();
    place.enable_guest("counter");
    let books = place.office(async |office| office.put_books().await);
    place.configure(&format!(
        "[mail.smtp]\nurl = \"smtp://127.0.0.1:{port}\"\n[worker]\npoll_ms = 100\n"
    ));
    let input = json!({
        "counter": books.counters.first(), "invoice": true, "party": books.party, "mail": "customer@example.com",
    });
    (place, input.to_string())
}

#[test]
fn a_mail_arrives_over_smtp_with_its_id_and_its_number() {
    if !has_mail_server() {
        return;
    }
    let port = free_port();
    let server = MailServer::start(port);
    let (place, input) = mailing(port);
    place.call(&["automation", "run", "counter", "--input", &input]);
    check(&place, &server.next());
    assert_eq!(place.call(&["status"])["messages"], json!({"sent": 1}));
    assert!(place.mails().is_empty(), "mail went to the folder as well");
    place.assert_clean();
}

#[test]
fn a_mail_server_that_is_down_delays_mail_and_no_commit() {
    if !has_mail_server() {
        return;
    }
    let port = free_port();
    let (place, input) = mailing(port);
    let server = place.serve();
    let run = place.call(&["automation", "run", "counter", "--input", &input]);
    assert_eq!(run["state"], "committed");
    eventually("the first try", || {
        let lines = place.call(&["status"]);
        (lines["messages"] == json!({"waiting": 1})).then_some(())
    });
    let mail_server = MailServer::start(port);
    check(&place, &mail_server.next());
    eventually("the delivery is noted", || {
        (place.call(&["status"])["messages"] == json!({"sent": 1})).then_some(())
    });
    let lines = server.stop();
    let failures = lines
        .iter()
        .filter(|line| line.contains("could not be delivered"))
        .count();
    assert!(failures > 0, "the server was down for no try: {lines:?}");
    place.assert_clean();
    say(&format!("delivered after {failures} tries in vain"));
}

/// The message is the run's, whole.
fn check(place: &Place, received: &Value) {
    assert_eq!(
        (&received["from"], &received["to"]),
        (
            &json!("office@example.com"),
            &json!(["customer@example.com"])
        )
    );
    let content = received["content"]
        .as_str()
        .expect("a text")
        .replace("\r\n", "\n");
    let (headers, body) = content.split_once("\n\n").expect("headers and a body");
    let header = |name: &str| {
        let start = format!("{name}: ");
        let line = headers.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {name}: {headers}"))
            .to_owned()
    };
    let invoices = place.rows("invoice", "");
    let number = invoices[0]["body"]["number"]
        .as_str()
        .expect("the invoice is issued");
    assert_eq!(header("From"), "office@example.com");
    assert_eq!(header("To"), "customer@example.com");
    assert_eq!(header("Subject"), format!("Invoice {number}"));
    let id = header("Message-ID");
    assert!(id.starts_with('<') && id.ends_with("@example.com>"), "{id}");
    header("Date");
    let expected = format!("Dear customer,\n\nplease find invoice {number} in your inbox.\n");
    assert_eq!(body.trim_end(), expected.trim_end());
}
