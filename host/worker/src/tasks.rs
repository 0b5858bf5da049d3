//! Tasks that have something due: reminders are given, and what nobody answered in time ends.

use std::sync::Arc;

use bursar_db::{Database, Query, Verdict};
use bursar_domain::{
    draft::{Direction, Position},
    index::{Comparison, Condition, fields_of},
    office::Actor,
    row::Kind,
};
use bursar_office::{Context, Session, Tended, run_seed};

use crate::{Error, Worker, deliver::is_stopped, execute::chain, propose::propose};

/// Most tasks of one look; the next one takes the rest.
const TASKS_MAX: usize = 100;
/// The clock's name in the log.
const CLOCK: &str = "tasks";

impl Worker {
    /// Does what is due of tasks; gives how many moved on.
    pub(crate) async fn tend_tasks(&self) -> Result<usize, Error> {
        let database = &self.inner.database;
        let now_us = database.now_us().await?;
        let (mut tended, mut after) = (0, None);
        loop {
            let due = due_tasks(database, now_us, after.take()).await?;
            for id in due.iter().map(|place| &place.id) {
                // Nobody is reminded while everything is stopped; what is due waits.
                if is_stopped(database).await? {
                    return Ok(tended);
                }
                let seed = run_seed(&self.inner.seed_key, CLOCK, &format!("{id}/{now_us}"));
                match tend(database, id, now_us, seed).await {
                    Ok(is_moved) => tended += usize::from(is_moved),
                    Err(Error::Office(bursar_office::Error::Host(error))) => {
                        return Err(bursar_office::Error::Host(error).into());
                    }
                    // The others move on all the same.
                    Err(Error::Office(error)) => {
                        tracing::error!(
                            task = &**id,
                            cause = chain(&error),
                            "a task cannot move on"
                        );
                    }
                    Err(error) => return Err(error),
                }
            }
            // Those that moved are not due any more. If none did, others may be behind them.
            if tended > 0 || due.len() < TASKS_MAX {
                return Ok(tended);
            }
            after = due.into_iter().next_back();
        }
    }
}

/// Places of open tasks whose next instant is past, the earliest first.
async fn due_tasks(
    database: &Database,
    now_us: i64,
    after: Option<Position>,
) -> Result<Vec<Position>, Error> {
    let fields = fields_of(Kind::Task);
    let next = fields.iter().find(|field| field.name == "next");
    let Some(next) = next else {
        return Ok(Vec::new());
    };
    let until = Condition::new(next, Comparison::LessOrEqual, &[now_us.into()]);
    let until = until.map_err(|problem| bursar_office::Error::Broken(problem.to_string()))?;
    let query = Query {
        kind: Kind::Task,
        collection: Arc::from(""),
        conditions: vec![until],
        order: Some("next".to_owned()),
        direction: Direction::Ascending,
        after,
        limit: TASKS_MAX,
    };
    let page = database.snapshot().list(&query).await?;
    Ok(page.rows.into_iter().map(|(place, _)| place).collect())
}

/// One task in one commit: what another worker did meanwhile makes it stale.
async fn tend(database: &Database, id: &str, now_us: i64, seed: [u8; 32]) -> Result<bool, Error> {
    let actor = Actor::new("system", CLOCK);
    let context = Context::of_host(actor, "system:tasks", now_us, seed);
    let mut session = Session::new(database, context);
    if session.tend_task(id).await? == Tended::Nothing {
        return Ok(false);
    }
    let (draft, _) = session.into_parts();
    match propose(database, CLOCK, draft).await? {
        Verdict::Committed { .. } => Ok(true),
        Verdict::Stale(_) | Verdict::Fenced => Ok(false),
        Verdict::Refused(problem) => {
            tracing::error!(task = id, cause = %problem, "a task cannot move on");
            Ok(false)
        }
    }
}
