//! Stored shapes of everything that is neither a record nor an invoice.

mod mail;
mod tasks;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    access::Role,
    confidentiality::{Class, FieldRules, is_hidden},
    index::IndexField,
    manifest::{Grant, Manifest, Permission},
    money::Money,
};

pub use mail::{Attachment, Message, Template, TemplateText, TemplateUse};
pub use tasks::{Answer, Choice, Task};

/// The collection that invoices and payments take their parties from.
pub const PARTIES: &str = "parties";

/// A legal entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalEntity {
    /// As on its letterhead.
    pub name: String,
    /// IANA zone that its business dates are in.
    pub zone: String,
    /// ISO 4217 code.
    pub base_currency: String,
    /// First month of its fiscal year, 1 to 12; the year is named after the one it ends in.
    #[serde(default = "january")]
    pub fiscal_year_start_month: i8,
    /// BCP 47, such as "de-AT".
    pub locale: String,
    /// Nothing is posted on or before this date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_date: Option<Date>,
    /// Its bank accounts (IBAN).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bank_accounts: Vec<String>,
    /// The sender of its mail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mail_from: String,
    /// Its VAT id, with the prefix of its country (BT-31).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// A tax number that is no VAT id (BT-32).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_number: Option<String>,
    /// In a register of companies (BT-30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// Where it is (BG-5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Most that is written off of one invoice, in the base currency; without it nothing limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_off_max: Option<Money>,
}

/// Where somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// As the post wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// Town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166-1 code of two letters.
    pub country: String,
}

fn january() -> i8 {
    1
}

impl LegalEntity {
    /// The fiscal year of a date: the calendar year that it ends in.
    pub fn fiscal_year(&self, date: Date) -> i16 {
        let begins_next =
            self.fiscal_year_start_month > 1 && date.month() >= self.fiscal_year_start_month;
        if begins_next {
            date.year().saturating_add(1)
        } else {
            date.year()
        }
    }
}

/// A department.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// For people.
    pub name: String,
    /// Where mail to the assignees of tasks goes: "role:NAME" or "person:ID", and one address. Who has none finds reminders
    /// in the list of tasks only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, String>,
    /// The most that its automations may be granted, and are worth: what lies above is granted in vain. None is no ceiling,
    /// an empty one allows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Vec<Permission>>,
}

/// A collection's definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// JSON Schema 2020-12, without remote references.
    pub schema: Value,
    /// Fields that can be filtered and sorted by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexed: Vec<IndexField>,
    /// Names of indexed fields whose values are unique when present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<String>,
    /// Indexed fields that name records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// What is known of members of the records, by their names. One without a rule is internal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, crate::confidentiality::FieldRule>)]
    pub fields: FieldRules,
}

/// An indexed text field that holds the id of a record; that record exists as long as it is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The indexed field's name.
    pub field: String,
    /// The collection of the record that it names.
    pub collection: String,
    /// What becomes of this record when the other one is removed.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What becomes of a record when one that it names is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDelete {
    /// It stays, and so does the other one.
    #[default]
    Restrict,
    /// It stays without the field.
    Null,
    /// It is removed as well.
    Cascade,
}

impl Collection {
    /// An indexed field by its name.
    pub fn indexed_field(&self, name: &str) -> Option<&IndexField> {
        self.indexed.iter().find(|field| field.name == name)
    }

    /// Whether a reader with a clearance does not see what an indexed field says.
    pub fn hides(&self, field: &IndexField, clearance: Class) -> bool {
        is_hidden(&self.fields, clearance, &field.member())
    }

    /// Members that a reader with a clearance, internal at least, does not see, whether a record has them or not.
    pub fn hidden_from(&self, clearance: Class) -> Vec<String> {
        let hidden = self
            .fields
            .iter()
            .filter(|(_, rule)| rule.class > clearance);
        hidden.map(|(name, _)| name.clone()).collect()
    }
}

/// Why a record cannot be deleted. Its id is the record's, within the record's collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Reasons by matter: the record is free when there is none left.
    pub matters: BTreeMap<String, String>,
}

