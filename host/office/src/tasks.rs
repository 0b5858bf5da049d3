//! Questions to people, and their answers.

use std::collections::BTreeSet;

use bursar_domain::{
    manifest::Need,
    office::{Answer, Choice, Task},
    row::{Kind, Row, RowKey},
};
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    input::{Faults, is_slug},
    session::{Session, View},
    write::{Write, key_of, to_value},
};

/// Longest title, in bytes.
const TITLE_BYTES_MAX: usize = 200;
/// Longest text, note or reason, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Most choices.
const CHOICES_MAX: usize = 20;
/// Most subjects.
const SUBJECTS_MAX: usize = 100;
/// Longest memo, in bytes.
const MEMO_BYTES_MAX: usize = 64 << 10;
/// Longest value or label of a choice, and longest subject, in bytes.
const LABEL_BYTES_MAX: usize = 200;

/// A task as its author writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTask {
    /// "role:NAME" or "person:ID".
    pub assignee: String,
    /// One line, 1 to 200 bytes.
    pub title: String,
    /// Plain text, at most 16 KiB.
    pub text: String,
    /// 1 to 20, each with a value of its own.
    pub choices: Vec<Choice>,
    /// When an answer is due, in microseconds UTC.
    pub due_us: Option<i64>,
    /// Rows to look at, as "collection/id", "invoice/id", "payment/id", "document/id"; at most 100.
    pub subjects: Vec<String>,
    /// Handed back with the answer, at most 64 KiB.
    pub memo: Value,
}

impl Session {
    /// Asks a person and gives the task's id; the same key gives the same id again. Needs `tasks` for the role.
    pub async fn create_task(&mut self, key: &str, task: &NewTask) -> Result<String, Error> {
        check(task)?;
        self.require(Need::Task(&task.assignee), || {
            format!("tasks for {}", task.assignee)
        })?;
        let input = json!({
            "assignee": task.assignee, "title": task.title, "text": task.text, "choices": to_value(&task.choices)?,
            "due_us": task.due_us, "subjects": task.subjects, "memo": task.memo,
        });
        let free = match self.effect("tasks.create", key, &input).await? {
            Keyed::Used(id) => return Ok(id),
            Keyed::Free(free) => free,
        };
        let NewTask {
            assignee,
            title,
            text,
            choices,
            due_us,
            subjects,
            memo,
        } = task.clone();
        let body = Task {
            key: key.to_owned(),
            automation: self.context.automation.clone().unwrap_or_default(),
            assignee,
            title,
            text,
            choices,
            due_us,
            subjects,
            memo,
            is_closed: false,
            answer: None,
            withdrawn: None,
        };
        let id = self.new_id();
        self.apply(vec![
            free.used_for(&id)?,
            Write::of(RowKey::of(Kind::Task, &id), None, &body)?,
        ])?;
        Ok(id)
    }

    /// A task of one's own; an administrator sees every task. Needs `tasks` for the role.
    pub async fn task(&mut self, id: &str) -> Result<View<Task>, Error> {
        let (row, _) = self.own_task(id).await?;
        self.hand_out(1)?;
        Ok(self.typed(&row)?)
    }

    /// Takes an open task of one's own back. Needs `tasks` for the role.
    pub async fn withdraw_task(&mut self, id: &str, reason: &str) -> Result<(), Error> {
        let mut faults = Faults::default();
        faults.text("/reason", reason, 0..=TEXT_BYTES_MAX);
        faults.result()?;
        let (row, task) = self.open_task(id).await?;
        let task = Task {
            is_closed: true,
            withdrawn: Some(reason.to_owned()),
            ..task
        };
        self.apply(vec![Write::of(row.key.clone(), Some(&row), &task)?])
    }

