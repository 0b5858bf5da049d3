//! Calendars that hold entries, and the entries. Calendars are for administrators, entries for whom they are granted.

use bursar_domain::{
    calendar::{self, Calendar, ENTRY_STEPS_MAX, EntryContent, StoredEntry},
    index::{Comparison, Condition, fields_of},
    manifest::{CalendarOperation, Need},
    row::{Kind, Row, RowKey},
    schedule::{Budget, ScheduleError, Window},
    time,
};
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    expansion::aside,
    input::{Faults, is_slug, name_of},
    listing::{Listed, Paging, Scope},
    session::{Session, View},
    write::{Write, key_of, to_value},
};

/// Longest name of a calendar, in bytes.
const NAME_BYTES_MAX: usize = 200;
const SECOND_US: i64 = 1_000_000;

impl Session {
    /// Makes or changes a calendar.
    pub async fn put_calendar(&mut self, id: &str, calendar: &Calendar) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.slug("/id", id);
        faults.line("/name", &calendar.name, 1..=NAME_BYTES_MAX);
        faults.unless(
            time::zone(&calendar.zone).is_ok(),
            "unknown-zone",
            "/zone",
            "an IANA zone such as Europe/Vienna",
        );
        let department = self.exists(Kind::Department, &calendar.department).await?;
        faults.unless(
            department,
            "unknown",
            "/department",
            "there is no such department",
        );
        faults.result()?;
        self.upsert(RowKey::of(Kind::Calendar, id), calendar).await
    }

    /// A calendar. For administrators.
    pub async fn calendar(&mut self, id: &str) -> Result<View<Calendar>, Error> {
        self.control_row(Kind::Calendar, id, "such calendar").await
    }

    /// Passes if an operation on a calendar's entries is granted, whether or not there is such a calendar.
    pub(crate) fn require_calendar(
        &self,
        calendar: &str,
        operation: CalendarOperation,
    ) -> Result<(), Error> {
        let words = || format!("{operation:?} on calendar {:?}", name_of(calendar)).to_lowercase();
        self.require(Need::Calendars(calendar, operation), words)
    }

    /// A calendar that this call may use.
    pub(crate) async fn known_calendar(&mut self, id: &str) -> Result<Calendar, Error> {
        let unknown = || Error::not_found(format!("such calendar {:?}", name_of(id)));
        if !is_slug(id) {
            return Err(unknown());
        }
        let found = self
            .find::<Calendar>(&RowKey::of(Kind::Calendar, id))
            .await?;
        found.map(|(_, calendar)| calendar).ok_or_else(unknown)
    }

    /// Adds an entry to a calendar; the same key gives the same entry again, as it was made to who may not read it. Needs
    /// `calendars: create`.
    pub async fn create_entry(
        &mut self,
        calendar: &str,
        key: &str,
        content: &EntryContent,
    ) -> Result<View<StoredEntry>, Error> {
        self.require_calendar(calendar, CalendarOperation::Create)?;
        self.known_calendar(calendar).await?;
        let input = json!({"calendar": calendar, "content": to_value(content)?});
        let free = match self.effect("entries.create", key, &input).await? {
            Keyed::Used(id) => {
                if self.allows(Need::Calendars(calendar, CalendarOperation::Read)) {
                    return self.known_entry(calendar, &id).await;
                }
                let row_key = RowKey::within(Kind::Entry, calendar, &id);
                let row = self.as_written("entries.create", key, &row_key).await?;
                let row = row.ok_or_else(|| Error::not_found("such entry"))?;
                return Ok(self.typed(&row)?);
            }
            Keyed::Free(free) => free,
        };
        let id = self.new_id();
        let mut content = content.clone();
        if content.uid.is_empty() {
            content.uid.clone_from(&id);
        }
        let row_key = RowKey::within(Kind::Entry, calendar, &id);
        let entry = self.checked(content).await?;
        let write = Write::of(row_key, None, &entry)?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![free.used_for(&id)?, write])?;
        self.known_entry(calendar, &id).await
    }

    /// One entry of a calendar. Needs `calendars: read`.
    pub async fn entry(&mut self, calendar: &str, id: &str) -> Result<View<StoredEntry>, Error> {
        self.require_calendar(calendar, CalendarOperation::Read)?;
        let found = self.known_entry(calendar, id).await?;
        self.hand_out(1)?;
        Ok(found)
    }

    /// Replaces an entry. Its UID stays what it is. Needs `calendars: update`.
    pub async fn update_entry(
        &mut self,
        calendar: &str,
        id: &str,
        expected: Option<&str>,
        content: &EntryContent,
    ) -> Result<View<StoredEntry>, Error> {
        self.require_calendar(calendar, CalendarOperation::Update)?;
        let row = self.entry_row(calendar, id).await?;
        self.expect_revision(&row, expected)?;
        let there: StoredEntry = row.decode()?;
        let mut content = content.clone();
        if content.uid.is_empty() {
            content.uid.clone_from(&there.content.uid);
        }
        if content.uid != there.content.uid {
            return Err(Error::invalid(
                "out-of-range",
                "/uid",
                "an entry keeps its UID for ever",
            ));
        }
        let entry = self.checked(content).await?;
        // Who says what is there already has not led to it.
        if entry.content != there.content {
            self.upsert(row.key, &entry).await?;
        }
        self.known_entry(calendar, id).await
    }

    /// Takes an entry out of its calendar, with all its occurrences. Needs `calendars: delete`.
    pub async fn remove_entry(
        &mut self,
        calendar: &str,
        id: &str,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        self.require_calendar(calendar, CalendarOperation::Delete)?;
        let row = self.entry_row(calendar, id).await?;
        self.expect_revision(&row, expected)?;
        self.apply(vec![Write::removal(&row)])
    }

    /// Entries of a calendar by id: all of them, or those that may happen in a window. Needs `calendars: read`.
    pub async fn list_entries(
        &mut self,
        calendar: &str,
        window: Option<Window>,
        paging: &Paging,
    ) -> Result<Listed<StoredEntry>, Error> {
        self.require_calendar(calendar, CalendarOperation::Read)?;
        if window.is_some_and(|window| window.end_us < window.start_us) {
            let message = "a window ends no earlier than it starts";
            return Err(Error::invalid("out-of-range", "/window", message));
        }
        self.known_calendar(calendar).await?;
        let scope = entries_of(calendar, window)?;
        self.page(&scope, paging, |session, row| Ok(session.typed(row)?))
            .await
    }

    /// An entry as this session stores it, checked where that may take a while.
    async fn checked(&self, content: EntryContent) -> Result<StoredEntry, Error> {
        let entry = aside(move || stored(&content, &mut Budget::new(ENTRY_STEPS_MAX))).await??;
        Ok(StoredEntry {
            depth: self.context.depth,
            ..entry
        })
    }

    async fn known_entry(&mut self, calendar: &str, id: &str) -> Result<View<StoredEntry>, Error> {
        let row = self.entry_row(calendar, id).await?;
        Ok(self.typed(&row)?)
    }

    async fn entry_row(&mut self, calendar: &str, id: &str) -> Result<Row, Error> {
        self.known_calendar(calendar).await?;
        let key = key_of(Kind::Entry, calendar, id, "such entry")?;
        let row = self.load(&key).await?;
        row.ok_or_else(|| Error::not_found("such entry"))
    }
}

