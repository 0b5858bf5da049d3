//! stdout: one JSON value with `--json`, readable text without.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Json,
    Text,
}

/// Prints a result: its JSON, or the text that is made of it.
pub fn print<T: Serialize>(
    style: Style,
    value: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<(), Failure> {
    let mut printed = match style {
        Style::Json => {
            serde_json::to_string(value).map_err(|error| Failure::host("cannot print", error))?
        }
        Style::Text => harmless(&text(value)),
    };
    if !printed.is_empty() && !printed.ends_with('\n') {
        printed.push('\n');
    }
    let written = std::io::stdout().lock().write_all(printed.as_bytes());
    match written {
        // Whoever read along has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::host("cannot write to stdout", error)),
    }
}

/// Plugins and files have a say in what is printed: a terminal must not take their words for commands.
fn harmless(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// Says something to the person at the terminal.
#[expect(clippy::print_stderr, reason = "stderr is where talk goes")]
pub fn say(words: &str) {
    eprintln!("{words}");
}

/// One line that tells how far something is; only on a terminal.
pub struct Progress {
    is_shown: bool,
}

impl Progress {
    pub fn begin() -> Self {
        Self {
            is_shown: std::io::IsTerminal::is_terminal(&std::io::stderr()),
        }
    }

    pub fn say(&mut self, words: &str) {
        if self.is_shown {
            // Whoever closed stderr does not read along.
            let _ = write!(std::io::stderr(), "\r\x1b[K{} …", harmless(words));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// JSON given on the command line, or in a file named by `@FILE`.
pub fn json_argument(what: &str, text: &str) -> Result<Value, Failure> {
    let hint = || format!("{what} takes JSON, or @FILE");
    let text = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            Failure::user(format!("cannot read {path}"))
                .because(error)
                .hint(hint())
        })?,
        None => text.to_owned(),
    };
    bursar_domain::canonical::parse(&text).map_err(|error| {
        Failure::user(format!("{what} is not valid JSON"))
            .because(error)
            .hint(hint())
    })
}

/// Columns under their headings.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(headings.get(column).map(|heading| heading.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(headings.to_vec());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}
