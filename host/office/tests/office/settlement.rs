//! Random histories of invoices, payments, allocations, write-offs and reversals, checked by the domain's own rules.

use std::collections::BTreeMap;

use bursar_domain::{
    decimal::Decimal,
    draft::Draft,
    invoice::{Allocation, Flow, Invoice, Payment, Settlement},
    row::{Kind, RowKey},
    settlement::check_settlement,
};
use bursar_office::{Error, Session, allocations::Part, credits::LineCredit};
use jiff::civil::date;
use proptest::prelude::*;
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
                let lines: Vec<LineCredit> = part
                    .map(|thousandths| LineCredit {
                        line: 1,
                        quantity: Decimal::new(thousandths, 3).expect("a decimal"),
                    })
                    .into_iter()
                    .collect();
                let invoice = pick(&self.invoices, invoice);
                let note = session.draft_credit_note(key, &invoice, &lines).await?;
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

/// What the commits so far say.
#[derive(Default)]
struct Before {
    invoices: BTreeMap<RowKey, Invoice>,
    payments: BTreeMap<RowKey, Payment>,
    allocations: Vec<Allocation>,
}

impl Before {
    /// Commits a session and takes what is stored then: the commit has given numbers.
    async fn commit(&mut self, office: &Organisation, session: Session) {
        let keys: Vec<RowKey> = session
            .draft()
            .changes()
            .iter()
            .map(|change| change.key.clone())
            .collect();
        if keys.is_empty() {
            return;
        }
        office.commit(session).await;
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
                before.commit(&office, session).await;
                session = office.person();
            }
        }
        before.commit(&office, session).await;
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
