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
pub(crate) const TITLE_BYTES_MAX: usize = 200;
/// Longest text, note or reason, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Most choices.
const CHOICES_MAX: usize = 20;
/// Most subjects.
const SUBJECTS_MAX: usize = 100;
/// Longest memo, in bytes.
const MEMO_BYTES_MAX: usize = 64 << 10;
/// Most reminders.
const REMINDERS_MAX: usize = 10;
/// The last instant that a task may name, in microseconds UTC: the year 2255, as far as JSON numbers are exact.
const INSTANT_MAX: i64 = (1 << 53) - 1;
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

/// When people are told of a task again, and when it ends by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// When the assignee is reminded, in microseconds UTC: at most 10, rising, before it ends.
    pub reminders_us: Vec<i64>,
    /// When it ends without an answer, in microseconds UTC.
    pub expires_us: Option<i64>,
}

impl Session {
    /// Asks a person and gives the task's id; the same key gives the same id again. Needs `tasks` for the role.
    pub async fn create_task(&mut self, key: &str, task: &NewTask) -> Result<String, Error> {
        self.create_task_with(key, task, &Terms::default()).await
    }

    /// As [`Session::create_task`], with reminders and an end. Both share their keys.
    pub async fn create_task_with(
        &mut self,
        key: &str,
        task: &NewTask,
        terms: &Terms,
    ) -> Result<String, Error> {
        check(task, terms)?;
        self.require(Need::Task(&task.assignee), || {
            format!("tasks for {}", task.assignee)
        })?;
        let mut input = json!({
            "assignee": task.assignee, "title": task.title, "text": task.text, "choices": to_value(&task.choices)?,
            "due_us": task.due_us, "subjects": task.subjects, "memo": task.memo,
        });
        if *terms != Terms::default() {
            input["reminders_us"] = json!(terms.reminders_us);
            input["expires_us"] = json!(terms.expires_us);
        }
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
            asked_of: None,
            title,
            text,
            choices,
            due_us,
            subjects,
            memo,
            reminders_us: terms.reminders_us.clone(),
            reminded_us: None,
            expires_us: terms.expires_us,
            is_closed: false,
            answer: None,
            withdrawn: None,
            next_us: None,
        };
        let id = self.new_id();
        self.apply(vec![
            free.used_for(&id)?,
            Write::of(RowKey::of(Kind::Task, &id), None, &body.scheduled())?,
        ])?;
        Ok(id)
    }

    /// A task of one's own; an administrator sees every task. Needs `tasks` for the role.
    pub async fn task(&mut self, id: &str) -> Result<View<Task>, Error> {
        let (row, _) = self.own_task(id).await?;
        self.hand_out(1)?;
        let mut view: View<Task> = self.typed(&row)?;
        // Its time may be over before the host has noted it.
        view.body.is_closed |= view.body.is_over(self.context.now_us);
        Ok(view)
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
        self.put_task(&row, task)
    }

    /// Hands an open task to somebody else. For people.
    pub async fn assign_task(&mut self, id: &str, assignee: &str) -> Result<(), Error> {
        self.require_administrator()?;
        let mut faults = Faults::default();
        check_assignee(&mut faults, assignee);
        faults.result()?;
        let (row, task) = self.open_task(id).await?;
        let task = Task {
            assignee: assignee.to_owned(),
            asked_of: Some(task.asked_of.unwrap_or(task.assignee)),
            ..task
        };
        self.put_task(&row, task)
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
        self.put_task(&row, task)?;
        let (row, _) = self.own_task(id).await?;
        Ok(self.typed(&row)?)
    }

    async fn open_task(&mut self, id: &str) -> Result<(Row, Task), Error> {
        let (row, task) = self.own_task(id).await?;
        if task.is_closed {
            Err(Error::conflict("task-closed", "the task is closed"))
        } else if task.is_over(self.context.now_us) {
            Err(Error::conflict("task-closed", "the task has expired"))
        } else {
            Ok((row, task))
        }
    }

    fn put_task(&mut self, row: &Row, task: Task) -> Result<(), Error> {
        let task = task.scheduled();
        self.apply(vec![Write::of(row.key.clone(), Some(row), &task)?])
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
            // Handing it on takes nothing from its author.
            let asked_of = task.asked_of.as_ref().unwrap_or(&task.assignee);
            is_own && self.allows(Need::Task(asked_of))
        });
        in_view.ok_or_else(|| Error::not_found("such task"))
    }
}

/// Whether a text names whom a task is for.
pub(crate) fn is_assignee(text: &str) -> bool {
    match text.split_once(':') {
        Some(("role" | "person", name)) => is_slug(name),
        _ => false,
    }
}

fn check_assignee(faults: &mut Faults, assignee: &str) {
    let message = "role:NAME or person:ID";
    faults.unless(is_assignee(assignee), "wrong-type", "/assignee", message);
}

fn check_terms(faults: &mut Faults, terms: &Terms) {
    let Terms {
        reminders_us,
        expires_us,
    } = terms;
    let message = format!("at most {REMINDERS_MAX} reminders");
    let is_few = reminders_us.len() <= REMINDERS_MAX;
    faults.unless(is_few, "too-many", "/reminders", message);
    let is_rising = reminders_us.is_sorted_by(|earlier, later| earlier < later);
    let message = "reminders follow each other";
    faults.unless(is_rising, "out-of-range", "/reminders", message);
    let end_us = expires_us.unwrap_or(INSTANT_MAX);
    let is_before = reminders_us.iter().all(|at_us| (0..end_us).contains(at_us));
    let message = "a reminder comes after 1970, and before the task ends";
    faults.unless(is_before, "out-of-range", "/reminders", message);
    let message = "an instant between 1970 and 2255";
    faults.unless(
        (0..=INSTANT_MAX).contains(&end_us),
        "out-of-range",
        "/expires",
        message,
    );
}

fn check(task: &NewTask, terms: &Terms) -> Result<(), Error> {
    let mut faults = Faults::default();
    check_assignee(&mut faults, &task.assignee);
    check_terms(&mut faults, terms);
    let is_instant = task
        .due_us
        .is_none_or(|at_us| (0..=INSTANT_MAX).contains(&at_us));
    let message = "an instant between 1970 and 2255";
    faults.unless(is_instant, "out-of-range", "/due", message);
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
