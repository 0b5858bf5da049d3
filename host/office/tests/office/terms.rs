//! Amounts that were paid in advance or are rounded, limits of write-offs, and warnings about duplicates.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, InvoiceContent, InvoiceState},
    money::Money,
};
use bursar_office::{Session, allocations::Part};
use jiff::civil::{Date, date};

use crate::organisation::{ENTITY, Organisation, code, content, entity, eur, faults, payment};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("a decimal")
}

#[tokio::test]
async fn what_is_due_is_what_is_owed() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let day = Some(date(2026, 3, 2));
    let rounded = InvoiceContent {
        prepaid: Some(decimal("30.5")),
        rounding: Some(decimal("0.02")),
        ..content(Flow::Receivable, &customer, "99.98")
    };
    let draft = session.draft_invoice("1", &rounded).await.expect("a draft");
    assert_eq!(draft.body.totals.due, Some(eur(6_950)));
    let issued = session.issue_invoice(&draft.id, None, None, day).await;
    let issued = issued.expect("issued");
    assert_eq!(
        (issued.body.totals.gross, issued.body.outstanding),
        (eur(9_998), eur(6_950))
    );
    office.commit(session).await;

    // Credited whole, what was paid in advance is left of the note.
    let mut session = office.person();
    let note = session.draft_credit_note("n", &draft.id, None).await;
    let note = note.expect("a note");
    assert_eq!(note.body.totals.due, Some(eur(10_000)));
    let note = session.issue_invoice(&note.id, None, None, day).await;
    assert_eq!(note.expect("issued").body.outstanding, eur(3_050));
    let credited = session.invoice(&draft.id).await.expect("there");
    assert_eq!(credited.body.outstanding, eur(0));
    office.commit(session).await;
}

#[tokio::test]
async fn amounts_paid_in_advance_are_checked() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let base = || content(Flow::Receivable, &customer, "100");
    let cases = [
        (Some(decimal("-1")), None, "/prepaid", "out-of-range"),
        (Some(decimal("0.001")), None, "/prepaid", "not-money"),
        (None, Some(decimal("0.001")), "/rounding", "not-money"),
        (Some(decimal("100.01")), None, "/prepaid", "negative-total"),
        (
            Some(decimal("100")),
            Some(decimal("-0.01")),
            "/prepaid",
            "negative-total",
        ),
    ];
    for (prepaid, rounding, pointer, expected) in cases {
        let wrong = InvoiceContent {
            prepaid,
            rounding,
            ..base()
        };
        let refused = faults(session.draft_invoice("1", &wrong).await);
        assert_eq!(refused, [(pointer.to_owned(), expected.to_owned())]);
    }
    let dated = InvoiceContent {
        supplier_date: Some(date(2026, 3, 1)),
        ..base()
    };
    assert_eq!(
        faults(session.draft_invoice("1", &dated).await),
        [("/supplier-date".to_owned(), "wrong-type".to_owned())]
    );
}

#[tokio::test]
async fn a_suppliers_date_counts_where_the_period_is_open() {
    let mut office = Organisation::open().await;
    let supplier = office.supplier.clone();
    let mut session = office.person();
    let cases = [
        (None, date(2026, 3, 2)),
        (Some(date(2026, 1, 1)), date(2026, 1, 1)),
        (Some(date(2025, 12, 31)), date(2026, 3, 2)),
        (Some(date(2026, 3, 3)), date(2026, 3, 2)),
    ];
    for (place, (supplier_date, expected)) in cases.into_iter().enumerate() {
        let bill = InvoiceContent {
            supplier_date,
            ..content(Flow::Payable, &supplier, "80")
        };
        let key = place.to_string();
        let bill = session.draft_invoice(&key, &bill).await.expect("taken in");
        assert_eq!(bill.body.posted_on, Some(expected), "{supplier_date:?}");
    }
    office.commit(session).await;
    let mut session = office.person();
    let mut locked = entity();
    locked.lock_date = Some(date(2026, 3, 2));
    session.put_entity(ENTITY, &locked).await.expect("put");
    let bill = content(Flow::Payable, &supplier, "80");
    assert_eq!(
        code(session.draft_invoice("x", &bill).await),
        "period-locked"
    );
}

async fn limited(office: &mut Organisation, limit: Option<Money>) {
    let mut session = office.person();
    let mut limited = entity();
    limited.write_off_max = limit;
    session.put_entity(ENTITY, &limited).await.expect("put");
    office.commit(session).await;
}

async fn issued(session: &mut Session, key: &str, content: &InvoiceContent) -> String {
    let draft = session.draft_invoice(key, content).await.expect("a draft");
    let day = Some(date(2026, 3, 2));
    let issued = session.issue_invoice(&draft.id, None, None, day).await;
    issued.expect("issued").id.to_string()
}

