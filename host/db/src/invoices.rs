//! What only the commit can decide about invoices: numbers, dates, and whether everything adds up.

use std::{collections::BTreeMap, sync::Arc};

use bursar_domain::{
    aging::{document_entry, payment_entry},
    derive::derive,
    draft::{Change, Issue},
    invoice::{
        Allocation, Invoice, InvoiceState, Payment, Series, is_of_a_series, number_text,
        number_token,
    },
    office::LegalEntity,
    problem::Problem,
    row::{Kind, RowKey},
    settlement::check_settlement,
    time,
};
use jiff::civil::Date;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    committer::Proposal,
    decide::{Finished, WorkingSet},
};

/// Kinds whose bodies the decision looks at.
pub(crate) fn matters(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Invoice | Kind::Payment | Kind::Series | Kind::Entity
    )
}

/// The legal entity that a change of an invoice, payment or allocation belongs to.
pub(crate) fn entity_of(change: &Change) -> Option<RowKey> {
    let body = change.body.as_deref()?;
    match change.key.kind {
        Kind::Invoice | Kind::Payment => body
            .get("legal_entity")?
            .as_str()
            .map(|id| RowKey::of(Kind::Entity, id)),
        _ => None,
    }
}

/// The series that an issue takes its number from, with the issue date.
pub(crate) fn series_of(
    issue: &Issue,
    entity_id: &str,
    entity: &LegalEntity,
    now_us: i64,
) -> Result<(RowKey, Date), Problem> {
    let zone = time::zone(&entity.zone)
        .map_err(|error| Problem::new("unknown-zone", error.to_string()))?;
    let today = time::date_in_zone(now_us, &zone)
        .map_err(|error| Problem::new("clock", error.to_string()))?;
    let date = issue.issue_date.unwrap_or(today);
    let year = entity.fiscal_year(date);
    Ok((
        RowKey::within(Kind::Series, entity_id, &format!("{}-{year}", issue.series)),
        date,
    ))
}

/// Gives numbers, replaces their tokens, and checks what must hold between invoices, payments and allocations.
pub(crate) fn finish(
    set: &WorkingSet,
    proposal: &Proposal,
    now_us: i64,
) -> Result<Finished, Problem> {
    let mut changes: Vec<Change> = proposal.draft.changes().to_vec();
    let mut numbers = BTreeMap::new();
    if changes.iter().any(|change| change.key.kind == Kind::Series) {
        return Err(Problem::new(
            "series-final",
            "only the commit changes a number series",
        ));
    }
    let is_concerned =
        |change: &Change| matters(change.key.kind) || change.key.kind == Kind::Allocation;
    if proposal.draft.issues.is_empty() && !changes.iter().any(is_concerned) {
        return Ok(Finished { changes, numbers });
    }
    for issue in &proposal.draft.issues {
        let number = give_number(set, &mut changes, issue, now_us)?;
        numbers.insert(issue.invoice.to_string(), number);
    }
    replace_tokens(&mut changes, &numbers)?;
    check(set, &changes, &numbers)?;
    Ok(Finished { changes, numbers })
}

fn give_number(
    set: &WorkingSet,
    changes: &mut Vec<Change>,
    issue: &Issue,
    now_us: i64,
) -> Result<String, Problem> {
    let invoice_key = RowKey::of(Kind::Invoice, &issue.invoice);
    let place = changes.iter().position(|change| change.key == invoice_key);
    let change = place
        .and_then(|place| changes.get_mut(place))
        .ok_or_else(|| Problem::new("issue-unknown", "an issued invoice is among the changes"))?;
    let mut invoice: Invoice = decode(&change.key, change.body.as_deref())?;
    if invoice.number.is_some() {
        return Err(Problem::new(
            "issue-twice",
            format!("{} has its number already", change.key),
        ));
    }
    let entity_id = invoice.content.legal_entity.clone();
    let entity: LegalEntity = stored(set, &RowKey::of(Kind::Entity, &entity_id))?
        .ok_or_else(|| Problem::new("unknown-entity", "no such legal entity"))?;
    let (series_key, date) = series_of(issue, &entity_id, &entity, now_us)?;
    let number = |last: i64| number_text(&issue.series, entity.fiscal_year(date), last);
    // An earlier issue of the same proposal has moved the series on already.
    let pending = changes.iter().position(|change| change.key == series_key);
    let current: Option<Series> = match pending.and_then(|place| changes.get(place)) {
        Some(change) => Some(decode(&change.key, change.body.as_deref())?),
        None => stored(set, &series_key)?,
    };
    let series = next(current, date)?;
    let number = number(series.last);
    invoice.issue(number.clone(), date);
    if let Some(change) = place.and_then(|place| changes.get_mut(place)) {
        let body = encode(&change.key, &invoice)?;
        rewrite(change, body)?;
    }
    let previous = set
        .revisions
        .get(&series_key)
        .map_or(0, |(revision, _)| *revision);
    let body = Some(Arc::new(encode(&series_key, &series)?));
    match pending.and_then(|place| changes.get_mut(place)) {
        Some(change) => change.body = body,
        None => changes.push(Change {
            key: series_key,
            previous,
            body,
            index: Vec::new(),
            unique: Vec::new(),
        }),
    }
    Ok(number)
}

