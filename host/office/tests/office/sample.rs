//! The invented company: loaded once, whole, on both engines, and as alive as a company is.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use bursar_db::Database;
use bursar_domain::{
    aging::Buckets,
    draft::Direction,
    invoice::{Flow, Invoice, InvoiceState, Payment},
    manifest::{Authority, Limits},
    money::{Currency, Money},
    office::{Actor, PARTIES},
    row::Kind,
};
use bursar_office::{
    Context, Error, Order, Paging, Session, View,
    aging::Accounts,
    sample::{self, SampleLoaded},
};
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, grant};

const TODAY: Date = date(2026, 11, 22);
const ENTITY: &str = "laerchwerk";
/// Noon of that day.
const NOW_US: i64 = 1_795_345_200_000_000;
/// Rows after which the first load is interrupted.
const INTERRUPTED_ROWS: u64 = 900;

fn context() -> Context {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    Context::of_host(Actor::new("person", "ada"), "sample", NOW_US, seed)
}

async fn load(database: &Database, today: Option<Date>) -> Result<SampleLoaded, Error> {
    sample::load_company(database, &context(), today, &mut |_| ()).await
}

/// A load that ends half-way, as if its process were killed.
async fn load_in_part(database: &Database) {
    let database = database.clone();
    let interrupted = tokio::spawn(async move {
        let mut told = |now: sample::Progress| {
            assert!(
                now.rows_done < INTERRUPTED_ROWS,
                "this load is interrupted on purpose"
            );
        };
        sample::load_company(&database, &context(), Some(TODAY), &mut told).await
    });
    interrupted.await.expect_err("an interruption");
}

async fn head(database: &Database) -> i64 {
    database.snapshot().seq().await.expect("the log's end")
}

/// All rows of a kind or listing, page by page.
macro_rules! all {
    (|$paging:ident| $page:expr) => {{
        let (mut items, mut $paging) = (Vec::new(), Paging::first());
        loop {
            let page = $page.await.expect("a page");
            items.extend(page.items);
            $paging.after = page.next;
            if $paging.after.is_none() {
                break items;
            }
        }
    }};
}

#[tokio::test]
async fn the_company_is_loaded_once_whatever_interrupts_it() {
    for (database, _folder) in Organisation::nothing_on_both().await {
        load_in_part(&database).await;
        assert!(head(&database).await > 5, "some steps were committed");
        // It goes on as of the day on which it began.
        let loaded = load(&database, Some(date(2026, 12, 24)))
            .await
            .expect("loaded");
        assert_eq!((loaded.changed, loaded.today), (true, Some(TODAY)));
        let there = head(&database).await;
        let again = load(&database, None).await.expect("loaded");
        let nothing_new = SampleLoaded {
            changed: false,
            ..loaded.clone()
        };
        assert_eq!(again, nothing_new);
        assert_eq!(
            head(&database).await,
            there,
            "loading again changed something"
        );

        let mut session = Session::new(&database, context());
        is_all_there(&mut session, &loaded).await;
        numbers_have_no_gaps(&mut session).await;
        aging_is_what_is_open(&mut session).await;
        is_alive(&mut session).await;
        let found = database.verify(None).await.expect("a verification");
        assert_eq!(found.findings, vec![]);
        pay_is_hidden(&database).await;
    }
}

