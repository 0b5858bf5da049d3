//! What is told about timers and events, on an office with a few automations.

mod edges;
mod firing;
mod office;

use bursar_db::{RunEnd, RunState, SettledRun};
use bursar_domain::{
    draft::{Change, Draft},
    matching::Unmet,
    office::{Actor, Timer},
    problem::Problem,
    row::{Kind, RowKey},
    run::{Event, Trigger},
    time,
};
use bursar_office::run_id;
use serde_json::json;

use crate::{
    explain::{Answer, Asked, Explanation, Question, explain},
    upcoming::Upcoming,
};
use office::Office;

const LONG_US: i64 = 3_600_000_000;
const BOTH: &str = "[[triggers]]\nkind = 'manual'\n[[triggers]]\nkind = 'timer'\nname = 'nightly'\ncron = '0 2 * * *'\n";
const MANUAL: &str = "[[triggers]]\nkind = 'manual'\n";
const MORNING: &str = "[[triggers]]\nkind = 'timer'\nname = 'nightly'\ncron = '0 6 * * *'\n";

fn at(text: &str) -> i64 {
    time::from_rfc3339(text).expect("a good instant")
}

fn until(fired_until_us: i64) -> Timer {
    Timer {
        fired_until_us,
        since_us: 0,
    }
}

fn by_hand(id: &str) -> Event {
    let trigger = Trigger::Manual {
        input: json!({}),
        subjects: Vec::new(),
    };
    event(id, trigger)
}

fn event(id: &str, trigger: Trigger) -> Event {
    Event {
        id: id.to_owned(),
        source: "test".to_owned(),
        event_type: "test".to_owned(),
        time_us: 42,
        actor: Actor::new("person", "ada"),
        depth: 0,
        trigger,
    }
}

fn nightly(scheduled_us: i64) -> Asked {
    Asked::Timer {
        timer: "nightly".to_owned(),
        scheduled_us: Some(scheduled_us),
    }
}

/// Automation, department, and the answer in short.
fn told(explanation: &Explanation) -> Vec<(&str, String)> {
    let short = |answer: &Answer| match answer {
        Answer::Run { state, reason, .. } => {
            let reason = reason.as_ref().map_or("", |problem| &*problem.code);
            format!("{state:?} {reason}").trim().to_owned()
        }
        Answer::Unmet { unmet, .. } => unmet.code().to_owned(),
        Answer::Met => "met".to_owned(),
        Answer::Unknown => "unknown".to_owned(),
    };
    let told = explanation.automations.iter();
    told.inspect(|explained| assert_eq!(explained.department, "finance"))
        .map(|explained| (&*explained.automation, short(&explained.answer)))
        .collect()
}

fn pairs(expected: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    expected
        .iter()
        .map(|(id, answer)| (*id, (*answer).to_owned()))
        .collect()
}

#[tokio::test]
async fn timers_say_when_they_fire_next_and_what_holds_them_up() {
    let office = Office::with(&[("both", BOTH), ("manual", MANUAL), ("tokyo", BOTH)]).await;
    let now_us = at("2026-11-21T12:00:00Z");
    let fired_us = at("2026-11-21T01:00:00Z");
    office
        .change(async |session| session.put_timer("both", "nightly", &until(fired_us)).await)
        .await;
    let shown = |found: &[Upcoming]| -> Vec<_> {
        let shown = |timer: &Upcoming| {
            (
                timer.automation.clone(),
                timer.fired_until_us,
                timer.next_us,
                timer.held,
            )
        };
        found.iter().map(shown).collect()
    };
    let expected = |first: Option<Unmet>, second: Option<Unmet>| {
        vec![
            (
                "both".to_owned(),
                Some(fired_us),
                Some(at("2026-11-22T01:00:00Z")),
                first,
            ),
            (
                "tokyo".to_owned(),
                None,
                Some(at("2026-11-21T17:00:00Z")),
                second,
            ),
        ]
    };
    let found = office.upcoming(now_us).await;
    assert_eq!(shown(&found), expected(None, None));
    assert_eq!(
        (
            found[1].zone.as_deref(),
            found[1].cron.as_deref(),
            &*found[1].timer,
            &*found[1].department
        ),
        (Some("Asia/Tokyo"), Some("0 2 * * *"), "nightly", "finance")
    );
    office
        .change(async |session| session.disable_automation("both").await)
        .await;
    let off = Some(Unmet::AutomationOff);
    assert_eq!(shown(&office.upcoming(now_us).await), expected(off, None));
    office.set_stop(true).await;
    let found = office.upcoming(now_us).await;
    assert_eq!(shown(&found), expected(off, Some(Unmet::Stopped)));
    office.set_stop(false).await;
    assert_eq!(shown(&office.upcoming(now_us).await), expected(off, None));
}

