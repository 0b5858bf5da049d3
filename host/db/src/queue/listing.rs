//! The queues as people look at them: runs and messages by id, and in lists, newest first.
//!
//! A list first finds where its rows lie, along an index that holds nothing else, and then fetches them a few at a time.

use std::collections::BTreeSet;

use bursar_domain::row::{Kind, Seq};

use super::{
    MessageRecord, MessageState, RunLine, RunRecord, RunState,
    records::{message_record, run_line, run_record},
};
use crate::{
    Database,
    adapter::{Fetch, Statement, Tx, args},
    error::Error,
    statements as sql,
};

/// Rows fetched at a time: a run's report may have two megabytes.
const FETCH_ROWS: usize = 64;

/// Which runs to list: newest first.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only those of these automations.
    pub automations: Option<Vec<String>>,
    /// Only those in this state.
    pub state: Option<RunState>,
    /// Continue behind the last one seen: the commit that queued it, and its id.
    pub before: Option<(Seq, String)>,
    /// Most rows.
    pub limit: usize,
}

/// Which messages to list: newest first.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only those of these automations.
    pub automations: Option<Vec<String>>,
    /// Only those in this state.
    pub state: Option<MessageState>,
    /// Continue behind the last one seen: the commit that it came with, and its id.
    pub before: Option<(Seq, String)>,
    /// Most rows.
    pub limit: usize,
}

/// Where a queue's rows of a state lie, newest first.
struct Places {
    /// Along all of them.
    of_all: Statement,
    /// Along those of one automation.
    of_one: Statement,
    /// "" for every state.
    state: &'static str,
}

impl Places {
    /// Runs. Among those of the usual state the others are passed over; those that wait are found among all that wait.
    fn of_runs(state: Option<RunState>) -> Self {
        let (of_all, of_one) = match state {
            None | Some(RunState::Committed) => (sql::RUNS_LISTED, sql::RUNS_LISTED_OF),
            Some(RunState::Failed | RunState::Held | RunState::Shadowed) => {
                (sql::RUNS_UNUSUAL, sql::RUNS_UNUSUAL_OF)
            }
            Some(RunState::Queued | RunState::Running) => (sql::RUNS_WAITING, sql::RUNS_WAITING_OF),
        };
        let state = state.map_or("", RunState::as_str);
        Self {
            of_all,
            of_one,
            state,
        }
    }

    /// Messages, as runs.
    fn of_messages(state: Option<MessageState>) -> Self {
        let (of_all, of_one) = match state {
            None | Some(MessageState::Sent) => (sql::OUTBOX_LISTED, sql::OUTBOX_LISTED_OF),
            Some(MessageState::Failed) => (sql::OUTBOX_UNUSUAL, sql::OUTBOX_UNUSUAL_OF),
            Some(MessageState::Waiting | MessageState::Sending) => {
                (sql::OUTBOX_WAITING, sql::OUTBOX_WAITING_OF)
            }
        };
        let state = state.map_or("", MessageState::as_str);
        Self {
            of_all,
            of_one,
            state,
        }
    }

    /// Ids of the rows of a page. Of several automations, each one's page is merged with the others'.
    async fn page(
        &self,
        tx: &mut Tx,
        automations: Option<&[String]>,
        before: Option<&(Seq, String)>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let (seq, id) = before.map_or((Seq::MAX, ""), |(seq, id)| (*seq, id.as_str()));
        // No row has such an id, and PostgreSQL cannot be asked for one.
        if id.contains('\0') {
            return Ok(Vec::new());
        }
        let rows_max = i64::try_from(limit).unwrap_or(i64::MAX);
        let behind = args![self.state, seq, id, rows_max];
        let Some(automations) = automations else {
            let places: Vec<(i64, String)> = tx.all(&self.of_all, behind).await?;
            return Ok(places.into_iter().map(|(_, id)| id).collect());
        };
        let asked: BTreeSet<&String> = automations
            .iter()
            .filter(|automation| !automation.contains('\0'))
            .collect();
        let mut places: Vec<(i64, String)> = Vec::new();
        for automation in asked {
            let mut args = args![automation.as_str()];
            args.extend(behind.clone());
            places.append(&mut tx.all(&self.of_one, args).await?);
            places.sort_unstable_by(|a, b| b.cmp(a));
            places.truncate(limit);
        }
        Ok(places.into_iter().map(|(_, id)| id).collect())
    }
}

