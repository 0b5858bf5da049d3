//! `bursar sample load`: an organisation from one JSON file.
//!
//! Every row has a key in the file and is made under it, so that loading again changes nothing.

use std::collections::HashMap;

use bursar_domain::{
    business::BusinessCalendar,
    invoice::{Flow, InvoiceContent, InvoiceKind, Line},
    money::Money,
    office::{Department, LegalEntity, PARTIES},
};
use bursar_office::{Session, allocations::Part, payments::NewPayment};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    arguments::Sample,
    failure::Failure,
    output::{Style, print, say},
    place::Place,
};

/// The file. Amounts are texts such as "1.10 EUR".
#[derive(Debug, Deserialize)]
struct Company {
    legal_entity: Entity,
    departments: Vec<Named>,
    parties: Vec<Party>,
    #[serde(default)]
    calendars: Vec<Calendar>,
    invoices: Vec<Invoice>,
    payments: Vec<Payment>,
}

#[derive(Debug, Deserialize)]
struct Entity {
    key: String,
    name: String,
    zone: String,
    base_currency: String,
    #[serde(default)]
    locale: String,
    #[serde(default)]
    mail_from: String,
    #[serde(default)]
    bank_accounts: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    iban: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    key: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Party {
    key: String,
    #[serde(default)]
    country: Option<String>,
    #[serde(flatten)]
    body: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Calendar {
    name: String,
    weekend: Value,
    holidays: Value,
}

#[derive(Debug, Deserialize)]
struct Invoice {
    key: String,
    party: String,
    flow: Flow,
    currency: String,
    #[serde(default)]
    issue_date: Option<Date>,
    #[serde(default)]
    due_date: Option<Date>,
    lines: Vec<Line>,
    #[serde(default)]
    issue: bool,
    #[serde(default)]
    supplier_number: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Payment {
    key: String,
    flow: Flow,
    party: Option<String>,
    amount: String,
    value_date: Date,
    bank_reference: String,
    bank_account: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    allocations: Vec<Allocation>,
}

#[derive(Debug, Deserialize)]
struct Allocation {
    invoice: String,
    amount: String,
}

/// Ids of what the file names by key.
#[derive(Clone, Default)]
struct Ids {
    parties: HashMap<String, String>,
    invoices: HashMap<String, String>,
}

pub async fn perform(place: &Place, style: Style, command: Sample) -> Result<(), Failure> {
    let Sample::Load { file } = command;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Failure::user(format!("cannot read {}", file.display())).because(error))?;
    let company: Company = serde_json::from_str(&text).map_err(|error| {
        Failure::user(format!("{} cannot be read", file.display())).because(error)
    })?;
    say(&format!("Loading {} …", company.legal_entity.name));
    let ((), organisation) = place
        .change("sample-organisation", async |session| {
            organisation(session, &company).await
        })
        .await?;
    // Numbers come with the commit: what is paid must be issued first.
    let (ids, books) = place
        .change("sample-books", async |session| {
            books(session, &company).await
        })
        .await?;
    let ((), paid) = place
        .change("sample-payments", async |session| {
            payments(session, &company, &ids).await
        })
        .await?;
    let changed = [organisation, books, paid].iter().any(Option::is_some);
    let loaded = json!({
        "departments": company.departments.len(), "parties": company.parties.len(), "calendars": company.calendars.len(),
        "invoices": company.invoices.len(), "payments": company.payments.len(),
        "changed": changed,
    });
    print(style, &loaded, |_| {
        format!(
            "{} parties, {} invoices and {} payments are there.",
            company.parties.len(),
            company.invoices.len(),
            company.payments.len()
        )
    })
}

async fn organisation(session: &mut Session, company: &Company) -> Result<(), Failure> {
    let entity = &company.legal_entity;
    let row = LegalEntity {
        name: entity.name.clone(),
        zone: entity.zone.clone(),
        base_currency: entity.base_currency.clone(),
        fiscal_year_start_month: 1,
        locale: if entity.locale.is_empty() {
            "en".to_owned()
        } else {
            entity.locale.clone()
        },
        lock_date: None,
        bank_accounts: entity
            .bank_accounts
            .iter()
            .map(|account| account.iban.clone())
            .collect(),
        mail_from: entity.mail_from.clone(),
    };
    session.put_entity(&entity.key, &row).await?;
    session.ensure_parties_collection().await?;
    for department in &company.departments {
        session
            .put_department(
                &department.key,
                &Department {
                    name: department.name.clone(),
                },
            )
            .await?;
    }
    for calendar in &company.calendars {
        let body =
            json!({"weekend": calendar.weekend, "holidays": calendar.holidays, "version": 1});
        let body: BusinessCalendar = serde_json::from_value(body).map_err(|error| {
            Failure::user(format!("the calendar {}", calendar.name)).because(error)
        })?;
        session.put_calendar(&calendar.name, &body).await?;
    }
    Ok(())
}

async fn books(session: &mut Session, company: &Company) -> Result<Ids, Failure> {
    let mut ids = Ids::default();
    for party in &company.parties {
        let mut body = party.body.clone();
        body.insert("key".to_owned(), party.key.clone().into());
        if let Some(country) = &party.country {
            body.insert("address".to_owned(), json!({"country": country}));
        }
        let row = session
            .create_record(
                PARTIES,
                &format!("sample/{}", party.key),
                &Value::Object(body),
            )
            .await?;
        ids.parties.insert(party.key.clone(), row.id.to_string());
    }
    for invoice in &company.invoices {
        let content = InvoiceContent {
            flow: invoice.flow,
            kind: InvoiceKind::Invoice,
            legal_entity: company.legal_entity.key.clone(),
            party: named(&ids.parties, &invoice.party)?,
            currency: invoice.currency.clone(),
            supply_date: None,
            due_date: invoice.due_date,
            lines: invoice.lines.clone(),
            adjustments: Vec::new(),
            supplier_number: invoice.supplier_number.clone(),
            corrects: None,
            extra: Value::Null,
        };
        let row = session
            .draft_invoice(&format!("sample/{}", invoice.key), &content)
            .await?;
        if invoice.issue
            && invoice.flow == Flow::Receivable
            && row.body.state == bursar_domain::invoice::InvoiceState::Draft
        {
            session
                .issue_invoice(&row.id, None, None, invoice.issue_date)
                .await?;
        }
        ids.invoices.insert(invoice.key.clone(), row.id.to_string());
    }
    Ok(ids)
}

async fn payments(session: &mut Session, company: &Company, ids: &Ids) -> Result<(), Failure> {
    let money = |text: &str| {
        text.parse::<Money>()
            .map_err(|error| Failure::user(format!("{text:?} is no amount")).because(error))
    };
    for payment in &company.payments {
        let new = NewPayment {
            flow: payment.flow,
            legal_entity: company.legal_entity.key.clone(),
            party: payment
                .party
                .as_ref()
                .map(|party| named(&ids.parties, party))
                .transpose()?,
            amount: money(&payment.amount)?,
            value_date: payment.value_date,
            bank_reference: payment.bank_reference.clone(),
            bank_account: payment.bank_account.clone(),
            text: payment.text.clone(),
            extra: json!({}),
        };
        let key = format!("sample/{}", payment.key);
        let row = session.record_payment(&key, &new).await?;
        let part = |allocation: &Allocation| {
            Ok::<_, Failure>(Part {
                invoice: named(&ids.invoices, &allocation.invoice)?,
                amount: money(&allocation.amount)?,
            })
        };
        let parts: Vec<Part> = payment
            .allocations
            .iter()
            .map(part)
            .collect::<Result<_, _>>()?;
        if !parts.is_empty() {
            session.allocate(&key, &row.id, &parts).await?;
        }
    }
    Ok(())
}

fn named(ids: &HashMap<String, String>, key: &str) -> Result<String, Failure> {
    ids.get(key)
        .cloned()
        .ok_or_else(|| Failure::user(format!("the file names {key:?} and does not hold it")))
}
