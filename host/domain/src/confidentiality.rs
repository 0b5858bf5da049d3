//! How far a record's fields may be shown: classes, and what a reader with a clearance does not see.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How confidential a field is, in rising order.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Anybody may know.
    Public,
    /// The organisation's own people and automations.
    #[default]
    Internal,
    /// Those who need it for their work, such as pay.
    Confidential,
    /// Few by name, such as health.
    Restricted,
}

/// What is known of one field of a collection's records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// How confidential it is.
    #[serde(default)]
    pub class: Class,
    /// What it is about, such as pii, payroll, bank, health (open).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
}

/// Rules by the name of a record's member; a member without one is internal.
pub type FieldRules = BTreeMap<String, FieldRule>;

/// Whether a reader with a clearance does not see a member.
pub fn is_hidden(rules: &FieldRules, clearance: Class, member: &str) -> bool {
    let class = rules.get(member).map_or(Class::Internal, |rule| rule.class);
    class > clearance
}

/// A record's body as a reader with a clearance sees it.
pub fn redact<'b>(body: &'b Value, rules: &FieldRules, clearance: Class) -> Cow<'b, Value> {
    leave_out(body, |name| is_hidden(rules, clearance, name))
}

/// A record's body without some of its members.
pub fn leave_out(body: &Value, is_hidden: impl Fn(&str) -> bool) -> Cow<'_, Value> {
    let Some(members) = body.as_object() else {
        return Cow::Borrowed(body);
    };
    if !members.keys().any(|name| is_hidden(name)) {
        return Cow::Borrowed(body);
    }
    let seen = members.iter().filter(|(name, _)| !is_hidden(name));
    Cow::Owned(Value::Object(
        seen.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reader_sees_what_is_not_above_the_clearance() {
        let rules: FieldRules = serde_json::from_value(json!({
            "name": {"class": "public"},
            "pay": {"class": "confidential", "tags": ["payroll"]},
            "health": {"class": "restricted"},
        }))
        .expect("good rules");
        let body = json!({"name": "Ada", "room": 7, "pay": "1.10", "health": null});
        let seen = |clearance| redact(&body, &rules, clearance).into_owned();
        assert_eq!(seen(Class::Public), json!({"name": "Ada"}));
        assert_eq!(seen(Class::Internal), json!({"name": "Ada", "room": 7}));
        assert_eq!(
            seen(Class::Confidential),
            json!({"name": "Ada", "room": 7, "pay": "1.10"})
        );
        assert_eq!(seen(Class::Restricted), body);
    }
}
