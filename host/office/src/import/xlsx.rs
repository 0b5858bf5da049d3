//! Sheets of workbooks (Office Open XML, ISO/IEC 29500): one sheet, row by row, as texts.
//!
//! A number is its stored text without the noise of binary floats, a date is ISO 8601 text by its cell's format, a
//! formula is the value that the workbook keeps of it. Parts are read as streams, within limits.

mod archive;
mod book;
mod number;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    io::{Read, Seek},
};

use archive::{Archive, Node, Xml, attribute, refused};
use book::{Book, unescaped};

use super::{
    RowProblem,
    problem::{RowProblems, cut},
    source::{COLUMNS_MAX, Fields, ROW_BYTES_MAX, SourceRow, header_of},
};
use crate::error::Error;

/// Most rows and columns that a sheet of Excel has.
const SHEET_ROWS_MAX: u64 = 1_048_576;
const SHEET_COLUMNS_MAX: usize = 16_384;
/// Most cells of a row that say something, also beside the header's columns.
const CELLS_MAX: usize = 4 * COLUMNS_MAX;
/// Longest stored value that a message repeats, in characters.
const VALUE_CHARS_MAX: usize = 40;

/// A sheet being read.
pub(crate) struct SheetRows<R> {
    xml: Xml<R>,
    book: Book,
    line: u64,
    header: Vec<String>,
    /// Where the header's first column is.
    first_column: usize,
}

/// A cell as it stands in the sheet.
#[derive(Default)]
struct RawCell {
    kind: String,
    style: usize,
    value: Option<String>,
    text: String,
    has_formula: bool,
    /// Its value or text is longer than a row can be, and not all of it is here.
    is_cut: bool,
}

