//! Agings account by account: who owes what since when. And stretches of accounts, which balances are read in as well.

use std::collections::BTreeMap;

use bursar_domain::{
    aging::{Account, Aged, Books, Buckets},
    invoice::Flow,
    log::hex,
    money::{Currency, MoneyError},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Accounts, AgedBooks, aged_books, too_large};
use crate::{
    error::Error,
    listing::{PAGE_ROWS_MAX, Paging, unhex, unusable},
    session::Session,
    write::can_be_id,
};

/// What one party has open by days past due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgedAccount {
    /// The party; none is money of nobody known.
    pub party: Option<String>,
    /// With which legal entity, in what, and how much.
    #[serde(flatten)]
    pub books: AgedBooks,
}

/// Agings by party, legal entity and currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgedAccounts {
    /// Receivables or payables.
    pub flow: Flow,
    /// As of the end of this day.
    pub as_of: Date,
    /// In order; those where nothing is open or unapplied are left out, so that a page may be shorter than asked.
    pub items: Vec<AgedAccount>,
    /// Where the next page begins: send it as `after`. None on the last page.
    pub next: Option<String>,
}

impl Session {
    /// What each party has open by days past due: what [`Session::aging`] adds up. Needs `invoices: read` for the flow.
    pub async fn aging_by_account(
        &mut self,
        accounts: &Accounts,
        buckets: &Buckets,
        paging: &Paging,
    ) -> Result<AgedAccounts, Error> {
        let stretch = self.stretch(accounts, Some(buckets), paging)?;
        let (asked, as_of) = self.asked(accounts).await?;
        let (after, wanted) = (stretch.after(), stretch.wanted());
        let agings = self.snapshot.agings(&asked, buckets, after, wanted);
        let mut found = agings.await?;
        let until = stretch.until(&found);
        for (entry, sign) in self.drafted_entries().await? {
            if stretch.takes(until.as_ref(), &entry.account) {
                asked.age(&mut found, Account::clone, buckets, &entry, sign);
            }
        }
        let (mut found, next) = stretch.cut(found);
        found.retain(|(_, aged)| aged.is_something());
        self.hand_out(found.len())?;
        let item = |(account, aged): &(Account, Aged)| {
            Ok(AgedAccount {
                party: Some(account.party.clone()).filter(|party| !party.is_empty()),
                books: aged_books(&account.books, aged, buckets)?,
            })
        };
        let items: Result<_, MoneyError> = found.iter().map(item).collect();
        Ok(AgedAccounts {
            flow: asked.flow,
            as_of,
            items: items.map_err(too_large)?,
            next,
        })
    }

    /// The page of accounts that is asked for. Its cursors are good for this session and these arguments only.
    pub(super) fn stretch(
        &self,
        accounts: &Accounts,
        buckets: Option<&Buckets>,
        paging: &Paging,
    ) -> Result<Stretch, Error> {
        let asked = json!({
            "flow": accounts.flow, "legal_entity": accounts.legal_entity, "party": accounts.party,
            "as_of": accounts.as_of, "buckets": buckets.map(Buckets::spans),
        });
        let digest = self.digest_of(&[b"accounts", asked.to_string().as_bytes()]);
        Stretch::read(paging, digest)
    }
}

/// A page of accounts in their order.
pub(super) struct Stretch {
    limit: usize,
    after: Option<Account>,
    /// What its cursors begin with.
    digest: [u8; 16],
}

impl Stretch {
    fn read(paging: &Paging, digest: [u8; 16]) -> Result<Self, Error> {
        if paging.limit == 0 {
            let message = "a page has 1 to 1000 rows";
            return Err(Error::invalid("page-empty", "/page/limit", message));
        }
        Ok(Self {
            limit: usize::try_from(paging.limit.min(PAGE_ROWS_MAX)).unwrap_or(usize::MAX),
            after: match &paging.after {
                Some(cursor) => Some(read_cursor(cursor, &digest).ok_or_else(unusable)?),
                None => None,
            },
            digest,
        })
    }

    pub(super) fn after(&self) -> Option<&Account> {
        self.after.as_ref()
    }

    /// One more than a page has tells whether another one follows.
    pub(super) fn wanted(&self) -> usize {
        self.limit.saturating_add(1)
    }

    /// The last account that was looked at; none if all were.
    pub(super) fn until<T>(&self, found: &BTreeMap<Account, T>) -> Option<Account> {
        let last = found.keys().next_back().cloned();
        last.filter(|_| found.len() >= self.wanted())
    }

    /// Whether an account that a draft says something of is among those that were looked at.
    pub(super) fn takes(&self, until: Option<&Account>, account: &Account) -> bool {
        self.after().is_none_or(|after| account > after)
            && until.is_none_or(|until| account <= until)
    }

    /// The page, and where the next one begins.
    pub(super) fn cut<T>(self, found: BTreeMap<Account, T>) -> (Vec<(Account, T)>, Option<String>) {
        let mut items: Vec<(Account, T)> = found.into_iter().collect();
        let is_last = items.len() <= self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| !is_last);
        let next = last.map(|(account, _)| write_cursor(account, &self.digest));
        (items, next)
    }
}

/// A place in the order of accounts: no id holds a blank.
fn write_cursor(account: &Account, digest: &[u8; 16]) -> String {
    let (party, books) = (&account.party, &account.books);
    let place = format!("{party} {} {}", books.legal_entity, books.currency);
    hex(&[digest, place.as_bytes()].concat())
}

fn read_cursor(cursor: &str, digest: &[u8; 16]) -> Option<Account> {
    let bytes = unhex(cursor)?;
    let place = std::str::from_utf8(bytes.strip_prefix(digest)?).ok()?;
    let (party, books) = place.split_once(' ')?;
    let (legal_entity, currency) = books.split_once(' ')?;
    let is_good = (party.is_empty() || can_be_id(party)) && can_be_id(legal_entity);
    let books = Books {
        legal_entity: legal_entity.to_owned(),
        currency: Currency::parse(currency).ok().filter(|_| is_good)?,
    };
    let party = party.to_owned();
    Some(Account { party, books })
}
