//! Adding up the ledger: agings and balances, now or as of an earlier commit.

use std::collections::{BTreeMap, HashMap};

use bursar_domain::{
    aging::{Account, Aged, Asked, Books, Buckets, Entry, Parts, entries_of, own_entry},
    invoice::Allocation,
    row::{Kind, Row, RowKey},
};

use super::Snapshot;
use crate::{
    adapter::{Arg, Statement, args},
    error::Error,
    ledger::{account_of, books_of, entry_kind, flow_arg},
    statements as sql,
};

/// Upper and lower half of a sum.
type Halves = (i64, i64);
/// Days whose sums one statement takes.
const DAYS_AT_ONCE: usize = 4;
/// An account, and the halves of its sums since four days, of all that is due, and of everything.
#[rustfmt::skip]
type AgedRow = (String, String, String, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64);

impl Snapshot {
    /// What is open and unapplied in the books of each legal entity and currency that has any.
    ///
    /// As of an earlier commit it is added up from the rows as they were then: the ledger knows dates, not commits.
    pub async fn aging(
        &mut self,
        asked: &Asked,
        buckets: &Buckets,
    ) -> Result<BTreeMap<Books, Aged>, Error> {
        let mut found = BTreeMap::new();
        if has_nul(asked) {
            return Ok(found);
        }
        if self.at.is_some() {
            for entry in self.entries_as_of().await? {
                asked.age(&mut found, Account::books, buckets, &entry, 1);
            }
            return Ok(found);
        }
        for books in self.books(asked).await? {
            let aged = self.aged(asked, buckets, &books).await?;
            found.insert(books, aged);
        }
        Ok(found)
    }

    /// What is open and unapplied of each account, by account; up to `limit` of them, behind one.
    pub async fn agings(
        &mut self,
        asked: &Asked,
        buckets: &Buckets,
        after: Option<&Account>,
        limit: usize,
    ) -> Result<BTreeMap<Account, Aged>, Error> {
        let mut found = BTreeMap::new();
        if has_nul(asked) {
            return Ok(found);
        }
        if self.at.is_some() {
            for entry in self.entries_as_of().await? {
                asked.age(&mut found, Account::clone, buckets, &entry, 1);
            }
            found.retain(|account, _| after.is_none_or(|after| account > after));
            return Ok(found.into_iter().take(limit).collect());
        }
        let mut due_since = self.due_since(asked, buckets, after, limit).await?;
        for (account, sums) in &mut due_since {
            let mut aged = Aged::nothing(buckets);
            let mut earlier = 0;
            // The last two sums are of all that is due at all, and of everything.
            let everything = sums.pop().unwrap_or_default();
            for (open, sum) in aged.open.iter_mut().zip(sums.iter()) {
                *open = sum.saturating_sub(earlier);
                earlier = *sum;
            }
            aged.unapplied = earlier.saturating_sub(everything);
            found.insert(account.clone(), aged);
        }
        Ok(found)
    }

    /// What each account owes of what is due on or after the first day of each bucket, beginning with the latest; then all
    /// that has a due day, and everything.
    async fn due_since(
        &mut self,
        asked: &Asked,
        buckets: &Buckets,
        after: Option<&Account>,
        limit: usize,
    ) -> Result<BTreeMap<Account, Vec<i128>>, Error> {
        let mut found: BTreeMap<Account, Vec<i128>> = BTreeMap::new();
        let days = buckets.due_days(asked.as_of_day);
        let (_, bounded) = days.split_last().ok_or(Error::Closed)?;
        let first_days: Vec<i64> = bounded.iter().map(|days| days.start).collect();
        for days in first_days.chunks(DAYS_AT_ONCE) {
            let args = aged_args(asked, after, limit, days);
            let rows: Vec<AgedRow> = self.tx().await?.all(&sql::LEDGER_AGED, args).await?;
            for row in rows {
                let (account, [since @ .., due, all]) = aged_row(row)?;
                let sums = found.entry(account).or_default();
                // Those of the chunk before.
                sums.truncate(sums.len().saturating_sub(2));
                sums.extend(since.into_iter().take(days.len()).map(whole));
                sums.extend([due, all].map(whole));
            }
        }
        Ok(found)
    }

