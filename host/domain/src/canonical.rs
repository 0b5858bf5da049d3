//! Canonical JSON: one text for one value, so that a hash of the text is a hash of the value.
//!
//! The order of keys and the escapes are RFC 8785's; what a value may hold is narrower (see [`CanonicalError`]), so that
//! every engine and language reads the same value. Knows no schema and no row. Entered by [`parse`] for text from
//! outside, and by [`to_text`] for values about to be stored or hashed.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::pointer;

/// Longest JSON text, in bytes.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// Most arrays and objects inside one another.
pub const DEPTH_MAX: usize = 64;
/// Largest distance of an integer from zero: 2^53 - 1, which every language holds exactly.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Why a text or value has no canonical form. Pointers are JSON Pointers (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// The text is longer than [`JSON_BYTES_MAX`].
    #[error("JSON text is longer than {JSON_BYTES_MAX} bytes")]
    TooLarge,
    /// Arrays and objects are nested deeper than [`DEPTH_MAX`].
    #[error("JSON is nested deeper than {DEPTH_MAX} at \"{pointer}\"")]
    TooDeep {
        /// The first value that is too deep.
        pointer: String,
    },
    /// The text is no JSON.
    #[error("not JSON: {message}")]
    Syntax {
        /// What the reader met, with line and column.
        message: String,
    },
    /// One object has the same key twice.
    #[error("key occurs twice at \"{pointer}\"")]
    DuplicateKey {
        /// The key's second value.
        pointer: String,
    },
    /// A number is no integer, or farther from zero than [`INTEGER_MAX`].
    #[error(
        "number at \"{pointer}\" is not an integer within 2^53 - 1 of zero; write it as a string"
    )]
    Number {
        /// The number.
        pointer: String,
    },
    /// A string or key holds U+0000, which PostgreSQL cannot store.
    #[error("string or key at \"{pointer}\" holds U+0000")]
    NulCharacter {
        /// The string, or the value whose key it is.
        pointer: String,
    },
}

impl CanonicalError {
    /// The same error seen from one level further out.
    fn inside(mut self, step: impl fmt::Display) -> Self {
        match &mut self {
            Self::TooLarge | Self::Syntax { .. } => {}
            Self::TooDeep { pointer }
            | Self::DuplicateKey { pointer }
            | Self::Number { pointer }
            | Self::NulCharacter { pointer } => {
                let step = pointer::escape(&step.to_string());
                *pointer = format!("/{step}{pointer}");
            }
        }
        self
    }
}

/// Reads JSON text, refusing what has no canonical form.
///
/// ```
/// use bursar_domain::canonical::{CanonicalError, parse, to_text};
///
/// let value = parse(r#"{ "b": 1, "a": [true, null] }"#)?;
/// assert_eq!(to_text(&value)?, r#"{"a":[true,null],"b":1}"#);
/// assert_eq!(parse(r#"{"a":[1.5]}"#), Err(CanonicalError::Number { pointer: "/a/0".to_owned() }));
/// # Ok::<(), CanonicalError>(())
/// ```
pub fn parse(text: &str) -> Result<Value, CanonicalError> {
    if text.len() > JSON_BYTES_MAX {
        return Err(CanonicalError::TooLarge);
    }
    let mut refusal = None;
    let reader = Reader {
        depth_left: DEPTH_MAX,
        refusal: &mut refusal,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = reader
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    outcome.map_err(|error| {
        refusal.unwrap_or_else(|| CanonicalError::Syntax {
            message: error.to_string(),
        })
    })
}

/// Builds one value. serde's errors carry text only, so what is refused, and where, travels in `refusal`.
struct Reader<'a> {
    depth_left: usize,
    refusal: &'a mut Option<CanonicalError>,
}

