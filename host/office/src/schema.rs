//! JSON Schemas: which ones are accepted, and what breaks them.
//!
//! The draft is 2020-12 and nothing else, formats are asserted, references stay within the schema, and patterns run on an
//! engine whose time is linear in the text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bursar_domain::{
    canonical::JSON_BYTES_MAX,
    confidentiality::{Class, FieldRule, redact},
    index::IndexField,
    office::Collection,
    pointer,
    problem::Problem,
    row::{Row, Seq},
};
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::error::Error;

/// Most violations told of one value.
const VIOLATIONS_MAX: usize = 20;
/// Longest message of one violation, in bytes.
const MESSAGE_BYTES_MAX: usize = 300;
/// Longest confidential part of a record, and longest other part, as JSON.
const PART_BYTES_MAX: usize = JSON_BYTES_MAX / 2 - 1024;
/// Compiled definitions kept in the process.
const DEFINITIONS_KEPT_MAX: usize = 256;
/// The one accepted value of `$schema`.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Compiles a schema; pointers of problems are into the schema.
pub fn compile(schema: &Value) -> Result<Validator, Vec<Problem>> {
    let mut problems = Vec::new();
    refuse_remote(schema, &mut String::new(), &mut problems);
    let dialect = schema.get("$schema").is_none_or(|dialect| {
        dialect
            .as_str()
            .is_some_and(|it| it.trim_end_matches('#') == DIALECT)
    });
    if !dialect {
        problems.push(Problem::at(
            "schema-invalid",
            "/$schema",
            format!("the dialect is {DIALECT}"),
        ));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| {
            vec![Problem::at(
                "schema-invalid",
                error.instance_path().to_string(),
                shorten(error.to_string()),
            )]
        })
}

/// What of a value breaks a schema: nothing, or up to 20 problems with pointers into the value.
pub fn violations(validator: &Validator, value: &Value) -> Vec<Problem> {
    // Most values are good, and to say only that takes less than to look for what is wrong.
    if validator.is_valid(value) {
        return Vec::new();
    }
    let errors = validator.iter_errors(value).take(VIOLATIONS_MAX);
    errors
        .map(|error| {
            Problem::at(
                "schema-violation",
                error.instance_path().to_string(),
                shorten(error.to_string()),
            )
        })
        .collect()
}

/// Checks a value against a schema that is compiled for this once.
pub fn check(schema: &Value, value: &Value) -> Result<(), Vec<Problem>> {
    let problems = violations(&compile(schema)?, value);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// Problems of a part, as problems of the whole.
pub(crate) fn within(pointer: &str, problems: Vec<Problem>) -> Error {
    let moved = |problem: Problem| Problem {
        pointer: format!("{pointer}{}", problem.pointer),
        ..problem
    };
    Error::Invalid(problems.into_iter().map(moved).collect())
}

fn refuse_remote(schema: &Value, pointer: &mut String, problems: &mut Vec<Problem>) {
    let mut inside = |step: &str, value: &Value, pointer: &mut String| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&pointer::escape(step));
        let is_reference = matches!(step, "$ref" | "$dynamicRef")
            && value
                .as_str()
                .is_some_and(|target| !target.starts_with('#'));
        if is_reference {
            problems.push(Problem::at(
                "schema-remote",
                pointer.clone(),
                "a reference stays within the schema: it begins with #",
            ));
        }
        refuse_remote(value, pointer, problems);
        pointer.truncate(length);
    };
    match schema {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| inside(name, value, pointer)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(place, value)| inside(&place.to_string(), value, pointer)),
        _ => {}
    }
}

fn shorten(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
    message
}

/// A collection's definition with its schema compiled.
pub(crate) struct Definition {
    body: Arc<Value>,
    pub collection: Collection,
    validator: Validator,
}

/// Definitions by row id and revision.
type Kept = HashMap<(Arc<str>, Seq), Arc<Definition>>;

impl Definition {
    /// The definition of a stored row. Compiled ones are kept for the process, by the row's id and revision.
    pub(crate) fn of(row: &Row) -> Result<Arc<Self>, Error> {
        static KEPT: Mutex<Option<Kept>> = Mutex::new(None);
        let key = (row.key.id.clone(), row.revision);
        let kept = KEPT
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .and_then(|kept| kept.get(&key).cloned());
        // Two databases of one process, or a draft, may have another definition under the same id and revision.
        if let Some(definition) = kept.filter(|kept| kept.body == row.body) {
            return Ok(definition);
        }
        let collection: Collection = row.decode()?;
        let validator = compile(&collection.schema)
            .map_err(|_| Error::Broken(format!("the schema of {} does not compile", row.key)))?;
        let definition = Arc::new(Self {
            body: row.body.clone(),
            collection,
            validator,
        });
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_default();
        if kept.len() >= DEFINITIONS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, definition.clone());
        Ok(definition)
    }

    /// Fields that can be filtered and sorted by.
    pub(crate) fn fields(&self) -> &[IndexField] {
        &self.collection.indexed
    }

    /// Refuses a body that is no object or breaks the schema (REC-1).
    pub(crate) fn check(&self, body: &Value) -> Result<(), Error> {
        if !body.is_object() {
            return Err(Error::invalid(
                "not-an-object",
                "",
                "a record is a JSON object",
            ));
        }
        let mut problems = violations(&self.validator, body);
        problems.extend(too_large(&self.collection, body));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

/// Where members are confidential, they and the others have a size of their own each, so that whoever writes the ones
/// learns nothing of the others' (REC-4); both together are never too large.
pub(crate) fn too_large(collection: &Collection, body: &Value) -> Option<Problem> {
    let is_confidential = |rule: &FieldRule| rule.class > Class::Internal;
    if !collection.fields.values().any(is_confidential) {
        return None;
    }
    let open = redact(body, &collection.fields, Class::Internal);
    let open = open.to_string().len();
    let sealed = body.to_string().len().saturating_sub(open);
    (open.max(sealed) > PART_BYTES_MAX).then(|| {
        let message = format!(
            "confidential members, and all others, have at most {PART_BYTES_MAX} bytes each"
        );
        Problem::new("too-large", message)
    })
}
