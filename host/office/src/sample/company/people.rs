//! Customers, suppliers, employees and candidates.

use jiff::{ToSpan, civil::date};
use serde_json::{Map, Value, json};

use super::{
    data::{Data, Partner},
    days::{Days, after},
    dice::{Dice, hundredths},
    plain, record,
};
use crate::{
    error::Error,
    sample::{SampleParty, SampleRecord},
};

/// What colleagues must mind of some.
const HEALTH: [&str; 3] = [
    "Allergic to solvents: not in the lacquer room.",
    "No lifting above 15 kg.",
    "Needs a hearing aid: speak to the face.",
];
/// Every so many employees has something to be minded.
const HEALTH_EVERY: usize = 11;

pub(super) fn parties(data: &Data) -> Vec<SampleParty> {
    let mut dice = Dice::of("parties");
    let customers = data.customers.iter().map(|partner| (partner, "customer"));
    let suppliers = data.suppliers.iter().map(|partner| (partner, "supplier"));
    customers
        .chain(suppliers)
        .map(|(partner, kind)| party(partner, kind, &mut dice))
        .collect()
}

fn party(partner: &Partner, kind: &str, dice: &mut Dice) -> SampleParty {
    let first = partner.name.split(' ').next().unwrap_or_default();
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("name", json!(partner.name));
    put("kind", json!(kind));
    put("language", json!(partner.language));
    put("email", json!(format!("accounts@{}.example", plain(first))));
    let address = json!({
        "street": partner.street, "postcode": partner.postcode,
        "city": partner.city, "country": partner.country,
    });
    put("address", address);
    if let Some(iban) = dice.iban(&partner.country) {
        put("iban", json!([iban]));
    }
    if let Some(vat_id) = dice.vat_id(&partner.country) {
        put("tax_id", json!(vat_id));
    }
    SampleParty {
        key: partner.key.clone(),
        country: None,
        body,
    }
}

pub(super) fn employees(data: &Data, days: &Days) -> Result<Vec<SampleRecord>, Error> {
    let mut dice = Dice::of("employees");
    let mut records = Vec::with_capacity(data.employees.len());
    for (place, employee) in data.employees.iter().enumerate() {
        let started = days.today.saturating_sub(employee.months.months());
        let month = i8::try_from(dice.within(1..=12)).unwrap_or(1);
        let day = i8::try_from(dice.within(1..=28)).unwrap_or(1);
        let mut body = json!({
            "number": employee.number,
            "name": employee.name,
            "title": employee.title,
            "department": employee.department,
            "email": format!("{}@laerchwerk.example", plain(&employee.name)),
            "weekly_hours": employee.weekly_hours,
            "started": started.first_of_month(),
            "salary": {"amount": hundredths(employee.salary_cents)?, "currency": "EUR"},
            "iban": dice.iban("AT"),
            "birth_date": date(employee.birth_year, month, day),
        });
        if let Some(manager) = &employee.manager {
            body["manager"] = json!(manager);
        }
        if place % HEALTH_EVERY == HEALTH_EVERY / 2 {
            body["health"] = json!(dice.pick(&HEALTH)?);
        }
        records.push(record(&employee.number, body));
    }
    Ok(records)
}

pub(super) fn candidates(data: &Data, days: &Days) -> Result<Vec<SampleRecord>, Error> {
    let mut dice = Dice::of("candidates");
    let mut records = Vec::with_capacity(data.candidates.len());
    for candidate in &data.candidates {
        let email = format!("{}@mail.example", plain(&candidate.name));
        let mut body = json!({
            "name": candidate.name,
            "email": email,
            "role": candidate.role,
            "stage": candidate.stage,
            "source": candidate.source,
            "applied": after(days.today, -dice.within(3..=90)),
            "expected_salary": {"amount": hundredths(candidate.expected_cents)?, "currency": "EUR"},
        });
        if candidate.stage != "applied" {
            body["notes"] = json!(candidate.notes);
        }
        records.push(record(&email, body));
    }
    Ok(records)
}
