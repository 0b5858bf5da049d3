//! `bursar why` and `bursar timers`: why did nothing run, and when will something?

use bursar_api::{EventExplained, Page, TimerShown};
use bursar_worker::{Answer, Explained};

use crate::{
    arguments::Why,
    client::{Client, part, query},
    commands::automation::when,
    failure::Failure,
    output::{Style, print, table},
};

pub async fn why(client: &Client, style: Style, command: Why) -> Result<(), Failure> {
    let path = format!("/v1/events/{}", part(&command.event));
    let mut whole: Option<EventExplained> = None;
    let mut after = None;
    loop {
        let parameters = [
            ("automation", command.automation.clone()),
            ("timer", command.timer.clone()),
            ("occurrence", command.occurrence.clone()),
            ("after", after),
        ];
        let page: EventExplained = client.get(&query(&path, &parameters)).await?;
        let next = page.next.clone();
        match &mut whole {
            Some(whole) => whole.automations.extend(page.automations),
            None => whole = Some(page),
        }
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    print(style, &whole, |whole| {
        let automations = whole.as_ref().map_or(&[][..], |whole| &whole.automations);
        table(
            &["automation", "department", "answer"],
            &automations.iter().map(row).collect::<Vec<_>>(),
        )
    })
}

fn row(explained: &Explained) -> Vec<String> {
    let answer = match &explained.answer {
        Answer::Run { run, state, reason } => {
            let state = serde_json::to_value(state).unwrap_or_default();
            let reason = reason
                .as_ref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            let run = run.get(..12).unwrap_or(run);
            format!(
                "run {run} is {}{reason}",
                state.as_str().unwrap_or_default()
            )
        }
        Answer::Unmet { words, .. } => format!("no run: {words}"),
        Answer::Met => "no run yet: nothing keeps it from running".to_owned(),
        Answer::Unknown => {
            "no run: say what the event was, with --automation, --timer or --occurrence".to_owned()
        }
    };
    vec![
        explained.automation.clone(),
        explained.department.clone(),
        answer,
    ]
}

fn rule(timer: &TimerShown) -> String {
    let calendar = || Some(format!("calendar {}", timer.calendar.as_ref()?));
    let rule = timer.cron.clone().or_else(calendar);
    rule.unwrap_or_default()
}

pub async fn timers(client: &Client, style: Style) -> Result<(), Failure> {
    let timers: Page<TimerShown> = client.get("/v1/timers").await?;
    print(style, &timers.items, |timers| {
        let row = |timer: &TimerShown| {
            let held = timer.held.map(|unmet| format!("held: {}", unmet.words()));
            let note = held
                .or_else(|| timer.unreadable.clone())
                .unwrap_or_default();
            vec![
                timer.automation.clone(),
                timer.timer.clone(),
                rule(timer),
                timer.zone.clone().unwrap_or_default(),
                timer.next_us.map(when).unwrap_or_default(),
                note,
            ]
        };
        table(
            &["automation", "timer", "rule", "zone", "next", ""],
            &timers.iter().map(row).collect::<Vec<_>>(),
        )
    })
}
