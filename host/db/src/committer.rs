//! The one writer: proposals and queue jobs arrive on a channel and are settled in groups, one transaction a group.

mod claims;

use std::{collections::BTreeMap, sync::Arc};

use bursar_domain::{
    draft::Draft,
    log::Hash,
    office::{Actor, STOP},
    problem::Problem,
    row::{Kind, RowKey, Seq},
};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use claims::{Claim, Claims, Served};

use crate::{
    Database,
    adapter::{Engine, Pools, Tx, args},
    apply::{self, Before},
    decide::{Head, Ready, WorkingSet, decide},
    ends::Ends,
    error::Error,
    queue::{ClaimedRuns, QueueAnswer, QueueJob, perform},
    recent::Recent,
    reproject::reproject,
    seal::Keys,
    statements as sql, views,
};

/// Most jobs of one group.
pub(crate) const GROUP_JOBS_MAX: usize = 256;
/// Most rows that the proposals of one group read and change; whoever exceeds it is the group's last.
const GROUP_ROWS_MAX: usize = 20_000;
/// Most bytes of row images in one group; whoever exceeds it is the group's last.
const GROUP_BYTES_MAX: usize = 32 << 20;
/// Jobs that may wait before proposers do.
const WAITING_JOBS_MAX: usize = 1_024;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Its change set is committed with this proposal.
    Committed,
    /// It changed nothing: the proposal holds a notice.
    Failed,
    /// Its change set waits for a person.
    Held,
    /// Its change set is kept for looking at.
    Shadowed,
}

impl RunEnd {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RunEnd::Committed => "committed",
            RunEnd::Failed => "failed",
            RunEnd::Held => "held",
            RunEnd::Shadowed => "shadowed",
        }
    }
}

/// The run that a proposal brings to its end.
#[derive(Clone, Debug)]
pub struct SettledRun {
    /// Its id.
    pub run: String,
    /// The fence of the claim.
    pub fence: i64,
    /// How it ends.
    pub end: RunEnd,
    /// Outcome, logs, usage: canonical JSON.
    pub report: Value,
}

/// A draft that asks to become a commit.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// In whose name.
    pub author: Actor,
    /// Why, in a word: "run", "install-plugin".
    pub cause: String,
    /// What to commit.
    pub draft: Draft,
    /// The run that it settles, if it comes from one.
    pub settles: Option<SettledRun>,
}

/// The committer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the log.
    Committed {
        /// Its place.
        seq: Seq,
        /// Numbers given, by invoice id.
        numbers: BTreeMap<String, String>,
    },
    /// What was read no longer holds: execute again on a fresh snapshot.
    Stale(String),
    /// The run's lease was taken over, or the run is settled already.
    Fenced,
    /// It breaks a rule, however often it is tried.
    Refused(Problem),
}

type Reply<T> = oneshot::Sender<Result<T, Error>>;

enum Job {
    Propose(Box<Ready>, Reply<Verdict>),
    Queue(QueueJob, Reply<QueueAnswer>),
    Await(Claim),
    /// Time may have made runs due, or others may have queued some.
    Look,
    Close(oneshot::Sender<()>),
}

impl Job {
    fn fail(self, error: Error) {
        match self {
            Job::Propose(_, reply) => drop(reply.send(Err(error))),
            Job::Queue(_, reply) => drop(reply.send(Err(error))),
            Job::Await(claim) => drop(claim.reply.send(Err(error))),
            Job::Look => {}
            Job::Close(reply) => drop(reply.send(())),
        }
    }

    /// Rows and bytes that it brings into a group.
    fn weight(&self) -> (usize, usize) {
        match self {
            Job::Propose(ready, _) => ready.weight(),
            _ => (0, 0),
        }
    }
}

enum Answer {
    Verdict(Verdict),
    Queue(QueueAnswer),
}