fn next(current: Option<Series>, date: Date) -> Result<Series, Problem> {
    match current {
        None => Ok(Series {
            last: 1,
            last_issue_date: date,
        }),
        Some(series) if date < series.last_issue_date => {
            let message = format!(
                "the series' last issue date is {}: {date} is before it",
                series.last_issue_date
            );
            Err(Problem::new("issue-date-before-last", message))
        }
        Some(series) => match series.last.checked_add(1) {
            Some(last) => Ok(Series {
                last,
                last_issue_date: date,
            }),
            None => Err(Problem::new(
                "series-exhausted",
                "the series has no further number",
            )),
        },
    }
}

/// Pending numbers in texts of the same proposal become the numbers.
fn replace_tokens(
    changes: &mut [Change],
    numbers: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    if numbers.is_empty() {
        return Ok(());
    }
    let tokens: Vec<(String, &String)> = numbers
        .iter()
        .map(|(invoice, number)| (number_token(invoice), number))
        .collect();
    let texts = changes
        .iter_mut()
        .filter(|change| matches!(change.key.kind, Kind::Message | Kind::Task | Kind::Payment));
    for change in texts {
        let Some(mut body) = change.body.as_deref().cloned() else {
            continue;
        };
        // Of a payment only the text: its bank reference is the bank's, and unique.
        let texts = match change.key.kind {
            Kind::Payment => body.get_mut("text"),
            _ => Some(&mut body),
        };
        if texts.is_some_and(|texts| replace(texts, &tokens)) {
            rewrite(change, body)?;
        }
    }
    Ok(())
}

