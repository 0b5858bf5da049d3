//! Who may do something: automations by what they hold, tokens by their roles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Role,
    confidentiality::{Class, FieldRules, is_hidden},
    invoice::Flow,
    manifest::{
        Authority, CalendarOperation, DocumentOperation, Grant, InvoiceOperation, Need, Permission,
        RecordOperation, effective,
    },
    office::{Automation, Token},
};

/// What is asked about: who may do this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Something with a collection's records, or with one member of them.
    Records {
        /// The collection.
        collection: String,
        /// What is done.
        operation: RecordOperation,
        /// The member; none is any.
        field: Option<String>,
    },
    /// Something with invoices and payments.
    Invoices(Flow, InvoiceOperation),
    /// Something with a calendar's entries.
    Calendars(String, CalendarOperation),
    /// Reading a folder's documents.
    Documents(String),
    /// Mail to an address.
    MailTo(String),
    /// A task for "role:NAME".
    Task(String),
}

impl Question {
    fn need(&self) -> Need<'_> {
        match self {
            Question::Records {
                collection,
                operation,
                ..
            } => Need::Records(collection, *operation),
            Question::Invoices(flow, operation) => Need::Invoices(*flow, *operation),
            Question::Calendars(calendar, operation) => Need::Calendars(calendar, *operation),
            Question::Documents(folder) => Need::Documents(folder, DocumentOperation::Read),
            Question::MailTo(address) => Need::MailTo(address),
            Question::Task(assignee) => Need::Task(assignee),
        }
    }

    /// Whether nothing is changed by it.
    fn only_reads(&self) -> bool {
        match self {
            Question::Records { operation, .. } => *operation == RecordOperation::Read,
            Question::Invoices(_, operation) => *operation == InvoiceOperation::Read,
            Question::Calendars(_, operation) => *operation == CalendarOperation::Read,
            Question::Documents(_) => true,
            Question::MailTo(_) | Question::Task(_) => false,
        }
    }

    /// Whether a permission allows it, of some row at least.
    fn is_allowed_by(&self, permission: &Permission, rules: &FieldRules) -> bool {
        let authority = Authority::Granted(vec![permission.clone()]);
        if permission.is_empty() || !authority.allows(self.need()) {
            return false;
        }
        match (self, permission) {
            (
                Question::Records {
                    field: Some(field), ..
                },
                Permission::Records { scope, .. },
            ) => scope.shows(rules, field),
            _ => true,
        }
    }

    /// Whether a permission is about the same thing: what it changes can be seen in runs and previews.
    fn is_near(&self, permission: &Permission) -> bool {
        match (self, permission) {
            (Question::Records { collection, .. }, Permission::Records { collection: of, .. }) => {
                collection == of
            }
            (Question::Invoices(flow, _), Permission::Invoices { flow: of, .. }) => flow == of,
            (Question::Calendars(calendar, _), Permission::Calendars { calendar: of, .. }) => {
                calendar == of
            }
            _ => false,
        }
    }

    fn is_shown_to_departments(&self, rules: &FieldRules) -> bool {
        match self {
            Question::Records {
                field: Some(field), ..
            } => !is_hidden(rules, Class::Internal, field),
            _ => true,
        }
    }
}

/// Of which kind somebody is who may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HolderKind {
    /// A plugin that is enabled in a department.
    Automation,
    /// A person or program with an access token.
    Token,
}

/// Somebody who may do what was asked about, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    /// Of which kind.
    pub kind: HolderKind,
    /// The automation's name, or the token's id.
    pub id: String,
    /// What people call it: the automation's name as well, or the token's.
    pub name: String,
    /// Where; none is the whole organisation.
    pub department: Option<String>,
    /// An automation that is off does nothing until it is on again.
    pub enabled: bool,
    /// What allows it, in plain words.
    pub by: String,
    /// The permission as far as it holds now; none for tokens, whose roles allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// The note on the grant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// From when on it no longer does, in microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_us: Option<i64>,
}

/// Everybody who may do something now, by the ceilings of departments: automations, then tokens.
///
/// `rules` are those of the collection that is asked about. Whoever may open the data folder or the database may do
/// everything, and is not among them.
pub fn holders_among(
    question: &Question,
    rules: &FieldRules,
    automations: &[(String, Automation)],
    ceilings: &BTreeMap<String, Vec<Permission>>,
    tokens: &[(String, Token)],
    now_us: i64,
) -> Vec<Holder> {
    let mut found = Vec::new();
    for (id, automation) in automations {
        let ceiling = ceilings.get(&automation.department).map(Vec::as_slice);
        for grant in &automation.grants {
            let worth = effective(std::slice::from_ref(grant), ceiling, now_us);
            let allowing = worth
                .into_iter()
                .filter(|permission| question.is_allowed_by(permission, rules));
            found.extend(allowing.map(|permission| holder(id, automation, grant, permission)));
        }
    }
    let departments = |department: &str| {
        let own = automations
            .iter()
            .filter(|(_, automation)| automation.department == department);
        own.flat_map(|(_, automation)| &automation.grants)
            .any(|grant| question.is_near(&grant.permission))
    };
    for (id, token) in tokens {
        let ended = token.expires_us.is_some_and(|until_us| until_us <= now_us);
        if token.revoked_us.is_some() || ended {
            continue;
        }
        let own = token.department.as_deref().unwrap_or_default();
        let may_grant = || {
            let ceiling = ceilings.get(own).into_iter().flatten();
            ceiling
                .into_iter()
                .any(|one| question.is_allowed_by(one, rules))
        };
        let by = match token.role {
            Role::Admin => "an administrator may do everything",
            Role::Auditor if question.only_reads() => "an auditor may read everything",
            Role::Manager | Role::Operator | Role::Viewer
                if question.only_reads()
                    && question.is_shown_to_departments(rules)
                    && departments(own) =>
            {
                "sees what automations of the department change, up to internal fields"
            }
            Role::Manager if may_grant() => "may grant it to automations of the department",
            Role::Auditor | Role::Manager | Role::Operator | Role::Viewer => continue,
        };
        found.push(Holder {
            kind: HolderKind::Token,
            id: id.clone(),
            name: token.name.clone(),
            department: token.department.clone(),
            enabled: true,
            by: by.to_owned(),
            permission: None,
            note: String::new(),
            expires_us: token.expires_us,
        });
    }
    found
}