/// An entry as it will be stored.
pub(crate) fn stored(content: &EntryContent, budget: &mut Budget) -> Result<StoredEntry, Error> {
    let entry = content.read().map_err(Error::Invalid)?;
    let stored = budget.lend(ENTRY_STEPS_MAX, |budget| StoredEntry::new(&entry, budget));
    stored.map_err(|error| fault(&error, ""))
}

/// A fault of a schedule as one of the input.
pub(crate) fn fault(error: &ScheduleError, pointer: &str) -> Error {
    Error::invalid(calendar::code(error), pointer, error.to_string())
}

/// The listing of a calendar's entries: with a window, those whose occurrences may begin in it or last into it.
pub(crate) fn entries_of(calendar: &str, window: Option<Window>) -> Result<Scope, Error> {
    let mut scope = Scope::all(Kind::Entry, calendar);
    let Some(window) = window else {
        return Ok(scope);
    };
    let seconds = |at_us: i64| Value::from(at_us.div_euclid(SECOND_US));
    for field in fields_of(Kind::Entry) {
        let condition = match field.name.as_str() {
            "first" => Condition::new(&field, Comparison::LessOrEqual, &[seconds(window.end_us)])?,
            "last" => {
                let start = [seconds(window.start_us)];
                let mut ends = Condition::new(&field, Comparison::GreaterOrEqual, &start)?;
                let endless = Condition::new(&field, Comparison::Missing, &[])?;
                ends.ranges.extend(endless.ranges);
                ends
            }
            _ => continue,
        };
        scope.conditions.push(condition);
    }
    Ok(scope)
}
