//! Reading: one consistent state of everything, now or as of an earlier commit.

mod sums;
mod walk;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use bursar_domain::{
    derive::{Derived, derive, rows_of_space},
    draft::{Direction, Position, UniqueKey},
    index::{Condition, IndexEntry, key_of},
    office::Collection,
    row::{Kind, Row, RowKey, Seq},
};
use serde_json::Value;
use walk::{Walk, is_point};

use crate::{
    Database,
    adapter::{Arg, Pools, Tx, args},
    error::Error,
    statements as sql,
};

/// Most rows that a selective condition may name before a listing rather walks along its order.
const CANDIDATES_MAX: usize = 2_000;
/// Rows fetched at a time while a listing filters.
const SCAN_ROWS: std::ops::RangeInclusive<usize> = 64..=1_000;

/// What to list: all conditions must hold.
#[derive(Clone, Debug)]
pub struct Query {
    /// The kind.
    pub kind: Kind,
    /// The collection, "" for kinds that have none.
    pub collection: Arc<str>,
    /// Tests of indexed fields.
    pub conditions: Vec<Condition>,
    /// An indexed field; none is by id. Ties are by id.
    pub order: Option<String>,
    /// Which way.
    pub direction: Direction,
    /// Continue behind this place.
    pub after: Option<Position>,
    /// Most rows to give.
    pub limit: usize,
}

/// Part of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    /// Rows with their places.
    pub rows: Vec<(Position, Row)>,
    /// Nothing follows.
    pub is_last: bool,
}

/// A consistent state, pinned by its first read. Dropped, it ends.
pub struct Snapshot {
    pools: Pools,
    at: Option<Seq>,
    open: Option<(Tx, Seq)>,
}

type ImageRow = (String, String, String, i64, i64, i64, String);

impl Database {
    /// Those of the rows that exist now, in any order: for whoever reads nothing else. Beyond 1,024 they may be of several
    /// states.
    pub async fn look(&self, keys: &[RowKey]) -> Result<Vec<Row>, Error> {
        let known = keys.iter().filter(|key| !has_nul(key));
        let keys = known.map(key_args).collect();
        let mut tx = self.pools.looking().await?;
        let images: Vec<ImageRow> = tx.all_of(&sql::GET, keys).await?;
        images.into_iter().map(image_row).collect()
    }
}

impl Snapshot {
    pub(crate) fn new(pools: Pools, at: Option<Seq>) -> Self {
        Self {
            pools,
            at,
            open: None,
        }
    }

    async fn tx(&mut self) -> Result<&mut Tx, Error> {
        if self.open.is_none() {
            // Whoever looks at the past may be looking at the present too.
            let mut tx = match self.at {
                Some(_) => self.pools.beside().await?,
                None => self.pools.reading().await?,
            };
            // The first statement pins the snapshot; the head's seq names it.
            let (head, _, _): (i64, i64, Vec<u8>) = tx.one(&sql::HEAD, args![]).await?;
            self.open = Some((tx, head));
        }
        self.open.as_mut().map(|(tx, _)| tx).ok_or(Error::Closed)
    }

    /// The last commit that this state holds.
    pub async fn seq(&mut self) -> Result<Seq, Error> {
        self.tx().await?;
        let head = self.open.as_ref().map_or(0, |(_, seq)| *seq);
        Ok(self.at.map_or(head, |at| at.min(head)))
    }

    /// One row.
    pub async fn get(&mut self, key: &RowKey) -> Result<Option<Row>, Error> {
        Ok(self.get_many(std::slice::from_ref(key)).await?.pop())
    }

    /// Those of the rows that exist, in the order asked.
    pub async fn get_many(&mut self, keys: &[RowKey]) -> Result<Vec<Row>, Error> {
        if self.at.is_some() {
            return self.get_as_of(keys).await;
        }
        let mut found: HashMap<RowKey, Row> = HashMap::with_capacity(keys.len());
        let known = keys.iter().filter(|key| !has_nul(key));
        for image in self.images(known.map(key_args).collect()).await? {
            let row = image_row(image)?;
            found.insert(row.key.clone(), row);
        }
        Ok(keys
            .iter()
            .filter_map(|key| found.get(key).cloned())
            .collect())
    }

