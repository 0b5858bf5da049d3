//! Credit notes, the steps of payables, discarded drafts, and items that were open before the office began.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, InvoiceContent, InvoiceKind, InvoiceState, Line},
    totals::Tax,
};
use bursar_office::{Session, allocations::Part, credits::LineCredit, openings::OpenItem};
use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::organisation::{Organisation, code, content, eur, faults, grant, payment};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).expect("a decimal")
}

fn part(invoice: &str, minor: i64) -> Part {
    Part {
        invoice: invoice.to_owned(),
        amount: eur(minor),
    }
}

fn line(quantity: i64, price_minor: i64, category: &str, rate: i64) -> Line {
    Line {
        description: "Work".to_owned(),
        quantity: Decimal::new(quantity, 1).expect("a decimal"),
        unit: "HUR".to_owned(),
        unit_price: Decimal::new(price_minor, 2).expect("a decimal"),
        tax: Tax {
            category: category.to_owned(),
            rate: Decimal::new(rate, 0).expect("a decimal"),
        },
        adjustments: Vec::new(),
        takes_back: None,
        extra: Value::Null,
    }
}

async fn issued(session: &mut Session, key: &str, content: &InvoiceContent) -> String {
    let draft = session.draft_invoice(key, content).await.expect("a draft");
    issue(session, &draft.id).await;
    draft.id.to_string()
}

async fn issue(session: &mut Session, id: &str) {
    let day = Some(date(2026, 3, 2));
    let issued = session.issue_invoice(id, None, None, day).await;
    issued.expect("issued");
}

async fn credited(session: &mut Session, key: &str, invoice: &str, lines: &[LineCredit]) -> String {
    let lines = Some(lines).filter(|lines| !lines.is_empty());
    let note = session.draft_credit_note(key, invoice, lines).await;
    let note = note.expect("a draft").id.to_string();
    issue(session, &note).await;
    note
}

fn some_of(line: u32, quantity: &str) -> LineCredit {
    LineCredit {
        line,
        quantity: decimal(quantity),
    }
}

#[tokio::test]
async fn a_credit_note_is_set_against_its_invoice_and_the_rest_against_others() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let one = issued(
        &mut session,
        "1",
        &content(Flow::Receivable, &customer, "100"),
    )
    .await;
    let other = issued(
        &mut session,
        "2",
        &content(Flow::Receivable, &customer, "30"),
    )
    .await;
    let paid = session.record_payment("p", &payment("R1", 8_000)).await;
    let paid = paid.expect("a payment").id;
    let allocated = session.allocate("a", &paid, &[part(&one, 8_000)]).await;
    allocated.expect("allocated");
    let note = credited(&mut session, "n", &one, &[some_of(1, "0.5")]).await;
    let open = async |session: &mut Session, id: &str| {
        let found = session.invoice(id).await.expect("an invoice");
        found.body.outstanding
    };
    assert_eq!(open(&mut session, &one).await, eur(0));
    assert_eq!(open(&mut session, &note).await, eur(3_000));
    let left = session.allocate("b", &note, &[part(&other, 3_001)]).await;
    assert_eq!(code(left), "over-settled");
    let settled = session.allocate("b", &note, &[part(&other, 2_000)]).await;
    settled.expect("allocated");
    office.commit(session).await;
    let mut session = office.person();
    assert_eq!(open(&mut session, &other).await, eur(1_000));
    assert_eq!(open(&mut session, &note).await, eur(1_000));
    let number = session.invoice(&note).await.expect("a note").body.number;
    assert_eq!(number.as_deref(), Some("CN-2026-000001"));
}

