use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn eur() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn invoice(kind: &str, state: &str, due: Option<&str>) -> Invoice {
    let money = json!({"amount": "100.00", "currency": "EUR"});
    let tax = json!({"category": "E", "rate": "0"});
    serde_json::from_value(json!({
        "flow": "receivable", "kind": kind, "legal_entity": "main", "party": "blue", "currency": "EUR", "due_date": due,
        "lines": [{"description": "Work", "quantity": "1", "unit": "C62", "unit_price": "100", "tax": tax}],
        "state": state, "number": "INV-2026-000001", "issue_date": "2026-03-02", "party_name": "Blue Door Ltd",
        "totals": {"line_nets": [money], "net": money, "tax": {"amount": "0.00", "currency": "EUR"}, "gross": money, "tax_totals": []},
        "outstanding": money, "dunning_level": 0, "reference": null,
    }))
    .expect("an invoice")
}

fn payment(amount: &str, on: &str, reverses: Option<&str>) -> Payment {
    let nothing = json!({"amount": "0.00", "currency": "EUR"});
    serde_json::from_value(json!({
        "flow": "receivable", "legal_entity": "main", "party": null, "amount": {"amount": amount, "currency": "EUR"},
        "value_date": on, "bank_reference": "r", "bank_account": "a", "text": "", "unallocated": nothing,
        "reverses": reverses, "reversed_by": null,
    }))
    .expect("a payment")
}

fn allocation(settlement: &str, on: &str) -> Allocation {
    serde_json::from_value(json!({
        "settlement": settlement, "source": "p", "invoice": "i", "amount": {"amount": "40.00", "currency": "EUR"},
        "date": on, "reason": "",
    }))
    .expect("an allocation")
}

fn on(text: &str) -> i64 {
    day(text.parse().expect("a date"))
}

#[test]
fn days_are_counted_from_1970() {
    let check = |text: &str, expected: i64| assert_eq!(on(text), expected, "{text}");
    check("1970-01-01", 0);
    check("1969-12-31", -1);
    check("2026-03-02", 20_514);
    check("-009999-01-01", -4_371_587);
}

#[test]
fn what_was_never_posted_counts_from_the_date_that_it_bears() {
    let mut bill = invoice("invoice", "received", Some("2026-03-31"));
    (bill.content.flow, bill.issue_date) = (Flow::Payable, None);
    let check = |bill: &Invoice, expected: &str| {
        let entry = document_entry(bill).expect("it is owed");
        assert_eq!(entry.from_day, on(expected));
    };
    check(&bill, "2026-03-31");
    bill.content.supplier_date = "2026-03-05".parse().ok();
    check(&bill, "2026-03-05");
    bill.posted_on = "2026-03-07".parse().ok();
    check(&bill, "2026-03-07");
    (
        bill.posted_on,
        bill.content.supplier_date,
        bill.content.due_date,
    ) = (None, None, None);
    check(&bill, "1970-01-01");
}

#[test]
fn buckets_are_rising_days_and_leave_no_gap() {
    let check = |bounds: &[u32], expected: bool| {
        let is_good = Buckets::new(bounds.to_vec()).is_ok();
        assert_eq!(is_good, expected, "{bounds:?}");
    };
    check(&[30, 60, 90], true);
    check(&[1], true);
    check(&[], false);
    check(&[0, 30], false);
    check(&[30, 30], false);
    check(&[60, 30], false);
    check(&[BUCKET_DAYS_MAX], true);
    check(&[BUCKET_DAYS_MAX + 1], false);
    check(&(1..=12).collect::<Vec<_>>(), true);
    check(&(1..=13).collect::<Vec<_>>(), false);
    let buckets = Buckets::default();
    let days = buckets.due_days(1000);
    let expected = [1000..i64::MAX, 970..1000, 940..970, 910..940, i64::MIN..910];
    assert_eq!(days, expected);
    let spans = [
        (None, Some(0)),
        (Some(1), Some(30)),
        (Some(31), Some(60)),
        (Some(61), Some(90)),
        (Some(91), None),
    ];
    assert_eq!(buckets.spans(), spans);
}

