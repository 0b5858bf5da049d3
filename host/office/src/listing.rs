//! Listings over snapshot and draft together, in pages.
//!
//! A page is the snapshot's answer without the rows that the draft changes, merged with those of the draft's images that
//! match. What was looked at is recorded as the dependency: up to the first row beyond the page, whose presence the
//! caller learns from the cursor, or to the end.

use std::cmp::Ordering;
use std::sync::Arc;

use bursar_db::Query;
use bursar_domain::{
    draft::{Direction, Listing, Position},
    index::{CONDITIONS_MAX, Comparison, Condition, IndexField, KeyRange, MISSING, VALUES_MAX},
    log::hex,
    problem::Problem,
    row::{Kind, Row},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    error::Error,
    records::Sight,
    session::{Session, View},
    write::can_be_id,
};

/// Most rows of a page.
pub(crate) const PAGE_ROWS_MAX: u32 = 1000;
/// Rows looked at at once where each has to be looked at.
const ROWS_LOOKED_AT: usize = 500;
/// Rows fetched at once while counting.
const COUNT_PAGE_ROWS: usize = 1000;
/// Most orders of a listing.
const ORDERS_MAX: usize = 1;

/// One test of an indexed field, as callers write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The field's name.
    pub field: String,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: JSON scalars.
    pub values: Vec<Value>,
}

/// Sorts by an indexed field; missing values come last either way, ties are broken by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field's name.
    pub field: String,
    /// Which way.
    pub direction: Direction,
}

/// Asks for part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// 1 to 1000 rows; more is cut.
    pub limit: u32,
    /// Where an earlier page ended.
    pub after: Option<String>,
}

impl Paging {
    /// The first page, with as many rows as a page can have.
    pub fn first() -> Self {
        Self {
            limit: PAGE_ROWS_MAX,
            after: None,
        }
    }
}

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// The rows, in order.
    pub items: Vec<View<T>>,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
}

/// What a listing is of.
#[derive(Clone)]
pub(crate) struct Scope {
    pub kind: Kind,
    pub collection: Arc<str>,
    pub conditions: Vec<Condition>,
    pub order: Option<String>,
    pub direction: Direction,
    /// Leaves out what is not in view, where conditions cannot say it.
    pub seen_by: Option<Arc<Sight>>,
}

impl Scope {
    /// Everything of a kind and collection, by id.
    pub(crate) fn all(kind: Kind, collection: &str) -> Self {
        Self {
            kind,
            collection: Arc::from(collection),
            conditions: Vec::new(),
            order: None,
            direction: Direction::Ascending,
            seen_by: None,
        }
    }

    /// Only what is in view.
    pub(crate) fn in_view(mut self, sight: &Arc<Sight>) -> Self {
        match sight.conditions() {
            Some(conditions) => conditions.cloned().for_each(|it| self.narrow(it)),
            None => self.seen_by = Some(sight.clone()),
        }
        self
    }

