//! A supplier's invoice that was rejected: what it came in is done with, what the supplier sends next is not.

use std::path::PathBuf;

use bursar_artifacts::{plugin, workspace};
use bursar_cases::{Run, block_on, read_json};
use bursar_domain::{invoice::InvoiceState, row::Kind};
use serde_json::json;

use crate::{case::made, document::Play};

const PLUGIN: &str = "supplier-invoices";

/// Ids of the invoices that a run took in.
fn taken_in(run: &Run) -> Vec<String> {
    assert_eq!(run.report["outcome"]["kind"], "succeeded", "{run:#?}");
    assert_eq!(made(run, Kind::Task).count(), 0, "{run:#?}");
    let made = made(run, Kind::Invoice);
    made.map(|(change, _)| change.key.id.to_string()).collect()
}

async fn reject(play: &Play, id: &str) {
    let mut session = play.stage.session(0);
    let rejected = session.step_invoice(id, None, InvoiceState::Rejected).await;
    rejected.expect("what was received may be rejected");
    play.stage.commit(session).await;
}

#[test]
fn what_was_rejected_is_taken_in_again_only_when_it_is_sent_again() {
    let case: PathBuf = workspace()
        .join("plugins")
        .join(PLUGIN)
        .join("cases/ubl-invoice");
    let content = std::fs::read(case.join("invoice.xml")).expect("the case has a document");
    let component = plugin(PLUGIN);
    let (folder, nothing) = (json!({}), Vec::<String>::new());
    block_on(async {
        let mut play = Play::open(&component, read_json(&case.join("seed.json")), &folder).await;
        let first = play.put("first.xml", &content).await;
        for (name, tries) in [("second.xml", 1), ("third.xml", 2)] {
            let run = play.run(&folder).await;
            let taken_in_now = taken_in(&run);
            assert_eq!(taken_in_now.len(), 1, "try {tries}: {run:#?}");
            assert_eq!(taken_in(&play.run(&folder).await), nothing, "again");
            reject(&play, &taken_in_now[0]).await;
            assert_eq!(taken_in(&play.run(&folder).await), nothing, "rejected");
            let named = play.run(&json!({"document": first})).await;
            assert_eq!(taken_in(&named), nothing, "named, and rejected");
            play.put(name, &content).await;
        }
        assert_eq!(taken_in(&play.run(&folder).await).len(), 1);
        play.stage.close().await;
    });
}
