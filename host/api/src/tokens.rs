//! Access tokens: made, listed, revoked. A token's text is shown once, by the answer that makes it.

use axum::{Json, extract::State};
use bursar_domain::{
    access::Role,
    office::Token,
    row::{Kind, RowKey},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Administrator, Auditor, Caller, NewToken, TOKEN_PREFIX, Viewer},
    failure::Failure,
    request::{Asked, Body, Path, Query},
    resource::{Page, PageQuery, Resource, Tagged, Written},
};

/// What a token is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenAsked {
    /// For people: whose it is, or what for. 1 to 200 bytes.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// The department, for the roles manager, operator and viewer.
    #[serde(default)]
    pub department: Option<String>,
    /// When it ends by itself, in microseconds UTC; never unless given.
    #[serde(default)]
    pub expires_us: Option<i64>,
}

/// A token as people look at it: all but its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenShown {
    /// For people.
    pub name: String,
    /// What its text begins with.
    pub prefix: String,
    /// What its bearer may do.
    pub role: Role,
    /// Where, for the roles of a department.
    pub department: Option<String>,
    /// When it ends by itself, in microseconds UTC.
    pub expires_us: Option<i64>,
    /// When it was revoked, in microseconds UTC.
    pub revoked_us: Option<i64>,
    /// When it was last used, in microseconds UTC; noted at most once an hour.
    pub last_used_us: Option<i64>,
    /// The token itself: only in the answer that makes it, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Whoever makes a request.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// As the log names them.
    pub actor: String,
    /// What they may do.
    pub role: Role,
    /// Where; null is the whole organisation.
    pub department: Option<String>,
}

fn shown(row: Resource<Token>) -> Resource<TokenShown> {
    let prefix = format!("{TOKEN_PREFIX}{}", row.id);
    row.map(|token| TokenShown {
        name: token.name,
        prefix,
        role: token.role,
        department: token.department,
        expires_us: token.expires_us,
        revoked_us: token.revoked_us,
        last_used_us: token.last_used_us,
        token: None,
    })
}

/// Who this token is
#[utoipa::path(get, path = "/v1/me", tag = "tokens", responses((status = 200, body = Me)))]
pub(crate) async fn get_me(Viewer(caller): Viewer) -> Json<Me> {
    Json(Me {
        actor: caller.actor.to_string(),
        role: caller.role,
        department: caller.department,
    })
}

/// All tokens, revoked ones too
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", params(PageQuery), responses((status = 200, body = Page<Resource<TokenShown>>)))]
pub(crate) async fn list_tokens(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Resource<TokenShown>>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .rows::<Token>(Kind::Token, &[], &page.paging()?)
        .await?;
    Ok(Json(Page::of(listed, shown)))
}

/// One token
#[utoipa::path(get, path = "/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<TokenShown>)))]
pub(crate) async fn get_token(
    Auditor(_): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Tagged<TokenShown>, Failure> {
    let row = api.resource(&RowKey::of(Kind::Token, &id)).await?;
    Ok(Tagged(shown(row)))
}

/// Make a token
///
/// Its text is in this answer and nowhere else. A request that is sent again under its `Idempotency-Key` gives the same
/// token without its text: if that was lost, revoke the token and make another.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = TokenAsked, responses((status = 201, body = Resource<TokenShown>)))]
pub(crate) async fn create_token(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Body { value, asked }: Body<TokenAsked>,
) -> Result<Written<TokenShown>, Failure> {
    let asked = asked.unconditional()?;
    api.make_token(&caller, &value, &asked).await
}

/// Revoke a token, for good
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<TokenShown>)))]
pub(crate) async fn revoke_token(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Written<TokenShown>, Failure> {
    let key = RowKey::of(Kind::Token, &id);
    let (id, key, asked) = (&id, &key, &asked);
    let changed = api
        .change(&caller, "revoke-token", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.revoke_token(id).await?;
            Ok((session, key.clone()))
        })
        .await?;
    let written = api.written::<Token>(changed).await?;
    Ok(Written {
        resource: shown(written.resource),
        seq: written.seq,
        made_at: None,
    })
}

impl Api {
    async fn make_token(
        &self,
        caller: &Caller,
        new: &TokenAsked,
        asked: &Asked,
    ) -> Result<Written<TokenShown>, Failure> {
        let made = NewToken::make()?;
        let token = Token {
            name: new.name.clone(),
            role: new.role,
            department: new.department.clone(),
            sha256: made.sha256.clone(),
            expires_us: new.expires_us,
            revoked_us: None,
            last_used_us: None,
        };
        let (made, token) = (&made, &token);
        let changed = self
            .change(caller, "create-token", asked, |mut session| async move {
                session.create_token(&made.id, token).await?;
                Ok((session, RowKey::of(Kind::Token, &made.id)))
            })
            .await?;
        let is_new = *changed.key.id == *made.id;
        let written = self.written::<Token>(changed).await?;
        let mut resource = shown(written.resource);
        resource.body.token = is_new.then(|| made.text.clone());
        Ok(Written {
            made_at: Some(format!("/v1/tokens/{}", resource.id)),
            resource,
            seq: written.seq,
        })
    }
}
