//! Invoices, payments and what settles them, one rule at a time.

use bursar_db::Verdict;
use bursar_domain::{
    draft::Direction,
    index::Comparison,
    invoice::{Flow, InvoiceKind, InvoiceState},
};
use bursar_office::{
    Order, Paging, Session, Test,
    allocations::Part,
    describe::{describe, to_text},
    invoices::number_text,
};
use jiff::civil::date;
use serde_json::json;

use crate::organisation::{Organisation, code, content, eur, faults, grant, payment};

fn part(invoice: &str, minor: i64) -> Part {
    Part {
        invoice: invoice.to_owned(),
        amount: eur(minor),
    }
}

/// An issued receivable in the session's draft.
async fn issued(session: &mut Session, key: &str, party: &str, price: &str) -> String {
    let draft = session
        .draft_invoice(key, &content(Flow::Receivable, party, price))
        .await
        .expect("a draft");
    session
        .issue_invoice(
            &draft.id,
            Some(&draft.revision),
            None,
            Some(date(2026, 3, 2)),
        )
        .await
        .expect("issued");
    draft.id.to_string()
}

#[tokio::test]
async fn an_issued_invoice_gets_its_number_at_commit() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let draft = session
        .draft_invoice("1", &content(Flow::Receivable, &customer, "120.50"))
        .await
        .expect("a draft");
    assert_eq!(
        (draft.body.state, draft.body.outstanding),
        (InvoiceState::Draft, eur(0))
    );
    let day = Some(date(2026, 3, 2));
    let invoice = session
        .issue_invoice(&draft.id, None, None, day)
        .await
        .expect("issued");
    assert_eq!(
        (invoice.body.state, invoice.body.outstanding),
        (InvoiceState::Issued, eur(12_050))
    );
    assert!(number_text(&invoice).contains(&*draft.id));
    assert_eq!(
        code(session.issue_invoice(&draft.id, None, None, None).await),
        "wrong-state"
    );
    let mail = bursar_office::messages::NewMail {
        to: vec!["a@example.com".to_owned()],
        subject: format!("Invoice {}", number_text(&invoice)),
        ..Default::default()
    };
    session.mail("1", &mail).await.expect("a mail");
    let text = to_text(
        &describe(&office.database, session.draft())
            .await
            .expect("described"),
    );
    assert!(text.contains("Invoice (number pending)"), "{text}");
    let Verdict::Committed { numbers, .. } = office.commit(session).await else {
        panic!("committed")
    };
    assert_eq!(
        numbers.get(&*draft.id).map(String::as_str),
        Some("INV-2026-000001")
    );
    let stored = office.person().invoice(&draft.id).await.expect("there");
    assert_eq!(number_text(&stored), "INV-2026-000001");
    assert_eq!(stored.body.issue_date, day);
}

#[tokio::test]
async fn money_can_be_set_against_an_invoice_of_the_same_session() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &customer, "100").await;
    let paid = session
        .record_payment("1", &payment("R1", 9_800))
        .await
        .expect("a payment");
    session
        .allocate("1", &paid.id, &[part(&invoice, 9_800)])
        .await
        .expect("allocated");
    let rest = session
        .write_off("1", &invoice, eur(200), "cash-discount")
        .await
        .expect("written off");
    assert_eq!(rest.body.outstanding, eur(0));
    office.commit(session).await;
    let stored = office.person().invoice(&invoice).await.expect("there");
    assert_eq!(
        (stored.body.outstanding, stored.body.number.as_deref()),
        (eur(0), Some("INV-2026-000001"))
    );
}

#[tokio::test]
async fn inv_9_the_same_key_never_gives_two() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &customer, "100").await;
    let paid = session
        .record_payment("p", &payment("R1", 5_000))
        .await
        .expect("a payment");
    session
        .allocate("a", &paid.id, &[part(&invoice, 5_000)])
        .await
        .expect("allocated");
    office.commit(session).await;
    let mut session = office.person();
    let again = session
        .draft_invoice("1", &content(Flow::Receivable, &customer, "100"))
        .await
        .expect("the same");
    assert_eq!(
        (&*again.id, again.body.state),
        (&*invoice, InvoiceState::Issued)
    );
    assert_eq!(
        session
            .record_payment("p", &payment("R1", 5_000))
            .await
            .expect("the same")
            .id,
        paid.id
    );
    let heads = session
        .allocate("a", &paid.id, &[part(&invoice, 5_000)])
        .await
        .expect("the same");
    assert_eq!(
        heads.first().map(|head| head.body.outstanding),
        Some(eur(5_000))
    );
    assert!(session.draft().is_empty());
    assert_eq!(
        code(session.record_payment("p", &payment("R1", 5_001)).await),
        "key-reused"
    );
    assert_eq!(
        code(session.record_payment("q", &payment("R1", 5_000)).await),
        "not-unique"
    );
}

