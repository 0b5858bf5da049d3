//! Windows, entries and questions about time.

use bursar_sdk::Failure;
use bursar_sdk::calendars::{Attendee, Shift, SlotSearch, Weekday, Whose, Window, WorkingHours};
use bursar_sdk::rows::{AddedMoment, EntryContent, Override, Period};
use serde_json::Value;

use super::{Arguments, malformed};

impl Arguments {
    pub fn window(&self) -> Result<Window, Failure> {
        let window = self.within("window")?;
        Ok(Window {
            start: window.number("start")?,
            end: window.number("end")?,
        })
    }

    pub fn find_window(&self) -> Result<Option<Window>, Failure> {
        self.has("window").then(|| self.window()).transpose()
    }

    pub fn whose(&self, name: &str) -> Result<Whose, Failure> {
        let whose = self.within(name)?;
        Ok(Whose {
            calendars: whose.texts("calendars"),
            person: whose.find_owned("person"),
        })
    }

    pub fn slot_search(&self) -> Result<SlotSearch, Failure> {
        let search = self.within("search")?;
        Ok(SlotSearch {
            window: search.window()?,
            length: search.owned("length")?,
            buffer: search.find_owned("buffer"),
            attendees: search.list("attendees", |one| {
                let hours = one.has("hours").then(|| one.within("hours")).transpose()?;
                Ok(Attendee {
                    busy: one.whose("busy")?,
                    hours: hours.as_ref().map(Self::working_hours).transpose()?,
                })
            })?,
            at_most: search.number("at_most")?,
        })
    }

    fn working_hours(&self) -> Result<WorkingHours, Failure> {
        Ok(WorkingHours {
            zone: self.owned("zone")?,
            shifts: self.list("shifts", |one| {
                Ok(Shift {
                    weekday: one.weekday()?,
                    from: one.owned("from")?,
                    to: one.owned("to")?,
                })
            })?,
            business_calendar: self.find_owned("business_calendar"),
        })
    }

    fn weekday(&self) -> Result<Weekday, Failure> {
        Ok(match self.text("weekday")? {
            "monday" => Weekday::Monday,
            "tuesday" => Weekday::Tuesday,
            "wednesday" => Weekday::Wednesday,
            "thursday" => Weekday::Thursday,
            "friday" => Weekday::Friday,
            "saturday" => Weekday::Saturday,
            "sunday" => Weekday::Sunday,
            other => return Err(malformed(&format!("{other:?} is no weekday"))),
        })
    }

    fn period(&self) -> Result<Period, Failure> {
        Ok(Period {
            start: self.owned("start")?,
            length: self.owned("length")?,
        })
    }

    pub fn entry_content(&self) -> Result<EntryContent, Failure> {
        let content = self.within("content")?;
        let once = EntryContent::once(
            content.text("kind")?,
            content.text("title")?,
            content.text("start")?,
            content.text("length")?,
        );
        let is_opaque = content.0.get("is_opaque").and_then(Value::as_bool);
        Ok(EntryContent {
            uid: content.find_owned("uid").unwrap_or_default(),
            notes: content.find_owned("notes").unwrap_or_default(),
            attendees: content.texts("attendees"),
            is_opaque,
            rules: content.texts("rules"),
            added: content.list("added", |one| {
                Ok(AddedMoment {
                    start: one.owned("start")?,
                    length: one.find_owned("length"),
                })
            })?,
            excluded: content.texts("excluded"),
            overrides: content.list("overrides", |one| {
                let moved = one.has("moved").then(|| one.within("moved")).transpose()?;
                Ok(Override {
                    original: one.owned("original")?,
                    moved: moved.as_ref().map(Self::period).transpose()?,
                })
            })?,
            extra: content.json("extra"),
            ..once
        })
    }
}