    /// Types a caller's conditions and order by the fields that can be asked for; every problem is listed.
    pub(crate) fn typed(
        mut self,
        fields: &[IndexField],
        tests: &[Test],
        order: &[Order],
    ) -> Result<Self, Error> {
        let mut problems = Vec::new();
        if tests.len() > CONDITIONS_MAX {
            problems.push(Problem::at(
                "too-many",
                "/conditions",
                format!("a listing has at most {CONDITIONS_MAX} conditions"),
            ));
        }
        for (place, test) in tests.iter().take(CONDITIONS_MAX).enumerate() {
            match condition(fields, test, place) {
                Ok(condition) => self.narrow(condition),
                Err(problem) => problems.push(problem),
            }
        }
        if order.len() > ORDERS_MAX {
            problems.push(Problem::at(
                "order-too-long",
                "/order",
                format!("a listing is sorted by at most {ORDERS_MAX} field"),
            ));
        }
        if let Some(order) = order.first() {
            if !fields.iter().any(|field| field.name == order.field) {
                problems.push(not_indexed(&order.field, "/order/0/field"));
            }
            self.order = Some(order.field.clone());
            self.direction = order.direction;
        }
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(Error::Invalid(problems))
        }
    }

    /// Adds a condition of the host's own on one of its own fields.
    pub(crate) fn and(
        mut self,
        field: &IndexField,
        comparison: Comparison,
        values: &[Value],
    ) -> Result<Self, Error> {
        self.narrow(Condition::new(field, comparison, values)?);
        Ok(self)
    }

    fn narrow(&mut self, condition: Condition) {
        narrow(&mut self.conditions, condition);
    }

    /// Missing values come last in both directions, though their keys are the largest: a descending listing is that of
    /// the present values, then that of the missing ones.
    fn phases(&self) -> Vec<Vec<Condition>> {
        let (Some(order), Direction::Descending) = (&self.order, self.direction) else {
            return vec![self.conditions.clone()];
        };
        let within = |start: &[u8], end: &[u8]| {
            let mut conditions = self.conditions.clone();
            let range = KeyRange {
                start: start.to_vec(),
                end: end.to_vec(),
            };
            narrow(
                &mut conditions,
                Condition {
                    field: order.clone(),
                    ranges: vec![range],
                },
            );
            conditions
        };
        vec![within(&[], MISSING), within(MISSING, &[0xff, 0xff])]
    }

    fn compare(&self, left: &Position, right: &Position) -> Ordering {
        match self.direction {
            Direction::Ascending => left.cmp(right),
            Direction::Descending => right.cmp(left),
        }
    }
}

/// Rows of a page, and the place of its last one if there are more.
pub(crate) struct Answer {
    pub rows: Vec<Row>,
    pub next: Option<Position>,
}

impl Session {
    /// One page of a listing, rows unread by the caller so far.
    pub(crate) async fn list(
        &mut self,
        scope: &Scope,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Answer, Error> {
        // One row more tells whether there is another page.
        let wanted = limit.saturating_add(1);
        let mut found = match scope.seen_by.clone() {
            None => self.list_all(scope, after, wanted).await?,
            Some(sight) => self.list_seen(scope, &sight, after, wanted).await?,
        };
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|(position, _)| position.clone());
        Ok(Answer {
            rows: found.into_iter().map(|(_, row)| row).collect(),
            next,
        })
    }

    /// How many rows a listing has, counted up to a number.
    pub(crate) async fn count(&mut self, scope: &Scope, at_most: u32) -> Result<u32, Error> {
        let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
        let (mut counted, mut after) = (0, None);
        loop {
            let answer = self
                .list(scope, after, COUNT_PAGE_ROWS.min(at_most - counted))
                .await?;
            counted += answer.rows.len();
            after = answer.next;
            if after.is_none() || counted >= at_most {
                return Ok(u32::try_from(counted).unwrap_or(u32::MAX));
            }
        }
    }

    /// Up to `wanted` rows in view after a place: many are looked at at once, for there may be many that are not.
    async fn list_seen(
        &mut self,
        scope: &Scope,
        sight: &Sight,
        mut after: Option<Position>,
        wanted: usize,
    ) -> Result<Vec<(Position, Row)>, Error> {
        let step = wanted.max(ROWS_LOOKED_AT);
        let mut found = Vec::new();
        loop {
            let rows = self.list_all(scope, after, step).await?;
            let is_last = rows.len() < step;
            after = rows.last().map(|(position, _)| position.clone());
            let in_view = rows.into_iter().filter(|(_, row)| sight.admits(&row.body));
            found.extend(in_view);
            if is_last || found.len() >= wanted {
                found.truncate(wanted);
                return Ok(found);
            }
        }
    }

