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
mod problem;
mod report;
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
pub use problem::RowProblem;
pub use report::{Counts, FieldDiff, Report, RowDiff};
pub use run::{Progress, Stage, commit, preview};

/// The column, or member, that holds a record's id.
pub const ID_COLUMN: &str = "_id";
/// Most rows of one import.
pub const ROWS_MAX: u64 = 2_000_000;
/// Most rows of one commit.
pub const CHUNK_ROWS_MAX: u32 = 5_000;
/// Rows of a commit unless told otherwise.
pub const CHUNK_ROWS: u32 = 2_000;

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
