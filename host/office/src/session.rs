//! A session: one caller's reads and the draft that they look through.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bursar_db::{Database, Snapshot};
use bursar_domain::{
    draft::{Change, Draft, Listing, UniqueKey},
    manifest::{Authority, Limits, Need},
    office::{Actor, LegalEntity},
    row::{Kind, Malformed, Row, RowKey},
    run::Usage,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{error::Error, write::Write};

/// Rows kept at hand so that reading one twice asks the database once.
const ROWS_KEPT_MAX: usize = 64;

/// In whose name, when and within which limits a session works.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who, as the log names it.
    pub actor: Actor,
    /// Whose effect keys these are: "automation:NAME" or "person:NAME".
    pub scope: String,
    /// The automation that works here; none for people.
    pub automation: Option<String>,
    /// How many runs led here, this one included: 0 for people and for the host itself.
    pub depth: u32,
    /// The legal entity whose dates and sender are used; "" for none.
    pub legal_entity_id: String,
    /// Its row as it was when the run was claimed.
    pub legal_entity: Option<LegalEntity>,
    /// What may be done.
    pub authority: Authority,
    /// The session's time, in microseconds UTC; it stands still.
    pub now_us: i64,
    /// Source of ids and randomness: the same seed gives the same draft.
    pub seed: [u8; 32],
    /// What may be used.
    pub limits: Limits,
}

impl Context {
    /// In the name of an administrator or of the host itself: everything is allowed, without limits.
    pub fn of_host(actor: Actor, scope: &str, now_us: i64, seed: [u8; 32]) -> Self {
        Self {
            actor,
            scope: scope.to_owned(),
            automation: None,
            depth: 0,
            legal_entity_id: String::new(),
            legal_entity: None,
            authority: Authority::Everything,
            now_us,
            seed,
            limits: Limits::unlimited(),
        }
    }
}

/// How a row must be for a change to be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// As it is, or absent.
    Anything,
    /// There.
    Present,
    /// Not there.
    Absent,
    /// There, at this revision.
    Revision(String),
}

/// One row as a session sees it, its own changes included.
#[derive(Clone, Debug, PartialEq)]
pub struct View<T> {
    /// The row's id.
    pub id: Arc<str>,
    /// Names this image for a later `expected`; opaque, equal as long as nothing changed.
    pub revision: String,
    /// When the row was first written, in microseconds UTC.
    pub created_us: i64,
    /// When this image was written, in microseconds UTC.
    pub updated_us: i64,
    /// What the row says.
    pub body: T,
    /// Members of a record that are above the session's clearance, there or not; they are not in the body.
    pub redacted: Vec<String>,
}

/// One caller's reads and the draft of its changes.
pub struct Session {
    pub(crate) database: Database,
    pub(crate) snapshot: Snapshot,
    pub(crate) draft: Draft,
    pub(crate) context: Context,
    pub(crate) usage: Usage,
    random: ChaCha20Rng,
    is_pinned: bool,
    kept: HashMap<RowKey, Option<Row>>,
    images: BTreeMap<RowKey, Image>,
    images_written: u64,
    /// Who holds the unique values of the draft's images.
    pub(crate) holders: HashMap<UniqueKey, RowKey>,
}

/// What the draft does not say of a row that it changes.
struct Image {
    ordinal: u64,
    created_us: i64,
}

impl Session {
    /// A session with an empty draft. Its snapshot is pinned at the first read.
    pub fn new(database: &Database, context: Context) -> Self {
        Self {
            database: database.clone(),
            snapshot: database.snapshot(),
            draft: Draft::default(),
            usage: Usage::default(),
            random: ChaCha20Rng::from_seed(context.seed),
            is_pinned: false,
            kept: HashMap::new(),
            images: BTreeMap::new(),
            images_written: 0,
            holders: HashMap::new(),
            context,
        }
    }

    /// In whose name, when and within which limits this session works.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What was read and would change so far.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// What was used so far: rows returned and changed, messages and tasks; the rest is the sandbox's.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// What was read and would change, and what it took.
    pub fn into_parts(self) -> (Draft, Usage) {
        let usage = Usage {
            rows_read: self.draft.rows_read_count() as u64,
            listings: self.draft.listings().len() as u64,
            ..self.usage
        };
        (self.draft, usage)
    }

