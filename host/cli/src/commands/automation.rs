//! `bursar automation`: enable, preview, run.

use std::time::Duration;

use bursar_db::{Database, Query, RunRecord, RunState};
use bursar_domain::{
    draft::Direction,
    office::{Automation as AutomationRow, LegalEntity, Mode, Plugin},
    row::{Kind, Row},
    run::{Event, Outcome, Trigger},
    time,
};
use bursar_office::{describe::to_text, run_id};
use serde_json::json;

use crate::{
    arguments::{self, Automation, Start},
    failure::Failure,
    output::{Style, json_argument, print, say},
    place::{Place, author},
};

pub async fn perform(place: Place, style: Style, command: Automation) -> Result<(), Failure> {
    match command {
        Automation::Enable {
            name,
            plugin,
            department,
            entity,
            config,
            mode,
        } => {
            let config = json_argument("--config", &config)?;
            let (digest, manifest) = find_plugin(&place.database, &plugin).await?;
            let legal_entity = match entity {
                Some(entity) => entity,
                None => only_entity(&place.database).await?,
            };
            let mode = match mode {
                arguments::Mode::Live => Mode::Live,
                arguments::Mode::Review => Mode::Review,
                arguments::Mode::Shadow => Mode::Shadow,
            };
            let grants: Vec<_> = manifest
                .manifest
                .permissions
                .iter()
                .map(|ask| ask.permission.clone())
                .collect();
            let row = AutomationRow {
                plugin: digest,
                department,
                legal_entity,
                config,
                grants,
                mode,
                enabled: true,
            };
            let ((), seq) = place
                .change("enable-automation", async |session| {
                    Ok(session.enable_automation(&name, &row).await?)
                })
                .await?;
            let granted: Vec<String> = manifest
                .manifest
                .permissions
                .iter()
                .map(|ask| format!("  {}\n      {}", ask.permission.in_words(), ask.reason))
                .collect();
            print(
                style,
                &json!({"name": name, "automation": row, "commit": seq}),
                |_| format!("{name} is enabled. It may:\n{}", granted.join("\n")),
            )
        }
        Automation::Disable { name } => {
            let ((), seq) = place
                .change("disable-automation", async |session| {
                    Ok(session.disable_automation(&name).await?)
                })
                .await?;
            print(style, &json!({"name": name, "commit": seq}), |_| {
                format!("{name} is off.")
            })
        }
        Automation::Preview(start) => preview(&place, style, &start).await,
        Automation::Run(start) => run(&place, style, &start).await,
    }
}

async fn event_of(place: &Place, start: &Start) -> Result<Event, Failure> {
    let input = json_argument("--input", &start.input)?;
    Ok(Event {
        id: start
            .event
            .clone()
            .unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        source: "manual".to_owned(),
        event_type: "manual.started".to_owned(),
        time_us: place.database.now_us().await?,
        actor: author(),
        trigger: Trigger::Manual {
            input,
            subjects: Vec::new(),
        },
    })
}

async fn preview(place: &Place, style: Style, start: &Start) -> Result<(), Failure> {
    let event = event_of(place, start).await?;
    let preview = place.worker()?.preview(&start.name, &event).await?;
    let shown = json!({
        "automation": start.name,
        "event": event.id,
        "outcome": preview.report.outcome,
        "rows": preview.rows,
        "logs": preview.report.logs,
        "usage": preview.report.usage,
    });
    print(style, &shown, |_| {
        format!(
            "{}\n{}\nNothing was changed.\n",
            to_text(&preview.rows),
            outcome_text(&preview.report.outcome)
        )
    })
}

