//! Between the contract's types and the domain's. Everything a guest sends is checked here or in the office.
//!
//! What cannot be read is `invalid`, with a pointer to where it stands; nothing here traps.

use std::sync::Arc;

use bursar_domain::{
    canonical, draft::Direction, index::Comparison, money, office, problem::Problem,
};
use bursar_office::{Error, Listed, Order, Paging, Test, View, input};
use serde_json::Value;

use crate::{
    contract::bursar::office::{rows, types},
    ending::{Fault, HostTrouble, LimitReached},
};

mod calendars;
mod invoices;
mod ledger;
mod work;

pub use calendars::{entry, entry_content, occurrence, slots_asked, whose, window, windows};
use invoices::flow_of;
pub use invoices::{
    head, invoice, invoice_content, line_credits, new_payment, parts, payment, state_of,
};
pub use ledger::{accounts, aged, balances, buckets};
pub use work::{document, new_letter, new_mail, new_task, task, terms};

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Guest(match error {
            Error::NotFound(what) => types::Error::NotFound(problem(what)),
            Error::Conflict(what) => types::Error::Conflict(problem(what)),
            Error::Denied(what) => types::Error::Denied(problem(what)),
            Error::Limit(what) => types::Error::Limit(problem(what)),
            Error::Invalid(problems) => {
                types::Error::Invalid(problems.into_iter().map(problem).collect())
            }
            Error::Exhausted {
                limit,
                allowed,
                used,
            } => {
                return LimitReached {
                    limit,
                    allowed,
                    used,
                }
                .into();
            }
            trouble => return Self::End(wasmtime::Error::new(HostTrouble::Office(trouble))),
        })
    }
}

impl From<Problem> for Fault {
    /// A problem alone is a fault of the input.
    fn from(one: Problem) -> Self {
        Self::Guest(types::Error::Invalid(vec![problem(one)]))
    }
}

/// A fault whose pointers name members with hyphens, as the contract does.
pub fn hyphenated(error: Error) -> Fault {
    match error {
        Error::Invalid(mut problems) => {
            for problem in &mut problems {
                problem.pointer = problem.pointer.replace('_', "-");
            }
            Error::Invalid(problems).into()
        }
        other => other.into(),
    }
}

fn problem(problem: Problem) -> types::Problem {
    types::Problem {
        code: problem.code,
        pointer: problem.pointer,
        message: problem.message,
    }
}

/// An actor; their id is the name that the log has for them.
pub fn actor(actor: &office::Actor) -> types::Actor {
    types::Actor {
        kind: actor.kind.clone(),
        id: actor.id.clone(),
        name: actor.id.clone(),
    }
}

/// Canonical text of a stored value.
pub fn json(value: &Value) -> Result<String, Fault> {
    canonical::to_text(value).map_err(|error| {
        Fault::End(wasmtime::Error::new(HostTrouble::Office(Error::Broken(
            error.to_string(),
        ))))
    })
}

/// An amount.
pub fn money(amount: money::Money) -> types::Money {
    types::Money {
        minor: amount.minor,
        currency: amount.currency.code().to_owned(),
    }
}

/// A record.
pub fn row(collection: &str, view: View<Arc<Value>>) -> Result<rows::Row, Fault> {
    Ok(rows::Row {
        id: view.id.to_string(),
        collection: collection.to_owned(),
        revision: view.revision,
        created: view.created_us,
        updated: view.updated_us,
        body: json(&view.body)?,
        redacted: view.redacted,
    })
}

/// Each row of a page, and where the next page begins.
pub fn page<T, R>(
    listed: Listed<T>,
    convert: impl FnMut(View<T>) -> Result<R, Fault>,
) -> Result<(Vec<R>, Option<String>), Fault> {
    Ok((
        listed
            .items
            .into_iter()
            .map(convert)
            .collect::<Result<_, _>>()?,
        listed.next,
    ))
}

/// The part of a listing that the guest asks for.
pub fn paging(page: types::Page) -> Paging {
    Paging {
        limit: page.limit,
        after: page.after,
    }
}

/// Conditions with their values read; every unreadable value is listed.
pub fn tests(conditions: Vec<types::Condition>) -> Result<Vec<Test>, Fault> {
    let mut problems = Vec::new();
    let mut tests = Vec::new();
    for (place, condition) in conditions.into_iter().enumerate() {
        let mut values = Vec::new();
        for (value_place, value) in condition.values.iter().enumerate() {
            match input::json(&format!("/conditions/{place}/values/{value_place}"), value) {
                Ok(value) => values.push(value),
                Err(error) => problems.push(error),
            }
        }
        tests.push(Test {
            field: condition.field,
            comparison: comparison(condition.comparison),
            values,
        });
    }
    if problems.is_empty() {
        Ok(tests)
    } else {
        Err(Error::Invalid(problems).into())
    }
}

/// What a listing is sorted by.
pub fn orders(orders: Vec<types::Order>) -> Vec<Order> {
    let direction = |direction| match direction {
        types::Direction::Ascending => Direction::Ascending,
        types::Direction::Descending => Direction::Descending,
    };
    orders
        .into_iter()
        .map(|order| Order {
            field: order.field,
            direction: direction(order.direction),
        })
        .collect()
}

fn comparison(comparison: types::Comparison) -> Comparison {
    match comparison {
        types::Comparison::Equal => Comparison::Equal,
        types::Comparison::NotEqual => Comparison::NotEqual,
        types::Comparison::Less => Comparison::Less,
        types::Comparison::LessOrEqual => Comparison::LessOrEqual,
        types::Comparison::Greater => Comparison::Greater,
        types::Comparison::GreaterOrEqual => Comparison::GreaterOrEqual,
        types::Comparison::OneOf => Comparison::OneOf,
        types::Comparison::StartsWith => Comparison::StartsWith,
        types::Comparison::Missing => Comparison::Missing,
        types::Comparison::Present => Comparison::Present,
    }
}
