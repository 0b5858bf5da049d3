//! One case: its books, its runs, and what each of them found.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bursar_cases::{ENTITY, Names, Seed, Stage, read_json};
use bursar_domain::{
    draft::{Change, Draft},
    manifest::{Manifest, Permission},
    run::{Event, LogLine, Outcome, RunReport},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{folders_in, text_of};

/// When the first run takes place; the others follow a day apart: 2026-03-18T08:00:00Z.
const FIRST_RUN_US: i64 = 1_773_820_800_000_000;
const DAY_US: i64 = 24 * 3600 * 1_000_000;
/// What stands for the instant of a commit, which is another at each try.
const OF_A_COMMIT: &str = "(of a commit)";

/// What the guest knows before its first call.
const SEED_NAMES: [&str; 7] = [
    "entity",
    "parties",
    "invoices",
    "payments",
    "records",
    "documents",
    "entries",
];
/// The failure of a guest that does not know a call or a name.
const MALFORMED: &str = "case-malformed";

/// A folder of `cases/`.
pub struct Case {
    pub name: String,
    pub folder: PathBuf,
    pub config: Value,
    pub runs: Vec<CaseRun>,
    pub expected: Option<Value>,
    seed: Seed,
    without: Vec<String>,
}

/// A case's `case.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// What the case is about, for people.
    #[serde(rename = "about")]
    _about: String,
    /// Books that stand in place of those of `cases/seed.json`, by their names.
    #[serde(default)]
    seed: Map<String, Value>,
    #[serde(default = "object")]
    config: Value,
    /// Kinds of permissions that are asked for and not granted.
    #[serde(default)]
    without: Vec<String>,
    runs: Vec<CaseRun>,
}

fn object() -> Value {
    json!({})
}

/// One run: what happens before it, and what it does. All but the last are committed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRun {
    #[serde(default = "manual")]
    trigger: String,
    #[serde(default)]
    subjects: Vec<String>,
    /// Choices by the name of the answer that holds the task's id.
    #[serde(default)]
    answered: BTreeMap<String, String>,
    /// For a manual run; a timer's are in the configuration.
    #[serde(default)]
    pub calls: Value,
}

fn manual() -> String {
    "manual".to_owned()
}

pub fn all(folder: &Path) -> Vec<Case> {
    let shared = read_json(&folder.join("seed.json"));
    folders_in(folder)
        .into_iter()
        .map(|folder| case_of(folder, &shared))
        .collect()
}

fn case_of(folder: PathBuf, shared: &Value) -> Case {
    let told: Told = serde_json::from_value(read_json(&folder.join("case.json")))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seed = shared.as_object().cloned().unwrap_or_default();
    seed.extend(told.seed);
    let expected = folder.join("expected.json");
    Case {
        name: folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        expected: expected.is_file().then(|| read_json(&expected)),
        seed: serde_json::from_value(seed.into())
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display())),
        config: told.config,
        runs: told.runs,
        without: told.without,
        folder,
    }
}

impl Case {
    /// From now on this is expected.
    pub fn write_expected(&self, found: &Value) {
        std::fs::write(self.folder.join("expected.json"), text_of(found))
            .expect("the file can be written");
    }
}

/// A case under way.
struct Play {
    stage: Stage,
    manifest: Manifest,
    /// What the guest is told, and what it answered.
    known: Map<String, Value>,
}

/// Plays a case and gives what each of its runs found.
pub async fn played(component: &[u8], case: &Case) -> Value {
    let stage = Stage::open().await;
    let known = known_of(&stage.fill(&case.seed).await);
    let mut config = case.config.clone();
    if config.get("calls").is_some() {
        config["known"] = known.clone().into();
    }
    let grants = |permission: &Permission| !case.without.contains(&kind_of(permission));
    let manifest = stage.enable(component, &config, grants).await;
    let mut play = Play {
        stage,
        manifest,
        known,
    };
    let mut runs = Vec::new();
    for (place, run) in case.runs.iter().enumerate() {
        let now_us = FIRST_RUN_US + DAY_US * i64::try_from(place).expect("runs are few");
        play.answer(run, now_us).await;
        let event = play.event(run, place, now_us);
        let preview = play.stage.preview(&play.manifest.name, &event).await;
        runs.push(play.found(&preview.report, now_us));
        if place + 1 < case.runs.len() {
            play.stage.run(&play.manifest.name, &event).await;
        }
    }
    play.stage.close().await;
    runs.into()
}

