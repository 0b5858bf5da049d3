//! Agings of invoices, beside adding them up in a table.

use std::{collections::BTreeMap, path::Path, time::Instant};

use bursar_domain::{
    aging::{Buckets, day},
    invoice::{Flow, InvoiceContent},
    money::{Currency, Money},
};
use bursar_office::{
    Paging,
    aging::{Accounts, AgedBooks},
    openings::OpenItem,
};
use jiff::civil::{Date, date};
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::{
    Fault,
    compared::{Compared, Pair, Subject},
    desk::{Desk, ENTITY},
    plain,
    summary::Bound,
};

/// Longest time of an aging, in times of plain SQL.
const AGING_TO_PLAIN_MAX: f64 = 3.0;
const INVOICES: usize = 50_000;
const PARTIES: usize = 1_000;
/// Invoices of one commit.
const MADE_AT_ONCE: usize = 500;
/// Every so manieth invoice has been paid in part.
const PAID_IN_PART: usize = 5;
/// The day of the agings, which is that of the sessions' clock.
const TODAY: Date = date(2026, 1, 1);

const TABLE: &str = include_str!("sql/invoices.sql");
const INSERT: &str = "insert into invoice (flow, party, legal_entity, currency, due_day, open_minor) \
                      values ('receivable', $1, $2, 'EUR', $3, $4)";
const BY_ACCOUNT: &str = include_str!("sql/aging_by_account.sql");
const TOTAL: &str = include_str!("sql/aging.sql");

/// Minor units of each bucket.
type Sums = [i64; 5];
/// Party, legal entity and currency; open by bucket.
type OfAccount = (String, String, String, i64, i64, i64, i64, i64);
/// Legal entity and currency; open by bucket.
type OfBooks = (String, String, i64, i64, i64, i64, i64);

/// The same invoices with the host and in a table.
pub struct Agings {
    desk: Desk,
    plain: SqliteConnection,
}

