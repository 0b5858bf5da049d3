//! What could come of a permission, in three steps that people can tell apart.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    confidentiality::Class,
    manifest::{CalendarOperation, InvoiceOperation, Permission, RecordOperation, RecordScope},
};

/// How much harm a plugin could do with a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// It sees what the organisation's own people see, or asks them.
    Low,
    /// It changes what can be put right again, sees what is confidential, or what it writes leaves the organisation.
    Medium,
    /// It binds the organisation, moves its money, removes records, sees what few may see, or could carry it away.
    High,
}

/// The level, and each reason for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Risk {
    /// The highest of its reasons' levels.
    pub level: RiskLevel,
    /// Why, in plain words.
    pub reasons: Vec<String>,
}

/// The risk of a permission beside all that are held with it.
pub fn risk(permission: &Permission, beside: &[Permission]) -> Risk {
    let found = match permission {
        Permission::Records {
            operations, scope, ..
        } => of_records(operations, scope),
        Permission::Invoices { operations, .. } => of_invoices(operations),
        Permission::Calendars { operations, .. } => {
            let only_reads = operations.iter().all(|one| *one == CalendarOperation::Read);
            if only_reads {
                Vec::new()
            } else {
                vec![(RiskLevel::Medium, "changes people's days")]
            }
        }
        Permission::Documents { .. } => vec![(
            RiskLevel::Medium,
            "reads whatever lies in the folder: documents have no classes",
        )],
        Permission::Messages { .. } if beside.iter().any(sees_secrets) => vec![(
            RiskLevel::High,
            "what it writes leaves the organisation, and it sees confidential fields",
        )],
        Permission::Messages { .. } => {
            vec![(RiskLevel::Medium, "what it writes leaves the organisation")]
        }
        Permission::Tasks { .. } => Vec::new(),
    };
    let highest = found.iter().map(|(level, _)| *level).max();
    Risk {
        level: highest.unwrap_or(RiskLevel::Low),
        reasons: found.iter().map(|(_, why)| (*why).to_owned()).collect(),
    }
}

type Reasons = Vec<(RiskLevel, &'static str)>;

fn of_records(operations: &BTreeSet<RecordOperation>, scope: &RecordScope) -> Reasons {
    let mut found = Vec::new();
    match scope.class {
        _ if !shows_some(scope) => {}
        Class::Restricted => found.push((RiskLevel::High, "sees restricted fields")),
        Class::Confidential => found.push((RiskLevel::Medium, "sees confidential fields")),
        Class::Internal | Class::Public => {}
    }
    if operations.contains(&RecordOperation::Delete) {
        found.push((RiskLevel::High, "removes records"));
    }
    let changes = [RecordOperation::Create, RecordOperation::Update];
    if changes.iter().any(|one| operations.contains(one)) {
        found.push((RiskLevel::Medium, "changes records"));
    }
    found
}

fn of_invoices(operations: &BTreeSet<InvoiceOperation>) -> Reasons {
    let mut found = Vec::new();
    for operation in operations {
        let reason = match operation {
            InvoiceOperation::Read => continue,
            InvoiceOperation::Draft => (RiskLevel::Medium, "drafts invoices"),
            InvoiceOperation::Dun => (RiskLevel::Medium, "records dunning levels"),
            InvoiceOperation::Issue => (RiskLevel::High, "issues invoices, which is final"),
            InvoiceOperation::Pay => (RiskLevel::High, "records payments"),
            InvoiceOperation::WriteOff => (RiskLevel::High, "gives up what is owed"),
            InvoiceOperation::Approve => (RiskLevel::High, "approves what is to be paid"),
        };
        found.push(reason);
    }
    found
}

fn sees_secrets(permission: &Permission) -> bool {
    match permission {
        Permission::Records { scope, .. } => {
            !permission.is_empty() && shows_some(scope) && scope.class > Class::Internal
        }
        _ => false,
    }
}

fn shows_some(scope: &RecordScope) -> bool {
    scope
        .fields
        .as_ref()
        .is_none_or(|fields| !fields.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_binds_moves_removes_or_carries_away_is_told() {
        let permission =
            |value: &Value| serde_json::from_value::<Permission>(value.clone()).expect("one");
        let staff = |class: &str, operations: &[&str]| json!({"kind": "records", "collection": "staff", "operations": operations, "class": class});
        let mail = json!({"kind": "messages", "recipients": ["a.example"]});
        let check = |value: &Value, beside: &[&Value], level: RiskLevel, reasons: usize| {
            let beside: Vec<Permission> = beside.iter().map(|it| permission(it)).collect();
            let found = risk(&permission(value), &beside);
            assert_eq!(
                (found.level, found.reasons.len()),
                (level, reasons),
                "{value}"
            );
        };
        let (low, medium, high) = (RiskLevel::Low, RiskLevel::Medium, RiskLevel::High);
        check(&staff("internal", &["read"]), &[], low, 0);
        check(&staff("confidential", &["read"]), &[], medium, 1);
        check(&staff("restricted", &["read", "update"]), &[], high, 2);
        check(&staff("internal", &["create", "update"]), &[], medium, 1);
        check(&staff("internal", &["delete"]), &[], high, 1);
        let mut none = staff("restricted", &["read"]);
        none["fields"] = json!([]);
        check(&none, &[], low, 0);
        check(&mail, &[&staff("internal", &["read"]), &none], medium, 1);
        check(&mail, &[&staff("confidential", &["read"])], high, 1);
        let invoices = |operations: &[&str]| json!({"kind": "invoices", "flow": "payable", "operations": operations});
        check(&invoices(&["read"]), &[], low, 0);
        check(&invoices(&["read", "draft", "dun"]), &[], medium, 2);
        check(&invoices(&["pay", "draft"]), &[], high, 2);
        let calendar = |operations: &[&str]| json!({"kind": "calendars", "calendar": "desk", "operations": operations});
        check(&calendar(&["read"]), &[], low, 0);
        check(&calendar(&["read", "delete"]), &[], medium, 1);
        check(
            &json!({"kind": "documents", "folder": "in", "operations": ["read"]}),
            &[],
            medium,
            1,
        );
        check(&json!({"kind": "tasks", "role": "clerk"}), &[], low, 0);
    }
}
