//! Stock, projects, tickets and expenses.

use jiff::civil::Date;
use serde_json::json;

use super::{
    data::{Article, Data},
    days::{Days, after},
    dice::{Dice, hundredths},
    record,
};
use crate::{error::Error, sample::SampleRecord};

const TICKETS: usize = 150;
const EXPENSES: usize = 200;
/// How old tickets and expenses are, in days: most of them young.
const YOUNG_DAYS: i64 = 30;
const OLD_DAYS: i64 = 365;
/// Who answers customers.
const SERVICE: [&str; 4] = ["E033", "E031", "E032", "E016"];

/// Days of so many rows, oldest first, six of ten of them of the last month.
fn past(count: usize, days: &Days, dice: &mut Dice) -> Vec<Date> {
    let age = |dice: &mut Dice| {
        if dice.is(60) {
            dice.within(0..=YOUNG_DAYS)
        } else {
            dice.within(YOUNG_DAYS..=OLD_DAYS)
        }
    };
    let mut past: Vec<Date> = (0..count).map(|_| after(days.today, -age(dice))).collect();
    past.sort_unstable();
    past
}

pub(super) fn stock(data: &Data, days: &Days) -> Result<Vec<SampleRecord>, Error> {
    let mut dice = Dice::of("stock");
    let mut records = Vec::with_capacity(data.stock.len());
    for article in &data.stock {
        let mut body = json!({
            "sku": article.sku,
            "name": article.name,
            "category": article.category,
            "unit": article.unit,
            "on_hand": article.on_hand,
            "reorder_point": article.reorder_point,
            "bin": article.bin,
            "cost": hundredths(article.cost_cents)?,
            "counted": after(days.today, -dice.within(5..=200)),
        });
        if let Some(price) = article.price_cents {
            body["price"] = json!(hundredths(price)?);
        }
        if let Some(supplier) = &article.supplier {
            body["supplier"] = json!(supplier);
        }
        records.push(record(&article.sku, body));
    }
    Ok(records)
}

pub(super) fn projects(data: &Data, days: &Days) -> Result<Vec<SampleRecord>, Error> {
    let mut dice = Dice::of("projects");
    let mut records = Vec::with_capacity(data.projects.len());
    for project in &data.projects {
        let begins = match project.state.as_str() {
            "planned" => 14..=60,
            "done" => -300..=-200,
            _ => -120..=-30,
        };
        let started = after(days.today, dice.within(begins));
        let body = json!({
            "code": project.code,
            "name": project.name,
            "customer": project.customer,
            "lead": project.lead,
            "state": project.state,
            "started": started,
            "due": after(started, dice.within(90..=180)),
            "budget": {"amount": hundredths(project.budget_cents)?, "currency": "EUR"},
        });
        records.push(record(&project.code, body));
    }
    Ok(records)
}

pub(super) fn tickets(data: &Data, days: &Days) -> Result<Vec<SampleRecord>, Error> {
    let mut dice = Dice::of("tickets");
    let goods: Vec<&Article> = data
        .stock
        .iter()
        .filter(|it| it.price_cents.is_some())
        .collect();
    let mut records = Vec::with_capacity(TICKETS);
    for (number, opened) in (1..).zip(past(TICKETS, days, &mut dice)) {
        let topic = dice.pick(&data.topics)?;
        let product = dice.pick(&goods)?;
        let customer = dice.pick(&data.customers)?;
        let age_days = days.ago(opened);
        let state = match age_days {
            0 | 1 => "new",
            2..=10 if dice.is(60) => "open",
            2..=30 if dice.is(30) => "waiting",
            31.. if dice.is(4) => "waiting",
            _ => "closed",
        };
        let number = format!("T-{number:04}");
        let mut body = json!({
            "number": number,
            "subject": topic.subject.replace("{product}", &product.name),
            "category": topic.category,
            "state": state,
            "priority": topic.priority,
            "customer": customer.key,
            "opened": moment(opened, &mut dice),
        });
        if state != "new" {
            body["assignee"] = json!(dice.pick(&SERVICE)?);
        }
        if state == "closed" {
            let closed = after(opened, dice.within(1..=12)).min(days.today);
            body["closed"] = json!(moment(closed.max(opened), &mut dice).replace("T0", "T1"));
        }
        records.push(record(&number, body));
    }
    Ok(records)
}

/// A time of a morning.
fn moment(day: Date, dice: &mut Dice) -> String {
    let minutes = dice.within(0..=59);
    format!("{day}T0{}:{minutes:02}:00Z", dice.within(5..=8))
}

pub(super) fn expenses(data: &Data, days: &Days) -> Result<Vec<SampleRecord>, Error> {
    let mut dice = Dice::of("expenses");
    let mut records = Vec::with_capacity(EXPENSES);
    for (number, paid_on) in (1..).zip(past(EXPENSES, days, &mut dice)) {
        let outlay = dice.pick(&data.outlays)?;
        let state = match days.ago(paid_on) {
            _ if dice.is(3) => "rejected",
            ..=12 => "submitted",
            13..=28 => "approved",
            _ => "reimbursed",
        };
        let cents = dice.within(outlay.least_cents..=outlay.most_cents);
        let number = format!("X-{number:04}");
        let body = json!({
            "number": number,
            "employee": dice.pick(&data.employees)?.number,
            "date": paid_on,
            "category": outlay.category,
            "text": outlay.text,
            "amount": {"amount": hundredths(cents)?, "currency": "EUR"},
            "state": state,
            "receipt": dice.is(92),
        });
        records.push(record(&number, body));
    }
    Ok(records)
}
