//! Between the pure decision and the database: loading a working set, and writing what was decided, set by set.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use bursar_domain::{
    aging::Entry,
    draft::UniqueKey,
    index::IndexEntry,
    office::LegalEntity,
    row::{Kind, RowKey, Seq},
};
use serde_json::Value;

use crate::{
    adapter::{Arg, Tx, args},
    committer::{Proposal, SettledRun},
    decide::{Head, LoggedChange, WorkingSet, binding_reads, hold_over, is_looked_at},
    ends::RunEnded,
    error::Error,
    invoices, ledger,
    queue::{
        OutboxColumns, RunColumns, RunNow, RunState, automation_of, queued_by, run_now, stops,
    },
    seal::Keys,
    snapshot::{at_place, entries_at, has_nul, key_args, kind_text, parse, placed, row_key},
    statements as sql,
};

/// Kind, collection, id, revision, made, changed, body.
type GetRow = (String, String, String, i64, i64, i64, String);

/// What was there before the group, to compare with.
#[derive(Default)]
pub(crate) struct Before {
    entries: HashMap<RowKey, Vec<IndexEntry>>,
    unique: HashMap<UniqueKey, RowKey>,
    runs: HashMap<String, RunNow>,
    /// Definitions of collections that change.
    pub definitions: HashMap<RowKey, Arc<Value>>,
    ledger: HashMap<RowKey, Entry>,
}

impl Before {
    /// How a run ended that a commit settled, with its report as it is stored.
    pub(crate) fn ended(&self, settled: &SettledRun, report: &str, seq: Seq) -> Option<RunEnded> {
        let now = self.runs.get(&settled.run)?;
        Some(RunEnded {
            state: RunState::find(settled.end.as_str())?,
            seq,
            attempt: now.attempt,
            clock_us: now.clock_us,
            report: serde_json::from_str(report).ok()?,
        })
    }
}

/// Loads, in few round trips, everything that the decisions on these proposals look at; and the organisation's stop, if
/// claims wait for what they queue.
pub(crate) async fn load(
    tx: &mut Tx,
    proposals: &[&Proposal],
    stop: Option<&RowKey>,
    now_us: i64,
) -> Result<(WorkingSet, Before), Error> {
    let mut set = WorkingSet::default();
    let drafts = || proposals.iter().map(|proposal| &proposal.draft);
    let changes = || drafts().flat_map(bursar_domain::draft::Draft::changes);

    let entities: BTreeSet<RowKey> = changes().filter_map(invoices::entity_of).collect();
    let mut wanted: HashSet<&RowKey> = drafts()
        .flat_map(|draft| binding_reads(draft).map(|(key, _)| key))
        .filter(|key| !has_nul(key))
        .collect();
    wanted.extend(changes().map(|change| &change.key));
    let holds: Vec<RowKey> = changes().filter_map(hold_over).collect();
    wanted.extend(&holds);
    let mut bodies: BTreeSet<RowKey> = changes()
        .map(|change| &change.key)
        .filter(|key| is_looked_at(key.kind))
        .cloned()
        .collect();
    bodies.extend(entities.iter().cloned());
    load_bodies(tx, &mut set, &bodies).await?;
    let series = series_of(&set, proposals, now_us);
    load_bodies(tx, &mut set, &series).await?;
    wanted.extend(&series);

    let touched: HashSet<&RowKey> = changes()
        .filter(|change| {
            // A record may have entries from before its collection lost its last indexed field.
            change.previous != 0
                && (change.body.is_none()
                    || change.key.kind == Kind::Record
                    || !change.index.is_empty()
                    || !change.unique.is_empty())
        })
        .map(|change| &change.key)
        .collect();
    let claimed: HashSet<&UniqueKey> = changes().flat_map(|change| &change.unique).collect();
    let settled = proposals
        .iter()
        .filter_map(|proposal| proposal.settles.as_ref());
    let runs: Vec<&str> = settled.map(|settled| settled.run.as_str()).collect();
    let touched: Vec<&RowKey> = touched.into_iter().collect();
    look_up(tx, &mut set, wanted, &touched, &claimed, &runs, stop).await?;
    let before = Before {
        entries: set.entries.clone(),
        unique: set.unique.clone(),
        runs: set.runs.clone(),
        definitions: set
            .bodies
            .iter()
            .filter(|(key, _)| key.kind == Kind::Collection)
            .map(|(key, body)| (key.clone(), body.clone()))
            .collect(),
        ledger: ledger::before(&set.bodies),
    };
    Ok((set, before))
}

