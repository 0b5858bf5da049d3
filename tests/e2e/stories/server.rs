//! A running `bursar serve`, and what it writes to stderr, line by line.

use std::{
    io::{BufRead, BufReader},
    process::{ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    place::{Place, Process},
    waiting::{WAIT_MAX, eventually},
};

/// What a server logs under `bursar::settle=debug`.
pub const SETTLES: &str = "bursar::settle=debug,info";

pub struct Server {
    process: Process,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// Starts it and waits until it works; `log` says what it logs.
    pub fn start(place: &Place, log: &str) -> Self {
        let mut server = Self::launch(place, log);
        server.until("the server works", |line| line.starts_with("Working."));
        server
    }

    /// Starts it.
    pub fn launch(place: &Place, log: &str) -> Self {
        let mut command = place.command(&["serve"]);
        command
            .env("BURSAR_LOG", log)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the server starts"));
        let stderr = process.0.stderr.take().expect("the pipe is ours");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Nobody may listen any more.
                let _ = sender.send(line);
            }
        });
        Self {
            process,
            lines,
            seen: Vec::new(),
        }
    }

    /// Reads until a line is the wanted one, and gives it.
    pub fn until(&mut self, what: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let is_wanted = wanted(&line);
                    self.seen.push(line.clone());
                    if is_wanted {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("waited {WAIT_MAX:?} in vain: {what}\n{}", self.tail())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server ended before: {what}\n{}", self.tail())
                }
            }
        }
    }

    /// Where its API is, once it works.
    pub fn url(&self) -> String {
        let said = self
            .seen
            .iter()
            .find_map(|line| line.strip_prefix("Listening on "));
        said.expect("the server says where it listens").to_owned()
    }

    fn tail(&self) -> String {
        self.seen
            .get(self.seen.len().saturating_sub(20)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// Kills it with SIGKILL, and gives every line that it ever wrote.
    pub fn kill(mut self) -> Vec<String> {
        self.process.0.kill().expect("the server can be killed");
        self.process.0.wait().expect("the server has ended");
        // The pipe ends with its writer.
        self.seen.extend(self.lines.iter());
        self.seen
    }

    /// Asks it to end, waits for that, and gives every line that it ever wrote.
    pub fn stop(mut self) -> Vec<String> {
        let id = i32::try_from(self.process.0.id()).expect("a process id");
        let id = Pid::from_raw(id).expect("a process id is not zero");
        kill_process(id, Signal::TERM).expect("the server can be asked");
        let status = self.ended();
        self.seen.extend(self.lines.iter());
        assert!(status.success(), "{status}\n{}", self.tail());
        self.seen
    }

    /// Waits for its end.
    fn ended(&mut self) -> ExitStatus {
        eventually("the server's end", || {
            self.process
                .0
                .try_wait()
                .expect("the server can be waited for")
        })
    }
}

/// The log has a settle that began and did not end.
pub fn is_inside_settle(lines: &[String]) -> bool {
    let last = lines.iter().rev().find(|line| line.contains("settle "));
    last.is_some_and(|line| line.contains("settle begins"))
}

/// A number of a log line, such as `to_seq=12`.
pub fn field(line: &str, name: &str) -> Option<i64> {
    let (_, rest) = line.split_once(&format!(" {name}="))?;
    rest.split(' ').next()?.parse().ok()
}

/// Where the log ended after the last whole settle.
pub fn settled_seq(line: &str) -> Option<i64> {
    line.contains("settle ends")
        .then(|| field(line, "to_seq"))
        .flatten()
}
