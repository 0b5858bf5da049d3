//! The rows that books stand on: the organisation, its records, calendars and documents.

use bursar_domain::{
    business::BusinessCalendar,
    calendar::{Calendar, EntryContent},
    office::{Collection, Department, LegalEntity, PARTIES},
    row::{Kind, RowKey},
};
use jiff::civil::Weekday;
use serde_json::{Value, json};

use super::{Ids, Start, begun, done, money};
use crate::{
    error::Error,
    sample::{
        Company, SampleCalendar, SampleCollection, SampleDocument, SampleEntity, SampleRecord,
    },
    session::{Expected, Session},
};

/// Everything that has a name, and the parties: whatever clashes does so here, before anything is committed.
pub(super) async fn make(
    session: &mut Session,
    document: &Company,
    start: Option<Start>,
    ids: &mut Ids,
) -> Result<(), Error> {
    if let Some(start) = start {
        if !start.is_begun {
            refuse_taken(session, document).await?;
        }
        let today = start.today.to_string();
        session.note_request(&begun(), &today).await?;
    }
    put_named(session, document).await?;
    let made = parties(session, document, ids).await;
    let is_new = start.is_some_and(|start| !start.is_begun);
    match made {
        Err(error) if is_new && !error.is_host() => {
            let message =
                format!("the organisation's parties do not go with the sample's: {error}");
            Err(Error::conflict("sample-clash", message))
        }
        made => made,
    }
}

/// Passes if none of the rows that have a name of their own is there.
async fn refuse_taken(session: &mut Session, document: &Company) -> Result<(), Error> {
    let entity = [(Kind::Entity, document.legal_entity.key.as_str())];
    let departments = document.departments.iter();
    let departments = departments.map(|it| (Kind::Department, it.key.as_str()));
    let business = document.business_calendars.iter();
    let business = business.map(|it| (Kind::BusinessCalendar, it.name.as_str()));
    let collections = document.collections.iter();
    let collections = collections.map(|it| (Kind::Collection, it.key.as_str()));
    let calendars = document.calendars.iter();
    let calendars = calendars.map(|it| (Kind::Calendar, it.key.as_str()));
    let folders = document.folders.iter();
    let folders = folders.map(|it| (Kind::Folder, it.key.as_str()));
    let all = entity.into_iter().chain(departments).chain(business);
    for (kind, id) in all.chain(collections).chain(calendars).chain(folders) {
        let key = RowKey::of(kind, id);
        match session.expect(&key, &Expected::Absent).await {
            Err(Error::Conflict(_)) => {
                let message = format!(
                    "the organisation has a {} {id:?} of its own: load the sample into another one",
                    kind.as_str()
                );
                return Err(Error::conflict("sample-clash", message));
            }
            expected => expected?,
        }
    }
    Ok(())
}

/// What has a name of its own and is not there yet: what somebody changed since stays.
async fn put_named(session: &mut Session, document: &Company) -> Result<(), Error> {
    let entity = &document.legal_entity;
    let there = entity_there(session, &entity.key).await?;
    // Of one that is there the file says everything but how far its books are closed.
    let row = LegalEntity {
        lock_date: there.and_then(|there| there.lock_date),
        ..open_entity(entity)?
    };
    session.put_entity(&entity.key, &row).await?;
    session.ensure_parties_collection().await?;
    for department in &document.departments {
        if session.exists(Kind::Department, &department.key).await? {
            continue;
        }
        let row = Department {
            name: department.name.clone(),
            ..Department::default()
        };
        session.put_department(&department.key, &row).await?;
    }
    for calendar in &document.business_calendars {
        let is_there = session.exists(Kind::BusinessCalendar, &calendar.name);
        if is_there.await? {
            continue;
        }
        let weekend = calendar.weekend.iter().map(|day| Weekday::from(*day));
        let row = BusinessCalendar::new(weekend, calendar.holidays.iter().copied(), 1);
        let row = row.map_err(|error| {
            let message = format!("{}: {error}", calendar.name);
            Error::invalid("out-of-range", "/business_calendars", message)
        })?;
        session.put_business_calendar(&calendar.name, &row).await?;
    }
    for collection in &document.collections {
        let is_ours = collection.key != PARTIES;
        if is_ours && session.exists(Kind::Collection, &collection.key).await? {
            continue;
        }
        let definition = &collection.definition;
        session
            .define_collection(&collection.key, definition)
            .await?;
    }
    for calendar in &document.calendars {
        if session.exists(Kind::Calendar, &calendar.key).await? {
            continue;
        }
        let row = Calendar {
            name: calendar.name.clone(),
            department: calendar.department.clone(),
            zone: calendar.zone.clone(),
        };
        session.put_calendar(&calendar.key, &row).await?;
    }
    for folder in &document.folders {
        if session.exists(Kind::Folder, &folder.key).await? {
            continue;
        }
        session.put_folder(&folder.key, &folder.folder).await?;
    }
    Ok(())
}

