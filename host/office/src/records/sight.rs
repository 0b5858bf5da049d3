//! What a session sees of a collection's records: which of them, and which of their members.
//!
//! Rows out of view are not there; members that are not shown are left out and named. What reads or changes single records
//! goes through here, so that no answer depends on what is hidden (REC-4). Whoever imports files has to see everything.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use bursar_domain::{
    confidentiality::{Class, leave_out},
    index::{Comparison, Condition, IndexField},
    manifest::{Authority, RecordOperation, RecordScope},
    office::Collection,
    pointer,
    problem::Problem,
    row::Row,
};
use serde_json::Value;

use crate::{
    error::Error,
    listing::{Order, Test},
    schema::Definition,
    session::{Session, View},
    write::Write,
};

/// A collection as a session sees it for an operation: any of its parts.
pub(crate) struct Sight {
    pub definition: Arc<Definition>,
    parts: Vec<Part>,
}

/// Some of the rows, and what is shown of each.
struct Part {
    scope: RecordScope,
    /// What the rows must say. A bound that the collection cannot check leaves no row.
    bounds: Vec<Bound>,
    /// Members that are not shown, there or not.
    hidden: Vec<String>,
}

struct Bound {
    field: Option<IndexField>,
    condition: Condition,
}

impl Session {
    /// What this session sees of a collection for one of some operations.
    pub(crate) async fn sight(
        &mut self,
        collection: &str,
        any: &[RecordOperation],
    ) -> Result<Arc<Sight>, Error> {
        let definition = self.definition(collection).await?;
        let sight = Sight::of(&self.context.authority, collection, definition, any);
        Ok(Arc::new(sight))
    }

    /// A record as this session sees it.
    pub(crate) fn seen(&self, sight: &Sight, row: &Row) -> View<Arc<Value>> {
        let mut view = self.view(row);
        if let Cow::Owned(visible) = sight.visible(&row.body) {
            view.body = Arc::new(visible);
        }
        view.redacted = sight.redacted(&row.body);
        view
    }
}

impl Sight {
    pub(crate) fn of(
        authority: &Authority,
        collection: &str,
        definition: Arc<Definition>,
        any: &[RecordOperation],
    ) -> Self {
        let scopes = authority.scopes(collection, any);
        let part = |scope: RecordScope| Part {
            bounds: bounds_of(&scope, &definition.collection),
            hidden: hidden_by(&scope, &definition),
            scope,
        };
        Self {
            parts: scopes.into_iter().map(part).collect(),
            definition,
        }
    }

    /// What every row in view says, as conditions of a listing; none if that cannot be said at once.
    pub(crate) fn conditions(&self) -> Option<impl Iterator<Item = &Condition>> {
        match self.parts.as_slice() {
            [one] => Some(one.bounds.iter().map(|bound| &bound.condition)),
            _ => None,
        }
    }

    /// Whether a row is in view.
    pub(crate) fn admits(&self, body: &Value) -> bool {
        self.parts_of(body).next().is_some()
    }

    /// Passes if a row is in view: to whoever does not see it, it is not there.
    pub(crate) fn require(&self, body: &Value) -> Result<(), Error> {
        if self.admits(body) {
            Ok(())
        } else {
            Err(Error::not_found("such record"))
        }
    }

    /// Passes if an image that is about to be written would be in view.
    pub(crate) fn check_image(&self, body: &Value) -> Result<(), Error> {
        if self.admits(body) {
            Ok(())
        } else {
            Err(Error::denied(
                "row-outside",
                "a record would be made, changed or removed that is not among the rows that were granted",
            ))
        }
    }