    /// What makes up the balance of each account, by account; up to `limit` of them, behind one.
    pub async fn balances(
        &mut self,
        asked: &Asked,
        after: Option<&Account>,
        limit: usize,
    ) -> Result<BTreeMap<Account, Parts>, Error> {
        let mut found: BTreeMap<Account, Parts> = BTreeMap::new();
        if has_nul(asked) {
            return Ok(found);
        }
        if self.at.is_some() {
            for entry in self.entries_as_of().await? {
                asked.account(&mut found, &entry, 1);
            }
            found.retain(|account, _| after.is_none_or(|after| account > after));
            return Ok(found.into_iter().take(limit).collect());
        }
        let accounts = self.accounts(asked, after, limit).await?;
        let rows = (0_i64..).zip(&accounts).map(|(place, account)| {
            let mut row = args![place];
            row.push(flow_arg(asked.flow));
            row.extend(account_args(account));
            row.extend(args![asked.as_of_day]);
            row
        });
        let rows = rows.collect();
        let parts: Vec<(i64, String, i64, i64)> =
            self.tx().await?.all_of(&sql::LEDGER_PARTS, rows).await?;
        for (place, kind, upper, lower) in parts {
            let account = super::at_place(&accounts, place)?;
            let part = (entry_kind(&kind)?, whole((upper, lower)));
            found.entry(account.clone()).or_default().extend([part]);
        }
        Ok(found)
    }

    /// The books that may hold what is asked for.
    async fn books(&mut self, asked: &Asked) -> Result<Vec<Books>, Error> {
        if asked.party.is_some() {
            let accounts = self.accounts(asked, None, usize::MAX).await?;
            return Ok(accounts.into_iter().map(|account| account.books).collect());
        }
        let mut found: Vec<Books> = Vec::new();
        let mut legal_entity = asked.legal_entity.clone().unwrap_or_default();
        let mut currency = String::new();
        loop {
            let args = args![legal_entity.as_str(), currency.as_str()];
            let args = [vec![flow_arg(asked.flow)], args].concat();
            let next: Option<(String, String)> =
                self.tx().await?.find(&sql::LEDGER_NEXT, args).await?;
            let is_asked =
                |of: &(String, String)| asked.legal_entity.as_ref().is_none_or(|one| *one == of.0);
            let Some((of, code)) = next.filter(is_asked) else {
                return Ok(found);
            };
            found.push(books_of(of.clone(), &code)?);
            (legal_entity, currency) = (of, code);
        }
    }

