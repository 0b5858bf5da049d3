//! The pure decision on each proposal, over a working set that was loaded before.
//!
//! No database here: what a proposal may do depends only on the set, the head and the clock that were handed in. What an
//! earlier proposal of the group did counts for the later ones.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use bursar_domain::{
    canonical,
    draft::{Change, Draft, UniqueKey},
    index::IndexEntry,
    log::{CommitHead, Hash, body_hash, commit_hash},
    problem::Problem,
    row::{Kind, RowKey, Seq},
};
use serde_json::Value;

use crate::{
    committer::{Proposal, RunEnd, Verdict},
    invoices,
    queue::RunNow,
    recent::{Recent, RecentChange, touched},
    snapshot::has_nul,
};

/// Most effort spent on comparing one draft's listings with newer changes, in compared ranges: beyond that, executing again
/// is cheaper for everybody else.
const DRAFT_COMPARISONS_MAX: usize = 500_000;
/// The same for all drafts of a group, while the log's head is locked.
const GROUP_COMPARISONS_MAX: usize = 2_000_000;

/// The log's end.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub seq: Seq,
    pub at_us: i64,
    pub hash: Hash,
}

/// Everything that the decisions of one group look at.
#[derive(Default)]
pub(crate) struct WorkingSet {
    /// Revision and instant of making of the rows that were read or change; absent rows are not in it.
    pub revisions: HashMap<RowKey, (Seq, i64)>,
    /// Bodies of invoices, payments, series, legal entities and collections.
    pub bodies: HashMap<RowKey, Arc<Value>>,
    /// Index entries of the rows that change.
    pub entries: HashMap<RowKey, Vec<IndexEntry>>,
    /// Who holds the unique values that matter here.
    pub unique: HashMap<UniqueKey, RowKey>,
    /// Unique values of the rows that change.
    pub unique_of: HashMap<RowKey, Vec<UniqueKey>>,
    /// Runs that are settled here.
    pub runs: HashMap<String, RunNow>,
    /// Claims wait for new runs, and no stop holds them up.
    pub claims_new: bool,
    /// What the group has changed so far.
    pub written: Written,
    /// Comparisons made so far.
    comparisons: usize,
}

/// What a group writes.
#[derive(Default)]
pub(crate) struct Written {
    /// With the number of their changes.
    pub commits: Vec<(CommitHead, i64, Hash)>,
    pub changes: Vec<LoggedChange>,
    pub recent: Vec<RecentChange>,
    /// Runs that came to their end: id, commit, report.
    pub settled: Vec<(String, Seq, &'static str, String)>,
    /// Fences that new runs have had before, in commits that failed.
    pub fences: HashMap<Arc<str>, i64>,
    /// New runs that are claimed at once, and the ends of their leases.
    pub claimed: HashMap<Arc<str>, i64>,
}

/// One row of the log.
#[derive(Clone)]
pub(crate) struct LoggedChange {
    pub seq: Seq,
    pub ordinal: i64,
    pub at_us: i64,
    pub created_us: i64,
    pub change: Change,
    pub text: Option<Arc<str>>,
    pub salt: [u8; 16],
    pub hash: Hash,
}

impl WorkingSet {
    fn revision(&self, key: &RowKey) -> Seq {
        self.revisions.get(key).map_or(0, |(revision, _)| *revision)
    }
}

/// A proposal with everything that can be made ready before its turn: whoever proposes does that, not the one committer.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub proposal: Proposal,
    /// The canonical text of each drafted change.
    texts: Vec<Option<Arc<str>>>,
    /// The run's report as it is kept.
    pub report: String,
}

impl Ready {
    pub(crate) fn new(proposal: Proposal) -> Result<Self, Problem> {
        check_texts(&proposal)?;
        let texts: Result<_, Problem> = proposal.draft.changes().iter().map(text_of).collect();
        let settled = proposal.settles.as_ref();
        let report = settled
            .map(|settled| canonical::to_text(&settled.report).unwrap_or_else(|_| "{}".to_owned()));
        Ok(Self {
            texts: texts?,
            report: report.unwrap_or_default(),
            proposal,
        })
    }

