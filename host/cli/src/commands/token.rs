//! `bursar token`: access tokens of the HTTP API.

use bursar_api::{Resource, TokenAsked, TokenShown};
use bursar_domain::access::Role;
use http::Method;

use crate::{
    arguments::{self, Token},
    client::{Client, part},
    commands::automation::when,
    failure::Failure,
    output::{Style, print, say, table},
};

const DAY_US: i64 = 24 * 3600 * 1_000_000;

pub async fn perform(client: &Client, style: Style, command: Token) -> Result<(), Failure> {
    match command {
        Token::Create {
            name,
            role,
            department,
            days,
        } => {
            let now_us = jiff::Timestamp::now().as_microsecond();
            let asked = TokenAsked {
                name,
                role: match role {
                    arguments::Role::Admin => Role::Admin,
                    arguments::Role::Auditor => Role::Auditor,
                    arguments::Role::Manager => Role::Manager,
                    arguments::Role::Operator => Role::Operator,
                    arguments::Role::Viewer => Role::Viewer,
                },
                department,
                expires_us: days.map(|days| now_us.saturating_add(i64::from(days) * DAY_US)),
            };
            let made: Resource<TokenShown> =
                client.send(Method::POST, "/v1/tokens", &asked).await?.value;
            // The token alone, so that a shell can keep it in a variable.
            print(style, &made, |made| {
                made.body.token.clone().unwrap_or_default()
            })?;
            say(&format!(
                "It is not shown again. `bursar token revoke {}` takes its power away.",
                made.id
            ));
            Ok(())
        }
        Token::List => {
            let (tokens, _) = client
                .pages::<Resource<TokenShown>>("/v1/tokens", &[], usize::MAX)
                .await?;
            print(style, &tokens, |tokens| {
                let row = |token: &Resource<TokenShown>| {
                    let body = &token.body;
                    let state = match (body.revoked_us, body.expires_us) {
                        (Some(at_us), _) => format!("revoked {}", when(at_us)),
                        (None, Some(at_us)) => format!("until {}", when(at_us)),
                        (None, None) => "valid".to_owned(),
                    };
                    let role = serde_json::to_value(body.role).unwrap_or_default();
                    vec![
                        token.id.clone(),
                        body.name.clone(),
                        role.as_str().unwrap_or_default().to_owned(),
                        body.department.clone().unwrap_or_default(),
                        state,
                        body.last_used_us.map(when).unwrap_or_default(),
                    ]
                };
                table(
                    &["id", "name", "role", "department", "state", "last used"],
                    &tokens.iter().map(row).collect::<Vec<_>>(),
                )
            })
        }
        Token::Revoke { id } => {
            let path = format!("/v1/tokens/{}", part(&id));
            let revoked: Resource<TokenShown> =
                client.ask(Method::DELETE, &path, None).await?.value;
            print(style, &revoked, |token| {
                format!("{} ({}) is revoked.", token.id, token.body.name)
            })
        }
    }
}
