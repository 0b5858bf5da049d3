//! Slots in which everybody is free and at work, each in their own zone. Reads only.
//!
//! Needs `calendars: read` on each calendar that is asked for.

use bursar_domain::{
    availability::{
        self, ATTENDEES_MAX, Attendee, AvailabilityError, SHIFTS_MAX, SLOTS_MAX, Search, Shift,
        WINDOW_DAYS_MAX, WorkingHours,
    },
    business::{BusinessCalendar, WeekdayText},
    manifest::CalendarOperation,
    schedule::{Length, Window},
    time,
};
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    appointments::{Whose, unavailable},
    calendars::fault,
    error::Error,
    expansion::{Allowance, aside},
    session::Session,
};

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// A question for slots in which everybody is free and at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotsAsked {
    /// Where slots may lie: at most 400 days.
    pub window: Window,
    /// How long a slot is, such as `PT45M`.
    pub length: String,
    /// How long everybody is to be free before and after a slot, such as `PT15M`, at most 400 days; not at all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<String>,
    /// Who is to come, at most 50.
    pub attendees: Vec<AttendeeAsked>,
    /// How many slots are wanted: 1 to 100.
    pub at_most: u32,
}

/// Somebody who is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendeeAsked {
    /// Where it stands when they are busy.
    pub busy: Whose,
    /// When they work; at any time unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<HoursAsked>,
}

/// When somebody works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursAsked {
    /// IANA zone that the shifts are read in.
    pub zone: String,
    /// The shifts of a week, at most 50.
    pub shifts: Vec<ShiftAsked>,
    /// A business calendar: nobody works on a day that it closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_calendar: Option<String>,
}

/// Working time on one day of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftAsked {
    /// The day that it begins on.
    pub weekday: WeekdayText,
    /// When it begins, such as `09:00`.
    pub from: String,
    /// When it ends; on the next day if that is not after its begin.
    pub to: String,
}

impl Session {
    /// The first slots in which everybody is free and at work.
    pub async fn find_slots(&mut self, asked: &SlotsAsked) -> Result<Vec<Window>, Error> {
        let calendars = asked.attendees.iter().flat_map(|it| &it.busy.calendars);
        for calendar in calendars {
            self.require_calendar(calendar, CalendarOperation::Read)?;
        }
        if has_too_many(asked) {
            return Err(unavailable(&AvailabilityError::TooMany));
        }
        let search = search_of(asked)?;
        let mut attendees = Vec::with_capacity(asked.attendees.len());
        let mut allowance = Allowance::default();
        for (place, attendee) in asked.attendees.iter().enumerate() {
            let pointer = format!("/attendees/{place}");
            // Whoever is busy just outside of the window still needs the buffer.
            let wider = Window {
                start_us: asked.window.start_us.saturating_sub(search.buffer_us),
                end_us: asked.window.end_us.saturating_add(search.buffer_us),
            };
            let calendars = format!("{pointer}/busy/calendars");
            self.check_question(&attendee.busy.calendars, asked.window, &calendars)?;
            let busy = self.busy(&attendee.busy, wider, &mut allowance).await?;
            let hours = match &attendee.hours {
                Some(hours) => Some(self.hours(hours, &format!("{pointer}/hours")).await?),
                None => None,
            };
            attendees.push(Attendee { busy, hours });
        }
        let found = aside(move || availability::find_slots(&attendees, search)).await?;
        found.map_err(|error| unavailable(&error))
    }

    async fn hours(&mut self, asked: &HoursAsked, pointer: &str) -> Result<WorkingHours, Error> {
        let zone = time::zone(&asked.zone).map_err(|error| {
            Error::invalid(
                "unknown-zone",
                &format!("{pointer}/zone"),
                error.to_string(),
            )
        })?;
        let mut shifts = Vec::new();
        for (place, shift) in asked.shifts.iter().enumerate() {
            let at = |part: &str| format!("{pointer}/shifts/{place}/{part}");
            shifts.push(Shift {
                weekday: shift.weekday.into(),
                from: time_of_day(&at("from"), &shift.from)?,
                to: time_of_day(&at("to"), &shift.to)?,
            });
        }
        let calendar: Option<BusinessCalendar> = match &asked.business_calendar {
            Some(id) => Some(self.business_calendar(id).await?),
            None => None,
        };
        Ok(WorkingHours {
            zone,
            shifts,
            calendar,
        })
    }
}

/// Whether more is asked for than is looked at: told by counts alone.
fn has_too_many(asked: &SlotsAsked) -> bool {
    let slots = usize::try_from(asked.at_most).unwrap_or(usize::MAX);
    let mut hours = asked.attendees.iter().filter_map(|it| it.hours.as_ref());
    asked.attendees.len() > ATTENDEES_MAX
        || !(1..=SLOTS_MAX).contains(&slots)
        || hours.any(|hours| hours.shifts.len() > SHIFTS_MAX)
}

fn search_of(asked: &SlotsAsked) -> Result<Search, Error> {
    let length_us = |text: &str, pointer: &str| {
        let length = Length::parse(text).map_err(|error| fault(&error, pointer))?;
        let seconds = i64::try_from(length.seconds()).unwrap_or(i64::MAX);
        let days_us = i64::from(length.days()).saturating_mul(DAY_US);
        Ok::<i64, Error>(days_us.saturating_add(seconds.saturating_mul(SECOND_US)))
    };
    let buffer_us = match &asked.buffer {
        Some(text) => length_us(text, "/buffer")?,
        None => 0,
    };
    if buffer_us > WINDOW_DAYS_MAX * DAY_US {
        let message = format!("at most {WINDOW_DAYS_MAX} days");
        return Err(Error::invalid("out-of-range", "/buffer", message));
    }
    Ok(Search {
        window: asked.window,
        length_us: length_us(&asked.length, "/length")?,
        buffer_us,
        at_most: usize::try_from(asked.at_most).unwrap_or(usize::MAX),
    })
}

/// A time of day such as `09:00`, and nothing else.
fn time_of_day(pointer: &str, text: &str) -> Result<Time, Error> {
    let is_formed = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    let time = is_formed.then(|| text.parse().ok()).flatten();
    time.ok_or_else(|| Error::invalid("not-a-time", pointer, "a time is written like 09:00"))
}
