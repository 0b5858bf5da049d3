//! Who calls: access tokens, and the guards that handlers ask for by type.
//!
//! A handler's first argument is a guard. What a guard lets pass is decided by [`Role::may`] and nowhere else.

use std::{
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use bursar_domain::{
    access::{Action, Role},
    log::{hex, sha256_hex},
    office::{Actor, Token},
    row::{Kind, Row, RowKey},
};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use crate::{
    Api,
    failure::{Failure, chain},
    request::Path,
};

/// What every token's text begins with, so that people and scanners know one.
pub const TOKEN_PREFIX: &str = "bursar_";
/// Random bytes of a token's id.
const ID_BYTES: usize = 8;
/// Random bytes of a token's secret.
const SECRET_BYTES: usize = 32;
/// Its use is noted this seldom: a commit an hour and token at most.
const USE_NOTED_US: i64 = 3_600_000_000;

/// Whoever makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// As the log names them.
    pub actor: Actor,
    /// What they may do.
    pub role: Role,
    /// Where; none is the whole organisation.
    pub department: Option<String>,
}

impl Caller {
    /// Whoever is logged in on this machine and may open the data folder.
    pub fn local(actor: Actor) -> Self {
        Self {
            actor,
            role: Role::Admin,
            department: None,
        }
    }

    /// Whether what belongs to a department is in view.
    pub(crate) fn sees(&self, department: &str) -> bool {
        self.department
            .as_deref()
            .is_none_or(|own| own == department)
    }

    fn require(self, action: Action) -> Result<Self, Failure> {
        if self.role.may(action) {
            return Ok(self);
        }
        Err(Failure::new(
            StatusCode::FORBIDDEN,
            "role-insufficient",
            "this token's role does not allow it",
        ))
    }
}

/// A new token: its row's id, and the text that its bearer shows once and for all.
pub(crate) struct NewToken {
    pub id: String,
    pub text: String,
    pub sha256: String,
}

impl NewToken {
    pub(crate) fn make() -> Result<Self, Failure> {
        let mut random = [0; ID_BYTES + SECRET_BYTES];
        getrandom::fill(&mut random).map_err(Failure::host)?;
        let (id, secret) = random.split_at(ID_BYTES);
        let (id, secret) = (hex(id), hex(secret));
        Ok(Self {
            text: format!("{TOKEN_PREFIX}{id}_{secret}"),
            sha256: sha256_hex(secret.as_bytes()),
            id,
        })
    }
}

/// The id and the secret of a token's text.
fn parse(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(TOKEN_PREFIX)?.split_once('_')?;
    let is_hex = |text: &str, bytes: usize| {
        text.len() == bytes * 2
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    (is_hex(id, ID_BYTES) && is_hex(secret, SECRET_BYTES)).then_some((id, secret))
}

fn refused(code: &str, detail: &str) -> Failure {
    let challenge = match code {
        "token-missing" => "Bearer realm=\"bursar\"",
        _ => "Bearer realm=\"bursar\", error=\"invalid_token\"",
    };
    Failure::new(StatusCode::UNAUTHORIZED, code, detail)
        .hint("send `Authorization: Bearer TOKEN`; `bursar token create` on the host makes one")
        .header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        )
}

impl Api {
    /// Whose token a text is, now; and another row, found in the same look at the database.
    async fn caller_of(
        &self,
        text: &str,
        also: Option<&RowKey>,
    ) -> Result<(Caller, Option<Row>), Failure> {
        let unknown = || refused("token-invalid", "this is not a valid token");
        let (id, secret) = parse(text).ok_or_else(unknown)?;
        let mut keys = vec![RowKey::of(Kind::Token, id)];
        keys.extend(also.cloned());
        let mut rows = self.database().look(&keys).await?;
        let found = rows.iter().position(|row| Some(&row.key) == keys.first());
        let token: Token = match found.map(|place| rows.remove(place)) {
            Some(row) => row.decode().map_err(|error| Failure::host(chain(&error)))?,
            None => return Err(unknown()),
        };
        let shown = sha256_hex(secret.as_bytes());
        if !bool::from(shown.as_bytes().ct_eq(token.sha256.as_bytes())) {
            return Err(unknown());
        }
        if token.role.is_departmental() && token.department.is_none() {
            return Err(unknown());
        }
        let now_us = jiff::Timestamp::now().as_microsecond();
        if token.revoked_us.is_some() {
            return Err(refused("token-revoked", "this token is revoked"));
        }
        if token
            .expires_us
            .is_some_and(|expires_us| expires_us <= now_us)
        {
            return Err(refused("token-expired", "this token has expired"));
        }
        let is_noted = token
            .last_used_us
            .is_some_and(|at_us| now_us.saturating_sub(at_us) < USE_NOTED_US);
        if !is_noted {
            self.note_use(id).await;
        }
        let caller = Caller {
            actor: Actor::new("token", id),
            role: token.role,
            department: token.department,
        };
        Ok((caller, rows.pop()))
    }