/// Whether any token was there.
fn replace(value: &mut Value, tokens: &[(String, &String)]) -> bool {
    let mut found = false;
    match value {
        Value::String(text) => {
            for (token, number) in tokens {
                if text.contains(token.as_str()) {
                    *text = text.replace(token.as_str(), number);
                    found = true;
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                found |= replace(item, tokens);
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                found |= replace(field, tokens);
            }
        }
        _ => {}
    }
    found
}

fn check(
    set: &WorkingSet,
    changes: &[Change],
    numbers: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    let mut invoices = BTreeMap::new();
    let mut payments = BTreeMap::new();
    let mut allocations: Vec<Allocation> = Vec::new();
    for change in changes {
        match change.key.kind {
            Kind::Invoice => {
                let before: Option<Invoice> = stored(set, &change.key)?;
                match &change.body {
                    None if before
                        .as_ref()
                        .is_some_and(|before| before.state != InvoiceState::Draft) =>
                    {
                        return Err(Problem::new(
                            "invoice-final",
                            format!("{} is final", change.key),
                        ));
                    }
                    None => {}
                    Some(body) => {
                        let after: Invoice = decode(&change.key, Some(body))?;
                        check_numbered(&change.key, before.as_ref(), &after, numbers)?;
                        invoices.insert(change.key.id.to_string(), (before, after));
                    }
                }
            }
            Kind::Payment => {
                let after: Payment = decode(&change.key, change.body.as_deref())?;
                payments.insert(
                    change.key.id.to_string(),
                    (stored(set, &change.key)?, after),
                );
            }
            Kind::Allocation if change.previous != 0 => {
                return Err(Problem::new(
                    "allocation-final",
                    format!("{} is final", change.key),
                ));
            }
            Kind::Allocation => allocations.push(decode(&change.key, change.body.as_deref())?),
            _ => {}
        }
    }
    check_settlement(&invoices, &payments, &allocations)?;
    check_lock(set, &invoices, &payments, &allocations)
}

/// Only this module makes an issued invoice, so an issued one has a number (INV-2).
fn check_numbered(
    key: &RowKey,
    before: Option<&Invoice>,
    after: &Invoice,
    numbers: &BTreeMap<String, String>,
) -> Result<(), Problem> {
    let was_issued = before.is_some_and(|before| before.state == InvoiceState::Issued);
    let is_issued = after.state == InvoiceState::Issued;
    let is_foreign = after
        .number
        .as_deref()
        .is_some_and(|number| !is_of_a_series(number));
    let is_external = after.is_external && before.is_none() && is_foreign;
    if is_issued && !was_issued && !is_external && numbers.get(&*key.id) != after.number.as_ref() {
        return Err(Problem::new(
            "number-by-hand",
            format!("{key} has a number that the commit did not give"),
        ));
    }
    if is_issued && (after.number.is_none() || after.issue_date.is_none()) {
        return Err(Problem::new(
            "issue-without-number",
            format!("{key} is issued without a number"),
        ));
    }
    if !was_issued && !is_issued && after.number.is_some() {
        return Err(Problem::new(
            "number-without-issue",
            format!("{key} has a number without being issued"),
        ));
    }
    Ok(())
}

/// INV-10: nothing is posted on or before the lock date, and nothing that was is changed or taken away.
///
/// What is owed as of a day is the sum of the ledger's entries until then. So the one rule is that no entry begins, ends or
/// becomes another that counts from a locked day: whatever is issued, taken in, approved, rejected, paid, reversed or set
/// against something.
fn check_lock(
    set: &WorkingSet,
    invoices: &BTreeMap<String, (Option<Invoice>, Invoice)>,
    payments: &BTreeMap<String, (Option<Payment>, Payment)>,
    allocations: &[Allocation],
) -> Result<(), Problem> {
    let locked = |entity: &str, date: Date| -> Result<(), Problem> {
        let entity: Option<LegalEntity> = stored(set, &RowKey::of(Kind::Entity, entity))?;
        match entity.and_then(|entity| entity.lock_date) {
            Some(lock) if date <= lock => Err(Problem::new(
                "period-locked",
                format!("{date} is not after the lock date {lock}"),
            )),
            _ => Ok(()),
        }
    };
    for (before, after) in invoices.values() {
        let (was, is) = (
            before.as_ref().and_then(document_entry),
            document_entry(after),
        );
        let counts_from = before.as_ref().map(Invoice::counts_from);
        if was != is {
            let entity = &after.content.legal_entity;
            was.and(counts_from)
                .map_or(Ok(()), |date| locked(entity, date))?;
            is.map_or(Ok(()), |_| locked(entity, after.counts_from()))?;
        }
    }
    for (before, after) in payments.values() {
        if before.as_ref().map(payment_entry) != Some(payment_entry(after)) {
            for payment in before.iter().chain([after]) {
                locked(&payment.legal_entity, payment.value_date)?;
            }
        }
    }
    // An allocation counts no earlier than what it is about.
    for allocation in allocations {
        if let Some((_, invoice)) = invoices.get(&allocation.invoice) {
            locked(&invoice.content.legal_entity, allocation.date)?;
        }
    }
    Ok(())
}

fn stored<T: DeserializeOwned>(set: &WorkingSet, key: &RowKey) -> Result<Option<T>, Problem> {
    set.bodies
        .get(key)
        .map(|body| decode(key, Some(body)))
        .transpose()
}

fn decode<T: DeserializeOwned>(key: &RowKey, body: Option<&Value>) -> Result<T, Problem> {
    let body = body.ok_or_else(|| Problem::new("final", format!("{key} cannot be removed")))?;
    T::deserialize(body).map_err(|error| Problem::new("malformed", format!("{key}: {error}")))
}

fn encode<T: Serialize>(key: &RowKey, value: &T) -> Result<Value, Problem> {
    serde_json::to_value(value)
        .map_err(|error| Problem::new("malformed", format!("{key}: {error}")))
}

/// Puts another body in place, with what follows from it.
fn rewrite(change: &mut Change, body: Value) -> Result<(), Problem> {
    let derived = derive(&change.key, &body, None).map_err(|problems| {
        problems
            .into_iter()
            .next()
            .unwrap_or_else(|| Problem::new("malformed", change.key.to_string()))
    })?;
    change.body = Some(Arc::new(body));
    change.index = derived.index;
    change.unique = derived.unique;
    Ok(())
}