/// A row's cells that are not empty, by column: the text, or what is wrong with it.
type Cells = Vec<(usize, Result<String, Misfit>)>;
type Misfit = (&'static str, String);

impl<R: Read + Seek> SheetRows<R> {
    /// Reads the header: the first row with cells. Without a name the first sheet is read.
    pub(crate) fn open(source: R, sheet: Option<&str>) -> Result<Self, Error> {
        let mut archive = Archive::open(source)?;
        let (book, path) = Book::open(&mut archive, sheet)?;
        let mut rows = Self {
            xml: archive.into_part(&path)?,
            book,
            line: 0,
            header: Vec::new(),
            first_column: 0,
        };
        rows.read_header()?;
        Ok(rows)
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<SourceRow>, Error> {
        Ok(self.cells()?.map(|cells| self.row(cells)))
    }

    fn read_header(&mut self) -> Result<(), Error> {
        let Some(cells) = self.cells()? else {
            return Err(Error::invalid("empty", "/header", "the sheet is empty"));
        };
        let (first, last) = match (cells.first(), cells.last()) {
            (Some((first, _)), Some((last, _))) => (*first, *last),
            _ => (0, 0),
        };
        if last - first >= COLUMNS_MAX {
            let message = format!("a table has at most {COLUMNS_MAX} columns");
            return Err(Error::invalid("too-many", "/header", message));
        }
        let mut names = vec![String::new(); last - first + 1];
        for (column, text) in cells {
            let misfit = |(code, message): Misfit| Error::invalid(code, "/header", message);
            names[column - first] = text.map_err(misfit)?;
        }
        self.first_column = first;
        self.header = header_of(names)?;
        Ok(())
    }

    fn row(&self, cells: Cells) -> SourceRow {
        let mut texts = vec![String::new(); self.header.len()];
        let mut problems = RowProblems::default();
        let mut bytes = 24 * texts.len();
        for (column, text) in cells {
            let place = column.checked_sub(self.first_column);
            let slot = place.and_then(|place| texts.get_mut(place).zip(self.header.get(place)));
            let mut problem = |column: &str, code: &str, message: &str| {
                problems.push(RowProblem::new(self.line, Some(column), code, message));
            };
            match (slot, text) {
                (Some((slot, _)), Ok(text)) => {
                    bytes += text.len();
                    *slot = text;
                }
                (Some((_, name)), Err((code, message))) => problem(name, code, &message),
                (None, _) => problem(
                    &letters(column),
                    "ragged",
                    "a cell beside the header's columns",
                ),
            }
        }
        if bytes > ROW_BYTES_MAX {
            let message = format!("a row has at most {ROW_BYTES_MAX} bytes");
            return SourceRow::bad(self.line, None, "too-large", &message);
        }
        match problems.none_or(Fields::Cells(texts)) {
            Ok(fields) => SourceRow {
                line: self.line,
                content: Ok(fields),
                bytes,
            },
            Err(problems) => SourceRow::wrong(self.line, problems),
        }
    }

    /// The next row that has cells.
    fn cells(&mut self) -> Result<Option<Cells>, Error> {
        loop {
            match self.xml.next_node()? {
                Some(Node::Open(name, attributes)) if name == "row" => {
                    let numbered = attribute(&attributes, "r").and_then(|text| text.parse().ok());
                    self.line = numbered
                        .filter(|line| *line > self.line)
                        .unwrap_or(self.line + 1);
                    if self.line > SHEET_ROWS_MAX {
                        let message = format!("a sheet has at most {SHEET_ROWS_MAX} rows");
                        return Err(refused(&message));
                    }
                    let cells = self.row_cells()?;
                    if !cells.is_empty() {
                        return Ok(Some(cells));
                    }
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    fn row_cells(&mut self) -> Result<Cells, Error> {
        let (mut cells, mut column) = (Cells::new(), 0);
        let mut bytes_left = ROW_BYTES_MAX;
        loop {
            match self.xml.next_node()? {
                Some(Node::Open(name, attributes)) if name == "c" => {
                    column = place_of(&attributes, column)?;
                    let cell = self.raw_cell(&attributes)?;
                    match self.book.text(cell, bytes_left) {
                        Ok(text) if text.is_empty() => {}
                        read => {
                            bytes_left -= read.as_ref().map_or(0, String::len);
                            cells.push((column, read));
                        }
                    }
                    column += 1;
                    if cells.len() > CELLS_MAX {
                        return Err(refused("a row has too many cells"));
                    }
                }
                Some(Node::Close(name)) if name == "row" => return Ok(cells),
                Some(_) => {}
                None => return Err(refused("the sheet ends within a row")),
            }
        }
    }

    fn raw_cell(&mut self, attributes: &[(String, String)]) -> Result<RawCell, Error> {
        let style = attribute(attributes, "s").and_then(|text| text.parse().ok());
        let mut cell = RawCell {
            kind: attribute(attributes, "t").unwrap_or("n").to_owned(),
            style: style.unwrap_or(0),
            ..RawCell::default()
        };
        let mut inside = String::new();
        let mut phonetic = 0_usize;
        loop {
            match self.xml.next_node()? {
                Some(Node::Open(name, _)) => {
                    match name.as_str() {
                        "v" => cell.value = Some(String::new()),
                        "f" => cell.has_formula = true,
                        "rPh" => phonetic += 1,
                        _ => {}
                    }
                    inside = name;
                }
                Some(Node::Text(text)) => match (inside.as_str(), &mut cell.value) {
                    ("v", Some(value)) => cell.is_cut |= !has_taken(value, &text),
                    ("t", _) if phonetic == 0 => cell.is_cut |= !has_taken(&mut cell.text, &text),
                    _ => {}
                },
                Some(Node::Close(name)) if name == "c" => return Ok(cell),
                Some(Node::Close(name)) => {
                    phonetic = phonetic.saturating_sub(usize::from(name == "rPh"));
                    inside.clear();
                }
                None => return Err(refused("the sheet ends within a cell")),
            }
        }
    }
}

impl Book {
    /// What a cell says, in at most so many bytes.
    fn text(&self, cell: RawCell, bytes_max: usize) -> Result<String, Misfit> {
        let too_large = || {
            (
                "too-large",
                format!("a row has at most {ROW_BYTES_MAX} bytes"),
            )
        };
        if cell.is_cut {
            return Err(too_large());
        }
        let text = self.whole_text(cell)?;
        // Only now is a shared text copied: a row may name a long one in each of its cells.
        if text.len() > bytes_max {
            return Err(too_large());
        }
        Ok(text.into_owned())
    }

    fn whole_text(&self, cell: RawCell) -> Result<Cow<'_, str>, Misfit> {
        let is_text = matches!(cell.kind.as_str(), "str" | "inlineStr");
        let Some(value) = cell.value else {
            if cell.has_formula && !is_text {
                let message = "a formula without a value: open the workbook and save it";
                return Err(("formula-without-value", message.to_owned()));
            }
            return Ok(cell.text.into());
        };
        Ok(match cell.kind.as_str() {
            "s" => self.shared_text(&value)?.into(),
            "str" => unescaped(&value).into(),
            "inlineStr" => cell.text.into(),
            "b" => Cow::Borrowed(if value.trim() == "1" { "true" } else { "false" }),
            "e" => {
                let value = cut(&value, VALUE_CHARS_MAX);
                let message = format!("the cell's value is the error {value}");
                return Err(("error-value", message));
            }
            "d" => value.into(),
            _ if value.trim().is_empty() => Cow::Borrowed(""),
            _ => self.number(&value, cell.style)?.into(),
        })
    }
}

/// Takes a part of a cell's text, unless the whole becomes longer than a row can be.
fn has_taken(whole: &mut String, part: &str) -> bool {
    let fits = whole.len() + part.len() <= ROW_BYTES_MAX;
    if fits {
        whole.push_str(part);
    }
    fits
}

/// A cell's column: its own, or the one that follows the cell before.
fn place_of(attributes: &[(String, String)], next: usize) -> Result<usize, Error> {
    let reference = attribute(attributes, "r").unwrap_or_default();
    if reference.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let named = column_of(reference).filter(|named| *named >= next);
        return named.ok_or_else(|| refused("the cells of a row are not in their order"));
    }
    if next >= SHEET_COLUMNS_MAX {
        let message = format!("a sheet has at most {SHEET_COLUMNS_MAX} columns");
        return Err(refused(&message));
    }
    Ok(next)
}

/// A column's place by a cell's reference, such as 27 for "AB12".
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_usize;
    for letter in letters {
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        if column > SHEET_COLUMNS_MAX {
            return None;
        }
    }
    column.checked_sub(1)
}

fn letters(column: usize) -> String {
    let mut left = column + 1;
    let mut found = String::new();
    while left > 0 {
        left -= 1;
        let letter = u8::try_from(left % 26).unwrap_or_default();
        found.insert(0, char::from(b'A' + letter));
        left /= 26;
    }
    found
}
