//! What is told of an import: how many rows come to what, what the first ones do, and what is wrong with the bad ones.
//!
//! A report fits into memory and into an answer, whatever the file holds.

use std::sync::Arc;

use bursar_domain::{canonical::weight, row::Row};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    RowProblem,
    stage::{Outcome, Staged},
};
use crate::write::Write;

/// Most changes that a report shows.
pub const DIFFS_MAX: usize = 100;
/// Longest values that a report shows, together, in bytes; what comes after them is not shown.
pub const DIFFS_BYTES_MAX: u64 = 256 << 10;
/// Most problems that a report tells; the rest is counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// How many rows come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportCounts)]
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
#[schema(as = ImportRowDiff)]
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
#[schema(as = ImportFieldDiff)]
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
#[schema(as = ImportReport)]
pub struct Report {
    /// How many rows come to what.
    pub counts: Counts,
    /// What the first rows do, at most 100 and 256 KiB of values.
    pub diffs: Vec<RowDiff>,
    /// What is wrong, in the order of lines, at most 20 of a row and 1000 in all.
    pub problems: Vec<RowProblem>,
    /// Problems beyond those.
    pub problems_left_out: u64,
    /// About how long the values of `diffs` are, in bytes; the limit once something is not shown.
    #[serde(skip)]
    diffs_bytes: u64,
}

impl Report {
    pub(crate) fn add(&mut self, staged: &[Staged]) {
        for row in staged {
            self.counts.rows += 1;
            match &row.outcome {
                Outcome::New(write) => {
                    self.counts.new += 1;
                    self.show(row.line, write, None);
                }
                Outcome::Changed(write, before) => {
                    self.counts.changed += 1;
                    self.show(row.line, write, Some(before));
                }
                Outcome::Same(_) => self.counts.same += 1,
                Outcome::Bad(problems) => {
                    self.counts.bad += 1;
                    self.tell(&problems.told, problems.left_out);
                }
            }
        }
    }

    fn show(&mut self, line: u64, write: &Write, before: Option<&Row>) {
        if self.has_room() {
            let before_body = before.map(|row| &row.body);
            self.show_diff(RowDiff {
                line,
                id: before.map(|row| row.key.id.to_string()),
                fields: fields_between(before_body, write.body.as_ref()),
            });
        }
    }

    fn has_room(&self) -> bool {
        self.diffs.len() < DIFFS_MAX && self.diffs_bytes < DIFFS_BYTES_MAX
    }

    fn show_diff(&mut self, diff: RowDiff) {
        let bytes = self.diffs_bytes.saturating_add(diff.bytes());
        self.diffs_bytes = bytes.min(DIFFS_BYTES_MAX);
        if bytes < DIFFS_BYTES_MAX {
            self.diffs.push(diff);
        }
    }

    fn tell(&mut self, problems: &[RowProblem], left_out: u64) {
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        self.problems.extend(problems.iter().take(room).cloned());
        let beyond = problems.len().saturating_sub(room) as u64;
        self.problems_left_out += left_out + beyond;
    }

    /// Adds what came after.
    pub(crate) fn join(&mut self, later: Report) {
        let Counts {
            rows,
            new,
            changed,
            same,
            bad,
        } = later.counts;
        self.counts.rows += rows;
        self.counts.new += new;
        self.counts.changed += changed;
        self.counts.same += same;
        self.counts.bad += bad;
        for diff in later.diffs {
            if self.has_room() {
                self.show_diff(diff);
            }
        }
        if later.diffs_bytes >= DIFFS_BYTES_MAX {
            self.diffs_bytes = DIFFS_BYTES_MAX;
        }
        self.tell(&later.problems, later.problems_left_out);
    }
}

impl RowDiff {
    /// About how long it is.
    fn bytes(&self) -> u64 {
        let length = |value: &Option<Value>| value.as_ref().map_or(0, weight);
        self.fields
            .iter()
            .map(|field| field.property.len() as u64 + length(&field.before) + length(&field.after))
            .sum()
    }
}

/// Properties in which two bodies differ.
fn fields_between(before: Option<&Arc<Value>>, after: Option<&Value>) -> Vec<FieldDiff> {
    let none = Map::new();
    let before = before.and_then(|body| body.as_object()).unwrap_or(&none);
    let after = after.and_then(Value::as_object).unwrap_or(&none);
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut names: Vec<&String> = after.keys().chain(gone).collect();
    names.sort_unstable();
    let differs = |name: &&&String| before.get(**name) != after.get(**name);
    names
        .iter()
        .filter(differs)
        .map(|name| FieldDiff {
            property: (*name).clone(),
            before: before.get(*name).cloned(),
            after: after.get(*name).cloned(),
        })
        .collect()
}