#[tokio::test]
async fn the_same_key_gives_the_same_note_whatever_was_credited_since() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let rounded = InvoiceContent {
        rounding: Some(decimal("0.02")),
        ..content(Flow::Receivable, &customer, "99.98")
    };
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &rounded).await;
    let note = credited(&mut session, "n", &invoice, &[]).await;
    let again = session.draft_credit_note("n", &invoice, None).await;
    assert_eq!(*again.expect("the first one again").id, *note);
    let other = session
        .draft_credit_note("n", &invoice, Some(&[some_of(1, "1")]))
        .await;
    assert_eq!(code(other), "key-reused");
    let crowd = vec![some_of(1, "0"); 1001];
    for lines in [&crowd[..], &[]] {
        let refused = session.draft_credit_note("m", &invoice, Some(lines)).await;
        assert_eq!(
            faults(refused),
            [("/lines".to_owned(), "wrong-count".to_owned())]
        );
    }
    office.commit(session).await;
}

#[tokio::test]
async fn crediting_is_drafting_and_steps_are_approving() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let invoice = issued(
        &mut session,
        "1",
        &content(Flow::Receivable, &customer, "100"),
    )
    .await;
    let received = content(Flow::Payable, &customer, "10");
    let bill = session.draft_invoice("2", &received).await;
    let bill = bill.expect("received").id;
    office.commit(session).await;
    let granted = |flow: &str, operations: &[&str]| {
        grant(json!({"kind": "invoices", "flow": flow, "operations": operations}))
    };
    for (grants, credit, step) in [
        (vec![], "not-granted", "not-granted"),
        (
            vec![granted("receivable", &["read", "issue", "approve"])],
            "not-granted",
            "not-found",
        ),
        (
            vec![granted("payable", &["read", "draft", "pay"])],
            "not-found",
            "not-granted",
        ),
        // A note tells the prices and quantities of its invoice.
        (
            vec![granted("receivable", &["draft", "issue"])],
            "not-granted",
            "not-granted",
        ),
    ] {
        let mut plugin = office.automation(&grants);
        let refused = plugin.draft_credit_note("n", &invoice, None).await;
        assert_eq!(code(refused), credit, "{grants:?}");
        let refused = plugin.step_invoice(&bill, None, InvoiceState::Matched);
        assert_eq!(code(refused.await), step, "{grants:?}");
    }
    let mut plugin = office.automation(&[
        granted("receivable", &["read", "draft"]),
        granted("payable", &["approve"]),
    ]);
    let note = plugin.draft_credit_note("n", &invoice, None).await;
    assert!(note.expect("a draft").body.is_credit_note());
    let matched = plugin.step_invoice(&bill, None, InvoiceState::Matched);
    matched.await.expect("a step");
    office.commit(plugin).await;
}

#[tokio::test]
async fn nothing_is_credited_twice() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut invoiced = content(Flow::Receivable, &customer, "100");
    invoiced.lines = vec![line(20, 1_000, "S", 20), line(10, 5_000, "S", 20)];
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &invoiced).await;
    let unknown = session
        .draft_credit_note("n", &invoice, Some(&[some_of(3, "1")]))
        .await;
    assert_eq!(code(unknown), "unknown");
    let first = credited(&mut session, "n1", &invoice, &[some_of(1, "1.5")]).await;
    // Within the invoice, but not within the line.
    let second = session
        .draft_credit_note("n2", &invoice, Some(&[some_of(1, "0.6")]))
        .await;
    let second = second.expect("a draft").id;
    let day = Some(date(2026, 3, 2));
    let refused = session.issue_invoice(&second, None, None, day).await;
    assert_eq!(code(refused), "over-credited");
    credited(&mut session, "n3", &invoice, &[some_of(1, "0.5")]).await;
    let all = session.draft_credit_note("n4", &invoice, None).await;
    let all = all.expect("a draft").id;
    let refused = session.issue_invoice(&all, None, None, day).await;
    assert_eq!(code(refused), "over-credited");
    let of_a_note = session.draft_credit_note("n5", &second, None).await;
    assert_eq!(code(of_a_note), "wrong-state");
    let by_hand = InvoiceContent {
        kind: InvoiceKind::CreditNote,
        corrects: Some(first.clone()),
        ..content(Flow::Receivable, &customer, "1")
    };
    let by_hand = session.draft_invoice("n6", &by_hand).await;
    assert_eq!(code(by_hand), "unknown");
    office.commit(session).await;
}