    /// Up to `wanted` rows that conditions leave after a place.
    async fn list_all(
        &mut self,
        scope: &Scope,
        after: Option<Position>,
        wanted: usize,
    ) -> Result<Vec<(Position, Row)>, Error> {
        let phases = scope.phases();
        let is_in_last =
            phases.len() == 1 || after.as_ref().is_some_and(|after| after.key == MISSING);
        let mut found: Vec<(Position, Row)> = Vec::new();
        for (place, conditions) in phases.iter().enumerate() {
            let is_last = place + 1 == phases.len();
            if is_in_last && !is_last {
                continue;
            }
            let from = after.clone().filter(|_| is_in_last || place == 0);
            let missing = wanted.saturating_sub(found.len());
            let rows = self.list_phase(scope, conditions, from, missing).await?;
            found.extend(rows);
            if found.len() >= wanted {
                break;
            }
        }
        Ok(found)
    }

    /// Up to `wanted` rows after a place. With fewer the listing was read to its end, else up to the last one of them.
    async fn list_phase(
        &mut self,
        scope: &Scope,
        conditions: &[Condition],
        after: Option<Position>,
        wanted: usize,
    ) -> Result<Vec<(Position, Row)>, Error> {
        self.pin().await?;
        let mut query = Query {
            kind: scope.kind,
            collection: scope.collection.clone(),
            conditions: conditions.to_vec(),
            order: scope.order.clone(),
            direction: scope.direction,
            after,
            limit: wanted,
        };
        let mut found = self.list_own(scope, &query);
        let own = found.len();
        loop {
            let page = self.snapshot.list(&query).await?;
            query.after = page.rows.last().map(|(position, _)| position.clone());
            let is_last = page.is_last || query.after.is_none();
            found.extend(
                page.rows
                    .into_iter()
                    .filter(|(_, row)| self.draft.change(&row.key).is_none()),
            );
            if is_last || found.len() - own >= wanted {
                break;
            }
        }
        found.sort_by(|(left, _), (right, _)| scope.compare(left, right));
        found.truncate(wanted);
        let until = found
            .get(wanted.saturating_sub(1))
            .map(|(position, _)| position.clone());
        self.listed(Listing {
            kind: scope.kind,
            collection: scope.collection.clone(),
            conditions: conditions.to_vec(),
            order: scope.order.clone(),
            direction: scope.direction,
            until,
        })?;
        Ok(found)
    }

    /// The draft's own images that belong to the answer.
    fn list_own(&self, scope: &Scope, query: &Query) -> Vec<(Position, Row)> {
        let listing = Listing {
            kind: query.kind,
            collection: query.collection.clone(),
            conditions: query.conditions.clone(),
            order: query.order.clone(),
            direction: query.direction,
            until: None,
        };
        let covered = self
            .draft
            .changes()
            .iter()
            .filter(|change| listing.covers(&change.key, &change.index));
        covered
            .filter_map(|change| {
                Some((
                    listing.position(&change.key, &change.index),
                    self.drafted(change)?,
                ))
            })
            .filter(|(position, _)| {
                query
                    .after
                    .as_ref()
                    .is_none_or(|after| scope.compare(position, after) == Ordering::Greater)
            })
            .collect()
    }

    /// One page as a caller asked for it, counted as handed out.
    pub(crate) async fn page<T>(
        &mut self,
        scope: &Scope,
        paging: &Paging,
        view: impl Fn(&Self, &Row) -> Result<View<T>, Error>,
    ) -> Result<Listed<T>, Error> {
        if paging.limit == 0 {
            return Err(Error::invalid(
                "page-empty",
                "/page/limit",
                "a page has 1 to 1000 rows",
            ));
        }
        let limit = usize::try_from(paging.limit.min(PAGE_ROWS_MAX)).unwrap_or(usize::MAX);
        let after = paging
            .after
            .as_deref()
            .map(|cursor| self.read_cursor(scope, cursor))
            .transpose()?;
        let answer = self.list(scope, after, limit).await?;
        self.hand_out(answer.rows.len())?;
        let items = answer
            .rows
            .iter()
            .map(|row| view(self, row))
            .collect::<Result<_, _>>()?;
        Ok(Listed {
            items,
            next: answer
                .next
                .map(|position| self.write_cursor(scope, &position)),
        })
    }