#[tokio::test]
async fn a_timer_that_cannot_be_read_is_told_with_its_reason() {
    let never = "[[triggers]]\nkind = 'timer'\nname = 'never'\ncron = '0 0 30 2 *'\n";
    let odd = "[[triggers]]\nkind = 'timer'\nname = 'odd'\ncron = 'every day'\n";
    let office = Office::with(&[("a", never), ("b", odd), ("c", BOTH)]).await;
    let found = office.upcoming(at("2026-11-21T12:00:00Z")).await;
    let readable: Vec<_> = found
        .iter()
        .map(|timer| (timer.next_us.is_some(), timer.unreadable.is_some()))
        .collect();
    assert_eq!(readable, [(false, true), (false, true), (true, false)]);
}

#[tokio::test]
async fn a_manual_event_is_explained_for_every_automation() {
    let office = Office::with(&[("clock", MORNING), ("here", BOTH), ("there", MANUAL)]).await;
    let explained = async |asked: Option<&str>| {
        let asked = asked.map(|automation| Asked::Manual {
            automation: automation.to_owned(),
        });
        office.explain("e1", asked).await
    };
    let unknown = [
        ("clock", "unknown"),
        ("here", "unknown"),
        ("there", "unknown"),
    ];
    assert_eq!(told(&explained(None).await), pairs(&unknown));
    let supposed = [
        ("clock", "trigger-not-asked"),
        ("here", "other-automation"),
        ("there", "other-automation"),
    ];
    assert_eq!(told(&explained(Some("clock")).await), pairs(&supposed));
    let supposed = [
        ("clock", "other-automation"),
        ("here", "met"),
        ("there", "other-automation"),
    ];
    assert_eq!(told(&explained(Some("here")).await), pairs(&supposed));
    office.set_stop(true).await;
    assert_eq!(told(&explained(Some("here")).await), pairs(&supposed));

    office.enqueue("here", &by_hand("e1")).await;
    // The run knows better than whoever asks.
    let found = explained(Some("there")).await;
    let here = Asked::Manual {
        automation: "here".to_owned(),
    };
    assert_eq!(found.asked, Some(here));
    let stopped = [
        ("clock", "other-automation"),
        ("here", "Queued stopped"),
        ("there", "other-automation"),
    ];
    assert_eq!(told(&found), pairs(&stopped));
    office.set_stop(false).await;
    assert_eq!(told(&explained(None).await)[1].1, "Queued");

    office
        .change(async |session| session.disable_automation("here").await)
        .await;
    let off = office
        .explain(
            "e2",
            Some(Asked::Manual {
                automation: "here".to_owned(),
            }),
        )
        .await;
    assert_eq!(told(&off)[1].1, "automation-off");
}

#[tokio::test]
async fn events_of_two_automations_that_share_a_name_tell_nothing_of_a_third() {
    let office = Office::with(&[("here", BOTH), ("there", MANUAL), ("third", MANUAL)]).await;
    for automation in ["here", "there"] {
        office.enqueue(automation, &by_hand("e1")).await;
    }
    let found = office.explain("e1", None).await;
    let expected = [
        ("here", "Queued"),
        ("there", "Queued"),
        ("third", "unknown"),
    ];
    assert_eq!(
        (found.asked.clone(), told(&found)),
        (None, pairs(&expected))
    );
}