impl Agings {
    pub async fn set(folder: &Path) -> Result<Self, Fault> {
        let desk = Desk::open(&folder.join("office"), 4).await?;
        let file = folder.join("plain.db");
        let mut plain = plain::open(&file).await?;
        sqlx::raw_sql(TABLE).execute(&mut plain).await?;
        let parties = parties(&desk).await?;
        for first in (0..INVOICES).step_by(MADE_AT_ONCE) {
            let mut session = desk.session();
            let mut transaction = plain.begin().await?;
            for place in first..first + MADE_AT_ONCE {
                let party = parties.get(place % PARTIES).ok_or("too few parties")?;
                let item = item(place, party)?;
                session.open_item(&place.to_string(), &item).await?;
                let due = item.content.due_date.ok_or("no due date")?;
                sqlx::query(INSERT)
                    .bind(party)
                    .bind(ENTITY)
                    .bind(day(due))
                    .bind(item.outstanding.minor)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            desk.commit(session).await?;
        }
        sqlx::raw_sql("analyze").execute(&mut plain).await?;
        plain.close().await?;
        Ok(Self {
            desk,
            plain: SqliteConnection::connect_with(&plain::reader(&file)).await?,
        })
    }

    pub fn compared(rounds: Vec<Pair>) -> Compared {
        let subject = Subject {
            name: "aging",
            what: "aging of invoices / plain SQL",
            ours: "agings of 50,000 invoices by party and in total",
            theirs: "the same sums of a table by its best indexes",
            bound: Bound::AtMost(AGING_TO_PLAIN_MAX),
            note: "milliseconds for both agings together, by party, legal entity and currency and by legal entity and \
                   currency, in five buckets; 1,000 parties, every fifth invoice paid in part; ours: \
                   Session::aging_by_account and Session::aging of a new session each, which could be as of any day; \
                   theirs: as of today only, from what is open of each invoice, stored beside it, by two covering \
                   indexes, prepared, on one connection with the settings of the host's readers",
        };
        Compared::new(subject, INVOICES, rounds)
    }

    /// Both agings by both; their answers must be the same.
    pub async fn round(&mut self) -> Result<Pair, Fault> {
        let started = Instant::now();
        let ours = self.ours().await?;
        let ours_ms = started.elapsed().as_secs_f64() * 1000.0;
        let started = Instant::now();
        let theirs = self.theirs().await?;
        let theirs_ms = started.elapsed().as_secs_f64() * 1000.0;
        if ours != theirs || ours.len() != PARTIES + 1 {
            return Err(format!("{} and {} sums differ", ours.len(), theirs.len()).into());
        }
        Ok(Pair { ours_ms, theirs_ms })
    }

    /// Sums by account; those of the books are under no party.
    async fn ours(&self) -> Result<BTreeMap<String, Sums>, Fault> {
        let asked = Accounts {
            flow: Flow::Receivable,
            legal_entity: None,
            party: None,
            as_of: Some(TODAY),
        };
        let buckets = Buckets::default();
        let mut found = BTreeMap::new();
        let mut session = self.desk.session();
        let mut paging = Paging::first();
        loop {
            let page = session.aging_by_account(&asked, &buckets, &paging).await?;
            for account in page.items {
                let party = account.party.unwrap_or_default();
                found.insert(party, sums(&account.books)?);
            }
            paging.after = page.next;
            if paging.after.is_none() {
                break;
            }
        }
        let mut session = self.desk.session();
        let total = session.aging(&asked, &buckets).await?;
        for books in total.books {
            found.insert(String::new(), sums(&books)?);
        }
        Ok(found)
    }

    async fn theirs(&mut self) -> Result<BTreeMap<String, Sums>, Fault> {
        let mut found = BTreeMap::new();
        let (mut by_account, mut total) = (sqlx::query_as(BY_ACCOUNT), sqlx::query_as(TOTAL));
        for days_past in [0, 30, 60, 90] {
            by_account = by_account.bind(day(TODAY) - days_past);
            total = total.bind(day(TODAY) - days_past);
        }
        let accounts: Vec<OfAccount> = by_account.fetch_all(&mut self.plain).await?;
        for (party, _, _, not_due, to_30, to_60, to_90, over) in accounts {
            found.insert(party, [not_due, to_30, to_60, to_90, over]);
        }
        let books: Vec<OfBooks> = total.fetch_all(&mut self.plain).await?;
        for (_, _, not_due, to_30, to_60, to_90, over) in books {
            found.insert(String::new(), [not_due, to_30, to_60, to_90, over]);
        }
        Ok(found)
    }
}

fn sums(books: &AgedBooks) -> Result<Sums, Fault> {
    let minors: Vec<i64> = books.buckets.iter().map(|it| it.amount.minor).collect();
    minors.try_into().map_err(|_| "not five buckets".into())
}

async fn parties(desk: &Desk) -> Result<Vec<String>, Fault> {
    let mut session = desk.session();
    session.ensure_parties_collection().await?;
    let mut parties = Vec::with_capacity(PARTIES);
    for place in 0..PARTIES {
        let party = json!({"name": format!("Customer {place}"), "kind": "customer"});
        let made = session
            .create_record("parties", &place.to_string(), &party)
            .await?;
        parties.push(made.id.to_string());
    }
    desk.commit(session).await?;
    Ok(parties)
}

/// An invoice of a year and a half, due a month later.
fn item(place: usize, party: &str) -> Result<OpenItem, Fault> {
    let days_ago = i64::try_from(place * 7919 % 540)?;
    let issued = TODAY.checked_sub(jiff::Span::new().days(days_ago))?;
    let euros = 10 + place % 900;
    let content: InvoiceContent = serde_json::from_value(json!({
        "flow": "receivable", "kind": "invoice", "legal_entity": ENTITY, "party": party, "currency": "EUR",
        "due_date": issued.checked_add(jiff::Span::new().days(30))?,
        "lines": [{
            "description": "Work", "quantity": "1", "unit": "HUR", "unit_price": euros.to_string(),
            "tax": {"category": "E", "rate": "0"},
        }],
    }))?;
    let gross = i64::try_from(euros * 100)?;
    let is_whole = !place.is_multiple_of(PAID_IN_PART);
    Ok(OpenItem {
        content,
        number: format!("old/{place}"),
        issue_date: issued,
        outstanding: Money::new(
            if is_whole { gross } else { gross / 2 },
            Currency::parse("EUR")?,
        ),
    })
}
