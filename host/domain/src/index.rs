//! Typed, byte-comparable order keys, and conditions as ranges of them.
//!
//! A condition of any comparison becomes a set of half-open ranges of order keys. The same ranges drive the SQL, filter
//! rows of a draft, and decide whether a later change would have altered an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{decimal, money::Money, pointer, problem::Problem, row::Kind};

/// Bytes whose order is the order of the values. Missing values sort last.
pub type OrderKey = Vec<u8>;

/// An order key of a missing value (absent or null).
pub const MISSING: &[u8] = &[0xff];
/// Longest text that an index holds, in bytes; longer values are refused on indexed fields.
pub const TEXT_BYTES_MAX: usize = 512;
/// Most values of a `one-of` condition.
pub const VALUES_MAX: usize = 200;
/// Most conditions of a query.
pub const CONDITIONS_MAX: usize = 20;

/// How an indexed field's values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// JSON text, by its UTF-8 bytes.
    Text,
    /// JSON integers.
    Integer,
    /// Decimal text such as "-1.10", by value.
    Decimal,
    /// true and false, false first.
    Boolean,
    /// An amount of money: stored as `{"amount", "currency"}`, compared in minor units, asked for as a JSON integer.
    Money,
}

impl FieldType {
    const fn tag(self) -> u8 {
        match self {
            FieldType::Boolean => 0x10,
            FieldType::Integer | FieldType::Money => 0x20,
            FieldType::Decimal => 0x28,
            FieldType::Text => 0x30,
        }
    }

    /// The order key of a value. Null is [`MISSING`].
    pub fn key(self, value: &Value) -> Result<OrderKey, Problem> {
        let mut key = vec![self.tag()];
        match (self, value) {
            (_, Value::Null) => return Ok(MISSING.to_vec()),
            (FieldType::Text, Value::String(text)) if text.len() <= TEXT_BYTES_MAX => {
                key.extend(text.as_bytes());
            }
            (FieldType::Text, Value::String(_)) => {
                return Err(Problem::new(
                    "value-too-long",
                    format!("an indexed text has at most {TEXT_BYTES_MAX} bytes"),
                ));
            }
            (FieldType::Boolean, Value::Bool(flag)) => key.push(u8::from(*flag)),
            (FieldType::Money, Value::Object(_)) => {
                let money: Money = Money::deserialize(value)
                    .map_err(|error| Problem::new("wrong-type", error.to_string()))?;
                key.extend(sortable(i128::from(money.minor)));
            }
            (FieldType::Integer | FieldType::Money, Value::Number(number)) if number.is_i64() => {
                key.extend(sortable(i128::from(number.as_i64().unwrap_or_default())));
            }
            (FieldType::Decimal, Value::String(text)) => key.extend(decimal_key(text)?),
            (FieldType::Decimal, Value::Number(number)) if number.is_i64() => {
                key.extend(decimal_key(&number.to_string())?);
            }
            _ => {
                return Err(Problem::new(
                    "wrong-type",
                    format!("expected a value of type {self:?}").to_lowercase(),
                ));
            }
        }
        Ok(key)
    }
}

/// Two's complement with the sign flipped: compares as unsigned bytes.
fn sortable(value: i128) -> [u8; 16] {
    (value.cast_unsigned() ^ (1 << 127)).to_be_bytes()
}

/// Scaled to ten places, so that equal values have equal keys whatever their zeros.
fn decimal_key(text: &str) -> Result<[u8; 16], Problem> {
    let parsed: decimal::Decimal = text
        .parse()
        .map_err(|error| Problem::new("wrong-type", format!("{error}")))?;
    let plain = parsed.to_string();
    let (digits, places) = match plain.split_once('.') {
        Some((whole, fraction)) => (format!("{whole}{fraction}"), fraction.len()),
        None => (plain, 0),
    };
    let scale = u32::try_from(10_usize.saturating_sub(places)).unwrap_or(0);
    let scaled = digits
        .parse::<i128>()
        .ok()
        .and_then(|digits| digits.checked_mul(10_i128.checked_pow(scale)?));
    scaled
        .map(sortable)
        .ok_or_else(|| Problem::new("wrong-type", "decimal out of range"))
}

