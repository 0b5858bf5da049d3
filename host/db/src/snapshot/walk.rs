//! Walking along an index, or along ids, a few rows at a time.

use bursar_domain::{
    draft::{Direction, Position},
    index::{Condition, KeyRange},
    row::{Row, RowKey},
};

use super::{Query, parse};
use crate::{
    adapter::{Arg, Statement, Tx, args},
    error::Error,
    statements as sql,
};

/// Id, revision, instants of making and of the last change, body.
type ListedRow = (String, i64, i64, i64, String);

pub(super) fn is_point(range: &KeyRange) -> bool {
    range.end.split_last() == Some((&0, range.start.as_slice()))
}

/// What lies in a range of both sets. Both are sorted and disjoint, and so is the result.
fn intersection(left: &[KeyRange], right: &[KeyRange]) -> Vec<KeyRange> {
    let common = |a: &KeyRange, b: &KeyRange| {
        let start = (&a.start).max(&b.start).clone();
        let end = (&a.end).min(&b.end).clone();
        (start < end).then_some(KeyRange { start, end })
    };
    left.iter()
        .flat_map(|a| right.iter().filter_map(move |b| common(a, b)))
        .collect()
}

/// A walk along an index, or along ids.
pub(super) struct Walk {
    /// The field whose index is walked; none is by id.
    pub(super) field: Option<String>,
    /// Whether positions carry the field's key.
    ordered: bool,
    /// Ranges still to walk, the next one last.
    ranges: Vec<KeyRange>,
    after: Option<(Vec<u8>, String)>,
}

impl Walk {
    pub(super) fn of(query: &Query) -> Self {
        // Within one value of a field its index is in the order of ids.
        let by_value = || {
            let is_value =
                |c: &&Condition| matches!(c.ranges.as_slice(), [range] if is_point(range));
            query.conditions.iter().find(is_value).map(|c| &c.field)
        };
        let field = query.order.as_ref().or_else(by_value).cloned();
        let mut ranges = query
            .conditions
            .iter()
            .filter(|condition| Some(&condition.field) == field.as_ref())
            .fold(vec![KeyRange::everything()], |ranges, condition| {
                intersection(&ranges, &condition.ranges)
            });
        if query.direction == Direction::Ascending {
            ranges.reverse();
        }
        let ordered = query.order.is_some();
        let after = query.after.as_ref().map(|position| {
            let key = if ordered {
                position.key.clone()
            } else {
                ranges
                    .last()
                    .map_or_else(Vec::new, |range| range.start.clone())
            };
            (key, position.id.to_string())
        });
        Self {
            field,
            ordered,
            ranges,
            after,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The next rows; goes on to the next range when one is exhausted.
    pub(super) async fn step(
        &mut self,
        tx: &mut Tx,
        query: &Query,
        size: usize,
    ) -> Result<Vec<(Position, Row)>, Error> {
        let Some(range) = self.ranges.last().cloned() else {
            return Ok(Vec::new());
        };
        let (statement, args) = match &self.field {
            None => self.by_id(query, size),
            Some(field) => self.by_field(query, field, &range, size),
        };
        let listed = self.fetch(tx, &statement, args).await?;
        match listed.last() {
            Some((key, image)) if listed.len() >= size => {
                self.after = Some((key.clone(), image.0.clone()));
            }
            _ => {
                self.ranges.pop();
                if self.field.is_none() {
                    self.ranges.clear();
                }
            }
        }
        let ordered = self.ordered;
        listed
            .into_iter()
            .map(|(key, image)| listed_row(query, if ordered { key } else { Vec::new() }, image))
            .collect()
    }

    async fn fetch(
        &self,
        tx: &mut Tx,
        statement: &Statement,
        args: Vec<Arg>,
    ) -> Result<Vec<(Vec<u8>, ListedRow)>, Error> {
        if self.field.is_none() {
            let rows: Vec<(String, i64, i64, i64, String, String)> =
                tx.all(statement, args).await?;
            return Ok(rows
                .into_iter()
                .map(|(id, revision, made, updated, body, _)| {
                    (Vec::new(), (id, revision, made, updated, body))
                })
                .collect());
        }
        let rows: Vec<(String, i64, i64, i64, String, Vec<u8>)> = tx.all(statement, args).await?;
        Ok(rows
            .into_iter()
            .map(|(id, revision, made, updated, body, key)| {
                (key, (id, revision, made, updated, body))
            })
            .collect())
    }

    fn by_id(&self, query: &Query, size: usize) -> (Statement, Vec<Arg>) {
        let ascending = query.direction == Direction::Ascending;
        // Above every id: ids are ASCII.
        let first = if ascending { "" } else { "\u{10ffff}" };
        let from = self.after.as_ref().map_or(first, |(_, id)| id);
        let statement = if ascending {
            sql::LIST_BY_ID
        } else {
            sql::LIST_BY_ID_DESCENDING
        };
        (
            statement,
            args![
                query.kind.as_str(),
                &*query.collection,
                from,
                rows_limit(size)
            ],
        )
    }

    fn by_field(
        &self,
        query: &Query,
        field: &str,
        range: &KeyRange,
        size: usize,
    ) -> (Statement, Vec<Arg>) {
        let (kind, collection) = (query.kind.as_str(), &*query.collection);
        if query.direction == Direction::Ascending {
            let from = self.after.clone().filter(|(key, _)| *key >= range.start);
            let (key, id) = from.unwrap_or_else(|| (range.start.clone(), String::new()));
            (
                sql::LIST_BY_FIELD,
                args![
                    kind,
                    collection,
                    field,
                    key,
                    id,
                    range.end.as_slice(),
                    rows_limit(size)
                ],
            )
        } else {
            let from = self.after.clone().filter(|(key, _)| *key < range.end);
            let (key, id) = from.unwrap_or_else(|| (range.end.clone(), String::new()));
            (
                sql::LIST_BY_FIELD_DESCENDING,
                args![
                    kind,
                    collection,
                    field,
                    key,
                    id,
                    range.start.as_slice(),
                    rows_limit(size)
                ],
            )
        }
    }
}

fn rows_limit(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn listed_row(query: &Query, key: Vec<u8>, image: ListedRow) -> Result<(Position, Row), Error> {
    let (id, revision, created_us, updated_us, body) = image;
    let row_key = RowKey::within(query.kind, &query.collection, &id);
    let position = Position {
        key,
        id: row_key.id.clone(),
    };
    Ok((
        position,
        Row {
            key: row_key,
            revision,
            created_us,
            updated_us,
            body: parse(&body)?,
        },
    ))
}
