//! What parties owe.

use bursar_domain::aging::Buckets;
use bursar_office::{
    aging::{Accounts, AgedBooks, Aging, Balance, Balances, Bucket},
    input,
};

use super::{flow_of, money};
use crate::{contract::bursar::office::ledger, ending::Fault};

/// Whose accounts are asked for.
pub fn accounts(accounts: ledger::Accounts) -> Result<Accounts, Fault> {
    let as_of = accounts.as_of.map(|date| input::date("/as-of", &date));
    Ok(Accounts {
        flow: flow_of(accounts.flow),
        legal_entity: accounts.legal_entity,
        party: accounts.party,
        as_of: as_of.transpose()?,
    })
}

/// How what is open is divided.
pub fn buckets(last_days: Vec<u32>) -> Result<Buckets, Fault> {
    if last_days.is_empty() {
        Ok(Buckets::default())
    } else {
        Ok(Buckets::new(last_days)?)
    }
}

/// What is open, by days past due.
pub fn aged(aging: Aging) -> ledger::Aged {
    let bucket = |bucket: Bucket| ledger::Bucket {
        from_days: bucket.from_days,
        to_days: bucket.to_days,
        amount: money(bucket.amount),
    };
    let books = |books: AgedBooks| ledger::AgedBooks {
        legal_entity: books.legal_entity,
        currency: books.currency.code().to_owned(),
        buckets: books.buckets.into_iter().map(bucket).collect(),
        open: money(books.open),
        unapplied: money(books.unapplied),
        balance: money(books.balance),
    };
    ledger::Aged {
        as_of: aging.as_of.to_string(),
        books: aging.books.into_iter().map(books).collect(),
    }
}

/// A page of what each party owes.
pub fn balances(balances: Balances) -> ledger::Listing {
    let balance = |one: Balance| ledger::Balance {
        party: one.party,
        legal_entity: one.legal_entity,
        currency: one.currency.code().to_owned(),
        issued: money(one.issued),
        credited: money(one.credited),
        received: money(one.received),
        refunded: money(one.refunded),
        written_off: money(one.written_off),
        settled_before: money(one.settled_before),
        carried: money(one.carried),
        balance: money(one.balance),
    };
    ledger::Listing {
        as_of: balances.as_of.to_string(),
        items: balances.items.into_iter().map(balance).collect(),
        next: balances.next,
    }
}
