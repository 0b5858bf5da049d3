//! Reading calendars: entries, occurrences, busy time, slots.
//!
//! ```
//! use bursar_sdk::calendars::{self, hours};
//! use bursar_sdk::{Failure, Plugin, Run, Summary, clock};
//!
//! struct Ahead;
//!
//! impl Plugin for Ahead {
//!     fn run(_: &Run) -> Result<Summary, Failure> {
//!         let now = clock::now();
//!         let coming = calendars::occurrences(&["desk".to_owned()], hours(now, 24))?;
//!         let titles: Vec<&str> = coming.iter().map(|one| one.title.as_str()).collect();
//!         Ok(Summary::new(format!("coming up: {}", titles.join(", "))))
//!     }
//! }
//! ```

pub use crate::bindings::bursar::office::calendars::{
    Attendee, Listing, Occurrence, Shift, SlotSearch, Weekday, Whose, Window, WorkingHours,
    find_slots, free_busy, get, occurrences, search,
};
use crate::paging::Pages;
use crate::rows::{Entry, EntryContent};
use crate::types::{Error, Timestamp};

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// The window that begins at an instant and lasts so many hours.
pub fn hours(start: Timestamp, hours: u32) -> Window {
    Window {
        start,
        end: start.saturating_add(i64::from(hours).saturating_mul(HOUR_US)),
    }
}

impl EntryContent {
    /// What happens once: `kind` is "event", "task", "reminder" or "shift"; the host makes the UID.
    pub fn once(
        kind: impl Into<String>,
        title: impl Into<String>,
        start: impl Into<String>,
        length: impl Into<String>,
    ) -> Self {
        Self {
            uid: String::new(),
            kind: kind.into(),
            title: title.into(),
            notes: String::new(),
            attendees: Vec::new(),
            is_opaque: None,
            start: start.into(),
            length: length.into(),
            rules: Vec::new(),
            added: Vec::new(),
            excluded: Vec::new(),
            overrides: Vec::new(),
            extra: "{}".to_owned(),
        }
    }
}

/// All entries of a calendar, or those that may happen in a window, page by page.
pub fn all(calendar: &str, window: Option<Window>) -> impl Iterator<Item = Result<Entry, Error>> {
    Pages::new(move |page| search(calendar, window, page).map(|found| (found.items, found.next)))
}
