//! One claimed run: execute, decide, settle; again on a fresh snapshot if what it read has changed.

use std::{sync::Arc, time::Duration};

use bursar_db::{ClaimedRun, Proposal, RunEnd, SettledRun, Verdict};
use bursar_domain::{
    confidentiality::Class,
    draft::{Change, Draft},
    matching,
    office::{Quarantine, quarantine_of},
    problem::Problem,
    row::{Kind, RowKey},
    run::{Claim, LogLine, Outcome, RunReport, Settlement, decide},
};
use bursar_office::describe::{describe, to_text, veiled};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Error, Inner,
    prepare::{Prepared, author, session},
    turns::EXECUTIONS_BEFORE_TURN,
};

/// Executions of one claim; after that the run goes back to the queue for a while.
const EXECUTIONS_MAX: u32 = 50;
/// Wait of a run that the host could not execute or settle.
const HOST_TROUBLE_DELAY: Duration = Duration::from_secs(10);
/// Room for log lines in a report, in bytes: a report is one JSON value of at most 1 MiB.
const REPORT_LOG_BYTES_MAX: usize = 700 << 10;
/// Longest drafted change set kept for people to look at, in bytes.
const REPORT_DRAFT_BYTES_MAX: usize = 200 << 10;
/// Wait of a run whose plugin is quarantined.
const QUARANTINE_DELAY: Duration = Duration::from_mins(1);
/// How often it is looked whether a plugin that runs is quarantined: it is stopped within a second, on every node.
const QUARANTINE_LOOK: Duration = Duration::from_millis(400);
/// Wait of a run that was overtaken too often.
const OVERTAKEN_DELAY: Duration = Duration::from_secs(1);

/// What became of one execution.
enum Step {
    Settled,
    Again,
}

impl Inner {
    /// Executes until the run is settled, postponed, or taken over by someone else.
    pub(crate) async fn run(self: &Arc<Self>, claimed: ClaimedRun) {
        let mut executions = 0;
        loop {
            executions += 1;
            match self.execute(&claimed, executions).await {
                Ok(Step::Settled) => return,
                Ok(Step::Again) if executions < EXECUTIONS_MAX => {}
                Ok(Step::Again) => {
                    return self
                        .give_back(&claimed, OVERTAKEN_DELAY, "overtaken too often")
                        .await;
                }
                Err(error) => {
                    let cause = chain(&error);
                    tracing::error!(
                        run = claimed.run,
                        automation = claimed.queued.automation,
                        cause,
                        "a run could not be executed"
                    );
                    self.preparations.forget(&claimed.queued.automation);
                    return self.give_back(&claimed, HOST_TROUBLE_DELAY, &cause).await;
                }
            }
        }
    }

    async fn execute(
        self: &Arc<Self>,
        claimed: &ClaimedRun,
        executions: u32,
    ) -> Result<Step, Error> {
        let prepared = match self.prepare(&claimed.queued.automation).await {
            Err(quarantined @ Error::Quarantined { .. }) => {
                return Ok(self.wait_for_release(claimed, &quarantined).await);
            }
            prepared => prepared?,
        };
        let claim = prepared.claim(claimed, &self.seed_key);
        if prepared.stopped {
            self.preparations.forget(&claim.automation_id);
            self.give_back(claimed, OVERTAKEN_DELAY, "stopped").await;
            return Ok(Step::Settled);
        }
        if let Err(unmet) = matching::check_enabled(&prepared.automation) {
            let problem = Problem::new(unmet.code(), "the automation was turned off");
            return self
                .end(
                    &prepared,
                    &claim,
                    RunEnd::Failed,
                    json!({"problem": problem}),
                    report_of(None, executions),
                )
                .await;
        }
        // First the place, then the turn: whoever has the turn holds up all others and must not wait for anything.
        let seat = self.runtime.seat().await?;
        let turn = if executions > EXECUTIONS_BEFORE_TURN {
            Some(self.turns.take().await)
        } else {
            None
        };
        let session = session(self, &claim);
        let executed = self
            .runtime
            .execute_in(seat, &prepared.plugin, &claim, session);
        // Whoever is stopped has changed nothing: the draft goes with the guest, as it does when its time is up.
        let report = tokio::select! {
            report = executed => report?,
            quarantined = self.quarantined(&claim.automation.plugin) => {
                self.preparations.forget(&claim.automation_id);
                return Ok(self.wait_for_release(claimed, &quarantined).await);
            }
        };
        let turn = match turn {
            Some(turn) => turn,
            None => self.turns.join().await,
        };
        let step = self.settle(&prepared, &claim, report, executions).await;
        drop(turn);
        step
    }

