//! A word for each function of the contract, and for the comforts of the SDK that page, read or reckon.

use bursar_sdk::rows::{Entry, InvoiceHead, Payment, Row};
use bursar_sdk::types::{DateWindow, Error};
use bursar_sdk::{
    Money, calendars, calendars_write, clock, documents, invoices, invoices_write, ledger, log,
    messages, random, records, records_write, schedules, state, tasks,
};
use serde_json::{Value, json};

use crate::answers::{
    self, document, entry, head, invoice, occurrence, page, payment, row, task, windows,
};
use crate::arguments::Arguments;
use crate::{Ended, malformed};

/// Makes one call. Words are those of the contract, arguments those of its functions.
pub fn make(word: &str, call: &Arguments) -> Result<Value, Ended> {
    let (interface, function) = word.split_once('.').unwrap_or((word, ""));
    let made = match interface {
        "clock" => in_clock(function, call)?,
        "random" => in_random(function, call)?,
        "log" => in_log(function, call)?,
        "records" => in_records(function, call)?,
        "records-write" => in_records_write(function, call)?,
        "invoices" => in_invoices(function, call)?,
        "invoices-write" => in_invoices_write(function, call)?,
        "calendars" => in_calendars(function, call)?,
        "calendars-write" => in_calendars_write(function, call)?,
        "ledger" => in_ledger(function, call)?,
        "documents" => in_documents(function, call)?,
        "messages" | "tasks" => in_work(word, call)?,
        "state" => in_state(function, call)?,
        "schedules" => in_schedules(function, call)?,
        "money" => in_money(function, call),
        _ => None,
    };
    made.ok_or_else(|| malformed(&format!("no function is called {word:?}")).into())
}

/// The answer, if the interface has such a function.
type Made = Result<Option<Value>, Ended>;

fn in_clock(function: &str, call: &Arguments) -> Made {
    Ok(Some(match function {
        "now" => json!(clock::now()),
        "today" => json!(clock::today()),
        "to-local" => json!(clock::to_local(call.number("at")?, call.text("zone")?)?),
        "to-instant" => json!(clock::to_instant(call.text("local")?, call.text("zone")?)?),
        _ => return Ok(None),
    }))
}

/// Languages hold different parts of a 64-bit number exactly; what all of them can say is whether it is another one.
fn in_random(function: &str, call: &Arguments) -> Made {
    Ok(Some(match function {
        "number" => json!({"is_another": random::number() != random::number()}),
        "bytes" => json!(random::bytes(call.number("length")?)),
        _ => return Ok(None),
    }))
}

fn in_log(function: &str, call: &Arguments) -> Made {
    let fields = call.find_object("fields").into_iter().flatten();
    let fields: Vec<(&str, &str)> = fields
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let message = call.text("message")?;
    match (function, call.text("level")?) {
        ("write", "debug") => log::debug(message, &fields),
        ("write", "info") => log::info(message, &fields),
        ("write", "warn") => log::warn(message, &fields),
        ("write", "error") => log::error(message, &fields),
        _ => return Ok(None),
    }
    Ok(Some(Value::Null))
}

fn in_records(function: &str, call: &Arguments) -> Made {
    let collection = call.text("collection")?;
    let query = || -> Result<records::Query, Ended> {
        Ok(records::Query {
            conditions: call.conditions()?,
            order: call.order()?,
        })
    };
    Ok(Some(match function {
        "get" => row(&records::get(collection, call.text("id")?)?),
        "get-many" => {
            let found = records::get_many(collection, &call.texts("ids"))?;
            json!(found.iter().map(row).collect::<Vec<_>>())
        }
        "search" => {
            let found = records::search(collection, &query()?, &call.page()?)?;
            page(&found.items, found.next.as_deref(), row)
        }
        "count" => json!(records::count(
            collection,
            &query()?,
            call.number("at_most")?
        )?),
        "all" => {
            let all = records::all(collection, call.conditions()?, call.order()?);
            ids_of(all, |row: Row| row.id)?
        }
        _ => return Ok(None),
    }))
}

fn ids_of<T>(
    all: impl Iterator<Item = Result<T, Error>>,
    id: fn(T) -> String,
) -> Result<Value, Ended> {
    let ids: Vec<String> = all.map(|each| each.map(id)).collect::<Result<_, _>>()?;
    Ok(answers::ends(&ids))
}

