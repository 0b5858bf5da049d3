//! One thing that is wrong, as people and programs read it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stable code, where it is, and words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable, lower case with hyphens; documented where it is made.
    pub code: String,
    /// JSON Pointer (RFC 6901) into the input, or "".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// For people: lower case, no final period.
    pub message: String,
}

impl Problem {
    /// A problem of the whole input.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            pointer: String::new(),
            message: message.into(),
        }
    }

    /// A problem of one part of the input.
    pub fn at(code: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pointer.is_empty() {
            write!(formatter, "{} ({})", self.message, self.code)
        } else {
            write!(
                formatter,
                "{} at {} ({})",
                self.message, self.pointer, self.code
            )
        }
    }
}
