//! What a cell's text means as a property's value, and how a value is written in a cell.

use std::{borrow::Cow, collections::BTreeSet};

use bursar_domain::{
    canonical::{self, INTEGER_MAX},
    decimal::Decimal,
    index::FieldType,
    office::Collection,
};
use serde_json::Value;

use super::Formulas;
use crate::write::problem_of;

/// Most schemas looked at for the types of one property.
const SCHEMAS_MAX: usize = 64;

/// What a property's cells are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Decimal,
    Integer,
    Number,
    Boolean,
    Json,
}

/// What the schema says of a property.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub name: String,
    shape: Shape,
    is_nullable: bool,
    is_required: bool,
}

/// Why a text is no value of a property: code and message.
pub(crate) type Misread = (&'static str, String);

impl Property {
    pub(crate) fn of(collection: &Collection, name: &str) -> Self {
        let schema = &collection.schema;
        let own = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        let (mut types, mut schemas_left) = (BTreeSet::new(), SCHEMAS_MAX);
        if let Some(own) = own {
            types_of(schema, own, &mut schemas_left, &mut types);
        }
        let is_decimal = collection.indexed.iter().any(|field| {
            field.field_type == FieldType::Decimal
                && field.name == name
                && (field.pointer.is_empty() || field.pointer == format!("/{name}"))
        });
        let required = schema.get("required").and_then(Value::as_array);
        Self {
            name: name.to_owned(),
            is_nullable: types.is_empty() || types.remove("null"),
            shape: shape_of(&types, is_decimal),
            is_required: required.is_some_and(|names| names.iter().any(|it| it == name)),
        }
    }

    /// What an empty cell says; none is no property at all.
    pub(crate) fn nothing(&self) -> Option<Value> {
        match (self.is_required, self.is_nullable, self.shape) {
            (true, true, _) => Some(Value::Null),
            (true, false, Shape::Text) => Some(Value::from("")),
            _ => None,
        }
    }

    pub(crate) fn is_required(&self) -> bool {
        self.is_required
    }

    /// A value as JSON has it. Null where it is not allowed is no value.
    pub(crate) fn of_json(&self, value: &Value) -> Option<Value> {
        if value.is_null() && !self.is_nullable {
            None
        } else {
            Some(value.clone())
        }
    }

    /// The value that a text means.
    pub(crate) fn read(&self, text: &str) -> Result<Value, Misread> {
        let trimmed = text.trim();
        match self.shape {
            Shape::Text => Ok(Value::from(text)),
            Shape::Decimal => Decimal::parse(trimmed)
                .map(|_| Value::from(trimmed))
                .map_err(|error| ("not-a-decimal", error.to_string())),
            Shape::Integer | Shape::Number => integer(trimmed, self.shape),
            Shape::Boolean => boolean(trimmed),
            Shape::Json => canonical::parse(trimmed).map_err(|error| {
                let problem = problem_of(&error);
                ("not-json", problem.message)
            }),
        }
    }
}

fn integer(text: &str, shape: Shape) -> Result<Value, Misread> {
    let range = -INTEGER_MAX..=INTEGER_MAX;
    match text.parse::<i64>() {
        Ok(number) if range.contains(&number) => Ok(Value::from(number)),
        Err(_) if shape == Shape::Number && Decimal::parse(text).is_ok() => {
            let message = "a number with a fraction can only be kept as text, and the schema has no text here";
            Err(("not-an-integer", message.to_owned()))
        }
        _ => {
            let message = format!("a whole number within {INTEGER_MAX} of zero is expected");
            Err(("not-an-integer", message))
        }
    }
}

fn boolean(text: &str) -> Result<Value, Misread> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" => Ok(Value::Bool(false)),
        _ => Err(("not-a-boolean", "true or false is expected".to_owned())),
    }
}

fn shape_of(types: &BTreeSet<&str>, is_decimal: bool) -> Shape {
    let only = |name: &str| types.len() == 1 && types.contains(name);
    match types {
        _ if is_decimal && (types.is_empty() || types.contains("string")) => Shape::Decimal,
        _ if types.is_empty() || types.contains("string") => Shape::Text,
        _ if only("integer") => Shape::Integer,
        _ if only("number") => Shape::Number,
        _ if only("boolean") => Shape::Boolean,
        _ => Shape::Json,
    }
}

/// The types that a schema allows, as far as it says so plainly; none means any.
fn types_of<'s>(
    root: &'s Value,
    schema: &'s Value,
    schemas_left: &mut usize,
    types: &mut BTreeSet<&'s str>,
) {
    let Some(left) = schemas_left.checked_sub(1) else {
        return;
    };
    *schemas_left = left;
    if let Some(target) = schema.get("$ref").and_then(Value::as_str)
        && let Some(found) = target.strip_prefix('#').and_then(|at| root.pointer(at))
    {
        types_of(root, found, schemas_left, types);
    }
    match schema.get("type") {
        Some(Value::String(name)) => drop(types.insert(name)),
        Some(Value::Array(names)) => types.extend(names.iter().filter_map(Value::as_str)),
        _ => {
            let listed = schema.get("enum").and_then(Value::as_array);
            let values = listed.into_iter().flatten().chain(schema.get("const"));
            types.extend(values.map(|value| -> &'s str { type_of(value) }));
        }
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        let branches = schema.get(word).and_then(Value::as_array);
        for branch in branches.into_iter().flatten() {
            types_of(root, branch, schemas_left, types);
        }
    }
}

const fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value as a cell has it: null is empty, texts are themselves, the rest is JSON.
pub(crate) fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// A number such as "1.234,50" in plain digits; anything else as it is.
pub(crate) fn with_point(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    let (whole, fraction) = match trimmed.split_once(',') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (trimmed, None),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.strip_prefix('-').unwrap_or(whole).split('.');
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.clone();
    let is_grouped = rest.clone().next().is_none()
        || (first.len() <= 3 && rest.all(|group| group.len() == 3 && is_digits(group)));
    if !is_digits(first) || !is_grouped || fraction.is_some_and(|part| !is_digits(part)) {
        return Cow::Borrowed(text);
    }
    let mut plain = whole.replace('.', "");
    if let Some(fraction) = fraction {
        plain.push('.');
        plain.push_str(fraction);
    }
    Cow::Owned(plain)
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && Decimal::parse(text).is_err()
}

/// A cell's text that no spreadsheet takes for a formula.
pub(crate) fn guarded(text: &str, formulas: Formulas) -> Cow<'_, str> {
    if formulas == Formulas::Guarded && is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What [`guarded`] was given.
pub(crate) fn unguarded(text: &str, formulas: Formulas) -> &str {
    match text.strip_prefix('\'') {
        Some(inner)
            if formulas == Formulas::Guarded && is_formula(inner.trim_start_matches('\'')) =>
        {
            inner
        }
        _ => text,
    }
}
