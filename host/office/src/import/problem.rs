//! What is wrong with rows: told by line and column, few of each row and in few words.
//!
//! A file has millions of rows, and each can be wrong in thousands of ways, with a megabyte of text in each. What is kept
//! of that is bounded here; the rest is counted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most problems that are told of one row; the rest is counted.
pub(crate) const ROW_PROBLEMS_MAX: usize = 20;
/// Longest name of a column, in characters; more is cut.
const COLUMN_CHARS_MAX: usize = 200;
/// Longest message, in characters; more is cut.
const MESSAGE_CHARS_MAX: usize = 300;

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
            column: column.map(|name| cut(name, COLUMN_CHARS_MAX)),
            code: code.to_owned(),
            message: cut(message, MESSAGE_CHARS_MAX),
        }
    }
}

/// What is wrong with one row. Empty if nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowProblems {
    /// The first of them.
    pub told: Vec<RowProblem>,
    /// How many more there are.
    pub left_out: u64,
}

impl RowProblems {
    pub(crate) fn push(&mut self, problem: RowProblem) {
        if self.told.len() < ROW_PROBLEMS_MAX {
            self.told.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// The value, if nothing is wrong.
    pub(crate) fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.told.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// What they weigh in memory.
    pub(crate) fn bytes(&self) -> usize {
        let bytes = |problem: &RowProblem| {
            size_of::<RowProblem>()
                + problem.column.as_ref().map_or(0, String::len)
                + problem.code.len()
                + problem.message.len()
        };
        self.told.iter().map(bytes).sum()
    }
}

impl From<RowProblem> for RowProblems {
    fn from(problem: RowProblem) -> Self {
        Self {
            told: vec![problem],
            left_out: 0,
        }
    }
}

impl FromIterator<RowProblem> for RowProblems {
    fn from_iter<T: IntoIterator<Item = RowProblem>>(problems: T) -> Self {
        let mut found = Self::default();
        problems.into_iter().for_each(|problem| found.push(problem));
        found
    }
}

/// The beginning of a text from outside; an ellipsis says that there is more.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_row_is_bounded_and_the_rest_is_counted() {
        let long = "ü".repeat(1 << 20);
        let problems: RowProblems = (0..5_000)
            .map(|_| RowProblem::new(1, Some(&long), "wrong", &long))
            .collect();
        assert_eq!(problems.told.len(), ROW_PROBLEMS_MAX);
        assert_eq!(problems.left_out, 5_000 - ROW_PROBLEMS_MAX as u64);
        let message = &problems.told[0].message;
        assert_eq!(message.chars().count(), MESSAGE_CHARS_MAX + 1);
        assert!(message.ends_with("ü…"));
        assert!(problems.bytes() < 40_000, "{}", problems.bytes());
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…");
    }
}
