//! A plugin's manifest: what it asks for, and the reach of what it imports.

mod limits;
mod permissions;
mod triggers;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use limits::Limits;
pub(crate) use permissions::word;
pub use permissions::{
    Authority, CalendarOperation, DocumentOperation, Grant, InvoiceOperation, Need,
    PERMISSIONS_MAX, Permission, RecordOperation, RecordScope, RowBounds, beyond, effective,
    is_within, meet_all, widest,
};
pub use triggers::{Misfire, TriggerAsk};

use crate::problem::Problem;

/// Name of the component's custom section that holds the manifest's TOML text.
pub const SECTION: &str = "bursar:manifest";
/// Longest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;
/// Most triggers of a plugin: each timer is looked at again and again.
const TRIGGERS_MAX: usize = 32;
/// Longest wait that a plugin may ask for before another try: 30 days, in microseconds.
pub const RETRY_DELAY_US_MAX: i64 = 30 * 24 * 3600 * 1_000_000;

/// `plugin.toml`, embedded in the component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Who stands for it.
    pub publisher: String,
    /// One sentence.
    pub description: String,
    /// What starts it.
    #[serde(default)]
    pub triggers: Vec<TriggerAsk>,
    /// What it asks for, each with a reason.
    #[serde(default)]
    pub permissions: Vec<PermissionAsk>,
    /// JSON Schema 2020-12 of the configuration.
    #[serde(default = "empty_object")]
    pub config: Value,
    /// JSON Schema 2020-12 of a manual run's input.
    #[serde(default = "empty_object")]
    pub input: Value,
    /// Limits it asks for, where the defaults do not fit.
    #[serde(default)]
    pub limits: Limits,
    /// What happens after it asks for another try.
    #[serde(default)]
    pub retry: Retry,
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A permission and the author's reason for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PermissionAsk {
    /// What it may do.
    #[serde(flatten)]
    pub permission: Permission,
    /// Why, in plain words.
    pub reason: String,
}

/// What happens after a plugin asks for another try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Tries in all, the first one counted.
    pub attempts_max: u32,
    /// Wait before the second try, in seconds; doubled for each further one.
    pub first_delay_s: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            first_delay_s: 60,
        }
    }
}

impl Retry {
    /// The wait after a failed attempt (1 is the first), in microseconds.
    pub fn delay_us(&self, attempt: u32) -> i64 {
        let doublings = attempt.saturating_sub(1).min(20);
        i64::from(self.first_delay_s)
            .saturating_mul(1_000_000)
            .saturating_mul(1_i64 << doublings)
            .min(RETRY_DELAY_US_MAX)
    }
}

/// Which permission an imported function asks for; none is a function that needs no permission.
///
/// This table is the reach of every function of the contract. A function that is not in it does not exist.
pub fn reach_of(interface: &str, function: &str) -> Option<Reach> {
    use CalendarOperation as C;
    use InvoiceOperation as I;
    use RecordOperation as R;
    Some(match (interface, function) {
        ("records", "get" | "get-many" | "search" | "count") => Reach::Records(R::Read),
        ("records-write", "create") => Reach::Records(R::Create),
        ("records-write", "patch") => Reach::Records(R::Update),
        ("records-write", "remove") => Reach::Records(R::Delete),
        ("invoices", "get" | "search" | "get-payment" | "search-payments") => {
            Reach::Invoices(I::Read)
        }
        ("invoices-write", "draft" | "credit") => Reach::Invoices(I::Draft),
        ("invoices-write", "issue") => Reach::Invoices(I::Issue),
        ("invoices-write", "record-payment" | "reverse-payment" | "allocate") => {
            Reach::Invoices(I::Pay)
        }
        ("invoices-write", "write-off") => Reach::Invoices(I::WriteOff),
        ("invoices-write", "dun") => Reach::Invoices(I::Dun),
        ("invoices-write", "step") => Reach::Invoices(I::Approve),
        ("ledger", "aging" | "balances") => Reach::Invoices(I::Read),
        ("calendars", "get" | "search" | "occurrences" | "free-busy" | "find-slots") => {
            Reach::Calendars(C::Read)
        }
        ("calendars-write", "create") => Reach::Calendars(C::Create),
        ("calendars-write", "replace") => Reach::Calendars(C::Update),
        ("calendars-write", "remove") => Reach::Calendars(C::Delete),
        ("documents", "get" | "search" | "read") => Reach::Documents,
        ("messages", "mail" | "send") => Reach::Messages,
        ("tasks", "create" | "create-with" | "get" | "withdraw") => Reach::Tasks,
        ("schedules", "add-business-days" | "business-days")
        | ("state", "get" | "put" | "remove" | "names")
        | ("clock", "now" | "today" | "to-local" | "to-instant")
        | ("random", "number" | "bytes")
        | ("log", "write") => Reach::Free,
        _ => return None,
    })
}

/// What kind of permission a function needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// None.
    Free,
    /// On some collection.
    Records(RecordOperation),
    /// On some flow.
    Invoices(InvoiceOperation),
    /// On some calendar.
    Calendars(CalendarOperation),
    /// On some folder.
    Documents,
    /// To some recipient.
    Messages,
    /// For some role.
    Tasks,
}

