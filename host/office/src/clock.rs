//! The session's time, and wall time in zones.

use bursar_domain::time::{self, TimeError};
use jiff::civil::Date;

use crate::{error::Error, session::Session};

impl Session {
    /// The session's instant, in microseconds UTC; it stands still.
    pub fn now_us(&self) -> i64 {
        self.context.now_us
    }

    /// The business date in the zone of the session's legal entity; in UTC without one.
    pub fn today(&self) -> Result<Date, Error> {
        let zone = self
            .context
            .legal_entity
            .as_ref()
            .map_or("UTC", |entity| entity.zone.as_str());
        let zone = time::zone(zone).map_err(|error| Error::Broken(error.to_string()))?;
        time::date_in_zone(self.context.now_us, &zone)
            .map_err(|error| Error::Broken(error.to_string()))
    }

    /// Wall time `YYYY-MM-DDTHH:MM:SS` of an instant.
    #[expect(
        clippy::unused_self,
        reason = "all that a caller may ask for is asked of its session"
    )]
    pub fn to_local(&self, at_us: i64, zone: &str) -> Result<String, Error> {
        let zone = time::zone(zone).map_err(|error| fault(&error))?;
        time::to_local(at_us, &zone).map_err(|error| fault(&error))
    }

    /// Instant of a wall time, in microseconds UTC; a gap uses the offset before it, a fold the first.
    #[expect(
        clippy::unused_self,
        reason = "all that a caller may ask for is asked of its session"
    )]
    pub fn to_instant(&self, local: &str, zone: &str) -> Result<i64, Error> {
        let zone = time::zone(zone).map_err(|error| fault(&error))?;
        time::to_instant(local, &zone).map_err(|error| fault(&error))
    }
}

fn fault(error: &TimeError) -> Error {
    let (code, pointer) = match error {
        TimeError::UnknownZone(_) => ("unknown-zone", "/zone"),
        TimeError::OutOfRange(_) => ("out-of-range", "/at"),
        TimeError::NotLocal(_) | TimeError::NotDate(_) => ("not-local-time", "/local"),
    };
    let message: String = error.to_string().chars().take(200).collect();
    Error::invalid(code, pointer, message)
}
