//! Comma-separated values by RFC 4180: UTF-8, a header row, quoted cells that may hold line ends.
//!
//! Beyond it: a byte order mark, semicolons and tabs, line ends of any kind; empty lines are passed over.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{
    Delimiter,
    source::{
        COLUMNS_MAX, Fields, NOT_UTF_8, ROW_BYTES_MAX, SourceRow, header_of, text_begins,
        unreadable,
    },
};
use crate::error::Error;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// A table being read.
pub(crate) struct CsvRows<R> {
    input: Input<R>,
    parser: Reader,
    /// The cells of the row at hand, one after the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    header: Vec<String>,
}

/// Bytes of the file, with the line that they stand in.
struct Input<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    is_over: bool,
    line: u64,
    /// What ends a line: LF, or CR in files that have no LF.
    line_end: u8,
}

/// One row as it was parsed.
enum Record {
    Cells(u64, Vec<String>),
    Bad(SourceRow),
}

impl<R: Read> CsvRows<R> {
    /// Reads the header. Without a delimiter the most frequent one of the header is taken.
    pub(crate) fn open(source: R, delimiter: Option<Delimiter>) -> Result<Self, Error> {
        let mut input = Input::open(source)?;
        let delimiter = delimiter.unwrap_or_else(|| Delimiter::of_header(input.rest()));
        input.line_end = if input.rest().contains(&b'\n') {
            b'\n'
        } else {
            b'\r'
        };
        let mut rows = Self {
            input,
            parser: ReaderBuilder::new().delimiter(delimiter.byte()).build(),
            text: vec![0; 1 << 10],
            ends: vec![0; 64],
            header: Vec::new(),
        };
        rows.header = match rows.record()? {
            None => return Err(Error::invalid("empty", "/header", "the file is empty")),
            Some(Record::Cells(_, names)) => header_of(names)?,
            Some(Record::Bad(row)) => {
                let problems = row.content.err().unwrap_or_default();
                let told = problems.told.into_iter().next();
                let (code, message) = told
                    .map(|told| (told.code, told.message))
                    .unwrap_or_default();
                return Err(Error::invalid(&code, "/header", message));
            }
        };
        Ok(rows)
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<SourceRow>, Error> {
        Ok(self.record()?.map(|record| match record {
            Record::Cells(line, cells) => self.fitted(line, cells),
            Record::Bad(row) => row,
        }))
    }

    /// A row has as many cells as the header.
    fn fitted(&self, line: u64, cells: Vec<String>) -> SourceRow {
        let (there, wanted) = (cells.len(), self.header.len());
        if there == wanted {
            return SourceRow {
                line,
                bytes: cells.iter().map(|cell| cell.len() + 24).sum(),
                content: Ok(Fields::Cells(cells)),
            };
        }
        let message = format!("{there} cells, but the header has {wanted}");
        let beyond = format!("column {}", wanted + 1);
        let column = self.header.get(there).unwrap_or(&beyond);
        SourceRow::bad(line, Some(column), "ragged", &message)
    }

    fn record(&mut self) -> Result<Option<Record>, Error> {
        self.input.pass_line_ends()?;
        let line = self.input.line;
        if self.input.is_used_up() {
            return Ok(None);
        }
        let (mut bytes, mut cells) = (0, 0);
        let mut too_long = None;
        loop {
            self.input.refill()?;
            // The file's end ends its last row, as a line's end would. In a quoted cell that is a character as any other.
            let is_end = self.input.is_used_up();
            let rest = if is_end { b"\n" } else { self.input.rest() };
            let (result, read, written, ended) =
                self.parser
                    .read_record(rest, &mut self.text[bytes..], &mut self.ends[cells..]);
            if !is_end {
                self.input.take(read);
            }
            bytes += written;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty if is_end => {
                    let message = "a quoted cell of this row is not closed before the file ends";
                    let bad = SourceRow::bad(line, None, "not-closed", message);
                    return Ok(Some(Record::Bad(bad)));
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() < ROW_BYTES_MAX => {
                    self.text.resize(self.text.len() * 2, 0);
                }
                ReadRecordResult::OutputFull => {
                    too_long = Some(format!("a row has at most {ROW_BYTES_MAX} bytes"));
                    bytes = 0;
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() <= COLUMNS_MAX => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    too_long = Some(format!("a row has at most {COLUMNS_MAX} cells"));
                    cells = 0;
                }
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => break,
            }
        }
        if let Some(message) = too_long {
            let bad = SourceRow::bad(line, None, "too-large", &message);
            return Ok(Some(Record::Bad(bad)));
        }
        Ok(Some(self.cells(line, cells)))
    }

    /// The texts of the row at hand.
    fn cells(&self, line: u64, count: usize) -> Record {
        let mut cells = Vec::with_capacity(count);
        let mut start = 0;
        for (place, end) in self.ends.iter().copied().take(count).enumerate() {
            let Ok(cell) = std::str::from_utf8(&self.text[start..end]) else {
                let ordinal = format!("column {}", place + 1);
                let column = self.header.get(place).unwrap_or(&ordinal);
                let bad = SourceRow::bad(line, Some(column), "not-utf-8", NOT_UTF_8);
                return Record::Bad(bad);
            };
            cells.push(cell.to_owned());
            start = end;
        }
        Record::Cells(line, cells)
    }
}

impl<R: Read> Input<R> {
    fn open(source: R) -> Result<Self, Error> {
        let mut input = Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            is_over: false,
            line: 1,
            line_end: b'\n',
        };
        input.refill()?;
        input.start = text_begins(input.rest())?;
        Ok(input)
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Fills the buffer once it is used up. It stays empty at the end of the file only.
    fn refill(&mut self) -> Result<(), Error> {
        if self.start < self.end || self.is_over {
            return Ok(());
        }
        (self.start, self.end) = (0, 0);
        while self.end < self.buffer.len() {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.is_over = true;
                    break;
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Ok(())
    }

    /// Whether all of the file was parsed.
    const fn is_used_up(&self) -> bool {
        self.is_over && self.start == self.end
    }

    /// Counts the lines of bytes that were parsed.
    fn take(&mut self, bytes: usize) {
        for byte in &self.buffer[self.start..self.start + bytes] {
            self.line += u64::from(*byte == self.line_end);
        }
        self.start += bytes;
    }

    /// Goes to where the next row begins: the LF of a CRLF, and empty lines, belong to no row.
    fn pass_line_ends(&mut self) -> Result<(), Error> {
        loop {
            self.refill()?;
            let is_end = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
            let ends = self.rest().iter().take_while(is_end).count();
            self.take(ends);
            if self.start < self.end || self.is_over {
                return Ok(());
            }
        }
    }
}

impl Delimiter {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The one that stands most often outside of quotes in the first line; a comma if there is none.
    fn of_header(start: &[u8]) -> Self {
        let mut counts = [0_usize; 3];
        let mut is_quoted = false;
        let begins = start
            .iter()
            .skip_while(|byte| matches!(byte, b'\r' | b'\n'));
        for byte in begins {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\r' | b'\n' if !is_quoted => break,
                _ if is_quoted => {}
                byte => {
                    for (count, delimiter) in counts.iter_mut().zip(Self::ALL) {
                        *count += usize::from(*byte == delimiter.byte());
                    }
                }
            }
        }
        let mut found = (0, Self::Comma);
        for (count, delimiter) in counts.into_iter().zip(Self::ALL) {
            if count > found.0 {
                found = (count, delimiter);
            }
        }
        found.1
    }
}