    /// Waits until a plugin is quarantined, whoever does that on whichever node.
    pub(crate) async fn quarantined(&self, digest: &str) -> Error {
        let key = RowKey::of(Kind::Control, &quarantine_of(digest));
        loop {
            tokio::time::sleep(QUARANTINE_LOOK).await;
            // The history is read beside: the run holds a reader already. What cannot be read now is read at the next look,
            // and before any commit.
            let images = self.database.row_history(&key, None, 1).await;
            let newest = images.unwrap_or_default().pop();
            let found = newest
                .and_then(|image| Quarantine::deserialize(image.body.as_deref()?).ok())
                .filter(|it| it.quarantined);
            if let Some(it) = found {
                return Error::Quarantined { reason: it.reason };
            }
        }
    }

    async fn wait_for_release(&self, claimed: &ClaimedRun, quarantined: &Error) -> Step {
        let why = chain(quarantined);
        tracing::info!(
            run = claimed.run,
            automation = claimed.queued.automation,
            why,
            "a run waits"
        );
        self.give_back(claimed, QUARANTINE_DELAY, &why).await;
        Step::Settled
    }

    async fn settle(
        &self,
        prepared: &Prepared,
        claim: &Claim,
        report: RunReport,
        executions: u32,
    ) -> Result<Step, Error> {
        let text = report_of(Some(&report), executions);
        match decide(claim, prepared.retry(), &report) {
            Settlement::Propose => {
                let proposal = Proposal {
                    author: author(claim),
                    cause: "run".to_owned(),
                    draft: report.draft,
                    settles: Some(SettledRun {
                        run: claim.run.clone(),
                        fence: claim.fence,
                        end: RunEnd::Committed,
                        report: text.clone(),
                    }),
                };
                self.propose(prepared, claim, proposal, text).await
            }
            Settlement::Hold => {
                self.keep(prepared, claim, RunEnd::Held, &report.draft, text)
                    .await
            }
            Settlement::Shadow => {
                self.keep(prepared, claim, RunEnd::Shadowed, &report.draft, text)
                    .await
            }
            Settlement::RetryAfter(delay_us) => {
                self.preparations.forget(&claim.automation_id);
                let at_us = self.database.now_us().await?.saturating_add(delay_us);
                self.database
                    .postpone(&claim.run, claim.fence, at_us, Some(at_us), &text)
                    .await?;
                Ok(Step::Settled)
            }
            Settlement::Dead(problem) => {
                self.end(
                    prepared,
                    claim,
                    RunEnd::Failed,
                    json!({"problem": problem}),
                    text,
                )
                .await
            }
        }
    }

    /// Keeps a draft as people read it.
    async fn keep(
        &self,
        prepared: &Prepared,
        claim: &Claim,
        end: RunEnd,
        draft: &Draft,
        text: Value,
    ) -> Result<Step, Error> {
        // Whoever sees the run sees this text: it holds no more than an ordinary reader's clearance.
        let rows = describe(&self.database, draft).await?;
        let rows = veiled(&self.database, rows, Class::Internal).await?;
        let mut text = text;
        if let Some(fields) = text.as_object_mut() {
            fields.insert("draft".to_owned(), Value::String(beginning(to_text(&rows))));
        }
        self.end(prepared, claim, end, json!({}), text).await
    }

    /// Ends a run that commits no change set: its notice does.
    async fn end(
        &self,
        prepared: &Prepared,
        claim: &Claim,
        end: RunEnd,
        facts: Value,
        report: Value,
    ) -> Result<Step, Error> {
        let key = RowKey::of(Kind::Notice, &claim.run);
        let mut body = json!({"automation": claim.automation_id, "end": end_word(end), "plugin": claim.automation.plugin});
        if let (Some(body), Value::Object(facts)) = (body.as_object_mut(), facts) {
            body.extend(facts);
        }
        let mut draft = Draft::default();
        draft.read_row(&key, 0);
        draft.put(Change {
            key,
            previous: 0,
            body: Some(Arc::new(body)),
            index: Vec::new(),
            unique: Vec::new(),
        });
        let settles = Some(SettledRun {
            run: claim.run.clone(),
            fence: claim.fence,
            end,
            report: report.clone(),
        });
        let proposal = Proposal {
            author: author(claim),
            cause: format!("run-{}", end_word(end)),
            draft,
            settles,
        };
        self.propose(prepared, claim, proposal, report).await
    }

