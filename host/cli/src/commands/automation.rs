//! `bursar automation`: enable, preview, run.

use std::time::Duration;

use bursar_api::{NewAutomation, Preview, Resource, Run, RunShown, Start};
use bursar_db::RunState;
use bursar_domain::{
    office::{Automation as AutomationRow, Mode, Plugin, Stop},
    run::Outcome,
    time,
};
use bursar_office::describe::to_text;
use http::Method;
use serde_json::json;

use crate::{
    arguments::{self, Automation},
    client::{Client, Here, part},
    failure::Failure,
    output::{Style, json_argument, print, say, table},
};

/// How often a run that somebody else works on is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub async fn perform(client: &Client, style: Style, command: Automation) -> Result<(), Failure> {
    match command {
        Automation::List => list(client, style).await,
        Automation::Enable {
            name,
            plugin,
            department,
            entity,
            config,
            mode,
        } => {
            let asked = NewAutomation {
                plugin,
                department,
                legal_entity: entity,
                config: json_argument("--config", &config)?,
                grants: None,
                mode: match mode {
                    arguments::Mode::Live => Mode::Live,
                    arguments::Mode::Review => Mode::Review,
                    arguments::Mode::Shadow => Mode::Shadow,
                },
                enabled: true,
            };
            enable(client, style, &name, &asked).await
        }
        Automation::Disable { name } => {
            let off = json!({"enabled": false});
            let answer = client
                .send::<Resource<AutomationRow>>(Method::PATCH, &path(&name, ""), &off)
                .await?;
            print(
                style,
                &json!({"name": name, "commit": answer.commit}),
                |_| format!("{name} is off."),
            )
        }
        Automation::Preview(start) => preview(client, style, &start).await,
        Automation::Run(start) => run(client, style, &start).await,
    }
}

fn path(automation: &str, rest: &str) -> String {
    format!("/v1/automations/{}{rest}", part(automation))
}

async fn list(client: &Client, style: Style) -> Result<(), Failure> {
    let (automations, _) = client
        .pages::<Resource<AutomationRow>>("/v1/automations", &[], usize::MAX)
        .await?;
    print(style, &automations, |automations| {
        let row = |automation: &Resource<AutomationRow>| {
            let body = &automation.body;
            let mode = serde_json::to_value(body.mode).unwrap_or_default();
            vec![
                automation.id.clone(),
                body.department.clone(),
                if body.enabled { "on" } else { "off" }.to_owned(),
                mode.as_str().unwrap_or_default().to_owned(),
                body.plugin.get(..12).unwrap_or(&body.plugin).to_owned(),
            ]
        };
        table(
            &["automation", "department", "state", "mode", "plugin"],
            &automations.iter().map(row).collect::<Vec<_>>(),
        )
    })
}

async fn enable(
    client: &Client,
    style: Style,
    name: &str,
    asked: &NewAutomation,
) -> Result<(), Failure> {
    let answer = client
        .send::<Resource<AutomationRow>>(Method::PUT, &path(name, ""), asked)
        .await?;
    let automation = answer.value.body;
    let plugin: Resource<Plugin> = client
        .get(&format!("/v1/plugins/{}", part(&automation.plugin)))
        .await?;
    let asks = &plugin.body.manifest.permissions;
    let granted = automation.grants.iter().map(|grant| {
        let permission = &grant.permission;
        let ask = asks.iter().find(|ask| permission.leq(&ask.permission));
        let reason = ask.map_or("", |ask| ask.reason.as_str());
        format!("  {}\n      {reason}", permission.in_words())
    });
    let granted: Vec<String> = granted.collect();
    let shown = json!({"name": name, "automation": automation, "commit": answer.commit});
    print(style, &shown, |_| {
        format!("{name} is enabled. It may:\n{}", granted.join("\n"))
    })
}

fn start_of(start: &arguments::Start) -> Result<Start, Failure> {
    Ok(Start {
        event: start.event.clone(),
        input: json_argument("--input", &start.input)?,
        subjects: Vec::new(),
    })
}

