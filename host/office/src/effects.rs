//! Effect keys: the author's own names for what must happen once.
//!
//! A used key is a row whose id is the digest of (scope, operation, key), so that keys of one automation never meet those
//! of another. It is kept for ever and says with which input it was used and what came of it.

use bursar_domain::{
    canonical,
    log::sha256_hex,
    office::Effect,
    row::{Kind, Row, RowKey, Seq},
};
use serde_json::{Value, json};

use crate::{
    error::Error,
    input::check_key,
    session::Session,
    write::{Write, problem_of},
};

/// What is known of a key.
pub(crate) enum Keyed {
    /// It was used with this input: the id that came of it.
    Used(String),
    /// It is free: what to write, once there is a result.
    Free(FreeKey),
}

fn row_of(scope: &str, operation: &str, key: &str) -> RowKey {
    let name = json!([scope, operation, key]).to_string();
    RowKey::of(Kind::Effect, &sha256_hex(name.as_bytes()))
}

/// A key that nobody used yet.
pub(crate) struct FreeKey {
    row: RowKey,
    input_sha256: String,
}

impl FreeKey {
    /// Binds the key to its result.
    pub(crate) fn used_for(self, result: &str) -> Result<Write, Error> {
        let effect = Effect {
            input_sha256: self.input_sha256,
            result: result.to_owned(),
        };
        Write::of(self.row, None, &effect)
    }
}

/// A request of a client that may send it again: its own name for it, and a digest of all that it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The client's name for it, 1 to 200 bytes.
    pub key: String,
    /// Digest of what is asked: under the same key only the same can be asked again.
    pub sha256: String,
}

/// What came of a request when it was made first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The commit.
    pub seq: Seq,
    /// What it made or changed, in the words of whoever noted it.
    pub result: String,
}

impl Session {
    /// What came of a request, if it was made before. The same key for another request is a conflict.
    pub async fn earlier(&mut self, request: &Request) -> Result<Option<Earlier>, Error> {
        let found = self
            .effect("http", &request.key, &json!(request.sha256))
            .await?;
        let Keyed::Used(result) = found else {
            return Ok(None);
        };
        let key = self.effect_row("http", &request.key);
        let seq = self.load(&key).await?.map_or(0, |row| row.revision);
        Ok(Some(Earlier { seq, result }))
    }

    /// Notes what comes of a request, in the commit that does it.
    pub async fn note_request(&mut self, request: &Request, result: &str) -> Result<(), Error> {
        match self
            .effect("http", &request.key, &json!(request.sha256))
            .await?
        {
            Keyed::Used(_) => Ok(()),
            Keyed::Free(free) => self.apply(vec![free.used_for(result)?]),
        }
    }

    fn effect_row(&self, operation: &str, key: &str) -> RowKey {
        row_of(&self.context.scope, operation, key)
    }

    /// A row as it was when a key was used for it, whatever became of it since: for those who may write and not read. Gone if
    /// it was removed or erased since.
    pub(crate) async fn as_written(
        &mut self,
        operation: &str,
        key: &str,
        row: &RowKey,
    ) -> Result<Option<Row>, Error> {
        let used = self.load(&self.effect_row(operation, key)).await?;
        let (Some(used), Some(row)) = (used, self.load(row).await?) else {
            return Ok(None);
        };
        // Of this draft, or not changed since.
        if used.revision == row.revision {
            return Ok(Some(row));
        }
        let then = used.revision.saturating_add(1);
        let versions = self.database.row_history(&row.key, Some(then), 1).await?;
        let version = versions.into_iter().find(|it| it.seq == used.revision);
        Ok(version.and_then(|version| {
            Some(Row {
                revision: version.seq,
                updated_us: version.at_us,
                body: version.body?,
                ..row
            })
        }))
    }

    /// Looks a key up. A key that was used with another input is a conflict.
    pub(crate) async fn effect(
        &mut self,
        operation: &str,
        key: &str,
        input: &Value,
    ) -> Result<Keyed, Error> {
        let scope = self.context.scope.clone();
        self.effect_within(&scope, operation, key, input).await
    }

    /// Looks up a key that all automations and people share.
    pub(crate) async fn shared_effect(
        &mut self,
        operation: &str,
        key: &str,
        input: &Value,
    ) -> Result<Keyed, Error> {
        self.effect_within("", operation, key, input).await
    }

    async fn effect_within(
        &mut self,
        scope: &str,
        operation: &str,
        key: &str,
        input: &Value,
    ) -> Result<Keyed, Error> {
        check_key(key)?;
        let row = row_of(scope, operation, key);
        let text = canonical::to_text(input).map_err(|error| problem_of(&error))?;
        let input_sha256 = sha256_hex(text.as_bytes());
        match self.find::<Effect>(&row).await? {
            None => Ok(Keyed::Free(FreeKey { row, input_sha256 })),
            Some((_, effect)) if effect.input_sha256 == input_sha256 => {
                Ok(Keyed::Used(effect.result))
            }
            Some(_) => Err(Error::conflict(
                "key-reused",
                format!("the key {key:?} was used with another input"),
            )),
        }
    }
}