    /// Rows read and changed, and bytes of the new images: what it costs a group.
    pub(crate) fn weight(&self) -> (usize, usize) {
        let draft = &self.proposal.draft;
        let bytes = self.texts.iter().flatten().map(|text| text.len()).sum();
        (draft.rows_read_count() + draft.changes().len(), bytes)
    }

    /// The texts of changes that follow the drafted ones; the decision may have given some another body.
    fn texts(&self, changes: &[Change]) -> Result<Vec<Option<Arc<str>>>, Problem> {
        let drafted = self.proposal.draft.changes();
        let text = |(place, change): (usize, &Change)| {
            let drafted = drafted.get(place).and_then(|drafted| drafted.body.as_ref());
            match (&change.body, drafted, self.texts.get(place)) {
                (Some(body), Some(same), Some(text)) if Arc::ptr_eq(body, same) => Ok(text.clone()),
                _ => text_of(change),
            }
        };
        changes.iter().enumerate().map(text).collect()
    }
}

fn text_of(change: &Change) -> Result<Option<Arc<str>>, Problem> {
    let Some(body) = &change.body else {
        return Ok(None);
    };
    canonical::to_text(body)
        .map(|text| Some(text.into()))
        .map_err(|error| Problem::new("not-canonical", format!("{}: {error}", change.key)))
}

/// Decides one proposal; if it is good, `set` and `head` show the state after it.
pub(crate) fn decide(
    set: &mut WorkingSet,
    head: &mut Head,
    recent: &Recent,
    ready: &Ready,
    now_us: i64,
    salt: &mut dyn FnMut() -> [u8; 16],
) -> Verdict {
    let proposal = &ready.proposal;
    if let Some(settled) = &proposal.settles {
        let current = set.runs.get(&settled.run);
        if !current.is_some_and(|run| run.is_running() && run.fence == settled.fence) {
            return Verdict::Fenced;
        }
    }
    let left = GROUP_COMPARISONS_MAX.saturating_sub(set.comparisons);
    let allowed = left.min(DRAFT_COMPARISONS_MAX);
    let mut room = allowed;
    let stale = stale(set, recent, proposal, &mut room);
    set.comparisons += allowed - room;
    if let Some(stale) = stale {
        return Verdict::Stale(stale);
    }
    let finished = check_end(proposal)
        .and_then(|()| check_changes(set, proposal))
        .and_then(|()| invoices::finish(set, proposal, now_us));
    let finished = match finished {
        Ok(finished) => finished,
        Err(problem) => return Verdict::Refused(problem),
    };
    if let Some(taken) = taken(set, &finished.changes) {
        return Verdict::Stale(taken);
    }
    match ready.texts(&finished.changes) {
        Err(problem) => Verdict::Refused(problem),
        Ok(texts) => {
            let seq = record(set, head, ready, finished.changes, texts, now_us, salt);
            Verdict::Committed {
                seq,
                numbers: finished.numbers,
            }
        }
    }
}

/// The first read that no longer holds.
fn stale(
    set: &WorkingSet,
    recent: &Recent,
    proposal: &Proposal,
    room: &mut usize,
) -> Option<String> {
    let draft = &proposal.draft;
    let row = binding_reads(draft)
        .find(|(key, seen)| set.revision(key) != *seen)
        .map(|(key, _)| key.to_string());
    if draft.is_empty() {
        return row;
    }
    row.or_else(|| {
        draft
            .listings()
            .iter()
            .find(|listing| {
                recent.is_stale(listing, draft.snapshot_seq, room)
                    || touched(set.written.recent.iter(), listing, room)
            })
            .map(|listing| format!("a listing of {}/{}", listing.kind, listing.collection))
    })
}

