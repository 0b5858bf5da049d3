//! Definitions of collections, and what a new one makes of the records that are there.

use std::collections::HashSet;

use bursar_domain::{
    confidentiality::Class,
    derive::derive,
    draft::{Position, UniqueKey},
    index::FieldType,
    office::{Collection, PARTIES},
    pointer,
    problem::Problem,
    row::{Kind, Row, RowKey},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::Error,
    input::{Faults, is_slug},
    listing::Scope,
    schema::{self, within},
    session::Session,
    write::to_value,
};

/// Most indexed fields of a collection.
const INDEXED_MAX: usize = 50;
/// Most references of a collection.
const REFERENCES_MAX: usize = 20;
/// Most members with a rule, and most tags of one.
const RULES_MAX: usize = 500;
/// Bad records that are told.
const TOLD_MAX: usize = 20;
/// Records looked at together.
const PAGE_ROWS: usize = 1000;
/// Members of parties that stand on invoices and their papers.
const COPIED: [&str; 4] = ["name", "tax_id", "address", "language"];
/// Keywords of a schema that look at one member at a time, or at none: only these stand at the top of a schema with
/// confidential members, so that no answer about the others depends on them.
const SEPARATE_KEYWORDS: [&str; 12] = [
    "$schema",
    "$id",
    "$defs",
    "$comment",
    "title",
    "description",
    "examples",
    "default",
    "type",
    "properties",
    "required",
    "additionalProperties",
];

/// What a definition makes of the records that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evolution {
    /// Records looked at.
    pub rows: u64,
    /// Those that break the definition: with any, it is refused.
    pub failing: u64,
    /// The first twenty of them.
    pub bad: Vec<BadRecord>,
}