/// One field that can be filtered and sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexField {
    /// The name that conditions use.
    pub name: String,
    /// JSON Pointer of the value in the body; empty means `/name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// How values compare.
    #[serde(rename = "type")]
    pub field_type: FieldType,
}

impl IndexField {
    /// The top-level member of a body that the value is in.
    pub fn member(&self) -> String {
        pointer::member(&self.pointer).unwrap_or_else(|| self.name.clone())
    }

    /// The field's value in a body; null if absent.
    pub fn value<'a>(&self, body: &'a Value) -> &'a Value {
        let found = if self.pointer.is_empty() {
            body.get(&self.name)
        } else {
            body.pointer(&self.pointer)
        };
        found.unwrap_or(&Value::Null)
    }

    /// Takes the field's value out of a body: the member of an object goes, an array's place stays as null.
    pub fn remove(&self, body: &mut Value) {
        let (parent, step) = self.pointer.rsplit_once('/').unwrap_or(("", &self.name));
        let step = pointer::unescape(step);
        match body.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.remove(&step)),
            Some(Value::Array(values)) => {
                let place = step.parse::<usize>().ok();
                if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                    *value = Value::Null;
                }
            }
            _ => {}
        }
    }
}

/// One entry of the field index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The field's name.
    pub field: String,
    /// The value's order key.
    pub key: OrderKey,
}

/// A row's index entries, one for every field, in the fields' order.
pub fn entries(fields: &[IndexField], body: &Value) -> Result<Vec<IndexEntry>, Vec<Problem>> {
    let mut found = Vec::with_capacity(fields.len());
    let mut problems = Vec::new();
    for field in fields {
        match field.field_type.key(field.value(body)) {
            Ok(key) => found.push(IndexEntry {
                field: field.name.clone(),
                key,
            }),
            Err(problem) => problems.push(Problem {
                pointer: format!("/{}", field.name),
                ..problem
            }),
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(problems)
    }
}

/// Fields of the kinds whose shape is the host's own; records have their collection's.
pub fn fields_of(kind: Kind) -> Vec<IndexField> {
    use FieldType::{Boolean, Integer, Money, Text};
    let named = |names: &[(&str, &str, FieldType)]| {
        let field = |(name, pointer, field_type): &(&str, &str, FieldType)| IndexField {
            name: (*name).to_owned(),
            pointer: (*pointer).to_owned(),
            field_type: *field_type,
        };
        names.iter().map(field).collect()
    };
    match kind {
        Kind::Invoice => named(&[
            ("flow", "/flow", Text),
            ("kind", "/kind", Text),
            ("state", "/state", Text),
            ("number", "/number", Text),
            ("legal-entity", "/legal_entity", Text),
            ("party", "/party", Text),
            ("currency", "/totals/gross/currency", Text),
            ("issue-date", "/issue_date", Text),
            ("due-date", "/due_date", Text),
            ("gross", "/totals/gross", Money),
            ("outstanding", "/outstanding", Money),
            ("dunning-level", "/dunning_level", Integer),
            ("reference", "/reference", Text),
            ("supplier-number", "/supplier_number", Text),
        ]),
        Kind::Payment => named(&[
            ("flow", "/flow", Text),
            ("party", "/party", Text),
            ("amount", "/amount", Money),
            ("currency", "/amount/currency", Text),
            ("value-date", "/value_date", Text),
            ("bank-reference", "/bank_reference", Text),
            ("bank-account", "/bank_account", Text),
            ("unallocated", "/unallocated", Money),
        ]),
        Kind::Allocation => named(&[("source", "/source", Text), ("invoice", "/invoice", Text)]),
        Kind::Document => named(&[("folder", "/folder", Text), ("name", "/name", Text)]),
        Kind::Task => named(&[
            ("automation", "/automation", Text),
            ("assignee", "/assignee", Text),
            ("is-closed", "/is_closed", Boolean),
            ("due", "/due_us", Integer),
            ("next", "/next_us", Integer),
        ]),
        Kind::Automation | Kind::Calendar => named(&[("department", "/department", Text)]),
        Kind::Entry => named(&[
            ("kind", "/kind", Text),
            ("first", "/first_s", Integer),
            ("last", "/last_s", Integer),
        ]),
        _ => Vec::new(),
    }
}

/// How a condition compares a field with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// Present and equal to the one value.
    Equal,
    /// Present and not equal to the one value.
    NotEqual,
    /// Present and less.
    Less,
    /// Present and less or equal.
    LessOrEqual,
    /// Present and greater.
    Greater,
    /// Present and greater or equal.
    GreaterOrEqual,
    /// Equal to one of 1 to [`VALUES_MAX`] values.
    OneOf,
    /// Text begins with the one value, byte for byte.
    StartsWith,
    /// Absent or null.
    Missing,
    /// Neither absent nor null.
    Present,
}