/// What came of a group.
struct Settled {
    answers: Vec<Answer>,
    served: Served,
    /// What the decisions looked at, no longer needed.
    spent: (WorkingSet, Before),
}

/// A handle to the one writer.
#[derive(Clone)]
pub(crate) struct Committer {
    inbox: mpsc::Sender<Job>,
    clock: Arc<Clock>,
}

/// The process's clock: monotonic since its start, so that it never steps back, and never behind the wall clock, since the
/// monotonic one stands still while a machine sleeps.
struct Clock {
    started: std::time::Instant,
    started_us: i64,
}

fn wall_us() -> i64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

impl Clock {
    fn start() -> Self {
        Self {
            started: std::time::Instant::now(),
            started_us: wall_us(),
        }
    }

    fn now_us(&self) -> i64 {
        let elapsed_us = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.started_us.saturating_add(elapsed_us).max(wall_us())
    }
}

impl Committer {
    pub(crate) fn start(pools: Pools, keys: Keys, ends: Ends) -> Self {
        let (inbox, waiting) = mpsc::channel(WAITING_JOBS_MAX);
        let (back, handed_back) = mpsc::unbounded_channel();
        let clock = Arc::new(Clock::start());
        let writer = Writer {
            pools,
            keys,
            ends,
            clock: clock.clone(),
            recent: Recent::default(),
            claims: Claims::none(back.clone()),
            back,
            handed_back,
        };
        tokio::spawn(writer.work(waiting));
        Self { inbox, clock }
    }

    pub(crate) async fn queue(&self, job: QueueJob) -> Result<QueueAnswer, Error> {
        self.ask(|reply| Job::Queue(job, reply)).await
    }

    /// Claims runs as soon as there are some.
    pub(crate) async fn claim(&self, limit: usize, lease_us: i64) -> Result<ClaimedRuns, Error> {
        self.ask(|reply| {
            Job::Await(Claim {
                limit,
                lease_us,
                reply,
            })
        })
        .await
    }

