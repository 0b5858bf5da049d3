//! `bursar vectors`: vectors made by others, from stdin through the rules to stdout.

use std::{fs::File, io::Read, path::Path};

use bursar_domain::vectors;
use serde_json::Value;

use crate::{
    arguments::Vectors,
    failure::Failure,
    output::{Style, print},
};

/// Most bytes of a file of vectors, and of one of holidays.
const VECTORS_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub fn answer(subject: &Vectors) -> Result<(), Failure> {
    let cases = read(std::io::stdin().lock(), "stdin")?;
    let answered = match subject {
        Vectors::Rrule => vectors::rrule(cases),
        Vectors::LocalToUtc => vectors::local_to_utc(cases),
        Vectors::BusinessDays { holidays } => vectors::business_days(cases, &read_file(holidays)?),
        Vectors::Rounding => vectors::rounding(cases),
        Vectors::InvoiceTotals => vectors::invoice_totals(cases),
    };
    let answered = answered.map_err(|error| Failure::user(error.to_string()))?;
    // Vectors are JSON, whatever people want to see otherwise.
    print(Style::Json, &answered, Value::to_string)
}

fn read_file(path: &Path) -> Result<Value, Failure> {
    let name = path.display().to_string();
    let file = File::open(path)
        .map_err(|error| Failure::user(format!("cannot read {name}")).because(error))?;
    read(file, &name)
}

fn read(source: impl Read, name: &str) -> Result<Value, Failure> {
    let mut text = String::new();
    source
        .take(VECTORS_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::user(format!("cannot read {name}")).because(error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::user(format!("{name} is not JSON")).because(error))
}
