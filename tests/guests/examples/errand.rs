//! Does what its input lists, one call each, and says in its summary what came of each.

use bursar_sdk::{
    Failure, Plugin, Run, Summary, calendars, clock, documents, filter,
    messages::{self, Content, Letter, NewMail, PlainContent, TemplateContent},
    random, records, records_write, schedules, state,
    tasks::{self, Choice, NewTask, Terms},
    types::{DateWindow, Error, Page},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Step {
    Get {
        id: String,
    },
    Search {
        limit: u32,
        after: Option<String>,
    },
    SearchBy {
        field: String,
        value: String,
    },
    Create {
        key: String,
        body: String,
    },
    Patch {
        id: String,
        expected: Option<String>,
        merge: String,
    },
    Remove {
        id: String,
    },
    Mail {
        key: String,
        to: String,
    },
    /// `follows` is the place of an earlier step, whose result it takes.
    Letter {
        key: String,
        to: String,
        template: Option<String>,
        data: Option<String>,
        document: Option<String>,
        follows: Option<usize>,
    },
    Task {
        key: String,
        assignee: String,
    },
    /// So many microseconds after the run's instant, as text.
    TaskUntil {
        key: String,
        assignee: String,
        reminder: String,
        expires: String,
    },
    PutState {
        name: String,
        value: String,
    },
    GetState {
        name: String,
    },
    /// The offset is text, since JSON numbers end at 2^53.
    Read {
        document: String,
        offset: String,
        length: u32,
    },
    AddDays {
        calendar: String,
        date: String,
        days: i32,
    },
    CountDays {
        calendar: String,
        start: String,
        end: String,
    },
    /// A task for each occurrence that begins on the day after the run's.
    Tomorrow {
        calendar: String,
        assignee: String,
    },
    /// The instant is text, as above.
    ToLocal {
        at: String,
        zone: String,
    },
    Random {
        length: u32,
    },
    Today,
}

struct Errand;

impl Plugin for Errand {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let steps: Vec<Step> = run.input()?.unwrap_or_default();
        let mut results: Vec<String> = Vec::with_capacity(steps.len());
        for step in steps {
            let result = act(step, &results).unwrap_or_else(|error| name(&error));
            results.push(result);
        }
        Ok(Summary::new(results.join("\n")))
    }
}

/// The error's case and its first code.
fn name(error: &Error) -> String {
    let case = match error {
        Error::NotFound(_) => "not-found",
        Error::Conflict(_) => "conflict",
        Error::Denied(_) => "denied",
        Error::Invalid(_) => "invalid",
        Error::Limit(_) => "limit",
        Error::Other(_) => "other",
    };
    format!(
        "{case} {}",
        error.problems().first().map_or("", |problem| &problem.code)
    )
}

fn act(step: Step, before: &[String]) -> Result<String, Error> {
    match step {
        Step::Get { .. } | Step::Search { .. } | Step::SearchBy { .. } => read(step),
        Step::Create { .. } | Step::Patch { .. } | Step::Remove { .. } => change(step),
        Step::Mail { key, to } => {
            let mail = NewMail {
                to: vec![to],
                cc: vec![],
                reply_to: None,
                subject: "Hello".into(),
                text: "Hello".into(),
            };
            messages::mail(&key, &mail)
        }
        Step::Letter { .. } => letter(step, before),
        Step::Task { key, assignee } => tasks::create(&key, &question(assignee)),
        Step::TaskUntil {
            key,
            assignee,
            reminder,
            expires,
        } => {
            let after = |text: String| clock::now() + text.parse().unwrap_or(0);
            let terms = Terms {
                reminders: vec![after(reminder)],
                expires: Some(after(expires)),
            };
            tasks::create_with(&key, &question(assignee), &terms)
        }
        Step::PutState { name, value } => state::put(&name, &value).map(|()| "put".into()),
        Step::GetState { name } => {
            state::get(&name).map(|value| value.unwrap_or_else(|| "none".into()))
        }
        Step::Read {
            document,
            offset,
            length,
        } => documents::read(&document, offset.parse().unwrap_or(0), length)
            .map(|read| read.len().to_string()),
        Step::AddDays {
            calendar,
            date,
            days,
        } => schedules::add_business_days(&calendar, &date, days),
        Step::CountDays {
            calendar,
            start,
            end,
        } => schedules::business_days(&calendar, &DateWindow { start, end })
            .map(|days| days.to_string()),
        Step::Tomorrow { calendar, assignee } => tomorrow(calendar, &assignee),
        Step::ToLocal { at, zone } => clock::to_local(at.parse().unwrap_or(0), &zone),
        Step::Random { length } => Ok(format!("{:?} {}", random::bytes(length), random::number())),
        Step::Today => Ok(clock::today()),
    }
}