/// What the decisions look at beside bodies, asked together.
async fn look_up(
    tx: &mut Tx,
    set: &mut WorkingSet,
    wanted: HashSet<&RowKey>,
    touched: &[&RowKey],
    claimed: &HashSet<&UniqueKey>,
    runs: &[&str],
    asked_stop: Option<&RowKey>,
) -> Result<(), Error> {
    let (in_queues, images): (Vec<&RowKey>, Vec<&RowKey>) =
        wanted.into_iter().partition(|key| key.kind.is_queued());
    let places = (0_i64..).zip(&in_queues);
    let queue_args = places.map(|(place, key)| args![place, key.kind.as_str(), key.id.clone()]);
    let claims = claimed
        .iter()
        .map(|key| args![key.space.as_str(), key.value.as_str()]);
    let touched_args = touched.iter().map(|key| key_args(key));
    let [revisions, queued, entries, taken, held, runs, stop] = tx
        .all_of_each([
            (&sql::REVISIONS, placed(&images)),
            (&sql::QUEUED, queue_args.collect()),
            (&sql::ENTRIES_OF, placed(touched)),
            (&sql::UNIQUE_TAKEN, claims.collect()),
            (&sql::UNIQUE_OF, touched_args.collect()),
            (&sql::RUNS_OF, runs.iter().map(|run| args![*run]).collect()),
            (&sql::GET, asked_stop.into_iter().map(key_args).collect()),
        ])
        .await?;
    for (keys, found) in [(&images, revisions), (&in_queues, queued)] {
        for (place, revision, made) in found.read::<(i64, i64, i64)>()? {
            let key: &RowKey = at_place(keys, place)?;
            set.revisions.insert(key.clone(), (revision, made));
        }
    }
    set.entries = entries_at(touched, entries.read()?)?;
    hold(set, taken.read()?)?;
    hold(set, held.read()?)?;
    set.runs = runs.read()?.into_iter().map(run_now).collect();
    let stop = stop.read::<GetRow>()?.pop();
    set.claims_new = asked_stop.is_some() && !stops(stop.as_ref().map(|row| row.6.as_str()));
    Ok(())
}

async fn load_bodies(
    tx: &mut Tx,
    set: &mut WorkingSet,
    keys: &BTreeSet<RowKey>,
) -> Result<(), Error> {
    let rows = keys.iter().map(key_args).collect();
    for (kind, collection, id, _, _, _, body) in tx.all_of::<GetRow>(&sql::GET, rows).await? {
        set.bodies
            .insert(row_key(&kind, &collection, &id)?, parse(&body)?);
    }
    Ok(())
}

/// Series rows that the issues of these proposals will take numbers from.
fn series_of(set: &WorkingSet, proposals: &[&Proposal], now_us: i64) -> BTreeSet<RowKey> {
    let mut found = BTreeSet::new();
    for draft in proposals.iter().map(|proposal| &proposal.draft) {
        for issue in &draft.issues {
            let change = draft.change(&RowKey::of(Kind::Invoice, &issue.invoice));
            let entity_key = change.and_then(invoices::entity_of);
            let entity = entity_key
                .as_ref()
                .and_then(|key| set.bodies.get(key))
                .and_then(|body| serde_json::from_value::<LegalEntity>((**body).clone()).ok());
            if let (Some(key), Some(entity)) = (entity_key, entity) {
                found.extend(
                    invoices::series_of(issue, &key.id, &entity, now_us).map(|(series, _)| series),
                );
            }
        }
    }
    found
}

/// Who holds which unique values: space, value, and the row.
fn hold(
    set: &mut WorkingSet,
    found: Vec<(String, String, String, String, String)>,
) -> Result<(), Error> {
    for (space, value, kind, collection, id) in found {
        let (unique, holder) = (
            UniqueKey { space, value },
            row_key(&kind, &collection, &id)?,
        );
        if set.unique.insert(unique.clone(), holder.clone()).is_none() {
            set.unique_of.entry(holder).or_default().push(unique);
        }
    }
    Ok(())
}

/// Writes what the group decided.
pub(crate) fn write(
    tx: &mut Tx,
    keys: &Keys,
    set: &WorkingSet,
    before: &Before,
    head: &Head,
) -> Result<(), Error> {
    let written = &set.written;
    if written.commits.is_empty() {
        return Ok(());
    }
    let commits = written.commits.iter().map(|(commit, count, hash)| {
        args![
            commit.seq,
            commit.at_us,
            commit.author.as_str(),
            commit.run.as_str(),
            commit.cause.as_str(),
            *count,
            *hash
        ]
    });
    tx.write(&sql::INSERT_COMMITS, commits.collect())?;
    let changes = written.changes.iter().map(|row| {
        let mut args = args![row.seq, row.ordinal];
        args.extend(key_args(&row.change.key));
        args.extend(args![
            row.change.previous,
            row.text.clone(),
            row.salt,
            row.hash
        ]);
        args
    });
    tx.write(&sql::INSERT_CHANGES, changes.collect())?;
    write_images(tx, written.changes.iter())?;
    write_entries(tx, set, before)?;
    write_unique(tx, set, before)?;
    ledger::write(tx, set, &before.ledger)?;
    write_queues(tx, keys, set, before)?;
    let head = args![head.seq, head.at_us, head.hash];
    tx.write(&sql::SET_HEAD, vec![head])?;
    Ok(())
}