    /// Answers an open task with one of its choices. For people.
    pub async fn answer_task(
        &mut self,
        id: &str,
        choice: &str,
        note: &str,
    ) -> Result<View<Task>, Error> {
        self.require_administrator()?;
        let (row, task) = self.open_task(id).await?;
        let mut faults = Faults::default();
        faults.text("/note", note, 0..=TEXT_BYTES_MAX);
        match task.choices.iter().find(|known| known.value == choice) {
            None => faults.add("unknown", "/choice", "the task has no such choice"),
            Some(known) => faults.unless(
                !known.needs_note || !note.trim().is_empty(),
                "empty",
                "/note",
                "this choice needs a note",
            ),
        }
        faults.result()?;
        let by = self.context.actor.clone();
        let answer = Answer {
            choice: choice.to_owned(),
            note: note.to_owned(),
            by,
            at_us: self.context.now_us,
        };
        let task = Task {
            is_closed: true,
            answer: Some(answer),
            ..task
        };
        self.apply(vec![Write::of(row.key.clone(), Some(&row), &task)?])?;
        let (row, _) = self.own_task(id).await?;
        Ok(self.typed(&row)?)
    }

    async fn open_task(&mut self, id: &str) -> Result<(Row, Task), Error> {
        let (row, task) = self.own_task(id).await?;
        if task.is_closed {
            Err(Error::conflict("task-closed", "the task is closed"))
        } else {
            Ok((row, task))
        }
    }

    async fn own_task(&mut self, id: &str) -> Result<(Row, Task), Error> {
        let found = self
            .find::<Task>(&key_of(Kind::Task, "", id, "such task")?)
            .await?;
        let in_view = found.filter(|(_, task)| {
            let is_own = self
                .context
                .automation
                .as_deref()
                .is_none_or(|automation| automation == task.automation);
            is_own && self.context.authority.allows(Need::Task(&task.assignee))
        });
        in_view.ok_or_else(|| Error::not_found("such task"))
    }
}

fn check(task: &NewTask) -> Result<(), Error> {
    let mut faults = Faults::default();
    let is_assignee = match task.assignee.split_once(':') {
        Some(("role" | "person", name)) => is_slug(name),
        _ => false,
    };
    faults.unless(
        is_assignee,
        "wrong-type",
        "/assignee",
        "role:NAME or person:ID",
    );
    faults.line("/title", &task.title, 1..=TITLE_BYTES_MAX);
    faults.text("/text", &task.text, 0..=TEXT_BYTES_MAX);
    faults.unless(
        (1..=CHOICES_MAX).contains(&task.choices.len()),
        "wrong-count",
        "/choices",
        format!("1 to {CHOICES_MAX} choices"),
    );
    let mut values = BTreeSet::new();
    for (place, choice) in task.choices.iter().take(CHOICES_MAX).enumerate() {
        faults.line(
            &format!("/choices/{place}/value"),
            &choice.value,
            1..=LABEL_BYTES_MAX,
        );
        faults.line(
            &format!("/choices/{place}/label"),
            &choice.label,
            1..=LABEL_BYTES_MAX,
        );
        faults.unless(
            values.insert(&choice.value),
            "duplicate",
            &format!("/choices/{place}/value"),
            "each choice has its own value",
        );
    }
    faults.unless(
        task.subjects.len() <= SUBJECTS_MAX,
        "too-many",
        "/subjects",
        format!("at most {SUBJECTS_MAX} subjects"),
    );
    for (place, subject) in task.subjects.iter().take(SUBJECTS_MAX).enumerate() {
        let pointer = format!("/subjects/{place}");
        faults.line(&pointer, subject, 1..=LABEL_BYTES_MAX);
        let names_a_row = subject
            .split_once('/')
            .is_some_and(|(of, id)| !of.is_empty() && !id.is_empty());
        faults.unless(
            names_a_row,
            "wrong-type",
            &pointer,
            "a row such as invoice/ID",
        );
    }
    let memo_bytes = bursar_domain::canonical::to_text(&task.memo).map(|text| text.len());
    faults.unless(
        memo_bytes.is_ok_and(|bytes| bytes <= MEMO_BYTES_MAX),
        "too-large",
        "/memo",
        format!("at most {MEMO_BYTES_MAX} bytes"),
    );
    faults.result()
}
