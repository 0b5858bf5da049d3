//! Agings and balances of random histories, against what the rows themselves say; and a ledger that is filled later.

mod history;

use std::collections::BTreeMap;

use bursar_domain::{
    aging::{Account, Aged, Asked, Books, Buckets, EntryKind, Parts, day},
    invoice::{Allocation, Flow, Invoice, Settlement},
};
use history::{History, PARTIES, Step, at, eur, step};
use jiff::civil::Date;
use proptest::prelude::*;

use super::{random::for_all, tampering::Raw};
use crate::{
    Snapshot,
    testing::{Fresh, Work, assert_clean, databases},
};

const BOUNDS: [u32; 3] = [7, 20, 45];

/// What the images say as of a day, party by party: open by bucket, and unapplied.
struct Expected {
    open: BTreeMap<String, [i64; 5]>,
    unapplied: BTreeMap<String, i64>,
    /// Issued - credited - received + refunded - written off, over all parties.
    balance: i64,
    /// Something that was settled later, and counts as open.
    has_later: bool,
}

impl History {
    fn owed(&self) -> impl Iterator<Item = (&String, &Invoice)> {
        self.documents.iter().filter(|(_, it)| it.state.is_owed())
    }

    /// When an allocation counts: not before its invoice and its source do.
    fn counted(&self, allocation: &Allocation) -> Date {
        let from = |id: &str| self.documents.get(id).map(Invoice::counts_from);
        let paid = self
            .payments
            .get(&allocation.source)
            .map(|it| it.value_date);
        let dates = [from(&allocation.invoice), from(&allocation.source), paid];
        let latest = dates.into_iter().flatten().max();
        latest.map_or(allocation.date, |latest| latest.max(allocation.date))
    }

    fn expected(&self, as_of: Date) -> Expected {
        let mut found = Expected {
            open: BTreeMap::new(),
            unapplied: BTreeMap::new(),
            balance: 0,
            has_later: false,
        };
        let used = |of: &dyn Fn(&Allocation) -> bool| -> i64 {
            let counts = |it: &&Allocation| of(it) && self.counted(it) <= as_of;
            let parts = self.allocations.iter().filter(counts);
            parts.map(|it| it.amount.minor).sum()
        };
        for (id, invoice) in self.owed().filter(|(_, it)| it.counts_from() <= as_of) {
            let party = invoice.content.party.clone();
            let gross = invoice.totals.gross.minor;
            if invoice.is_credit_note() {
                found.balance -= gross;
                *found.unapplied.entry(party).or_default() += gross - used(&|it| it.source == *id);
                continue;
            }
            found.balance += gross;
            let due = invoice.content.due_date.unwrap_or(invoice.counts_from());
            let past = due.until(as_of).expect("a span").get_days();
            let bounds = BOUNDS.map(|bound| i32::try_from(bound).expect("small"));
            let bucket = match past {
                i32::MIN..=0 => 0,
                _ => 1 + bounds.iter().filter(|bound| past > **bound).count(),
            };
            let rest = gross - used(&|it| it.invoice == *id);
            found.has_later |= rest > invoice.outstanding.minor;
            found.open.entry(party).or_default()[bucket] += rest;
        }
        for (id, payment) in &self.payments {
            if payment.value_date > as_of {
                continue;
            }
            let party = payment.party.clone().unwrap_or_default();
            found.balance -= payment.amount.minor;
            *found.unapplied.entry(party).or_default() +=
                payment.amount.minor - used(&|it| it.source == *id);
        }
        found.balance -= used(&|it| it.settlement == Settlement::WriteOff);
        found
    }
}

async fn all_balances(snapshot: &mut Snapshot, asked: &Asked) -> BTreeMap<Account, Parts> {
    let mut found: BTreeMap<Account, Parts> = BTreeMap::new();
    loop {
        let after = found.keys().next_back().cloned();
        let page = snapshot.balances(asked, after.as_ref(), 2).await;
        let page = page.expect("a page");
        let is_last = page.len() < 2;
        found.extend(page);
        if is_last {
            return found;
        }
    }
}

async fn all_agings(
    snapshot: &mut Snapshot,
    asked: &Asked,
    buckets: &Buckets,
    limit: usize,
) -> BTreeMap<Account, Aged> {
    let mut found: BTreeMap<Account, Aged> = BTreeMap::new();
    loop {
        let after = found.keys().next_back().cloned();
        let page = snapshot.agings(asked, buckets, after.as_ref(), limit).await;
        let page = page.expect("a page");
        let is_last = page.len() < limit;
        found.extend(page);
        if is_last {
            return found;
        }
    }
}

