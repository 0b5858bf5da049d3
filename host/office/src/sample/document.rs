//! The document of an organisation. Amounts are texts such as "1.10 EUR"; rows name each other by their keys.

use std::collections::BTreeSet;

use bursar_domain::{
    business::WeekdayText,
    calendar::EntryContent,
    invoice::{Flow, InvoiceState, Line},
    office::{Address, Collection, Folder},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::credits::LineCredit;

/// An organisation: its rows in the order in which they are made, each under a key of the document's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Company {
    /// Whose books they are.
    pub legal_entity: SampleEntity,
    /// Its departments.
    pub departments: Vec<SampleDepartment>,
    /// Records of the collection `parties`.
    pub parties: Vec<SampleParty>,
    /// Which days are open.
    #[serde(default)]
    pub business_calendars: Vec<SampleBusinessCalendar>,
    /// Other collections with their records; one that is referred to comes first.
    #[serde(default)]
    pub collections: Vec<SampleCollection>,
    /// Calendars with their entries.
    #[serde(default)]
    pub calendars: Vec<SampleCalendar>,
    /// Folders of documents.
    #[serde(default)]
    pub folders: Vec<SampleFolder>,
    /// Documents of text.
    #[serde(default)]
    pub documents: Vec<SampleDocument>,
    /// Receivables in the order of their issue, and payables.
    pub invoices: Vec<SampleInvoice>,
    /// What is taken back of receivables, in the order of issue.
    #[serde(default)]
    pub credit_notes: Vec<SampleCreditNote>,
    /// Payments in the order in which they are allocated.
    pub payments: Vec<SamplePayment>,
    /// Payments that were taken back.
    #[serde(default)]
    pub reversals: Vec<SampleReversal>,
    /// What nobody will pay, in the order of the days.
    #[serde(default)]
    pub write_offs: Vec<SampleWriteOff>,
    /// Reminders that were sent.
    #[serde(default)]
    pub dunnings: Vec<SampleDunning>,
}

/// A legal entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampleEntity {
    /// Its id.
    pub key: String,
    /// As on its letterhead.
    pub name: String,
    /// IANA zone of its business dates.
    pub zone: String,
    /// ISO 4217 code.
    pub base_currency: String,
    /// BCP 47; "en" unless given.
    #[serde(default)]
    pub locale: String,
    /// The sender of its mail.
    #[serde(default)]
    pub mail_from: String,
    /// Its bank accounts.
    #[serde(default)]
    pub bank_accounts: Vec<SampleAccount>,
    /// Its VAT id.
    #[serde(default)]
    pub vat_id: Option<String>,
    /// In a register of companies.
    #[serde(default)]
    pub company_id: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub address: Option<Address>,
    /// Most that is written off of one invoice.
    #[serde(default)]
    pub write_off_max: Option<String>,
    /// Nothing is posted on or before this date, once everything is loaded.
    #[serde(default)]
    pub lock_date: Option<Date>,
}

/// A bank account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampleAccount {
    /// ISO 13616.
    pub iban: String,
}

/// A department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampleDepartment {
    /// Its id.
    pub key: String,
    /// For people.
    pub name: String,
}

/// A customer, a supplier, or somebody else to deal with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SampleParty {
    /// Kept in the record as well.
    pub key: String,
    /// The country of its address, if that is all there is of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The rest of the record.
    #[serde(flatten)]
    pub body: Map<String, Value>,
}

/// A business calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleBusinessCalendar {
    /// Its id.
    pub name: String,
    /// Weekdays that are closed.
    pub weekend: Vec<WeekdayText>,
    /// Dates that are closed.
    pub holidays: BTreeSet<Date>,
}

/// A collection with its records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleCollection {
    /// Its slug.
    pub key: String,
    /// What its records are like.
    pub definition: Collection,
    /// Its records.
    #[serde(default)]
    pub records: Vec<SampleRecord>,
}

/// A record. Where a field is a reference to another record there stands the key of that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleRecord {
    /// Within the collection.
    pub key: String,
    /// What it says.
    pub body: Value,
}

/// A calendar with its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleCalendar {
    /// Its id.
    pub key: String,
    /// For people.
    pub name: String,
    /// The department that it belongs to.
    pub department: String,
    /// IANA zone of its days.
    pub zone: String,
    /// Its entries, each with its UID.
    pub entries: Vec<EntryContent>,
}

/// A folder of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleFolder {
    /// Its id.
    pub key: String,
    /// What it is.
    pub folder: Folder,
}

