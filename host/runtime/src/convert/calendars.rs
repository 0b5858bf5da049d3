//! Entries of calendars, their occurrences, and questions about time.

use bursar_domain::{
    business::WeekdayText,
    calendar::{AddedText, EntryContent, EntryKind, OverrideText, PeriodText, StoredEntry},
    problem::Problem,
    schedule,
};
use bursar_office::{
    Error, View,
    appointments::{Appointment, Whose},
    input,
    slots::{AttendeeAsked, HoursAsked, ShiftAsked, SlotsAsked},
};
use serde_json::Value;

use crate::{
    contract::bursar::office::{calendars, rows},
    ending::Fault,
};

/// A half-open window of instants.
pub fn window(window: calendars::Window) -> schedule::Window {
    schedule::Window {
        start_us: window.start,
        end_us: window.end,
    }
}

/// Windows of instants, as they are answered.
pub fn windows(windows: Vec<schedule::Window>) -> Vec<calendars::Window> {
    let shown = |one: schedule::Window| calendars::Window {
        start: one.start_us,
        end: one.end_us,
    };
    windows.into_iter().map(shown).collect()
}

/// Whose time is asked for.
pub fn whose(whose: calendars::Whose) -> Whose {
    Whose {
        calendars: whose.calendars,
        person: whose.person,
    }
}

/// A question for slots.
pub fn slots_asked(search: calendars::SlotSearch) -> SlotsAsked {
    let attendee = |one: calendars::Attendee| AttendeeAsked {
        busy: whose(one.busy),
        hours: one.hours.map(hours),
    };
    SlotsAsked {
        window: window(search.window),
        length: search.length,
        buffer: search.buffer,
        attendees: search.attendees.into_iter().map(attendee).collect(),
        at_most: search.at_most,
    }
}

fn hours(hours: calendars::WorkingHours) -> HoursAsked {
    let shift = |shift: calendars::Shift| ShiftAsked {
        weekday: weekday(shift.weekday),
        from: shift.from,
        to: shift.to,
    };
    HoursAsked {
        zone: hours.zone,
        shifts: hours.shifts.into_iter().map(shift).collect(),
        business_calendar: hours.business_calendar,
    }
}

fn weekday(weekday: calendars::Weekday) -> WeekdayText {
    match weekday {
        calendars::Weekday::Monday => WeekdayText::Monday,
        calendars::Weekday::Tuesday => WeekdayText::Tuesday,
        calendars::Weekday::Wednesday => WeekdayText::Wednesday,
        calendars::Weekday::Thursday => WeekdayText::Thursday,
        calendars::Weekday::Friday => WeekdayText::Friday,
        calendars::Weekday::Saturday => WeekdayText::Saturday,
        calendars::Weekday::Sunday => WeekdayText::Sunday,
    }
}

/// One time that an entry happens.
pub fn occurrence(one: Appointment) -> calendars::Occurrence {
    calendars::Occurrence {
        start: one.start_us,
        end: one.end_us,
        original_start: one.original_start_us,
        calendar: one.calendar,
        entry: one.entry,
        uid: one.uid,
        kind: one.kind.as_str().to_owned(),
        title: one.title,
        attendees: one.attendees,
        is_opaque: one.is_opaque,
    }
}

/// An entry of a calendar.
pub fn entry(calendar: &str, view: View<StoredEntry>) -> rows::Entry {
    rows::Entry {
        id: view.id.to_string(),
        calendar: calendar.to_owned(),
        revision: view.revision,
        created: view.created_us,
        updated: view.updated_us,
        content: content(view.body.content),
    }
}

fn content(content: EntryContent) -> rows::EntryContent {
    let period = |period: PeriodText| rows::Period {
        start: period.start,
        length: period.length,
    };
    let added = |added: AddedText| rows::AddedMoment {
        start: added.start,
        length: added.length,
    };
    let changed = |change: OverrideText| rows::Override {
        original: change.original,
        moved: change.moved.map(period),
    };
    rows::EntryContent {
        uid: content.uid,
        kind: content.kind.as_str().to_owned(),
        title: content.title,
        notes: content.notes,
        attendees: content.attendees,
        is_opaque: content.is_opaque,
        start: content.start,
        length: content.length,
        rules: content.rules,
        added: content.added.into_iter().map(added).collect(),
        excluded: content.excluded,
        overrides: content.overrides.into_iter().map(changed).collect(),
        extra: "{}".to_owned(),
    }
}

/// What an author of an entry decides.
pub fn entry_content(content: rows::EntryContent) -> Result<EntryContent, Fault> {
    let period = |period: rows::Period| PeriodText {
        start: period.start,
        length: period.length,
    };
    let added = |added: rows::AddedMoment| AddedText {
        start: added.start,
        length: added.length,
    };
    let changed = |change: rows::Override| OverrideText {
        original: change.original,
        moved: change.moved.map(period),
    };
    let mut problems = problems_of_extra(&content.extra);
    let kind = kind_of(&content.kind).map_err(|problem| problems.push(problem));
    let (Ok(kind), []) = (kind, problems.as_slice()) else {
        return Err(Error::Invalid(problems).into());
    };
    Ok(EntryContent {
        uid: content.uid,
        kind,
        title: content.title,
        notes: content.notes,
        attendees: content.attendees,
        is_opaque: content.is_opaque,
        start: content.start,
        length: content.length,
        rules: content.rules,
        added: content.added.into_iter().map(added).collect(),
        excluded: content.excluded,
        overrides: content.overrides.into_iter().map(changed).collect(),
    })
}

fn kind_of(name: &str) -> Result<EntryKind, Problem> {
    Ok(match name {
        "event" => EntryKind::Event,
        "task" => EntryKind::Task,
        "reminder" => EntryKind::Reminder,
        "shift" => EntryKind::Shift,
        _ => {
            let message = "an entry is an event, a task, a reminder or a shift";
            return Err(Problem::at("unknown", "/kind", message));
        }
    })
}

/// What is wrong with an entry's further properties: there are none yet.
fn problems_of_extra(text: &str) -> Vec<Problem> {
    let message = "an object without members: no further properties are known";
    match input::json("/extra", text) {
        Ok(Value::Object(members)) if members.is_empty() => Vec::new(),
        Ok(Value::Object(_)) => vec![Problem::at("unknown", "/extra", message)],
        Ok(_) => vec![Problem::at("wrong-type", "/extra", message)],
        Err(problem) => vec![problem],
    }
}
