//! What a plugin may do: permissions, what calls need of them, and the one check.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{confidentiality::Class, invoice::Flow};

/// One thing that a plugin may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Permission {
    /// Rows of one collection.
    Records {
        /// The collection.
        collection: String,
        /// What may be done with its rows.
        operations: BTreeSet<RecordOperation>,
        /// The highest class of fields that are seen and written: internal unless more is said.
        #[serde(default, skip_serializing_if = "is_default")]
        class: Class,
    },
    /// Invoices and payments of one flow.
    Invoices {
        /// Receivable or payable.
        flow: Flow,
        /// What may be done with them.
        operations: BTreeSet<InvoiceOperation>,
    },
    /// Entries of one calendar.
    Calendars {
        /// The calendar.
        calendar: String,
        /// What may be done with its entries.
        operations: BTreeSet<CalendarOperation>,
    },
    /// Documents of one folder.
    Documents {
        /// The folder.
        folder: String,
        /// What may be done with them.
        operations: BTreeSet<DocumentOperation>,
    },
    /// Mail.
    Messages {
        /// Domains: exact, or one leading "*." for a domain's subdomains.
        recipients: Vec<String>,
    },
    /// Asking people.
    Tasks {
        /// The role asked.
        role: String,
    },
}

/// What may be done with records.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RecordOperation {
    /// Get, search, count.
    Read,
    /// Add rows.
    Create,
    /// Patch rows.
    Update,
    /// Remove rows.
    Delete,
}

/// What may be done with invoices.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceOperation {
    /// Get and search invoices and payments.
    Read,
    /// Write a draft, or take in a supplier's invoice.
    Draft,
    /// Issue a draft.
    Issue,
    /// Record, reverse and allocate payments.
    Pay,
    /// Close a rest that will not come.
    WriteOff,
    /// Record a dunning level.
    Dun,
    /// Take a supplier's invoice through its steps: matched, approved, scheduled, rejected.
    Approve,
}

/// What may be done with a calendar.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarOperation {
    /// Entries, their occurrences, busy time and slots.
    Read,
    /// Add entries.
    Create,
    /// Replace entries.
    Update,
    /// Remove entries.
    Delete,
}

/// What may be done with documents.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentOperation {
    /// Names, sizes and content.
    Read,
}

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// An operation on a collection.
    Records(&'a str, RecordOperation),
    /// An operation on a flow.
    Invoices(Flow, InvoiceOperation),
    /// An operation on a calendar.
    Calendars(&'a str, CalendarOperation),
    /// An operation on a folder.
    Documents(&'a str, DocumentOperation),
    /// Mail to an address.
    MailTo(&'a str),
    /// A task for a role or person, as "role:NAME".
    Task(&'a str),
}

/// In whose name, and with which rights, an operation is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Authority {
    /// The organisation's administrator, or the host itself.
    Everything,
    /// What was granted to an automation; nothing else.
    Granted(Vec<Permission>),
}

impl Authority {
    /// The one check of every operation.
    pub fn allows(&self, need: Need<'_>) -> bool {
        match self {
            Authority::Everything => true,
            Authority::Granted(permissions) => {
                permissions.iter().any(|permission| permission.covers(need))
            }
        }
    }

    /// The highest class of a collection's fields that are seen and written.
    pub fn clearance(&self, of: &str) -> Class {
        let class = |permission: &Permission| match permission {
            Permission::Records {
                collection, class, ..
            } if collection == of => Some(*class),
            _ => None,
        };
        match self {
            Authority::Everything => Class::Restricted,
            Authority::Granted(permissions) => {
                let highest = permissions.iter().filter_map(class).max();
                highest.unwrap_or_default()
            }
        }
    }
}

impl Permission {
    fn covers(&self, need: Need<'_>) -> bool {
        match (self, need) {
            (
                Permission::Records {
                    collection,
                    operations,
                    ..
                },
                Need::Records(of, operation),
            ) => collection == of && operations.contains(&operation),
            (Permission::Invoices { flow, operations }, Need::Invoices(of, operation)) => {
                *flow == of && operations.contains(&operation)
            }
            (
                Permission::Calendars {
                    calendar,
                    operations,
                },
                Need::Calendars(of, operation),
            ) => calendar == of && operations.contains(&operation),
            (Permission::Documents { folder, operations }, Need::Documents(of, operation)) => {
                folder == of && operations.contains(&operation)
            }
            (Permission::Messages { recipients }, Need::MailTo(address)) => recipients
                .iter()
                .any(|pattern| domain_matches(pattern, address)),
            (Permission::Tasks { role }, Need::Task(assignee)) => {
                assignee.strip_prefix("role:") == Some(role.as_str())
            }
            _ => false,
        }
    }

    /// In plain words, for people who decide.
    pub fn in_words(&self) -> String {
        let list = |operations: Vec<String>| operations.join(", ");
        match self {
            Permission::Records {
                collection,
                operations,
                class,
            } => {
                let fields = match class {
                    Class::Internal => String::new(),
                    class => format!(", fields up to {}", word(class)),
                };
                format!(
                    "records of {collection:?}: {}{fields}",
                    list(operations.iter().map(word).collect())
                )
            }
            Permission::Invoices { flow, operations } => {
                format!(
                    "{} invoices and payments: {}",
                    word(flow),
                    list(operations.iter().map(word).collect())
                )
            }
            Permission::Calendars {
                calendar,
                operations,
            } => {
                format!(
                    "entries of the calendar {calendar:?}: {}",
                    list(operations.iter().map(word).collect())
                )
            }
            Permission::Documents { folder, operations } => {
                format!(
                    "documents in folder {folder:?}: {}",
                    list(operations.iter().map(word).collect())
                )
            }
            Permission::Messages { recipients } => format!("mail to: {}", recipients.join(", ")),
            Permission::Tasks { role } => format!("tasks for the role {role:?}"),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An enum's name as it is written in manifests.
fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn domain_matches(pattern: &str, address: &str) -> bool {
    let Some((_, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let domain = domain.to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(parent) => domain
            .strip_suffix(parent)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => domain == *pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_granted_by_name_and_operation() {
        let permission = Permission::Calendars {
            calendar: "desk".to_owned(),
            operations: [CalendarOperation::Read, CalendarOperation::Create].into(),
        };
        let words = "entries of the calendar \"desk\": read, create";
        assert_eq!(permission.in_words(), words);
        let authority = Authority::Granted(vec![permission]);
        let allows = |of, operation| authority.allows(Need::Calendars(of, operation));
        assert!(allows("desk", CalendarOperation::Read));
        assert!(!allows("desk", CalendarOperation::Update));
        assert!(!allows("hall", CalendarOperation::Read));
        assert!(!authority.allows(Need::Documents("desk", DocumentOperation::Read)));
    }

    #[test]
    fn mail_domains_match_exactly_or_below_a_star() {
        let check = |pattern: &str, address: &str, expected: bool| {
            let permission = Permission::Messages {
                recipients: vec![pattern.to_owned()],
            };
            assert_eq!(
                permission.covers(Need::MailTo(address)),
                expected,
                "{pattern} {address}"
            );
        };
        check("example.com", "a@example.com", true);
        check("example.com", "a@EXAMPLE.com", true);
        check("example.com", "a@x.example.com", false);
        check("*.example.com", "a@x.example.com", true);
        check("*.example.com", "a@example.com", false);
        check("*.example.com", "a@badexample.com", false);
        check("example.com", "a@evil.org@example.com", true);
        check("example.com", "nobody", false);
    }
}
