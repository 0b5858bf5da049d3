//! What changed in what somebody may do, between two images of a row.

use std::{cmp::Ordering, collections::BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    confidentiality::{Class, FieldRules},
    manifest::{Grant, Permission, beyond, effective, word},
    office::{Automation, Collection, Department, Quarantine, Token},
    time::rfc3339,
};

/// What somebody may do that was not allowed before, and the other way round, in plain words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Allowed from now on.
    pub gained: Vec<String>,
    /// Allowed no longer.
    pub lost: Vec<String>,
}

impl Difference {
    /// Whether nobody may do more or less than before.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }

    /// Between two sets of permissions.
    pub fn between(before: &[Permission], after: &[Permission]) -> Self {
        let rest = |some: &[Permission], others: &[Permission]| {
            let rest = some.iter().filter_map(|one| beyond(one, others));
            rest.map(|permission| permission.in_words()).collect()
        };
        Self {
            gained: rest(after, before),
            lost: rest(before, after),
        }
    }

    /// And how long grants last: one that ends loses what comes after, and one that lasts longer than it did gains it.
    fn ends(&mut self, before: &[Grant], after: &[Grant]) {
        for grant in after {
            let words = grant.permission.in_words();
            let mut same = before.iter().filter(|it| it.permission == grant.permission);
            let end = |grant: &Grant| grant.expires_us.unwrap_or(i64::MAX);
            let earlier = same.next().map_or(i64::MAX, end);
            match (end(grant).cmp(&earlier), grant.expires_us) {
                (Ordering::Less, Some(until_us)) => {
                    let at = rfc3339(until_us);
                    self.lost.push(format!("after {at}: {words}"));
                }
                (Ordering::Greater, until_us) => {
                    let at = until_us.map_or("for good".to_owned(), |until_us| {
                        format!("until {}", rfc3339(until_us))
                    });
                    self.gained.push(format!("{at}: {words}"));
                }
                _ => {}
            }
        }
    }

    /// And what is told of them in words alone.
    fn and(mut self, before: &[String], after: &[String]) -> Self {
        let rest = |some: &[String], others: &[String]| {
            let rest = some.iter().filter(|one| !others.contains(one));
            rest.cloned().collect::<Vec<_>>()
        };
        self.gained.extend(rest(after, before));
        self.lost.extend(rest(before, after));
        self
    }
}

/// What an automation may do from an instant on. One that is off may do nothing, and a grant that has ended allows nothing.
pub fn of_automation(
    before: Option<&Automation>,
    after: Option<&Automation>,
    at_us: i64,
) -> Difference {
    let granted = |automation: Option<&Automation>| -> Vec<Permission> {
        let grants = automation.map_or(&[][..], |automation| &automation.grants);
        effective(grants, None, at_us)
    };
    let words = |automation: Option<&Automation>| automation.map(terms).unwrap_or_default();
    let on = |automation: &&Automation| automation.enabled;
    let (before, after) = (before.filter(on), after.filter(on));
    let mut difference =
        Difference::between(&granted(before), &granted(after)).and(&words(before), &words(after));
    if let Some(after) = after {
        difference.ends(before.map_or(&[], |before| &before.grants), &after.grants);
    }
    difference
}

/// On which terms an automation works, beside what it was granted.
fn terms(automation: &Automation) -> Vec<String> {
    vec![
        format!("department {}", automation.department),
        format!("legal entity {}", automation.legal_entity),
        format!("plugin {}", automation.plugin),
        format!("mode {}", word(&automation.mode)),
    ]
}

/// How much a department's automations may be granted.
pub fn of_department(before: Option<&Department>, after: Option<&Department>) -> Difference {
    let above = || vec!["everything above the ceiling".to_owned()];
    let ceiling = |department: &Department| department.ceiling.clone();
    match (before.map(ceiling), after.map(ceiling)) {
        (Some(Some(before)), Some(Some(after))) => Difference::between(&before, &after),
        (Some(Some(before)), None) => Difference::between(&before, &[]),
        (Some(Some(_)), Some(None)) => Difference {
            gained: above(),
            lost: Vec::new(),
        },
        // Managers may grant from here on, and nobody above it.
        (Some(None), Some(Some(after))) => Difference {
            lost: above(),
            ..Difference::between(&[], &after)
        },
        (None, Some(Some(after))) => Difference::between(&[], &after),
        (_, None | Some(None)) => Difference::default(),
    }
}

/// Whether a plugin version may run.
pub fn of_quarantine(before: Option<&Quarantine>, after: Option<&Quarantine>) -> Difference {
    let words = |quarantine: Option<&Quarantine>| -> Vec<String> {
        let is_kept = quarantine.is_some_and(|quarantine| quarantine.quarantined);
        let runs = (!is_kept).then(|| "to run at all".to_owned());
        runs.into_iter().collect()
    };
    Difference::default().and(&words(before), &words(after))
}

/// What a token's bearer may do.
pub fn of_token(before: Option<&Token>, after: Option<&Token>) -> Difference {
    let words = |token: Option<&Token>| -> Vec<String> {
        let valid = token.filter(|token| token.revoked_us.is_none());
        let role = valid.map(|token| {
            let role = match &token.department {
                Some(department) => format!("{} in {department}", word(&token.role)),
                None => format!("{} in the organisation", word(&token.role)),
            };
            match token.expires_us {
                Some(until_us) => format!("{role} until {}", rfc3339(until_us)),
                None => role,
            }
        });
        role.into_iter().collect()
    };
    Difference::default().and(&words(before), &words(after))
}

