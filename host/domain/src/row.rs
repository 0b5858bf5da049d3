//! Rows: the one shape in which everything is stored, read, changed and logged.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Sequence number of a commit; a row's revision is the one of the commit that wrote it, 0 says "absent".
pub type Seq = i64;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What a row is. The text is the one in the log, in SQL and in JSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind { $($(#[$doc])* #[serde(rename = $text)] $name),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// The kind's name in the log and in SQL.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $text),* }
            }

            /// The kind of that name.
            pub fn find(text: &str) -> Option<Kind> {
                match text { $($text => Some(Kind::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A legal entity: zone, base currency, series, lock date.
    Entity = "entity",
    /// A department.
    Department = "department",
    /// A collection's definition: schema, indexed fields, unique keys.
    Collection = "collection",
    /// A record of a collection.
    Record = "record",
    /// What keeps a record from being deleted.
    Hold = "hold",
    /// A business calendar: which days are open.
    BusinessCalendar = "business-calendar",
    /// A calendar that holds entries.
    Calendar = "calendar",
    /// An entry of a calendar: an event, task, reminder or shift.
    Entry = "entry",
    /// An invoice or credit note, receivable or payable.
    Invoice = "invoice",
    /// A payment or its reversal.
    Payment = "payment",
    /// A part of a payment, credit note or write-off that settles one invoice.
    Allocation = "allocation",
    /// A number series of one legal entity and fiscal year.
    Series = "series",
    /// A folder of documents: whose it is, and whether files come from the disk or go there.
    Folder = "folder",
    /// A document's description; its bytes are a blob.
    Document = "document",
    /// A question to a person.
    Task = "task",
    /// A text for mail with places for data.
    Template = "template",
    /// An outgoing message; the outbox is its projection.
    Message = "message",
    /// An automation's own key-value state.
    State = "state",
    /// A used effect key.
    Effect = "effect",
    /// An installed plugin version; its bytes are a blob.
    Plugin = "plugin",
    /// A plugin enabled in a department.
    Automation = "automation",
    /// How far a timer has fired.
    Timer = "timer",
    /// A queued run with its event; the run queue is its projection.
    Run = "run",
    /// The end of a run that changed nothing: failed, held or shadowed.
    Notice = "notice",
    /// Switches of the whole organisation, such as the stop.
    Control = "control",
    /// An access token of the HTTP API.
    Token = "token",
}

impl Kind {
    /// Kinds whose current state is a queue table of its own instead of a row.
    pub const fn is_queued(self) -> bool {
        matches!(self, Kind::Run | Kind::Message)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Names one row for ever. `collection` is "" for kinds that have none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    /// What the row is.
    pub kind: Kind,
    /// The group within the kind: a record's collection, an entry's calendar, a series' legal entity, a state's automation.
    pub collection: Arc<str>,
    /// The row's id within (kind, collection).
    pub id: Arc<str>,
}

impl RowKey {
    /// A key of a kind that has no collections.
    pub fn of(kind: Kind, id: &str) -> Self {
        Self {
            kind,
            collection: Arc::from(""),
            id: Arc::from(id),
        }
    }

    /// A key within a collection.
    pub fn within(kind: Kind, collection: &str, id: &str) -> Self {
        Self {
            kind,
            collection: Arc::from(collection),
            id: Arc::from(id),
        }
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.collection.is_empty() {
            write!(formatter, "{}/{}", self.kind, self.id)
        } else {
            write!(formatter, "{}/{}/{}", self.kind, self.collection, self.id)
        }
    }
}

/// One row at one revision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which row.
    pub key: RowKey,
    /// The commit that wrote this image; 0 within the run that makes the row.
    pub revision: Seq,
    /// When the row was first written, in microseconds UTC.
    pub created_us: i64,
    /// When this image was written, in microseconds UTC.
    pub updated_us: i64,
    /// The image: a JSON object that is canonical when written as text.
    pub body: Arc<Value>,
}

impl Row {
    /// Reads the body as one of the stored shapes of [`crate::office`] and [`crate::invoice`].
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, Malformed> {
        T::deserialize(self.body.as_ref()).map_err(|source| Malformed {
            key: self.key.clone(),
            source,
        })
    }
}

/// A stored body is not of its kind's shape: the log was written by something else.
#[derive(Debug, thiserror::Error)]
#[error("the stored body of {key} is malformed")]
pub struct Malformed {
    key: RowKey,
    source: serde_json::Error,
}
