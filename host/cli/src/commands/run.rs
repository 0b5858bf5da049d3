//! `bursar run`: what ran, why, and what it did.

use std::fmt::Write as _;

use bursar_db::{RunFilter, RunRecord};
use bursar_domain::run::Outcome;
use bursar_office::describe::{RowDiff, describe_commit, to_text};
use serde::Deserialize;
use serde_json::json;

use crate::{
    arguments::Run,
    commands::automation::{outcome_text, when},
    failure::Failure,
    output::{Style, print, table},
    place::Place,
};

pub async fn perform(place: &Place, style: Style, command: Run) -> Result<(), Failure> {
    match command {
        Run::List { automation, limit } => {
            let runs = place
                .database
                .runs(&RunFilter {
                    automation,
                    state: None,
                    limit,
                })
                .await?;
            print(style, &runs, |runs| {
                let row = |run: &RunRecord| {
                    let summary = run
                        .report
                        .get("summary")
                        .and_then(|text| text.as_str())
                        .unwrap_or_default();
                    let id = run.id.get(..12).unwrap_or(&run.id).to_owned();
                    vec![
                        id,
                        run.automation.clone(),
                        word(run),
                        when(run.queued.event.time_us),
                        summary.to_owned(),
                    ]
                };
                table(
                    &["run", "automation", "state", "started", "summary"],
                    &runs.iter().map(row).collect::<Vec<_>>(),
                )
            })
        }
        Run::Show { id } => {
            let run = find(place, &id).await?;
            let changes = match run.settled_seq {
                Some(seq) => describe_commit(&place.database, seq).await?,
                None => Vec::new(),
            };
            print(style, &json!({"run": run, "changes": changes}), |_| {
                describe(&run, &changes)
            })
        }
    }
}

async fn find(place: &Place, id: &str) -> Result<RunRecord, Failure> {
    if let Some(run) = place.database.run(id).await? {
        return Ok(run);
    }
    let runs = place
        .database
        .runs(&RunFilter {
            limit: 10_000,
            ..RunFilter::default()
        })
        .await?;
    let mut matching = runs.into_iter().filter(|run| run.id.starts_with(id));
    match (matching.next(), matching.next()) {
        (Some(run), None) => Ok(run),
        (Some(_), Some(_)) => {
            Err(Failure::user(format!("several runs begin with {id:?}"))
                .hint("give more of the id"))
        }
        (None, _) => Err(Failure::user(format!("there is no run {id:?}")).hint("bursar run list")),
    }
}

fn word(run: &RunRecord) -> String {
    serde_json::to_value(run.state)
        .ok()
        .and_then(|state| state.as_str().map(str::to_owned))
        .unwrap_or_default()
}

pub fn describe(run: &RunRecord, changes: &[RowDiff]) -> String {
    let event = &run.queued.event;
    let mut text = format!(
        "run         {}\nautomation  {}\nstate       {}\nevent       {} {} by {} at {}\n",
        run.id,
        run.automation,
        word(run),
        event.event_type,
        event.id,
        event.actor,
        when(event.time_us)
    );
    if let Some(seq) = run.settled_seq {
        let _ = writeln!(text, "commit      {seq}");
    }
    text.push('\n');
    if let Some(outcome) = run
        .report
        .get("outcome")
        .and_then(|outcome| Outcome::deserialize(outcome).ok())
    {
        text.push_str(&outcome_text(&outcome));
    }
    if let Some(draft) = run.report.get("draft").and_then(|draft| draft.as_str()) {
        let _ = write!(text, "\nIt would change:\n{draft}");
    }
    if !changes.is_empty() {
        let _ = write!(text, "\nIt changed:\n{}", to_text(changes));
    }
    let lines = run
        .report
        .get("logs")
        .and_then(|logs| logs.as_array())
        .map_or(&[][..], Vec::as_slice);
    if !lines.is_empty() {
        text.push_str("\nIt said:\n");
    }
    for line in lines {
        let part = |name: &str| {
            line.get(name)
                .and_then(|part| part.as_str())
                .unwrap_or_default()
        };
        let fields = line
            .get("fields")
            .and_then(|fields| fields.as_array())
            .map_or(&[][..], Vec::as_slice);
        let fields: Vec<String> = fields
            .iter()
            .filter_map(|pair| {
                Some(format!(
                    "{}={}",
                    pair.get(0)?.as_str()?,
                    pair.get(1)?.as_str()?
                ))
            })
            .collect();
        let _ = writeln!(
            text,
            "  {:<5} {} {}",
            part("level"),
            part("message"),
            fields.join(" ")
        );
    }
    text
}