/// Rows by id, newest first, a few at a time. Those that do not exist are left out.
async fn fetch<Row: Fetch, T>(
    tx: &mut Tx,
    statement: &Statement,
    ids: &[String],
    read: impl Fn(Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(FETCH_ROWS) {
        let known = ids.iter().filter(|id| !id.contains('\0'));
        let keys = known.map(|id| args![id.as_str()]).collect();
        for row in tx.all_of::<Row>(statement, keys).await? {
            found.push(read(row)?);
        }
    }
    Ok(found)
}

impl Database {
    /// One run.
    pub async fn run(&self, id: &str) -> Result<Option<RunRecord>, Error> {
        let mut found = self.runs_of(&[id.to_owned()]).await?;
        found.pop().map(run_record).transpose()
    }

    /// Those of the runs that exist, newest first.
    pub async fn runs_of(&self, ids: &[String]) -> Result<Vec<RunLine>, Error> {
        let mut tx = match ids.len() {
            0..=FETCH_ROWS => self.pools.looking().await?,
            _ => self.pools.reading().await?,
        };
        fetch(&mut tx, &sql::RUNS_BY_ID, ids, run_line).await
    }

    /// Runs, newest first: by the commit that queued them, then by id. What a page costs does not grow with the runs of
    /// other automations. It may grow with all that waits if the state is queued or running, and with the runs of other
    /// states if it is committed.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunLine>, Error> {
        let mut tx = self.pools.reading().await?;
        let (automations, before) = (filter.automations.as_deref(), filter.before.as_ref());
        let places = Places::of_runs(filter.state);
        let ids = places
            .page(&mut tx, automations, before, filter.limit)
            .await?;
        fetch(&mut tx, &sql::RUNS_BY_ID, &ids, run_line).await
    }

    /// One message.
    pub async fn message(&self, id: &str) -> Result<Option<MessageRecord>, Error> {
        let mut tx = self.pools.reading().await?;
        let ids = [id.to_owned()];
        let found = fetch(&mut tx, &sql::MESSAGES_BY_ID, &ids, message_record).await;
        Ok(found?.pop())
    }

    /// Messages, newest first: by the commit that they came with, then by id. Costs are those of [`Database::runs`], with
    /// sent as the usual state.
    pub async fn messages(&self, filter: &MessageFilter) -> Result<Vec<MessageRecord>, Error> {
        let mut tx = self.pools.reading().await?;
        let (automations, before) = (filter.automations.as_deref(), filter.before.as_ref());
        let places = Places::of_messages(filter.state);
        let ids = places
            .page(&mut tx, automations, before, filter.limit)
            .await?;
        fetch(&mut tx, &sql::MESSAGES_BY_ID, &ids, message_record).await
    }

    /// Ids of runs from a text on, in their order.
    pub async fn run_ids_from(&self, text: &str, limit: usize) -> Result<Vec<String>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut tx = self.pools.reading().await?;
        let rows: Vec<(String,)> = tx.all(&sql::RUN_IDS_FROM, args![text, limit]).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// How many rows of a kind there are; queued kinds have counts of their own.
    pub async fn rows_counted(&self, kind: Kind) -> Result<u64, Error> {
        let mut tx = self.pools.reading().await?;
        let (count,): (i64,) = tx.one(&sql::ROWS_COUNTED, args![kind.as_str()]).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// How many runs of each automation are in each state.
    pub async fn runs_counted(&self) -> Result<Vec<(String, RunState, i64)>, Error> {
        let mut tx = self.pools.reading().await?;
        let rows: Vec<(String, String, i64)> = tx.all(&sql::RUNS_COUNTED, args![]).await?;
        let state = |state: &str| {
            RunState::find(state)
                .ok_or_else(|| Error::Corrupt(format!("unknown run state {state:?}")))
        };
        rows.into_iter()
            .map(|(automation, of, count)| Ok((automation, state(&of)?, count)))
            .collect()
    }

    /// How many messages are in each state: waiting, sent, failed.
    pub async fn outbox_counted(&self) -> Result<Vec<(String, i64)>, Error> {
        let mut tx = self.pools.reading().await?;
        tx.all(&sql::OUTBOX_COUNTED, args![]).await
    }
}
