//! Why did nothing run? An administrator asks, and every automation has an answer.

use serde_json::{Value, json};

use crate::{
    place::Place,
    timers::{fall_behind, wait_for_runs},
};

/// The guest `ticker` under another name, with a timer of the same name that is due once a year.
const YEARLY: &str = "yearly";

#[test]
fn whoever_asks_why_nothing_ran_is_told_the_condition_that_failed() {
    let place = Place::sqlite().founded();
    place.enable_guest("errand");
    place.enable("ticker", &yearly("ticker"));

    let told = ask(&place, &["why", "never-told"]);
    assert_eq!(
        told,
        [("errand", "unknown"), ("ticker", "unknown")].map(pair)
    );
    let told = ask(&place, &["why", "monday", "--automation", "errand"]);
    let expected = [("errand", "met"), ("ticker", "other-automation")];
    assert_eq!(told, expected.map(pair), "nobody has started it yet");
    let told = ask(&place, &["why", "monday", "--automation", "ticker"]);
    let expected = [
        ("errand", "other-automation"),
        ("ticker", "trigger-not-asked"),
    ];
    assert_eq!(told, expected.map(pair), "its manifest has a timer only");
    let told = ask(&place, &["why", "monday", "--timer", "minutely"]);
    let expected = [("errand", "trigger-not-asked"), ("ticker", "met")];
    assert_eq!(told, expected.map(pair));

    place.call(&["automation", "disable", "errand"]);
    let run = ["automation", "run", "errand", "--event", "monday"];
    place.refuse_without_trace(&run, "(automation-off)");
    let told = ask(&place, &["why", "monday", "--automation", "errand"]);
    let expected = [("errand", "automation-off"), ("ticker", "other-automation")];
    assert_eq!(told, expected.map(pair));
    let said = place.run(&["why", "monday", "--automation", "errand"]);
    assert!(
        said.stdout.contains("no run: the automation is off"),
        "{said:?}"
    );
}

#[test]
fn a_stop_is_told_as_the_reason_of_timers_and_of_runs_that_wait() {
    let place = Place::sqlite().founded();
    place.enable_guest("errand");
    place.enable("ticker", &yearly("ticker"));
    let timers = place.call(&["timers"]);
    assert_eq!(timers[0]["held"], Value::Null, "{timers}");
    assert!(timers[0]["next_us"].is_i64(), "{timers}");

    place.call(&["stop-all", "--reason", "a drill"]);
    let run = [
        "automation",
        "run",
        "errand",
        "--event",
        "monday",
        "--input",
        "[]",
    ];
    let said = place.refuse(&run);
    assert!(said.contains("bursar resume"), "{said}");
    let told = place.call(&["why", "monday"]);
    let errand = &told["automations"][0];
    assert_eq!(
        (
            &errand["answer"],
            &errand["state"],
            &errand["reason"]["code"]
        ),
        (&json!("run"), &json!("queued"), &json!("stopped")),
        "{told}"
    );
    let told = ask(&place, &["why", "tuesday", "--timer", "minutely"]);
    let expected = [("errand", "trigger-not-asked"), ("ticker", "stopped")];
    assert_eq!(told, expected.map(pair));
    let timers = place.call(&["timers"]);
    assert_eq!(timers[0]["held"], "stopped", "{timers}");
    assert!(
        timers[0]["next_us"].is_i64(),
        "it is known what would be next"
    );

    place.call(&["resume"]);
    place.call(&run);
    let told = place.call(&["why", "monday"]);
    assert_eq!(told["automations"][0]["state"], "committed", "{told}");
    place.call(&["automation", "disable", "ticker"]);
    let timers = place.call(&["timers"]);
    assert_eq!(timers[0]["held"], "automation-off", "{timers}");
    place.assert_clean();
}

#[test]
fn a_timer_that_another_event_did_not_concern_was_not_due() {
    let place = Place::sqlite().founded();
    place.enable(YEARLY, &yearly(YEARLY));
    fall_behind(&place);
    let server = place.serve();
    wait_for_runs(&place);
    server.stop();
    let runs = place.call(&["run", "list", "--automation", "ticker"]);
    let event = &runs[0]["queued"]["event"]["id"];
    let told = ask(&place, &["why", event.as_str().expect("an event's id")]);
    // The event's run tells that it was a timer's firing, and for which instant.
    assert_eq!(
        told,
        [("ticker", "run"), (YEARLY, "timer-not-due")].map(pair)
    );
}

#[test]
fn a_run_that_failed_is_told_with_its_reason() {
    let place = Place::sqlite().founded();
    place.enable_guest("trap");
    let run = ["automation", "run", "trap", "--event", "monday"];
    let said = place.refuse(&run);
    assert!(said.contains("bursar run show"), "{said}");
    let told = place.call(&["why", "monday"]);
    let trap = &told["automations"][0];
    assert_eq!(trap["state"], "failed", "{told}");
    assert!(trap["reason"]["code"].is_string(), "{told}");
}

/// Each automation's answer, or the condition that failed.
fn ask(place: &Place, question: &[&str]) -> Vec<(String, String)> {
    let told = place.call(question);
    let automations = told["automations"].as_array().expect("a list");
    automations
        .iter()
        .map(|explained| {
            let text = |name: &str| explained[name].as_str().map(str::to_owned);
            let answer = text("unmet").or_else(|| text("answer"));
            (
                text("automation").expect("a name"),
                answer.expect("an answer"),
            )
        })
        .collect()
}

fn pair((automation, answer): (&str, &str)) -> (String, String) {
    (automation.to_owned(), answer.to_owned())
}

/// The guest `ticker` with another name and rule.
fn yearly(name: &str) -> Vec<u8> {
    let manifest = bursar_artifacts::manifest("ticker")
        .replace("\"ticker\"", &format!("{name:?}"))
        .replace("* * * * *", "0 0 1 1 *");
    let made = bursar_runtime::package::assemble(&bursar_artifacts::module("ticker"), &manifest);
    made.expect("a component")
}