    async fn propose(
        &self,
        prepared: &Prepared,
        claim: &Claim,
        mut proposal: Proposal,
        report: Value,
    ) -> Result<Step, Error> {
        let changes_data = proposal
            .settles
            .as_ref()
            .is_some_and(|settled| settled.end == RunEnd::Committed);
        // Whatever the end: a run of an automation that has changed since is executed again, as it is now.
        for (key, revision) in &prepared.depends_on {
            proposal.draft.read_row(key, *revision);
        }
        match self.database.propose(proposal).await? {
            Verdict::Committed { .. } => Ok(Step::Settled),
            Verdict::Fenced => {
                tracing::warn!(run = claim.run, "another worker took this run over");
                Ok(Step::Settled)
            }
            Verdict::Stale(what) => {
                tracing::debug!(run = claim.run, what, "stale: executing again");
                self.preparations.forget(&claim.automation_id);
                Ok(Step::Again)
            }
            Verdict::Refused(problem) if changes_data => {
                Box::pin(self.end(
                    prepared,
                    claim,
                    RunEnd::Failed,
                    json!({"problem": problem}),
                    report,
                ))
                .await
            }
            Verdict::Refused(problem) => {
                Err(bursar_office::Error::Broken(problem.to_string()).into())
            }
        }
    }

    /// Queues a run again, as the same attempt.
    async fn give_back(&self, claimed: &ClaimedRun, delay: Duration, why: &str) {
        let given_back = async {
            let due_us = self
                .database
                .now_us()
                .await?
                .saturating_add(i64::try_from(delay.as_micros()).unwrap_or(i64::MAX));
            let report = json!({"waits": why});
            self.database
                .postpone(&claimed.run, claimed.fence, due_us, None, &report)
                .await
        };
        if let Err(error) = given_back.await {
            // Its lease ends by itself.
            tracing::warn!(
                run = claimed.run,
                cause = chain(&error),
                "a run could not be given back"
            );
        }
    }
}

fn end_word(end: RunEnd) -> &'static str {
    match end {
        RunEnd::Committed => "committed",
        RunEnd::Failed => "failed",
        RunEnd::Held => "held",
        RunEnd::Shadowed => "shadowed",
    }
}

/// As much of a text as a report has room for.
fn beginning(mut text: String) -> String {
    if text.len() > REPORT_DRAFT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(REPORT_DRAFT_BYTES_MAX));
        text.push_str("\n… and more\n");
    }
    text
}

/// What is kept with the run for people to look at.
fn report_of(report: Option<&RunReport>, executions: u32) -> Value {
    let Some(report) = report else {
        return json!({"executions": executions});
    };
    let outcome = clean(serde_json::to_value(&report.outcome).unwrap_or_default());
    let logs = clean(serde_json::to_value(first_lines(&report.logs)).unwrap_or_default());
    let summary = if let Outcome::Succeeded(summary) = &report.outcome {
        clean(json!(summary.text))
    } else {
        Value::Null
    };
    json!({"executions": executions, "outcome": outcome, "logs": logs, "usage": report.usage, "summary": summary})
}

/// As many log lines as a report has room for; the usage tells how many there were.
fn first_lines(lines: &[LogLine]) -> &[LogLine] {
    let mut room = REPORT_LOG_BYTES_MAX;
    let fits = |line: &&LogLine| {
        let fields = line
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len() + 8);
        // Escapes may double a text.
        let bytes = 2 * (line.message.len() + fields.sum::<usize>()) + 64;
        room.checked_sub(bytes).map(|rest| room = rest).is_some()
    };
    let count = lines.iter().take_while(fits).count();
    lines.get(..count).unwrap_or(lines)
}

/// U+0000 has no place in the log; a guest may have said it.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, field)| (name.replace('\0', "\u{fffd}"), clean(field)))
                .collect(),
        ),
        other => other,
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}
