//! Random histories of invoices, payments, allocations, write-offs and reversals, checked by the domain's own rules.

use std::collections::BTreeMap;

use bursar_domain::{
    aging::Buckets,
    decimal::Decimal,
    draft::Draft,
    invoice::{Allocation, Flow, Invoice, Payment, Settlement},
    money::Money,
    row::{Kind, RowKey},
    settlement::check_settlement,
};
use bursar_office::{
    Error, Paging, Session,
    aging::{Accounts, AgedBooks, Aging, Balance, Balances},
    allocations::Part,
    credits::LineCredit,
};
use jiff::civil::date;
use proptest::{prelude::*, test_runner::TestRunner};
use serde::de::DeserializeOwned;

use crate::organisation::{Organisation, content, eur, payment};

/// One attempt; places count from the first invoice or payment and wrap.
#[derive(Clone, Debug)]
enum Attempt {
    Invoice(i64),
    Pay(i64),
    Allocate {
        payment: usize,
        parts: Vec<(usize, i64)>,
    },
    WriteOff(usize, i64),
    Reverse(usize),
    /// Thousandths of the one line's quantity; none is the whole invoice.
    Credit(usize, Option<i64>),
    AllocateNote(usize, Vec<(usize, i64)>),
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let amount = || -3_i64..60;
    prop_oneof![
        2 => (0_i64..50).prop_map(Attempt::Invoice),
        2 => amount().prop_map(Attempt::Pay),
        5 => (0_usize..6, proptest::collection::vec((0_usize..6, amount()), 0..4))
            .prop_map(|(payment, parts)| Attempt::Allocate { payment, parts }),
        2 => (0_usize..6, amount()).prop_map(|(invoice, amount)| Attempt::WriteOff(invoice, amount)),
        1 => (0_usize..6).prop_map(Attempt::Reverse),
        3 => (0_usize..6, proptest::option::of(-100_i64..1100)).prop_map(|(invoice, part)| Attempt::Credit(invoice, part)),
        3 => (0_usize..6, proptest::collection::vec((0_usize..6, amount()), 0..3))
            .prop_map(|(note, parts)| Attempt::AllocateNote(note, parts)),
    ]
}

struct History {
    invoices: Vec<String>,
    notes: Vec<String>,
    payments: Vec<String>,
}

impl History {
    fn parts(&self, parts: Vec<(usize, i64)>) -> Vec<Part> {
        let part = |(place, minor): (usize, i64)| Part {
            invoice: self
                .invoices
                .get(place % self.invoices.len().max(1))
                .cloned()
                .unwrap_or_default(),
            amount: eur(minor),
        };
        parts.into_iter().map(part).collect()
    }

    /// Tries one step; what does not fit has to be refused by the session, never by the host.
    async fn attempt(
        &mut self,
        session: &mut Session,
        customer: &str,
        key: &str,
        attempt: Attempt,
    ) -> Result<(), Error> {
        let pick = |ids: &[String], place: usize| {
            ids.get(place % ids.len().max(1))
                .cloned()
                .unwrap_or_default()
        };
        match attempt {
            Attempt::Invoice(minor) => {
                let price = format!("{}.{:02}", minor / 100, minor % 100);
                let draft = session
                    .draft_invoice(key, &content(Flow::Receivable, customer, &price))
                    .await?;
                self.invoices.push(draft.id.to_string());
                session
                    .issue_invoice(&draft.id, None, None, Some(date(2026, 3, 2)))
                    .await?;
            }
            Attempt::Pay(minor) => {
                let paid = session.record_payment(key, &payment(key, minor)).await?;
                self.payments.push(paid.id.to_string());
            }
            Attempt::Allocate { payment, parts } => {
                let parts = self.parts(parts);
                session
                    .allocate(key, &pick(&self.payments, payment), &parts)
                    .await?;
            }
            Attempt::WriteOff(invoice, minor) => {
                session
                    .write_off(key, &pick(&self.invoices, invoice), eur(minor), "rounding")
                    .await?;
            }
            Attempt::Credit(invoice, part) => {
                let line = part.map(|thousandths| LineCredit {
                    line: 1,
                    quantity: Decimal::new(thousandths, 3).expect("a decimal"),
                });
                let lines = line.as_ref().map(std::slice::from_ref);
                let invoice = pick(&self.invoices, invoice);
                let note = session.draft_credit_note(key, &invoice, lines).await?;
                let day = Some(date(2026, 3, 2));
                match session.issue_invoice(&note.id, None, None, day).await {
                    Ok(_) => self.notes.push(note.id.to_string()),
                    // More than was invoiced: the draft stays one.
                    Err(error) => assert!(!error.is_host(), "{error}"),
                }
            }
            Attempt::AllocateNote(note, parts) => {
                let parts = self.parts(parts);
                session
                    .allocate(key, &pick(&self.notes, note), &parts)
                    .await?;
            }
            Attempt::Reverse(payment) => {
                session
                    .reverse_payment(
                        key,
                        &pick(&self.payments, payment),
                        date(2026, 3, 2),
                        "returned",
                    )
                    .await?;
            }
        }
        Ok(())
    }
}