#[tokio::test]
async fn a_discarded_draft_uses_up_no_number() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let draft = content(Flow::Receivable, &customer, "10");
    let gone = session
        .draft_invoice("1", &draft)
        .await
        .expect("a draft")
        .id;
    let better = InvoiceContent {
        due_date: Some(date(2026, 4, 30)),
        ..content(Flow::Receivable, &customer, "12")
    };
    let updated = session.update_invoice(&gone, None, &better).await;
    assert_eq!(updated.expect("an update").body.totals.gross, eur(1_200));
    let discarded = session
        .discard_invoice(&gone, None)
        .await
        .expect("discarded");
    assert_eq!(discarded.body.state, InvoiceState::Discarded);
    session
        .discard_invoice(&gone, None)
        .await
        .expect("it is already");
    let refused = session.update_invoice(&gone, None, &better).await;
    assert_eq!(code(refused), "wrong-state");
    let refused = session.issue_invoice(&gone, None, None, None).await;
    assert_eq!(code(refused), "wrong-state");
    let kept = issued(&mut session, "2", &draft).await;
    office.commit(session).await;
    let mut session = office.person();
    let number = session
        .invoice(&kept)
        .await
        .expect("an invoice")
        .body
        .number;
    assert_eq!(number.as_deref(), Some("INV-2026-000001"));
}

#[tokio::test]
async fn inv_8_only_listed_steps_happen() {
    let mut office = Organisation::open().await;
    let supplier = office.customer.clone();
    let steps = |state: InvoiceState| -> &'static [InvoiceState] {
        use InvoiceState::{Approved, Matched, NeedsAttention, Received, Rejected, Scheduled};
        match state {
            Matched => &[Matched],
            NeedsAttention => &[NeedsAttention],
            Approved => &[Matched, Approved],
            Scheduled => &[Matched, Approved, Scheduled],
            Rejected => &[Rejected],
            Received => &[],
            other => unreachable!("{other:?} is no state of a payable"),
        }
    };
    let payable = |state: &InvoiceState| {
        !matches!(
            state,
            InvoiceState::Draft | InvoiceState::Issued | InvoiceState::Discarded
        )
    };
    let mut tried = 0;
    for from in InvoiceState::ALL.into_iter().filter(payable) {
        for next in InvoiceState::ALL {
            let mut session = office.person();
            let received = content(Flow::Payable, &supplier, "10");
            let id = session
                .draft_invoice(&format!("{from:?}-{next:?}"), &received)
                .await;
            let id = id.expect("received").id;
            for step in steps(from) {
                session
                    .step_invoice(&id, None, *step)
                    .await
                    .expect("a step");
            }
            let taken = session.step_invoice(&id, None, next).await;
            assert_eq!(
                taken.is_ok(),
                from == next || from.may_become(next),
                "{from:?} to {next:?}"
            );
            office.commit(session).await;
            tried += 1;
        }
    }
    assert_eq!(tried, 54);
}

#[tokio::test]
async fn a_receivable_takes_no_steps_not_even_the_one_it_stands_on() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let draft = content(Flow::Receivable, &customer, "10");
    let id = session
        .draft_invoice("1", &draft)
        .await
        .expect("a draft")
        .id;
    for state in [InvoiceState::Draft, InvoiceState::Issued] {
        let refused = session.step_invoice(&id, None, state).await;
        assert_eq!(code(refused), "wrong-state", "{state:?}");
    }
}