/// The rows that must still be as they were read. A draft without any effect may rest on old data, but not on an automation
/// that is another one by now, or may do less.
pub(crate) fn binding_reads(draft: &Draft) -> impl Iterator<Item = (&RowKey, Seq)> {
    let binds = |key: &RowKey| {
        !draft.is_empty()
            || matches!(
                key.kind,
                Kind::Automation | Kind::Department | Kind::Plugin | Kind::Entity | Kind::Control
            )
    };
    draft.rows_read().filter(move |(key, _)| binds(key))
}

/// A run that ends without its change set says so in the log, so that a replay knows how it ended.
fn check_end(proposal: &Proposal) -> Result<(), Problem> {
    let Some(settled) = &proposal.settles else {
        return Ok(());
    };
    let notice = proposal
        .draft
        .change(&RowKey::of(Kind::Notice, &settled.run))
        .and_then(|notice| notice.body.as_deref()?.get("end")?.as_str());
    let expected = match settled.end {
        RunEnd::Committed => None,
        end => Some(end.as_str()),
    };
    if notice == expected {
        return Ok(());
    }
    Err(Problem::new(
        "end-without-notice",
        format!("the notice of run {} does not say its end", settled.run),
    ))
}

/// What PostgreSQL cannot hold may not even be asked for. Bodies are checked when they become text.
fn check_texts(proposal: &Proposal) -> Result<(), Problem> {
    let author = &proposal.author;
    let run = proposal.settles.as_ref().map_or("", |settled| &settled.run);
    let names = [&author.kind, &author.id, &proposal.cause, run];
    let is_bad = |change: &Change| {
        has_nul(&change.key)
            || change.index.iter().any(|entry| entry.field.contains('\0'))
            || change
                .unique
                .iter()
                .any(|unique| unique.space.contains('\0') || unique.value.contains('\0'))
    };
    if names.iter().any(|name| name.contains('\0')) || proposal.draft.changes().iter().any(is_bad) {
        return Err(Problem::new(
            "control-character",
            "a name, key or unique value holds U+0000",
        ));
    }
    Ok(())
}

/// Every changed row was read, at the revision that it has; queue rows are only ever made.
fn check_changes(set: &WorkingSet, proposal: &Proposal) -> Result<(), Problem> {
    let read: HashSet<&RowKey> = proposal.draft.rows_read().map(|(key, _)| key).collect();
    for change in proposal.draft.changes() {
        if !read.contains(&change.key) || set.revision(&change.key) != change.previous {
            return Err(Problem::new(
                "unread-change",
                format!("{} was changed without being read", change.key),
            ));
        }
        if change.key.kind.is_queued() && (change.previous != 0 || change.body.is_none()) {
            return Err(Problem::new(
                "queue-final",
                format!("{} cannot be changed", change.key),
            ));
        }
        // A hold that ends here holds no longer.
        let is_held = hold_over(change).is_some_and(|hold| match proposal.draft.change(&hold) {
            Some(hold) => hold.body.is_some(),
            None => set.revisions.contains_key(&hold),
        });
        if is_held {
            return Err(Problem::new(
                "held",
                format!("{} is held: it stays", change.key),
            ));
        }
    }
    Ok(())
}

/// The row that keeps another from being removed while it is there (REC-8).
pub(crate) fn hold_over(change: &Change) -> Option<RowKey> {
    let removes_record = change.key.kind == Kind::Record && change.body.is_none();
    removes_record.then(|| RowKey::within(Kind::Hold, &change.key.collection, &change.key.id))
}

/// The first unique value that another row holds, and keeps.
fn taken(set: &WorkingSet, changes: &[Change]) -> Option<String> {
    let moving: HashSet<&RowKey> = changes.iter().map(|change| &change.key).collect();
    let mut claimed: HashMap<&UniqueKey, &RowKey> = HashMap::new();
    for change in changes {
        for key in &change.unique {
            let elsewhere = set
                .unique
                .get(key)
                .is_some_and(|holder| *holder != change.key && !moving.contains(holder));
            if elsewhere || claimed.insert(key, &change.key).is_some() {
                return Some(format!("{} {:?}", key.space, key.value));
            }
        }
    }
    None
}

