//! `bursar run`: what ran, why, and what it did.

use std::fmt::Write as _;

use bursar_api::{Run, RunShown};
use bursar_office::describe::{RowDiff, to_text};

use crate::{
    arguments::Run as Command,
    client::{Client, part},
    commands::automation::{outcome_text, when},
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { automation, limit } => {
            let (runs, _) = client
                .pages::<Run>("/v1/runs", &[("automation", automation)], limit)
                .await?;
            print(style, &runs, |runs| {
                table(
                    &["run", "automation", "state", "started", "summary"],
                    &runs.iter().map(row).collect::<Vec<_>>(),
                )
            })
        }
        Command::Show { id } => {
            let shown: RunShown = client.get(&format!("/v1/runs/{}", part(&id))).await?;
            print(style, &shown, |shown| describe(&shown.run, &shown.changes))
        }
    }
}

fn row(run: &Run) -> Vec<String> {
    let started = run
        .queued
        .as_ref()
        .map(|queued| when(queued.event.time_us))
        .unwrap_or_default();
    let summary = run
        .report
        .summary
        .clone()
        .or_else(|| run.unreadable.clone());
    vec![
        run.id.get(..12).unwrap_or(&run.id).to_owned(),
        run.automation.clone(),
        word(run),
        started,
        summary.unwrap_or_default(),
    ]
}

fn word(run: &Run) -> String {
    let state = serde_json::to_value(run.state).unwrap_or_default();
    state.as_str().unwrap_or_default().to_owned()
}

pub fn describe(run: &Run, changes: &[RowDiff]) -> String {
    let mut text = format!(
        "run         {}\nautomation  {}\nstate       {}\n",
        run.id,
        run.automation,
        word(run)
    );
    if let Some(queued) = &run.queued {
        let event = &queued.event;
        let _ = writeln!(
            text,
            "event       {} {} by {} at {}",
            event.event_type,
            event.id,
            event.actor,
            when(event.time_us)
        );
    }
    if let Some(seq) = run.settled_seq {
        let _ = writeln!(text, "commit      {seq}");
    }
    text.push('\n');
    let report = &run.report;
    if let Some(outcome) = &report.outcome {
        text.push_str(&outcome_text(outcome));
    }
    if let Some(draft) = &report.draft {
        let _ = write!(text, "\nIt would change:\n{draft}");
    }
    if !changes.is_empty() {
        let _ = write!(text, "\nIt changed:\n{}", to_text(changes));
    }
    if !report.logs.is_empty() {
        text.push_str("\nIt said:\n");
    }
    for line in &report.logs {
        let fields: Vec<String> = line
            .fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let _ = writeln!(
            text,
            "  {:<5} {} {}",
            line.level,
            line.message,
            fields.join(" ")
        );
    }
    text
}
