//! Import of records from files: read, checked, previewed, committed in chunks.
//!
//! [`preview`] says what a file would do and changes nothing; [`commit`] does it, one proposal for each chunk of rows, in
//! the file's order. A row is known by its key, so an import that was interrupted is continued by running it again: rows
//! that are there are the same, and nothing is written for them. Every row passes the checks that any other change of a
//! record passes; what is wrong with a row is told with its line and column.
//!
//! Only what a file's columns name is changed. An empty cell says that there is no value: the property is taken away, and
//! left out of a new record. A cell that reads as an export would write the stored value changes nothing, so `""`, null
//! and an absent property, which a table cannot tell apart, stay what they are.

mod cell;
mod csv;
mod json_lines;
mod plan;
mod run;
mod source;
mod stage;
#[cfg(test)]
mod tests;
mod xlsx;

use std::collections::{BTreeMap, BTreeSet};

use bursar_domain::row::Seq;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub(crate) use cell::{guarded, text_of};
pub use run::{Progress, Stage, commit, preview};

/// The column, or member, that holds a record's id.
pub const ID_COLUMN: &str = "_id";
/// Most rows of one import.
pub const ROWS_MAX: u64 = 2_000_000;
/// Most rows of one commit.
pub const CHUNK_ROWS_MAX: u32 = 5_000;
/// Rows of a commit unless told otherwise.
const CHUNK_ROWS: u32 = 2_000;
/// Most changes that a report shows.
pub const DIFFS_MAX: usize = 100;
/// Most problems that a report tells; the rest is counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// What to import, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The collection that the records go to.
    pub collection: String,
    /// How the file is written.
    pub format: Format,
    /// What its columns mean.
    #[serde(default)]
    pub mapping: Mapping,
    /// How a row is known again.
    #[serde(default)]
    pub key: Key,
    /// What happens if rows are bad.
    #[serde(default)]
    pub mode: Mode,
    /// Rows of one commit, 1 to 5000.
    #[serde(default = "chunk_rows")]
    pub chunk_rows: u32,
}

const fn chunk_rows() -> u32 {
    CHUNK_ROWS
}

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Format {
    /// A table by RFC 4180 with a header row, in UTF-8.
    Csv {
        /// What separates the cells; by default what the header has most of.
        #[serde(default)]
        delimiter: Option<Delimiter>,
        /// Whether an apostrophe before what a spreadsheet takes for a formula belongs to the text.
        #[serde(default)]
        formulas: Formulas,
    },
    /// One JSON object a line, in UTF-8.
    JsonLines,
    /// A workbook of Excel 2007 or later. The first row with cells is the header.
    Xlsx {
        /// Which sheet; by default the first.
        #[serde(default)]
        sheet: Option<String>,
    },
}

/// What separates the cells of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// U+0009
    Tab,
}

/// How texts are written that a spreadsheet takes for formulas: those that begin with `=`, `+`, `-`, `@`, tab or CR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Formulas {
    /// Behind an apostrophe, which is taken away again when the file is read.
    #[default]
    Guarded,
    /// As they are.
    Raw,
}

/// What the columns of a file mean. A column named like a property is that property.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// What a column means that is not named like its property.
    pub columns: BTreeMap<String, Target>,
    /// Values of properties that are the same for every row.
    pub constants: Map<String, Value>,
    /// Columns whose numbers have a comma before the fraction, and points between thousands.
    pub decimal_comma: BTreeSet<String>,
    /// What an empty cell says.
    pub empty: Empty,
    /// What happens with columns that are neither mapped nor named like a property of the schema.
    pub others: Others,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The value of this property.
    Property(String),
    /// The record's id.
    Id,
    /// Nothing of the record's.
    Ignore,
}

/// What an empty cell says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Empty {
    /// That there is no value.
    #[default]
    Clear,
    /// Nothing: what is stored stays.
    Keep,
}

/// What happens with columns that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// They are refused by name.
    #[default]
    Refuse,
    /// They are passed over.
    Ignore,
    /// They are properties, if the schema allows them.
    Take,
}

/// How a row is known again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// By its line in this very file: the same file again creates and changes nothing. Rows are always new records.
    #[default]
    Line,
    /// By the record's id; a row without one is known by its line.
    Id,
    /// By properties that are unique in the collection, 1 to 10. A row has at least one of them, and those that it has
    /// name one record.
    Properties(Vec<String>),
}

/// What happens if rows are bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing is committed.
    #[default]
    AllOrNothing,
    /// They are left out and told, the others are committed.
    SkipBadRows,
}

/// What is wrong with a row, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowProblem {
    /// The line that the row begins in; the first is 1. In a workbook, the sheet's own number of the row.
    pub line: u64,
    /// The column's name, or its number if it has none; none if the row as a whole is bad.
    pub column: Option<String>,
    /// A stable name of the fault.
    pub code: String,
    /// In plain words.
    pub message: String,
}

impl RowProblem {
    pub(crate) fn new(line: u64, column: Option<&str>, code: &str, message: &str) -> Self {
        Self {
            line,
            column: column.map(str::to_owned),
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// How many rows come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// All.
    pub rows: u64,
    /// Those that make a record.
    pub new: u64,
    /// Those that change one.
    pub changed: u64,
    /// Those that say what is there.
    pub same: u64,
    /// Those that cannot be imported.
    pub bad: u64,
}

/// What a row does to a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowDiff {
    /// The line that the row begins in.
    pub line: u64,
    /// The record that it changes; none if it makes one.
    pub id: Option<String>,
    /// Property by property, in their order.
    pub fields: Vec<FieldDiff>,
}

/// One property before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldDiff {
    /// Its name.
    pub property: String,
    /// Its value so far; none if it was absent.
    pub before: Option<Value>,
    /// Its new value; none if it is taken away.
    pub after: Option<Value>,
}

/// What a file does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// How many rows come to what.
    pub counts: Counts,
    /// What the first rows do, at most 100.
    pub diffs: Vec<RowDiff>,
    /// What is wrong, in the order of lines, at most 1000.
    pub problems: Vec<RowProblem>,
    /// Problems beyond those.
    pub problems_left_out: u64,
}

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Every good row is there.
    Complete,
    /// Rows are bad: nothing was committed.
    Refused,
    /// Others changed the records meanwhile, and rows became bad: what stood before them is committed. Run it again.
    Stopped,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// How it ended.
    pub end: End,
    /// What the rows did, or would have done.
    pub report: Report,
    /// Commits that were made.
    pub commits: u64,
    /// The last of them.
    pub last_seq: Option<Seq>,
}
