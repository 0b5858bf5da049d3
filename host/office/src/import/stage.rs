//! What rows come to against the records that are there: new, changed, the same, or bad.
//!
//! A chunk of rows costs a few round trips, whatever its length: its keys' holders, their records, and the holders of the
//! unique values that it would write. Nothing is changed here.

use std::collections::{HashMap, HashSet};

use bursar_domain::{
    derive::derive,
    draft::UniqueKey,
    row::{Kind, Row, RowKey},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    Empty, RowProblem,
    cell::text_of,
    plan::{Candidate, Cell, Plan},
    problem::RowProblems,
    source::SourceRow,
};
use crate::{
    error::Error,
    session::Session,
    write::{Write, can_be_id},
};

/// What a row comes to.
pub(crate) enum Outcome {
    New(Write),
    /// With the record as it is.
    Changed(Write, Row),
    /// As the record says.
    Same(RowKey),
    Bad(RowProblems),
}

impl Outcome {
    /// The record that it would write.
    fn body(&self) -> Option<&Value> {
        match self {
            Outcome::New(write) | Outcome::Changed(write, _) => write.body.as_ref(),
            Outcome::Same(_) | Outcome::Bad(_) => None,
        }
    }
}

/// A row and what it comes to.
pub(crate) struct Staged {
    pub line: u64,
    pub outcome: Outcome,
}

/// How a row is looked up.
enum Identity {
    /// By its own line: whatever lies under this id came from it.
    Line(RowKey),
    Id(RowKey),
    Unique(Vec<UniqueKey>),
}

/// A digest of a key or unique value: names what the rows of a file have used up.
type Mark = [u8; 16];

/// Stages the rows of one file, chunk after chunk.
pub(crate) struct Stager {
    pub plan: Plan,
    file_sha256: [u8; 32],
    /// Records and unique values that rows so far have taken, with the line.
    taken: HashMap<Mark, u64>,
    /// Unique values that records lose by rows so far.
    freed: HashSet<Mark>,
}

/// What the database says of a chunk.
#[derive(Default)]
struct Found {
    rows: HashMap<RowKey, Row>,
    holders: HashMap<UniqueKey, RowKey>,
}

impl Stager {
    pub(crate) fn new(plan: Plan, file_sha256: [u8; 32]) -> Self {
        Self {
            plan,
            file_sha256,
            taken: HashMap::new(),
            freed: HashSet::new(),
        }
    }

    /// Decides rows in their order. Staging the same rows again is fine: a line does not clash with itself.
    pub(crate) async fn stage(
        &mut self,
        session: &mut Session,
        rows: &[SourceRow],
    ) -> Result<Vec<Staged>, Error> {
        let candidates: Vec<_> = rows.iter().map(|row| self.candidate(row)).collect();
        let mut found = self.look_up(session, &candidates).await?;
        let mut staged = Vec::with_capacity(rows.len());
        for (row, candidate) in rows.iter().zip(candidates) {
            let outcome = candidate
                .and_then(|(row, identity)| self.decide(session, &row, &identity, &found))
                .unwrap_or_else(Outcome::Bad);
            staged.push(Staged {
                line: row.line,
                outcome,
            });
        }
        self.refuse_dangling(session, &mut staged).await?;
        let unknown = unique_values(&staged)
            .filter(|value| !found.holders.contains_key(*value))
            .cloned()
            .collect::<Vec<_>>();
        found.holders.extend(session.holders_of(&unknown).await?);
        for row in &mut staged {
            if let Err(problem) = self.settle(row, &found) {
                row.outcome = Outcome::Bad(problem.into());
            }
        }
        Ok(staged)
    }

    /// Rows that name records which are not there are bad.
    async fn refuse_dangling(
        &self,
        session: &mut Session,
        staged: &mut [Staged],
    ) -> Result<(), Error> {
        let definition = &self.plan.definition.collection;
        let bodies = staged.iter().filter_map(|row| row.outcome.body());
        let missing = session.missing(definition, bodies).await?;
        for row in staged {
            let body = row.outcome.body();
            let problems = body.map_or_else(Vec::new, |body| missing.problems(definition, body));
            let told = problems.iter().map(|problem| {
                let property = problem.pointer.split('/').nth(1);
                let column = property.map(|name| self.plan.column_of(name));
                RowProblem::new(row.line, column, &problem.code, &problem.message)
            });
            let told: Vec<RowProblem> = told.collect();
            if !told.is_empty() {
                row.outcome = Outcome::Bad(told.into_iter().collect());
            }
        }
        Ok(())
    }

