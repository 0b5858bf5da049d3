//! Conditions and orders in a few letters.
//!
//! Builds values only; which fields exist is the host's to say.

use serde::Serialize;

use crate::types::{Comparison, Condition, Direction, Order};

/// Present and equal to the value.
pub fn equal(field: &str, value: impl Serialize) -> Condition {
    condition(field, Comparison::Equal, [value])
}

/// Present and not equal to the value.
pub fn not_equal(field: &str, value: impl Serialize) -> Condition {
    condition(field, Comparison::NotEqual, [value])
}

/// Below the value.
pub fn less(field: &str, value: impl Serialize) -> Condition {
    condition(field, Comparison::Less, [value])
}

/// At most the value.
pub fn less_or_equal(field: &str, value: impl Serialize) -> Condition {
    condition(field, Comparison::LessOrEqual, [value])
}

/// Above the value.
pub fn greater(field: &str, value: impl Serialize) -> Condition {
    condition(field, Comparison::Greater, [value])
}

/// At least the value.
pub fn greater_or_equal(field: &str, value: impl Serialize) -> Condition {
    condition(field, Comparison::GreaterOrEqual, [value])
}

/// Equal to one of 1 to 200 values.
pub fn one_of<V: Serialize>(field: &str, values: impl IntoIterator<Item = V>) -> Condition {
    condition(field, Comparison::OneOf, values)
}

/// Text that begins with the value.
pub fn starts_with(field: &str, value: &str) -> Condition {
    condition(field, Comparison::StartsWith, [value])
}

/// Absent or null.
pub fn missing(field: &str) -> Condition {
    condition(field, Comparison::Missing, [(); 0])
}

/// Neither absent nor null.
pub fn present(field: &str) -> Condition {
    condition(field, Comparison::Present, [(); 0])
}

/// Smallest first.
pub fn ascending(field: &str) -> Order {
    order(field, Direction::Ascending)
}

/// Largest first.
pub fn descending(field: &str) -> Order {
    order(field, Direction::Descending)
}

fn order(field: &str, direction: Direction) -> Order {
    Order {
        field: field.into(),
        direction,
    }
}

fn condition<V: Serialize>(
    field: &str,
    comparison: Comparison,
    values: impl IntoIterator<Item = V>,
) -> Condition {
    let json = |value: V| serde_json::to_string(&value).expect("a scalar is always JSON");
    Condition {
        field: field.into(),
        comparison,
        values: values.into_iter().map(json).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_travel_as_json() {
        assert_eq!(equal("state", "issued").values, [r#""issued""#]);
        assert_eq!(greater("outstanding", 0).values, ["0"]);
        assert_eq!(one_of("number", ["a", "b"]).values, [r#""a""#, r#""b""#]);
        assert!(missing("email").values.is_empty());
    }
}