impl Manifest {
    /// Reads and checks a manifest; every problem is listed.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(vec![Problem::new(
                "manifest-too-large",
                format!("a manifest has at most {MANIFEST_BYTES_MAX} bytes"),
            )]);
        }
        let manifest: Manifest = toml::from_str(text).map_err(|error| {
            vec![Problem::new(
                "manifest-malformed",
                error.to_string().trim().to_owned(),
            )]
        })?;
        let problems = manifest.problems();
        if problems.is_empty() {
            Ok(manifest)
        } else {
            Err(problems)
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut found = self.limits.problems();
        let mut require = |holds: bool, pointer: String, message: &str| {
            if !holds {
                found.push(Problem::at("manifest-invalid", pointer, message));
            }
        };
        require(
            is_name(&self.name),
            "/name".into(),
            "a name has 1 to 64 lower-case letters, digits and hyphens",
        );
        let numbers = self
            .version
            .split('.')
            .filter(|part| part.parse::<u32>().is_ok())
            .count();
        require(
            numbers == 3 && self.version.split('.').count() == 3,
            "/version".into(),
            "a version is three numbers such as 1.0.0",
        );
        require(
            !self.publisher.trim().is_empty(),
            "/publisher".into(),
            "the publisher is missing",
        );
        require(
            !self.description.trim().is_empty(),
            "/description".into(),
            "the description is missing",
        );
        require(
            !self.triggers.is_empty(),
            "/triggers".into(),
            "a plugin has at least one trigger",
        );
        for (place, ask) in self.permissions.iter().enumerate() {
            require(
                !ask.reason.trim().is_empty(),
                format!("/permissions/{place}/reason"),
                "every permission has a reason in plain words",
            );
        }
        require(
            self.permissions.len() <= PERMISSIONS_MAX,
            "/permissions".into(),
            "a plugin asks for at most 200 permissions",
        );
        require(
            self.triggers.len() <= TRIGGERS_MAX,
            "/triggers".into(),
            "a plugin has at most 32 triggers",
        );
        require(
            (1..=100).contains(&self.retry.attempts_max),
            "/retry/attempts_max".into(),
            "attempts_max is 1 to 100",
        );
        found.extend(triggers::problems(&self.triggers));
        for (place, ask) in self.permissions.iter().enumerate() {
            let moved = |problem: Problem| Problem {
                code: "manifest-invalid".into(),
                pointer: format!("/permissions/{place}{}", problem.pointer),
                ..problem
            };
            found.extend(ask.permission.problems().into_iter().map(moved));
        }
        found
    }

    /// Whether some permission asks for such reach.
    pub fn asks(&self, reach: Reach) -> bool {
        self.permissions
            .iter()
            .any(|ask| match (&ask.permission, reach) {
                (Permission::Records { operations, .. }, Reach::Records(operation)) => {
                    operations.contains(&operation)
                }
                (Permission::Invoices { operations, .. }, Reach::Invoices(operation)) => {
                    operations.contains(&operation)
                }
                (Permission::Calendars { operations, .. }, Reach::Calendars(operation)) => {
                    operations.contains(&operation)
                }
                (_, Reach::Free)
                | (Permission::Documents { .. }, Reach::Documents)
                | (Permission::Messages { .. }, Reach::Messages)
                | (Permission::Tasks { .. }, Reach::Tasks) => true,
                _ => false,
            })
            || reach == Reach::Free
    }
}

/// 1 to 64 lower-case letters, digits and hyphens.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "sample"
        version = "1.0.0"
        publisher = "Example"
        description = "Does nothing."
        [[triggers]]
        kind = "manual"
        [[permissions]]
        kind = "records"
        collection = "parties"
        operations = ["read"]
        reason = "to greet them"
    "#;

    #[test]
    fn a_manifest_without_a_reason_is_refused() {
        assert!(Manifest::parse(GOOD).is_ok());
        let problems = Manifest::parse(&GOOD.replace("to greet them", " ")).expect_err("no reason");
        assert_eq!(
            problems.first().map(|p| p.pointer.as_str()),
            Some("/permissions/0/reason")
        );
    }

    #[test]
    fn unknown_keys_and_limits_out_of_range_are_refused() {
        assert!(Manifest::parse(&format!("colour = 1\n{GOOD}")).is_err());
        assert!(
            Manifest::parse(&format!("{GOOD}\n[limits]\nmemory_bytes_max = 99999999999")).is_err()
        );
        assert!(Manifest::parse(&format!("{GOOD}\n[limits]\nmemory_furlongs = 1")).is_err());
    }

    #[test]
    fn an_authority_allows_what_was_granted_and_nothing_else() {
        let granted = Manifest::parse(GOOD)
            .expect("good")
            .permissions
            .into_iter()
            .map(|ask| ask.permission)
            .collect();
        let authority = Authority::Granted(granted);
        assert!(authority.allows(Need::Records("parties", RecordOperation::Read)));
        assert!(!authority.allows(Need::Records("parties", RecordOperation::Update)));
        assert!(!authority.allows(Need::Records("salaries", RecordOperation::Read)));
        assert!(!authority.allows(Need::Task("role:accounting")));
    }
}