/// A record that breaks a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadRecord {
    /// The record.
    pub id: String,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl Session {
    /// Defines a collection, or changes its definition if every record there is valid under the new one (REC-1). For
    /// administrators.
    pub async fn define_collection(
        &mut self,
        slug: &str,
        collection: &Collection,
    ) -> Result<(), Error> {
        let found = self.try_collection(slug, collection).await?;
        if found.failing > 0 {
            let first = found.bad.first().and_then(|bad| {
                let problem = bad.problems.first()?;
                Some(format!("; the first is {}: {problem}", bad.id))
            });
            let message = format!(
                "{} of {} records break the new definition{}",
                found.failing,
                found.rows,
                first.unwrap_or_default()
            );
            return Err(Error::conflict("records-fail", message));
        }
        self.upsert(RowKey::of(Kind::Collection, slug), collection)
            .await
    }

    /// What a definition would make of the records that are there; changes nothing. For administrators.
    pub async fn try_collection(
        &mut self,
        slug: &str,
        collection: &Collection,
    ) -> Result<Evolution, Error> {
        self.require_administrator()?;
        check_collection(slug, collection)?;
        self.check_targets(slug, collection).await?;
        let key = RowKey::of(Kind::Collection, slug);
        match self.find::<Collection>(&key).await? {
            Some((_, there)) if there != *collection => self.examine(slug, collection).await,
            _ => Ok(Evolution::default()),
        }
    }

    async fn check_targets(&mut self, slug: &str, collection: &Collection) -> Result<(), Error> {
        let mut faults = Faults::default();
        for (place, reference) in collection.references.iter().enumerate() {
            let target = &reference.collection;
            let is_there = target == slug || self.exists(Kind::Collection, target).await?;
            faults.unless(
                is_there,
                "unknown",
                &format!("/references/{place}/collection"),
                "there is no such collection",
            );
        }
        faults.result()
    }

    /// Looks at every record as if the definition held.
    async fn examine(&mut self, slug: &str, collection: &Collection) -> Result<Evolution, Error> {
        let validator = schema::compile(&collection.schema).map_err(Error::Invalid)?;
        let scope = Scope::all(Kind::Record, slug);
        let (mut found, mut taken) = (Evolution::default(), HashSet::new());
        let mut after: Option<Position> = None;
        loop {
            let answer = self.list(&scope, after, PAGE_ROWS).await?;
            let bodies = answer.rows.iter().map(|row| &*row.body);
            let missing = self.missing(collection, bodies).await?;
            for row in &answer.rows {
                let mut problems = schema::violations(&validator, &row.body);
                problems.extend(schema::too_large(collection, &row.body));
                problems.extend(unfit(row, collection, &mut taken));
                problems.extend(missing.problems(collection, &row.body));
                found.note(row, problems);
            }
            after = answer.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}

impl Evolution {
    fn note(&mut self, row: &Row, problems: Vec<Problem>) {
        self.rows = self.rows.saturating_add(1);
        if problems.is_empty() {
            return;
        }
        self.failing = self.failing.saturating_add(1);
        if self.bad.len() < TOLD_MAX {
            let id = row.key.id.to_string();
            self.bad.push(BadRecord { id, problems });
        }
    }
}

/// What indexes and unique keys of a definition do not take of a record.
fn unfit(row: &Row, collection: &Collection, taken: &mut HashSet<UniqueKey>) -> Vec<Problem> {
    let derived = match derive(&row.key, &row.body, Some(collection)) {
        Ok(derived) => derived,
        Err(problems) => return problems,
    };
    let fresh = |key: UniqueKey| {
        let message = format!("{:?} is taken", key.value);
        (!taken.insert(key)).then(|| Problem::new("not-unique", message))
    };
    derived.unique.into_iter().filter_map(fresh).collect()
}

fn check_collection(slug: &str, collection: &Collection) -> Result<(), Error> {
    let mut faults = Faults::default();
    faults.slug("/slug", slug);
    faults.unless(
        collection.schema.is_object(),
        "schema-invalid",
        "/schema",
        "a schema is a JSON object",
    );
    check_indexed(&mut faults, collection);
    check_references(&mut faults, collection);
    check_rules(&mut faults, slug, collection);
    faults.result()?;
    schema::compile(&collection.schema).map_err(|problems| within("/schema", problems))?;
    to_value(collection).map(drop)
}

fn check_indexed(faults: &mut Faults, collection: &Collection) {
    faults.unless(
        collection.indexed.len() <= INDEXED_MAX,
        "too-many",
        "/indexed",
        format!("at most {INDEXED_MAX} indexed fields"),
    );
    let mut names = HashSet::new();
    for (place, field) in collection.indexed.iter().enumerate() {
        let pointer = format!("/indexed/{place}");
        faults.line(&format!("{pointer}/name"), &field.name, 1..=64);
        faults.unless(
            names.insert(&field.name),
            "duplicate",
            &pointer,
            "each indexed field has its own name",
        );
        let is_pointer = field.pointer.is_empty() || field.pointer.starts_with('/');
        faults.unless(
            is_pointer,
            "wrong-type",
            &format!("{pointer}/pointer"),
            "a JSON Pointer begins with /",
        );
    }
    for (place, name) in collection.unique.iter().enumerate() {
        let pointer = format!("/unique/{place}");
        faults.unless(
            names.contains(name),
            "unique-not-indexed",
            &pointer,
            "a unique field is indexed",
        );
        check_open(faults, collection, name, &pointer);
    }
}

fn check_references(faults: &mut Faults, collection: &Collection) {
    faults.unless(
        collection.references.len() <= REFERENCES_MAX,
        "too-many",
        "/references",
        format!("at most {REFERENCES_MAX} references"),
    );
    let mut fields = HashSet::new();
    for (place, reference) in collection.references.iter().enumerate() {
        let pointer = format!("/references/{place}/field");
        let field = collection.indexed_field(&reference.field);
        faults.unless(
            field.is_some_and(|field| field.field_type == FieldType::Text),
            "wrong-type",
            &pointer,
            "a reference is an indexed text field",
        );
        faults.unless(
            fields.insert(&reference.field),
            "duplicate",
            &pointer,
            "a field is one reference",
        );
        faults.unless(
            is_slug(&reference.collection),
            "not-a-slug",
            &format!("/references/{place}/collection"),
            "the slug of a collection",
        );
        check_open(faults, collection, &reference.field, &pointer);
    }
}

/// Whoever may add records learns which unique values are taken and which records are named: so they are no secrets.
fn check_open(faults: &mut Faults, collection: &Collection, name: &str, pointer: &str) {
    let field = collection.indexed_field(name);
    let is_hidden = field.is_some_and(|field| collection.hides(field, Class::Internal));
    faults.unless(
        !is_hidden,
        "field-hidden",
        pointer,
        "a confidential field is neither unique nor a reference",
    );
}

fn check_rules(faults: &mut Faults, slug: &str, collection: &Collection) {
    let all = collection.fields.len();
    faults.unless(
        all <= RULES_MAX,
        "too-many",
        "/fields",
        format!("at most {RULES_MAX} members have rules"),
    );
    let properties = collection.schema.get("properties");
    for (name, rule) in collection.fields.iter().take(RULES_MAX) {
        let pointer = format!("/fields/{}", pointer::escape(name));
        faults.unless(
            properties.and_then(|members| members.get(name)).is_some(),
            "unknown",
            &pointer,
            "the schema's properties have no such member",
        );
        let is_copied = slug == PARTIES && COPIED.contains(&name.as_str());
        faults.unless(
            !is_copied || rule.class <= Class::Internal,
            "field-hidden",
            &format!("{pointer}/class"),
            "invoices copy it, so it is internal at most",
        );
        faults.unless(
            rule.tags.len() <= RULES_MAX && rule.tags.iter().all(|tag| is_slug(tag)),
            "not-a-slug",
            &format!("{pointer}/tags"),
            "tags are slugs",
        );
    }
    let is_secret = |class: &Class| *class > Class::Internal;
    if collection
        .fields
        .values()
        .any(|rule| is_secret(&rule.class))
    {
        let members = collection.schema.as_object();
        for keyword in members.into_iter().flat_map(serde_json::Map::keys) {
            let is_allowed = SEPARATE_KEYWORDS.contains(&keyword.as_str());
            faults.unless(
                is_allowed,
                "field-hidden",
                &format!("/schema/{}", pointer::escape(keyword)),
                "with confidential members, a schema looks at each member by itself",
            );
        }
    }
}