/// Each account's aging is what is expected of its party, and all of them add up to that of the books.
async fn check_accounts(
    snapshot: &mut Snapshot,
    asked: &Asked,
    expected: &Expected,
) -> Result<(), TestCaseError> {
    let buckets = Buckets::new(BOUNDS.to_vec()).expect("good bounds");
    let accounts = all_agings(snapshot, asked, &buckets, 100).await;
    for (account, aged) in &accounts {
        let open = expected.open.get(&account.party).copied();
        let open = open.unwrap_or_default().map(i128::from);
        prop_assert_eq!(&aged.open, &open);
        let unapplied = expected.unapplied.get(&account.party).copied();
        prop_assert_eq!(aged.unapplied, i128::from(unapplied.unwrap_or_default()));
    }
    if asked.party.is_some() {
        return Ok(());
    }
    // More bounds than one statement takes, and more accounts than a page.
    let bounds = (1..=12).map(|bound| bound * 5).collect();
    let buckets = Buckets::new(bounds).expect("good bounds");
    let books = snapshot.aging(asked, &buckets).await.expect("an aging");
    let mut sum = Aged::nothing(&buckets);
    for aged in all_agings(snapshot, asked, &buckets, 2).await.values() {
        sum.unapplied += aged.unapplied;
        for (sum, open) in sum.open.iter_mut().zip(&aged.open) {
            *sum += open;
        }
    }
    let aged = books.into_values().next();
    prop_assert_eq!(aged.unwrap_or_else(|| Aged::nothing(&buckets)), sum);
    Ok(())
}

/// Whether the guarded situation occurred: something open, something unapplied, and something that was settled later.
async fn check(
    snapshot: &mut Snapshot,
    history: &History,
    as_of: Date,
    party: Option<&str>,
) -> Result<bool, TestCaseError> {
    let asked = Asked {
        flow: history.flow,
        legal_entity: Some(history.legal_entity.clone()),
        party: party.map(str::to_owned),
        as_of_day: day(as_of),
    };
    let expected = history.expected(as_of);
    let buckets = Buckets::new(BOUNDS.to_vec()).expect("good bounds");
    let books = Books {
        legal_entity: history.legal_entity.clone(),
        currency: eur(),
    };
    let aged = snapshot.aging(&asked, &buckets).await.expect("an aging");
    prop_assert!(aged.keys().all(|key| *key == books));
    let nothing = Aged::nothing(&buckets);
    let aged = aged.get(&books).unwrap_or(&nothing);
    let is_asked = |of: &String| party.is_none_or(|party| party == of);
    let open = expected.open.iter().filter(|(of, _)| is_asked(of));
    let mut sums = [0_i128; 5];
    for (_, parts) in open {
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += i128::from(*part);
        }
    }
    let unapplied = expected.unapplied.iter().filter(|(of, _)| is_asked(of));
    let unapplied: i64 = unapplied.map(|(_, sum)| sum).sum();
    prop_assert_eq!(&aged.open, &sums.to_vec());
    prop_assert_eq!(aged.unapplied, i128::from(unapplied));

    check_accounts(snapshot, &asked, &expected).await?;
    let accounts = all_balances(snapshot, &asked).await;
    for (account, parts) in &accounts {
        let open = expected.open.get(&account.party);
        let open: i64 = open.map_or(0, |open| open.iter().sum());
        let unapplied = expected.unapplied.get(&account.party).copied();
        let balance: i128 = parts.values().sum();
        prop_assert_eq!(balance, i128::from(open - unapplied.unwrap_or_default()));
    }
    if party.is_none() {
        prop_assert_eq!(aged.balance(), i128::from(expected.balance));
        let all = accounts.values().flat_map(BTreeMap::values).sum::<i128>();
        prop_assert_eq!(all, i128::from(expected.balance));
        let of = |kind: EntryKind| accounts.values().filter_map(move |parts| parts.get(&kind));
        let carried = of(EntryKind::Settled).chain(of(EntryKind::Applied));
        prop_assert_eq!(carried.sum::<i128>(), 0);
    }
    Ok(aged.open_sum() != 0 && aged.unapplied != 0 && expected.has_later)
}

