//! A draft: everything that a run, or a person, read and would change.
//!
//! Preview, review, the committer and tests all look at this one value. It never touches a database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    index::{Condition, IndexEntry, OrderKey, key_of},
    row::{Kind, RowKey, Seq},
};

/// A value that must be unique within its space, such as an invoice number within a series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Names the rule: "record/parties/email", "invoice-number/ENTITY", ...
    pub space: String,
    /// The value, as text.
    pub value: String,
}

/// The new image of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which row.
    pub key: RowKey,
    /// The revision that the change was made from; 0 makes a row.
    pub previous: Seq,
    /// The new image; none removes the row.
    pub body: Option<Arc<Value>>,
    /// The new image's index entries.
    pub index: Vec<IndexEntry>,
    /// The new image's unique values.
    pub unique: Vec<UniqueKey>,
}

/// What a listing depended on: its conditions and how far it read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Listing {
    /// The kind listed.
    pub kind: Kind,
    /// The collection listed.
    pub collection: Arc<str>,
    /// All of them had to hold.
    pub conditions: Vec<Condition>,
    /// Field of the order; none is by id.
    pub order: Option<String>,
    /// Descending instead of ascending.
    pub direction: Direction,
    /// The last row of a full page: rows beyond it were not looked at. None: the listing was read to its end.
    pub until: Option<Position>,
}

/// Which way a listing runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A place in a listing's total order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The order field's key; empty when the order is by id.
    pub key: OrderKey,
    /// The row's id.
    pub id: Arc<str>,
}

impl Listing {
    /// Whether a row of these index entries is part of what the listing looked at.
    pub fn covers(&self, key: &RowKey, entries: &[IndexEntry]) -> bool {
        if key.kind != self.kind || key.collection != self.collection {
            return false;
        }
        let within = self.until.as_ref().is_none_or(|until| {
            let place = self.position(key, entries);
            match self.direction {
                Direction::Ascending => place <= *until,
                Direction::Descending => place >= *until,
            }
        });
        within
            && self
                .conditions
                .iter()
                .all(|condition| condition.matches(entries))
    }

    /// The same listing, as if all of it had been looked at.
    fn to_its_end(&self) -> Self {
        Self {
            until: None,
            ..self.clone()
        }
    }

    /// Whether it was looked at as far as the same one was another time.
    fn reaches(&self, other: &Self) -> bool {
        match (&self.until, &other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(until), Some(other)) => match self.direction {
                Direction::Ascending => other <= until,
                Direction::Descending => other >= until,
            },
        }
    }

    /// Where a row stands in this listing.
    pub fn position(&self, key: &RowKey, entries: &[IndexEntry]) -> Position {
        let order = self
            .order
            .as_ref()
            .map_or_else(Vec::new, |field| key_of(entries, field).to_vec());
        Position {
            key: order,
            id: key.id.clone(),
        }
    }
}

/// Issues a draft invoice at commit: its number comes from the series then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the date of issue is called issue date (BT-2)"
)]
pub struct Issue {
    /// The invoice, which is among the changes.
    pub invoice: Arc<str>,
    /// The series' code, such as "INV".
    pub series: String,
    /// None: the commit's business date.
    pub issue_date: Option<jiff::civil::Date>,
}

/// What was read, at which snapshot, and what would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredDraft")]
pub struct Draft {
    /// The snapshot's last commit.
    pub snapshot_seq: Seq,
    /// Rows read, with the revision seen; 0 is "absent".
    #[serde(with = "pairs")]
    rows_read: HashMap<RowKey, Seq>,
    /// Listings read, each once, as far as it was read.
    listings: Vec<Listing>,
    /// Where each of them is, however far it was read.
    #[serde(skip)]
    listed: HashMap<Listing, usize>,
    /// In the order of each row's first change.
    changes: Vec<Change>,
    #[serde(skip)]
    places: BTreeMap<RowKey, usize>,
    /// Invoices to number, in order.
    pub issues: Vec<Issue>,
}

/// A draft as it is stored: without what follows from the rest.
#[derive(Deserialize)]
struct StoredDraft {
    snapshot_seq: Seq,
    #[serde(with = "pairs")]
    rows_read: HashMap<RowKey, Seq>,
    listings: Vec<Listing>,
    changes: Vec<Change>,
    issues: Vec<Issue>,
}

impl From<StoredDraft> for Draft {
    fn from(stored: StoredDraft) -> Self {
        Self {
            snapshot_seq: stored.snapshot_seq,
            rows_read: stored.rows_read,
            listed: listed(&stored.listings),
            listings: stored.listings,
            places: places(&stored.changes),
            changes: stored.changes,
            issues: stored.issues,
        }
    }
}

/// Where each listing is.
fn listed(listings: &[Listing]) -> HashMap<Listing, usize> {
    let names = listings.iter().map(Listing::to_its_end);
    names.zip(0..).collect()
}