#[test]
fn only_what_is_owed_has_an_entry() {
    let check = |kind: &str, state: &str, expected: Option<(Option<&str>, i64)>| {
        let found = document_entry(&invoice(kind, state, Some("2026-03-31")));
        let found = found.map(|entry| (entry.due_day, entry.minor));
        let expected = expected.map(|(due, minor)| (due.map(on), minor));
        assert_eq!(found, expected, "{kind} {state}");
    };
    check("invoice", "issued", Some((Some("2026-03-31"), 10_000)));
    check("prepayment", "issued", Some((Some("2026-03-31"), 10_000)));
    check("credit-note", "issued", Some((None, -10_000)));
    check("invoice", "draft", None);
    check("invoice", "discarded", None);
    check("invoice", "rejected", None);
    let without = document_entry(&invoice("invoice", "issued", None));
    assert_eq!(
        without.and_then(|entry| entry.due_day),
        Some(on("2026-03-02"))
    );
}

#[test]
fn an_allocation_counts_once_all_three_do() {
    let document = document_entry(&invoice("invoice", "issued", None)).expect("it is owed");
    let check = |paid_on: &str, allocated_on: &str, expected: &str| {
        let source = payment_entry(&payment("100.00", paid_on, None));
        let entries = allocation_entries(
            &allocation("payment", allocated_on),
            &document,
            Some(&source),
        );
        let found: Vec<_> = entries
            .iter()
            .map(|entry| (entry.kind, entry.from_day, entry.minor))
            .collect();
        let counted = on(expected);
        assert_eq!(
            found,
            [
                (EntryKind::Settled, counted, -4_000),
                (EntryKind::Applied, counted, 4_000)
            ],
            "{paid_on} {allocated_on}"
        );
    };
    check("2026-03-01", "2026-02-01", "2026-03-02");
    check("2026-03-05", "2026-03-03", "2026-03-05");
    check("2026-03-05", "2026-03-07", "2026-03-07");
}

#[test]
fn what_is_open_less_what_is_unapplied_is_the_balance() {
    let document = document_entry(&invoice("invoice", "issued", None)).expect("it is owed");
    let paid = payment_entry(&payment("70.00", "2026-03-05", None));
    let mut entries = vec![document.clone(), paid.clone()];
    entries.extend(allocation_entries(
        &allocation("payment", "2026-03-06"),
        &document,
        Some(&paid),
    ));
    entries.extend(allocation_entries(
        &allocation("write-off", "2026-03-09"),
        &document,
        None,
    ));
    entries.push(payment_entry(&payment("-10.00", "2026-03-10", Some("p"))));
    let check = |as_of: &str, open: i128, unapplied: i128, parts: &[(EntryKind, i128)]| {
        let asked = Asked {
            flow: Flow::Receivable,
            legal_entity: None,
            party: None,
            as_of_day: on(as_of),
        };
        let (mut aged, mut accounts) = (BTreeMap::new(), BTreeMap::new());
        for entry in &entries {
            asked.age(&mut aged, Account::books, &Buckets::default(), entry, 1);
            asked.account(&mut accounts, entry, 1);
        }
        let aged = aged.into_values().next();
        let aged = aged.unwrap_or_else(|| Aged::nothing(&Buckets::default()));
        assert_eq!(
            (aged.open_sum(), aged.unapplied),
            (open, unapplied),
            "{as_of}"
        );
        let sum: i128 = accounts.values().flat_map(BTreeMap::values).sum();
        assert_eq!(aged.balance(), sum, "{as_of}");
        for (kind, expected) in parts {
            let found: i128 = accounts.values().filter_map(|parts| parts.get(kind)).sum();
            assert_eq!(found, *expected, "{as_of} {kind:?}");
        }
    };
    check("2026-03-01", 0, 0, &[(EntryKind::Invoice, 0)]);
    check("2026-03-02", 10_000, 0, &[(EntryKind::Invoice, 10_000)]);
    check("2026-03-05", 10_000, 7_000, &[(EntryKind::Payment, -7_000)]);
    check("2026-03-06", 6_000, 3_000, &[(EntryKind::Applied, 4_000)]);
    check("2026-03-09", 2_000, 3_000, &[(EntryKind::WriteOff, -4_000)]);
    check("2026-03-10", 2_000, 2_000, &[(EntryKind::Reversal, 1_000)]);
}

#[test]
fn names_are_found_again_and_sums_that_are_too_large_are_told() {
    for kind in EntryKind::ALL {
        assert_eq!(EntryKind::find(kind.as_str()), Some(kind));
    }
    assert_eq!(EntryKind::find("else"), None);
    assert!(amount(i128::from(i64::MAX), eur()).is_ok());
    assert_eq!(
        amount(i128::from(i64::MAX) + 1, eur()),
        Err(MoneyError::Overflow)
    );
}
