//! One row's new image on its way into the draft: canonical, indexed, and made from a known revision.

use std::{borrow::Cow, collections::HashMap};

use bursar_domain::{
    canonical::{self, CanonicalError, weight},
    derive::{Derived, derive},
    draft::UniqueKey,
    index::IndexEntry,
    office::Collection,
    problem::Problem,
    row::{Kind, Row, RowKey, Seq},
};
use serde::Serialize;
use serde_json::Value;

use crate::{error::Error, session::Session};

/// A row's new image; without a body the row is removed.
pub(crate) struct Write {
    pub key: RowKey,
    /// The revision of the image that it replaces; 0 makes a row.
    pub previous: Seq,
    /// When the row was made, if it was there before.
    pub created_us: Option<i64>,
    pub body: Option<Value>,
    /// What the body counts for: all of it, but for what the author does not see.
    pub weight: u64,
    pub index: Vec<IndexEntry>,
    pub unique: Vec<UniqueKey>,
}

impl Write {
    /// An image; records need their collection's definition. `base` is the row as it was loaded.
    pub(crate) fn new(
        key: RowKey,
        base: Option<&Row>,
        body: Value,
        definition: Option<&Collection>,
    ) -> Result<Self, Error> {
        canonical::to_text(&body).map_err(|error| problem_of(&error))?;
        let Derived { index, unique } = derive(&key, &body, definition).map_err(Error::Invalid)?;
        let (previous, created_us) =
            base.map_or((0, None), |row| (row.revision, Some(row.created_us)));
        Ok(Self {
            key,
            previous,
            created_us,
            weight: weight(&body),
            body: Some(body),
            index,
            unique,
        })
    }

    /// The same image, counted by what its author sees of it.
    pub(crate) fn seen_as(self, seen: impl FnOnce(&Value) -> Cow<'_, Value>) -> Self {
        Self {
            weight: self.body.as_ref().map_or(0, |body| weight(&seen(body))),
            ..self
        }
    }

    /// An image of one of the host's own shapes.
    pub(crate) fn of<T: Serialize>(
        key: RowKey,
        base: Option<&Row>,
        body: &T,
    ) -> Result<Self, Error> {
        Self::new(key, base, to_value(body)?, None)
    }

    /// Takes a row away.
    pub(crate) fn removal(row: &Row) -> Self {
        let key = row.key.clone();
        Self {
            key,
            previous: row.revision,
            created_us: Some(row.created_us),
            body: None,
            weight: 0,
            index: Vec::new(),
            unique: Vec::new(),
        }
    }
}

/// The JSON form of a stored shape.
pub(crate) fn to_value<T: Serialize>(body: &T) -> Result<Value, Error> {
    serde_json::to_value(body)
        .map_err(|error| Error::invalid("out-of-range", "", error.to_string()))
}

/// Why a value has no canonical form, as a problem of the input.
pub(crate) fn problem_of(error: &CanonicalError) -> Problem {
    let message = error.to_string();
    match error {
        CanonicalError::TooLarge => Problem::new("too-large", message),
        CanonicalError::TooDeep { pointer } => Problem::at("too-deep", pointer, message),
        CanonicalError::Syntax { .. } => Problem::new("not-json", message),
        CanonicalError::DuplicateKey { pointer } => Problem::at("duplicate", pointer, message),
        CanonicalError::Number { pointer } => Problem::at("out-of-range", pointer, message),
        CanonicalError::NulCharacter { pointer } => {
            Problem::at("control-character", pointer, message)
        }
    }
}

impl Session {
    /// Refuses unique values that another row holds, as far as the snapshot and the draft show it. The commit checks again.
    pub(crate) async fn refuse_taken(
        &mut self,
        key: &RowKey,
        unique: &[UniqueKey],
        code: &str,
    ) -> Result<(), Error> {
        for value in unique {
            if let Some(holder) = self.holder_of(value).await?.filter(|holder| holder != key) {
                self.load(&holder).await?;
                return Err(Error::conflict(code, format!("{:?} is taken", value.value)));
            }
        }
        Ok(())
    }

    pub(crate) async fn holder_of(&mut self, value: &UniqueKey) -> Result<Option<RowKey>, Error> {
        if let Some(key) = self.holders.get(value) {
            return Ok(Some(key.clone()));
        }
        self.pin().await?;
        let stored = self
            .snapshot
            .find_unique(&value.space, &value.value)
            .await?;
        Ok(stored.filter(|key| self.draft.change(key).is_none()))
    }

    /// Holders of many values at once, as [`Session::holder_of`]; free values are left out.
    pub(crate) async fn holders_of(
        &mut self,
        values: &[UniqueKey],
    ) -> Result<HashMap<UniqueKey, RowKey>, Error> {
        if values.is_empty() {
            return Ok(HashMap::new());
        }
        self.pin().await?;
        let mut found = self.snapshot.find_uniques(values).await?;
        found.retain(|_, key| self.draft.change(key).is_none());
        for value in values {
            if let Some(key) = self.holders.get(value) {
                found.insert(value.clone(), key.clone());
            }
        }
        Ok(found)
    }
}

/// Whether a row kind's id given from outside can name a row at all: 1 to 64 bytes of visible ASCII.
pub(crate) fn can_be_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The key of a row named from outside; what cannot be an id names no row.
pub(crate) fn key_of(kind: Kind, collection: &str, id: &str, noun: &str) -> Result<RowKey, Error> {
    if can_be_id(id) {
        Ok(RowKey::within(kind, collection, id))
    } else {
        Err(Error::not_found(noun))
    }
}
