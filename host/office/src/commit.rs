//! Commits of what many sessions draft one after the other: imports, and samples.

use bursar_db::{Database, Proposal, Verdict};
use bursar_domain::{problem::Problem, row::Seq};

use crate::{error::Error, session::Session};

/// Asks for what a session drafted to be committed; gives the commit's number, 0 if there was nothing to commit, none if
/// others were quicker.
pub(crate) async fn propose(
    database: &Database,
    cause: &str,
    session: Session,
) -> Result<Option<Seq>, Error> {
    let author = session.context().actor.clone();
    let (draft, _) = session.into_parts();
    if draft.is_empty() {
        return Ok(Some(0));
    }
    let proposal = Proposal {
        author,
        cause: cause.to_owned(),
        draft,
        settles: None,
    };
    match database.propose(proposal).await? {
        Verdict::Committed { seq, .. } => Ok(Some(seq)),
        Verdict::Stale(_) | Verdict::Fenced => Ok(None),
        Verdict::Refused(Problem { code, message, .. }) => Err(Error::conflict(&code, message)),
    }
}
