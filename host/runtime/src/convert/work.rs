//! Documents, mail and tasks.

use bursar_domain::office::{Answer, Choice, Document, Task};
use bursar_office::{
    View, input,
    messages::{Content, NewLetter, NewMail},
    tasks::{NewTask, Terms},
    templates::Rendering,
};

use super::{actor, json};
use crate::{
    contract::bursar::office::{messages, rows, tasks},
    ending::Fault,
};

/// A document's description.
pub fn document(view: View<Document>) -> rows::Document {
    rows::Document {
        id: view.id.to_string(),
        revision: view.revision,
        folder: view.body.folder,
        name: view.body.name,
        media_type: view.body.media_type,
        bytes: view.body.bytes,
        sha256: view.body.sha256,
        created: view.created_us,
    }
}

/// A mail to send.
pub fn new_mail(mail: messages::NewMail) -> NewMail {
    NewMail {
        to: mail.to,
        cc: mail.cc,
        reply_to: mail.reply_to,
        subject: mail.subject,
        text: mail.text,
    }
}

/// A mail with a template, attachments or a thread.
pub fn new_letter(letter: messages::Letter) -> Result<NewLetter, Fault> {
    let content = match letter.content {
        messages::Content::Plain(plain) => Content::Plain {
            subject: plain.subject,
            text: plain.text,
        },
        messages::Content::Template(it) => Content::Template(Rendering {
            template: it.template,
            locale: it.locale,
            data: input::json("/content/data", &it.data)?,
        }),
    };
    Ok(NewLetter {
        to: letter.to,
        cc: letter.cc,
        reply_to: letter.reply_to,
        content,
        attachments: letter.attachments,
        follows: letter.follows,
    })
}

/// When a task is told of again, and when it ends.
pub fn terms(terms: tasks::Terms) -> Terms {
    Terms {
        reminders_us: terms.reminders,
        expires_us: terms.expires,
    }
}

/// A question to ask.
pub fn new_task(task: tasks::NewTask) -> Result<NewTask, Fault> {
    let choice = |choice: tasks::Choice| Choice {
        value: choice.value,
        label: choice.label,
        needs_note: choice.needs_note,
    };
    Ok(NewTask {
        assignee: task.assignee,
        title: task.title,
        text: task.text,
        choices: task.choices.into_iter().map(choice).collect(),
        due_us: task.due,
        subjects: task.subjects,
        memo: input::json("/memo", &task.memo)?,
    })
}

/// A question that was asked.
pub fn task(view: View<Task>) -> Result<rows::Task, Fault> {
    let answer = |answer: Answer| rows::Answer {
        choice: answer.choice,
        note: answer.note,
        by: actor(&answer.by),
        at: answer.at_us,
    };
    Ok(rows::Task {
        id: view.id.to_string(),
        key: view.body.key,
        title: view.body.title,
        is_closed: view.body.is_closed,
        answer: view.body.answer.map(answer),
        memo: json(&view.body.memo)?,
    })
}