/// Rows of a kind in a draft, each with its image before.
fn images<T: DeserializeOwned + Clone>(
    draft: &Draft,
    kind: Kind,
    before: &BTreeMap<RowKey, T>,
) -> BTreeMap<String, (Option<T>, T)> {
    let changes = draft
        .changes()
        .iter()
        .filter(|change| change.key.kind == kind);
    let decode = |body: &serde_json::Value| T::deserialize(body).expect("a good image");
    changes
        .filter_map(|change| {
            Some((
                change.key.id.to_string(),
                (
                    before.get(&change.key).cloned(),
                    decode(change.body.as_deref()?),
                ),
            ))
        })
        .collect()
}

fn check(draft: &Draft, before: &Before) {
    let invoices = images::<Invoice>(draft, Kind::Invoice, &before.invoices);
    let payments = images::<Payment>(draft, Kind::Payment, &before.payments);
    let allocations: Vec<Allocation> = images(draft, Kind::Allocation, &BTreeMap::new())
        .into_values()
        .map(|(_, it)| it)
        .collect();
    check_settlement(&invoices, &payments, &allocations).expect("the draft adds up");
}

/// What is owed as a session saw it with its draft, as it was seen after the commit, and as the images say.
struct Seen {
    drafted: (Aging, Balances),
    stored: (Aging, Balances),
    open: i64,
    unapplied: i64,
}

async fn owed(session: &mut Session) -> (Aging, Balances) {
    let accounts = Accounts {
        flow: Flow::Receivable,
        legal_entity: None,
        party: None,
        as_of: None,
    };
    let aging = session.aging(&accounts, &Buckets::default()).await;
    let balances = session.balances(&accounts, &Paging::first()).await;
    (aging.expect("an aging"), balances.expect("balances"))
}

/// What the commits so far say.
#[derive(Default)]
struct Before {
    seen: Vec<Seen>,
    invoices: BTreeMap<RowKey, Invoice>,
    payments: BTreeMap<RowKey, Payment>,
    allocations: Vec<Allocation>,
}

impl Before {
    /// Commits a session and takes what is stored then: the commit has given numbers.
    async fn commit(&mut self, office: &mut Organisation, mut session: Session) {
        let keys: Vec<RowKey> = session
            .draft()
            .changes()
            .iter()
            .map(|change| change.key.clone())
            .collect();
        if keys.is_empty() {
            return;
        }
        let drafted = owed(&mut session).await;
        office.commit(session).await;
        let stored = owed(&mut office.person()).await;
        for row in office
            .database
            .snapshot()
            .get_many(&keys)
            .await
            .expect("the database answers")
        {
            match row.key.kind {
                Kind::Invoice => drop(
                    self.invoices
                        .insert(row.key.clone(), row.decode().expect("an invoice")),
                ),
                Kind::Payment => drop(
                    self.payments
                        .insert(row.key.clone(), row.decode().expect("a payment")),
                ),
                Kind::Allocation => self.allocations.push(row.decode().expect("an allocation")),
                _ => {}
            }
        }
        let (open, unapplied) = self.rests();
        self.seen.push(Seen {
            drafted,
            stored,
            open,
            unapplied,
        });
    }

    /// What the images say is open of invoices, and left of payments and credit notes.
    fn rests(&self) -> (i64, i64) {
        let outstanding = |is_note: bool| -> i64 {
            let such = self
                .invoices
                .values()
                .filter(|it| it.is_credit_note() == is_note);
            such.map(|it| it.outstanding.minor).sum()
        };
        let unallocated: i64 = self.payments.values().map(|it| it.unallocated.minor).sum();
        (outstanding(false), outstanding(true) + unallocated)
    }

    fn settled(&self, of: impl Fn(&Allocation) -> bool) -> i64 {
        self.allocations
            .iter()
            .filter(|allocation| of(allocation))
            .map(|allocation| allocation.amount.minor)
            .sum()
    }
}

