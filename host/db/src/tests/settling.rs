//! Allocations, and what they leave open.

use bursar_domain::{
    invoice::{Invoice, Payment},
    row::{Kind, RowKey},
};
use jiff::civil::date;
use serde_json::Value;

use super::invoicing::{allocation, draft, euros, found, invoice_key, issue, payment};
use crate::{
    Database, Verdict,
    testing::{Work, assert_clean, committed, databases, refusal},
};

/// Sets allocations against invoice `i` and payment `p`, which a run left with these amounts open.
pub(super) async fn settle(
    database: &Database,
    taken: i64,
    open: i64,
    allocations: &[Value],
) -> Verdict {
    let mut work = Work::on(database).await;
    let row = work.get(&invoice_key("i")).await.expect("the invoice");
    let mut invoice: Invoice = row.decode().expect("an invoice");
    invoice.outstanding.minor = open;
    let body = serde_json::to_value(invoice).expect("JSON");
    work.put(&invoice_key("i"), body).await;
    let key = RowKey::of(Kind::Payment, "p");
    let row = work.get(&key).await.expect("the payment");
    let mut payment: Payment = row.decode().expect("a payment");
    payment.unallocated.minor -= taken;
    let body = serde_json::to_value(payment).expect("JSON");
    work.put(&key, body).await;
    for (place, body) in allocations.iter().enumerate() {
        let id = format!("a{}-{place}", work.draft.snapshot_seq);
        work.put(&RowKey::of(Kind::Allocation, &id), body.clone())
            .await;
    }
    work.propose(database).await
}

/// Tries allocations; gives the refusal's code, or "" for a commit.
async fn allocate(taken: i64, open: i64, amounts: &[i64]) -> Vec<String> {
    let mut codes = Vec::new();
    for database in databases().await {
        found(&database, &["e1"], None).await;
        issue(&database, "i", "e1", date(2026, 3, 1)).await;
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Payment, "p"), payment(10_000, "one"))
            .await;
        work.commit(&database).await;
        let allocations: Vec<_> = amounts
            .iter()
            .map(|amount| allocation(*amount, "2026-03-03"))
            .collect();
        codes.push(match settle(&database, taken, open, &allocations).await {
            Verdict::Refused(problem) => problem.code,
            Verdict::Committed { .. } => String::new(),
            other => panic!("{other:?}"),
        });
        assert_clean(&database).await;
    }
    codes.dedup();
    codes
}

#[tokio::test]
async fn inv_3_allocations_exceed_neither_payment_nor_invoice() {
    let cases: &[(i64, i64, &[i64], &str)] = &[
        (4_000, 6_000, &[4_000], ""),
        (10_000, 0, &[6_000, 4_000], ""),
        (10_001, -1, &[10_001], "invoice-over-settled"),
        (5_000, 5_000, &[4_000], "invoice-over-settled"),
        (4_000, 6_000, &[], "invoice-over-settled"),
        (4_000, 4_000, &[6_000], "payment-over-allocated"),
    ];
    for (taken, open, amounts, expected) in cases {
        assert_eq!(
            allocate(*taken, *open, amounts).await,
            [*expected],
            "{taken} {open} {amounts:?}"
        );
    }
}

/// The invoice has room for more.
#[tokio::test]
async fn inv_3_a_payment_settles_no_more_than_was_paid() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        issue(&database, "i", "e1", date(2026, 3, 1)).await;
        let mut small = payment(5_000, "small");
        small["amount"] = euros(5_000);
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Payment, "p"), small).await;
        work.commit(&database).await;
        let more = [allocation(5_001, "2026-03-03")];
        let verdict = settle(&database, 5_001, 4_999, &more).await;
        assert_eq!(refusal(verdict), "payment-over-allocated");
        let all = [allocation(5_000, "2026-03-03")];
        committed(settle(&database, 5_000, 5_000, &all).await);
        assert_clean(&database).await;
    }
}

#[tokio::test]
async fn inv_4_outstanding_is_what_allocations_leave() {
    for database in databases().await {
        found(&database, &["e1"], None).await;
        issue(&database, "i", "e1", date(2026, 3, 1)).await;
        let mut work = Work::on(&database).await;
        work.put(&RowKey::of(Kind::Payment, "p"), payment(10_000, "one"))
            .await;
        work.commit(&database).await;
        // Two runs that saw the same amounts open: the second is stale, and cannot be accepted when it reads again.
        let part = [allocation(6_000, "2026-03-03")];
        assert!(matches!(
            settle(&database, 6_000, 4_000, &part).await,
            Verdict::Committed { .. }
        ));
        let again = settle(&database, 6_000, 4_000, &part).await;
        assert_eq!(refusal(again), "invoice-over-settled");
        let row = database.snapshot().get(&invoice_key("i")).await;
        let invoice: Invoice = row
            .expect("a read")
            .expect("the invoice")
            .decode()
            .expect("one");
        assert_eq!(invoice.outstanding.minor, 4_000);

        // What is allocated is final, and a draft owes nothing.
        let mut work = Work::on(&database).await;
        let key = RowKey::of(Kind::Allocation, "x");
        work.put(&key, allocation(1, "2026-03-03")).await;
        assert_eq!(
            refusal(work.propose(&database).await),
            "allocation-unbalanced"
        );
        let mut work = Work::on(&database).await;
        let mut open_draft = draft("e1");
        open_draft["outstanding"] = euros(1);
        work.put(&invoice_key("d"), open_draft).await;
        assert_eq!(
            refusal(work.propose(&database).await),
            "invoice-over-settled"
        );
    }
}
