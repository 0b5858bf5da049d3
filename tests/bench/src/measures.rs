//! The measures that the host itself takes part in: runs as a worker does them, the sandbox alone, the log alone.

use std::time::{Duration, Instant};

use bursar_db::{ClaimedRun, Proposal, RunEnd, SettledRun, Verdict};
use bursar_domain::{
    manifest::{Authority, effective},
    office::Actor,
    run::{Claim, Outcome, RunReport},
};
use bursar_office::{Context, Session, run_id, run_seed};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Fault,
    log::Span,
    office::{Office, TOUCH},
};

/// Runs claimed at once while claims are only prepared.
const CLAIM_RUNS: usize = 256;
/// A worker claims twice as many runs as it executes at once.
const PROPOSERS_PER_WORKER: usize = 2;
const LEASE_US: i64 = 24 * 3600 * 1_000_000;

/// How long so many took, and where the log shows it.
pub struct Measured {
    pub count: usize,
    pub took: Duration,
    pub span: Span,
}

/// Everything that is queued, worked off by the real worker.
pub async fn runs(office: &Office, expected: usize) -> Result<Measured, Fault> {
    let from = office.log.head().await?;
    let started = Instant::now();
    let count = office.worker.work_off_runs().await?;
    let took = started.elapsed();
    let span = office.log.span_since(from).await?;
    let committed = office.log.groups(&span).await?.commits;
    if count != expected || committed != expected {
        return Err(format!(
            "{expected} runs were queued, {count} executed, {committed} committed"
        )
        .into());
    }
    Ok(Measured { count, took, span })
}

/// The same component, instantiated and called as often, whose runs touch nothing: they never open a snapshot.
///
/// It leaves out what the guest's two calls cost on either side of the sandbox's wall, so that it is an upper limit.
pub async fn wasm_only(office: &Office, count: usize) -> Result<Measured, Fault> {
    let claims = (0..count).map(|place| {
        let event = Office::event(&format!("nothing-{place}"), json!({}));
        let run = run_id(TOUCH.automation, &event.id);
        claim(
            office,
            ClaimedRun {
                run,
                fence: 1,
                attempt: 1,
                clock_us: event.time_us,
                queued: bursar_domain::run::QueuedRun {
                    automation: TOUCH.automation.to_owned(),
                    event,
                },
            },
        )
    });
    let started_with = claims.collect();
    let started = Instant::now();
    let reports = execute(office, started_with).await?;
    let took = started.elapsed();
    let changed = reports.iter().any(|(_, report)| !report.draft.is_empty());
    if reports.len() != count || changed {
        return Err("a run that should touch nothing did".into());
    }
    Ok(Measured {
        count,
        took,
        span: Span::default(),
    })
}

/// What so many runs propose, with everything that a worker adds; nothing is proposed yet.
pub async fn proposals(office: &Office, count: usize) -> Result<Vec<Proposal>, Fault> {
    office.queue(&TOUCH, count).await?;
    let mut claims = Vec::with_capacity(count);
    loop {
        let claimed = office.database.claim(CLAIM_RUNS, LEASE_US).await?;
        if claimed.is_empty() {
            break;
        }
        claims.extend(claimed.into_iter().map(|claimed| claim(office, claimed)));
    }
    let reports = execute(office, claims).await?;
    Ok(reports
        .into_iter()
        .map(|(claim, report)| proposal(office, &claim, report))
        .collect())
}

/// Those proposals, from as many tasks as a worker has runs at hand.
pub async fn commit_only(office: &Office, proposals: Vec<Proposal>) -> Result<Measured, Fault> {
    let count = proposals.len();
    let from = office.log.head().await?;
    let shares = shares(proposals, office.workers * PROPOSERS_PER_WORKER);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for share in shares {
        let database = office.database.clone();
        tasks.spawn(async move {
            for proposal in share {
                match database.propose(proposal).await? {
                    Verdict::Committed { .. } => {}
                    other => return Err(Fault::from(format!("not committed: {other:?}"))),
                }
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let took = started.elapsed();
    let span = office.log.span_since(from).await?;
    Ok(Measured { count, took, span })
}

/// Executes claims, as many at once as there are workers. A run that does not succeed is a fault of the bench.
async fn execute(office: &Office, claims: Vec<Claim>) -> Result<Vec<(Claim, RunReport)>, Fault> {
    let mut tasks = JoinSet::new();
    for share in shares(claims, office.workers) {
        let (runtime, plugin) = (office.runtime.clone(), office.plugin.clone());
        let database = office.database.clone();
        tasks.spawn(async move {
            let mut reports = Vec::with_capacity(share.len());
            for claim in share {
                let session = Session::new(&database, context(&claim));
                let report = runtime.execute(&plugin, &claim, session).await?;
                if !matches!(report.outcome, Outcome::Succeeded(_)) {
                    return Err(Fault::from(format!(
                        "the guest failed: {:?}",
                        report.outcome
                    )));
                }
                reports.push((claim, report));
            }
            Ok(reports)
        });
    }
    let mut reports = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        reports.extend(ended??);
    }
    Ok(reports)
}

/// Deals out things like cards.
pub fn shares<T>(all: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let count = count.max(1);
    let mut shares: Vec<Vec<T>> = (0..count).map(|_| Vec::new()).collect();
    for (place, one) in all.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(place % count) {
            share.push(one);
        }
    }
    shares
}

fn claim(office: &Office, claimed: ClaimedRun) -> Claim {
    let event = claimed.queued.event;
    Claim {
        run: claimed.run,
        fence: claimed.fence,
        attempt: claimed.attempt,
        automation_id: TOUCH.automation.to_owned(),
        automation: office.automation.clone(),
        legal_entity: office.entity.clone(),
        ceiling: None,
        limits: office.limits.clone(),
        seed: run_seed(&office.seed_key, TOUCH.automation, &event.id),
        time_us: claimed.clock_us,
        event,
    }
}

/// As a worker sets up an automation's session.
fn context(claim: &Claim) -> Context {
    Context {
        actor: author(),
        scope: format!("automation:{}", TOUCH.automation),
        automation: Some(TOUCH.automation.to_owned()),
        depth: 1,
        legal_entity_id: claim.automation.legal_entity.clone(),
        legal_entity: Some(claim.legal_entity.clone()),
        authority: Authority::Granted(effective(
            &claim.automation.grants,
            claim.ceiling.as_deref(),
            claim.time_us,
        )),
        now_us: claim.time_us,
        seed: claim.seed,
        limits: claim.limits.clone(),
    }
}

/// As a worker settles a run that succeeded.
fn proposal(office: &Office, claim: &Claim, report: RunReport) -> Proposal {
    let text = text_of(&report);
    let mut draft = report.draft;
    for (key, revision) in &office.depends_on {
        draft.read_row(key, *revision);
    }
    Proposal {
        author: author(),
        cause: "run".to_owned(),
        draft,
        settles: Some(SettledRun {
            run: claim.run.clone(),
            fence: claim.fence,
            end: RunEnd::Committed,
            report: text,
        }),
    }
}

fn text_of(report: &RunReport) -> Value {
    let summary = match &report.outcome {
        Outcome::Succeeded(summary) => json!(summary.text),
        _ => Value::Null,
    };
    json!({"executions": 1, "outcome": report.outcome, "logs": report.logs, "usage": report.usage, "summary": summary})
}

fn author() -> Actor {
    Actor::new("automation", TOUCH.automation)
}