/// A folder of documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// For people.
    pub name: String,
    /// The department that it belongs to; without one it is the whole organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Files that are laid into its folder on the disk become documents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inbox: bool,
    /// Its documents are written to its folder on the disk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub export: bool,
}

/// A document's description. Its content is the blob of that digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// The folder it lies in.
    pub folder: String,
    /// Unique within the folder.
    pub name: String,
    /// RFC 6838 media type.
    pub media_type: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hex.
    pub sha256: String,
}

/// A used effect key: kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Digest of the input that the key was used with.
    pub input_sha256: String,
    /// Id of the row that the first use made.
    pub result: String,
}

/// An installed plugin version. Its id is the digest of the component, which is a blob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plugin {
    /// What it asks for.
    pub manifest: Manifest,
    /// Imported functions, as "interface.function", sorted: its reach.
    pub imports: Vec<String>,
    /// Size of the component.
    pub bytes: u64,
}

/// What happens with the change set of a run that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is committed.
    #[default]
    Live,
    /// It waits for a person.
    Review,
    /// It is kept for looking at, never committed.
    Shadow,
}

/// A plugin enabled in a department. Its id is its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Automation {
    /// Digest of the plugin version it runs.
    pub plugin: String,
    /// The department it works for.
    pub department: String,
    /// The legal entity whose business dates, sender and accounts it uses.
    pub legal_entity: String,
    /// Valid under the manifest's configuration schema.
    pub config: Value,
    /// What was granted: the manifest's permissions or less.
    pub grants: Vec<Grant>,
    /// What happens with its change sets.
    pub mode: Mode,
    /// Off: no run is claimed and no timer fires.
    pub enabled: bool,
}

impl Automation {
    /// Whether nothing is changed but that it is off now: nobody is kept from that.
    pub fn only_turns_off(&self, before: &Self) -> bool {
        let off = Self {
            enabled: false,
            ..before.clone()
        };
        *self == off
    }
}

/// How far a timer has fired. Its id is "automation/timer".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timer {
    /// Firings up to and including this instant are dealt with, in microseconds UTC.
    pub fired_until_us: i64,
    /// Firings up to and including this instant were none of its own: it was enabled then, in microseconds UTC.
    #[serde(default)]
    pub since_us: i64,
}

/// The organisation-wide stop. Its id is "stop".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stop {
    /// While set, no run is claimed, no timer fires and nothing is delivered.
    pub stopped: bool,
    /// Why, in the words of whoever set it.
    pub reason: String,
}

/// An access token of the HTTP API. Its id is the part of its text that names it; the secret part is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// For people.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Where, for the roles of a department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// SHA-256 of the secret part, lower-case hex. The secret has 256 random bits: nothing slower is needed.
    pub sha256: String,
    /// When it ends by itself, in microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_us: Option<i64>,
    /// When it was revoked, in microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_us: Option<i64>,
    /// When it was last used, in microseconds UTC; noted at most once an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_us: Option<i64>,
}

/// Whether a plugin version may run at all. Its id is [`quarantine_of`] its digest, installed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// While set, no run of it is executed, and none that is under way goes on.
    pub quarantined: bool,
    /// Why, in the words of whoever set it.
    #[serde(default)]
    pub reason: String,
}

/// The row id of a digest's [`Quarantine`] within the kind `control`.
pub fn quarantine_of(digest: &str) -> String {
    format!("{QUARANTINE}{digest}")
}

/// The digest that a row of the kind `control` keeps from running, if it is about one.
pub fn digest_of_quarantine(id: &str) -> Option<&str> {
    id.strip_prefix(QUARANTINE)
}

/// How the row ids of quarantines begin.
const QUARANTINE: &str = "quarantine-";

/// The row id of [`Stop`] within the kind `control`.
pub const STOP: &str = "stop";

/// A person, role or automation, as the log names it: "person:ada", "automation:reminders", "system:timer".
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// person, automation or system (open).
    pub kind: String,
    /// Unique within the kind.
    pub id: String,
}

impl Actor {
    /// An actor of a kind.
    pub fn new(kind: &str, id: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.kind, self.id)
    }
}

/// Names and texts, for small open lists.
pub type Pairs = BTreeMap<String, String>;