    /// A note that cannot be made does not keep anybody out.
    async fn note_use(&self, id: &str) {
        let noted = self
            .commit_once(
                &Actor::new("system", "api"),
                "token-used",
                |mut session| async move {
                    session.note_token_use(id).await?;
                    Ok(session)
                },
            )
            .await;
        if let Err(failure) = noted {
            tracing::warn!(
                token = id,
                cause = failure.cause(),
                "a token's use cannot be noted"
            );
        }
    }
}

/// Who makes a request; and a row, if one is asked for and there.
async fn identify(
    parts: &Parts,
    api: &Api,
    also: Option<&RowKey>,
) -> Result<(Caller, Option<Row>), Failure> {
    // Set by callers within this process only: nothing of a request becomes an extension.
    if let Some(caller) = parts.extensions.get::<Caller>() {
        let row = match also {
            Some(key) => api.database().look(std::slice::from_ref(key)).await?.pop(),
            None => None,
        };
        return Ok((caller.clone(), row));
    }
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let text = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (None, _) => return Err(refused("token-missing", "a token is needed")),
        (Some(_), Some(_)) => None,
    };
    let token = text
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(token) = token else {
        return Err(refused("token-invalid", "this is not a bearer token"));
    };
    let (caller, row) = api.caller_of(token, also).await?;
    if let Some(Seen(seen)) = parts.extensions.get::<Seen>() {
        let _ = seen.set(caller.actor.clone());
    }
    Ok((caller, row))
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let (caller, _) = identify(parts, api, None).await?;
        Ok(caller)
    }
}

/// A path that names one row.
pub(crate) trait RowPath: DeserializeOwned + Send {
    /// What whoever asks for it must be allowed.
    const ACTION: Action;

    /// The row's key.
    fn key(self) -> RowKey;

    /// Whether the row is in a caller's view; what is not is answered as if it were not there.
    fn is_seen(_caller: &Caller, _row: &Row) -> Result<bool, Failure> {
        Ok(true)
    }
}

/// A row that the path names, and whoever asks for it. The row and the token are found in one look.
#[derive(Debug)]
pub(crate) struct Named<P> {
    pub caller: Caller,
    pub row: Row,
    path: PhantomData<P>,
}

impl<P: RowPath> FromRequestParts<Api> for Named<P> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let Path(path) = Path::<P>::from_request_parts(parts, api).await?;
        let key = path.key();
        let (caller, row) = identify(parts, api, Some(&key)).await?;
        let caller = caller.require(P::ACTION)?;
        match row {
            Some(row) if P::is_seen(&caller, &row)? => Ok(Self {
                caller,
                row,
                path: PhantomData,
            }),
            _ => Err(Failure::absent(key.kind.as_str(), &key.id)),
        }
    }
}

/// Who made a request, for the log of requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(pub Arc<OnceLock<Actor>>);

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident = $action:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name(pub Caller);

        impl FromRequestParts<Api> for $name {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
                Ok(Self(Caller::from_request_parts(parts, api).await?.require($action)?))
            }
        }
    )*};
}

guards! {
    /// May change the organisation.
    Administrator = Action::Administer;
    /// May read the whole organisation.
    Auditor = Action::Audit;
    /// May enable and change a department's automations.
    Manager = Action::Manage;
    /// May start, preview and answer in a department.
    Operator = Action::Operate;
    /// May read a department's automations and what they did.
    Viewer = Action::View;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_of_a_token_is_taken_for_one() {
        let token = NewToken::make().expect("the operating system gives random bytes");
        let (id, secret) = parse(&token.text).expect("a token is read as it was written");
        assert_eq!(id, token.id);
        assert_eq!(sha256_hex(secret.as_bytes()), token.sha256);
        let upper = token.text.to_uppercase();
        let long = format!("{}0", token.text);
        for bad in [
            "", "bursar_", "bursar__", "Bearer", &upper, &long, &token.id,
        ] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}
