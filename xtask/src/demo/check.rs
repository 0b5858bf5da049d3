//! Compares what the books show after a run with what `expected.json` says of every entry.
//!
//! Two things must agree for each entry: the outcome that the run's log names, and what the books hold: the payment
//! recorded, what it settled, what was written off, what was taken back, and the question to a person. Knows the JSON of
//! `bursar` and of the demo's files, nothing else.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// What `expected.json` says of one entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub bank_reference: String,
    pub outcome: String,
    pub invoices: Vec<Settled>,
    pub write_offs: Vec<Settled>,
    pub task: bool,
    pub payment: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    pub number: String,
    pub amount: String,
    #[serde(default)]
    pub reason: String,
}

/// The rows that matter, by id.
#[derive(Clone, Default)]
pub struct Books {
    pub payments: BTreeMap<String, Value>,
    pub allocations: BTreeMap<String, Value>,
    pub tasks: BTreeMap<String, Value>,
    pub invoices: BTreeMap<String, Value>,
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn amount(value: &Value, pointer: &str) -> String {
    format!(
        "{} {}",
        text(value, &format!("{pointer}/amount")),
        text(value, &format!("{pointer}/currency"))
    )
}

impl Books {
    /// What is in these books and was not in the earlier ones.
    pub fn since(&self, before: &Self) -> Self {
        let new = |now: &BTreeMap<String, Value>, then: &BTreeMap<String, Value>| {
            now.iter()
                .filter(|(id, _)| !then.contains_key(*id))
                .map(|(id, row)| (id.clone(), row.clone()))
                .collect()
        };
        Self {
            payments: new(&self.payments, &before.payments),
            allocations: new(&self.allocations, &before.allocations),
            tasks: new(&self.tasks, &before.tasks),
            invoices: self.invoices.clone(),
        }
    }

    /// How many invoices got money.
    pub fn invoices_settled(&self) -> usize {
        let paid = self
            .allocations
            .values()
            .filter(|row| !text(row, "/amount/amount").starts_with('-'));
        paid.map(|row| text(row, "/invoice"))
            .collect::<BTreeSet<_>>()
            .len()
    }

    fn number(&self, invoice: &str) -> String {
        self.invoices
            .get(invoice)
            .map(|row| text(row, "/number").to_owned())
            .unwrap_or_default()
    }

    fn settled<'a>(&'a self, of: impl Fn(&Value) -> bool + 'a) -> Vec<Settled> {
        let rows = self.allocations.values().filter(|row| of(row));
        let mut settled: Vec<Settled> = rows
            .map(|row| Settled {
                number: self.number(text(row, "/invoice")),
                amount: amount(row, "/amount"),
                reason: text(row, "/reason").to_owned(),
            })
            .collect();
        settled.sort();
        settled
    }
}

/// The entries that did not end as expected, with what is wrong; `lines` is the run's log.
pub fn differences(expected: &[Expected], lines: &Value, new: &Books) -> Result<Vec<String>> {
    let said = outcomes(lines).context("the run's log cannot be read")?;
    let mut found = Vec::new();
    for (place, entry) in expected.iter().enumerate() {
        let mut wrong = Vec::new();
        let said = said
            .get(place)
            .map(|(reference, outcome)| (reference.as_str(), outcome.as_str()));
        if said != Some((entry.bank_reference.as_str(), entry.outcome.as_str())) {
            wrong.push(format!("the log says {said:?}"));
        }
        wrong.extend(booked(entry, expected, new));
        if !wrong.is_empty() {
            found.push(format!(
                "{} should be {}: {}",
                entry.bank_reference,
                entry.outcome,
                wrong.join("; ")
            ));
        }
    }
    if said.len() != expected.len() {
        found.push(format!(
            "the log names {} entries, {} were expected",
            said.len(),
            expected.len()
        ));
    }
    Ok(found)
}