#[tokio::test]
async fn write_offs_of_one_invoice_keep_within_the_limit() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    limited(&mut office, Some(eur(500))).await;
    let mut session = office.person();
    let euros = content(Flow::Receivable, &customer, "100");
    let invoice = issued(&mut session, "1", &euros).await;
    let dollars = InvoiceContent {
        currency: "USD".to_owned(),
        ..euros.clone()
    };
    let foreign = issued(&mut session, "2", &dollars).await;
    let write_off = async |session: &mut Session, key: &str, invoice: &str, amount: Money| {
        session.write_off(key, invoice, amount, "rounding").await
    };
    let refused = write_off(&mut session, "a", &invoice, eur(501)).await;
    assert_eq!(code(refused), "over-limit");
    let cent = Money::new(1, "USD".parse().expect("a currency"));
    let refused = write_off(&mut session, "a", &foreign, cent).await;
    assert_eq!(code(refused), "currency-mismatch");
    write_off(&mut session, "a", &invoice, eur(300))
        .await
        .expect("within the limit");
    office.commit(session).await;

    let mut session = office.person();
    let refused = write_off(&mut session, "b", &invoice, eur(201)).await;
    assert_eq!(code(refused), "over-limit");
    write_off(&mut session, "b", &invoice, eur(200))
        .await
        .expect("the rest of it");
    let other = issued(&mut session, "3", &euros).await;
    write_off(&mut session, "c", &other, eur(500))
        .await
        .expect("each has its own limit");
    office.commit(session).await;
    limited(&mut office, None).await;
    let mut session = office.person();
    write_off(&mut session, "d", &invoice, eur(9_500))
        .await
        .expect("no limit");
}

#[tokio::test]
async fn a_limit_is_in_the_base_currency() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    for amount in [eur(-1), Money::new(1, "USD".parse().expect("a currency"))] {
        let mut wrong = entity();
        wrong.write_off_max = Some(amount);
        assert_eq!(
            faults(session.put_entity(ENTITY, &wrong).await),
            [("/write_off_max".to_owned(), "out-of-range".to_owned())]
        );
    }
}

/// A supplier's bill of some price, dated, under a number of its own.
fn bill(supplier: &str, number: &str, price: &str, dated: Date) -> InvoiceContent {
    InvoiceContent {
        supplier_number: Some(number.to_owned()),
        supplier_date: Some(dated),
        ..content(Flow::Payable, supplier, price)
    }
}

#[tokio::test]
async fn a_bill_of_the_same_amount_and_near_date_is_named() {
    let mut office = Organisation::open().await;
    let (supplier, other) = (office.supplier.clone(), office.customer.clone());
    let mut session = office.person();
    let mut taken = Vec::new();
    for (number, party, price, dated) in [
        ("A1", &supplier, "80", date(2026, 2, 1)),
        ("A2", &supplier, "80.01", date(2026, 2, 1)),
        ("A3", &other, "80", date(2026, 2, 1)),
        ("A4", &supplier, "80", date(2026, 1, 1)),
        ("A5", &supplier, "80", date(2026, 2, 20)),
        ("A6", &supplier, "80", date(2026, 2, 25)),
    ] {
        let bill = bill(party, number, price, dated);
        let bill = session
            .draft_invoice(number, &bill)
            .await
            .expect("taken in");
        taken.push(bill.id.to_string());
    }
    let rejected = session.step_invoice(&taken[5], None, InvoiceState::Rejected);
    rejected.await.expect("rejected");
    let check = async |session: &mut Session, place: usize, expected: &[usize]| {
        let found = session.duplicates_of(&taken[place]).await;
        let mut found = found.expect("an answer");
        found.sort();
        let mut expected: Vec<_> = expected.iter().map(|place| taken[*place].clone()).collect();
        expected.sort();
        assert_eq!(found, expected, "{place}");
    };
    check(&mut session, 0, &[4]).await;
    office.commit(session).await;
    let mut session = office.person();
    check(&mut session, 0, &[4]).await;
    check(&mut session, 1, &[]).await;
    check(&mut session, 2, &[]).await;
    check(&mut session, 3, &[]).await;
    check(&mut session, 4, &[0]).await;
    // A day before the first, 30 days after the fourth, 20 before the fifth.
    let near = bill(&supplier, "A7", "80", date(2026, 1, 31));
    let near = session.draft_invoice("A7", &near).await.expect("taken in");
    let mut found = session.duplicates_of(&near.id).await.expect("an answer");
    found.sort();
    let mut expected = vec![taken[0].clone(), taken[3].clone(), taken[4].clone()];
    expected.sort();
    assert_eq!(found, expected);

    let ours = content(Flow::Receivable, &other, "80");
    let one = issued(&mut session, "r1", &ours).await;
    issued(&mut session, "r2", &ours).await;
    let found = session.duplicates_of(&one).await.expect("an answer");
    assert!(found.is_empty(), "ours have numbers of their own");
}

#[tokio::test]
async fn a_payment_settles_what_is_due_and_no_more() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let part_paid = InvoiceContent {
        prepaid: Some(decimal("40")),
        ..content(Flow::Receivable, &customer, "100")
    };
    let invoice = issued(&mut session, "1", &part_paid).await;
    let paid = payment("R1", 10_000);
    let paid = session.record_payment("p", &paid).await.expect("a payment");
    let part = |minor: i64| Part {
        invoice: invoice.clone(),
        amount: eur(minor),
    };
    let too_much = session.allocate("a", &paid.id, &[part(6_001)]).await;
    assert_eq!(code(too_much), "over-settled");
    session
        .allocate("a", &paid.id, &[part(6_000)])
        .await
        .expect("all of it");
    office.commit(session).await;
}