/// A half-open range of order keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyRange {
    /// First key inside.
    pub start: OrderKey,
    /// First key outside.
    pub end: OrderKey,
}

impl KeyRange {
    /// Every key, missing values too.
    pub fn everything() -> Self {
        Self {
            start: Vec::new(),
            end: vec![0xff, 0xff],
        }
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.start.as_slice() <= key && key < self.end.as_slice()
    }
}

/// The smallest key above `key`.
fn above(key: &[u8]) -> OrderKey {
    let mut next = key.to_vec();
    next.push(0);
    next
}

/// One test of an indexed field: its order key lies in one of the ranges.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Condition {
    /// The field's name.
    pub field: String,
    /// Sorted, disjoint.
    pub ranges: Vec<KeyRange>,
}

impl Condition {
    /// Types the values by the field and turns the comparison into ranges.
    pub fn new(
        field: &IndexField,
        comparison: Comparison,
        values: &[Value],
    ) -> Result<Self, Problem> {
        let tag = field.field_type.tag();
        let (first, past) = (vec![tag], vec![tag.wrapping_add(1)]);
        let keys = values
            .iter()
            .map(|value| match value {
                Value::Null => Err(Problem::new(
                    "wrong-type",
                    "null is not a value: use missing or present",
                )),
                value => field.field_type.key(value),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let range = |start: OrderKey, end: OrderKey| KeyRange { start, end };
        let mut ranges = match (comparison, keys.as_slice()) {
            (Comparison::Equal, [key]) => vec![range(key.clone(), above(key))],
            (Comparison::NotEqual, [key]) => {
                vec![range(first, key.clone()), range(above(key), past)]
            }
            (Comparison::Less, [key]) => vec![range(first, key.clone())],
            (Comparison::LessOrEqual, [key]) => vec![range(first, above(key))],
            (Comparison::Greater, [key]) => vec![range(above(key), past)],
            (Comparison::GreaterOrEqual, [key]) => vec![range(key.clone(), past)],
            (Comparison::OneOf, keys) if (1..=VALUES_MAX).contains(&keys.len()) => keys
                .iter()
                .map(|key| range(key.clone(), above(key)))
                .collect(),
            (Comparison::StartsWith, [key]) if field.field_type == FieldType::Text => {
                vec![range(key.clone(), after_prefix(key))]
            }
            (Comparison::StartsWith, _) => {
                return Err(Problem::new("wrong-type", "starts-with is for one text"));
            }
            (Comparison::Missing, []) => vec![range(MISSING.to_vec(), above(MISSING))],
            (Comparison::Present, []) => vec![range(Vec::new(), MISSING.to_vec())],
            _ => {
                return Err(Problem::new(
                    "wrong-count",
                    format!("{comparison:?} does not take {} values", keys.len()),
                ));
            }
        };
        ranges.sort();
        ranges.dedup();
        Ok(Self {
            field: field.name.clone(),
            ranges,
        })
    }

    /// Whether a row with these index entries passes.
    pub fn matches(&self, entries: &[IndexEntry]) -> bool {
        self.holds(key_of(entries, &self.field))
    }

    /// Whether a row whose field has this order key passes.
    pub fn holds(&self, key: &[u8]) -> bool {
        self.ranges.iter().any(|range| range.contains(key))
    }
}

/// The first key that does not begin with `prefix`.
fn after_prefix(prefix: &[u8]) -> OrderKey {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    vec![0xff, 0xff]
}

/// The order key of a field among a row's entries; [`MISSING`] if it has none.
pub fn key_of<'a>(entries: &'a [IndexEntry], field: &str) -> &'a [u8] {
    entries
        .iter()
        .find(|entry| entry.field == field)
        .map_or(MISSING, |entry| &entry.key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(field_type: FieldType) -> IndexField {
        IndexField {
            name: "f".to_owned(),
            pointer: String::new(),
            field_type,
        }
    }

    #[test]
    fn keys_sort_as_their_values_do() {
        let sorted = |field_type: FieldType, values: &[Value]| {
            let keys: Vec<_> = values
                .iter()
                .map(|value| field_type.key(value).expect("a good value"))
                .collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "{values:?}: {keys:?}");
        };
        sorted(
            FieldType::Integer,
            &[
                json!(-9_007_199_254_740_991_i64),
                json!(-1),
                json!(0),
                json!(1),
                json!(256),
                Value::Null,
            ],
        );
        sorted(
            FieldType::Decimal,
            &[
                json!("-10.5"),
                json!("-1.10"),
                json!("0"),
                json!("0.0000000001"),
                json!("9"),
                json!("10.01"),
            ],
        );
        sorted(
            FieldType::Text,
            &[
                json!(""),
                json!("a"),
                json!("a\u{1}"),
                json!("ab"),
                json!("b"),
                json!("ä"),
                json!("🦀"),
                Value::Null,
            ],
        );
        sorted(
            FieldType::Boolean,
            &[json!(false), json!(true), Value::Null],
        );
        assert_eq!(
            FieldType::Decimal.key(&json!("1.10")),
            FieldType::Decimal.key(&json!("1.1"))
        );
    }