    fn candidate(&mut self, row: &SourceRow) -> Result<(Candidate, Identity), RowProblems> {
        let candidate = self.plan.candidate(row)?;
        let record = |id: &str| RowKey::within(Kind::Record, &self.plan.collection, id);
        let identity = match &candidate.id {
            Some(id) if can_be_id(id) => Identity::Id(record(id)),
            Some(_) => return Err(unknown_id(row.line).into()),
            None if self.plan.has_key_properties() => {
                Identity::Unique(self.plan.keys_of(&candidate)?)
            }
            None => Identity::Line(record(&id_of_line(&self.file_sha256, row.line))),
        };
        Ok((candidate, identity))
    }

    async fn look_up(
        &self,
        session: &mut Session,
        candidates: &[Result<(Candidate, Identity), RowProblems>],
    ) -> Result<Found, Error> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (_, identity) in candidates.iter().flatten() {
            match identity {
                Identity::Line(key) | Identity::Id(key) => keys.push(key.clone()),
                Identity::Unique(unique) => values.extend_from_slice(unique),
            }
        }
        let holders = session.holders_of(&values).await?;
        keys.extend(holders.values().cloned());
        keys.sort_unstable();
        keys.dedup();
        let rows = session.load_many(&keys).await?;
        Ok(Found {
            rows: rows.into_iter().map(|row| (row.key.clone(), row)).collect(),
            holders,
        })
    }

    fn decide(
        &self,
        session: &mut Session,
        row: &Candidate,
        identity: &Identity,
        found: &Found,
    ) -> Result<Outcome, RowProblems> {
        let existing = match identity {
            Identity::Line(key) if found.rows.contains_key(key) => {
                return Ok(Outcome::Same(key.clone()));
            }
            Identity::Line(_) => None,
            Identity::Id(key) => {
                let there = found.rows.get(key);
                Some(there.ok_or_else(|| unknown_id(row.line))?)
            }
            Identity::Unique(values) => record_of(row, values, found)?,
        };
        let body = self.body(row, existing)?;
        if let Some(existing) = existing.filter(|existing| *existing.body == body) {
            return Ok(Outcome::Same(existing.key.clone()));
        }
        let key = match (existing, identity) {
            (Some(existing), _) => existing.key.clone(),
            (None, Identity::Line(key) | Identity::Id(key)) => key.clone(),
            (None, Identity::Unique(_)) => {
                RowKey::within(Kind::Record, &self.plan.collection, &session.new_id())
            }
        };
        let definition = &self.plan.definition;
        let write = definition
            .check(&body)
            .and_then(|()| Write::new(key, existing, body, Some(&definition.collection)))
            .map_err(|error| self.problems_of(row, &error))?;
        Ok(match existing {
            Some(existing) => Outcome::Changed(write, existing.clone()),
            None => Outcome::New(write),
        })
    }

    /// The record's body after the row: what the row does not name stays (REC-5).
    fn body(&self, row: &Candidate, existing: Option<&Row>) -> Result<Value, RowProblems> {
        let mut body = match existing.map(|row| &*row.body) {
            Some(Value::Object(members)) => members.clone(),
            _ => Map::new(),
        };
        let mut problems = RowProblems::default();
        for (place, column, cell) in &row.cells {
            if self.stays(*place, cell, &body) {
                continue;
            }
            let name = &self.plan.properties[*place].name;
            match self.plan.value(*place, cell) {
                Ok(Some(value)) => drop(body.insert(name.clone(), value)),
                Ok(None) => drop(body.remove(name)),
                Err((code, message)) => {
                    problems.push(RowProblem::new(row.line, Some(column), code, &message));
                }
            }
        }
        problems.none_or(Value::Object(body))
    }

    /// Whether a cell says what is there, or nothing.
    fn stays(&self, place: usize, cell: &Cell, body: &Map<String, Value>) -> bool {
        let property = &self.plan.properties[place];
        match (cell, body.get(&property.name)) {
            (Cell::Text(text), Some(there)) => {
                text_of(there) == text.as_str()
                    || (text.is_empty() && self.plan.mapping.empty == Empty::Keep)
            }
            (Cell::Text(text), None) => text.is_empty() && !property.is_required(),
            (Cell::Json(_), _) => false,
        }
    }

    fn problems_of(&self, row: &Candidate, error: &Error) -> RowProblems {
        let told = error.problems().into_iter().map(|problem| {
            let column = self.plan.column_at(row, &problem.pointer);
            let property = problem.pointer.split('/').nth(1);
            RowProblem::new(
                row.line,
                column.or(property),
                &problem.code,
                &problem.message,
            )
        });
        told.collect()
    }

    /// Takes what the row takes, unless an earlier line or another record has it.
    fn settle(&mut self, staged: &Staged, found: &Found) -> Result<(), RowProblem> {
        let line = staged.line;
        let (own, write) = match &staged.outcome {
            Outcome::New(write) => (None, Some(write)),
            Outcome::Changed(write, before) => (Some(&before.key), Some(write)),
            Outcome::Same(key) => (Some(key), None),
            Outcome::Bad(_) => return Ok(()),
        };
        let mut marks: Vec<Mark> = Vec::new();
        marks.extend(own.map(|key| mark(&["", &key.id])));
        for value in write.iter().flat_map(|write| &write.unique) {
            marks.push(mark(&[&value.space, &value.value]));
        }
        let earlier = |mark| self.taken.get(mark).filter(|earlier| **earlier != line);
        if let Some(earlier) = marks.iter().find_map(earlier) {
            let message =
                format!("lines {earlier} and {line} are the same record, or share a unique value");
            return Err(RowProblem::new(line, None, "duplicate", &message));
        }
        if let Some(write) = write {
            self.refuse_held(line, write, found)?;
        }
        if let Outcome::Changed(_, before) = &staged.outcome {
            self.free(before, &marks);
        }
        self.taken
            .extend(marks.into_iter().map(|mark| (mark, line)));
        Ok(())
    }

    /// Refuses unique values of other records, but for those that they lose by earlier rows.
    fn refuse_held(&self, line: u64, write: &Write, found: &Found) -> Result<(), RowProblem> {
        for value in &write.unique {
            let holder = found.holders.get(value);
            let is_held = holder.is_some_and(|holder| *holder != write.key);
            if is_held && !self.freed.contains(&mark(&[&value.space, &value.value])) {
                let message = format!("{:?} is taken by another record", value.value);
                let field = value.space.rsplit('/').next().unwrap_or_default();
                let column = self.plan.column_of(field);
                return Err(RowProblem::new(line, Some(column), "not-unique", &message));
            }
        }
        Ok(())
    }

    /// Remembers the unique values that a record no longer has.
    fn free(&mut self, before: &Row, kept: &[Mark]) {
        let collection = &self.plan.definition.collection;
        if collection.unique.is_empty() {
            return;
        }
        let derived = derive(&before.key, &before.body, Some(collection)).unwrap_or_default();
        let lost = derived
            .unique
            .iter()
            .map(|value| mark(&[&value.space, &value.value]));
        self.freed.extend(lost.filter(|mark| !kept.contains(mark)));
    }
}

