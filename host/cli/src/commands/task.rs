//! `bursar task`: questions of automations to people.

use std::fmt::Write as _;

use bursar_api::{NewAnswer, NewAssignment, NewWithdrawal, Resource};
use bursar_domain::office::Task as TaskBody;
use http::Method;

use crate::{
    arguments::Task,
    client::{Client, part},
    commands::automation::when,
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Task) -> Result<(), Failure> {
    match command {
        Task::List {
            closed,
            automation,
            assignee,
            overdue,
            limit,
        } => {
            let now_us = jiff::Timestamp::now().as_microsecond();
            let parameters = [
                ("closed", Some(closed.to_string())),
                ("automation", automation),
                ("assignee", assignee),
                ("due_before_us", overdue.then(|| now_us.to_string())),
            ];
            let (tasks, _) = client
                .pages::<Resource<TaskBody>>("/v1/tasks", &parameters, limit)
                .await?;
            print(style, &tasks, |tasks| {
                let row = |task: &Resource<TaskBody>| {
                    let body = &task.body;
                    let choices: Vec<&str> = body
                        .choices
                        .iter()
                        .map(|choice| choice.value.as_str())
                        .collect();
                    vec![
                        task.id.clone(),
                        body.automation.clone(),
                        body.assignee.clone(),
                        body.due_us.map(when).unwrap_or_default(),
                        body.title.clone(),
                        choices.join(", "),
                    ]
                };
                table(
                    &["id", "automation", "for", "due", "title", "choices"],
                    &tasks.iter().map(row).collect::<Vec<_>>(),
                )
            })
        }
        Task::Show { id } => {
            let task: Resource<TaskBody> = client.get(&format!("/v1/tasks/{}", part(&id))).await?;
            print(style, &task, describe)
        }
        Task::Answer { id, choice, note } => {
            let path = format!("/v1/tasks/{}/answer", part(&id));
            let answer = NewAnswer { choice, note };
            let task: Resource<TaskBody> = client.send(Method::POST, &path, &answer).await?.value;
            print(style, &task, describe)
        }
        Task::Withdraw { id, reason } => {
            let path = format!("/v1/tasks/{}/withdraw", part(&id));
            let withdrawal = NewWithdrawal { reason };
            let sent = client.send(Method::POST, &path, &withdrawal).await?;
            let task: Resource<TaskBody> = sent.value;
            print(style, &task, describe)
        }
        Task::Assign { id, assignee } => {
            let path = format!("/v1/tasks/{}/assign", part(&id));
            let assignment = NewAssignment { assignee };
            let sent = client.send(Method::POST, &path, &assignment).await?;
            let task: Resource<TaskBody> = sent.value;
            print(style, &task, describe)
        }
    }
}

fn describe(task: &Resource<TaskBody>) -> String {
    let body = &task.body;
    let mut text = format!(
        "task        {}\nautomation  {}\nfor         {}\n",
        task.id, body.automation, body.assignee
    );
    if let Some(due_us) = body.due_us {
        let _ = writeln!(text, "due         {}", when(due_us));
    }
    if let Some(reminded_us) = body.reminded_us {
        let _ = writeln!(text, "reminded    {}", when(reminded_us));
    }
    if let Some(expires_us) = body.expires_us {
        let _ = writeln!(text, "expires     {}", when(expires_us));
    }
    let _ = write!(text, "\n{}\n\n{}\n\n", body.title, body.text);
    for choice in &body.choices {
        let note = if choice.needs_note {
            " (needs a note)"
        } else {
            ""
        };
        let _ = writeln!(text, "  {:<20} {}{note}", choice.value, choice.label);
    }
    match (&body.answer, &body.withdrawn) {
        (Some(answer), _) => {
            let _ = writeln!(
                text,
                "\n{} answered {:?} at {}. {}",
                answer.by,
                answer.choice,
                when(answer.at_us),
                answer.note
            );
        }
        (None, Some(reason)) => {
            let _ = writeln!(text, "\nIt was withdrawn: {reason}");
        }
        (None, None) if body.is_closed => text.push_str("\nIt expired without an answer.\n"),
        (None, None) => {}
    }
    text
}