    /// A number from the session's seed. Not for secrets.
    pub fn random_number(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// Bytes from the session's seed, at most 4096; more is cut. Not for secrets.
    pub fn random_bytes(&mut self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(4096)];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    /// A new row's id: a UUID of version 7 (RFC 9562) from the session's time and seed.
    pub(crate) fn new_id(&mut self) -> String {
        let mut entropy = [0; 10];
        self.random.fill_bytes(&mut entropy);
        let now_ms = u64::try_from(self.context.now_us / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(now_ms, &entropy)
            .into_uuid()
            .to_string()
    }

    /// Whether the authority grants the need.
    pub(crate) fn allows(&self, need: Need<'_>) -> bool {
        self.context.authority.allows(need)
    }

    /// Passes if the authority grants the need; `words` say what is missing.
    pub(crate) fn require(
        &self,
        need: Need<'_>,
        words: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        if self.allows(need) {
            Ok(())
        } else {
            Err(Error::denied(
                "not-granted",
                format!("not granted: {}", words()),
            ))
        }
    }

    /// Opens the snapshot if nothing was read yet, and notes in the draft which one it is.
    pub(crate) async fn pin(&mut self) -> Result<(), Error> {
        if !self.is_pinned {
            self.draft.snapshot_seq = self.snapshot.seq().await?;
            self.is_pinned = true;
        }
        Ok(())
    }

    /// A row as this session sees it, recorded as read. Its revision is the snapshot's, whatever the draft changed.
    pub(crate) async fn load(&mut self, key: &RowKey) -> Result<Option<Row>, Error> {
        if let Some(change) = self.draft.change(key) {
            return Ok(self.drafted(change));
        }
        if let Some(row) = self.kept.get(key) {
            return Ok(row.clone());
        }
        self.depend(std::slice::from_ref(key))?;
        let row = self.snapshot.get(key).await?;
        self.pin().await?;
        self.saw(key, row.clone());
        Ok(row)
    }

    /// Rows by key as this session sees them, each recorded as read; absent ones are left out, the order is the keys'.
    pub(crate) async fn load_many(&mut self, keys: &[RowKey]) -> Result<Vec<Row>, Error> {
        let missing: Vec<RowKey> = keys
            .iter()
            .filter(|key| self.draft.change(key).is_none() && !self.kept.contains_key(*key))
            .cloned()
            .collect();
        self.depend(&missing)?;
        let mut fetched: HashMap<RowKey, Row> = self
            .snapshot
            .get_many(&missing)
            .await?
            .into_iter()
            .map(|row| (row.key.clone(), row))
            .collect();
        self.pin().await?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let row = match (self.draft.change(key), self.kept.get(key)) {
                (Some(change), _) => self.drafted(change),
                (None, Some(row)) => row.clone(),
                (None, None) => fetched.get(key).cloned(),
            };
            rows.extend(row);
        }
        for key in missing {
            let row = fetched.remove(&key);
            self.saw(&key, row);
        }
        Ok(rows)
    }

    /// Reads rows that will be asked for, all in one trip. For administrators.
    pub async fn read_ahead(&mut self, keys: &[RowKey]) -> Result<(), Error> {
        self.require_administrator()?;
        self.load_many(keys).await.map(drop)
    }

    /// Counts rows that the draft is about to depend on.
    fn depend(&self, keys: &[RowKey]) -> Result<(), Error> {
        let fresh = keys.iter().filter(|key| !self.draft.has_read(key)).count();
        let used = self.draft.rows_read_count().saturating_add(fresh) as u64;
        within("rows_read_max", self.context.limits.rows_read_max, used)
    }

    /// Records a listing that the draft depends on.
    pub(crate) fn listed(&mut self, listing: Listing) -> Result<(), Error> {
        self.draft.read_listing(listing);
        let used = self.draft.listings().len() as u64;
        within("listings_max", self.context.limits.listings_max, used)
    }

    fn saw(&mut self, key: &RowKey, row: Option<Row>) {
        self.draft
            .read_row(key, row.as_ref().map_or(0, |row| row.revision));
        if self.kept.len() >= ROWS_KEPT_MAX {
            self.kept.clear();
        }
        self.kept.insert(key.clone(), row);
    }

    /// The image that the draft gives a row; none if it removes it.
    pub(crate) fn drafted(&self, change: &Change) -> Option<Row> {
        let created_us = self
            .images
            .get(&change.key)
            .map_or(self.context.now_us, |image| image.created_us);
        change.body.as_ref().map(|body| Row {
            key: change.key.clone(),
            revision: change.previous,
            created_us,
            updated_us: self.context.now_us,
            body: body.clone(),
        })
    }

    /// The caller's view of a row, its body as it is stored.
    pub(crate) fn view(&self, row: &Row) -> View<Arc<Value>> {
        self.view_of(row, row.body.clone())
    }

    /// The caller's view of a row of a known shape.
    pub(crate) fn typed<T: DeserializeOwned>(&self, row: &Row) -> Result<View<T>, Malformed> {
        Ok(self.view_of(row, row.decode()?))
    }

    fn view_of<T>(&self, row: &Row, body: T) -> View<T> {
        let revision = match self.images.get(&row.key) {
            Some(image) => format!("d{}", image.ordinal),
            None => row.revision.to_string(),
        };
        View {
            id: row.key.id.clone(),
            revision,
            created_us: row.created_us,
            updated_us: row.updated_us,
            body,
            redacted: Vec::new(),
        }
    }

    /// A row of a known shape, as this session sees it.
    pub(crate) async fn find<T: DeserializeOwned>(
        &mut self,
        key: &RowKey,
    ) -> Result<Option<(Row, T)>, Error> {
        match self.load(key).await? {
            Some(row) => {
                let body = row.decode()?;
                Ok(Some((row, body)))
            }
            None => Ok(None),
        }
    }

    /// Puts all writes into the draft, or none.
    pub(crate) fn apply(&mut self, writes: Vec<Write>) -> Result<(), Error> {
        let fresh: Vec<&Write> = writes
            .iter()
            .filter(|write| self.draft.change(&write.key).is_none())
            .collect();
        let count =
            |holds: fn(&Write) -> bool| fresh.iter().filter(|write| holds(write)).count() as u64;
        let used = Usage {
            rows_changed: self
                .usage
                .rows_changed
                .saturating_add(count(|write| write.key.kind != Kind::Effect)),
            messages: self
                .usage
                .messages
                .saturating_add(count(|write| write.key.kind == Kind::Message)),
            tasks: self.usage.tasks.saturating_add(count(|write| {
                write.key.kind == Kind::Task && write.previous == 0
            })),
            bytes_changed: writes
                .iter()
                .map(|write| write.weight)
                .fold(self.usage.bytes_changed, u64::saturating_add),
            ..self.usage.clone()
        };
        let limits = &self.context.limits;
        within(
            "rows_changed_max",
            limits.rows_changed_max,
            used.rows_changed,
        )?;
        within(
            "bytes_changed_max",
            limits.bytes_changed_max,
            used.bytes_changed,
        )?;
        within("messages_max", limits.messages_max, used.messages)?;
        within("tasks_max", limits.tasks_max, used.tasks)?;
        self.usage = used;
        for write in writes {
            self.put(write);
        }
        Ok(())
    }

    fn put(&mut self, write: Write) {
        let Write {
            key,
            mut previous,
            created_us,
            body,
            weight: _,
            index,
            unique,
        } = write;
        let mut created_us = created_us.unwrap_or(self.context.now_us);
        // A row that this draft removed and makes again is still the row of the snapshot.
        if let (Some(change), Some(image)) = (self.draft.change(&key), self.images.get(&key)) {
            previous = change.previous;
            created_us = image.created_us;
            for gone in &change.unique {
                self.holders.remove(gone);
            }
        }
        self.draft.read_row(&key, previous);
        self.images_written = self.images_written.saturating_add(1);
        let ordinal = self.images_written;
        self.images.insert(
            key.clone(),
            Image {
                ordinal,
                created_us,
            },
        );
        self.holders
            .extend(unique.iter().map(|value| (value.clone(), key.clone())));
        self.draft.put(Change {
            key,
            previous,
            body: body.map(Arc::new),
            index,
            unique,
        });
    }

    /// Counts rows that are about to be handed to the caller.
    pub(crate) fn hand_out(&mut self, rows: usize) -> Result<(), Error> {
        let used = self.usage.rows_returned.saturating_add(rows as u64);
        within(
            "rows_returned_max",
            self.context.limits.rows_returned_max,
            used,
        )?;
        self.usage.rows_returned = used;
        Ok(())
    }
}

pub(crate) fn within(limit: &'static str, allowed: u64, used: u64) -> Result<(), Error> {
    if used > allowed {
        Err(Error::Exhausted {
            limit,
            allowed,
            used,
        })
    } else {
        Ok(())
    }
}
