//! What a session sees of a collection's records: fields above its clearance are left out and named.
//!
//! What reads or changes single records goes through here, so that no answer depends on what is hidden (REC-4). Whoever
//! imports files has to see everything.

use std::{borrow::Cow, sync::Arc};

use bursar_domain::{
    confidentiality::{Class, is_hidden, redact},
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

/// A collection as a session sees it.
pub(crate) struct Sight {
    pub definition: Arc<Definition>,
    clearance: Class,
    redacted: Vec<String>,
}

impl Session {
    /// What this session sees of a collection.
    pub(crate) async fn sight(&mut self, collection: &str) -> Result<Sight, Error> {
        let definition = self.definition(collection).await?;
        let clearance = self.context.authority.clearance(collection);
        Ok(Sight {
            redacted: definition.collection.hidden_from(clearance),
            definition,
            clearance,
        })
    }

    /// A record as this session sees it.
    pub(crate) fn seen(&self, sight: &Sight, row: &Row) -> View<Arc<Value>> {
        let mut view = self.view(row);
        if let Cow::Owned(visible) = sight.visible(&row.body) {
            view.body = Arc::new(visible);
        }
        view.redacted.clone_from(&sight.redacted);
        view
    }
}

impl Sight {
    /// The part of a body that is seen.
    pub(crate) fn visible<'b>(&self, body: &'b Value) -> Cow<'b, Value> {
        redact(body, &self.definition.collection.fields, self.clearance)
    }

    /// An image, counted without what is hidden of it.
    pub(crate) fn weighed(&self, write: Write) -> Write {
        write.seen_with(self.clearance, &self.definition.collection)
    }

    /// Refuses whoever does not see every field.
    pub(crate) fn check_whole(&self) -> Result<(), Error> {
        self.redacted
            .first()
            .map_or(Ok(()), |name| Err(refused(name)))
    }

    /// Refuses to filter or sort by what is hidden.
    pub(crate) fn check_asked(&self, tests: &[Test], orders: &[Order]) -> Result<(), Error> {
        let collection = &self.definition.collection;
        let mut asked = tests
            .iter()
            .map(|test| &test.field)
            .chain(orders.iter().map(|order| &order.field));
        let hidden = asked.find(|name| {
            let field = collection.indexed_field(name);
            field.is_some_and(|field| collection.hides(field, self.clearance))
        });
        hidden.map_or(Ok(()), |name| Err(refused(name)))
    }

    /// Refuses to write what is hidden.
    pub(crate) fn check_named(&self, members: &Value) -> Result<(), Error> {
        let rules = &self.definition.collection.fields;
        let mut named = members.as_object().into_iter().flat_map(|it| it.keys());
        let hidden = named.find(|name| is_hidden(rules, self.clearance, name));
        hidden.map_or(Ok(()), |name| Err(refused(name)))
    }
}

fn refused(field: &str) -> Error {
    Error::denied(
        "field-hidden",
        format!("the field {field:?} is above what was granted"),
    )
}
