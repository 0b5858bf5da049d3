//! Questions to people.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Actor;

/// One way to answer a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// Comes back with the answer.
    pub value: String,
    /// Is shown.
    pub label: String,
    /// The answer needs words.
    pub needs_note: bool,
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The chosen value.
    pub choice: String,
    /// Words to it.
    pub note: String,
    /// Who answered.
    pub by: Actor,
    /// When, in microseconds UTC.
    pub at_us: i64,
}

/// A question to a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// The author's name for it.
    pub key: String,
    /// The automation that asks.
    pub automation: String,
    /// "role:NAME" or "person:ID".
    pub assignee: String,
    /// For whom its author wrote it, if a person has handed it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_of: Option<String>,
    /// One line.
    pub title: String,
    /// Plain text.
    pub text: String,
    /// 1 to 20.
    pub choices: Vec<Choice>,
    /// When an answer is due, in microseconds UTC.
    pub due_us: Option<i64>,
    /// Rows to look at, as "collection/id", "invoice/id", "document/id".
    pub subjects: Vec<String>,
    /// Handed back with the answer.
    pub memo: Value,
    /// When the assignee is reminded, in microseconds UTC, rising; what is past has been dealt with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders_us: Vec<i64>,
    /// When the assignee was last reminded, in microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_us: Option<i64>,
    /// When it ends by itself, in microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_us: Option<i64>,
    /// Answered, expired or withdrawn.
    pub is_closed: bool,
    /// None while open, and when withdrawn or expired.
    pub answer: Option<Answer>,
    /// Why it was withdrawn.
    pub withdrawn: Option<String>,
    /// The next instant at which the host has something to do: remind, or end it; in microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_us: Option<i64>,
}

impl Task {
    /// Whether its time is over: from then on nobody answers it, noted or not.
    pub fn is_over(&self, now_us: i64) -> bool {
        self.expires_us
            .is_some_and(|expires_us| expires_us <= now_us)
    }

    /// The last reminder that is due and was not given.
    pub fn due_reminder(&self, now_us: i64) -> Option<i64> {
        let due = self.pending_reminders().filter(|at_us| *at_us <= now_us);
        due.last()
    }

    /// With [`Task::next_us`] as the rest of it says.
    #[must_use]
    pub fn scheduled(mut self) -> Self {
        let next = self.pending_reminders().chain(self.expires_us).min();
        self.next_us = next.filter(|_| !self.is_closed);
        self
    }

    fn pending_reminders(&self) -> impl Iterator<Item = i64> {
        let reminded_us = self.reminded_us.unwrap_or(i64::MIN);
        let times = self.reminders_us.iter().copied();
        times.filter(move |at_us| *at_us > reminded_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_next_follows_reminders_and_end() {
        let task = Task {
            reminders_us: vec![10, 20],
            expires_us: Some(30),
            ..Task::default()
        };
        assert_eq!(task.clone().scheduled().next_us, Some(10));
        assert_eq!(task.due_reminder(9), None);
        assert_eq!(task.due_reminder(25), Some(20), "one for both that are due");
        let reminded = Task {
            reminded_us: Some(20),
            ..task.clone()
        };
        assert_eq!(reminded.due_reminder(25), None);
        assert_eq!(reminded.scheduled().next_us, Some(30));
        assert!(!task.is_over(29) && task.is_over(30));
        let closed = Task {
            is_closed: true,
            ..task
        };
        assert_eq!(closed.scheduled().next_us, None);
    }
}