/// How confidential a collection's members are: of a lower class, more may see them.
pub fn of_collection(before: Option<&Collection>, after: Option<&Collection>) -> Difference {
    let none = FieldRules::new();
    let before = before.map_or(&none, |collection| &collection.fields);
    let after = after.map_or(&none, |collection| &collection.fields);
    let class = |rules: &FieldRules, name: &str| {
        rules.get(name).map_or(Class::default(), |rule| rule.class)
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut difference = Difference::default();
    for name in names {
        let (old, new) = (class(before, name), class(after, name));
        let words = format!("{name} was {}, is {}", word(&old), word(&new));
        match old.cmp(&new) {
            Ordering::Greater => difference.gained.push(words),
            Ordering::Less => difference.lost.push(words),
            Ordering::Equal => {}
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).expect("a row")
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn automation(change: impl FnOnce(&mut Value)) -> Automation {
        let mut value = json!({
            "plugin": "p1", "department": "finance", "legal_entity": "main", "config": {}, "mode": "review", "enabled": true,
            "grants": [{"kind": "records", "collection": "staff", "operations": ["read"]}],
        });
        change(&mut value);
        read(value)
    }

    #[test]
    fn what_an_automation_gains_and_loses_is_told_one_by_one() {
        let before = automation(|_| {});
        let check = |after: &Automation, gained: &[&str], lost: &[&str]| {
            let found = of_automation(Some(&before), Some(after), 5);
            assert_eq!((found.gained, found.lost), (texts(gained), texts(lost)));
        };
        check(&before, &[], &[]);
        let told = automation(|it| it["config"] = json!({"days": 3}));
        assert!(of_automation(Some(&before), Some(&told), 5).is_empty());
        let more = automation(|it| it["grants"][0]["operations"] = json!(["read", "update"]));
        check(&more, &["records of \"staff\": update"], &[]);
        let ending =
            |expires_us: i64| automation(|it| it["grants"][0]["expires_us"] = json!(expires_us));
        let words = "records of \"staff\": read";
        let after = "after 1970-01-01T00:00:01Z: records of \"staff\": read";
        check(&ending(1_000_000), &[], &[after]);
        check(
            &ending(0),
            &[],
            &[
                words,
                "after 1970-01-01T00:00:00Z: records of \"staff\": read",
            ],
        );
        let prolonged = of_automation(Some(&ending(0)), Some(&before), 5);
        let good = "for good: records of \"staff\": read";
        assert_eq!(
            (prolonged.gained, prolonged.lost),
            (texts(&[words, good]), texts(&[]))
        );
        let live = automation(|it| it["mode"] = json!("live"));
        check(&live, &["mode live"], &["mode review"]);
        let off = automation(|it| it["enabled"] = json!(false));
        let all = [
            "records of \"staff\": read",
            "department finance",
            "legal entity main",
            "plugin p1",
            "mode review",
        ];
        check(&off, &[], &all);
        assert_eq!(of_automation(None, Some(&before), 5).gained, texts(&all));
        assert!(of_automation(Some(&off), None, 5).is_empty());
    }

    #[test]
    fn ceilings_roles_and_classes_are_told_too() {
        let ceiling =
            |ceiling: Value| -> Department { read(json!({"name": "Finance", "ceiling": ceiling})) };
        let (none, some) = (
            ceiling(Value::Null),
            ceiling(json!([{"kind": "tasks", "role": "clerk"}])),
        );
        let found = of_department(Some(&none), Some(&some));
        assert_eq!(found.gained, texts(&["tasks for the role \"clerk\""]));
        assert_eq!(found.lost, texts(&["everything above the ceiling"]));
        let found = of_department(Some(&some), Some(&ceiling(json!([]))));
        assert_eq!(found.lost, texts(&["tasks for the role \"clerk\""]));
        assert!(of_department(None, Some(&none)).is_empty());
        assert!(of_department(None, Some(&some)).lost.is_empty());
        let found = of_department(Some(&some), Some(&none));
        assert_eq!(found.gained, texts(&["everything above the ceiling"]));
        let kept = |quarantined: bool| Quarantine {
            quarantined,
            reason: String::new(),
        };
        let found = of_quarantine(None, Some(&kept(true)));
        assert_eq!(found.lost, texts(&["to run at all"]));
        assert!(of_quarantine(None, Some(&kept(false))).is_empty());
        let token = |revoked_us: Value| -> Token {
            read(
                json!({"name": "Ada", "role": "manager", "department": "finance", "sha256": "", "revoked_us": revoked_us}),
            )
        };
        let (valid, revoked) = (token(Value::Null), token(json!(1)));
        assert_eq!(
            of_token(None, Some(&valid)).gained,
            texts(&["manager in finance"])
        );
        assert_eq!(
            of_token(Some(&valid), Some(&revoked)).lost,
            texts(&["manager in finance"])
        );
        assert!(of_token(Some(&revoked), Some(&revoked)).is_empty());
        let fields = |class: &str| -> Collection {
            read(json!({"schema": {}, "fields": {"pay": {"class": class}, "name": {}}}))
        };
        let (open, closed) = (fields("internal"), fields("confidential"));
        let found = of_collection(Some(&closed), Some(&open));
        assert_eq!(found.gained, texts(&["pay was confidential, is internal"]));
        let found = of_collection(None, Some(&closed));
        assert_eq!(found.lost, texts(&["pay was internal, is confidential"]));
        assert!(of_collection(None, Some(&open)).is_empty());
    }
}
