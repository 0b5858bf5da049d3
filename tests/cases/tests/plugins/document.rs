//! One case of a plugin that reads a document: the books, the file, and what became of it. It comes twice.
//!
//! What is expected is told in the plugin's words; what was found is read from the books: the host's totals, the tasks, the
//! log.

use std::path::Path;

use bursar_cases::{Names, Run, Seed, Stage};
use bursar_domain::{
    invoice::Invoice,
    manifest::{Manifest, Permission},
    row::Kind,
};
use serde_json::{Value, json};

use crate::case::{event, made};

/// 2026-04-01T08:00:00Z: the day that documents come.
const MORNING_US: i64 = 1_775_030_400_000_000;
const SECOND_US: i64 = 1_000_000;

/// A plugin on a host, and documents that come to it.
pub struct Play {
    pub stage: Stage,
    names: Names,
    manifest: Manifest,
    now_us: i64,
}

/// Plays a case and gives what `expected.json` speaks of.
pub async fn played(component: &[u8], seed: Value, config: &Value, file: &Path) -> Value {
    let mut play = Play::open(component, seed, config).await;
    let content = std::fs::read(file).expect("the case has the file");
    let document = play.put("document.xml", &content).await;
    let run = play.run(&json!({"document": document})).await;
    let found = play.shown(&run);
    if found.get("failure").is_none() {
        let again = play.run(&json!({"document": document})).await;
        for kind in [Kind::Invoice, Kind::Task] {
            assert_eq!(made(&again, kind).count(), 0, "{kind:?} a second time");
        }
    }
    play.stage.close().await;
    found
}

impl Play {
    /// The books of a seed, and the plugin enabled on them.
    pub async fn open(component: &[u8], seed: Value, config: &Value) -> Self {
        let seed: Seed = serde_json::from_value(seed).expect("the books of a case");
        let stage = Stage::open().await;
        let names = stage.fill(&seed).await;
        let manifest = stage.enable(component, config, |_| true).await;
        Self {
            stage,
            names,
            manifest,
            now_us: MORNING_US,
        }
    }

    /// Puts a document where the plugin looks for them, and gives its id.
    pub async fn put(&mut self, name: &str, content: &[u8]) -> String {
        let asks = self.manifest.permissions.iter();
        let mut folders = asks.filter_map(|ask| match &ask.permission {
            Permission::Documents { folder, .. } => Some(folder),
            _ => None,
        });
        let folder = folders.next().expect("the plugin reads documents");
        self.now_us += SECOND_US;
        let mut session = self.stage.session(self.now_us);
        let added = session
            .add_document(folder, name, "application/xml", content)
            .await;
        let id = added.expect("the document is good").id.to_string();
        self.stage.commit(session).await;
        id
    }

    /// A run that a person starts.
    pub async fn run(&mut self, input: &Value) -> Run {
        self.now_us += SECOND_US;
        let trigger = json!({"kind": "manual", "input": input, "subjects": []});
        let event = event(&self.now_us.to_string(), self.now_us, &trigger);
        self.stage.run(&self.manifest.name, &event).await
    }

    fn shown(&self, run: &Run) -> Value {
        let outcome = &run.report["outcome"];
        if outcome["kind"] != "succeeded" {
            let code = outcome.pointer("/problem/code").unwrap_or(outcome);
            return json!({"failure": code});
        }
        let questions = made(run, Kind::Task).map(|(_, task)| task["memo"]["question"].clone());
        let mut shown = json!({
            "outcome": logged(run, "outcome"), "questions": questions.collect::<Value>(), "deviations": [],
        });
        if shown["outcome"] == "broken" {
            shown["faults"] = made(run, Kind::Task)
                .flat_map(|(_, task)| faults(task))
                .collect();
        }
        for (_, invoice) in made(run, Kind::Invoice) {
            self.add_invoice(&mut shown, invoice);
        }
        shown
    }

    /// What the books have of an invoice that was taken in.
    fn add_invoice(&self, shown: &mut Value, body: &Value) {
        let invoice: Invoice = serde_json::from_value(body.clone()).expect("an invoice");
        let (content, totals) = (&invoice.content, &invoice.totals);
        let nets = totals.line_nets.iter().map(ToString::to_string);
        let corrects = content.corrects.as_ref();
        shown["party"] = json!(case_name(&self.names.parties, &content.party));
        shown["kind"] = json!(content.kind);
        shown["number"] = json!(content.supplier_number);
        shown["due_date"] = json!(content.due_date);
        shown["corrects"] = json!(corrects.map(|id| case_name(&self.names.invoices, id)));
        shown["line_nets"] = nets.collect();
        shown["net"] = json!(totals.net.to_string());
        shown["tax"] = json!(totals.tax.to_string());
        shown["gross"] = json!(totals.gross.to_string());
        let deviations = content.extra["deviations"].as_array();
        shown["deviations"] = deviations.into_iter().flatten().map(deviation).collect();
    }
}

fn case_name(names: &std::collections::BTreeMap<String, String>, id: &str) -> String {
    let found = names.iter().find(|(_, host)| *host == id);
    found.expect("the seed has it").0.clone()
}

/// The last value that a run logged under a name.
fn logged(run: &Run, name: &str) -> Value {
    let lines = run.report["logs"].as_array().into_iter().flatten();
    let fields = lines.flat_map(|line| line["fields"].as_array().into_iter().flatten());
    let mut named = fields.filter(|pair| pair[0] == name);
    named
        .next_back()
        .map_or(Value::Null, |pair| pair[1].clone())
}

/// Term and place of each reason that a question lists: "line 7, BT-131: 5 is stated".
fn faults(task: &Value) -> Vec<Value> {
    let lines = task["text"].as_str().unwrap_or_default().lines();
    let reasons = lines.filter_map(|line| line.split_once(": ")?.0.rsplit_once(", B"));
    reasons
        .map(|(place, term)| format!("B{term} {place}").into())
        .collect()
}

fn deviation(of: &Value) -> Value {
    let text = |name: &str| of[name].as_str().unwrap_or_default();
    let (term, place) = (text("term"), text("place"));
    let (theirs, ours, cause) = (text("theirs"), text("ours"), text("cause"));
    format!("{term} {place}: {theirs} for {ours} ({cause})").into()
}
