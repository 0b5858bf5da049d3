//! Access tokens of the HTTP API. Only digests of their secrets pass here.

use bursar_domain::{
    office::Token,
    row::{Kind, RowKey},
};

use crate::{
    error::Error,
    input::Faults,
    session::{Session, View},
};

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;

impl Session {
    /// Notes a new token. A departmental role names its department, another one none. For administrators.
    pub async fn create_token(&mut self, id: &str, token: &Token) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        faults.line("/name", &token.name, 1..=NAME_BYTES_MAX);
        match &token.department {
            None => faults.unless(
                !token.role.is_departmental(),
                "empty",
                "/department",
                "this role holds in one department: name it",
            ),
            Some(_) if !token.role.is_departmental() => faults.add(
                "out-of-range",
                "/department",
                "this role holds in the whole organisation",
            ),
            Some(department) => {
                let is_there = self.exists(Kind::Department, department).await?;
                faults.unless(
                    is_there,
                    "unknown",
                    "/department",
                    "there is no such department",
                );
            }
        }
        faults.unless(
            token
                .expires_us
                .is_none_or(|expires_us| expires_us > self.context.now_us),
            "out-of-range",
            "/expires_us",
            "a token ends in the future",
        );
        faults.result()?;
        let key = RowKey::of(Kind::Token, id);
        if self.load(&key).await?.is_some() {
            return Err(Error::conflict(
                "not-unique",
                "another token has this id: try again",
            ));
        }
        self.upsert(key, token).await
    }

    /// Takes a token's power away for good; again changes nothing. For administrators.
    pub async fn revoke_token(&mut self, id: &str) -> Result<(), Error> {
        let token = self.token(id).await?.body;
        if token.revoked_us.is_some() {
            return Ok(());
        }
        let revoked = Token {
            revoked_us: Some(self.context.now_us),
            ..token
        };
        self.upsert(RowKey::of(Kind::Token, id), &revoked).await
    }

    /// Notes that a token is used now. For the host itself.
    pub async fn note_token_use(&mut self, id: &str) -> Result<(), Error> {
        let used = Token {
            last_used_us: Some(self.context.now_us),
            ..self.token(id).await?.body
        };
        self.upsert(RowKey::of(Kind::Token, id), &used).await
    }

    /// A token. For administrators.
    pub async fn token(&mut self, id: &str) -> Result<View<Token>, Error> {
        self.control_row(Kind::Token, id, "such token").await
    }
}
