//! Adds one to a counter; if asked, issues an invoice and sends a mail that names its number.

use bursar_sdk::{
    Failure, Plugin, Problem, Run, Summary, invoices_write,
    messages::{self, NewMail},
    records, records_write,
    rows::{Flow, InvoiceContent, InvoiceHead, InvoiceKind, InvoiceLine, Tax},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    /// A record of the collection `counters`.
    counter: String,
    #[serde(default)]
    invoice: bool,
    /// Whom the invoice is for.
    party: Option<String>,
    /// Where the mail goes.
    mail: Option<String>,
}

#[derive(Deserialize)]
struct Counter {
    value: i64,
}

struct Count;

impl Plugin for Count {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let input: Input = run
            .input()?
            .ok_or_else(|| Problem::new("no-input", "a counter is needed"))?;
        let row = records::get("counters", &input.counter)?;
        let value = row.read::<Counter>()?.value + 1;
        let merge = format!(r#"{{"value":{value}}}"#);
        records_write::patch("counters", &row.id, Some(&row.revision), &merge)?;
        let head = if input.invoice {
            Some(issue(run, input.party)?)
        } else {
            None
        };
        if let Some(address) = input.mail {
            let number = head.map_or_else(|| "none".to_owned(), |head| head.number_text);
            send(run, address, &number)?;
        }
        Ok(Summary::new(format!("counted to {value}")).count("counted", 1))
    }
}

fn issue(run: &Run, party: Option<String>) -> Result<InvoiceHead, Failure> {
    let party = party.ok_or_else(|| Problem::new("no-party", "an invoice needs a party"))?;
    let line = InvoiceLine {
        description: "Counting".into(),
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
        party,
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
    Ok(invoices_write::issue(
        &draft.id,
        &draft.revision,
        None,
        None,
    )?)
}

fn send(run: &Run, address: String, number: &str) -> Result<(), Failure> {
    let mail = NewMail {
        to: vec![address],
        cc: vec![],
        reply_to: None,
        subject: format!("Invoice {number}"),
        text: format!("Dear customer,\n\nplease find invoice {number} in your inbox.\n"),
    };
    messages::mail(&run.event.id, &mail)?;
    Ok(())
}

bursar_sdk::plugin!(Count);
