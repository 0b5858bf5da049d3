//! Writes wherever a plugin can write, one step after the other, and ends after the step and in the way that its input
//! names.

use bursar_sdk::{
    Failure, Plugin, Problem, Run, Summary, clock, invoices_write,
    messages::{self, NewMail},
    records_write,
    rows::{Flow, InvoiceContent, InvoiceKind, InvoiceLine, Tax},
    state,
    tasks::{self, Choice, NewTask},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    /// How many of the steps are taken.
    steps: usize,
    end: End,
    /// A record of the collection `counters`.
    counter: String,
    /// Whom the invoice is for.
    party: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    Success,
    Permanent,
    Trap,
    Memory,
    Calls,
    Messages,
}

type Step = fn(&Run, &Input) -> Result<(), Failure>;

const STEPS: [Step; 7] = [create, patch, mail, ask, keep, issue, mail_again];

struct Halfway;

impl Plugin for Halfway {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let input: Input = run
            .input()?
            .ok_or_else(|| Problem::new("no-input", "an end is needed"))?;
        for step in STEPS.iter().take(input.steps) {
            step(run, &input)?;
        }
        end(run, input.end)?;
        Ok(Summary::new("all of it"))
    }
}

fn end(run: &Run, end: End) -> Result<(), Failure> {
    match end {
        End::Success => Ok(()),
        End::Permanent => Err(Problem::new("no-luck", "not today").into()),
        End::Trap => {
            assert!(run.event.id.is_empty(), "this end is a trap");
            Ok(())
        }
        End::Memory => {
            let eaten = std::hint::black_box(vec![1_u8; 1 << 30]);
            Err(Problem::new("not-hungry", eaten.len().to_string()).into())
        }
        End::Calls => loop {
            std::hint::black_box(clock::now());
        },
        End::Messages => {
            for place in 0..1_000 {
                send(&format!("{}/more/{place}", run.event.id), "none")?;
            }
            Err(Problem::new("not-talkative", "no limit was reached").into())
        }
    }
}

fn create(run: &Run, _: &Input) -> Result<(), Failure> {
    records_write::create("counters", &run.event.id, r#"{"value":1000}"#)?;
    Ok(())
}

fn patch(_: &Run, input: &Input) -> Result<(), Failure> {
    records_write::patch("counters", &input.counter, None, r#"{"value":7}"#)?;
    Ok(())
}

fn mail(run: &Run, _: &Input) -> Result<(), Failure> {
    send(&run.event.id, "none")
}

fn send(key: &str, number: &str) -> Result<(), Failure> {
    let mail = NewMail {
        to: vec!["customer@example.com".into()],
        cc: vec![],
        reply_to: None,
        subject: format!("Invoice {number}"),
        text: format!("Invoice {number}\n"),
    };
    messages::mail(key, &mail)?;
    Ok(())
}

fn ask(run: &Run, input: &Input) -> Result<(), Failure> {
    let task = NewTask {
        assignee: "role:clerk".into(),
        title: "Is this right?".into(),
        text: "Please look.".into(),
        choices: vec![Choice {
            value: "yes".into(),
            label: "Yes".into(),
            needs_note: false,
        }],
        due: None,
        subjects: vec![format!("counters/{}", input.counter)],
        memo: "{}".into(),
    };
    tasks::create(&run.event.id, &task)?;
    Ok(())
}

fn keep(run: &Run, _: &Input) -> Result<(), Failure> {
    state::save("last", &run.event.id)
}

fn issue(run: &Run, input: &Input) -> Result<(), Failure> {
    let line = InvoiceLine {
        description: "Trying".into(),
        quantity: "1".into(),
        unit: "C62".into(),
        unit_price: "10.00".into(),
        tax: Tax {
            category: "S".into(),
            rate: "20".into(),
        },
        adjustments: vec![],
        extra: "{}".into(),
    };
    let content = InvoiceContent {
        flow: Flow::Receivable,
        kind: InvoiceKind::Invoice,
        legal_entity: run.context.legal_entity.clone(),
        party: input.party.clone(),
        currency: "EUR".into(),
        supply_date: None,
        due_date: None,
        lines: vec![line],
        adjustments: vec![],
        supplier_number: None,
        corrects: None,
        extra: "{}".into(),
    };
    let draft = invoices_write::draft(&run.event.id, &content)?;
    let head = invoices_write::issue(&draft.id, &draft.revision, None, None)?;
    send(&format!("{}/invoice", run.event.id), &head.number_text)
}

fn mail_again(run: &Run, input: &Input) -> Result<(), Failure> {
    // The same key and input: nothing more is sent.
    mail(run, input)
}

bursar_sdk::plugin!(Halfway);