/// The same day makes the same tasks, however often it is asked.
fn tomorrow(calendar: String, assignee: &str) -> Result<String, Error> {
    let start = clock::to_instant(&format!("{}T00:00:00", clock::today()), "Europe/Vienna")?;
    let day = calendars::Window {
        start: calendars::hours(start, 24).end,
        end: calendars::hours(start, 48).end,
    };
    let mut titles = Vec::new();
    for one in calendars::occurrences(&[calendar], day)? {
        if one.start < day.start {
            continue;
        }
        let at = clock::to_local(one.start, "Europe/Vienna")?;
        let task = NewTask {
            title: format!("Prepare {}", one.title),
            text: format!("{} begins at {at}.", one.title),
            due: Some(one.start),
            ..question(assignee.to_owned())
        };
        tasks::create(
            &format!("prepare {} {}", one.uid, one.original_start),
            &task,
        )?;
        titles.push(one.title);
    }
    Ok(titles.join(", "))
}

fn read(step: Step) -> Result<String, Error> {
    let query = |conditions| records::Query {
        conditions,
        order: vec![],
    };
    match step {
        // U+0000 cannot stand in an input.
        Step::Get { id } => records::get("counters", &id.replace('~', "\0")).map(|row| row.body),
        Step::Search { limit, after } => {
            let found = records::search("counters", &query(vec![]), &Page { limit, after })?;
            Ok(format!(
                "{} {}",
                found.items.len(),
                found.next.unwrap_or_default()
            ))
        }
        Step::SearchBy { field, value } => {
            let mut condition = filter::equal(&field, 0);
            condition.values = vec![value];
            let found = records::search(
                "counters",
                &query(vec![condition]),
                &Page {
                    limit: 10,
                    after: None,
                },
            )?;
            Ok(found.items.len().to_string())
        }
        _ => Ok(String::new()),
    }
}

fn change(step: Step) -> Result<String, Error> {
    match step {
        Step::Create { key, body } => {
            records_write::create("counters", &key, &body).map(|row| row.id)
        }
        Step::Patch {
            id,
            expected,
            merge,
        } => records_write::patch("counters", &id, expected.as_deref(), &merge)
            .map(|row| row.revision),
        Step::Remove { id } => {
            records_write::remove("counters", &id, None).map(|()| "removed".into())
        }
        _ => Ok(String::new()),
    }
}

fn letter(step: Step, before: &[String]) -> Result<String, Error> {
    let Step::Letter {
        key,
        to,
        template,
        data,
        document,
        follows,
    } = step
    else {
        return Ok(String::new());
    };
    let content = match template {
        Some(template) => Content::Template(TemplateContent {
            template,
            locale: Some("de-AT".into()),
            data: data.unwrap_or_else(|| "{}".into()),
        }),
        None => Content::Plain(PlainContent {
            subject: "Hello".into(),
            text: "Hello".into(),
        }),
    };
    let letter = Letter {
        to: vec![to],
        cc: vec![],
        reply_to: None,
        content,
        attachments: document.into_iter().collect(),
        follows: follows.and_then(|place| before.get(place).cloned()),
    };
    messages::send(&key, &letter)
}

fn question(assignee: String) -> NewTask {
    NewTask {
        assignee,
        title: "Which one?".into(),
        text: "Please choose.".into(),
        choices: vec![Choice {
            value: "a".into(),
            label: "The first".into(),
            needs_note: false,
        }],
        due: None,
        subjects: vec![],
        memo: "{}".into(),
    }
}

bursar_sdk::plugin!(Errand);
