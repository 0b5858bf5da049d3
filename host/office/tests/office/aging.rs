//! Agings and balances: whose they are, as of when, who may see them, and what they depend on.

use bursar_db::Verdict;
use bursar_domain::{aging::Buckets, invoice::Flow};
use bursar_office::{
    Paging, Session,
    aging::{Accounts, AgedAccount, Aging, Balance},
    allocations::Part,
};
use jiff::civil::{Date, date};
use serde_json::json;

use crate::organisation::{ENTITY, Organisation, code, content, eur, grant, note, payment};

fn accounts(as_of: Option<Date>) -> Accounts {
    Accounts {
        flow: Flow::Receivable,
        legal_entity: None,
        party: None,
        as_of,
    }
}

/// Minor units by bucket, and what is unapplied.
fn sums(aging: &Aging) -> (Vec<i64>, i64) {
    let Some(books) = aging.books.first() else {
        return (Vec::new(), 0);
    };
    let amounts = books.buckets.iter().map(|bucket| bucket.amount.minor);
    (amounts.collect(), books.unapplied.minor)
}

async fn aged(session: &mut Session, as_of: Date) -> (Vec<i64>, i64) {
    let asked = accounts(Some(as_of));
    let aging = session.aging(&asked, &Buckets::default()).await;
    sums(&aging.expect("an aging"))
}

/// A receivable of 100 EUR, issued on 2 March, due on the 31st.
async fn issued(session: &mut Session, key: &str, party: &str) -> String {
    let content = content(Flow::Receivable, party, "100");
    let draft = session.draft_invoice(key, &content).await.expect("a draft");
    let day = Some(date(2026, 3, 2));
    session
        .issue_invoice(&draft.id, None, None, day)
        .await
        .expect("issued");
    draft.id.to_string()
}

/// An invoice of 100 EUR, and a payment of 150 EUR of which 70 settle it.
async fn settled(office: &mut Organisation) {
    let customer = office.customer.clone();
    let mut session = office.person();
    let invoice = issued(&mut session, "1", &customer).await;
    let paid = payment("R1", 15_000);
    let paid = session.record_payment("p", &paid).await.expect("a payment");
    let part = Part {
        invoice,
        amount: eur(7_000),
    };
    session
        .allocate("a", &paid.id, &[part])
        .await
        .expect("allocated");
    office.commit(session).await;
}

#[tokio::test]
async fn what_was_settled_later_was_open() {
    let mut office = Organisation::open().await;
    settled(&mut office).await;
    let mut session = office.person();
    let cases = [
        (date(2026, 2, 28), vec![], 0),
        (date(2026, 3, 1), vec![0; 5], 15_000),
        (date(2026, 3, 2), vec![3_000, 0, 0, 0, 0], 8_000),
        (date(2026, 3, 31), vec![3_000, 0, 0, 0, 0], 8_000),
        (date(2026, 4, 1), vec![0, 3_000, 0, 0, 0], 8_000),
        (date(2026, 4, 30), vec![0, 3_000, 0, 0, 0], 8_000),
        (date(2026, 5, 1), vec![0, 0, 3_000, 0, 0], 8_000),
        (date(2026, 6, 29), vec![0, 0, 0, 3_000, 0], 8_000),
        (date(2026, 6, 30), vec![0, 0, 0, 0, 3_000], 8_000),
    ];
    for (as_of, buckets, unapplied) in cases {
        assert_eq!(
            aged(&mut session, as_of).await,
            (buckets, unapplied),
            "{as_of}"
        );
    }
    let aging = session
        .aging(&accounts(None), &Buckets::default())
        .await
        .expect("an aging");
    assert_eq!(aging.as_of, date(2026, 3, 2), "today");
    let books = aging.books.first().expect("there are books");
    assert_eq!((books.open, books.balance), (eur(3_000), eur(-5_000)));
}