/// What was told to be there is there, and the rest of what an organisation can hold.
async fn is_all_there(session: &mut Session, loaded: &SampleLoaded) {
    let mut counts = BTreeMap::new();
    for kind in [
        Kind::Entity,
        Kind::Department,
        Kind::BusinessCalendar,
        Kind::Collection,
        Kind::Calendar,
        Kind::Folder,
        Kind::Document,
        Kind::Allocation,
    ] {
        let rows: Vec<View<Value>> = all!(|paging| session.rows(kind, &[], &paging));
        counts.insert(kind.as_str(), rows.len());
    }
    let count = |kind: Kind| counts.get(kind.as_str()).copied().unwrap_or(0);
    assert_eq!(count(Kind::Entity), 1);
    assert_eq!(count(Kind::Department), loaded.departments);
    assert_eq!(count(Kind::BusinessCalendar), loaded.business_calendars);
    assert_eq!(count(Kind::Collection), loaded.collections + 1);
    assert_eq!(count(Kind::Calendar), loaded.calendars);
    assert_eq!(count(Kind::Document), loaded.documents);
    assert!(count(Kind::Folder) >= 3 && count(Kind::Allocation) > 500);
    let mut records = 0;
    let expected = [
        (PARTIES, 85),
        ("employees", 35),
        ("stock", 120),
        ("projects", 12),
        ("tickets", 150),
        ("expenses", 200),
        ("candidates", 25),
    ];
    for (collection, rows) in expected {
        let found = session.count_records(collection, &[], 1000).await;
        assert_eq!(found.expect("a count"), rows, "{collection}");
        records += usize::try_from(rows).expect("a few");
    }
    assert_eq!(records, loaded.records + loaded.parties);
    let mut entries = 0;
    for calendar in ["works", "people", "books"] {
        let listed = all!(|paging| session.list_entries(calendar, None, &paging));
        entries += listed.len();
    }
    assert_eq!(entries, loaded.entries);
}

async fn invoices(session: &mut Session) -> Vec<Invoice> {
    let listed = all!(|paging| session.search_invoices(&[], &[], &paging));
    listed.into_iter().map(|invoice| invoice.body).collect()
}

/// INV-2, and what the bank's statements say of it.
async fn numbers_have_no_gaps(session: &mut Session) {
    let numbers = |invoices: &[Invoice]| -> Vec<String> {
        invoices.iter().filter_map(|it| it.number.clone()).collect()
    };
    let mut numbers = numbers(&invoices(session).await);
    numbers.sort_unstable();
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for number in &numbers {
        let (series, ordinal) = number.rsplit_once('-').expect("a number");
        let last = last.entry(series).or_default();
        *last += 1;
        assert_eq!(ordinal.parse(), Ok(*last), "{number}");
    }
    assert_eq!(last.len(), 6, "two series in three years: {last:?}");
    let payments: Vec<View<Payment>> = all!(|paging| session.search_payments(&[], &[], &paging));
    let named = payments.iter().map(|payment| payment.body.text.as_str());
    let named: Vec<&str> = named.filter(|text| text.starts_with("INV-")).collect();
    assert!(named.len() > 300, "{}", named.len());
    for number in named.iter().flat_map(|text| text.split(", ")) {
        assert!(
            numbers.iter().any(|it| it == number),
            "{number} was never given"
        );
    }
}

async fn aging_is_what_is_open(session: &mut Session) {
    let invoices = invoices(session).await;
    for flow in [Flow::Receivable, Flow::Payable] {
        let mut open: BTreeMap<Currency, Money> = BTreeMap::new();
        let is_owed =
            |it: &&Invoice| it.content.flow == flow && it.is_open() && !it.is_credit_note();
        for invoice in invoices.iter().filter(is_owed) {
            let currency = invoice.outstanding.currency;
            let sum = open.entry(currency).or_insert(Money::zero(currency));
            *sum = sum.checked_add(invoice.outstanding).expect("a sum");
        }
        let accounts = Accounts {
            flow,
            legal_entity: Some(ENTITY.to_owned()),
            party: None,
            as_of: None,
        };
        let aging = session.aging(&accounts, &Buckets::default()).await;
        let aging = aging.expect("an aging");
        for books in &aging.books {
            let expected = open.remove(&books.currency);
            assert_eq!(
                Some(books.open),
                expected.or(Some(Money::zero(books.currency)))
            );
        }
        assert!(open.is_empty(), "{open:?}");
        let euros = aging.books.iter().find(|it| it.currency.code() == "EUR");
        let overdue = euros.expect("euros").buckets.iter().skip(1);
        assert!(
            overdue.filter(|bucket| bucket.amount.minor > 0).count() >= 2,
            "{aging:?}"
        );
    }
}