    /// Lets the claims that wait look again.
    pub(crate) async fn look(&self) -> Result<(), Error> {
        let sent = self.inbox.send(Job::Look).await;
        sent.map_err(|_| Error::Closed)
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let sent = self.inbox.send(job(reply)).await;
        sent.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.inbox.send(Job::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// The database's clock on PostgreSQL, the process's on SQLite.
    pub(crate) async fn now(&self, pools: &Pools) -> Result<i64, Error> {
        match pools.engine() {
            Engine::Sqlite => Ok(self.clock.now_us()),
            Engine::Postgres => now(&mut pools.reading().await?, &self.clock).await,
        }
    }
}

async fn now(tx: &mut Tx, clock: &Clock) -> Result<i64, Error> {
    if tx.engine() == Engine::Sqlite {
        return Ok(clock.now_us());
    }
    let (now_us,): (i64,) = tx.one(&sql::NOW, args![0_i64]).await?;
    Ok(now_us)
}

impl Database {
    /// Asks for a commit. After an error it may be open whether it took place: look at the run before trying again.
    pub async fn propose(&self, proposal: Proposal) -> Result<Verdict, Error> {
        let ready = match Ready::new(proposal) {
            Ok(ready) => Box::new(ready),
            Err(problem) => return Ok(Verdict::Refused(problem)),
        };
        self.committer.ask(|reply| Job::Propose(ready, reply)).await
    }
}

/// Where further jobs come from, and where a wish to close is put until the group is settled.
type Waiting<'a> = (&'a mut mpsc::Receiver<Job>, &'a mut Vec<Job>);

struct Writer {
    pools: Pools,
    keys: Keys,
    ends: Ends,
    clock: Arc<Clock>,
    recent: Recent,
    claims: Claims,
    /// For claimed runs that nobody takes.
    back: mpsc::UnboundedSender<QueueJob>,
    handed_back: mpsc::UnboundedReceiver<QueueJob>,
}

impl Writer {
    async fn work(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut closing = Vec::new();
        while closing.is_empty() {
            let mut group = Vec::new();
            if !self.claims.may_find() {
                group.push(tokio::select! {
                    Some(job) = self.handed_back.recv() => unasked(job),
                    job = waiting.recv() => match job {
                        Some(job) => job,
                        None => break,
                    }
                });
            }
            self.settle(&mut waiting, &mut closing, group).await;
        }
        waiting.close();
        while let Ok(late) = waiting.try_recv() {
            late.fail(Error::Closed);
        }
        self.claims.fail(&Error::Closed);
        while let Ok(job) = self.handed_back.try_recv() {
            self.settle(&mut waiting, &mut closing, vec![unasked(job)])
                .await;
        }
        for job in closing {
            job.fail(Error::Closed);
        }
    }

    /// One transaction for all. If the database refuses a statement nothing happened, so each job is tried alone, without
    /// the claims that wait: one bad job does not take the others with it.
    async fn settle(
        &mut self,
        waiting: &mut mpsc::Receiver<Job>,
        closing: &mut Vec<Job>,
        mut group: Vec<Job>,
    ) {
        closing.extend(group.extract_if(.., |job| matches!(job, Job::Close(_))));
        self.set_aside(&mut group);
        if group.is_empty() && !self.claims.may_find() {
            return;
        }
        let settled = self.group(Some((waiting, closing)), &mut group).await;
        match settled {
            Ok(settled) => self.answer(group, settled),
            Err(error) if error.is_refusal() && !group.is_empty() => {
                self.claims.roll_back();
                for job in group {
                    let mut alone = vec![job];
                    match self.group(None, &mut alone).await {
                        Ok(settled) => self.answer(alone, settled),
                        Err(error) => {
                            for job in alone {
                                job.fail(error.clone());
                            }
                        }
                    }
                }
            }
            Err(error) => {
                self.claims.roll_back();
                for job in group {
                    job.fail(error.clone());
                }
                self.claims.fail(&error);
            }
        }
    }

    /// Takes out what is no job of the group's.
    fn set_aside(&mut self, group: &mut Vec<Job>) {
        for job in group.extract_if(.., |job| matches!(job, Job::Await(_) | Job::Look)) {
            match job {
                Job::Await(claim) => self.claims.add(claim),
                _ => self.claims.look(),
            }
        }
    }

    fn answer(&mut self, group: Vec<Job>, settled: Settled) {
        let mut spent = Vec::with_capacity(group.len());
        for (job, answer) in group.into_iter().zip(settled.answers) {
            // Whoever asked may be gone: the commit stands.
            match (job, answer) {
                (Job::Propose(ready, reply), Answer::Verdict(verdict)) => {
                    if let (Verdict::Committed { seq, .. }, Some(run)) =
                        (&verdict, &ready.proposal.settles)
                    {
                        let ended = || settled.spent.1.ended(run, &ready.report, *seq);
                        self.ends.tell(&run.run, ended);
                    }
                    drop(reply.send(Ok(verdict)));
                    spent.push(ready);
                }
                (Job::Queue(_, reply), Answer::Queue(answer)) => drop(reply.send(Ok(answer))),
                (job, _) => job.fail(Error::Closed),
            }
        }
        let fences = &settled.spent.0.written.fences;
        self.claims.settle(settled.served, fences);
        // Thousands of small values: freed beside the next group, not before it.
        tokio::spawn(async move { drop((spent, settled.spent)) });
    }

    /// The claims that wait come along, unless jobs are tried alone.
    async fn group(
        &mut self,
        waiting: Option<Waiting<'_>>,
        group: &mut Vec<Job>,
    ) -> Result<Settled, Error> {
        let mut tx = self.pools.writing().await?;
        let (seq, at_us, hash): (i64, i64, Vec<u8>) = tx.one(&sql::LOCK_HEAD, args![]).await?;
        let hash: Hash = hash
            .try_into()
            .map_err(|_| Error::Corrupt("the head's hash is not 32 bytes".to_owned()))?;
        let takes_claims = waiting.is_some();
        if let Some((waiting, closing)) = waiting {
            drain(waiting, closing, group);
            self.set_aside(group);
        }
        let now_us = now(&mut tx, &self.clock).await?;
        self.recent.catch_up(&mut tx, seq).await?;
        let mut head = Head { seq, at_us, hash };
        tracing::debug!(target: "bursar::settle", from_seq = seq, jobs = group.len(), "settle begins");
        let ready = group.iter().filter_map(|job| match job {
            Job::Propose(ready, _) => Some(&**ready),
            _ => None,
        });
        let proposals: Vec<&Proposal> = ready.clone().map(|ready| &ready.proposal).collect();
        let claims_wait = takes_claims && self.claims.wait_for_new();
        let stop = claims_wait.then(|| RowKey::of(Kind::Control, STOP));
        let (mut set, before) = apply::load(&mut tx, &proposals, stop.as_ref(), now_us).await?;
        let verdicts: Vec<Verdict> = ready
            .map(|ready| decide(&mut set, &mut head, &self.recent, ready, now_us, &mut salt))
            .collect();
        // A run is due from its commit's instant on, which the log may have pushed ahead of the clock.
        let now_us = now_us.max(head.at_us);
        let mut served = self.claims.serve_new(&mut set, now_us)?;
        apply::write(&mut tx, &self.keys, &set, &before, &head)?;
        reproject(&mut tx, &set, &before).await?;
        views::follow(&mut tx, &set, &before).await?;
        let mut verdicts = verdicts.into_iter();
        let mut answers = Vec::with_capacity(group.len());
        for job in group.iter() {
            answers.push(match job {
                Job::Queue(job, _) => {
                    let answer = perform(&mut tx, &self.keys, job, now_us).await?;
                    served.note(&answer);
                    Answer::Queue(answer)
                }
                _ => Answer::Verdict(verdicts.next().ok_or(Error::Closed)?),
            });
        }
        if takes_claims {
            self.claims
                .serve_due(&mut tx, &self.keys, &mut served, now_us)
                .await?;
        }
        tx.commit().await?;
        // Not before: what was not committed is nobody's to give back.
        for answer in &mut answers {
            if let Answer::Queue(answer) = answer {
                answer.claimed.or_back_to(&self.back);
            }
        }
        tracing::debug!(target: "bursar::settle", to_seq = head.seq, "settle ends");
        let recent = std::mem::take(&mut set.written.recent);
        self.recent.extend(recent, head.seq);
        Ok(Settled {
            answers,
            served,
            spent: (set, before),
        })
    }
}

/// A job whose outcome nobody waits for.
fn unasked(job: QueueJob) -> Job {
    Job::Queue(job, oneshot::channel().0)
}

/// Whoever arrived while the group waited for the lock comes along.
fn drain(waiting: &mut mpsc::Receiver<Job>, closing: &mut Vec<Job>, group: &mut Vec<Job>) {
    let add = |(rows, bytes), job: &Job| {
        let (more_rows, more_bytes) = job.weight();
        (rows + more_rows, bytes + more_bytes)
    };
    let (mut rows, mut bytes) = group.iter().fold((0, 0), add);
    let has_room = |jobs, rows, bytes| {
        jobs < GROUP_JOBS_MAX && rows < GROUP_ROWS_MAX && bytes < GROUP_BYTES_MAX
    };
    while closing.is_empty() && has_room(group.len(), rows, bytes) {
        let Ok(job) = waiting.try_recv() else { return };
        (rows, bytes) = add((rows, bytes), &job);
        if matches!(job, Job::Close(_)) {
            closing.push(job);
        } else {
            group.push(job);
        }
    }
}

fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).expect("the operating system gives random bytes");
    salt
}
