//! `bursar automation`: enable, preview, run.

use std::{fmt::Write as _, time::Duration};

use bursar_api::{
    AutomationPermissions, Consent, NewAutomation, Page, Preview, Resource, Run, RunShown, Start,
    UpgradeAsked, UpgradeShown,
};
use bursar_db::RunState;
use bursar_domain::{
    office::{Automation as AutomationRow, Mode, Stop},
    run::Outcome,
    time,
};
use bursar_office::describe::to_text;
use http::Method;
use serde_json::json;

use crate::{
    arguments::{self, Automation, Enabling},
    client::{Client, Here, part},
    failure::Failure,
    output::{Style, json_argument, print, say, table},
};

/// How often a run that somebody else works on is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub async fn perform(client: &Client, style: Style, command: Automation) -> Result<(), Failure> {
    match command {
        Automation::List => list(client, style).await,
        Automation::Enable(asked) => enable(client, style, &asked.name, &new(&asked)?).await,
        Automation::Check(asked) => check(client, style, &asked.name, &new(&asked)?).await,
        Automation::Upgrades => upgrades(client, style).await,
        Automation::Upgrade {
            name,
            plugin,
            approve,
        } => upgrade(client, style, &name, plugin, approve).await,
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

fn new(asked: &Enabling) -> Result<NewAutomation, Failure> {
    let grants = asked.grants.as_deref();
    let grants = grants.map(|grants| json_argument("--grants", grants));
    let read = |grants| {
        serde_json::from_value(grants).map_err(|error| {
            Failure::user("--grants is no list of permissions")
                .because(error)
                .hint(
                    r#"--grants '[{"kind": "tasks", "role": "clerk", "note": "until the audit"}]'"#,
                )
        })
    };
    Ok(NewAutomation {
        plugin: asked.plugin.clone(),
        department: asked.department.clone(),
        legal_entity: asked.entity.clone(),
        config: json_argument("--config", &asked.config)?,
        grants: grants.transpose()?.map(read).transpose()?,
        mode: match asked.mode {
            arguments::Mode::Live => Mode::Live,
            arguments::Mode::Review => Mode::Review,
            arguments::Mode::Shadow => Mode::Shadow,
        },
        enabled: true,
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
    let permissions: AutomationPermissions = client.get(&path(name, "/permissions")).await?;
    let automation = answer.value.body;
    let shown = json!({"name": name, "automation": automation, "commit": answer.commit});
    print(style, &shown, |_| {
        let may = super::permission::describe(&permissions);
        format!("{name} is enabled. It may:\n{may}")
    })
}

async fn check(
    client: &Client,
    style: Style,
    name: &str,
    asked: &NewAutomation,
) -> Result<(), Failure> {
    let consent: Consent = client
        .send(Method::POST, &path(name, "/checks"), asked)
        .await?
        .value;
    print(style, &consent, |consent| {
        let mut text = format!(
            "{name} would be allowed:\n{}",
            super::permission::describe(&consent.permissions)
        );
        let difference = &consent.difference;
        for (sign, lines) in [("+", &difference.gained), ("-", &difference.lost)] {
            for line in lines {
                let _ = writeln!(text, "{sign} {line}");
            }
        }
        for problem in &consent.problems {
            let _ = writeln!(text, "It would be refused: {problem}");
        }
        text.push_str("Nothing was changed.\n");
        text
    })
}

async fn upgrades(client: &Client, style: Style) -> Result<(), Failure> {
    let page: Page<UpgradeShown> = client.get("/v1/upgrades").await?;
    print(style, &page.items, |upgrades| {
        let mut text = String::new();
        for upgrade in upgrades {
            let (from, to) = (&upgrade.from, &upgrade.to);
            let _ = writeln!(
                text,
                "{} of {}: {} -> {} ({})",
                upgrade.automation, upgrade.department, from.version, to.version, to.plugin
            );
            for ask in &upgrade.changes.asks_more {
                let _ = writeln!(text, "  + {}\n      {}", ask.words, ask.reason);
            }
            for less in &upgrade.changes.asks_less {
                let _ = writeln!(text, "  - {less}");
            }
            for gained in &upgrade.changes.difference.gained {
                let _ = writeln!(text, "  approved, it may: {gained}");
            }
        }
        text
    })
}

async fn upgrade(
    client: &Client,
    style: Style,
    name: &str,
    plugin: Option<String>,
    approved: bool,
) -> Result<(), Failure> {
    let plugin = match plugin {
        Some(plugin) => plugin,
        None => newest(client, name).await?,
    };
    let asked = UpgradeAsked {
        plugin,
        approved,
        config: None,
    };
    let answer = client
        .send::<Resource<AutomationRow>>(Method::POST, &path(name, "/upgrades"), &asked)
        .await?;
    let shown = json!({"name": name, "automation": answer.value.body, "commit": answer.commit});
    print(style, &shown, |_| {
        format!("{name} runs {} from now on.", asked.plugin)
    })
}

/// The version that an automation could move to; the one that it runs if there is none.
async fn newest(client: &Client, name: &str) -> Result<String, Failure> {
    let page: Page<UpgradeShown> = client.get("/v1/upgrades").await?;
    let mut upgrades = page.items.into_iter();
    if let Some(upgrade) = upgrades.find(|upgrade| upgrade.automation == name) {
        return Ok(upgrade.to.plugin);
    }
    let automation: Resource<AutomationRow> = client.get(&path(name, "")).await?;
    Ok(automation.body.plugin)
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
