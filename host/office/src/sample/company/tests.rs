use std::collections::{BTreeMap, BTreeSet};

use bursar_domain::{invoice::Flow, money::Money};
use jiff::civil::date;

use super::*;

/// A Sunday, a leap day, a holiday, the first and the last day of a year.
const TODAYS: [Date; 5] = [
    date(2026, 11, 22),
    date(2028, 2, 29),
    date(2026, 5, 1),
    date(2027, 1, 1),
    date(2025, 12, 31),
];

fn money(text: &str) -> Money {
    text.parse().expect("an amount")
}

#[test]
fn the_same_day_gives_the_same_company_as_json_too() {
    for today in TODAYS {
        let made = company(today).expect("a company");
        assert!(made == company(today).expect("a company"), "{today}");
        let text = serde_json::to_string(&made).expect("JSON");
        let read: Company = serde_json::from_str(&text).expect("the same document");
        assert!(made == read, "{today}");
    }
}

#[test]
fn a_day_out_of_the_years_is_refused() {
    for today in [date(1999, 12, 31), date(2201, 1, 1), Date::MIN, Date::MAX] {
        assert!(company(today).is_err(), "{today}");
    }
    for today in [date(2000, 1, 1), date(2200, 12, 31)] {
        assert!(company(today).is_ok(), "{today}");
    }
}

#[test]
fn it_is_of_some_size_on_any_day() {
    for today in TODAYS {
        let made = company(today).expect("a company");
        let of = |flow: Flow| made.invoices.iter().filter(|it| it.flow == flow).count();
        let (receivable, payable) = (of(Flow::Receivable), of(Flow::Payable));
        assert!((380..=480).contains(&receivable), "{today}: {receivable}");
        assert!((240..=320).contains(&payable), "{today}: {payable}");
        assert!(made.payments.len() > 450, "{}", made.payments.len());
        let foreign: BTreeSet<&str> = made
            .invoices
            .iter()
            .map(|it| it.currency.as_str())
            .collect();
        assert_eq!(foreign, BTreeSet::from(["CHF", "EUR", "HUF", "JPY"]));
        let steps: BTreeSet<usize> = made.invoices.iter().map(|it| it.steps.len()).collect();
        assert_eq!(steps, BTreeSet::from([0, 1, 2, 3]), "{today}");
        for (what, count) in [
            ("credit notes", made.credit_notes.len()),
            ("write-offs", made.write_offs.len()),
            ("dunnings", made.dunnings.len()),
            ("reversals", made.reversals.len()),
        ] {
            assert!(count > 0, "{today}: no {what}");
        }
    }
}

#[test]
fn nothing_happens_before_its_time_or_after_today() {
    for today in TODAYS {
        let made = company(today).expect("a company");
        let issued = made.invoices.iter().filter_map(|it| it.issue_date);
        let issued: Vec<Date> = issued.collect();
        assert!(issued.is_sorted() && issued.iter().all(|day| *day <= today));
        assert!(made.credit_notes.iter().map(|it| it.issue_date).is_sorted());
        assert!(made.write_offs.iter().map(|it| it.date).is_sorted());
        assert!(made.payments.iter().map(|it| it.allocated_on).is_sorted());
        let days: BTreeMap<&str, Date> = made
            .invoices
            .iter()
            .filter_map(|it| Some((it.key.as_str(), it.issue_date.or(it.supplier_date)?)))
            .collect();
        for payment in &made.payments {
            let allocated_on = payment.allocated_on.expect("a day");
            assert!(payment.value_date <= allocated_on && allocated_on <= today);
            for part in &payment.allocations {
                assert!(
                    days[part.invoice.as_str()] <= payment.value_date,
                    "{payment:?}"
                );
            }
        }
        assert!(made.legal_entity.lock_date < Some(today));
    }
}

#[test]
fn money_adds_up_by_payment() {
    let made = company(TODAYS[0]).expect("a company");
    let mut settled: BTreeMap<&str, Money> = BTreeMap::new();
    let mut references = BTreeSet::new();
    for payment in &made.payments {
        assert!(references.insert(&payment.bank_reference), "{payment:?}");
        let mut rest = money(&payment.amount);
        for part in &payment.allocations {
            let amount = money(&part.amount);
            rest = rest.checked_sub(amount).expect("the payment's currency");
            let sum = settled
                .entry(&part.invoice)
                .or_insert(Money::zero(amount.currency));
            *sum = sum.checked_add(amount).expect("the invoice's currency");
        }
        assert!(!rest.is_negative(), "{payment:?}");
    }
    assert!(settled.len() > 500, "{}", settled.len());
}

#[test]
fn nobody_of_it_exists() {
    let made = company(TODAYS[0]).expect("a company");
    for party in &made.parties {
        let mail = party.body["email"].as_str().expect("a mail address");
        assert!(mail.ends_with(".example"), "{mail}");
        let accounts = party.body.get("iban").and_then(|it| it.as_array());
        for iban in accounts.into_iter().flatten() {
            let iban = iban.as_str().expect("an IBAN");
            assert!(
                iban[4..].starts_with("9999") || iban[4..].starts_with("TEST"),
                "{iban}"
            );
            assert_eq!(dice::iban(&iban[..2], &iban[4..]), iban);
        }
    }
    let keys: BTreeSet<&str> = made.parties.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys.len(), made.parties.len());
    assert_eq!(made.legal_entity.bank_accounts.len(), ACCOUNTS);
}