async fn preview(client: &Client, style: Style, start: &arguments::Start) -> Result<(), Failure> {
    let preview: Preview = client
        .send(
            Method::POST,
            &path(&start.name, "/previews"),
            &start_of(start)?,
        )
        .await?
        .value;
    print(style, &preview, |preview| {
        format!(
            "{}\n{}\nNothing was changed.\n",
            to_text(&preview.rows),
            outcome_text(&preview.outcome)
        )
    })
}

async fn run(client: &Client, style: Style, start: &arguments::Start) -> Result<(), Failure> {
    let queued: Run = client
        .send(Method::POST, &path(&start.name, "/runs"), &start_of(start)?)
        .await?
        .value;
    let run = match client {
        Client::Local(here) => work_here(client, here, &queued.id).await?,
        Client::Remote(_) => ended(client, &queued.id).await?,
    };
    print(style, &run, |run| super::run::describe(run, &[]))?;
    match run.state {
        RunState::Failed => Err(Failure::user(format!("the run {} failed", run.id))
            .hint(format!("bursar run show {}", run.id))),
        RunState::Queued | RunState::Running if run.attempt == 1 => {
            Err(waiting(client, &run).await?)
        }
        _ => Ok(()),
    }
}

/// Works the queue off, unless another process does.
async fn work_here(client: &Client, here: &Here, id: &str) -> Result<Run, Failure> {
    let place = &here.place;
    match place.try_worker_lock()? {
        Some(_lock) if place.is_shared() => {
            place.worker()?.work_off().await?;
            ended(client, id).await
        }
        Some(_lock) => {
            place.database.recover().await?;
            place.worker()?.work_off().await?;
            // Nobody else works here: what has not ended now does not end by waiting.
            find(client, id).await
        }
        None => {
            say(&format!(
                "{} works on this folder: waiting for it.",
                place.worker_process()
            ));
            ended(client, id).await
        }
    }
}

async fn find(client: &Client, id: &str) -> Result<Run, Failure> {
    let shown: RunShown = client.get(&format!("/v1/runs/{}", part(id))).await?;
    Ok(shown.run)
}

/// Waits until a run has ended, or waits for something else than a worker.
async fn ended(client: &Client, id: &str) -> Result<Run, Failure> {
    loop {
        let run = find(client, id).await?;
        let waits = run.state == RunState::Queued && run.report.waits.is_some() || run.attempt > 1;
        if waits
            || !matches!(run.state, RunState::Queued | RunState::Running)
            || is_stopped(client).await?
        {
            return Ok(run);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Why a run has not ended.
async fn waiting(client: &Client, run: &Run) -> Result<Failure, Failure> {
    if is_stopped(client).await? {
        return Ok(
            Failure::user("the organisation is stopped: the run stays queued")
                .hint("bursar resume"),
        );
    }
    let why = run
        .report
        .waits
        .as_deref()
        .unwrap_or("another process has it");
    let event = run.queued.as_ref().map_or("", |queued| &queued.event.id);
    let again =
        format!("`bursar serve` tries it again, and so does this command with --event {event}");
    Ok(Failure::user(format!("the run {} waits: {why}", run.id)).hint(again))
}

async fn is_stopped(client: &Client) -> Result<bool, Failure> {
    let stop: Stop = client.get("/v1/stop").await?;
    Ok(stop.stopped)
}

pub fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded(summary) => {
            let counts: Vec<String> = summary
                .counts
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            format!("{}\n{}\n", summary.text, counts.join(", "))
        }
        Outcome::Retry { problem, .. } => format!("It asks for another try: {problem}\n"),
        Outcome::Refused { problem } => format!("It gave up: {problem}\n"),
        Outcome::Trapped { message } => format!("It crashed: {message}\n"),
        Outcome::LimitReached {
            limit,
            allowed,
            used,
        } => format!("It reached its limit {limit}: {allowed} allowed, {used} used\n"),
    }
}

/// An instant as people read it.
pub fn when(at_us: i64) -> String {
    time::rfc3339(at_us)
}