/// Writes a good proposal into the set: from here on it counts.
fn record(
    set: &mut WorkingSet,
    head: &mut Head,
    ready: &Ready,
    changes: Vec<Change>,
    texts: Vec<Option<Arc<str>>>,
    now_us: i64,
    salt: &mut dyn FnMut() -> [u8; 16],
) -> Seq {
    let proposal = &ready.proposal;
    let commit = CommitHead {
        seq: head.seq + 1,
        at_us: now_us.max(head.at_us + 1),
        author: proposal.author.to_string(),
        run: proposal
            .settles
            .as_ref()
            .map_or_else(String::new, |settled| settled.run.clone()),
        cause: proposal.cause.clone(),
    };
    let mut logged = Vec::with_capacity(changes.len());
    for ((ordinal, change), text) in (0_i64..).zip(changes).zip(texts) {
        let salt = salt();
        let hash = body_hash(
            &salt,
            commit.seq,
            &change.key,
            change.previous,
            text.as_deref(),
        );
        let made = set
            .revisions
            .get(&change.key)
            .map_or(commit.at_us, |(_, made)| *made);
        logged.push(LoggedChange {
            seq: commit.seq,
            ordinal,
            at_us: commit.at_us,
            created_us: made,
            change,
            text,
            salt,
            hash,
        });
    }
    let hash = commit_hash(
        &head.hash,
        &commit,
        logged
            .iter()
            .map(|row| (&row.change.key, row.change.previous, &row.hash)),
    );
    for row in &logged {
        note(set, row);
    }
    if let Some(settled) = &proposal.settles {
        set.runs.remove(&settled.run);
        set.written.settled.push((
            settled.run.clone(),
            commit.seq,
            settled.end.as_str(),
            ready.report.clone(),
        ));
    }
    *head = Head {
        seq: commit.seq,
        at_us: commit.at_us,
        hash,
    };
    let count = i64::try_from(logged.len()).unwrap_or(i64::MAX);
    set.written.changes.extend(logged);
    set.written.commits.push((commit, count, hash));
    head.seq
}

/// Brings the set to the state after one change.
fn note(set: &mut WorkingSet, row: &LoggedChange) {
    let key = &row.change.key;
    let existed = set.revisions.contains_key(key);
    let before = existed.then(|| set.entries.get(key).cloned().unwrap_or_default());
    for gone in set
        .unique_of
        .insert(key.clone(), row.change.unique.clone())
        .unwrap_or_default()
    {
        // Another row of the same proposal may have taken it over already.
        if set.unique.get(&gone) == Some(key) {
            set.unique.remove(&gone);
        }
    }
    if let Some(body) = &row.change.body {
        set.revisions.insert(key.clone(), (row.seq, row.created_us));
        set.entries.insert(key.clone(), row.change.index.clone());
        if is_looked_at(key.kind) || set.bodies.contains_key(key) {
            set.bodies.insert(key.clone(), body.clone());
        }
    } else {
        set.revisions.remove(key);
        set.entries.remove(key);
        set.bodies.remove(key);
    }
    for unique in &row.change.unique {
        set.unique.insert(unique.clone(), key.clone());
    }
    let after = row.change.body.is_some().then(|| row.change.index.clone());
    set.written.recent.push(RecentChange {
        seq: row.seq,
        key: key.clone(),
        before,
        after,
    });
}

/// What [`invoices::finish`] gives: the changes as they are logged, and the numbers that were given.
pub(crate) struct Finished {
    pub changes: Vec<Change>,
    pub numbers: BTreeMap<String, String>,
}

/// Kinds whose bodies the committer looks at when they change.
pub(crate) fn is_looked_at(kind: Kind) -> bool {
    invoices::matters(kind) || kind == Kind::Collection
}