#[test]
fn inv_5_buckets_add_up_to_what_was_open_on_any_date() {
    let flows = prop_oneof![Just(Flow::Receivable), Just(Flow::Payable)];
    let dates = prop::collection::vec(-2_i64..75, 10);
    let values = (flows, prop::collection::vec(step(), 10..36), dates);
    let guarded = std::cell::Cell::new(0);
    for_all(
        48,
        values,
        &async |databases, name, (flow, steps, dates)| {
            for database in databases {
                let mut history = History::on(flow, name);
                for step in &steps {
                    let Some(writes) = history.take(step) else {
                        continue;
                    };
                    let mut work = Work::on(database).await;
                    for (key, body) in writes {
                        work.put(&key, body).await;
                    }
                    work.commit(database).await;
                }
                let mut now = database.snapshot();
                let mut then = database.snapshot_at(now.seq().await.expect("a head"));
                for (place, offset) in dates.iter().enumerate() {
                    let party = PARTIES.get(place % 4).copied();
                    for party in [None, party] {
                        let was = check(&mut now, &history, at(*offset), party).await?;
                        guarded.set(guarded.get() + u32::from(was));
                    }
                    check(&mut then, &history, at(*offset), party).await?;
                }
            }
            Ok(())
        },
    );
    eprintln!(
        "inv 5: {} dates with later settlements and credit",
        guarded.get()
    );
    assert!(guarded.get() >= 100);
}

/// A history of a few rows, on a database.
async fn played(database: &Fresh) -> History {
    let mut history = History::on(Flow::Receivable, "e1");
    let document = |on: i64, is_note: bool| Step::Document {
        minor: 4_000,
        on,
        due: Some(10),
        party: 0,
        is_note,
    };
    let settle = |by_note: bool, minor: i64| Step::Settle {
        by_note,
        source: 0,
        invoice: 0,
        minor,
        on: 9,
    };
    let steps = [
        document(0, false),
        document(3, true),
        Step::Payment {
            minor: 3_000,
            on: 4,
            party: None,
        },
        settle(false, 1_000),
        settle(true, 500),
        Step::WriteOff {
            invoice: 0,
            minor: 100,
            on: 12,
        },
    ];
    for step in steps {
        let mut work = Work::on(database).await;
        for (key, body) in history.take(&step).expect("it fits") {
            work.put(&key, body).await;
        }
        work.commit(database).await;
    }
    history
}

#[tokio::test]
async fn a_ledger_that_comes_later_is_filled() {
    for database in databases().await {
        let history = played(&database).await;
        // None was there; or one with a day that nobody posts on.
        for by_hand in [
            [
                "drop table ledger",
                "delete from migration where version = 3",
            ],
            [
                "update ledger set from_day = -4371587",
                "delete from migration where version = 4",
            ],
        ] {
            let mut raw = Raw::beside(&database).await;
            for text in by_hand {
                raw.run(text).await;
            }
            let second = database.second().await;
            assert_clean(&second).await;
            check(&mut second.snapshot(), &history, at(30), None)
                .await
                .expect("as before");
            second.close().await;
        }
    }
}

#[tokio::test]
async fn an_aging_of_an_earlier_commit_does_not_see_later_ones() {
    for database in databases().await {
        let head = played(&database).await;
        let asked = Asked {
            flow: Flow::Receivable,
            legal_entity: None,
            party: None,
            as_of_day: day(at(30)),
        };
        let mut balances = Vec::new();
        for seq in 1..=6 {
            let mut then = database.snapshot_at(seq);
            let aged = then.aging(&asked, &Buckets::default()).await;
            let aged = aged.expect("an aging").into_values().next();
            let aged = aged.expect("there are books");
            balances.push((aged.open_sum(), aged.unapplied));
        }
        let expected = [
            (4_000, 0),
            (4_000, 4_000),
            (4_000, 7_000),
            (3_000, 6_000),
            (2_500, 5_500),
            (2_400, 5_500),
        ];
        assert_eq!(balances, expected);
        assert_eq!(head.allocations.len(), 3);
    }
}

#[tokio::test]
async fn sums_beyond_64_bits_are_told() {
    for database in databases().await {
        let mut history = History::on(Flow::Receivable, "e1");
        for _ in 0..3 {
            let writes = history.document(i64::MAX, at(0), None, "p0", false);
            let mut work = Work::on(&database).await;
            for (key, body) in writes {
                work.put(&key, body).await;
            }
            work.commit(&database).await;
        }
        let asked = Asked {
            flow: Flow::Receivable,
            legal_entity: None,
            party: None,
            as_of_day: day(at(0)),
        };
        let mut now = database.snapshot();
        let aged = now.aging(&asked, &Buckets::default()).await;
        let sum = aged.expect("an aging").into_values().next();
        let sum = sum.expect("there are books").balance();
        assert_eq!(sum, 3 * i128::from(i64::MAX));
        let accounts = now.agings(&asked, &Buckets::default(), None, 10).await;
        let aged = accounts.expect("a page").into_values().next();
        assert_eq!(aged.expect("an account").balance(), sum);
        let accounts = now.balances(&asked, None, 10).await.expect("a page");
        let sum: i128 = accounts.values().flat_map(BTreeMap::values).sum();
        assert_eq!(sum, 3 * i128::from(i64::MAX));
    }
}