async fn run(place: &Place, style: Style, start: &Start) -> Result<(), Failure> {
    let event = event_of(place, start).await?;
    place
        .change("start-run", async |session| {
            Ok(session.enqueue(&start.name, &event).await?)
        })
        .await?;
    let id = run_id(&start.name, &event.id);
    let record = match place.try_worker_lock()? {
        Some(_lock) if place.is_shared() => {
            place.worker()?.work_off().await?;
            wait_for(&place.database, &id).await?
        }
        Some(_lock) => {
            place.database.recover().await?;
            place.worker()?.work_off().await?;
            // Nobody else works here: what has not ended now does not end by waiting.
            record_of(&place.database, &id).await?
        }
        None => {
            say(&format!(
                "{} works on this folder: waiting for it.",
                place.worker_process()
            ));
            wait_for(&place.database, &id).await?
        }
    };
    print(style, &record, |record| super::run::describe(record, &[]))?;
    match record.state {
        RunState::Failed => {
            Err(Failure::user(format!("the run {id} failed")).hint(format!("bursar run show {id}")))
        }
        RunState::Queued | RunState::Running if record.attempt == 1 => {
            Err(waiting(&place.database, &record).await?)
        }
        _ => Ok(()),
    }
}

async fn record_of(database: &Database, id: &str) -> Result<RunRecord, Failure> {
    database
        .run(id)
        .await?
        .ok_or_else(|| Failure::host("the run is gone", id))
}

/// Waits until a run has ended, or waits for something else than a worker.
async fn wait_for(database: &Database, id: &str) -> Result<RunRecord, Failure> {
    loop {
        let record = record_of(database, id).await?;
        let waits = record.state == RunState::Queued && record.report.get("waits").is_some()
            || record.attempt > 1;
        if waits
            || !matches!(record.state, RunState::Queued | RunState::Running)
            || is_stopped(database).await?
        {
            return Ok(record);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Why a run has not ended.
async fn waiting(database: &Database, record: &RunRecord) -> Result<Failure, Failure> {
    if is_stopped(database).await? {
        return Ok(
            Failure::user("the organisation is stopped: the run stays queued")
                .hint("bursar resume"),
        );
    }
    let why = record
        .report
        .get("waits")
        .and_then(|why| why.as_str())
        .unwrap_or("another process has it");
    let again = format!(
        "`bursar serve` tries it again, and so does this command with --event {}",
        record.queued.event.id
    );
    Ok(Failure::user(format!("the run {} waits: {why}", record.id)).hint(again))
}

async fn is_stopped(database: &Database) -> Result<bool, Failure> {
    let key = bursar_domain::row::RowKey::of(Kind::Control, bursar_domain::office::STOP);
    let row = database.snapshot().get(&key).await?;
    Ok(row.is_some_and(|row| row.body.get("stopped") == Some(&true.into())))
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

/// All rows of a kind that has few.
pub async fn all(database: &Database, kind: Kind) -> Result<Vec<Row>, Failure> {
    let query = Query {
        kind,
        collection: "".into(),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: None,
        limit: 10_000,
    };
    Ok(database
        .snapshot()
        .list(&query)
        .await?
        .rows
        .into_iter()
        .map(|(_, row)| row)
        .collect())
}

/// By digest, or the version of that name that was installed last.
async fn find_plugin(database: &Database, name: &str) -> Result<(String, Plugin), Failure> {
    let mut found: Option<(i64, String, Plugin)> = None;
    for row in all(database, Kind::Plugin).await? {
        let plugin: Plugin = row.decode().map_err(bursar_office::Error::from)?;
        let is_newer = found.as_ref().is_none_or(|(seq, _, _)| row.revision > *seq);
        if *row.key.id == *name || (plugin.manifest.name == name && is_newer) {
            found = Some((row.revision, row.key.id.to_string(), plugin));
        }
    }
    let none =
        || Failure::user(format!("there is no plugin {name:?}")).hint("bursar plugin install FILE");
    found
        .map(|(_, digest, plugin)| (digest, plugin))
        .ok_or_else(none)
}

async fn only_entity(database: &Database) -> Result<String, Failure> {
    match all(database, Kind::Entity).await?.as_slice() {
        [row] => Ok(row.key.id.to_string()),
        rows => {
            let names: Vec<String> = rows
                .iter()
                .filter_map(|row| {
                    row.decode::<LegalEntity>()
                        .ok()
                        .map(|entity| format!("{} ({})", row.key.id, entity.name))
                })
                .collect();
            Err(
                Failure::user("say which legal entity the automation works for")
                    .because(names.join(", "))
                    .hint("--entity ID"),
            )
        }
    }
}

/// An instant as people read it.
pub fn when(at_us: i64) -> String {
    time::rfc3339(at_us)
}