/// Plays a history in sessions of three attempts each and gives what it led to.
fn play(attempts: Vec<Attempt>) -> Before {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut office = Organisation::open().await;
        let customer = office.customer.clone();
        let (mut history, mut before) = (
            History {
                invoices: Vec::new(),
                notes: Vec::new(),
                payments: Vec::new(),
            },
            Before::default(),
        );
        let mut session = office.person();
        for (place, attempt) in attempts.into_iter().enumerate() {
            let changes = session.draft().changes().len();
            if let Err(error) = history
                .attempt(
                    &mut session,
                    &customer,
                    &format!("k{place}"),
                    attempt.clone(),
                )
                .await
            {
                assert!(!error.is_host(), "{attempt:?}: {error}");
                assert_eq!(
                    session.draft().changes().len(),
                    changes,
                    "{attempt:?} was refused and left something"
                );
            }
            check(session.draft(), &before);
            if place % 3 == 2 {
                before.commit(&mut office, session).await;
                session = office.person();
            }
        }
        before.commit(&mut office, session).await;
        before
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inv_3_allocations_never_exceed_payment_or_invoice(attempts in proptest::collection::vec(attempt(), 1..30)) {
        let end = play(attempts);
        for (key, payment) in &end.payments {
            let used = end.settled(|it| it.settlement == Settlement::Payment && *it.source == *key.id);
            prop_assert!(payment.reverses.is_some() || (0..=payment.amount.minor).contains(&used), "{key}: {used}");
            let rest = if payment.reverses.is_some() || payment.reversed_by.is_some() { 0 } else { payment.amount.minor - used };
            prop_assert_eq!(payment.unallocated.minor, rest);
        }
        for (key, invoice) in &end.invoices {
            let settled = end.settled(|it| *it.invoice == *key.id || *it.source == *key.id);
            prop_assert!((0..=invoice.totals.gross.minor).contains(&settled), "{key}: {settled}");
            let notes = end.invoices.values().filter(|note| note.number.is_some() && note.content.corrects.as_deref() == Some(&*key.id));
            let credited: i64 = notes.map(|note| note.totals.gross.minor).sum();
            prop_assert!(credited <= invoice.totals.gross.minor, "{key}: {credited} credited");
            prop_assert_eq!(invoice.credited.as_ref().map_or(0, |credited| credited.gross.minor), credited);
        }
    }

    #[test]
    fn inv_4_outstanding_adds_up(attempts in proptest::collection::vec(attempt(), 1..30)) {
        let end = play(attempts);
        for (key, invoice) in &end.invoices {
            if invoice.number.is_none() {
                // The issue was refused, so the draft is all there is.
                prop_assert_eq!(invoice.outstanding.minor, 0);
                continue;
            }
            let settled = end.settled(|it| *it.invoice == *key.id || *it.source == *key.id);
            prop_assert_eq!(invoice.outstanding.minor, invoice.totals.gross.minor - settled, "{}", key);
        }
    }
}

#[test]
fn inv_5_what_is_open_and_unapplied_is_the_balance() {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let guarded = std::cell::Cell::new(0);
    let outcome = runner.run(&proptest::collection::vec(attempt(), 8..40), |attempts| {
        for seen in play(attempts).seen {
            let (aging, balances) = &seen.stored;
            prop_assert_eq!(&seen.drafted, &seen.stored);
            let of = |of: fn(&AgedBooks) -> Money| -> i64 {
                aging.books.iter().map(|books| of(books).minor).sum()
            };
            let buckets = aging.books.iter().flat_map(|books| &books.buckets);
            let buckets: i64 = buckets.map(|bucket| bucket.amount.minor).sum();
            prop_assert_eq!(buckets, seen.open);
            prop_assert_eq!(of(|books| books.open), seen.open);
            prop_assert_eq!(of(|books| books.unapplied), seen.unapplied);
            let parts = |it: &Balance| {
                it.issued.minor - it.credited.minor - it.received.minor + it.refunded.minor
                    - it.written_off.minor
                    - it.settled_before.minor
                    + it.carried.minor
            };
            prop_assert!(
                balances
                    .items
                    .iter()
                    .all(|it| parts(it) == it.balance.minor)
            );
            let sum: i64 = balances.items.iter().map(|it| it.balance.minor).sum();
            prop_assert_eq!(sum, of(|books| books.balance));
            prop_assert_eq!(sum, seen.open - seen.unapplied);
            let occurs = seen.open != 0 && seen.unapplied != 0;
            guarded.set(guarded.get() + u32::from(occurs));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    eprintln!(
        "inv 5: {} commits with open invoices and credit",
        guarded.get()
    );
    assert!(guarded.get() >= 100);
}