impl Reader<'_> {
    fn refuse<E: serde::de::Error>(&mut self, refusal: CanonicalError) -> E {
        *self.refusal = Some(refusal);
        E::custom("refused")
    }

    /// A reader for the values inside an array or object.
    fn descend<E: serde::de::Error>(&mut self) -> Result<Reader<'_>, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Reader {
                depth_left,
                refusal: self.refusal,
            }),
            None => Err(self.refuse(CanonicalError::TooDeep {
                pointer: String::new(),
            })),
        }
    }

    fn reborrow(&mut self) -> Reader<'_> {
        Reader {
            depth_left: self.depth_left,
            refusal: self.refusal,
        }
    }

    fn locate(&mut self, step: impl fmt::Display) {
        *self.refusal = self.refusal.take().map(|refusal| refusal.inside(step));
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(mut self, value: i64) -> Result<Value, E> {
        let number = Number::from(value);
        check_number(&number).map_err(|refusal| self.refuse(refusal))?;
        Ok(Value::Number(number))
    }

    fn visit_u64<E: serde::de::Error>(mut self, value: u64) -> Result<Value, E> {
        let number = Number::from(value);
        check_number(&number).map_err(|refusal| self.refuse(refusal))?;
        Ok(Value::Number(number))
    }

    fn visit_f64<E: serde::de::Error>(mut self, _: f64) -> Result<Value, E> {
        Err(self.refuse(CanonicalError::Number {
            pointer: String::new(),
        }))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(mut self, text: String) -> Result<Value, E> {
        check_text(&text).map_err(|refusal| self.refuse(refusal))?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let mut inner = self.descend()?;
        let mut values = Vec::new();
        loop {
            match access.next_element_seed(inner.reborrow()) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => return Ok(Value::Array(values)),
                Err(error) => {
                    inner.locate(values.len());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let mut inner = self.descend()?;
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = match check_text(&key) {
                Ok(()) => access.next_value_seed(inner.reborrow()),
                Err(refusal) => Err(inner.refuse(refusal)),
            };
            match value {
                Ok(_) if members.contains_key(&key) => {
                    *inner.refusal = Some(
                        CanonicalError::DuplicateKey {
                            pointer: String::new(),
                        }
                        .inside(key),
                    );
                    return Err(A::Error::custom("refused"));
                }
                Ok(value) => members.insert(key, value),
                Err(error) => {
                    inner.locate(key);
                    return Err(error);
                }
            };
        }
        Ok(Value::Object(members))
    }
}

fn check_number(number: &Number) -> Result<i64, CanonicalError> {
    let within = number
        .as_i64()
        .filter(|integer| (-INTEGER_MAX..=INTEGER_MAX).contains(integer));
    within.ok_or(CanonicalError::Number {
        pointer: String::new(),
    })
}

fn check_text(text: &str) -> Result<(), CanonicalError> {
    if text.contains('\0') {
        Err(CanonicalError::NulCharacter {
            pointer: String::new(),
        })
    } else {
        Ok(())
    }
}

/// The canonical text of a value: no blanks, keys by UTF-16 code units, the shortest escapes.
///
/// This does not lean on `serde_json`'s own order of keys, which any crate of the build can switch.
pub fn to_text(value: &Value) -> Result<String, CanonicalError> {
    let mut text = String::new();
    write_value(value, DEPTH_MAX, &mut text)?;
    Ok(text)
}

fn write_value(value: &Value, depth_left: usize, text: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&check_number(number)?.to_string()),
        Value::String(string) => write_string(string, text)?,
        Value::Array(values) => write_array(values, inner_depth(depth_left)?, text)?,
        Value::Object(members) => write_object(members, inner_depth(depth_left)?, text)?,
    }
    if text.len() > JSON_BYTES_MAX {
        Err(CanonicalError::TooLarge)
    } else {
        Ok(())
    }
}

fn inner_depth(depth_left: usize) -> Result<usize, CanonicalError> {
    depth_left.checked_sub(1).ok_or(CanonicalError::TooDeep {
        pointer: String::new(),
    })
}

fn write_array(
    values: &[Value],
    depth_left: usize,
    text: &mut String,
) -> Result<(), CanonicalError> {
    text.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_value(value, depth_left, text).map_err(|error| error.inside(index))?;
    }
    text.push(']');
    Ok(())
}

fn write_object(
    members: &Map<String, Value>,
    depth_left: usize,
    text: &mut String,
) -> Result<(), CanonicalError> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by(|(left, _), (right, _)| key_order(left, right));
    text.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_string(key, text).map_err(|error| error.inside(key))?;
        text.push(':');
        write_value(value, depth_left, text).map_err(|error| error.inside(key))?;
    }
    text.push('}');
    Ok(())
}

/// About how many bytes a value takes: texts by their length, everything else by a flat rate. Cheap, for limits.
pub fn weight(value: &Value) -> u64 {
    const FRAME: u64 = 16;
    let length = |text: &str| FRAME.saturating_add(text.len() as u64);
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => FRAME,
        Value::String(text) => length(text),
        Value::Array(items) => items
            .iter()
            .fold(FRAME, |sum, item| sum.saturating_add(weight(item))),
        Value::Object(fields) => fields.iter().fold(FRAME, |sum, (name, field)| {
            sum.saturating_add(length(name))
                .saturating_add(weight(field))
        }),
    }
}

/// The order of two keys: by UTF-16 code units (RFC 8785, 3.2.3), which is not the order of their UTF-8 bytes.
pub fn key_order(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

fn write_string(string: &str, text: &mut String) -> Result<(), CanonicalError> {
    check_text(string)?;
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\u{1}'..='\u{1f}' => {
                write!(text, "\\u{:04x}", u32::from(character)).expect("a String takes any text");
            }
            plain => text.push(plain),
        }
    }
    text.push('"');
    Ok(())
}

/// The target with the patch applied (RFC 7386): null removes, objects merge, anything else replaces.
///
/// Recursion is as deep as the values, which [`parse`] bounds.
#[must_use]
pub fn merge_patch(target: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut members = match target {
        Value::Object(members) => members.clone(),
        _ => Map::new(),
    };
    for (key, change) in changes {
        if change.is_null() {
            members.remove(key);
        } else {
            let merged = merge_patch(members.get(key).unwrap_or(&Value::Null), change);
            members.insert(key.clone(), merged);
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests;
