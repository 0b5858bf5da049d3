//! What of a collection's records a permission is about: which rows, and which members of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Authority, Permission, RecordOperation, lattice::maximal, word};
use crate::{
    confidentiality::{Class, FieldRules, is_hidden},
    index::{TEXT_BYTES_MAX, VALUES_MAX},
    is_default, pointer,
    problem::Problem,
};

/// Most members that a permission names.
const FIELDS_MAX: usize = 200;
/// Most fields that bound the rows of a permission.
const BOUNDS_MAX: usize = 10;

/// Rows by what they say: each of these indexed fields has one of these values, null if it has none.
pub type RowBounds = BTreeMap<String, Vec<Value>>;

/// Some rows, and what of them is seen and written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordScope {
    /// The highest class of fields: internal unless more is said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub class: Class,
    /// The only members, up to the class; none is all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<BTreeSet<String>>,
    /// The only rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Vec<Value>>)]
    pub rows: RowBounds,
}

impl RecordScope {
    /// Everything that there is.
    pub const fn everything() -> Self {
        Self {
            class: Class::Restricted,
            fields: None,
            rows: RowBounds::new(),
        }
    }

    /// Whether no row is within it.
    pub fn is_empty(&self) -> bool {
        self.rows.values().any(Vec::is_empty)
    }

    /// Whether a member of its rows is shown.
    pub fn shows(&self, rules: &FieldRules, member: &str) -> bool {
        let is_named = |fields: &BTreeSet<String>| fields.contains(member);
        self.fields.as_ref().is_none_or(is_named) && !is_hidden(rules, self.class, member)
    }

    /// Whether all of it is within another one.
    fn leq(&self, other: &Self) -> bool {
        self.is_empty() || self.meet(other) == self.meet(self)
    }

    /// What is within both. Where no member is shown no class bounds any: all such scopes say the same one.
    pub(super) fn meet(&self, other: &Self) -> Self {
        let mut rows = self.rows.clone();
        for (field, values) in &other.rows {
            match rows.get_mut(field) {
                Some(own) => own.retain(|value| values.contains(value)),
                None => drop(rows.insert(field.clone(), values.clone())),
            }
        }
        let fields = match (&self.fields, &other.fields) {
            (Some(own), Some(others)) => Some(own.intersection(others).cloned().collect()),
            (own, others) => own.clone().or_else(|| others.clone()),
        };
        let shows_none = fields.as_ref().is_some_and(BTreeSet::is_empty);
        Self {
            class: if shows_none {
                Class::default()
            } else {
                self.class.min(other.class)
            },
            fields,
            rows,
        }
    }

    /// What of it says nothing, or too much; pointers are into the permission.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut require = |holds: bool, pointer: String, message: &str| {
            if !holds {
                found.push(Problem::at("out-of-range", pointer, message));
            }
        };
        require(
            self.class != Class::Public,
            "/class".to_owned(),
            "the class is internal, confidential or restricted",
        );
        let fields = self.fields.as_ref().map_or(0, BTreeSet::len);
        require(
            fields <= FIELDS_MAX,
            "/fields".to_owned(),
            "at most 200 fields",
        );
        require(
            self.rows.len() <= BOUNDS_MAX,
            "/rows".to_owned(),
            "at most 10 fields bound rows",
        );
        for (field, values) in &self.rows {
            let pointer = format!("/rows/{}", pointer::escape(field));
            let is_some = (1..=VALUES_MAX).contains(&values.len());
            require(is_some, pointer.clone(), "1 to 200 values, null for none");
            let is_scalar = |value: &Value| match value {
                Value::String(text) => text.len() <= TEXT_BYTES_MAX,
                Value::Number(number) => number.is_i64(),
                Value::Bool(_) | Value::Null => true,
                Value::Array(_) | Value::Object(_) => false,
            };
            require(
                values.iter().all(is_scalar),
                pointer,
                "texts of at most 512 bytes, whole numbers, true, false and null",
            );
        }
        found
    }

    /// In plain words, behind what is done with which collection.
    pub(super) fn in_words(&self) -> String {
        let class = match self.class {
            Class::Internal => String::new(),
            class => format!(", fields up to {}", word(&class)),
        };
        let fields = self.fields.as_ref().map_or_else(String::new, |fields| {
            let names: Vec<&str> = fields.iter().map(String::as_str).collect();
            match names.as_slice() {
                [] => ", only whether there are any".to_owned(),
                names => format!(", only {}", names.join(", ")),
            }
        });
        let bound = |(field, values): (&String, &Vec<Value>)| {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            format!(", where {field} is {}", values.join(" or "))
        };
        let rows: String = self.rows.iter().map(bound).collect();
        format!("{class}{fields}{rows}")
    }
}

impl Authority {
    /// What one of some operations may touch of a collection's records: any of these, none of which is within another.
    pub fn scopes(&self, of: &str, any: &[RecordOperation]) -> Vec<RecordScope> {
        let Authority::Granted(permissions) = self else {
            return vec![RecordScope::everything()];
        };
        let scope = |permission: &Permission| match permission {
            Permission::Records {
                collection,
                operations,
                scope,
            } if collection == of && any.iter().any(|one| operations.contains(one)) => {
                Some(scope.clone())
            }
            _ => None,
        };
        let found = permissions.iter().filter_map(scope);
        let found = found.filter(|scope| !scope.is_empty());
        maximal(found, RecordScope::leq)
    }
}