fn holder(id: &str, automation: &Automation, grant: &Grant, permission: Permission) -> Holder {
    Holder {
        kind: HolderKind::Automation,
        id: id.to_owned(),
        name: id.to_owned(),
        department: Some(automation.department.clone()),
        enabled: automation.enabled,
        by: permission.in_words(),
        permission: Some(permission),
        note: grant.note.clone(),
        expires_us: grant.expires_us,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        RecordOperation::{Delete, Read, Update},
        *,
    };

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).expect("a row")
    }

    fn automation(grants: &Value) -> Automation {
        read(json!({
            "plugin": "p", "department": "finance", "legal_entity": "main", "config": {}, "mode": "live", "enabled": true,
            "grants": grants,
        }))
    }

    fn staff(operation: RecordOperation, field: Option<&str>) -> Question {
        Question::Records {
            collection: "staff".to_owned(),
            operation,
            field: field.map(str::to_owned),
        }
    }

    /// Automations, ceilings and tokens.
    type Office = (
        Vec<(String, Automation)>,
        BTreeMap<String, Vec<Permission>>,
        Vec<(String, Token)>,
    );

    fn office() -> Office {
        let payroll = automation(&json!([
            {"kind": "records", "collection": "staff", "operations": ["read", "update"], "class": "confidential", "fields": ["name", "pay"],
             "note": "monthly", "expires_us": 20},
            {"kind": "invoices", "flow": "payable", "operations": ["pay"]},
            {"kind": "messages", "recipients": ["*.example"]},
        ]));
        let phone = automation(
            &json!([{"kind": "records", "collection": "staff", "operations": ["read"]}]),
        );
        let ceiling: Vec<Permission> = read(json!([
            {"kind": "records", "collection": "staff", "operations": ["read", "update"], "class": "confidential"},
            {"kind": "messages", "recipients": ["a.example"]},
        ]));
        let phone = Automation {
            department: "sales".to_owned(),
            ..phone
        };
        let automations = [("payroll".to_owned(), payroll), ("phone".to_owned(), phone)];
        let ceilings = BTreeMap::from([("finance".to_owned(), ceiling)]);
        let token = |role: &str, department: Option<&str>, expires_us: Option<i64>| {
            let value = json!({"name": role, "role": role, "department": department, "sha256": "", "expires_us": expires_us});
            (role.to_owned(), read::<Token>(value))
        };
        let tokens = [
            token("admin", None, Some(15)),
            token("auditor", None, None),
            token("operator", Some("finance"), None),
            token("manager", Some("finance"), None),
            token("viewer", Some("hall"), None),
        ];
        (automations.into(), ceilings, tokens.into())
    }

    #[test]
    fn whoever_may_do_it_is_found_by_what_holds_now() {
        let (automations, ceilings, tokens) = office();
        let rules: FieldRules = read(json!({"pay": {"class": "confidential"}}));
        let check = |question: Question, now_us: i64, expected: &[&str]| {
            let found = holders_among(&question, &rules, &automations, &ceilings, &tokens, now_us);
            let ids: Vec<&str> = found.iter().map(|holder| holder.id.as_str()).collect();
            assert_eq!(ids, expected, "{question:?} at {now_us}");
        };
        let people = [
            "payroll", "phone", "admin", "auditor", "operator", "manager",
        ];
        check(staff(Read, None), 14, &people);
        check(staff(Read, Some("name")), 14, &people);
        check(
            staff(Read, Some("phone")),
            14,
            &["phone", "admin", "auditor", "operator", "manager"],
        );
        check(
            staff(Read, Some("pay")),
            14,
            &["payroll", "admin", "auditor", "manager"],
        );
        check(
            staff(Read, Some("pay")),
            15,
            &["payroll", "auditor", "manager"],
        );
        check(staff(Read, Some("pay")), 20, &["auditor", "manager"]);
        check(
            staff(Update, Some("pay")),
            14,
            &["payroll", "admin", "manager"],
        );
        check(staff(Update, Some("phone")), 14, &["admin", "manager"]);
        check(staff(Delete, None), 14, &["admin"]);
        // The ceiling leaves neither of them.
        check(
            Question::Invoices(Flow::Payable, InvoiceOperation::Pay),
            14,
            &["admin"],
        );
        check(Question::MailTo("x@b.example".to_owned()), 14, &["admin"]);
        check(
            Question::MailTo("x@a.example".to_owned()),
            14,
            &["payroll", "admin", "manager"],
        );
        let found = holders_among(
            &staff(Read, Some("pay")),
            &rules,
            &automations,
            &ceilings,
            &tokens,
            14,
        );
        assert_eq!(
            (found[0].note.as_str(), found[0].expires_us),
            ("monthly", Some(20))
        );
    }
}