    /// Images by key. A snapshot's first read brings the head along: most runs read little, and each round trip counts.
    async fn images(&mut self, keys: Vec<Vec<Arg>>) -> Result<Vec<ImageRow>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        if let Some((tx, _)) = &mut self.open {
            return tx.all_of(&sql::GET, keys).await;
        }
        let mut tx = self.pools.reading().await?;
        let mut found: Vec<ImageRow> = tx.all_of(&sql::GET_WITH_HEAD, keys).await?;
        let heads = found.extract_if(.., |(kind, ..)| kind.is_empty());
        let (_, _, _, head, ..) = heads.last().ok_or_else(no_head)?;
        self.open = Some((tx, head));
        Ok(found)
    }

    async fn get_as_of(&mut self, keys: &[RowKey]) -> Result<Vec<Row>, Error> {
        let seq = self.seq().await?;
        let mut rows = Vec::new();
        for key in keys.iter().filter(|key| !has_nul(key)) {
            let args = args![key.kind.as_str(), &*key.collection, &*key.id, seq];
            let found: Option<(i64, Option<i64>, Option<String>)> =
                self.tx().await?.find(&sql::GET_AS_OF, args).await?;
            if let Some((revision, made, Some(body))) = found {
                let created_us = self.commit_time(made.unwrap_or(revision)).await?;
                let updated_us = self.commit_time(revision).await?;
                rows.push(Row {
                    key: key.clone(),
                    revision,
                    created_us,
                    updated_us,
                    body: parse(&body)?,
                });
            }
        }
        Ok(rows)
    }

    async fn commit_time(&mut self, seq: Seq) -> Result<i64, Error> {
        let found: Option<(i64,)> = self.tx().await?.find(&sql::COMMIT_TIME, args![seq]).await?;
        Ok(found.map_or(0, |(at_us,)| at_us))
    }

    /// The row that holds a unique value.
    pub async fn find_unique(&mut self, space: &str, value: &str) -> Result<Option<RowKey>, Error> {
        if space.contains('\0') || value.contains('\0') {
            return Ok(None);
        }
        if self.at.is_some() {
            return self.find_unique_as_of(space, value).await;
        }
        let found: Option<(String, String, String)> = self
            .tx()
            .await?
            .find(&sql::FIND_UNIQUE, args![space, value])
            .await?;
        found
            .map(|(kind, collection, id)| row_key(&kind, &collection, &id))
            .transpose()
    }

    /// The rows that hold unique values; free values are left out.
    pub async fn find_uniques(
        &mut self,
        values: &[UniqueKey],
    ) -> Result<HashMap<UniqueKey, RowKey>, Error> {
        let mut found = HashMap::with_capacity(values.len());
        if self.at.is_some() {
            for value in values {
                let holder = self.find_unique(&value.space, &value.value).await?;
                found.extend(holder.map(|key| (value.clone(), key)));
            }
            return Ok(found);
        }
        let storable =
            |value: &&UniqueKey| !value.space.contains('\0') && !value.value.contains('\0');
        let asked = values.iter().filter(storable);
        let asked = asked.map(|value| args![value.space.as_str(), value.value.as_str()]);
        let rows: Vec<(String, String, String, String, String)> = self
            .tx()
            .await?
            .all_of(&sql::UNIQUE_TAKEN, asked.collect())
            .await?;
        for (space, value, kind, collection, id) in rows {
            found.insert(
                UniqueKey { space, value },
                row_key(&kind, &collection, &id)?,
            );
        }
        Ok(found)
    }

    async fn find_unique_as_of(
        &mut self,
        space: &str,
        value: &str,
    ) -> Result<Option<RowKey>, Error> {
        let Some((kind, collection)) = rows_of_space(space) else {
            return Ok(None);
        };
        let rows = self.all_as_of(kind, collection).await?;
        let holds = |derived: &Derived| {
            derived
                .unique
                .iter()
                .any(|unique| unique.space == space && unique.value == value)
        };
        Ok(rows
            .into_iter()
            .find(|(_, derived)| holds(derived))
            .map(|(row, _)| row.key))
    }

    /// Part of a listing, in its order.
    pub async fn list(&mut self, query: &Query) -> Result<Page, Error> {
        if query
            .conditions
            .iter()
            .any(|condition| condition.ranges.is_empty())
        {
            return Ok(Page {
                rows: Vec::new(),
                is_last: true,
            });
        }
        if self.at.is_some() {
            let rows = self.all_as_of(query.kind, &query.collection).await?;
            let rows = rows.into_iter().map(|(row, derived)| (row, derived.index));
            return Ok(select(query, rows.collect()));
        }
        match self.candidates(query).await? {
            Some(ids) => {
                let keys: Vec<_> = ids
                    .iter()
                    .map(|id| RowKey::within(query.kind, &query.collection, id))
                    .collect();
                let rows = self.get_many(&keys).await?;
                let rows = self.with_entries(rows).await?;
                Ok(select(query, rows))
            }
            None => self.walk(query).await,
        }
    }

    /// Ids that a selective condition leaves, if there are few.
    async fn candidates(&mut self, query: &Query) -> Result<Option<Vec<String>>, Error> {
        let driving = Walk::of(query).field;
        let selective = query.conditions.iter().find(|condition| {
            Some(&condition.field) != driving.as_ref() && condition.ranges.iter().all(is_point)
        });
        let Some(condition) = selective else {
            return Ok(None);
        };
        let mut ids: Vec<String> = Vec::new();
        for range in &condition.ranges {
            let room = CANDIDATES_MAX.saturating_sub(ids.len()) + 1;
            let args = args![
                query.kind.as_str(),
                &*query.collection,
                condition.field.as_str(),
                range.start.as_slice(),
                range.end.as_slice(),
                i64::try_from(room).unwrap_or(i64::MAX)
            ];
            let found: Vec<(String,)> = self.tx().await?.all(&sql::IDS_IN_RANGE, args).await?;
            ids.extend(found.into_iter().map(|(id,)| id));
            if ids.len() > CANDIDATES_MAX {
                return Ok(None);
            }
        }
        Ok(Some(ids))
    }

    /// Walks along the order, filtering, until the page is full or the end is reached.
    async fn walk(&mut self, query: &Query) -> Result<Page, Error> {
        let mut walk = Walk::of(query);
        // The first condition on the walk's field is what it walks along; all others filter.
        let walked = query
            .conditions
            .iter()
            .filter(|condition| Some(&condition.field) == walk.field.as_ref())
            .count()
            .min(1);
        let filters = query.conditions.len() - walked;
        let mut rows: Vec<(Position, Row)> = Vec::new();
        while rows.len() <= query.limit && !walk.is_done() {
            let wanted = query.limit.saturating_sub(rows.len()).saturating_add(1);
            let size = if filters == 0 {
                wanted
            } else {
                wanted.clamp(*SCAN_ROWS.start(), *SCAN_ROWS.end())
            };
            let listed = walk.step(self.tx().await?, query, size).await?;
            if filters == 0 {
                rows.extend(listed);
                continue;
            }
            let (positions, images): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
            let passing = self.with_entries(images).await?;
            for (position, (row, entries)) in positions.into_iter().zip(passing) {
                if query
                    .conditions
                    .iter()
                    .all(|condition| condition.matches(&entries))
                {
                    rows.push((position, row));
                }
            }
        }
        let is_last = rows.len() <= query.limit;
        rows.truncate(query.limit);
        Ok(Page { rows, is_last })
    }

    async fn with_entries(&mut self, rows: Vec<Row>) -> Result<Vec<(Row, Vec<IndexEntry>)>, Error> {
        let keys: Vec<&RowKey> = rows.iter().map(|row| &row.key).collect();
        let mut entries = entries_of(self.tx().await?, &keys).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let found = entries.remove(&row.key).unwrap_or_default();
                (row, found)
            })
            .collect())
    }

    async fn all_as_of(
        &mut self,
        kind: Kind,
        collection: &str,
    ) -> Result<Vec<(Row, Derived)>, Error> {
        let seq = self.seq().await?;
        let definition = match kind {
            Kind::Record => self
                .get(&RowKey::of(Kind::Collection, collection))
                .await?
                .and_then(|row| row.decode::<Collection>().ok()),
            _ => None,
        };
        let args = args![kind.as_str(), collection, seq];
        let listed: Vec<(String, i64, i64, i64, String)> =
            self.tx().await?.all(&sql::ALL_AS_OF, args).await?;
        let mut rows = Vec::new();
        for (id, revision, created_us, updated_us, body) in listed {
            let key = RowKey::within(kind, collection, &id);
            let body = parse(&body)?;
            let derived = derive(&key, &body, definition.as_ref()).unwrap_or_default();
            rows.push((
                Row {
                    key,
                    revision,
                    created_us,
                    updated_us,
                    body,
                },
                derived,
            ));
        }
        Ok(rows)
    }
}

