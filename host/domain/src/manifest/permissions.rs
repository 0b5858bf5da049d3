//! What a plugin may do: permissions, what calls need of them, and the one check.

mod lattice;
mod scope;

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use lattice::{beyond, is_within, meet_all, widest};
pub use scope::{RecordScope, RowBounds};

use crate::{invoice::Flow, problem::Problem};

/// Most permissions of a manifest, of an automation, or of a ceiling.
pub const PERMISSIONS_MAX: usize = 200;
/// Most domains of one permission.
const RECIPIENTS_MAX: usize = 200;

/// One thing that a plugin may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", tag = "kind", rename_all = "lowercase")]
pub enum Permission {
    /// Rows of one collection.
    Records {
        /// The collection.
        collection: String,
        /// What may be done with its rows.
        operations: BTreeSet<RecordOperation>,
        /// What of them.
        #[serde(flatten)]
        scope: RecordScope,
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

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// A member that is not known is refused: a bound with a slip in its name would bound nothing.
impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::<String, Value>::deserialize(deserializer)?;
        let known: &[&str] = match members.get("kind").and_then(Value::as_str) {
            Some("records") => &["collection", "operations", "class", "fields", "rows"],
            Some("invoices") => &["flow", "operations"],
            Some("calendars") => &["calendar", "operations"],
            Some("documents") => &["folder", "operations"],
            Some("messages") => &["recipients"],
            Some("tasks") => &["role"],
            // Told by what follows.
            _ => &[],
        };
        let is_unknown = |name: &&String| *name != "kind" && !known.contains(&name.as_str());
        if let Some(name) = members.keys().find(is_unknown)
            && !known.is_empty()
        {
            let known = known.join("`, `");
            return Err(D::Error::custom(format!(
                "unknown field `{name}`, expected one of `{known}`"
            )));
        }
        Self::deserialize(Value::Object(members)).map_err(D::Error::custom)
    }
}

/// A permission that was given, and on which terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// What may be done.
    #[serde(flatten)]
    pub permission: Permission,
    /// Why, in the words of whoever gave it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// From when on it is worth nothing, in microseconds UTC; none is for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_us: Option<i64>,
}

impl From<Permission> for Grant {
    fn from(permission: Permission) -> Self {
        Self {
            permission,
            note: String::new(),
            expires_us: None,
        }
    }
}

/// What grants are worth at an instant, under a department's ceiling if it has one.
pub fn effective(grants: &[Grant], ceiling: Option<&[Permission]>, now_us: i64) -> Vec<Permission> {
    let lasts = |grant: &&Grant| grant.expires_us.is_none_or(|until_us| now_us < until_us);
    let granted = grants.iter().filter(lasts);
    let granted: Vec<Permission> = granted.map(|grant| grant.permission.clone()).collect();
    match ceiling {
        Some(ceiling) => meet_all(&granted, ceiling),
        None => granted,
    }
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
}

impl Permission {
    /// What of it says nothing, or too much; pointers are into the permission.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Permission::Records { scope, .. } => scope.problems(),
            Permission::Messages { recipients } if recipients.len() > RECIPIENTS_MAX => {
                let message = "at most 200 domains";
                vec![Problem::at("out-of-range", "/recipients", message)]
            }
            _ => Vec::new(),
        }
    }

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
                scope,
            } => {
                format!(
                    "records of {collection:?}: {}{}",
                    list(operations.iter().map(word).collect()),
                    scope.in_words()
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

/// An enum's name as it is written in manifests.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn domain_matches(pattern: &str, address: &str) -> bool {
    address
        .rsplit_once('@')
        .is_some_and(|(_, domain)| domain_within(&domain.to_ascii_lowercase(), pattern))
}

/// Whether every domain of one pattern, which may be a domain, is one of another's.
fn domain_within(domain: &str, pattern: &str) -> bool {
    let below = pattern.strip_prefix("*.").is_some_and(|parent| {
        domain
            .strip_suffix(parent)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    });
    below || domain == pattern
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
    fn a_grant_is_worth_what_lasts_and_what_the_ceiling_leaves() {
        let tasks = |role: &str| Permission::Tasks {
            role: role.to_owned(),
        };
        let until = |role: &str, expires_us| Grant {
            expires_us,
            ..Grant::from(tasks(role))
        };
        let grants = [
            until("clerk", None),
            until("boss", Some(10)),
            until("guest", Some(20)),
        ];
        let worth = |ceiling: Option<&[Permission]>, now_us| effective(&grants, ceiling, now_us);
        let roles = |roles: &[&str]| roles.iter().map(|role| tasks(role)).collect::<Vec<_>>();
        assert_eq!(worth(None, 9), roles(&["clerk", "boss", "guest"]));
        assert_eq!(worth(None, 10), roles(&["clerk", "guest"]));
        let ceiling = roles(&["boss", "guest", "nobody"]);
        assert_eq!(worth(Some(&ceiling), 10), roles(&["guest"]));
        assert_eq!(worth(Some(&ceiling), 20), roles(&[]));
        assert_eq!(worth(Some(&[]), 0), roles(&[]));
    }

    #[test]
    fn scopes_that_show_no_member_differ_in_nothing_but_their_rows() {
        let scope = |class: &str| -> Permission {
            let text = serde_json::json!({
                "kind": "records", "collection": "staff", "operations": ["read"], "class": class, "fields": [],
            });
            serde_json::from_value(text).expect("a permission")
        };
        let (low, high) = (scope("internal"), scope("restricted"));
        assert!(low.leq(&high) && high.leq(&low));
        assert_eq!(widest(vec![high.clone(), low]), [high]);
    }

    #[test]
    fn a_slip_in_a_bounds_name_is_no_permission_without_it() {
        let good = serde_json::json!({
            "kind": "records", "collection": "staff", "operations": ["read"], "rows": {"team": ["sales"]},
            "fields": ["name"], "note": "as asked", "expires_us": 7,
        });
        let read = |text: &Value| serde_json::from_value::<Grant>(text.clone());
        let grant = read(&good).expect("a grant");
        assert_eq!(serde_json::to_value(&grant).expect("JSON"), good);
        for (name, slip) in [("rows", "row"), ("fields", "feilds"), ("note", "notes")] {
            let mut text = good.clone();
            let members = text.as_object_mut().expect("an object");
            let value = members.remove(name).expect("a member");
            members.insert(slip.to_owned(), value);
            let refused = read(&text).expect_err(slip).to_string();
            assert!(
                refused.contains(&format!("unknown field `{slip}`")),
                "{refused}"
            );
        }
        let unknown = serde_json::json!({"kind": "keys", "collection": "staff"});
        let refused = serde_json::from_value::<Permission>(unknown).expect_err("no kind");
        assert!(
            refused.to_string().contains("unknown variant `keys`"),
            "{refused}"
        );
        let asked = "kind = 'tasks'\nrole = 'clerk'\nrow = 1\nreason = 'so'";
        let refused = toml::from_str::<crate::manifest::PermissionAsk>(asked).expect_err("a slip");
        assert!(
            refused.to_string().contains("unknown field `row`"),
            "{refused}"
        );
    }

    #[test]
    fn bounds_of_records_are_in_their_words() {
        let permission: Permission = serde_json::from_value(serde_json::json!({
            "kind": "records", "collection": "staff", "operations": ["read"], "class": "confidential",
            "fields": ["name", "pay"], "rows": {"team": ["sales", null]},
        }))
        .expect("a permission");
        let words = "records of \"staff\": read, fields up to confidential, only name, pay, where team is \"sales\" or null";
        assert_eq!(permission.in_words(), words);
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