/// What the books hold of an entry that they should not, or do not and should.
fn booked(entry: &Expected, all: &[Expected], new: &Books) -> Vec<String> {
    let mut wrong = Vec::new();
    let of_entry =
        |row: &&(&String, &Value)| text(row.1, "/bank_reference") == entry.bank_reference;
    let rows: Vec<(&String, &Value)> = new.payments.iter().collect();
    let payments: Vec<_> = rows.iter().filter(of_entry).collect();
    // A repeated entry shares its reference with the one that is booked.
    let wanted: Vec<&String> = all
        .iter()
        .filter(|other| other.bank_reference == entry.bank_reference)
        .filter_map(|other| other.payment.as_ref())
        .collect();
    let got: Vec<String> = payments
        .iter()
        .map(|(_, row)| amount(row, "/amount"))
        .collect();
    if got.iter().ne(wanted.iter().copied()) {
        wrong.push(format!("payments {got:?}"));
    }
    if entry.payment.is_some() {
        let ids: BTreeSet<&str> = payments.iter().map(|(id, _)| id.as_str()).collect();
        let settled = new.settled(|row| {
            ids.contains(text(row, "/source")) && !text(row, "/amount/amount").starts_with('-')
        });
        let mut expected = entry.invoices.clone();
        expected.sort();
        if settled
            .iter()
            .map(|s| (&s.number, &s.amount))
            .ne(expected.iter().map(|s| (&s.number, &s.amount)))
        {
            wrong.push(format!("it settled {settled:?}"));
        }
    }
    let write_offs = new.settled(|row| text(row, "/settlement") == "write-off");
    let missing = entry
        .write_offs
        .iter()
        .filter(|wanted| !write_offs.contains(wanted));
    wrong.extend(missing.map(|wanted| format!("the write-off {wanted:?} is missing")));
    let reversals = new
        .payments
        .values()
        .filter(|row| !text(row, "/reverses").is_empty());
    let returned = reversals
        .filter(|row| text(row, "/text").contains(&entry.bank_reference))
        .count();
    if returned != usize::from(entry.outcome == "returned") {
        wrong.push(format!("{returned} payments were taken back"));
    }
    let asked = new
        .tasks
        .values()
        .filter(|row| text(row, "/memo/bank_reference") == entry.bank_reference)
        .count();
    let asking = all
        .iter()
        .filter(|other| other.bank_reference == entry.bank_reference && other.task)
        .count();
    if asked != asking {
        wrong.push(format!("{asked} tasks"));
    }
    wrong
}

/// Bank reference and outcome of every entry that the run's log names, in its order.
fn outcomes(lines: &Value) -> Option<Vec<(String, String)>> {
    let field = |line: &Value, name: &str| -> Option<String> {
        let fields = line.get("fields")?.as_array()?;
        let pair = fields
            .iter()
            .find(|pair| pair.get(0).and_then(Value::as_str) == Some(name))?;
        Some(pair.get(1)?.as_str()?.to_owned())
    };
    let lines = lines.as_array()?;
    Some(
        lines
            .iter()
            .filter_map(|line| Some((field(line, "bank_reference")?, field(line, "outcome")?)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Expected {
        let settled = Settled {
            number: "INV-1".to_owned(),
            amount: "10.00 EUR".to_owned(),
            reason: String::new(),
        };
        Expected {
            bank_reference: "B1".to_owned(),
            outcome: "matched".to_owned(),
            invoices: vec![settled],
            write_offs: Vec::new(),
            task: false,
            payment: Some("10.00 EUR".to_owned()),
        }
    }

    fn books() -> Books {
        let money = json!({"amount": "10.00", "currency": "EUR"});
        let mut books = Books::default();
        books
            .invoices
            .insert("i".to_owned(), json!({"number": "INV-1"}));
        books.payments.insert(
            "p".to_owned(),
            json!({"bank_reference": "B1", "amount": money}),
        );
        books.allocations.insert(
            "a".to_owned(),
            json!({"source": "p", "invoice": "i", "amount": money, "settlement": "payment"}),
        );
        books
    }

    fn log(outcome: &str) -> Value {
        json!([{"level": "info", "message": "m", "fields": [["bank_reference", "B1"], ["outcome", outcome]]}])
    }

    #[test]
    fn an_entry_that_ended_as_expected_is_no_difference() {
        let found = differences(&[entry()], &log("matched"), &books()).expect("a log");
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn log_and_books_must_both_agree() {
        let check = |log: &Value, books: &Books, part: &str| {
            let found = differences(&[entry()], log, books).expect("a log");
            assert!(
                found.iter().any(|words| words.contains(part)),
                "{part}: {found:?}"
            );
        };
        check(&log("part"), &books(), "the log says");
        check(&json!([]), &books(), "the log names 0 entries");
        check(&log("matched"), &Books::default(), "payments []");
        let mut elsewhere = books();
        elsewhere
            .invoices
            .insert("i".to_owned(), json!({"number": "INV-2"}));
        check(&log("matched"), &elsewhere, "it settled");
        let mut asked = books();
        asked
            .tasks
            .insert("t".to_owned(), json!({"memo": {"bank_reference": "B1"}}));
        check(&log("matched"), &asked, "1 tasks");
    }
}