fn kind_of(permission: &Permission) -> String {
    let value = serde_json::to_value(permission).expect("a permission is JSON");
    value["kind"].as_str().unwrap_or_default().to_owned()
}

/// Ids of the seed's rows, by the names that the seed has for them.
fn known_of(names: &Names) -> Map<String, Value> {
    let Value::Object(known) = json!({
        "entity": ENTITY, "parties": names.parties, "invoices": names.invoices, "payments": names.payments,
        "records": names.records, "documents": names.documents, "entries": names.entries,
    }) else {
        panic!("an object is an object")
    };
    known
}

impl Play {
    /// What people did before a run.
    async fn answer(&self, run: &CaseRun, now_us: i64) {
        let mut session = self.stage.session(now_us - 1);
        for (task, choice) in &run.answered {
            let id = self.known[task].as_str().expect("a task's id");
            let answered = session.answer_task(id, choice, "").await;
            answered.expect("the choice is the task's");
        }
        self.stage.commit(session).await;
    }

    fn event(&self, run: &CaseRun, place: usize, time_us: i64) -> Event {
        let trigger = match run.trigger.as_str() {
            "timer" => json!({
                "kind": "timer", "timer": "nightly", "scheduled_us": time_us - 60_000_000, "missed": 2,
            }),
            _ => json!({
                "kind": "manual", "subjects": run.subjects,
                "input": {"calls": run.calls, "known": self.known},
            }),
        };
        let event = json!({
            "id": format!("event-{place}"), "source": "conformance", "type": "case.played", "time_us": time_us,
            "actor": {"kind": "person", "id": "ada"}, "trigger": trigger,
        });
        serde_json::from_value(event).expect("an event")
    }

    /// What a run found, in the words of `expected.json`; its answers are known from then on.
    fn found(&mut self, report: &RunReport, now_us: i64) -> Value {
        let mut answers = Vec::new();
        let mut said = Vec::new();
        for line in &report.logs {
            match answer_in(line) {
                Some(answer) => {
                    let is_seeds = SEED_NAMES.contains(&line.message.as_str());
                    assert!(!is_seeds, "{:?} is a name of the seed", line.message);
                    self.known.insert(line.message.clone(), answer.clone());
                    let name = line.message.clone();
                    answers.push(Map::from_iter([(name, without_commits(answer, now_us))]));
                }
                None => said.push(json!([line.level, line.message, line.fields])),
            }
        }
        let outcome = outcome_of(&report.outcome);
        let is_understood = outcome.pointer("/problem/code") != Some(&json!(MALFORMED));
        assert!(is_understood, "the guest does not understand: {outcome}");
        if outcome["kind"] == "trapped" {
            // A fault says why in its language's own words.
            said.pop();
        }
        let usage = &report.usage;
        json!({
            "outcome": outcome, "answers": answers, "log": said, "draft": draft_of(&report.draft),
            "usage": {
                "rows_returned": usage.rows_returned, "rows_read": usage.rows_read, "listings": usage.listings,
                "rows_changed": usage.rows_changed, "messages": usage.messages, "tasks": usage.tasks,
            },
        })
    }
}

/// A call's answer, if the line holds one.
fn answer_in(line: &LogLine) -> Option<Value> {
    match line.fields.as_slice() {
        [(name, text)] if name == "answer" => {
            Some(serde_json::from_str(text).expect("an answer is JSON"))
        }
        _ => None,
    }
}

fn outcome_of(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Trapped { .. } => json!({"kind": "trapped"}),
        outcome => serde_json::to_value(outcome).expect("an outcome is JSON"),
    }
}

/// The change set: every row's new image in the order of the calls, effect keys among them, and what is to be numbered.
fn draft_of(draft: &Draft) -> Value {
    let change = |change: &Change| json!({"row": change.key.to_string(), "previous": change.previous, "body": change.body});
    let changes: Vec<Value> = draft.changes().iter().map(change).collect();
    json!({"changes": changes, "issues": draft.issues})
}

/// Rows of earlier commits say when those were; a run's own rows have its time.
fn without_commits(value: Value, now_us: i64) -> Value {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| without_commits(item, now_us))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                let is_instant = ["created", "updated"].contains(&name.as_str());
                if is_instant && member.is_i64() && member != json!(now_us) {
                    return (name, OF_A_COMMIT.into());
                }
                (name, without_commits(member, now_us))
            })
            .collect(),
        other => other,
    }
}
