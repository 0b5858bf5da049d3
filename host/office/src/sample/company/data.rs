//! What the company is made of, as it lies in the files beside: a row is an array of its members in their order here.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::Error,
    sample::{SampleCollection, SampleDepartment, SampleDocument, SampleEntity, SampleFolder},
};

/// A customer or supplier.
#[derive(Debug, Deserialize)]
pub(super) struct Partner {
    pub key: String,
    pub name: String,
    pub street: String,
    pub postcode: String,
    pub city: String,
    pub country: String,
    pub language: String,
    /// Days until an invoice is due.
    pub terms_days: i64,
    /// Days after that until it is usually paid.
    pub late_days: i64,
}

/// Material, or finished goods: those have a price.
#[derive(Debug, Deserialize)]
pub(super) struct Article {
    pub sku: String,
    pub name: String,
    pub category: String,
    pub unit: String,
    pub cost_cents: i64,
    pub price_cents: Option<i64>,
    pub supplier: Option<String>,
    pub on_hand: i64,
    pub reorder_point: i64,
    pub bin: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Employee {
    pub number: String,
    pub name: String,
    pub title: String,
    pub department: String,
    pub manager: Option<String>,
    pub weekly_hours: String,
    pub salary_cents: i64,
    /// Months since the first day.
    pub months: i64,
    pub birth_year: i16,
}

#[derive(Debug, Deserialize)]
pub(super) struct Candidate {
    pub name: String,
    pub role: String,
    pub stage: String,
    pub source: String,
    pub expected_cents: i64,
    pub notes: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub code: String,
    pub name: String,
    pub customer: String,
    pub lead: String,
    pub state: String,
    pub budget_cents: i64,
}

/// What tickets are about; `{product}` stands for one.
#[derive(Debug, Deserialize)]
pub(super) struct Topic {
    pub subject: String,
    pub category: String,
    pub priority: String,
}

/// What expenses are for, and what that costs.
#[derive(Debug, Deserialize)]
pub(super) struct Outlay {
    pub category: String,
    pub text: String,
    pub least_cents: i64,
    pub most_cents: i64,
}

/// What has a name and no date.
#[derive(Debug, Deserialize)]
pub(super) struct Organisation {
    pub legal_entity: SampleEntity,
    pub departments: Vec<SampleDepartment>,
    pub folders: Vec<SampleFolder>,
    pub documents: Vec<SampleDocument>,
}

/// All files, read.
#[derive(Debug)]
pub(super) struct Data {
    pub organisation: Organisation,
    pub collections: Vec<SampleCollection>,
    pub customers: Vec<Partner>,
    pub suppliers: Vec<Partner>,
    pub stock: Vec<Article>,
    pub employees: Vec<Employee>,
    pub candidates: Vec<Candidate>,
    pub projects: Vec<Project>,
    pub topics: Vec<Topic>,
    pub outlays: Vec<Outlay>,
}

impl Data {
    pub(super) fn read() -> Result<Self, Error> {
        Ok(Self {
            organisation: read("organisation", include_str!("data/organisation.json"))?,
            collections: read("collections", include_str!("data/collections.json"))?,
            customers: read("customers", include_str!("data/customers.json"))?,
            suppliers: read("suppliers", include_str!("data/suppliers.json"))?,
            stock: read("stock", include_str!("data/stock.json"))?,
            employees: read("employees", include_str!("data/employees.json"))?,
            candidates: read("candidates", include_str!("data/candidates.json"))?,
            projects: read("projects", include_str!("data/projects.json"))?,
            topics: read("tickets", include_str!("data/tickets.json"))?,
            outlays: read("expenses", include_str!("data/expenses.json"))?,
        })
    }
}

fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Broken(format!("{name}.json: {error}")))
}
