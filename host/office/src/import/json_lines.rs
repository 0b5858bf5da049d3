//! JSON Lines: one object a line, UTF-8. Empty lines are passed over.

use std::io::{BufRead, BufReader, Read};

use bursar_domain::canonical;
use serde_json::Value;

use super::source::{Fields, NOT_UTF_8, ROW_BYTES_MAX, SourceRow, text_begins, unreadable};
use crate::{error::Error, write::problem_of};

/// Lines being read.
pub(crate) struct JsonLines<R> {
    source: BufReader<R>,
    line: u64,
    text: Vec<u8>,
}

impl<R: Read> JsonLines<R> {
    pub(crate) fn open(source: R) -> Result<Self, Error> {
        let mut source = BufReader::with_capacity(64 << 10, source);
        let start = source.fill_buf().map_err(|error| unreadable(&error))?;
        let mark = text_begins(start)?;
        source.consume(mark);
        Ok(Self {
            source,
            line: 0,
            text: Vec::new(),
        })
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<SourceRow>, Error> {
        while self.next_line()? {
            let text = self.text.trim_ascii();
            if text.len() > ROW_BYTES_MAX {
                let message = format!("a line has at most {ROW_BYTES_MAX} bytes");
                return Ok(Some(SourceRow::bad(self.line, None, "too-large", &message)));
            }
            if !text.is_empty() {
                return Ok(Some(row_of(self.line, text)));
            }
        }
        Ok(None)
    }

    /// Reads a line, at most a little more of it than a row can have; the rest of a longer one is passed over.
    fn next_line(&mut self) -> Result<bool, Error> {
        self.text.clear();
        let most = (ROW_BYTES_MAX + 3) as u64;
        let read = (&mut self.source)
            .take(most)
            .read_until(b'\n', &mut self.text);
        if read.map_err(|error| unreadable(&error))? == 0 {
            return Ok(false);
        }
        self.line += 1;
        if self.text.len() as u64 == most && !self.text.ends_with(b"\n") {
            self.source
                .skip_until(b'\n')
                .map_err(|error| unreadable(&error))?;
        }
        Ok(true)
    }
}

fn row_of(line: u64, text: &[u8]) -> SourceRow {
    let Ok(text) = std::str::from_utf8(text) else {
        return SourceRow::bad(line, None, "not-utf-8", NOT_UTF_8);
    };
    match canonical::parse(text) {
        Ok(Value::Object(members)) => SourceRow {
            line,
            content: Ok(Fields::Object(members)),
            bytes: text.len() * 2,
        },
        Ok(_) => SourceRow::bad(line, None, "not-an-object", "a line is one JSON object"),
        Err(error) => {
            let problem = problem_of(&error);
            let member = problem.pointer.split('/').nth(1);
            SourceRow::bad(line, member, &problem.code, &problem.message)
        }
    }
}