fn in_records_write(function: &str, call: &Arguments) -> Made {
    let collection = call.text("collection")?;
    let expected = call.find_text("expected");
    Ok(Some(match function {
        "create" => {
            let (key, body) = (call.text("key")?, call.json("body"));
            row(&records_write::create(collection, key, &body)?)
        }
        "patch" => {
            let (id, merge) = (call.text("id")?, call.json("merge"));
            row(&records_write::patch(collection, id, expected, &merge)?)
        }
        "remove" => {
            records_write::remove(collection, call.text("id")?, expected)?;
            Value::Null
        }
        _ => return Ok(None),
    }))
}

fn in_invoices(function: &str, call: &Arguments) -> Made {
    Ok(Some(match function {
        "get" => invoice(&invoices::get(call.text("id")?)?),
        "get-payment" => payment(&invoices::get_payment(call.text("id")?)?),
        "search" => {
            let found = invoices::search(&call.conditions()?, &call.order()?, &call.page()?)?;
            page(&found.items, found.next.as_deref(), head)
        }
        "search-payments" => {
            let found =
                invoices::search_payments(&call.conditions()?, &call.order()?, &call.page()?)?;
            page(&found.items, found.next.as_deref(), payment)
        }
        "all" => {
            let all = invoices::all(call.conditions()?, call.order()?);
            ids_of(all, |head: InvoiceHead| head.id)?
        }
        "all-payments" => {
            let all = invoices::all_payments(call.conditions()?, call.order()?);
            ids_of(all, |payment: Payment| payment.id)?
        }
        _ => return Ok(None),
    }))
}

fn in_invoices_write(function: &str, call: &Arguments) -> Made {
    let key = || call.text("key");
    Ok(Some(match function {
        "draft" => head(&invoices_write::draft(key()?, &call.content()?)?),
        "issue" => head(&invoices_write::issue(
            call.text("id")?,
            call.text("expected")?,
            call.find_text("series"),
            call.find_text("issue_date"),
        )?),
        "record-payment" => payment(&invoices_write::record_payment(key()?, &call.payment()?)?),
        "reverse-payment" => payment(&invoices_write::reverse_payment(
            key()?,
            call.text("payment")?,
            call.text("value_date")?,
            call.text("reason")?,
        )?),
        "allocate" => {
            let (source, parts) = (call.text("source")?, call.allocations()?);
            let heads = invoices_write::allocate(key()?, source, &parts)?;
            json!(heads.iter().map(head).collect::<Vec<_>>())
        }
        "write-off" => head(&invoices_write::write_off(
            key()?,
            call.text("invoice")?,
            &call.money("amount")?,
            call.text("reason")?,
        )?),
        "dun" => {
            let level = call.number("level")?;
            head(&invoices_write::dun(call.text("invoice")?, level)?)
        }
        "credit" => {
            let (invoice, lines) = (call.text("invoice")?, call.line_credits()?);
            head(&invoices_write::credit(key()?, invoice, lines.as_deref())?)
        }
        "step" => {
            let (id, next) = (call.text("id")?, call.state("next")?);
            head(&invoices_write::step(id, call.text("expected")?, next)?)
        }
        _ => return Ok(None),
    }))
}

fn in_ledger(function: &str, call: &Arguments) -> Made {
    let accounts = call.accounts()?;
    Ok(Some(match function {
        "aging" => answers::aged(&ledger::aging(&accounts, &call.numbers("buckets"))?),
        "balances" => answers::balances(&ledger::balances(&accounts, &call.page()?)?),
        "all-balances" => {
            let all = ledger::all_balances(accounts);
            ids_of(all, |one| one.party.unwrap_or_default())?
        }
        _ => return Ok(None),
    }))
}

fn in_calendars(function: &str, call: &Arguments) -> Made {
    let calendar = || call.text("calendar");
    Ok(Some(match function {
        "get" => entry(&calendars::get(calendar()?, call.text("id")?)?),
        "search" => {
            let window = call.find_window()?;
            let found = calendars::search(calendar()?, window, &call.page()?)?;
            page(&found.items, found.next.as_deref(), entry)
        }
        "all" => {
            let all = calendars::all(calendar()?, call.find_window()?);
            ids_of(all, |entry: Entry| entry.id)?
        }
        "occurrences" => {
            let found = calendars::occurrences(&call.texts("calendars"), call.window()?)?;
            json!(found.iter().map(occurrence).collect::<Vec<_>>())
        }
        "free-busy" => windows(&calendars::free_busy(
            &call.whose("whose")?,
            call.window()?,
        )?),
        "find-slots" => windows(&calendars::find_slots(&call.slot_search()?)?),
        _ => return Ok(None),
    }))
}

