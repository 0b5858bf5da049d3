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

#[test]
fn a_letter_arrives_with_its_words_its_document_and_its_thread() {
    if !has_mail_server() {
        return;
    }
    let port = free_port();
    let server = MailServer::start(port);
    let (place, _) = mailing(port);
    place.enable_guest("errand");
    let template = place.folder().join("dues.json");
    let words = json!({"fallback": "de", "texts": {"de": {
        "subject": "{{ n }} Rechnungen für Müller & Söhne", "text": "Bis {{ due | date }}: {{ sum | money }}\n",
    }}});
    std::fs::write(&template, words.to_string()).expect("written");
    place.call(&["template", "set", "dues", &template.to_string_lossy()]);
    let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let paper = place.folder().join("Rechnung März.pdf");
    std::fs::write(&paper, &content).expect("written");
    let paper = paper.to_string_lossy().into_owned();
    let added = place.call(&[
        "document",
        "add",
        &paper,
        "--folder-name",
        "inbox",
        "--media-type",
        "application/pdf",
    ]);
    // Lines that would end the message if they reached the server as they are.
    let lines = place.folder().join("lines.txt");
    std::fs::write(&lines, "a\n.\nb\n.\r\nMAIL FROM:<x@example.com>\n").expect("written");
    let lines = lines.to_string_lossy().into_owned();
    let lines = place.call(&[
        "document",
        "add",
        &lines,
        "--folder-name",
        "inbox",
        "--media-type",
        "text/csv",
    ]);
    let data = json!({"n": 2, "due": "2026-11-30", "sum": {"amount": "1234.5", "currency": "EUR"}});
    let steps = json!([
        {"do": "letter", "key": "1", "to": "customer@example.com", "template": "dues", "data": data.to_string(),
            "document": added["id"]},
        {"do": "letter", "key": "2", "to": "customer@example.com", "follows": 0, "document": lines["id"]},
    ]);
    place.call(&["automation", "run", "errand", "--input", &steps.to_string()]);
    let (first, second) = (server.next(), server.next());
    assert_eq!(first["subject"], "2 Rechnungen für Müller & Söhne");
    let [text, attached] = first["parts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
    else {
        panic!("a text and a document: {first}");
    };
    let text = text["text"].as_str().unwrap_or_default();
    assert_eq!(text.trim_end(), "Bis 30.11.2026: 1.234,50 EUR");
    assert_eq!(
        (&attached["type"], &attached["name"]),
        (&json!("application/pdf"), &json!("Rechnung März.pdf"))
    );
    assert_eq!(attached["sha256"], added["sha256"]);
    assert_eq!(second["parts"][1]["sha256"], lines["sha256"]);
    assert_eq!(second["in_reply_to"], first["message_id"]);
    assert_eq!(second["references"], json!([first["message_id"]]));
    place.assert_clean();
}

#[test]
fn a_task_reminds_by_mail_and_ends_by_itself() {
    let place = Place::sqlite().founded();
    place.enable_guest("errand");
    place.office(async |office| office.put_books().await);
    place.office(async |office| {
        office
            .put_addresses(&[("role:clerk", "clerk@example.com")])
            .await;
    });
    place.configure("[worker]\npoll_ms = 100\n");
    let server = place.serve();
    let steps = json!([{"do": "task-until", "key": "t", "assignee": "role:clerk", "reminder": "100000", "expires": "3000000"}]);
    place.call(&["automation", "run", "errand", "--input", &steps.to_string()]);
    let task = eventually("the task has ended", || {
        let closed = place.call(&["task", "list", "--closed"]);
        closed.as_array().and_then(|tasks| tasks.first().cloned())
    });
    assert!(
        task["body"]["answer"].is_null() && task["body"]["reminded_us"].is_i64(),
        "{task}"
    );
    let mails = eventually("the reminder is sent", || {
        Some(place.mails()).filter(|mails| !mails.is_empty())
    });
    assert_eq!(mails.len(), 1, "{mails:?}");
    server.stop();
    place.assert_clean();
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