#[tokio::test]
async fn a_run_is_explained_by_its_notice_or_by_what_it_waits_for() {
    let office = Office::with(&[("here", MANUAL)]).await;
    let database = &office.database;
    office.enqueue("here", &by_hand("e1")).await;
    let now_us = database.now_us().await.expect("a clock");
    let short = async || told(&office.explain("e1", None).await)[0].1.clone();
    let problem = json!({"code": "no-rates", "message": "no rates yet"});
    let reports = [
        (json!({"waits": "overtaken too often"}), "Queued waits"),
        (
            json!({"outcome": {"kind": "retry", "problem": problem, "after_us": null}}),
            "Queued no-rates",
        ),
        (json!({}), "Queued"),
    ];
    let mut fence = 0;
    for (report, expected) in reports {
        fence = database.claim(1, LONG_US).await.expect("a claim")[0].fence;
        assert_eq!(short().await, "Running");
        let run = run_id("here", "e1");
        database
            .postpone(&run, fence, now_us, None, &report)
            .await
            .expect("postponed");
        assert_eq!(short().await, expected);
    }
    database.claim(1, LONG_US).await.expect("a claim");
    let run = run_id("here", "e1");
    let key = RowKey::of(Kind::Notice, &run);
    let mut draft = Draft::default();
    draft.read_row(&key, 0);
    let problem = Problem::new("number-gap", "the series has a gap");
    let body = json!({"automation": "here", "end": "failed", "problem": problem});
    draft.put(Change {
        key,
        previous: 0,
        body: Some(std::sync::Arc::new(body)),
        index: Vec::new(),
        unique: Vec::new(),
    });
    let settles = SettledRun {
        run: run.clone(),
        fence: fence + 1,
        end: RunEnd::Failed,
        report: json!({"outcome": {"kind": "succeeded", "text": "", "counts": {}}}),
    };
    office.propose(draft, Some(settles)).await;
    let found = office.explain("e1", None).await;
    let expected = Answer::Run {
        run,
        state: RunState::Failed,
        reason: Some(problem),
    };
    assert_eq!(found.automations[0].answer, expected);
}

#[tokio::test]
async fn a_timers_event_is_explained_by_when_it_was_due() {
    let office = Office::with(&[
        ("both", BOTH),
        ("fired", BOTH),
        ("late", BOTH),
        ("manual", MANUAL),
        ("morning", MORNING),
        ("off", BOTH),
    ])
    .await;
    let two = at("2026-11-21T01:00:00Z");
    let now_us = two + 60_000_000;
    office
        .change(async |session| {
            session.disable_automation("off").await?;
            for (automation, until_us) in [
                ("both", two - 1),
                ("fired", two),
                ("late", now_us),
                ("morning", 0),
            ] {
                session
                    .put_timer(automation, "nightly", &until(until_us))
                    .await?;
            }
            Ok(())
        })
        .await;
    let id = format!("timer/nightly/{}", time::rfc3339(two));
    let expected = |both, fired| {
        pairs(&[
            ("both", both),
            ("fired", fired),
            ("late", "timer-passed"),
            ("manual", "trigger-not-asked"),
            ("morning", "timer-not-due"),
            ("off", "automation-off"),
        ])
    };
    let found = office.explain(&id, Some(nightly(two))).await;
    assert_eq!(told(&found), expected("met", "timer-passed"));
    let trigger = Trigger::Timer {
        timer: "nightly".to_owned(),
        scheduled_us: two,
        missed: 0,
    };
    office.enqueue("fired", &event(&id, trigger)).await;
    let found = office.explain(&id, None).await;
    assert_eq!(found.asked, Some(nightly(two)));
    assert_eq!(told(&found), expected("met", "Queued"));
    office.set_stop(true).await;
    let found = office.explain(&id, None).await;
    assert_eq!(told(&found), expected("stopped", "Queued stopped"));
}

#[tokio::test]
async fn an_explanation_comes_in_pages() {
    let office = Office::with(&[("a", MANUAL), ("b", MANUAL), ("c", MANUAL)]).await;
    let asked = Some(Asked::Manual {
        automation: "c".to_owned(),
    });
    let mut question = Question {
        event: "e1".to_owned(),
        department: None,
        asked,
        after: None,
        limit: 2,
    };
    let first = explain(&office.database, &question).await.expect("a page");
    assert_eq!(
        told(&first),
        pairs(&[("a", "other-automation"), ("b", "other-automation")])
    );
    question.after = first.next;
    assert_eq!(question.after.as_deref(), Some("b"));
    let last = explain(&office.database, &question).await.expect("a page");
    assert_eq!(told(&last), pairs(&[("c", "met")]));
    assert_eq!(last.next, None);
}
