//! The latest changes, kept in memory, so that a listing can be tested without asking the database again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bursar_domain::{
    derive::derive,
    draft::Listing,
    index::IndexEntry,
    office::Collection,
    row::{Kind, RowKey, Seq},
};

use crate::{
    adapter::{Tx, args},
    error::Error,
    snapshot::{parse, row_key},
    statements as sql,
};

/// Most changes kept. A listing from before them counts as stale, which costs one more execution and nothing else.
pub const RECENT_CHANGES_MAX: usize = 50_000;

/// One changed row: its index entries before and after; none is "no such row".
#[derive(Clone, Debug)]
pub(crate) struct RecentChange {
    pub seq: Seq,
    pub key: RowKey,
    pub before: Option<Vec<IndexEntry>>,
    pub after: Option<Vec<IndexEntry>>,
}

impl RecentChange {
    /// Whether the listing's answer could be another one since this change.
    pub(crate) fn touches(&self, listing: &Listing) -> bool {
        [&self.before, &self.after]
            .into_iter()
            .flatten()
            .any(|entries| listing.covers(&self.key, entries))
    }
}

/// Whether any of the changes touches the listing. Each comparison takes from the room as much as it may cost; when there
/// is no room left the answer is yes.
pub(crate) fn touched<'a>(
    mut changes: impl Iterator<Item = &'a RecentChange>,
    listing: &Listing,
    room: &mut usize,
) -> bool {
    let ranges = listing.conditions.iter().map(|test| test.ranges.len());
    let full = 1 + ranges.sum::<usize>();
    changes.any(|change| {
        let is_near =
            change.key.kind == listing.kind && change.key.collection == listing.collection;
        let cost = if is_near { full } else { 1 };
        let Some(less) = room.checked_sub(cost) else {
            return true;
        };
        *room = less;
        change.touches(listing)
    })
}

/// All changes after `from`, up to and including `head`.
#[derive(Default)]
pub(crate) struct Recent {
    from: Seq,
    head: Seq,
    kept: usize,
    groups: HashMap<(Kind, Arc<str>), VecDeque<RecentChange>>,
}

/// Seq, kind, collection, id, body after and before.
type MissedRow = (i64, String, String, String, Option<String>, Option<String>);

impl Recent {
    /// Fetches what other processes committed since.
    pub(crate) async fn catch_up(&mut self, tx: &mut Tx, head: Seq) -> Result<(), Error> {
        if self.head == head {
            return Ok(());
        }
        let limit = i64::try_from(RECENT_CHANGES_MAX).unwrap_or(i64::MAX);
        let is_far = self.head == 0 || head.saturating_sub(self.head) > 1_000;
        let missed: Vec<MissedRow> = if is_far {
            Vec::new()
        } else {
            tx.all(&sql::CHANGES_SINCE, args![self.head, limit]).await?
        };
        if is_far || missed.len() >= RECENT_CHANGES_MAX {
            *self = Self {
                from: head,
                head,
                ..Self::default()
            };
            return Ok(());
        }
        let mut definitions: HashMap<String, Option<Collection>> = HashMap::new();
        for (seq, kind, collection, id, after, before) in missed {
            let key = row_key(&kind, &collection, &id)?;
            if key.kind == Kind::Record && !definitions.contains_key(&collection) {
                let body: Option<(String,)> = tx
                    .find(
                        &sql::IMAGE_BODY,
                        args![Kind::Collection.as_str(), collection.as_str()],
                    )
                    .await?;
                let definition = body.and_then(|(body,)| serde_json::from_str(&body).ok());
                definitions.insert(collection.clone(), definition);
            }
            let definition = definitions.get(&collection).and_then(Option::as_ref);
            let entries = |body: Option<String>| -> Result<Option<Vec<IndexEntry>>, Error> {
                let Some(body) = body else { return Ok(None) };
                Ok(Some(
                    derive(&key, parse(&body)?.as_ref(), definition)
                        .unwrap_or_default()
                        .index,
                ))
            };
            let (before, after) = (entries(before)?, entries(after)?);
            self.push(RecentChange {
                seq,
                key,
                before,
                after,
            });
        }
        self.head = head;
        Ok(())
    }

    /// Adds what this process committed.
    pub(crate) fn extend(&mut self, changes: Vec<RecentChange>, head: Seq) {
        for change in changes {
            self.push(change);
        }
        self.head = head;
    }

    fn push(&mut self, change: RecentChange) {
        if self.kept >= RECENT_CHANGES_MAX {
            // Half of the window goes at once: simple, and rare.
            let newest_dropped = self.from.midpoint(change.seq);
            self.groups.retain(|_, group| {
                group.retain(|kept| kept.seq > newest_dropped);
                !group.is_empty()
            });
            self.kept = self.groups.values().map(VecDeque::len).sum();
            self.from = newest_dropped;
            if self.kept >= RECENT_CHANGES_MAX {
                // One commit fills the window: none of it helps.
                self.groups.clear();
                self.kept = 0;
                self.from = change.seq;
            }
        }
        self.kept += 1;
        self.groups
            .entry((change.key.kind, change.key.collection.clone()))
            .or_default()
            .push_back(change);
    }

    /// Whether a listing read at `since` could give another answer now; see [`touched`].
    pub(crate) fn is_stale(&self, listing: &Listing, since: Seq, room: &mut usize) -> bool {
        if since < self.from {
            return true;
        }
        let group = self.groups.get(&(listing.kind, listing.collection.clone()));
        group.is_some_and(|group| {
            let newer = group.iter().rev().take_while(|change| change.seq > since);
            touched(newer, listing, room)
        })
    }
}

#[cfg(test)]
mod tests {
    use bursar_domain::draft::Direction;

    use super::*;

    fn change(collection: &str) -> RecentChange {
        RecentChange {
            seq: 1,
            key: RowKey::within(Kind::Record, collection, "a"),
            before: None,
            after: Some(Vec::new()),
        }
    }

    #[test]
    fn a_comparison_that_there_is_no_room_for_counts_as_touching() {
        let listing = Listing {
            kind: Kind::Record,
            collection: Arc::from("here"),
            conditions: Vec::new(),
            order: None,
            direction: Direction::Ascending,
            until: None,
        };
        let elsewhere = vec![change("elsewhere"); 3];
        for (room, expected, left) in [(4, false, 1), (3, false, 0), (2, true, 0)] {
            let mut room = room;
            assert_eq!(touched(elsewhere.iter(), &listing, &mut room), expected);
            assert_eq!(room, left);
        }
        let here = [change("here")];
        assert!(touched(here.iter(), &listing, &mut 10));
    }
}