fn in_calendars_write(function: &str, call: &Arguments) -> Made {
    let calendar = call.text("calendar")?;
    let (id, expected) = (call.find_text("id"), call.find_text("expected"));
    let (id, expected) = (id.unwrap_or_default(), expected.unwrap_or_default());
    Ok(Some(match function {
        "create" => {
            let (key, content) = (call.text("key")?, call.entry_content()?);
            entry(&calendars_write::create(calendar, key, &content)?)
        }
        "replace" => {
            let content = call.entry_content()?;
            entry(&calendars_write::replace(calendar, id, expected, &content)?)
        }
        "remove" => {
            calendars_write::remove(calendar, id, expected)?;
            Value::Null
        }
        _ => return Ok(None),
    }))
}

fn in_documents(function: &str, call: &Arguments) -> Made {
    let id = || call.text("id");
    Ok(Some(match function {
        "get" => document(&documents::get(id()?)?),
        "search" => {
            let (folder, prefix) = (call.text("folder")?, call.text("name_prefix")?);
            let found = documents::search(folder, prefix, &call.page()?)?;
            page(&found.items, found.next.as_deref(), document)
        }
        "read" => json!(documents::read(
            id()?,
            call.number("offset")?,
            call.number("length")?
        )?),
        "read-all" => {
            let content = documents::read_all(id()?)?;
            json!(String::from_utf8_lossy(&content))
        }
        "all" => {
            let all = documents::all(call.text("folder")?, call.text("name_prefix")?);
            ids_of(all, |document| document.id)?
        }
        _ => return Ok(None),
    }))
}

fn in_work(word: &str, call: &Arguments) -> Made {
    Ok(Some(match word {
        "messages.mail" => json!(messages::mail(call.text("key")?, &call.mail()?)?),
        "tasks.create" => json!(tasks::create(call.text("key")?, &call.task()?)?),
        "messages.send" => json!(messages::send(call.text("key")?, &call.letter()?)?),
        "tasks.create-with" => {
            let (task, terms) = (call.task()?, call.terms()?);
            json!(tasks::create_with(call.text("key")?, &task, &terms)?)
        }
        "tasks.get" => task(&tasks::get(call.text("id")?)?),
        "tasks.withdraw" => {
            tasks::withdraw(call.text("id")?, call.text("reason")?)?;
            Value::Null
        }
        _ => return Ok(None),
    }))
}

fn in_state(function: &str, call: &Arguments) -> Made {
    Ok(Some(match function {
        "get" => state::get(call.text("name")?)?.map_or(Value::Null, |text| answers::parsed(&text)),
        "put" => {
            state::put(call.text("name")?, &call.json("value"))?;
            Value::Null
        }
        "remove" => {
            state::remove(call.text("name")?)?;
            Value::Null
        }
        "names" => json!(state::names(call.text("prefix")?)?),
        _ => return Ok(None),
    }))
}

fn in_schedules(function: &str, call: &Arguments) -> Made {
    let calendar = call.text("calendar")?;
    Ok(Some(match function {
        "add-business-days" => {
            let (date, days) = (call.text("date")?, call.number("days")?);
            json!(schedules::add_business_days(calendar, date, days)?)
        }
        "business-days" => {
            let window = DateWindow {
                start: call.text("start")?.to_owned(),
                end: call.text("end")?.to_owned(),
            };
            json!(schedules::business_days(calendar, &window)?)
        }
        _ => return Ok(None),
    }))
}

/// Null is "there is no such amount": mixed currencies, or what is no amount.
fn in_money(function: &str, call: &Arguments) -> Option<Value> {
    let read = |name: &str| Money::parse(call.find_text(name).unwrap_or_default()).ok();
    let (left, right) = (read("left"), read("right"));
    let both = left.as_ref().zip(right.as_ref());
    let amount = match function {
        "parse" => left,
        "add" => both.and_then(|(left, right)| left.checked_add(right)),
        "subtract" => both.and_then(|(left, right)| left.checked_sub(right)),
        _ => return None,
    };
    Some(json!(amount.map(|amount| amount.to_string())))
}