/// The legal entity with its books open.
fn open_entity(entity: &SampleEntity) -> Result<LegalEntity, Error> {
    let locale = match entity.locale.as_str() {
        "" => "en",
        locale => locale,
    };
    let limit = entity.write_off_max.as_deref();
    let limit = limit.map(|text| money("/legal_entity/write_off_max", text));
    let accounts = entity.bank_accounts.iter();
    Ok(LegalEntity {
        name: entity.name.clone(),
        zone: entity.zone.clone(),
        base_currency: entity.base_currency.clone(),
        fiscal_year_start_month: 1,
        locale: locale.to_owned(),
        lock_date: None,
        bank_accounts: accounts.map(|account| account.iban.clone()).collect(),
        mail_from: entity.mail_from.clone(),
        vat_id: entity.vat_id.clone(),
        tax_number: None,
        company_id: entity.company_id.clone(),
        address: entity.address.clone(),
        write_off_max: limit.transpose()?,
    })
}

/// The legal entity as it is, if it is there.
async fn entity_there(session: &mut Session, key: &str) -> Result<Option<LegalEntity>, Error> {
    match session.entity(key).await {
        Ok(there) => Ok(Some(there.body)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn parties(session: &mut Session, document: &Company, ids: &mut Ids) -> Result<(), Error> {
    for party in &document.parties {
        let mut body = party.body.clone();
        body.insert("key".to_owned(), party.key.clone().into());
        if let Some(country) = &party.country {
            body.insert("address".to_owned(), json!({"country": country}));
        }
        let key = format!("sample/{}", party.key);
        let row = session
            .create_record(PARTIES, &key, &Value::Object(body))
            .await?;
        let place = (PARTIES.to_owned(), party.key.clone());
        ids.records.insert(place, row.id.to_string());
    }
    Ok(())
}

/// Records of one collection.
pub(super) async fn records(
    session: &mut Session,
    collection: &SampleCollection,
    rows: &[SampleRecord],
    ids: &mut Ids,
) -> Result<(), Error> {
    for row in rows {
        let body = resolved(&collection.definition, &row.body, ids)?;
        let key = format!("sample/{}/{}", collection.key, row.key);
        let made = session.create_record(&collection.key, &key, &body).await?;
        let place = (collection.key.clone(), row.key.clone());
        ids.records.insert(place, made.id.to_string());
    }
    Ok(())
}

/// A record's body with ids where the document has keys.
fn resolved(definition: &Collection, body: &Value, ids: &Ids) -> Result<Value, Error> {
    let mut body = body.clone();
    for reference in &definition.references {
        let Some(field) = definition.indexed_field(&reference.field) else {
            continue;
        };
        let pointer = match field.pointer.as_str() {
            "" => format!("/{}", field.name),
            pointer => pointer.to_owned(),
        };
        if let Some(Value::String(key)) = body.pointer_mut(&pointer) {
            *key = ids.record(&reference.collection, key)?;
        }
    }
    Ok(body)
}

/// Entries of one calendar.
pub(super) async fn entries(
    session: &mut Session,
    calendar: &SampleCalendar,
    rows: &[EntryContent],
) -> Result<(), Error> {
    for row in rows {
        if row.uid.is_empty() {
            let message = format!("{:?} has no UID to be known by", row.title);
            return Err(Error::invalid("empty", "/calendars", message));
        }
        let key = format!("sample/{}", row.uid);
        session.create_entry(&calendar.key, &key, row).await?;
    }
    Ok(())
}

/// Documents that are not there; what somebody changed since stays.
pub(super) async fn documents(session: &mut Session, rows: &[SampleDocument]) -> Result<(), Error> {
    for row in rows {
        let absent = Expected::Absent;
        match session
            .expect_document(&row.folder, &row.name, &absent)
            .await
        {
            Ok(()) => {}
            Err(Error::Conflict(_)) => continue,
            Err(error) => return Err(error),
        }
        let content = row.text.as_bytes();
        session
            .add_document(&row.folder, &row.name, &row.media_type, content)
            .await?;
    }
    Ok(())
}

/// Closes the books, and notes that everything is there.
pub(super) async fn end(
    session: &mut Session,
    document: &Company,
    start: Option<Start>,
) -> Result<(), Error> {
    let entity = &document.legal_entity;
    let wanted = entity.lock_date;
    let there = entity_there(session, &entity.key).await?;
    // Closed books are never opened again.
    if let Some(there) = there.filter(|there| there.lock_date < wanted) {
        let row = LegalEntity {
            lock_date: wanted,
            ..there
        };
        session.put_entity(&entity.key, &row).await?;
    }
    if start.is_some() {
        session.note_request(&done(), "").await?;
    }
    Ok(())
}