    #[test]
    fn conditions_select_what_their_comparison_says() {
        let check = |comparison, values: &[Value], expected: &[bool]| {
            let condition = Condition::new(&field(FieldType::Integer), comparison, values)
                .expect("a good condition");
            let rows = [
                json!({"f": 1}),
                json!({"f": 2}),
                json!({"f": 3}),
                json!({"f": null}),
                json!({}),
            ];
            let got = rows.each_ref().map(|row| {
                condition.matches(&entries(&[field(FieldType::Integer)], row).expect("good rows"))
            });
            assert_eq!(got, expected, "{comparison:?} {values:?}");
        };
        check(
            Comparison::Equal,
            &[json!(2)],
            &[false, true, false, false, false],
        );
        check(
            Comparison::NotEqual,
            &[json!(2)],
            &[true, false, true, false, false],
        );
        check(
            Comparison::Less,
            &[json!(2)],
            &[true, false, false, false, false],
        );
        check(
            Comparison::LessOrEqual,
            &[json!(2)],
            &[true, true, false, false, false],
        );
        check(
            Comparison::Greater,
            &[json!(2)],
            &[false, false, true, false, false],
        );
        check(
            Comparison::GreaterOrEqual,
            &[json!(2)],
            &[false, true, true, false, false],
        );
        check(
            Comparison::OneOf,
            &[json!(3), json!(1), json!(1)],
            &[true, false, true, false, false],
        );
        check(Comparison::Missing, &[], &[false, false, false, true, true]);
        check(Comparison::Present, &[], &[true, true, true, false, false]);
    }

    #[test]
    fn starts_with_is_by_bytes() {
        let text = field(FieldType::Text);
        let condition = Condition::new(&text, Comparison::StartsWith, &[json!("ab")])
            .expect("a good condition");
        let matches = |value: &str| {
            condition.matches(
                &entries(std::slice::from_ref(&text), &json!({ "f": value })).expect("text"),
            )
        };
        assert_eq!(
            ["ab", "abc", "ab\u{10ffff}", "aB", "ac", "a"].map(matches),
            [true, true, true, false, false, false]
        );
    }

    #[test]
    fn wrong_values_are_refused() {
        let refused = |field_type, comparison, values: &[Value]| {
            assert!(
                Condition::new(&field(field_type), comparison, values).is_err(),
                "{comparison:?} {values:?}"
            );
        };
        refused(FieldType::Integer, Comparison::Equal, &[]);
        refused(FieldType::Integer, Comparison::Equal, &[json!("1")]);
        refused(FieldType::Integer, Comparison::Equal, &[Value::Null]);
        refused(FieldType::Integer, Comparison::StartsWith, &[json!(1)]);
        refused(FieldType::Text, Comparison::OneOf, &[]);
        refused(FieldType::Decimal, Comparison::Less, &[json!("1e9")]);
    }
}
