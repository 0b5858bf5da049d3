//! An invented maker of office furniture, as it is on a day: a pure function of that day.
//!
//! What has a name lies in files beside; what has a number or a date is chance from fixed seeds, so that the same day gives
//! the same company. Nothing of it exists: addresses are of example domains, accounts at banks that are none.

mod agenda;
mod bank;
mod data;
mod days;
mod dice;
mod people;
mod purchases;
mod sales;
mod trade;
mod work;

use bursar_domain::business::WeekdayText;
use jiff::civil::Date;

use self::{data::Data, days::Days, dice::Dice};
use super::{
    Company, SampleAccount, SampleBusinessCalendar, SampleCollection, SampleEntity, SampleRecord,
};
use crate::error::Error;

/// The zone that its days are in.
pub(super) const ZONE: &str = "Europe/Vienna";
/// The years of the days that it can be made for.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2200;
/// Its bank accounts: of euros, of francs, of everything else.
const ACCOUNTS: usize = 3;

/// The company as it is on a day: the same day, the same company.
pub fn company(today: Date) -> Result<Company, Error> {
    if !YEARS.contains(&today.year()) {
        let message = format!("a day of the years {} to {}", YEARS.start(), YEARS.end());
        return Err(Error::invalid("out-of-range", "/today", message));
    }
    let data = Data::read()?;
    let days = Days::until(today)?;
    let sales = sales::sell(&data, &days)?;
    let purchases = purchases::buy(&data, &days)?;
    let legal_entity = SampleEntity {
        bank_accounts: accounts(),
        lock_date: Some(days.last_quarter_end()),
        ..data.organisation.legal_entity.clone()
    };
    let receipts = sales.receipts.into_iter().chain(purchases.receipts);
    let statement = bank::statement(receipts, &legal_entity.bank_accounts, &days)?;
    let mut documents = data.organisation.documents.clone();
    documents.extend(agenda::papers(&data, &days)?);
    Ok(Company {
        departments: data.organisation.departments.clone(),
        parties: people::parties(&data),
        business_calendars: vec![SampleBusinessCalendar {
            name: "austria".to_owned(),
            weekend: vec![WeekdayText::Saturday, WeekdayText::Sunday],
            holidays: days.holidays.clone(),
        }],
        collections: collections(&data, &days)?,
        calendars: agenda::calendars(&data, &days)?,
        folders: data.organisation.folders.clone(),
        documents,
        invoices: sales
            .invoices
            .into_iter()
            .chain(purchases.invoices)
            .collect(),
        credit_notes: sales.credit_notes,
        payments: statement.payments,
        reversals: statement.reversals,
        write_offs: sales.write_offs,
        dunnings: sales.dunnings,
        legal_entity,
    })
}

fn accounts() -> Vec<SampleAccount> {
    let mut dice = Dice::of("accounts");
    let ibans = (0..ACCOUNTS).filter_map(|_| dice.iban("AT"));
    ibans.map(|iban| SampleAccount { iban }).collect()
}

fn collections(data: &Data, days: &Days) -> Result<Vec<SampleCollection>, Error> {
    let mut collections = data.collections.clone();
    for collection in &mut collections {
        collection.records = match collection.key.as_str() {
            "employees" => people::employees(data, days)?,
            "candidates" => people::candidates(data, days)?,
            "stock" => work::stock(data, days)?,
            "projects" => work::projects(data, days)?,
            "tickets" => work::tickets(data, days)?,
            "expenses" => work::expenses(data, days)?,
            other => return Err(Error::Broken(format!("nothing is known of {other:?}"))),
        };
    }
    Ok(collections)
}

fn record(key: &str, body: serde_json::Value) -> SampleRecord {
    SampleRecord {
        key: key.to_owned(),
        body,
    }
}

/// Letters and digits of a name as a mail address has them.
fn plain(name: &str) -> String {
    let spelt = |c: char| match c {
        'ä' | 'Ä' => "ae".to_owned(),
        'ö' | 'Ö' | 'ő' => "oe".to_owned(),
        'ü' | 'Ü' => "ue".to_owned(),
        'ß' => "ss".to_owned(),
        ' ' => ".".to_owned(),
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase().to_string(),
        _ => String::new(),
    };
    name.chars().map(spelt).collect()
}

/// Trouble with what was written by us.
fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken(error.to_string())
}

#[cfg(test)]
mod tests;
