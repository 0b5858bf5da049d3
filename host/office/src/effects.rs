//! Effect keys: the author's own names for what must happen once.
//!
//! A used key is a row whose id is the digest of (scope, operation, key), so that keys of one automation never meet those
//! of another. It is kept for ever and says with which input it was used and what came of it.

use bursar_domain::{
    canonical,
    log::sha256_hex,
    office::Effect,
    row::{Kind, RowKey},
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

impl Session {
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
        let name = json!([scope, operation, key]).to_string();
        let row = RowKey::of(Kind::Effect, &sha256_hex(name.as_bytes()));
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
