//! The rows that files, searches and tables here are made of: orders, as a shop's export has them.

use std::fmt::Write;

use bursar_domain::office::Collection;
use serde_json::{Value, json};

use crate::Fault;

/// Rows of a file.
pub const ROWS: usize = 100_000;
/// Each customer has as many orders as a search gives.
pub const CUSTOMERS: usize = ROWS / 50;
/// The collection that they go to.
pub const COLLECTION: &str = "orders";
/// Each is a text; the first is unique.
pub const COLUMNS: [&str; 8] = [
    "number", "customer", "day", "amount", "currency", "city", "mail", "notes",
];

/// So that neighbours in the file are neighbours nowhere else.
const SPREAD: usize = 7919;

pub fn number(place: usize) -> String {
    format!("SO-2026-{place:07}")
}

pub fn customer(place: usize) -> String {
    format!("C{:05}", place * SPREAD % CUSTOMERS)
}

/// Some day of three years.
pub fn day(place: usize) -> String {
    let day = place * SPREAD % 1008;
    format!(
        "{}-{:02}-{:02}",
        2023 + day / 336,
        day / 28 % 12 + 1,
        day % 28 + 1
    )
}

/// A table of comma-separated values with a header, without quotes.
pub fn table() -> String {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    for place in 0..ROWS {
        let (number, customer, day) = (number(place), customer(place), day(place));
        let (whole, cents) = (place * SPREAD % 4000, place % 100);
        writeln!(
            text,
            "{number},{customer},{day},{whole}.{cents:02},EUR,Wiener Neustadt,{customer}@customer.example,Deliveries go to \
             the back entrance in the yard between eight and eleven o'clock"
        )
        .expect("a String takes any text");
    }
    text
}

/// What is asked of such a row.
pub fn definition(indexed: &[&str]) -> Result<Collection, Fault> {
    let fields = indexed
        .iter()
        .map(|name| json!({"name": name, "type": "text"}));
    let definition = json!({
        "schema": {
            "type": "object",
            "required": ["number", "customer", "day", "amount", "currency"],
            "properties": {
                "number": {"type": "string", "minLength": 1, "maxLength": 40},
                "customer": {"type": "string", "pattern": "^C[0-9]{5}$"},
                "day": {"type": "string", "format": "date"},
                "amount": {"type": "string", "pattern": "^-?[0-9]{1,12}(\\.[0-9]{1,2})?$"},
                "currency": {"type": "string", "minLength": 3, "maxLength": 3},
                "city": {"type": "string", "maxLength": 200},
                "mail": {"type": "string", "format": "email"},
                "notes": {"type": "string", "maxLength": 2000},
            },
        },
        "indexed": fields.collect::<Value>(),
        "unique": ["number"],
    });
    Ok(serde_json::from_value(definition)?)
}
