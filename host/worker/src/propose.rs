//! Commits in the name of the host's own parts: its timers, tasks, inbox and export.

use bursar_db::{Database, Proposal, Verdict};
use bursar_domain::{draft::Draft, office::Actor};

use crate::Error;

/// Asks for a draft to be committed in the name of one of the host's own parts.
pub(crate) async fn propose(
    database: &Database,
    part: &str,
    draft: Draft,
) -> Result<Verdict, Error> {
    let proposal = Proposal {
        author: Actor::new("system", part),
        cause: part.to_owned(),
        draft,
        settles: None,
    };
    Ok(database.propose(proposal).await?)
}