    /// Passes if a body is valid under the collection's schema. What of it breaks the schema is told of members that are
    /// shown: an answer about the whole may hold any of them.
    pub(crate) fn check_schema(&self, body: &Value) -> Result<(), Error> {
        let checked = self.definition.check(body);
        let Err(Error::Invalid(problems)) = checked else {
            return checked;
        };
        if self.parts_of(body).any(Part::shows_all) {
            return Err(Error::Invalid(problems));
        }
        let is_told = |problem: &Problem| {
            let member = pointer::member(&problem.pointer);
            member.is_some_and(|member| self.shows(body, &member))
        };
        let (mut told, hidden): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_told);
        if !hidden.is_empty() {
            let message =
                "the record would break its schema, which what is hidden of it may be part of";
            told.push(Problem::new("schema-violation", message));
        }
        Err(Error::Invalid(told))
    }

    /// The part of a body that is seen.
    pub(crate) fn visible<'b>(&self, body: &'b Value) -> Cow<'b, Value> {
        if self.parts_of(body).any(Part::shows_all) {
            return Cow::Borrowed(body);
        }
        leave_out(body, |member| !self.shows(body, member))
    }

    /// An image, counted without what is hidden of it.
    pub(crate) fn weighed(&self, write: Write) -> Write {
        write.seen_as(|body| self.visible(body))
    }

    /// Refuses whoever does not see every field of every row.
    pub(crate) fn check_whole(&self) -> Result<(), Error> {
        let is_whole = |part: &Part| part.bounds.is_empty() && part.shows_all();
        if self.parts.iter().any(is_whole) {
            return Ok(());
        }
        let mut hidden = self.parts.iter().flat_map(|part| &part.hidden);
        Err(hidden.next().map_or_else(
            || {
                Error::denied(
                    "row-outside",
                    "only some of the collection's rows or fields were granted",
                )
            },
            |name| refused(name),
        ))
    }

    /// Refuses to filter or sort by what is hidden of any row.
    pub(crate) fn check_asked(&self, tests: &[Test], orders: &[Order]) -> Result<(), Error> {
        let collection = &self.definition.collection;
        let mut asked = tests
            .iter()
            .map(|test| &test.field)
            .chain(orders.iter().map(|order| &order.field));
        let hidden = asked.find(|name| {
            collection.indexed_field(name).is_some_and(|field| {
                let member = field.member();
                let shows = |part: &Part| part.scope.shows(&collection.fields, &member);
                !self.parts.iter().all(shows)
            })
        });
        hidden.map_or(Ok(()), |name| Err(refused(name)))
    }

    /// Refuses to write what is hidden of a row.
    pub(crate) fn check_named(&self, members: &Value, of: &Value) -> Result<(), Error> {
        let mut named = members.as_object().into_iter().flat_map(|it| it.keys());
        let hidden = named.find(|name| !self.shows(of, name));
        hidden.map_or(Ok(()), |name| Err(refused(name)))
    }

    fn parts_of(&self, body: &Value) -> impl Iterator<Item = &Part> {
        let is_within = |part: &&Part| part.bounds.iter().all(|bound| bound.holds(body));
        self.parts.iter().filter(is_within)
    }

    fn shows(&self, body: &Value, member: &str) -> bool {
        let rules = &self.definition.collection.fields;
        self.parts_of(body)
            .any(|part| part.scope.shows(rules, member))
    }

    /// Members of a row that are not shown, there or not.
    fn redacted(&self, body: &Value) -> Vec<String> {
        let mut parts = self.parts_of(body);
        let mut hidden = parts
            .next()
            .map_or_else(Vec::new, |part| part.hidden.clone());
        for part in parts {
            hidden.retain(|name| part.hidden.contains(name));
        }
        hidden
    }
}

impl Part {
    /// Whether every member of its rows is shown, those that nobody has named too: they are internal.
    fn shows_all(&self) -> bool {
        let scope = &self.scope;
        scope.fields.is_none() && scope.class >= Class::Internal && self.hidden.is_empty()
    }
}

impl Bound {
    fn holds(&self, body: &Value) -> bool {
        let key = self
            .field
            .as_ref()
            .and_then(|field| field.field_type.key(field.value(body)).ok());
        key.is_some_and(|key| self.condition.holds(&key))
    }
}

/// Bounds by the fields that the collection has now: values that are none of a field's are no row's. Nor are those of a field
/// above internal: whoever may run or preview the automation, or have its rows counted, would learn what it says.
fn bounds_of(scope: &RecordScope, collection: &Collection) -> Vec<Bound> {
    let bound = |(name, values): (&String, &Vec<Value>)| {
        let field = collection.indexed_field(name);
        let field = field.filter(|field| !collection.hides(field, Class::Internal));
        let field = field.cloned();
        let mut condition = Condition {
            field: name.clone(),
            ranges: Vec::new(),
        };
        if let Some(field) = &field {
            for value in values {
                let (comparison, values) = match value {
                    Value::Null => (Comparison::Missing, &[][..]),
                    value => (Comparison::Equal, std::slice::from_ref(value)),
                };
                if let Ok(one) = Condition::new(field, comparison, values) {
                    condition.ranges.extend(one.ranges);
                }
            }
        }
        condition.ranges.sort();
        condition.ranges.dedup();
        Bound { field, condition }
    };
    scope.rows.iter().map(bound).collect()
}

/// Members that a scope does not show, of those that the rules name; and of those that the schema names, where only some are
/// granted.
fn hidden_by(scope: &RecordScope, definition: &Definition) -> Vec<String> {
    let collection = &definition.collection;
    if scope.fields.is_none() {
        return collection.hidden_from(scope.class);
    }
    let properties = collection.schema.get("properties");
    let properties = properties.and_then(Value::as_object);
    let properties = properties.into_iter().flat_map(|members| members.keys());
    let names: BTreeSet<&String> = collection.fields.keys().chain(properties).collect();
    let hidden = names
        .into_iter()
        .filter(|name| !scope.shows(&collection.fields, name));
    hidden.cloned().collect()
}

fn refused(field: &str) -> Error {
    Error::denied(
        "field-hidden",
        format!("the field {field:?} is above what was granted"),
    )
}
