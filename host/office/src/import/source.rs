//! Rows as a file has them, one at a time, whatever its format. Knows no collection.

use std::io::{self, Read, Seek};

use bursar_domain::canonical::JSON_BYTES_MAX;
use serde_json::{Map, Value};

use super::{
    Format, RowProblem, csv::CsvRows, json_lines::JsonLines, problem::RowProblems, xlsx::SheetRows,
};
use crate::error::Error;

/// Most columns of a table.
pub(crate) const COLUMNS_MAX: usize = 1_000;
/// Longest row, in bytes: no larger one could be a record.
pub(crate) const ROW_BYTES_MAX: usize = JSON_BYTES_MAX;
/// Longest name of a column, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// What a row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fields {
    /// One text for each column of the header.
    Cells(Vec<String>),
    /// A JSON object of its own.
    Object(Map<String, Value>),
}

/// One row of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SourceRow {
    /// Where it begins; the first line is 1. Rows of a sheet are numbered as the sheet numbers them.
    pub line: u64,
    /// What it says, or why it cannot be read.
    pub content: Result<Fields, RowProblems>,
    /// What it weighs in memory.
    pub bytes: usize,
}

impl SourceRow {
    /// A row that cannot be read, for one reason.
    pub(crate) fn bad(line: u64, column: Option<&str>, code: &str, message: &str) -> Self {
        Self::wrong(line, RowProblem::new(line, column, code, message).into())
    }

    /// A row that cannot be read.
    pub(crate) fn wrong(line: u64, problems: RowProblems) -> Self {
        Self {
            line,
            bytes: problems.bytes(),
            content: Err(problems),
        }
    }
}

/// A file being read.
pub(crate) enum Rows<R> {
    Csv(Box<CsvRows<R>>),
    JsonLines(JsonLines<R>),
    Sheet(Box<SheetRows<R>>),
}

impl<R: Read + Seek> Rows<R> {
    /// Reads the header, if the format has one.
    pub(crate) fn open(format: &Format, source: R) -> Result<Self, Error> {
        Ok(match format {
            Format::Csv { delimiter, .. } => {
                Self::Csv(Box::new(CsvRows::open(source, *delimiter)?))
            }
            Format::JsonLines => Self::JsonLines(JsonLines::open(source)?),
            Format::Xlsx { sheet } => {
                Self::Sheet(Box::new(SheetRows::open(source, sheet.as_deref())?))
            }
        })
    }

    /// The names of the columns; none if each row names its own.
    pub(crate) fn header(&self) -> Option<&[String]> {
        match self {
            Self::Csv(rows) => Some(rows.header()),
            Self::JsonLines(_) => None,
            Self::Sheet(rows) => Some(rows.header()),
        }
    }

    /// The next row; none at the end.
    pub(crate) fn next_row(&mut self) -> Result<Option<SourceRow>, Error> {
        match self {
            Self::Csv(rows) => rows.next_row(),
            Self::JsonLines(rows) => rows.next_row(),
            Self::Sheet(rows) => rows.next_row(),
        }
    }
}

/// The file cannot be read to its end.
pub(crate) fn unreadable(error: &io::Error) -> Error {
    Error::invalid("file-unreadable", "", error.to_string())
}

/// Refuses bytes that are not the UTF-8 text they should be, by how they begin; gives the length of a byte order mark.
pub(crate) fn text_begins(start: &[u8]) -> Result<usize, Error> {
    let refuse = |message: &str| Err(Error::invalid("not-utf-8", "", message));
    match start {
        [0xef, 0xbb, 0xbf, ..] => Ok(3),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => {
            refuse("the file is UTF-16: save it as UTF-8, in Excel \"CSV UTF-8\"")
        }
        [b'P', b'K', 3, 4, ..] => refuse("the file is a workbook or an archive, not text: say so"),
        _ if start.iter().take(1_000).any(|byte| *byte == 0) => {
            refuse("the file is UTF-16 or no text at all: save it as UTF-8")
        }
        _ => Ok(0),
    }
}

/// What is told of bytes that are no UTF-8.
pub(crate) const NOT_UTF_8: &str =
    "not UTF-8, perhaps Windows-1252: save the file as UTF-8, in Excel \"CSV UTF-8\"";

/// Checks the names of a header: none missing, none twice.
pub(crate) fn header_of(names: Vec<String>) -> Result<Vec<String>, Error> {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| name.trim().to_owned())
        .collect();
    let refuse = |place: usize, code: &str, message: String| {
        Err(Error::invalid(code, &format!("/header/{place}"), message))
    };
    for (place, name) in names.iter().enumerate() {
        let column = place + 1;
        if name.is_empty() {
            return refuse(place, "empty", format!("column {column} has no name"));
        }
        if name.len() > NAME_BYTES_MAX {
            let message = format!("the name of column {column} has over {NAME_BYTES_MAX} bytes");
            return refuse(place, "too-long", message);
        }
        if let Some(earlier) = names.iter().take(place).position(|other| other == name) {
            let message = format!("columns {} and {column} are both {name:?}", earlier + 1);
            return refuse(place, "duplicate", message);
        }
    }
    Ok(names)
}