/// Something of every kind of state is there, and the latest is not old.
async fn is_alive(session: &mut Session) {
    let invoices = invoices(session).await;
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for invoice in &invoices {
        *states.entry(format!("{:?}", invoice.state)).or_default() += 1;
    }
    for state in InvoiceState::ALL {
        if state != InvoiceState::Discarded {
            assert!(
                states.contains_key(&format!("{state:?}")),
                "{state:?}: {states:?}"
            );
        }
    }
    let count = |test: fn(&Invoice) -> bool| invoices.iter().filter(|it| test(it)).count();
    for (what, found) in [
        ("credit notes", count(Invoice::is_credit_note)),
        ("reminded", count(|it| it.dunning_level > 0)),
        (
            "disputed",
            count(|it| it.content.extra.get("disputed").is_some()),
        ),
        (
            "in part",
            count(|it| it.is_open() && it.outstanding != it.totals.payable()),
        ),
    ] {
        assert!(found >= 2, "{what}: {found}");
    }
    let payments = all!(|paging| session.search_payments(&[], &[], &paging));
    let unallocated = payments
        .iter()
        .filter(|it| it.body.unallocated.minor > 0)
        .count();
    let reversed = payments
        .iter()
        .filter(|it| it.body.reversed_by.is_some())
        .count();
    assert!(
        unallocated >= 3 && reversed >= 1,
        "{unallocated} {reversed}"
    );
    let newest = Order {
        field: "opened".to_owned(),
        direction: Direction::Descending,
    };
    let tickets = session
        .search_records("tickets", &[], &[newest], &Paging::first())
        .await;
    let tickets = tickets.expect("tickets").items;
    let opened = tickets[0].body["opened"]
        .as_str()
        .expect("a time")
        .to_owned();
    assert!(opened >= date(2026, 11, 20).to_string(), "{opened}");
    let entity = session.entity(ENTITY).await.expect("the legal entity");
    assert_eq!(entity.body.lock_date, Some(date(2026, 9, 30)));
}

/// Whoever is not granted more than what is internal does not see pay.
async fn pay_is_hidden(database: &Database) {
    let granted = |class: &str| {
        let grant = grant(json!({
            "kind": "records", "collection": "employees", "operations": ["read"], "class": class
        }));
        let context = Context {
            authority: Authority::Granted(vec![grant]),
            limits: Limits::default(),
            ..context()
        };
        Session::new(database, context)
    };
    let check = async |class: &str, hidden: &[&str]| {
        let mut session = granted(class);
        let found = session
            .search_records("employees", &[], &[], &Paging::first())
            .await;
        for employee in found.expect("employees").items {
            assert_eq!(employee.redacted, hidden, "{class}");
            for member in hidden {
                assert!(employee.body.get(*member).is_none(), "{member}");
            }
        }
    };
    check("internal", &["birth_date", "health", "iban", "salary"]).await;
    check("confidential", &["health"]).await;
    check("restricted", &[]).await;
}

#[tokio::test]
async fn an_organisation_with_something_of_its_own_is_left_alone() {
    let office = Organisation::open().await;
    let before = head(&office.database).await;
    assert_eq!(code(load(&office.database, None).await), "sample-clash");
    assert_eq!(head(&office.database).await, before);
    for (database, folder) in Organisation::nothing_on_both().await.into_iter().take(1) {
        let mut session = Session::new(&database, context());
        session.ensure_parties_collection().await.expect("parties");
        let party = json!({"key": "K10001", "name": "Somebody else", "kind": "customer"});
        let made = session.create_record(PARTIES, "theirs", &party).await;
        made.expect("a party");
        let verdict = database.propose(bursar_db::Proposal {
            author: Actor::new("person", "ada"),
            cause: "test".to_owned(),
            draft: session.into_parts().0,
            settles: None,
        });
        verdict.await.expect("a verdict");
        assert_eq!(head(&database).await, 1);
        assert_eq!(code(load(&database, None).await), "sample-clash");
        assert_eq!(head(&database).await, 1);
        drop(folder);
    }
}