/// Where each row's change is.
fn places(changes: &[Change]) -> BTreeMap<RowKey, usize> {
    changes
        .iter()
        .enumerate()
        .map(|(place, change)| (change.key.clone(), place))
        .collect()
}

impl Draft {
    /// An empty draft on a snapshot.
    pub fn on(snapshot_seq: Seq) -> Self {
        Self {
            snapshot_seq,
            ..Self::default()
        }
    }

    /// Records that a row was read.
    pub fn read_row(&mut self, key: &RowKey, revision: Seq) {
        self.rows_read.entry(key.clone()).or_insert(revision);
    }

    /// Records that a listing was read, so far or farther than before.
    pub fn read_listing(&mut self, listing: Listing) {
        let place = *self
            .listed
            .entry(listing.to_its_end())
            .or_insert(self.listings.len());
        match self.listings.get_mut(place) {
            Some(there) if there.reaches(&listing) => {}
            Some(there) => *there = listing,
            None => self.listings.push(listing),
        }
    }

    /// Whether the draft depends on a row.
    pub fn has_read(&self, key: &RowKey) -> bool {
        self.rows_read.contains_key(key)
    }

    /// Rows that the draft depends on: those read, absent ones among them.
    pub fn rows_read_count(&self) -> usize {
        self.rows_read.len()
    }

    /// Rows read with the revision seen.
    pub fn rows_read(&self) -> impl Iterator<Item = (&RowKey, Seq)> {
        self.rows_read
            .iter()
            .map(|(key, revision)| (key, *revision))
    }

    /// Listings read.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// Changes, in the order in which their rows were first changed.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// This draft's change of a row, if it has one.
    pub fn change(&self, key: &RowKey) -> Option<&Change> {
        self.places
            .get(key)
            .and_then(|place| self.changes.get(*place))
    }

    /// Puts a row's new image in place of an earlier one of this draft. A row made and removed again leaves no change.
    pub fn put(&mut self, change: Change) {
        let made_and_gone = change.body.is_none() && change.previous == 0;
        match self.places.get(&change.key).copied() {
            Some(place) if made_and_gone => {
                self.changes.remove(place);
                self.places = places(&self.changes);
            }
            Some(place) => {
                if let Some(slot) = self.changes.get_mut(place) {
                    *slot = change;
                }
            }
            None if made_and_gone => {}
            None => {
                self.places.insert(change.key.clone(), self.changes.len());
                self.changes.push(change);
            }
        }
    }

    /// No change at all: nothing to check, nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Rows as keys do not fit into a JSON object: a list of pairs, sorted.
mod pairs {
    use super::{HashMap, RowKey, Seq};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(
        rows: &HashMap<RowKey, Seq>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort();
        sorted.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<HashMap<RowKey, Seq>, D::Error> {
        Ok(Vec::<(RowKey, Seq)>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_listing_is_one_however_often_it_is_read_and_as_far_as_it_was() {
        let read = |direction: Direction, until: Option<&str>| Listing {
            kind: Kind::Record,
            collection: Arc::from("c"),
            conditions: Vec::new(),
            order: None,
            direction,
            until: until.map(|id| Position {
                key: Vec::new(),
                id: Arc::from(id),
            }),
        };
        for (direction, near, far) in [
            (Direction::Ascending, "b", "m"),
            (Direction::Descending, "m", "b"),
        ] {
            let mut draft = Draft::on(7);
            for until in [Some(near), Some(far), Some(near)] {
                draft.read_listing(read(direction, until));
            }
            assert_eq!(draft.listings(), [read(direction, Some(far))]);
            let text = serde_json::to_string(&draft).expect("a draft is JSON");
            draft = serde_json::from_str(&text).expect("it was written a line above");
            for until in [None, Some(far)] {
                draft.read_listing(read(direction, until));
            }
            assert_eq!(draft.listings(), [read(direction, None)]);
            let other = match direction {
                Direction::Ascending => Direction::Descending,
                Direction::Descending => Direction::Ascending,
            };
            draft.read_listing(read(other, Some(near)));
            assert_eq!(draft.listings().len(), 2);
        }
    }

    #[test]
    fn a_draft_read_back_still_knows_its_changes() {
        let key = RowKey::within(Kind::Record, "c", "a");
        let change = |body: Value| Change {
            key: key.clone(),
            previous: 3,
            body: Some(Arc::new(body)),
            index: Vec::new(),
            unique: Vec::new(),
        };
        let mut draft = Draft::on(7);
        draft.read_row(&key, 3);
        draft.put(change(json!({"a": 1})));
        let text = serde_json::to_string(&draft).expect("a draft is JSON");
        let mut back: Draft = serde_json::from_str(&text).expect("it was written a line above");
        assert_eq!(back, draft);
        back.put(change(json!({"a": 2})));
        assert_eq!(back.changes(), [change(json!({"a": 2}))]);
    }
}