/// Filters, sorts and cuts rows that are all at hand.
fn select(query: &Query, rows: Vec<(Row, Vec<IndexEntry>)>) -> Page {
    let place = |row: &Row, entries: &[IndexEntry]| Position {
        key: query
            .order
            .as_ref()
            .map_or_else(Vec::new, |field| key_of(entries, field).to_vec()),
        id: row.key.id.clone(),
    };
    let passes = |entries: &[IndexEntry]| {
        query
            .conditions
            .iter()
            .all(|condition| condition.matches(entries))
    };
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|(_, entries)| passes(entries))
        .map(|(row, entries)| (place(&row, &entries), row))
        .collect();
    rows.sort_by(|(a, _), (b, _)| match query.direction {
        Direction::Ascending => a.cmp(b),
        Direction::Descending => b.cmp(a),
    });
    if let Some(after) = &query.after {
        rows.retain(|(position, _)| match query.direction {
            Direction::Ascending => position > after,
            Direction::Descending => position < after,
        });
    }
    let is_last = rows.len() <= query.limit;
    rows.truncate(query.limit);
    Page { rows, is_last }
}

fn no_head() -> Error {
    Error::Corrupt("the log has no head".to_owned())
}

fn image_row(image: ImageRow) -> Result<Row, Error> {
    let (kind, collection, id, revision, created_us, updated_us, body) = image;
    Ok(Row {
        key: row_key(&kind, &collection, &id)?,
        revision,
        created_us,
        updated_us,
        body: parse(&body)?,
    })
}

