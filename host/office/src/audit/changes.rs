//! What changed in who may do what, and by whom: the log's own words.

use bursar_db::{CommitRecord, Database};
use bursar_domain::{
    audit::{self, Difference},
    draft::Change,
    office::digest_of_quarantine,
    row::{Kind, Seq},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::Error;

/// What says who may do what: automations, ceilings, tokens, classes of fields, quarantines.
const KINDS: [Kind; 5] = [
    Kind::Automation,
    Kind::Department,
    Kind::Token,
    Kind::Collection,
    Kind::Control,
];
/// Commits looked at in one step.
const COMMITS_LOOKED_AT: usize = 200;
/// Steps of one page: one that finds little ends as well, and says where it goes on.
const STEPS_MAX: usize = 10;

/// What a commit changed in what somebody may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PermissionChange {
    /// The commit.
    pub seq: Seq,
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// Who changed it, such as "token:7f3a".
    pub author: String,
    /// Which operation, such as "enable-automation".
    pub cause: String,
    /// Whose permissions, as "automation/NAME", "department/ID", "token/ID", "collection/SLUG" or "plugin/DIGEST".
    pub subject: String,
    /// What is allowed and no longer allowed.
    #[serde(flatten)]
    pub difference: Difference,
}

/// Changes from an instant on, the newest first, continued before a commit; with where to continue if there are more.
pub async fn permission_changes(
    database: &Database,
    since_us: i64,
    mut before: Option<Seq>,
    limit: usize,
) -> Result<(Vec<PermissionChange>, Option<Seq>), Error> {
    let mut found = Vec::new();
    for _ in 0..STEPS_MAX {
        let commits = database
            .commits_of(KINDS, since_us, before, COMMITS_LOOKED_AT)
            .await?;
        let is_last = commits.len() < COMMITS_LOOKED_AT;
        for commit in commits {
            // A commit is told as a whole.
            if found.len() >= limit {
                return Ok((found, before));
            }
            before = Some(commit.seq);
            for change in database.changes_of(commit.seq).await? {
                found.extend(told(database, &commit, &change).await?);
            }
        }
        if is_last {
            return Ok((found, None));
        }
    }
    Ok((found, before))
}

async fn told(
    database: &Database,
    commit: &CommitRecord,
    change: &Change,
) -> Result<Option<PermissionChange>, Error> {
    if !KINDS.contains(&change.key.kind) {
        return Ok(None);
    }
    let earlier = database
        .row_history(&change.key, Some(commit.seq), 1)
        .await?;
    let before = earlier.first().and_then(|version| version.body.as_deref());
    let difference = difference(commit, change, before)?;
    let told = PermissionChange {
        seq: commit.seq,
        at_us: commit.at_us,
        author: commit.author.clone(),
        cause: commit.cause.clone(),
        subject: match digest_of_quarantine(&change.key.id) {
            Some(digest) if change.key.kind == Kind::Control => format!("plugin/{digest}"),
            _ => format!("{}/{}", change.key.kind.as_str(), change.key.id),
        },
        difference,
    };
    Ok(Some(told).filter(|told| !told.difference.is_empty()))
}

fn difference(
    commit: &CommitRecord,
    change: &Change,
    before: Option<&Value>,
) -> Result<Difference, Error> {
    let after = change.body.as_deref();
    Ok(match change.key.kind {
        Kind::Automation => {
            let (before, after) = (read(before)?, read(after)?);
            audit::of_automation(before.as_ref(), after.as_ref(), commit.at_us)
        }
        Kind::Department => audit::of_department(read(before)?.as_ref(), read(after)?.as_ref()),
        Kind::Token => audit::of_token(read(before)?.as_ref(), read(after)?.as_ref()),
        Kind::Collection => audit::of_collection(read(before)?.as_ref(), read(after)?.as_ref()),
        Kind::Control if digest_of_quarantine(&change.key.id).is_some() => {
            audit::of_quarantine(read(before)?.as_ref(), read(after)?.as_ref())
        }
        _ => Difference::default(),
    })
}

fn read<T: DeserializeOwned>(body: Option<&Value>) -> Result<Option<T>, Error> {
    let read = body.map(T::deserialize).transpose();
    read.map_err(|error| Error::Broken(error.to_string()))
}
