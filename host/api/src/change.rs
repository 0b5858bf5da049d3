//! Changes in a caller's name: done in a session, committed, and done again if others were quicker.

use std::pin::Pin;

use bursar_db::{Proposal, Verdict};
use bursar_domain::{
    office::Actor,
    row::{RowKey, Seq},
};
use bursar_office::{Context, Session};
use http::StatusCode;

use crate::{Api, caller::Caller, failure::Failure, request::Asked};

/// Tries of a change that others overtake.
const TRIES_MAX: usize = 20;
/// Cursors are bound to their session's seed: the same for all, so that the next request can continue a listing.
const READING_SEED: [u8; 32] = [0; 32];

/// What a change led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The row that it is about.
    pub key: RowKey,
    /// The commit, now or when the same request came first; none if everything was as asked before.
    pub seq: Option<Seq>,
    /// It was made by this very request.
    pub is_new: bool,
}

/// A change on its way: the session it was made in, and the row that it is about.
type Step<'r> =
    Pin<Box<dyn Future<Output = Result<(Session, RowKey), bursar_office::Error>> + Send + 'r>>;

impl Api {
    /// Does something in a caller's name and commits it.
    ///
    /// A request that was made before is not done again: what came of it then is given. The session is handed over and
    /// back, so that what is done may borrow from the request.
    pub(crate) async fn change<'r, F>(
        &self,
        caller: &Caller,
        cause: &str,
        asked: &Asked,
        change: impl Fn(Session) -> F + Send + Sync,
    ) -> Result<Changed, Failure>
    where
        F: Future<Output = Result<(Session, RowKey), bursar_office::Error>> + Send + 'r,
    {
        let boxed = |session| -> Step<'r> { Box::pin(change(session)) };
        self.repeat(caller, cause, asked, &boxed).await
    }

    /// One function for all changes: compiled once, not once for each of them.
    async fn repeat<'r>(
        &self,
        caller: &Caller,
        cause: &str,
        asked: &Asked,
        change: &(dyn Fn(Session) -> Step<'r> + Send + Sync),
    ) -> Result<Changed, Failure> {
        for _ in 0..TRIES_MAX {
            let mut session = self.session(&caller.actor).await?;
            if let Some(request) = &asked.request
                && let Some(earlier) = session.earlier(request).await?
            {
                return Ok(Changed {
                    key: serde_json::from_str(&earlier.result).map_err(Failure::host)?,
                    seq: Some(earlier.seq),
                    is_new: false,
                });
            }
            let (mut session, key) = change(session).await?;
            if let Some(request) = &asked.request {
                let result = serde_json::to_string(&key).map_err(Failure::host)?;
                session.note_request(request, &result).await?;
            }
            if let Some(seq) = self.commit(&caller.actor, cause, session).await? {
                return Ok(Changed {
                    key,
                    seq: Some(seq).filter(|seq| *seq > 0),
                    is_new: seq > 0,
                });
            }
        }
        Err(Failure::new(
            StatusCode::CONFLICT,
            "contention",
            "others keep changing the same rows",
        )
        .hint("try again"))
    }

    /// Does something once, and gives up if others were quicker.
    pub(crate) async fn commit_once<F>(
        &self,
        actor: &Actor,
        cause: &str,
        change: impl FnOnce(Session) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<Session, bursar_office::Error>> + Send,
    {
        let session = change(self.session(actor).await?).await?;
        self.commit(actor, cause, session).await.map(drop)
    }

    /// Commits a session's draft: the commit's number, 0 if there was nothing to commit, none if the draft is stale.
    async fn commit(
        &self,
        actor: &Actor,
        cause: &str,
        session: Session,
    ) -> Result<Option<Seq>, Failure> {
        let (draft, _) = session.into_parts();
        if draft.is_empty() {
            return Ok(Some(0));
        }
        let proposal = Proposal {
            author: actor.clone(),
            cause: cause.to_owned(),
            draft,
            settles: None,
        };
        match self.database().propose(proposal).await? {
            Verdict::Committed { seq, .. } => Ok(Some(seq)),
            Verdict::Stale(_) | Verdict::Fenced => Ok(None),
            Verdict::Refused(problem) => Err(Failure::new(
                StatusCode::CONFLICT,
                &problem.code,
                problem.message,
            )),
        }
    }

    /// A session that only reads. What an actor may do was decided by the guard of the request.
    pub(crate) async fn reading(&self, actor: &Actor) -> Result<Session, Failure> {
        self.seeded(actor, READING_SEED).await
    }

    async fn session(&self, actor: &Actor) -> Result<Session, Failure> {
        self.seeded(actor, seed()?).await
    }

    async fn seeded(&self, actor: &Actor, seed: [u8; 32]) -> Result<Session, Failure> {
        let context = self.context(actor, seed).await?;
        Ok(Session::new(self.database(), context))
    }

    /// What a caller's work of many sessions stands on.
    pub(crate) async fn working(&self, actor: &Actor) -> Result<Context, Failure> {
        self.context(actor, seed()?).await
    }

    async fn context(&self, actor: &Actor, seed: [u8; 32]) -> Result<Context, Failure> {
        let now_us = self.database().now_us().await?;
        let scope = actor.to_string();
        Ok(Context::of_host(actor.clone(), &scope, now_us, seed))
    }
}

/// Randomness of a session's own.
fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(Failure::host)?;
    Ok(seed)
}
