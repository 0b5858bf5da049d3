//! References between records: what they name is there, and what becomes of them when it goes.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    sync::Arc,
};

use bursar_domain::{
    index::{Comparison, IndexField, fields_of},
    manifest::{Authority, RecordOperation},
    office::{Collection, OnDelete, PARTIES, Reference},
    problem::Problem,
    row::{Kind, Row, RowKey},
};
use serde_json::{Map, Value};

use super::Sight;
use crate::{
    error::Error,
    listing::Scope,
    schema::Definition,
    session::{Session, within},
    write::{Write, can_be_id},
};

/// Most records that go or change with one that is removed.
const REMOVED_MAX: usize = 10_000;
/// Rows fetched at once.
const PAGE_ROWS: usize = 200;

/// A collection whose records may name others.
struct Referring {
    slug: Arc<str>,
    definition: Arc<Definition>,
}

/// Records that are named and not there: collection and id.
pub(crate) struct Missing(HashSet<(String, String)>);

/// What a removal leads to, as far as it was followed.
#[derive(Default)]
struct Removal {
    /// In the order in which they were reached.
    gone: Vec<Write>,
    names: BTreeSet<RowKey>,
    /// Rows that stay without a field, with the body that they get.
    changed: BTreeMap<RowKey, (Row, Value, Arc<Definition>)>,
    /// Collections of rows that stand in the way unless they go as well.
    restricting: Vec<(RowKey, Arc<str>)>,
}