#[tokio::test]
async fn a_rejected_invoice_is_not_owed_and_lets_the_supplier_try_again() {
    let mut office = Organisation::open().await;
    let supplier = office.customer.clone();
    let received = InvoiceContent {
        supplier_number: Some("A-17".to_owned()),
        ..content(Flow::Payable, &supplier, "10")
    };
    let mut session = office.person();
    let id = session
        .draft_invoice("1", &received)
        .await
        .expect("received")
        .id;
    let twice = session.draft_invoice("2", &received).await;
    assert_eq!(code(twice), "not-unique");
    let rejected = session
        .step_invoice(&id, None, InvoiceState::Rejected)
        .await;
    assert_eq!(rejected.expect("rejected").body.outstanding, eur(0));
    session
        .draft_invoice("2", &received)
        .await
        .expect("received again");
    office.commit(session).await;
}

#[tokio::test]
async fn a_suppliers_credit_note_counts_once_it_is_approved() {
    let mut office = Organisation::open().await;
    let supplier = office.customer.clone();
    let mut session = office.person();
    let bill = session
        .draft_invoice("1", &content(Flow::Payable, &supplier, "100"))
        .await;
    let bill = bill.expect("received").id;
    let forged = session.draft_credit_note("2", &bill, None).await;
    let forged = forged.expect("received").id;
    let rejected = session
        .step_invoice(&forged, None, InvoiceState::Rejected)
        .await;
    rejected.expect("rejected");
    let note = session
        .draft_credit_note("3", &bill, Some(&[some_of(1, "0.4")]))
        .await;
    let note = note.expect("received").id;
    let early = session.allocate("4", &note, &[part(&bill, 1)]).await;
    assert_eq!(code(early), "wrong-state");
    for state in [InvoiceState::Matched, InvoiceState::Approved] {
        let step = session.step_invoice(&note, None, state).await;
        step.expect("a step");
    }
    let back = session
        .step_invoice(&note, None, InvoiceState::Rejected)
        .await;
    assert_eq!(code(back), "settled");
    office.commit(session).await;
    let mut session = office.person();
    let bill = session.invoice(&bill).await.expect("a bill").body;
    assert_eq!(bill.outstanding, eur(6_000));
    let credited = bill.credited.expect("it was credited");
    assert_eq!(credited.gross, eur(4_000));
}

#[tokio::test]
async fn an_open_item_keeps_its_number_and_what_is_open_of_it() {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let item = |number: &str, minor| OpenItem {
        content: content(Flow::Receivable, &customer, "100"),
        number: number.to_owned(),
        issue_date: date(2026, 1, 15),
        outstanding: eur(minor),
    };
    let mut session = office.person();
    let taken = session.open_item("1", &item("R/2025/118", 4_000)).await;
    let taken = taken.expect("an open item");
    assert_eq!(taken.body.outstanding, eur(4_000));
    assert_eq!(
        code(session.open_item("2", &item("R/2025/118", 1)).await),
        "not-unique"
    );
    assert_eq!(
        code(session.open_item("3", &item("R/2025/119", 10_001)).await),
        "out-of-range"
    );
    let ours = session.open_item("5", &item("INV-2026-000001", 1)).await;
    assert_eq!(code(ours), "not-unique");
    let again = session.open_item("1", &item("R/2025/118", 4_000)).await;
    assert_eq!(again.expect("the same").id, taken.id);
    let paid = session.record_payment("p", &payment("R1", 4_000)).await;
    let paid = paid.expect("a payment").id;
    let settled = session
        .allocate("a", &paid, &[part(&taken.id, 4_000)])
        .await;
    settled.expect("allocated");
    let ours = issued(
        &mut session,
        "4",
        &content(Flow::Receivable, &customer, "1"),
    )
    .await;
    office.commit(session).await;
    let mut session = office.person();
    let ours = session.invoice(&ours).await.expect("an invoice").body;
    assert_eq!(ours.number.as_deref(), Some("INV-2026-000001"));
    let taken = session.invoice(&taken.id).await.expect("an invoice").body;
    assert_eq!(
        (taken.number.as_deref(), taken.outstanding),
        (Some("R/2025/118"), eur(0))
    );
}

