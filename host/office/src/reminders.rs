//! What becomes of a task by itself: its assignee is reminded, and it ends.

use bursar_domain::{
    office::{Automation, Department, LegalEntity, Message, Task, TemplateUse},
    row::{Kind, RowKey},
};
use serde_json::json;

use crate::{
    error::Error,
    messages::sender_of,
    session::Session,
    templates::{Rendering, TASK_REMINDER},
    write::Write,
};

/// What became of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tended {
    /// Nothing is due.
    Nothing,
    /// The reminder is noted; with an address for the assignee a mail is on its way.
    Reminded,
    /// It ended without an answer.
    Expired,
}

impl Session {
    /// Does what is due of an open task. For the host.
    pub async fn tend_task(&mut self, id: &str) -> Result<Tended, Error> {
        self.require_administrator()?;
        let key = RowKey::of(Kind::Task, id);
        let now_us = self.context.now_us;
        let Some((row, task)) = self.find::<Task>(&key).await? else {
            return Ok(Tended::Nothing);
        };
        if task.is_closed {
            return Ok(Tended::Nothing);
        }
        if task.is_over(now_us) {
            let expired = Task {
                is_closed: true,
                ..task
            };
            self.apply(vec![Write::of(key, Some(&row), &expired.scheduled())?])?;
            return Ok(Tended::Expired);
        }
        let Some(due_us) = task.due_reminder(now_us) else {
            return Ok(Tended::Nothing);
        };
        let message = self.reminder(id, &task).await?;
        let reminded = Task {
            reminded_us: Some(due_us),
            ..task
        };
        let mut writes = vec![Write::of(key, Some(&row), &reminded.scheduled())?];
        if let Some(message) = message {
            let key = RowKey::of(Kind::Message, &self.new_id());
            writes.push(Write::of(key, None, &message)?);
        }
        self.apply(writes)?;
        Ok(Tended::Reminded)
    }

    /// The mail that reminds of a task; none if its department knows no address for the assignee.
    async fn reminder(&mut self, id: &str, task: &Task) -> Result<Option<Message>, Error> {
        let key = RowKey::of(Kind::Automation, &task.automation);
        let Some((_, automation)) = self.find::<Automation>(&key).await? else {
            return Ok(None);
        };
        let key = RowKey::of(Kind::Department, &automation.department);
        let department = self.find::<Department>(&key).await?;
        let address = department
            .and_then(|(_, department)| department.addresses.get(&task.assignee).cloned());
        let Some(address) = address else {
            return Ok(None);
        };
        let key = RowKey::of(Kind::Entity, &automation.legal_entity);
        let entity = self.find::<LegalEntity>(&key).await?;
        let entity = entity.map(|(_, entity)| entity);
        let rendered = self
            .render_reminder(&rendering(id, task), entity.as_ref())
            .await?;
        Ok(Some(Message {
            automation: task.automation.clone(),
            from: sender_of(entity.as_ref().map(|entity| entity.mail_from.as_str())),
            to: vec![address],
            cc: Vec::new(),
            reply_to: None,
            subject: rendered.subject,
            text: rendered.text,
            template: Some(TemplateUse {
                name: TASK_REMINDER.to_owned(),
                language: rendered.language,
            }),
            attachments: Vec::new(),
            references: Vec::new(),
            at_us: self.context.now_us,
        }))
    }
}

/// A reminder's names: `task`, `title`, `text`, `assignee`, `choices`, and `due` and `expires` if there are any.
pub(crate) fn rendering(id: &str, task: &Task) -> Rendering {
    let choices: Vec<&str> = task.choices.iter().map(|it| it.label.as_str()).collect();
    let mut data = json!({
        "task": id, "title": task.title, "text": task.text, "assignee": task.assignee, "choices": choices,
    });
    for (name, at_us) in [("due", task.due_us), ("expires", task.expires_us)] {
        if let Some(at_us) = at_us {
            data[name] = json!(at_us);
        }
    }
    Rendering {
        template: TASK_REMINDER.to_owned(),
        locale: None,
        data,
    }
}
