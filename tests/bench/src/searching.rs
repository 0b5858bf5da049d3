//! Searching records as a plugin's call does, beside the same search in a table.

use std::{fs::File, path::Path, time::Instant};

use bursar_domain::{draft::Direction, index::Comparison};
use bursar_office::{Order, Paging, Test};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use crate::{
    Fault,
    compared::{Compared, Pair, Subject},
    desk::Desk,
    importing, plain,
    sample::{self, COLLECTION},
    summary::Bound,
};

/// Longest time of a search, in times of plain SQL.
const SEARCH_TO_PLAIN_MAX: f64 = 3.0;
/// Rows of a page.
const FOUND: u32 = 50;
/// Searches of each shape in a round.
const SEARCHES: usize = 200;

/// Makes the table of what the host has stored, in typed columns, with an index for each search.
const TABLE: &str = include_str!("sql/searched.sql");
/// All orders of a customer.
const BY_CUSTOMER: &str = "select id, revision, created_us, updated_us, number, customer, day, amount, currency, city, mail, notes \
                           from searched where customer = $1 order by id limit $2";
/// The first orders since a day.
const SINCE_DAY: &str = "select id, revision, created_us, updated_us, number, customer, day, amount, currency, city, mail, notes \
                         from searched where day >= $1 order by day, id limit $2";

/// What the host gives of a record, and its fields.
type Found = (
    String,
    i64,
    i64,
    i64,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
);

/// What is looked for.
#[derive(Clone, Debug)]
enum Sought {
    Customer(String),
    SinceDay(String),
}

/// The same rows with the host and in a table.
pub struct Searching {
    desk: Desk,
    plain: SqliteConnection,
    sought: Vec<Sought>,
}

impl Searching {
    pub async fn set(folder: &Path) -> Result<Self, Fault> {
        let office = folder.join("office");
        let desk = Desk::open(&office, 4).await?;
        let mut session = desk.session();
        let definition = sample::definition(&["number", "customer", "day"])?;
        session.define_collection(COLLECTION, &definition).await?;
        desk.commit(session).await?;
        let file = folder.join("orders.csv");
        std::fs::write(&file, sample::table())?;
        importing::import(&desk, &mut File::open(&file)?).await?;
        std::fs::remove_file(&file)?;
        let mut plain = plain::open(&folder.join("plain.db")).await?;
        sqlx::query("attach database $1 as host")
            .bind(office.join("bursar.db").display().to_string())
            .execute(&mut plain)
            .await?;
        sqlx::raw_sql(TABLE).execute(&mut plain).await?;
        plain.close().await?;
        let reader = plain::reader(&folder.join("plain.db"));
        let places = 0..SEARCHES;
        let searching = Self {
            desk,
            plain: SqliteConnection::connect_with(&reader).await?,
            sought: places
                .map(|place| place * 37)
                .flat_map(|place| {
                    let customer = Sought::Customer(sample::customer(place));
                    [customer, Sought::SinceDay(sample::day(place))]
                })
                .collect(),
        };
        Ok(searching)
    }

    pub fn compared(&self, rounds: Vec<Pair>) -> Compared {
        let subject = Subject {
            name: "search",
            what: "search of records / plain SQL",
            ours: "searches of 50 of 100,000 records, as a plugin's first call does",
            theirs: "the same rows from a table of typed columns by its best index",
            bound: Bound::AtMost(SEARCH_TO_PLAIN_MAX),
            note: "milliseconds for all searches together, count of them; the one half asks for a customer's 50 orders, the \
                   other for the first 50 since a day in the order of days; ours: Session::search_records of a new \
                   session, whose first read it is; theirs: prepared, on one connection with the settings of the host's \
                   readers, all columns of the rows, by indexes on customer and day",
        };
        Compared::new(subject, self.sought.len(), rounds)
    }

    /// Every search by both, one after the other; their answers must be the same.
    pub async fn round(&mut self) -> Result<Pair, Fault> {
        let mut sum = Pair::NOTHING;
        for sought in &self.sought.clone() {
            let started = Instant::now();
            let ours = self.ours(sought).await?;
            sum.ours_ms += started.elapsed().as_secs_f64() * 1000.0;
            let started = Instant::now();
            let theirs = self.theirs(sought).await?;
            sum.theirs_ms += started.elapsed().as_secs_f64() * 1000.0;
            let ours = ours
                .iter()
                .map(|(id, number)| (id.as_str(), number.as_deref()));
            let theirs = theirs
                .iter()
                .map(|row| (row.0.as_str(), Some(row.4.as_str())));
            if !ours.eq(theirs) {
                return Err(format!("the answers differ: {sought:?}").into());
            }
        }
        Ok(sum)
    }

    /// As the first call of a run: a session with a snapshot of its own.
    async fn ours(&self, sought: &Sought) -> Result<Vec<(String, Option<String>)>, Fault> {
        let mut session = self.desk.session();
        let (field, comparison, value, order) = match sought {
            Sought::Customer(id) => ("customer", Comparison::Equal, id, None),
            Sought::SinceDay(day) => {
                let field = "day".to_owned();
                let direction = Direction::Ascending;
                let order = Order { field, direction };
                ("day", Comparison::GreaterOrEqual, day, Some(order))
            }
        };
        let test = Test {
            field: field.to_owned(),
            comparison,
            values: vec![Value::from(value.as_str())],
        };
        let paging = Paging {
            limit: FOUND,
            after: None,
        };
        let order: Vec<Order> = order.into_iter().collect();
        let tests = [test];
        let page = session.search_records(COLLECTION, &tests, &order, &paging);
        let named = page.await?.items.into_iter().map(|row| {
            let number = row.body.get("number").and_then(Value::as_str);
            (row.id.to_string(), number.map(str::to_owned))
        });
        Ok(named.collect())
    }

    async fn theirs(&mut self, sought: &Sought) -> Result<Vec<Found>, Fault> {
        let (text, value) = match sought {
            Sought::Customer(id) => (BY_CUSTOMER, id),
            Sought::SinceDay(day) => (SINCE_DAY, day),
        };
        let found = sqlx::query_as(text)
            .bind(value.as_str())
            .bind(i64::from(FOUND))
            .fetch_all(&mut self.plain)
            .await?;
        Ok(found)
    }
}