#[tokio::test]
async fn a_balance_says_what_it_is_made_up_of() {
    let mut office = Organisation::open().await;
    settled(&mut office).await;
    let customer = office.customer.clone();
    let mut session = office.person();
    let first = Paging {
        limit: 1,
        after: None,
    };
    let page = session.balances(&accounts(None), &first).await;
    let page = page.expect("a page");
    let nothing = eur(0);
    let unknown = Balance {
        party: None,
        legal_entity: ENTITY.to_owned(),
        currency: nothing.currency,
        issued: nothing,
        credited: nothing,
        received: eur(15_000),
        refunded: nothing,
        written_off: nothing,
        settled_before: nothing,
        carried: eur(7_000),
        balance: eur(-8_000),
    };
    assert_eq!(page.items, std::slice::from_ref(&unknown));
    let rest = Paging {
        limit: 1,
        after: page.next,
    };
    let page = session.balances(&accounts(None), &rest).await;
    let page = page.expect("a page");
    let known = Balance {
        party: Some(customer.clone()),
        issued: eur(10_000),
        received: nothing,
        carried: eur(-7_000),
        balance: eur(3_000),
        ..unknown
    };
    assert_eq!((page.items, page.next), (vec![known.clone()], None));
    let of_one = Accounts {
        party: Some(customer),
        legal_entity: Some(ENTITY.to_owned()),
        ..accounts(None)
    };
    let page = session.balances(&of_one, &Paging::first()).await;
    assert_eq!(page.expect("a page").items, [known]);
    let aging = session.aging(&of_one, &Buckets::default()).await;
    assert_eq!(
        sums(&aging.expect("an aging")),
        (vec![3_000, 0, 0, 0, 0], 0)
    );
}

#[tokio::test]
async fn a_suppliers_bill_counts_from_its_taking_in() {
    let mut office = Organisation::open().await;
    let supplier = office.supplier.clone();
    let mut session = office.person();
    let bill = content(Flow::Payable, &supplier, "80");
    let bill = session.draft_invoice("1", &bill).await.expect("taken in");
    assert_eq!(bill.body.posted_on, Some(date(2026, 3, 2)));
    office.commit(session).await;
    let mut session = office.person();
    for (as_of, expected) in [
        (date(2026, 3, 1), vec![]),
        (date(2026, 3, 2), vec![8_000, 0, 0, 0, 0]),
    ] {
        let payables = Accounts {
            flow: Flow::Payable,
            ..accounts(Some(as_of))
        };
        let aging = session.aging(&payables, &Buckets::default()).await;
        assert_eq!(sums(&aging.expect("an aging")), (expected, 0), "{as_of}");
    }
}

#[tokio::test]
async fn nobody_sees_what_they_may_not_read() {
    let mut office = Organisation::open().await;
    let payables = grant(json!({"kind": "invoices", "flow": "payable", "operations": ["read"]}));
    let mut session = office.automation(&[payables]);
    let buckets = Buckets::default();
    let asked = accounts(None);
    assert_eq!(code(session.aging(&asked, &buckets).await), "not-granted");
    assert_eq!(
        code(session.balances(&asked, &Paging::first()).await),
        "not-granted"
    );
    let of_payables = Accounts {
        flow: Flow::Payable,
        ..asked
    };
    session
        .aging(&of_payables, &buckets)
        .await
        .expect("granted");
}

/// Party, minor units by bucket, and what is unapplied, of a page; and where the next one begins.
async fn aged_page(
    session: &mut Session,
    paging: &Paging,
) -> (Vec<(Option<String>, Vec<i64>, i64)>, Option<String>) {
    let asked = accounts(Some(date(2026, 4, 1)));
    let buckets = Buckets::default();
    let page = session.aging_by_account(&asked, &buckets, paging);
    let page = page.await.expect("a page");
    let item = |item: &AgedAccount| {
        let amounts = item.books.buckets.iter().map(|bucket| bucket.amount.minor);
        let unapplied = item.books.unapplied.minor;
        (item.party.clone(), amounts.collect(), unapplied)
    };
    (page.items.iter().map(item).collect(), page.next)
}