/// Credits each line of an invoice by a note of its own; all are drafted before the first is issued, or each after the other.
async fn by_lines(lines: Vec<Line>, rounding: i64, are_drafted_first: bool) {
    let mut office = Organisation::open().await;
    let customer = office.customer.clone();
    let credits: Vec<LineCredit> = (1..)
        .zip(&lines)
        .map(|(number, line)| LineCredit {
            line: number,
            quantity: line.quantity,
        })
        .collect();
    let invoiced = InvoiceContent {
        lines,
        rounding: Some(Decimal::new(rounding, 2).expect("a decimal")),
        ..content(Flow::Receivable, &customer, "1")
    };
    let mut session = office.person();
    let id = issued(&mut session, "1", &invoiced).await;
    let mut notes = Vec::new();
    for (place, credit) in credits.iter().enumerate() {
        let key = format!("n{place}");
        let note = session.draft_credit_note(&key, &id, Some(std::slice::from_ref(credit)));
        let note = note.await.expect("a draft").id.to_string();
        if !are_drafted_first {
            issue(&mut session, &note).await;
        }
        notes.push(note);
    }
    if are_drafted_first {
        for note in &notes {
            issue(&mut session, note).await;
        }
    }
    office.commit(session).await;
    let mut session = office.person();
    let invoice = session.invoice(&id).await.expect("an invoice").body;
    assert_eq!(invoice.outstanding, eur(0), "{rounding}");
    let mut carry = 0;
    for note in &notes {
        let note = session.invoice(note).await.expect("a note").body;
        assert_eq!(note.outstanding, eur(0));
        carry += usize::from(note.content.rounding.is_some());
    }
    assert_eq!(carry, 1, "the last one carries what rounds");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inv_7_crediting_line_by_line_takes_back_what_rounds_the_invoice(
        lines in proptest::collection::vec((1_i64..200, prop_oneof![Just(0), 1_000_i64..100_000]), 1..6),
        rounding in -99_i64..100,
        are_drafted_first in any::<bool>(),
    ) {
        // Some cost nothing, but not all of them.
        let priced = |place: usize, price: i64| if place == 0 { price.max(1_000) } else { price };
        let lines = lines.into_iter().enumerate();
        let lines: Vec<Line> = lines
            .map(|(place, (quantity, price))| line(quantity, priced(place, price), "Z", 0))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(by_lines(lines, rounding, are_drafted_first));
    }

    #[test]
    fn inv_7_crediting_everything_leaves_nothing(
        lines in proptest::collection::vec((1_i64..200, 0_i64..100_000, 0_usize..3), 1..8)
    ) {
        let rates = [("S", 20), ("S", 7), ("Z", 0)];
        let lines: Vec<Line> = lines
            .into_iter()
            .map(|(quantity, price, rate)| line(quantity, price, rates[rate].0, rates[rate].1))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut office = Organisation::open().await;
            let customer = office.customer.clone();
            let invoiced = InvoiceContent { lines, ..content(Flow::Receivable, &customer, "1") };
            let mut session = office.person();
            let id = issued(&mut session, "1", &invoiced).await;
            let note = credited(&mut session, "2", &id, &[]).await;
            office.commit(session).await;
            let mut session = office.person();
            let invoice = session.invoice(&id).await.expect("an invoice").body;
            let note = session.invoice(&note).await.expect("a note").body;
            assert_eq!((invoice.outstanding, note.outstanding), (eur(0), eur(0)));
            assert_eq!(invoice.totals.tax_totals, note.totals.tax_totals);
            let credited = invoice.credited.expect("it was credited");
            assert_eq!(credited.gross, invoice.totals.gross);
            assert_eq!(credited.line_nets, invoice.totals.line_nets);
        });
    }
}