#[tokio::test]
async fn a_reversal_takes_back_all_that_a_payment_settled() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let (one, two) = (
        issued(&mut session, "1", &customer, "60").await,
        issued(&mut session, "2", &customer, "50").await,
    );
    let paid = session
        .record_payment("p", &payment("R1", 12_000))
        .await
        .expect("a payment");
    session
        .allocate("a", &paid.id, &[part(&one, 6_000)])
        .await
        .expect("allocated");
    office.commit(session).await;
    let mut session = office.person();
    session
        .allocate("b", &paid.id, &[part(&two, 4_000)])
        .await
        .expect("allocated");
    let reversal = session
        .reverse_payment("r", &paid.id, date(2026, 3, 2), "returned")
        .await
        .expect("reversed");
    assert_eq!(reversal.body.amount, eur(-12_000));
    assert_eq!(reversal.body.reverses.as_deref(), Some(&*paid.id));
    for (invoice, gross) in [(&one, 6_000), (&two, 5_000)] {
        assert_eq!(
            session
                .invoice(invoice)
                .await
                .expect("there")
                .body
                .outstanding,
            eur(gross)
        );
    }
    let undone = session.payment(&paid.id).await.expect("there");
    assert_eq!(
        (undone.body.unallocated, undone.body.reversed_by.as_deref()),
        (eur(0), Some(&*reversal.id))
    );
    assert_eq!(
        code(
            session
                .reverse_payment("s", &paid.id, date(2026, 3, 2), "")
                .await
        ),
        "reversed"
    );
    assert_eq!(
        code(
            session
                .reverse_payment("s", &reversal.id, date(2026, 3, 2), "")
                .await
        ),
        "reversed"
    );
    assert_eq!(
        code(session.allocate("c", &paid.id, &[part(&one, 1)]).await),
        "reversed"
    );
    let again = session
        .reverse_payment("r", &paid.id, date(2026, 3, 2), "returned")
        .await
        .expect("the same");
    assert_eq!(again.id, reversal.id);
    office.commit(session).await;
}

#[tokio::test]
async fn allocations_that_do_not_fit_are_refused_whole() {
    let mut office = Organisation::open().await;
    let (customer, supplier) = (office.customer.clone(), office.supplier.clone());
    let mut session = office.person();
    let one = issued(&mut session, "1", &customer, "60").await;
    let draft = session
        .draft_invoice("d", &content(Flow::Receivable, &customer, "60"))
        .await
        .expect("a draft");
    let payable = session
        .draft_invoice("s", &content(Flow::Payable, &supplier, "60"))
        .await
        .expect("received");
    let paid = session
        .record_payment("p", &payment("R1", 5_000))
        .await
        .expect("a payment");
    let changes = session.draft().changes().len();
    let mut check = async |parts: &[Part]| code(session.allocate("a", &paid.id, parts).await);
    assert_eq!(check(&[]).await, "wrong-count");
    assert_eq!(check(&vec![part(&one, 1); 1001]).await, "wrong-count");
    assert_eq!(check(&[part(&one, 1), part(&one, 1)]).await, "duplicate");
    assert_eq!(check(&[part(&one, 0)]).await, "out-of-range");
    assert_eq!(check(&[part(&one, i64::MIN)]).await, "out-of-range");
    assert_eq!(check(&[part(&one, 5_001)]).await, "over-allocated");
    assert_eq!(check(&[part(&one, 6_001)]).await, "over-settled");
    assert_eq!(check(&[part(&one, i64::MAX)]).await, "over-settled");
    assert_eq!(check(&[part(&draft.id, 1)]).await, "wrong-state");
    assert_eq!(check(&[part(&payable.id, 1)]).await, "not-found");
    assert_eq!(check(&[part("é", 1)]).await, "unknown");
    let francs = Part {
        invoice: one.clone(),
        amount: bursar_domain::money::Money::new(1, "CHF".parse().expect("a currency")),
    };
    assert_eq!(check(&[francs]).await, "currency-mismatch");
    assert_eq!(
        code(session.allocate("a", &one, &[part(&one, 1)]).await),
        "source-unusable"
    );
    assert_eq!(
        code(session.allocate("a", "nothing", &[part(&one, 1)]).await),
        "not-found"
    );
    assert_eq!(
        code(session.write_off("w", &one, eur(6_001), "rounding").await),
        "over-settled"
    );
    assert_eq!(
        code(session.write_off("w", &one, eur(0), "").await),
        "empty"
    );
    assert_eq!(session.draft().changes().len(), changes);
}