/// Each row's last image in the group.
fn write_images<'a>(
    tx: &mut Tx,
    changes: impl Iterator<Item = &'a LoggedChange>,
) -> Result<(), Error> {
    let mut last: BTreeMap<&RowKey, &LoggedChange> = BTreeMap::new();
    last.extend(
        changes
            .filter(|row| !row.change.key.kind.is_queued())
            .map(|row| (&row.change.key, row)),
    );
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    for (key, row) in last {
        let mut args = key_args(key);
        match &row.text {
            Some(text) => {
                args.extend(args![row.seq, row.created_us, row.at_us, text.clone()]);
                upserts.push(args);
            }
            None => deletes.push(args),
        }
    }
    tx.write(&sql::UPSERT_IMAGES, upserts)?;
    tx.write(&sql::DELETE_IMAGES, deletes)?;
    Ok(())
}

/// Only the entries that differ from before.
fn write_entries(tx: &mut Tx, set: &WorkingSet, before: &Before) -> Result<(), Error> {
    let touched: BTreeSet<&RowKey> = set
        .written
        .changes
        .iter()
        .map(|row| &row.change.key)
        .collect();
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    let none = Vec::new();
    for key in touched {
        let (old, new) = (
            before.entries.get(key).unwrap_or(&none),
            set.entries.get(key).unwrap_or(&none),
        );
        for entry in new.iter().filter(|entry| !old.contains(entry)) {
            let row = args![
                kind_text(key.kind),
                key.collection.clone(),
                entry.field.as_str(),
                entry.key.as_slice(),
                key.id.clone()
            ];
            upserts.push(row);
        }
        for entry in old
            .iter()
            .filter(|entry| !new.iter().any(|kept| kept.field == entry.field))
        {
            let mut row = key_args(key);
            row.extend(args![entry.field.as_str()]);
            deletes.push(row);
        }
    }
    tx.write(&sql::DELETE_ENTRIES, deletes)?;
    tx.write(&sql::UPSERT_ENTRIES, upserts)?;
    Ok(())
}

fn write_unique(tx: &mut Tx, set: &WorkingSet, before: &Before) -> Result<(), Error> {
    let changed = |key: &UniqueKey, holder: &RowKey, other: &HashMap<UniqueKey, RowKey>| {
        other.get(key) != Some(holder)
    };
    let deletes = before
        .unique
        .iter()
        .filter(|(key, holder)| changed(key, holder, &set.unique));
    let deletes: Vec<Vec<Arg>> = deletes
        .map(|(key, _)| args![key.space.as_str(), key.value.as_str()])
        .collect();
    tx.write(&sql::DELETE_UNIQUE, deletes)?;
    let inserts = set
        .unique
        .iter()
        .filter(|(key, holder)| changed(key, holder, &before.unique));
    let inserts = inserts.map(|(key, holder)| {
        let mut row = args![key.space.as_str(), key.value.as_str()];
        row.extend(key_args(holder));
        row
    });
    tx.write(&sql::INSERT_UNIQUE, inserts.collect())?;
    Ok(())
}

fn write_queues(tx: &mut Tx, keys: &Keys, set: &WorkingSet, before: &Before) -> Result<(), Error> {
    let (mut runs, mut messages) = (Vec::new(), Vec::new());
    let mut last_due_us = i64::MIN;
    for row in &set.written.changes {
        let id = &*row.change.key.id;
        let body = row.text.clone().unwrap_or_default();
        match row.change.key.kind {
            Kind::Run => {
                let queued = queued_by(row)?;
                let mut columns = RunColumns::queued(id, queued.event.time_us, row.at_us)
                    .after(set.written.fences.get(id));
                if let Some(until_us) = set.written.claimed.get(id) {
                    columns = columns.claimed(*until_us);
                }
                runs.push(args![
                    id,
                    row.seq,
                    queued.automation,
                    body,
                    columns.state,
                    columns.fence,
                    columns.attempt,
                    columns.clock_us,
                    columns.due_us,
                    columns.settled_seq,
                    columns.report,
                    columns.seal(keys)
                ]);
            }
            Kind::Message => {
                // Messages leave in the order of their commits, and within one in its order, which their ids do not have.
                let due_us = row.at_us.max(last_due_us.saturating_add(1));
                last_due_us = due_us;
                let columns = OutboxColumns {
                    id,
                    state: "waiting",
                    attempts: 0,
                    due_us: Some(due_us),
                    error: "",
                };
                let seal = columns.seal(keys);
                let automation = row.change.body.as_deref().map_or("", automation_of);
                messages.push(args![
                    id, row.seq, automation, body, "waiting", 0_i64, due_us, "", seal
                ]);
            }
            _ => {}
        }
    }
    tx.write(&sql::INSERT_RUNS, runs)?;
    tx.write(&sql::INSERT_OUTBOX, messages)?;
    let settled = set
        .written
        .settled
        .iter()
        .filter_map(|(run, seq, state, report)| {
            let now = before.runs.get(run)?;
            let columns = RunColumns {
                id: run,
                state,
                fence: now.fence,
                attempt: now.attempt,
                clock_us: now.clock_us,
                due_us: None,
                settled_seq: Some(*seq),
                report,
            };
            Some(columns.update(keys))
        });
    tx.write(&sql::UPDATE_RUNS, settled.collect())?;
    Ok(())
}
