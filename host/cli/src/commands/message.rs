//! `bursar message`: outgoing mail.

use std::fmt::Write as _;

use bursar_db::MessageRecord;

use crate::{
    arguments::{self, Message},
    client::{Client, part},
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Message) -> Result<(), Failure> {
    match command {
        Message::List {
            automation,
            state,
            limit,
        } => {
            let state = state.map(|state| match state {
                arguments::MessageState::Waiting => "waiting",
                arguments::MessageState::Sending => "sending",
                arguments::MessageState::Sent => "sent",
                arguments::MessageState::Failed => "failed",
            });
            let parameters = [
                ("automation", automation),
                ("state", state.map(str::to_owned)),
            ];
            let (messages, _) = client
                .pages::<MessageRecord>("/v1/messages", &parameters, limit)
                .await?;
            print(style, &messages, |messages| {
                table(
                    &["id", "automation", "state", "to", "subject"],
                    &messages.iter().map(row).collect::<Vec<_>>(),
                )
            })
        }
        Message::Show { id } => {
            let message: MessageRecord = client.get(&format!("/v1/messages/{}", part(&id))).await?;
            print(style, &message, describe)
        }
    }
}

fn word(message: &MessageRecord) -> String {
    let state = serde_json::to_value(message.state).unwrap_or_default();
    state.as_str().unwrap_or_default().to_owned()
}

fn row(message: &MessageRecord) -> Vec<String> {
    let (to, subject) = message.message.as_ref().map_or_else(
        || (String::new(), "(cannot be read)".to_owned()),
        |mail| (mail.to.join(", "), mail.subject.clone()),
    );
    vec![
        message.id.clone(),
        message.automation.clone(),
        word(message),
        to,
        subject,
    ]
}

fn describe(message: &MessageRecord) -> String {
    let mut text = format!(
        "message     {}\nautomation  {}\nstate       {}\ntries       {}\ncommit      {}\n",
        message.id,
        message.automation,
        word(message),
        message.attempts,
        message.seq
    );
    for (name, words) in [
        ("error", &message.error),
        ("unreadable", &message.unreadable),
    ] {
        if let Some(words) = words {
            let _ = writeln!(text, "{name:<11} {words}");
        }
    }
    if let Some(mail) = &message.message {
        let _ = write!(
            text,
            "\nFrom: {}\nTo: {}\nSubject: {}\n\n{}\n",
            mail.from,
            mail.to.join(", "),
            mail.subject,
            mail.text
        );
    }
    text
}