/// The index entries of rows that have some, by row.
async fn entries_of(
    tx: &mut Tx,
    keys: &[&RowKey],
) -> Result<HashMap<RowKey, Vec<IndexEntry>>, Error> {
    let rows = tx.all_of(&sql::ENTRIES_OF, placed(keys)).await?;
    entries_at(keys, rows)
}

/// As rows of [`sql::ENTRIES_OF`] say.
pub(crate) fn entries_at(
    keys: &[&RowKey],
    rows: Vec<(i64, String, Vec<u8>)>,
) -> Result<HashMap<RowKey, Vec<IndexEntry>>, Error> {
    let mut found: HashMap<RowKey, Vec<IndexEntry>> = HashMap::with_capacity(keys.len());
    for (place, field, key) in rows {
        let row = *at_place(keys, place)?;
        let entry = IndexEntry { field, key };
        match found.get_mut(row) {
            Some(entries) => entries.push(entry),
            None => drop(found.insert(row.clone(), vec![entry])),
        }
    }
    Ok(found)
}

/// Keys with their places: an answer that names the place need not repeat the key.
pub(crate) fn placed(keys: &[&RowKey]) -> Vec<Vec<Arg>> {
    let placed = |(place, key): (i64, &&RowKey)| {
        args![
            place,
            kind_text(key.kind),
            key.collection.clone(),
            key.id.clone()
        ]
    };
    (0..).zip(keys).map(placed).collect()
}

/// What an answer's place means.
pub(crate) fn at_place<T>(keys: &[T], place: i64) -> Result<&T, Error> {
    let found = usize::try_from(place).ok().and_then(|at| keys.get(at));
    found.ok_or_else(|| Error::Corrupt("the database answered what was not asked".to_owned()))
}

/// No row has such a key, and PostgreSQL cannot be asked for one.
pub(crate) fn has_nul(key: &RowKey) -> bool {
    key.collection.contains('\0') || key.id.contains('\0')
}

pub(crate) fn key_args(key: &RowKey) -> Vec<Arg> {
    args![kind_text(key.kind), key.collection.clone(), key.id.clone()]
}

/// A kind's name, made once: keys are what is bound most.
pub(crate) fn kind_text(kind: Kind) -> Arc<str> {
    static NAMES: OnceLock<HashMap<Kind, Arc<str>>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let named = |kind: &Kind| (*kind, Arc::from(kind.as_str()));
        Kind::ALL.iter().map(named).collect()
    });
    names
        .get(&kind)
        .map_or_else(|| Arc::from(kind.as_str()), Arc::clone)
}

pub(crate) fn row_key(kind: &str, collection: &str, id: &str) -> Result<RowKey, Error> {
    let kind = Kind::find(kind).ok_or_else(|| Error::Corrupt(format!("unknown kind {kind:?}")))?;
    Ok(RowKey::within(kind, collection, id))
}

pub(crate) fn parse(body: &str) -> Result<Arc<Value>, Error> {
    serde_json::from_str(body)
        .map(Arc::new)
        .map_err(|error| Error::Corrupt(format!("a stored body is not JSON: {error}")))
}
