//! One case: its books, its days, and what each of its runs left.

use std::collections::BTreeMap;

use bursar_cases::{Names, Run, Seed, Stage};
use bursar_domain::{
    draft::Change,
    manifest::{Manifest, TriggerAsk},
    row::Kind,
    run::Event,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Eight in the morning, UTC.
const MORNING_US: i64 = 8 * 3600 * 1_000_000;
const PARTIES: &str = "parties";

/// A day of a case: what happened before the run, and how the run begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Day {
    on: jiff::civil::Date,
    #[serde(default = "timer")]
    trigger: String,
    /// Amounts by invoice.
    #[serde(default)]
    paid: BTreeMap<String, String>,
    /// Choices by the title of the task.
    #[serde(default)]
    answered: BTreeMap<String, String>,
    /// Changed members by party.
    #[serde(default)]
    parties: BTreeMap<String, Value>,
}

fn timer() -> String {
    "timer".to_owned()
}

impl Day {
    fn morning_us(&self) -> i64 {
        let midnight = self.on.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        midnight
            .expect("a date has a midnight")
            .timestamp()
            .as_microsecond()
            + MORNING_US
    }
}

/// A case under way.
struct Play {
    stage: Stage,
    names: Names,
    manifest: Manifest,
    /// Open tasks, by title.
    tasks: BTreeMap<String, String>,
}

/// Plays a case and gives what `expected.json` speaks of.
pub async fn played(component: &[u8], seed: Value, base: &Value) -> Value {
    let Value::Object(mut seed) = seed else {
        panic!("a seed is an object");
    };
    let days = seed.remove("runs").expect("a case has runs");
    let days: Vec<Day> = serde_json::from_value(days).expect("the days of a case");
    let config = merged(base, seed.remove("config"));
    let seed: Seed = serde_json::from_value(seed.into()).expect("the books of a case");
    let stage = Stage::open().await;
    let names = stage.fill(&seed).await;
    let config = names.in_words_of_host(&config);
    let manifest = stage.enable(component, &config, |_| true).await;
    let mut play = Play {
        stage,
        names,
        manifest,
        tasks: BTreeMap::new(),
    };
    let mut runs = Vec::new();
    for (place, day) in days.iter().enumerate() {
        play.happen(day).await;
        runs.push(play.run(place, day).await);
    }
    let levels = play.levels().await;
    play.stage.close().await;
    json!({"runs": runs, "levels": levels})
}

fn merged(base: &Value, changes: Option<Value>) -> Value {
    let mut config = base.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(changes)) = changes {
        config.extend(changes);
    }
    config.into()
}

impl Play {
    /// What came before a day's run.
    async fn happen(&mut self, day: &Day) {
        let now_us = day.morning_us() - 1;
        for (number, amount) in &day.paid {
            self.stage
                .pay(&mut self.names, number, amount, now_us)
                .await;
        }
        let mut session = self.stage.session(now_us);
        for (title, choice) in &day.answered {
            let id = self.tasks.remove(title).expect("the task is open");
            let answered = session.answer_task(&id, choice, "").await;
            answered.expect("the choice is the task's");
        }
        for (party, change) in &day.parties {
            let id = &self.names.parties[party];
            let patched = session.patch_record(PARTIES, id, None, change).await;
            patched.expect("the party may change so");
        }
        self.stage.commit(session).await;
    }

    async fn run(&mut self, place: usize, day: &Day) -> Value {
        let event = self.event(place, day);
        let run = self.stage.run(&self.manifest.name, &event).await;
        let outcome = &run.report["outcome"];
        if outcome["kind"] != "succeeded" {
            let code = outcome.pointer("/problem/code").unwrap_or(outcome);
            return json!({"failure": code});
        }
        let tasks = self.new_tasks(&run);
        let counts = outcome["counts"].as_object().cloned().unwrap_or_default();
        let counts: Map<String, Value> = counts
            .into_iter()
            .map(|(name, count)| (name, number_of(&count)))
            .collect();
        json!({
            "mails": self.mails(&run), "tasks": tasks, "counts": counts,
            "summary": outcome["text"],
        })
    }

    fn event(&self, place: usize, day: &Day) -> Event {
        let time_us = day.morning_us();
        let timer = self.manifest.triggers.iter().find_map(|ask| match ask {
            TriggerAsk::Timer { name, .. } => Some(name),
            TriggerAsk::Manual | TriggerAsk::Occurrence { .. } => None,
        });
        let trigger = match day.trigger.as_str() {
            "manual" => json!({"kind": "manual", "input": {}, "subjects": []}),
            _ => json!({"kind": "timer", "timer": timer, "scheduled_us": time_us, "missed": 0}),
        };
        event(&place.to_string(), time_us, &trigger)
    }

    fn mails(&self, run: &Run) -> Vec<Value> {
        let mails = made(run, Kind::Message).map(|(_, mail)| {
            let text = |name: &str| self.names.in_words_of_case(mail[name].as_str().unwrap_or(""));
            json!({
                "to": mail["to"], "reply_to": mail["reply_to"], "subject": text("subject"), "text": text("text"),
            })
        });
        mails.collect()
    }

    /// Titles of the tasks that a run made; they are kept until they are answered.
    fn new_tasks(&mut self, run: &Run) -> Vec<String> {
        let mut titles = Vec::new();
        for (change, task) in made(run, Kind::Task) {
            let title = task["title"].as_str().unwrap_or_default();
            let title = self.names.in_words_of_case(title);
            self.tasks.insert(title.clone(), change.key.id.to_string());
            titles.push(title);
        }
        titles
    }

    async fn levels(&self) -> Map<String, Value> {
        let mut session = self.stage.session(0);
        let mut levels = Map::new();
        for (number, id) in &self.names.invoices {
            let invoice = session.invoice(id).await.expect("the seed has it");
            levels.insert(number.clone(), invoice.body.dunning_level.into());
        }
        levels
    }
}

/// An event of a case.
pub fn event(name: &str, time_us: i64, trigger: &Value) -> Event {
    let event = json!({
        "id": format!("event-{name}"), "source": "case", "type": "case", "time_us": time_us,
        "actor": {"kind": "system", "id": "case"}, "trigger": trigger,
    });
    serde_json::from_value(event).expect("an event")
}

/// Rows of a kind that a run made, in its order.
pub fn made(run: &Run, kind: Kind) -> impl Iterator<Item = (&Change, &Value)> {
    let of_kind = run
        .changes
        .iter()
        .filter(move |change| change.key.kind == kind && change.previous == 0);
    of_kind.filter_map(|change| Some((change, change.body.as_deref()?)))
}

/// Counters are texts.
fn number_of(count: &Value) -> Value {
    let number = count.as_str().and_then(|text| text.parse::<i64>().ok());
    number.map_or_else(|| count.clone(), Into::into)
}