/// A document of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleDocument {
    /// The folder.
    pub folder: String,
    /// Its name there.
    pub name: String,
    /// RFC 6838 media type.
    pub media_type: String,
    /// What it holds.
    pub text: String,
}

/// An invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SampleInvoice {
    /// Within the document.
    pub key: String,
    /// The party's key.
    pub party: String,
    /// Who owes whom.
    pub flow: Flow,
    /// ISO 4217 code.
    pub currency: String,
    /// Of a receivable that is issued; the day of loading unless given.
    #[serde(default)]
    pub issue_date: Option<Date>,
    /// When payment is due.
    #[serde(default)]
    pub due_date: Option<Date>,
    /// What was supplied.
    pub lines: Vec<Line>,
    /// Whether a receivable is issued; else it stays a draft.
    #[serde(default)]
    pub issue: bool,
    /// The supplier's own number.
    #[serde(default)]
    pub supplier_number: Option<String>,
    /// The date that a supplier's document says.
    #[serde(default)]
    pub supplier_date: Option<Date>,
    /// The steps that a payable has taken since it came.
    #[serde(default)]
    pub steps: Vec<InvoiceState>,
    /// Further terms.
    #[serde(default)]
    pub extra: Value,
}

/// A credit note of an issued invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleCreditNote {
    /// Within the document.
    pub key: String,
    /// The invoice's key.
    pub invoice: String,
    /// What it takes back; everything unless given.
    #[serde(default)]
    pub lines: Vec<LineCredit>,
    /// When it is issued.
    pub issue_date: Date,
}

/// A payment as a bank statement tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SamplePayment {
    /// Within the document.
    pub key: String,
    /// Receivable came in, payable went out.
    pub flow: Flow,
    /// The party's key, if it is known.
    pub party: Option<String>,
    /// Above zero in both flows.
    pub amount: String,
    /// The bank's value date.
    pub value_date: Date,
    /// Unique per bank account.
    pub bank_reference: String,
    /// Our account.
    pub bank_account: String,
    /// What the statement says.
    #[serde(default)]
    pub text: String,
    /// The day from which its allocations count; the day of loading unless given.
    #[serde(default)]
    pub allocated_on: Option<Date>,
    /// What it settles.
    #[serde(default)]
    pub allocations: Vec<SampleAllocation>,
}

/// Part of a payment that settles one invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampleAllocation {
    /// The invoice's key.
    pub invoice: String,
    /// How much of it.
    pub amount: String,
}

/// A payment that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleReversal {
    /// The payment's key.
    pub payment: String,
    /// The bank's value date.
    pub value_date: Date,
    /// Why.
    pub reason: String,
}

/// What nobody will pay of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleWriteOff {
    /// The invoice's key.
    pub invoice: String,
    /// How much.
    pub amount: String,
    /// Why, such as bad-debt.
    pub reason: String,
    /// The day from which it counts; the day of loading unless given.
    #[serde(default)]
    pub date: Option<Date>,
}

/// Reminders of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleDunning {
    /// The invoice's key.
    pub invoice: String,
    /// The highest level that was sent.
    pub level: u32,
}

/// What a document held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampleLoaded {
    /// Departments.
    pub departments: usize,
    /// Parties.
    pub parties: usize,
    /// Business calendars.
    pub business_calendars: usize,
    /// Collections, besides that of the parties.
    pub collections: usize,
    /// Records of these.
    pub records: usize,
    /// Calendars.
    pub calendars: usize,
    /// Entries of these.
    pub entries: usize,
    /// Documents.
    pub documents: usize,
    /// Invoices.
    pub invoices: usize,
    /// Credit notes.
    pub credit_notes: usize,
    /// Payments.
    pub payments: usize,
    /// Whether anything of it was new.
    pub changed: bool,
    /// The day that the invented company was loaded for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<Date>,
}

impl SampleLoaded {
    /// What a document holds.
    pub(super) fn of(company: &Company) -> Self {
        let records = company.collections.iter().map(|it| it.records.len());
        let entries = company.calendars.iter().map(|it| it.entries.len());
        Self {
            departments: company.departments.len(),
            parties: company.parties.len(),
            business_calendars: company.business_calendars.len(),
            collections: company.collections.len(),
            records: records.sum(),
            calendars: company.calendars.len(),
            entries: entries.sum(),
            documents: company.documents.len(),
            invoices: company.invoices.len(),
            credit_notes: company.credit_notes.len(),
            payments: company.payments.len(),
            changed: false,
            today: None,
        }
    }
}