#[tokio::test]
async fn inv_10_nothing_is_posted_into_a_locked_period() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let draft = session
        .draft_invoice("1", &content(Flow::Receivable, &customer, "60"))
        .await
        .expect("a draft");
    let locked = Some(date(2025, 12, 31));
    assert_eq!(
        code(session.issue_invoice(&draft.id, None, None, locked).await),
        "period-locked"
    );
    let mut old = payment("R1", 1);
    old.value_date = date(2025, 12, 31);
    assert_eq!(
        faults(session.record_payment("p", &old).await),
        [("/value-date".to_owned(), "period-locked".to_owned())]
    );
    let paid = session
        .record_payment("p", &payment("R1", 1))
        .await
        .expect("a payment");
    assert_eq!(
        code(
            session
                .reverse_payment("r", &paid.id, date(2025, 1, 1), "")
                .await
        ),
        "period-locked"
    );
    session
        .issue_invoice(&draft.id, None, None, Some(date(2026, 1, 1)))
        .await
        .expect("the day after");
    office.commit(session).await;
}

#[tokio::test]
async fn a_suppliers_number_is_taken_once_however_it_is_written() {
    let mut office = Organisation::open().await;
    let (customer, supplier) = (office.customer.clone(), office.supplier.clone());
    let mut session = office.person();
    let numbered = |party: &str, number: &str| {
        let mut content = content(Flow::Payable, party, "60");
        content.supplier_number = Some(number.to_owned());
        content
    };
    let first = session
        .draft_invoice("1", &numbered(&supplier, "RE 2026/17"))
        .await
        .expect("received");
    assert_eq!(
        (first.body.state, first.body.outstanding),
        (InvoiceState::Received, eur(6_000))
    );
    assert_eq!(
        code(
            session
                .draft_invoice("2", &numbered(&supplier, "re-2026-17"))
                .await
        ),
        "not-unique"
    );
    session
        .draft_invoice("2", &numbered(&customer, "re-2026-17"))
        .await
        .expect("another supplier's");
    assert_eq!(
        code(session.draft_invoice("3", &numbered(&supplier, "--")).await),
        "wrong-type"
    );
    assert_eq!(
        code(session.issue_invoice(&first.id, None, None, None).await),
        "wrong-state"
    );
    office.commit(session).await;
}

#[tokio::test]
async fn a_dunning_level_is_recorded_once_whoever_records_it() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &customer, "60").await;
    assert_eq!(
        session
            .dun_invoice(&invoice, 2)
            .await
            .expect("recorded")
            .body
            .dunning_level,
        2
    );
    office.commit(session).await;
    let dun = grant(json!({"kind": "invoices", "flow": "receivable", "operations": ["dun"]}));
    let mut session = office.automation(&[dun]);
    assert_eq!(
        code(session.dun_invoice(&invoice, 2).await),
        "level-recorded"
    );
    assert_eq!(
        session
            .dun_invoice(&invoice, 1)
            .await
            .expect("recorded")
            .body
            .dunning_level,
        2
    );
    assert_eq!(code(session.dun_invoice(&invoice, 0).await), "out-of-range");
    assert_eq!(
        code(session.dun_invoice(&invoice, u32::MAX).await),
        "out-of-range"
    );
    office.commit(session).await;
}