impl Session {
    /// Whether the records that a body names are there; what was named before is.
    pub(crate) async fn check_references(
        &mut self,
        definition: &Collection,
        before: Option<&Value>,
        body: &Value,
    ) -> Result<(), Error> {
        let is_same = |(_, field): (_, &IndexField)| {
            before.is_some_and(|before| field.value(before) == field.value(body))
        };
        if named_by(definition).all(is_same) {
            return Ok(());
        }
        let missing = self.missing(definition, std::iter::once(body)).await?;
        let problems = missing.problems(definition, body);
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::Invalid(problems))
    }

    /// What bodies of a collection name and is not there.
    pub(crate) async fn missing(
        &mut self,
        definition: &Collection,
        bodies: impl Iterator<Item = &Value>,
    ) -> Result<Missing, Error> {
        let mut named = HashSet::new();
        for body in bodies {
            named.extend(names(definition, body).map(|(_, of, id)| (of.to_owned(), id.to_owned())));
        }
        let keys: Vec<RowKey> = named
            .iter()
            .filter(|(_, id)| can_be_id(id))
            .map(|(of, id)| RowKey::within(Kind::Record, of, id))
            .collect();
        for row in self.load_many(&keys).await? {
            named.remove(&(row.key.collection.to_string(), row.key.id.to_string()));
        }
        Ok(Missing(named))
    }

    /// All writes that the removal of a record takes.
    pub(crate) async fn removal(&mut self, row: Row) -> Result<Vec<Write>, Error> {
        let referring = self.referring().await?;
        let mut removal = Removal::default();
        removal.names.insert(row.key.clone());
        let mut next = VecDeque::from([row]);
        while let Some(row) = next.pop_front() {
            self.refuse_held(&row.key).await?;
            if *row.key.collection == *PARTIES {
                self.refuse_referred(&row.key.id).await?;
            }
            for from in &referring {
                for (reference, field) in named_by(&from.definition.collection) {
                    if *reference.collection == *row.key.collection {
                        let found = self.follow(&mut removal, from, reference, field, &row.key.id);
                        next.extend(found.await?);
                    }
                }
            }
            removal.gone.push(Write::removal(&row));
        }
        removal.into_writes(&self.context.authority)
    }

    /// What one reference makes of the rows that name a removed one, page by page; gives those that are removed as well,
    /// without their bodies.
    async fn follow(
        &mut self,
        removal: &mut Removal,
        from: &Referring,
        reference: &Reference,
        field: &IndexField,
        id: &str,
    ) -> Result<Vec<Row>, Error> {
        let scope = Scope::all(Kind::Record, &from.slug);
        let scope = scope.and(field, Comparison::Equal, &[Value::from(id)])?;
        let authority = &self.context.authority;
        let sight =
            |operation| Sight::of(authority, &from.slug, from.definition.clone(), &[operation]);
        let (removing, changing) = (
            sight(RecordOperation::Delete),
            sight(RecordOperation::Update),
        );
        let (mut also, mut after) = (Vec::new(), None);
        loop {
            let page = self.list(&scope, after, PAGE_ROWS).await?;
            for row in page.rows {
                match reference.on_delete {
                    OnDelete::Restrict => removal.restricting.push((row.key, from.slug.clone())),
                    OnDelete::Cascade => {
                        self.require_records(&from.slug, RecordOperation::Delete)?;
                        removing.check_image(&row.body)?;
                        if removal.names.insert(row.key.clone()) {
                            let body = Arc::default();
                            also.push(Row { body, ..row });
                        }
                    }
                    OnDelete::Null => {
                        self.require_records(&from.slug, RecordOperation::Update)?;
                        changing.check_image(&row.body)?;
                        let named = Map::from_iter([(field.member(), Value::Null)]);
                        changing.check_named(&Value::Object(named), &row.body)?;
                        removal.forget(from, field, row);
                    }
                }
            }
            self.check_room(removal)?;
            after = page.next;
            if after.is_none() {
                return Ok(also);
            }
        }
    }

    /// Refuses more than one removal may touch, before all of it is read.
    fn check_room(&self, removal: &Removal) -> Result<(), Error> {
        let touched = removal.names.len().saturating_add(removal.changed.len());
        if touched.max(removal.restricting.len()) > REMOVED_MAX {
            let message = format!("more than {REMOVED_MAX} records name it or would go with it");
            return Err(Error::conflict("referred-to", message));
        }
        let used = self.usage.rows_changed.saturating_add(touched as u64);
        within(
            "rows_changed_max",
            self.context.limits.rows_changed_max,
            used,
        )
    }

    /// Collections that name records of others.
    async fn referring(&mut self) -> Result<Vec<Referring>, Error> {
        let scope = Scope::all(Kind::Collection, "");
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.list(&scope, after, PAGE_ROWS).await?;
            for row in page.rows {
                let definition = Definition::of(&row)?;
                if !definition.collection.references.is_empty() {
                    let slug = row.key.id.clone();
                    found.push(Referring { slug, definition });
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn refuse_referred(&mut self, party: &str) -> Result<(), Error> {
        for kind in [Kind::Invoice, Kind::Payment] {
            let fields = fields_of(kind);
            let Some(field) = fields.iter().find(|field| field.name == "party") else {
                continue;
            };
            let scope =
                Scope::all(kind, "").and(field, Comparison::Equal, &[Value::from(party)])?;
            if !self.list(&scope, None, 1).await?.rows.is_empty() {
                return Err(Error::conflict(
                    "referred-to",
                    format!("an {kind} names this party"),
                ));
            }
        }
        Ok(())
    }
}

impl Removal {
    /// A row stays without a field.
    fn forget(&mut self, from: &Referring, field: &IndexField, row: Row) {
        let (_, body, _) = self.changed.entry(row.key.clone()).or_insert_with(|| {
            let body = row.body.as_ref().clone();
            (row, body, from.definition.clone())
        });
        field.remove(body);
    }

    fn into_writes(self, authority: &Authority) -> Result<Vec<Write>, Error> {
        let standing = self
            .restricting
            .iter()
            .find(|(key, _)| !self.names.contains(key));
        if let Some((_, slug)) = standing {
            let message = format!("a record of {slug:?} names it");
            return Err(Error::conflict("referred-to", message));
        }
        let mut writes = self.gone;
        for (key, (row, body, definition)) in self.changed {
            if self.names.contains(&key) {
                continue;
            }
            definition.check(&body).map_err(|_| {
                let of = &key.collection;
                let message = format!("a record of {of:?} names it, and its schema asks for that");
                Error::conflict("referred-to", message)
            })?;
            let update = [RecordOperation::Update];
            let sight = Sight::of(authority, &key.collection, definition.clone(), &update);
            sight.check_image(&body)?;
            sight.check_named(&differing(&row.body, &body), &body)?;
            let write = Write::new(key, Some(&row), body, Some(&definition.collection))?;
            writes.push(sight.weighed(write));
        }
        Ok(writes)
    }
}

/// The members of a body that are another in the one that it becomes.
fn differing(before: &Value, after: &Value) -> Value {
    let members = before.as_object().into_iter().flatten();
    let differs = members.filter(|(name, value)| after.get(*name) != Some(value));
    Value::Object(
        differs
            .map(|(name, _)| (name.clone(), Value::Null))
            .collect(),
    )
}

impl Missing {
    /// What a body names and is not there, by field.
    pub(crate) fn problems(&self, definition: &Collection, body: &Value) -> Vec<Problem> {
        let is_missing = |of: &str, id: &str| self.0.contains(&(of.to_owned(), id.to_owned()));
        let missing = names(definition, body).filter(|(_, of, id)| is_missing(of, id));
        let told = missing.map(|(field, of, _)| {
            let pointer = match field.pointer.as_str() {
                "" => format!("/{}", field.name),
                pointer => pointer.to_owned(),
            };
            let message = format!("there is no such record of {of:?}");
            Problem::at("unknown-reference", pointer, message)
        });
        told.collect()
    }
}

/// The references of a collection, with their fields.
fn named_by(definition: &Collection) -> impl Iterator<Item = (&Reference, &IndexField)> {
    let references = definition.references.iter();
    references.filter_map(|it| Some((it, definition.indexed_field(&it.field)?)))
}

/// What a body names: by which field, of which collection, which id.
fn names<'d>(
    definition: &'d Collection,
    body: &'d Value,
) -> impl Iterator<Item = (&'d IndexField, &'d str, &'d str)> {
    let named = named_by(definition);
    named.filter_map(|(it, field)| {
        Some((field, it.collection.as_str(), field.value(body).as_str()?))
    })
}