    async fn accounts(
        &mut self,
        asked: &Asked,
        after: Option<&Account>,
        limit: usize,
    ) -> Result<Vec<Account>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let of_entity = asked.legal_entity.as_deref().unwrap_or_default();
        let rest = args![of_entity, asked.as_of_day, limit];
        let place = after.map_or_else(|| args!["", "", ""], account_args);
        let flow = vec![flow_arg(asked.flow)];
        let (statement, args) = match &asked.party {
            None => (&sql::LEDGER_ACCOUNTS, [flow, place, rest].concat()),
            Some(party) => {
                let behind = after.is_none_or(|after| after.party < *party);
                let is_over = after.is_some_and(|after| after.party > *party);
                if is_over {
                    return Ok(Vec::new());
                }
                let place = match after {
                    Some(after) if !behind => {
                        args![
                            after.books.legal_entity.as_str(),
                            after.books.currency.code()
                        ]
                    }
                    _ => args!["", ""],
                };
                let party = args![party.as_str()];
                (
                    &sql::LEDGER_ACCOUNTS_OF,
                    [flow, party, place, rest].concat(),
                )
            }
        };
        let found: Vec<(String, String, String)> = self.tx().await?.all(statement, args).await?;
        found.into_iter().map(account_of).collect()
    }

    /// Each bucket is a range of an index that holds all there is to add up.
    async fn aged(
        &mut self,
        asked: &Asked,
        buckets: &Buckets,
        books: &Books,
    ) -> Result<Aged, Error> {
        let mut of = vec![flow_arg(asked.flow)];
        of.extend(asked.party.as_deref().map(Arg::from));
        of.extend(args![books.legal_entity.as_str(), books.currency.code()]);
        let (open, unapplied) = match asked.party {
            None => (&sql::LEDGER_OPEN, &sql::LEDGER_UNAPPLIED),
            Some(_) => (&sql::LEDGER_OPEN_OF, &sql::LEDGER_UNAPPLIED_OF),
        };
        let mut aged = Aged::nothing(buckets);
        let days = buckets.due_days(asked.as_of_day);
        for (sum, days) in aged.open.iter_mut().zip(days) {
            let range = args![days.start, days.end, asked.as_of_day];
            *sum = self.sum(open, [of.clone(), range].concat()).await?;
        }
        let until = args![asked.as_of_day];
        let credit = self.sum(unapplied, [of, until].concat()).await?;
        aged.unapplied = credit.saturating_neg();
        Ok(aged)
    }

    async fn sum(&mut self, statement: &Statement, args: Vec<Arg>) -> Result<i128, Error> {
        let halves: Halves = self.tx().await?.one(statement, args).await?;
        Ok(whole(halves))
    }

    /// All entries that the rows imply, as they were.
    async fn entries_as_of(&mut self) -> Result<Vec<Entry>, Error> {
        let mut own: HashMap<RowKey, Entry> = HashMap::new();
        for kind in [Kind::Invoice, Kind::Payment] {
            let entry = |row: Row| own_entry(kind, &row.body).map(|entry| (row.key, entry));
            let rows = self.all_as_of(kind, "").await?;
            own.extend(rows.into_iter().filter_map(|(row, _)| entry(row)));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (row, _) in self.all_as_of(Kind::Allocation, "").await? {
            let allocation: Allocation = row
                .decode()
                .map_err(|error| Error::Corrupt(error.to_string()))?;
            entries.extend(entries_of(&allocation, |key| own.get(key).cloned()));
        }
        entries.extend(own.into_values());
        Ok(entries)
    }
}

fn account_args(account: &Account) -> Vec<Arg> {
    args![
        account.party.as_str(),
        account.books.legal_entity.as_str(),
        account.books.currency.code()
    ]
}

#[rustfmt::skip]
fn aged_row(row: AgedRow) -> Result<(Account, [Halves; 6]), Error> {
    let (party, entity, currency, a1, a0, b1, b0, c1, c0, d1, d0, due1, due0, all1, all0) = row;
    let halves = [(a1, a0), (b1, b0), (c1, c0), (d1, d0), (due1, due0), (all1, all0)];
    Ok((account_of((party, entity, currency))?, halves))
}

/// For days that one statement takes; what is missing of them are days before all others.
fn aged_args(asked: &Asked, after: Option<&Account>, limit: usize, days: &[i64]) -> Vec<Arg> {
    let of_entity = asked.legal_entity.as_deref().unwrap_or_default();
    let first = asked.party.as_deref().unwrap_or_default();
    // No party is behind this one: their ids are ASCII.
    let last = asked.party.as_deref().unwrap_or("\u{10ffff}");
    let after = after.filter(|after| *after.party >= *first);
    let place = after.map_or_else(|| args![first, "", ""], account_args);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let days = days.iter().copied().chain(std::iter::repeat(i64::MIN));
    let mut all = vec![flow_arg(asked.flow)];
    all.extend(place);
    all.extend(args![last, of_entity, asked.as_of_day, limit]);
    all.extend(days.take(DAYS_AT_ONCE).map(Arg::from));
    all
}

/// As the statements divide it.
fn whole((upper, lower): Halves) -> i128 {
    i128::from(upper)
        .saturating_mul(1 << 32)
        .saturating_add(i128::from(lower))
}

/// PostgreSQL cannot be asked for such a text, and nothing is stored under it.
fn has_nul(asked: &Asked) -> bool {
    let texts = [&asked.legal_entity, &asked.party];
    texts.into_iter().flatten().any(|text| text.contains('\0'))
}