    /// A cursor is good for this session and these arguments only: it carries a digest of both.
    fn write_cursor(&self, scope: &Scope, position: &Position) -> String {
        let key_bytes = u16::try_from(position.key.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let mut bytes = self.cursor_digest(scope).to_vec();
        bytes.extend(key_bytes);
        bytes.extend(&position.key);
        bytes.extend(position.id.as_bytes());
        hex(&bytes)
    }

    fn read_cursor(&self, scope: &Scope, cursor: &str) -> Result<Position, Error> {
        let position = unhex(cursor).and_then(|bytes| {
            let place = bytes.strip_prefix(&self.cursor_digest(scope))?;
            let (key_bytes, place) = place.split_first_chunk::<2>()?;
            let (key, id) = place.split_at_checked(usize::from(u16::from_be_bytes(*key_bytes)))?;
            let id = std::str::from_utf8(id)
                .ok()
                .filter(|id| id.is_empty() || can_be_id(id))?;
            Some(Position {
                key: key.to_vec(),
                id: Arc::from(id),
            })
        });
        position.ok_or_else(unusable)
    }

    fn cursor_digest(&self, scope: &Scope) -> [u8; 16] {
        let direction = [u8::from(scope.direction == Direction::Descending)];
        let mut parts = vec![
            scope.kind.as_str().as_bytes(),
            scope.collection.as_bytes(),
            scope.order.as_deref().unwrap_or_default().as_bytes(),
            &direction,
        ];
        for condition in &scope.conditions {
            parts.push(condition.field.as_bytes());
            for range in &condition.ranges {
                parts.extend([range.start.as_slice(), range.end.as_slice()]);
            }
        }
        self.digest_of(&parts)
    }

    /// What binds a cursor to this session and to what was asked for.
    pub(crate) fn digest_of(&self, asked: &[&[u8]]) -> [u8; 16] {
        let mut hasher = Sha256::new();
        for part in [&self.context.seed[..]].iter().chain(asked) {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        half
    }
}

/// Adds a condition; one more on the same field leaves the ranges that both have, so that each field has one condition.
fn narrow(conditions: &mut Vec<Condition>, condition: Condition) {
    let Some(known) = conditions
        .iter_mut()
        .find(|known| known.field == condition.field)
    else {
        conditions.push(condition);
        return;
    };
    let shared = |left: &KeyRange, right: &KeyRange| KeyRange {
        start: left.start.as_slice().max(&right.start).to_vec(),
        end: left.end.as_slice().min(&right.end).to_vec(),
    };
    let all = known.ranges.iter().flat_map(|left| {
        condition
            .ranges
            .iter()
            .map(move |right| shared(left, right))
    });
    let mut ranges: Vec<KeyRange> = all.filter(|range| range.start < range.end).collect();
    ranges.sort();
    known.ranges = ranges;
}

fn condition(fields: &[IndexField], test: &Test, place: usize) -> Result<Condition, Problem> {
    let at = |part: &str| format!("/conditions/{place}/{part}");
    let field = fields
        .iter()
        .find(|field| field.name == test.field)
        .ok_or_else(|| not_indexed(&test.field, &at("field")))?;
    if test.values.len() > VALUES_MAX {
        return Err(Problem::at(
            "too-many",
            at("values"),
            format!("a condition has at most {VALUES_MAX} values"),
        ));
    }
    Condition::new(field, test.comparison, &test.values).map_err(|problem| Problem {
        pointer: at("values"),
        ..problem
    })
}

fn not_indexed(field: &str, pointer: &str) -> Problem {
    let name: String = field.chars().take(64).collect();
    Problem::at(
        "not-indexed",
        pointer,
        format!("{name:?} is no field that can be filtered or sorted by"),
    )
}

/// A cursor of another run, of other arguments, or of nobody.
pub(crate) fn unusable() -> Error {
    let message = "a cursor continues a listing of this run with the same arguments";
    Error::invalid("cursor-unusable", "/page/after", message)
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}