#[tokio::test]
async fn content_is_checked_as_a_whole() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let mut bad = content(Flow::Receivable, &customer, "10");
    bad.currency = "XXX".to_owned();
    bad.lines[0].description = String::new();
    bad.lines[0].extra = json!(1);
    bad.supplier_number = Some("1".to_owned());
    let found: Vec<String> = faults(session.draft_invoice("1", &bad).await)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    assert_eq!(
        found,
        [
            "/currency",
            "/lines/0/description",
            "/lines/0/extra",
            "/supplier-number"
        ]
    );
    let mut check = async |change: &dyn Fn(&mut bursar_domain::invoice::InvoiceContent)| {
        let mut content = content(Flow::Receivable, &customer, "10");
        change(&mut content);
        code(session.draft_invoice("1", &content).await)
    };
    assert_eq!(check(&|content| content.lines.clear()).await, "wrong-count");
    assert_eq!(
        check(&|content| content.legal_entity = "nobody".to_owned()).await,
        "unknown"
    );
    assert_eq!(
        check(&|content| content.party = "é".to_owned()).await,
        "unknown"
    );
    assert_eq!(
        check(&|content| content.corrects = Some("x".to_owned())).await,
        "unknown"
    );
    assert_eq!(
        check(&|content| content.lines[0].tax.category = String::new()).await,
        "totals-invalid"
    );
    assert_eq!(
        check(&|content| content.lines[0].unit_price = "-1".parse().expect("a decimal")).await,
        "negative-total"
    );
    let huge = "999999999999999999";
    let overflow = |content: &mut bursar_domain::invoice::InvoiceContent| {
        content.lines[0].unit_price = huge.parse().expect("a decimal");
        content.lines[0].quantity = huge.parse().expect("a decimal");
    };
    assert_eq!(check(&overflow).await, "totals-invalid");
    assert_eq!(
        code(session.record_payment("p", &payment("R", i64::MIN)).await),
        "out-of-range"
    );
    assert_eq!(
        code(session.record_payment("p", &payment("", 1)).await),
        "empty"
    );
    assert!(session.draft().is_empty());
}

#[tokio::test]
async fn invoices_of_a_flow_without_grant_do_not_exist() {
    let mut office = Organisation::open().await;
    let (customer, supplier) = (office.customer.clone(), office.supplier.clone());
    let mut session = office.person();
    let ours = issued(&mut session, "1", &customer, "60").await;
    let theirs = session
        .draft_invoice("2", &content(Flow::Payable, &supplier, "60"))
        .await
        .expect("received");
    office.commit(session).await;
    let read = grant(json!({"kind": "invoices", "flow": "receivable", "operations": ["read"]}));
    let mut session = office.automation(&[read]);
    assert_eq!(code(session.invoice(&theirs.id).await), "not-found");
    let order = [Order {
        field: "outstanding".to_owned(),
        direction: Direction::Descending,
    }];
    let open = [Test {
        field: "outstanding".to_owned(),
        comparison: Comparison::Greater,
        values: vec![json!(0)],
    }];
    let found = session
        .search_invoices(&open, &order, &Paging::first())
        .await
        .expect("a page");
    assert_eq!(
        found.items.iter().map(|row| &*row.id).collect::<Vec<_>>(),
        [&*ours]
    );
    let theirs_too = [Test {
        field: "flow".to_owned(),
        comparison: Comparison::Equal,
        values: vec![json!("payable")],
    }];
    assert!(
        session
            .search_invoices(&theirs_too, &[], &Paging::first())
            .await
            .expect("a page")
            .items
            .is_empty()
    );
    assert_eq!(code(session.dun_invoice(&ours, 1).await), "not-granted");
    assert_eq!(
        code(session.record_payment("p", &payment("R1", 1)).await),
        "not-granted"
    );
    let mut nobody = office.automation(&[]);
    assert_eq!(code(nobody.invoice(&ours).await), "not-granted");
    assert_eq!(
        code(nobody.search_payments(&[], &[], &Paging::first()).await),
        "not-granted"
    );
}

#[tokio::test]
async fn a_credit_note_has_a_series_of_its_own() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &customer, "60").await;
    office.commit(session).await;
    let mut session = office.person();
    let mut note = content(Flow::Receivable, &customer, "10");
    note.kind = InvoiceKind::CreditNote;
    note.corrects = Some(invoice);
    let note = session.draft_invoice("2", &note).await.expect("a draft");
    assert_eq!(
        code(
            session
                .issue_invoice(&note.id, None, Some("cn/1"), None)
                .await
        ),
        "not-a-slug"
    );
    session
        .issue_invoice(&note.id, None, None, Some(date(2026, 3, 3)))
        .await
        .expect("issued");
    let Verdict::Committed { numbers, .. } = office.commit(session).await else {
        panic!("committed")
    };
    assert_eq!(
        numbers.get(&*note.id).map(String::as_str),
        Some("CN-2026-000001")
    );
}
