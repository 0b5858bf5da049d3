//! Business days, by the organisation's calendars. They need no permission.

use bursar_domain::{
    business::{BusinessCalendar, BusinessError},
    problem::Problem,
    row::{Kind, RowKey},
};
use jiff::civil::Date;

use crate::{error::Error, input::is_slug, session::Session};

impl Session {
    /// The nth business day after (n > 0) or before (n < 0) a date; for 0 the date itself if open, else the next open one.
    pub async fn add_business_days(
        &mut self,
        calendar: &str,
        date: Date,
        days: i32,
    ) -> Result<Date, Error> {
        self.business_calendar(calendar)
            .await?
            .add(date, days)
            .map_err(fault)
    }

    /// How many days are open from a start, included, to an end, excluded: at most 4000 days apart.
    pub async fn business_days(
        &mut self,
        calendar: &str,
        start: Date,
        end: Date,
    ) -> Result<u32, Error> {
        self.business_calendar(calendar)
            .await?
            .between(start, end)
            .map_err(fault)
    }

    pub(crate) async fn business_calendar(&mut self, id: &str) -> Result<BusinessCalendar, Error> {
        let unknown = || {
            Error::NotFound(Problem::new(
                "calendar-unknown",
                "there is no such business calendar",
            ))
        };
        if !is_slug(id) {
            return Err(unknown());
        }
        let found = self
            .find::<BusinessCalendar>(&RowKey::of(Kind::BusinessCalendar, id))
            .await?;
        found.map(|(_, calendar)| calendar).ok_or_else(unknown)
    }
}

fn fault(error: BusinessError) -> Error {
    let (code, pointer) = match error {
        BusinessError::TooFar => ("out-of-range", "/days"),
        BusinessError::Window => ("out-of-range", "/window"),
        BusinessError::OutOfRange { .. } => ("out-of-range", "/date"),
        BusinessError::NothingOpen { .. }
        | BusinessError::NeverOpen
        | BusinessError::TooManyHolidays => ("nothing-open", ""),
    };
    Error::invalid(code, pointer, error.to_string())
}