/// The record that a row's keys name; none if it is new.
fn record_of<'f>(
    row: &Candidate,
    values: &[UniqueKey],
    found: &'f Found,
) -> Result<Option<&'f Row>, RowProblem> {
    let mut holders = values.iter().filter_map(|value| found.holders.get(value));
    let Some(first) = holders.next() else {
        return Ok(None);
    };
    if holders.any(|other| other != first) {
        let message = "the row's keys name different records";
        return Err(RowProblem::new(row.line, None, "key-ambiguous", message));
    }
    Ok(found.rows.get(first))
}

/// The id of a record that comes from a line of a file: a UUID of version 8 (RFC 9562), all of whose 122 free bits are of
/// a digest of both. So nobody finds two files whose rows are taken for each other's.
fn id_of_line(file_sha256: &[u8; 32], line: u64) -> String {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(file_sha256)
        .chain_update(line.to_be_bytes())
        .finalize()
        .into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .to_string()
}

fn unknown_id(line: u64) -> RowProblem {
    RowProblem::new(
        line,
        Some(super::ID_COLUMN),
        "not-found",
        "there is no record of this id",
    )
}

fn unique_values(staged: &[Staged]) -> impl Iterator<Item = &UniqueKey> {
    staged.iter().flat_map(|row| match &row.outcome {
        Outcome::New(write) | Outcome::Changed(write, _) => write.unique.as_slice(),
        Outcome::Same(_) | Outcome::Bad(_) => &[],
    })
}

fn mark(parts: &[&str]) -> Mark {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_lines_stand_on_the_whole_digest_and_the_line() {
        let mut ids = HashSet::new();
        for place in 0..32 {
            let mut file_sha256 = [0; 32];
            file_sha256[place] = 1;
            ids.extend([1, 2, u64::MAX].map(|line| id_of_line(&file_sha256, line)));
        }
        assert_eq!(ids.len(), 96);
        // Not one group of digits is the file's or the line's alone.
        let groups = |id: &str| id.split('-').map(str::to_owned).collect::<Vec<_>>();
        let (one, other) = (id_of_line(&[0; 32], 1), id_of_line(&[0; 32], 2));
        assert!(
            groups(&one)
                .iter()
                .zip(groups(&other))
                .all(|(one, other)| *one != other)
        );
    }
}