#[tokio::test]
async fn an_aging_is_told_party_by_party() {
    let mut office = Organisation::open().await;
    settled(&mut office).await;
    let (customer, supplier) = (office.customer.clone(), office.supplier.clone());
    let mut session = office.person();
    let unknown = (None, vec![0; 5], 8_000);
    let known = (Some(customer), vec![0, 3_000, 0, 0, 0], 0);
    let (all, next) = aged_page(&mut session, &Paging::first()).await;
    assert_eq!((all, next), (vec![unknown.clone(), known.clone()], None));
    let mut paging = Paging {
        limit: 1,
        after: None,
    };
    let (first, next) = aged_page(&mut session, &paging).await;
    assert_eq!(first, std::slice::from_ref(&unknown));
    paging.after = next;
    assert_eq!(
        aged_page(&mut session, &paging).await,
        (vec![known.clone()], None)
    );
    // What the draft adds is there, in its place.
    issued(&mut session, "2", &supplier).await;
    let (mut all, _) = aged_page(&mut session, &Paging::first()).await;
    let drafted = (Some(supplier), vec![0, 10_000, 0, 0, 0], 0);
    let mut expected = vec![unknown, known, drafted];
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let mut office = Organisation::open().await;
    let mut session = office.person();
    let nobody = Accounts {
        legal_entity: Some("nobody".to_owned()),
        ..accounts(None)
    };
    let buckets = Buckets::default();
    assert_eq!(code(session.aging(&nobody, &buckets).await), "unknown");
    let party = Accounts {
        party: Some("no id".to_owned()),
        ..accounts(None)
    };
    assert_eq!(code(session.aging(&party, &buckets).await), "unknown");
    for after in ["", "a", "a b", "a b EUR c", "a b XXX", "a  EUR", "é b EUR"] {
        let paging = Paging {
            limit: 1,
            after: Some(after.to_owned()),
        };
        let page = session.balances(&accounts(None), &paging).await;
        assert_eq!(code(page), "cursor-unusable", "{after:?}");
    }
    let empty = Paging {
        limit: 0,
        after: None,
    };
    assert_eq!(
        code(session.balances(&accounts(None), &empty).await),
        "page-empty"
    );
}

#[tokio::test]
async fn a_cursor_of_accounts_is_good_for_this_run_and_these_arguments_only() {
    let mut office = Organisation::open().await;
    settled(&mut office).await;
    let mut session = office.person();
    let (ours, buckets) = (accounts(None), Buckets::default());
    let mut paging = Paging {
        limit: 1,
        after: None,
    };
    let page = session.balances(&ours, &paging).await.expect("balances");
    paging.after = page.next;
    assert!(paging.after.is_some());
    let next = session.balances(&ours, &paging).await;
    assert_eq!(next.expect("balances").items.len(), 1);
    let payable = Accounts {
        flow: Flow::Payable,
        ..ours.clone()
    };
    let other_day = accounts(Some(date(2026, 1, 1)));
    let party = Accounts {
        party: Some(office.customer.clone()),
        ..ours.clone()
    };
    for other in [payable, other_day, party] {
        let refused = session.balances(&other, &paging).await;
        assert_eq!(code(refused), "cursor-unusable", "{other:?}");
    }
    let refused = session.aging_by_account(&ours, &buckets, &paging).await;
    assert_eq!(code(refused), "cursor-unusable");
    let mut later = office.person();
    let refused = later.balances(&ours, &paging).await;
    assert_eq!(code(refused), "cursor-unusable");
}

#[tokio::test]
async fn a_change_of_what_was_added_up_makes_a_draft_stale() {
    let mut office = Organisation::open().await;
    settled(&mut office).await;
    let (customer, supplier) = (office.customer.clone(), office.supplier.clone());
    for (flow, is_stale) in [(Flow::Receivable, true), (Flow::Payable, false)] {
        let mut reader = office.person();
        let asked = Accounts {
            flow,
            ..accounts(None)
        };
        let aging = reader.aging(&asked, &Buckets::default()).await;
        aging.expect("an aging");
        note(&mut reader, &format!("{flow:?}"), None).await;

        let mut writer = office.person();
        issued(&mut writer, &format!("{flow:?}"), &customer).await;
        office.commit(writer).await;
        let verdict = office.propose(reader).await;
        assert_eq!(
            matches!(verdict, Verdict::Stale(_)),
            is_stale,
            "{verdict:?}"
        );
    }
    // Of a party only what concerns it.
    let mut reader = office.person();
    let asked = Accounts {
        party: Some(supplier),
        ..accounts(None)
    };
    let aging = reader.aging(&asked, &Buckets::default()).await;
    aging.expect("an aging");
    note(&mut reader, "x", None).await;
    let mut writer = office.person();
    issued(&mut writer, "x", &customer).await;
    office.commit(writer).await;
    office.commit(reader).await;
}
