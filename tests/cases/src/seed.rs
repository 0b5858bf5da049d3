//! The books of a case, and the names that the case has for what the host names itself.
//!
//! What a seed may say stands here; how its rows are made, in `fill`.

mod fill;

use std::collections::BTreeMap;

use bursar_domain::{
    calendar::EntryContent,
    invoice::{Flow, InvoiceContent},
    money::Money,
    office::Template,
};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::stage::ENTITY;

/// A case's books. Amounts are texts such as "1.10 EUR".
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seed {
    calendars: Vec<Calendar>,
    /// Definitions by name.
    collections: BTreeMap<String, Value>,
    parties: Vec<Party>,
    records: Vec<Records>,
    documents: Vec<Document>,
    /// Calendars that hold entries.
    agendas: Vec<Agenda>,
    /// Templates of mail, by name.
    templates: BTreeMap<String, Template>,
    invoices: Vec<Invoice>,
    payments: Vec<Payment>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calendar {
    name: String,
    weekend: Value,
    holidays: Value,
}

#[derive(Debug, Deserialize)]
struct Party {
    id: String,
    #[serde(flatten)]
    body: Map<String, Value>,
}

/// Records of one body; "{place}" in its texts counts them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    collection: String,
    id: String,
    body: Value,
    #[serde(default = "one")]
    count: usize,
}

fn one() -> usize {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agenda {
    name: String,
    zone: String,
    /// By the names that the case has for them.
    entries: BTreeMap<String, EntryContent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    folder: String,
    name: String,
    media_type: String,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Invoice {
    number: String,
    party: String,
    /// For a party that the seed does not hold.
    #[serde(default)]
    party_name: Option<String>,
    #[serde(default = "receivable")]
    flow: Flow,
    #[serde(default)]
    kind: Option<String>,
    /// "draft" is not issued; a payable is received, unless it is "rejected".
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    legal_entity: Option<String>,
    /// A payable has none.
    #[serde(default)]
    issue_date: Option<Date>,
    #[serde(default)]
    due_date: Option<Date>,
    gross: String,
    #[serde(default)]
    outstanding: Option<String>,
    #[serde(default)]
    dunning_level: u32,
    /// What the case calls the payment reference, which is the host's own.
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    extra: Value,
}

fn receivable() -> Flow {
    Flow::Receivable
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    id: String,
    party: Option<String>,
    amount: String,
    value_date: Date,
}

/// What the host calls the rows of a seed, by the names that the case has for them.
#[derive(Debug, Default)]
pub struct Names {
    /// Ids of parties.
    pub parties: BTreeMap<String, String>,
    /// Ids of invoices.
    pub invoices: BTreeMap<String, String>,
    /// Ids of payments.
    pub payments: BTreeMap<String, String>,
    /// Ids of other records.
    pub records: BTreeMap<String, String>,
    /// Ids of documents.
    pub documents: BTreeMap<String, String>,
    /// Ids of entries of calendars.
    pub entries: BTreeMap<String, String>,
    /// The host's words, and the case's for the same: numbers and payment references.
    words: Vec<(String, String)>,
    payments_made: usize,
}

impl Names {
    /// A text of the host in the case's words.
    pub fn in_words_of_case(&self, text: &str) -> String {
        let replaced = |text: String, (host, case): &(String, String)| text.replace(host, case);
        self.words.iter().fold(text.to_owned(), replaced)
    }

    /// A value of the case in the host's words: texts that are a number of the case.
    pub fn in_words_of_host(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let known = self.words.iter().find(|(_, case)| case == text);
                known.map_or_else(|| value.clone(), |(host, _)| host.clone().into())
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.in_words_of_host(item))
                .collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), self.in_words_of_host(member)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }
}

impl Invoice {
    fn is_issued(&self) -> bool {
        self.flow == Flow::Receivable && self.state.as_deref() != Some("draft")
    }

    /// One line of the gross amount, without tax.
    fn content(&self, party: &str) -> InvoiceContent {
        let gross = money(&self.gross);
        let content = json!({
            "flow": self.flow, "kind": self.kind.as_deref().unwrap_or("invoice"),
            "legal_entity": self.legal_entity.as_deref().unwrap_or(ENTITY), "party": party,
            "currency": gross.currency, "due_date": self.due_date, "extra": self.extra,
            "supplier_number": (self.flow == Flow::Payable).then_some(&self.number),
            "lines": [{
                "description": "Services", "quantity": "1", "unit": "C62", "unit_price": gross.to_decimal(),
                "tax": {"category": "Z", "rate": "0"},
            }],
        });
        serde_json::from_value(content).expect("the content of an invoice")
    }
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}
