//! Rows of the organisation that other operations look at: legal entities and parties.

use bursar_domain::{
    office::{LegalEntity, PARTIES},
    row::{Kind, RowKey},
    time,
};
use jiff::civil::Date;

use crate::{error::Error, input::Faults, session::Session, write::can_be_id};

impl Session {
    /// The legal entity that an input names; an unknown one is a fault at `pointer`.
    pub(crate) async fn entity_named(
        &mut self,
        id: &str,
        pointer: &str,
    ) -> Result<LegalEntity, Error> {
        let unknown = || Error::invalid("unknown", pointer, "there is no such legal entity");
        if !can_be_id(id) {
            return Err(unknown());
        }
        let found = self
            .find::<LegalEntity>(&RowKey::of(Kind::Entity, id))
            .await?;
        found.map(|(_, entity)| entity).ok_or_else(unknown)
    }

    /// The name of the party that an input names; an unknown one is a fault at `pointer`.
    pub(crate) async fn party_named(&mut self, id: &str, pointer: &str) -> Result<String, Error> {
        let unknown = || Error::invalid("unknown", pointer, "there is no such party");
        if !can_be_id(id) {
            return Err(unknown());
        }
        let row = self
            .load(&RowKey::within(Kind::Record, PARTIES, id))
            .await?
            .ok_or_else(unknown)?;
        Ok(row
            .body
            .get("name")
            .and_then(|name| name.as_str())
            .unwrap_or(id)
            .to_owned())
    }

    /// The business date of the session in a legal entity's zone.
    pub(crate) fn business_date(&self, entity: &LegalEntity) -> Result<Date, Error> {
        let zone = time::zone(&entity.zone).map_err(|error| Error::Broken(error.to_string()))?;
        time::date_in_zone(self.context.now_us, &zone)
            .map_err(|error| Error::Broken(error.to_string()))
    }
}

/// Nothing is posted on or before the lock date (INV-10).
pub(crate) fn check_period(faults: &mut Faults, entity: &LegalEntity, pointer: &str, date: Date) {
    if let Some(lock_date) = entity.lock_date.filter(|lock_date| date <= *lock_date) {
        faults.add(
            "period-locked",
            pointer,
            format!("nothing is posted on or before {lock_date}"),
        );
    }
}
