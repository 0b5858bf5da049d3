//! An organisation from one JSON document: sample data, or a small company's start.
//!
//! Every row has a key in the document and is made under it, so that loading again changes nothing.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::{Json, extract::State};
use bursar_domain::{
    business::BusinessCalendar,
    invoice::{Flow, InvoiceContent, InvoiceKind, InvoiceState, Line},
    money::Money,
    office::{Department, LegalEntity, PARTIES},
    problem::Problem,
    row::{Kind, RowKey},
};
use bursar_office::{Error, Session, allocations::Part, payments::NewPayment};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    Api,
    caller::Administrator,
    failure::Failure,
    request::{Asked, LargeBody},
};

/// Whose effect keys the document's keys are.
const SCOPE: &str = "sample";

/// An organisation. Amounts are texts such as "1.10 EUR".
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Company {
    legal_entity: SampleEntity,
    departments: Vec<SampleDepartment>,
    parties: Vec<SampleParty>,
    #[serde(default)]
    calendars: Vec<SampleCalendar>,
    invoices: Vec<SampleInvoice>,
    payments: Vec<SamplePayment>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleEntity {
    key: String,
    name: String,
    zone: String,
    base_currency: String,
    #[serde(default)]
    locale: String,
    #[serde(default)]
    mail_from: String,
    #[serde(default)]
    bank_accounts: Vec<SampleAccount>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleAccount {
    iban: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleDepartment {
    key: String,
    name: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleParty {
    key: String,
    #[serde(default)]
    country: Option<String>,
    #[serde(flatten)]
    body: Map<String, Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleCalendar {
    name: String,
    weekend: Value,
    holidays: Value,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleInvoice {
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

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SamplePayment {
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
    allocations: Vec<SampleAllocation>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SampleAllocation {
    invoice: String,
    amount: String,
}

/// Ids of what the file names by key.
#[derive(Clone, Default)]
struct Ids {
    parties: HashMap<String, String>,
    invoices: HashMap<String, String>,
}

/// What a document held.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SampleLoaded {
    /// Departments.
    pub departments: usize,
    /// Parties.
    pub parties: usize,
    /// Business calendars.
    pub calendars: usize,
    /// Invoices.
    pub invoices: usize,
    /// Payments.
    pub payments: usize,
    /// Whether anything of it was new.
    pub changed: bool,
}

/// Load an organisation
///
/// Its legal entity, departments, parties, calendars, invoices and payments, in three commits. Every row has a key in the
/// file and is made under it: loading again changes nothing.
#[utoipa::path(post, path = "/v1/samples", tag = "organisation", request_body = Company, responses((status = 200, body = SampleLoaded)))]
pub(crate) async fn load_sample(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    LargeBody(company): LargeBody<Company>,
) -> Result<Json<SampleLoaded>, Failure> {
    // One set of keys, whoever loads it: a second load by somebody else makes nothing twice.
    let asked = Asked::plainly().within(SCOPE);
    let made = Mutex::new(Ids::default());
    let entity = RowKey::of(Kind::Entity, &company.legal_entity.key);
    let (company, entity, made) = (&company, &entity, &made);
    let organised = api
        .change(
            &caller,
            "sample-organisation",
            &asked,
            |mut session| async move {
                organisation(&mut session, company).await?;
                Ok((session, entity.clone()))
            },
        )
        .await?;
    // Numbers come with the commit: what is paid must be issued first.
    let booked = api
        .change(&caller, "sample-books", &asked, |mut session| async move {
            let ids = books(&mut session, company).await?;
            *made.lock().unwrap_or_else(PoisonError::into_inner) = ids;
            Ok((session, entity.clone()))
        })
        .await?;
    let ids = &std::mem::take(&mut *made.lock().unwrap_or_else(PoisonError::into_inner));
    let paid = api
        .change(
            &caller,
            "sample-payments",
            &asked,
            |mut session| async move {
                payments(&mut session, company, ids).await?;
                Ok((session, entity.clone()))
            },
        )
        .await?;
    Ok(Json(SampleLoaded {
        departments: company.departments.len(),
        parties: company.parties.len(),
        calendars: company.calendars.len(),
        invoices: company.invoices.len(),
        payments: company.payments.len(),
        changed: [organised, booked, paid]
            .iter()
            .any(|changed| changed.seq.is_some()),
    }))
}

async fn organisation(session: &mut Session, company: &Company) -> Result<(), Error> {
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
        write_off_max: None,
        vat_id: None,
        tax_number: None,
        company_id: None,
        address: None,
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
            Problem::at(
                "wrong-type",
                "/calendars",
                format!("{}: {error}", calendar.name),
            )
        })?;
        session.put_business_calendar(&calendar.name, &body).await?;
    }
    Ok(())
}

async fn books(session: &mut Session, company: &Company) -> Result<Ids, Error> {
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
            supplier_date: None,
            prepaid: None,
            rounding: None,
            corrects: None,
            extra: Value::Null,
        };
        let row = session
            .draft_invoice(&format!("sample/{}", invoice.key), &content)
            .await?;
        if invoice.issue
            && invoice.flow == Flow::Receivable
            && row.body.state == InvoiceState::Draft
        {
            session
                .issue_invoice(&row.id, None, None, invoice.issue_date)
                .await?;
        }
        ids.invoices.insert(invoice.key.clone(), row.id.to_string());
    }
    Ok(ids)
}

async fn payments(session: &mut Session, company: &Company, ids: &Ids) -> Result<(), Error> {
    let money = |text: &str| {
        text.parse::<Money>().map_err(|error| {
            Error::from(Problem::at(
                "not-money",
                "/payments",
                format!("{text:?}: {error}"),
            ))
        })
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
        let part = |allocation: &SampleAllocation| {
            Ok::<_, Error>(Part {
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

fn named(ids: &HashMap<String, String>, key: &str) -> Result<String, Error> {
    ids.get(key).cloned().ok_or_else(|| {
        let message = format!("the document names {key:?} and does not hold it");
        Problem::at("unknown", "", message).into()
    })
}
