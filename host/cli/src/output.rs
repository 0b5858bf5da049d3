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
    print_exactly(printed.as_bytes())
}

/// Prints a file as it is.
pub fn print_exactly(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(bytes) {
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

/// Places of a progress bar.
const BAR_PLACES: u64 = 24;

/// How many rows are done, as a bar if it is known of how many.
pub fn bar(done: u64, total: Option<u64>) -> String {
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{done} rows");
    };
    let full = (done.min(total).saturating_mul(BAR_PLACES)).checked_div(total);
    let full = usize::try_from(full.unwrap_or(0)).unwrap_or(0);
    let places = usize::try_from(BAR_PLACES).unwrap_or(0);
    let (done_part, rest) = ("█".repeat(full), "░".repeat(places.saturating_sub(full)));
    format!("{done_part}{rest} {done} of {total} rows")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        let check = |done: u64, total: Option<u64>, full: usize, words: &str| {
            let shown = bar(done, total);
            assert_eq!(shown.matches('█').count(), full, "{shown}");
            assert!(shown.ends_with(words), "{shown}");
        };
        check(0, None, 0, "0 rows");
        check(7, None, 0, "7 rows");
        check(0, Some(0), 0, "0 rows");
        check(0, Some(10), 0, " 0 of 10 rows");
        check(5, Some(10), 12, " 5 of 10 rows");
        check(10, Some(10), 24, " 10 of 10 rows");
        check(11, Some(10), 24, " 11 of 10 rows");
    }
}
