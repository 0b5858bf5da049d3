//! What parties owe: agings and balances as of any date, the session's own changes included.

mod accounts;

use std::collections::HashMap;

use bursar_domain::{
    aging::{
        Account, Aged, Asked, Books, Buckets, Entry, EntryKind, Parts, amount, day, entries_of,
        own_entry,
    },
    draft::{Direction, Listing},
    index::{Comparison, fields_of},
    invoice::{Allocation, Flow, Invoice, InvoiceState},
    manifest::InvoiceOperation,
    money::{Currency, Money, MoneyError},
    row::{Kind, RowKey},
    time,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use accounts::{AgedAccount, AgedAccounts};

use crate::{
    error::Error,
    invoices::field,
    listing::{Paging, Scope},
    session::Session,
    write::{can_be_id, to_value},
};

/// Most books of one aging: legal entities times currencies.
const BOOKS_MAX: usize = 1000;

/// Whose accounts, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Receivables or payables.
    pub flow: Flow,
    /// Only this legal entity's.
    pub legal_entity: Option<String>,
    /// Only this party's.
    pub party: Option<String>,
    /// As of the end of this day; today unless given, in the legal entity's zone if one is named, else in UTC.
    pub as_of: Option<Date>,
}

/// What is open by days past due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Aging {
    /// Receivables or payables.
    pub flow: Flow,
    /// As of the end of this day.
    pub as_of: Date,
    /// By legal entity and currency; those where nothing is open or unapplied are left out.
    pub books: Vec<AgedBooks>,
}

/// The books of a legal entity in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgedBooks {
    /// Our legal entity.
    pub legal_entity: String,
    /// ISO 4217 code.
    pub currency: Currency,
    /// What is not due yet, then what is past due by rising days.
    pub buckets: Vec<Bucket>,
    /// What the buckets add up to.
    pub open: Money,
    /// What is left of payments and credit notes.
    pub unapplied: Money,
    /// What is open, less what is unapplied.
    pub balance: Money,
}

/// What is open within a span of days past due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bucket {
    /// First day past due; none if it is not due yet.
    pub from_days: Option<u32>,
    /// Last day past due; none if there is no last.
    pub to_days: Option<u32>,
    /// What is open.
    pub amount: Money,
}

/// What makes up an account's balance (INV-5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the balance is what the other amounts add up to"
)]
pub struct Balance {
    /// The party; none is money of nobody known.
    pub party: Option<String>,
    /// Our legal entity.
    pub legal_entity: String,
    /// ISO 4217 code.
    pub currency: Currency,
    /// Invoices that are owed.
    pub issued: Money,
    /// Credit notes that count.
    pub credited: Money,
    /// Payments.
    pub received: Money,
    /// Payments taken back.
    pub refunded: Money,
    /// What nobody will pay.
    pub written_off: Money,
    /// What was settled before this office began.
    pub settled_before: Money,
    /// What this party's payments settled for others, less what others' payments settled for it.
    pub carried: Money,
    /// Issued - credited - received + refunded - written off - settled before + carried.
    pub balance: Money,
}

/// Balances, by party, legal entity and currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Balances {
    /// Receivables or payables.
    pub flow: Flow,
    /// As of the end of this day.
    pub as_of: Date,
    /// In order.
    pub items: Vec<Balance>,
    /// Where the next page begins: send it as `after`. None on the last page.
    pub next: Option<String>,
}

impl Session {
    /// What is open by days past due, and what is left of payments and credit notes. Needs `invoices: read` for the flow.
    ///
    /// An invoice counts from its issue date and is due then if it says nothing else; what was settled later was open.
    pub async fn aging(&mut self, accounts: &Accounts, buckets: &Buckets) -> Result<Aging, Error> {
        let (asked, as_of) = self.asked(accounts).await?;
        let mut found = self.snapshot.aging(&asked, buckets).await?;
        for (entry, sign) in self.drafted_entries().await? {
            asked.age(&mut found, Account::books, buckets, &entry, sign);
        }
        found.retain(|_, aged| aged.is_something());
        if found.len() > BOOKS_MAX {
            let message = format!("more than {BOOKS_MAX} legal entities and currencies");
            return Err(Error::invalid("too-many", "/legal_entity", message));
        }
        self.hand_out(found.len())?;
        let books = found
            .iter()
            .map(|(books, aged)| aged_books(books, aged, buckets))
            .collect::<Result<_, _>>()
            .map_err(too_large)?;
        Ok(Aging {
            flow: asked.flow,
            as_of,
            books,
        })
    }

    /// What each party owes, and what that is made up of. Needs `invoices: read` for the flow.
    ///
    /// A payment that settles the invoice of another party is carried over to it.
    pub async fn balances(
        &mut self,
        accounts: &Accounts,
        paging: &Paging,
    ) -> Result<Balances, Error> {
        let stretch = self.stretch(accounts, None, paging)?;
        let (asked, as_of) = self.asked(accounts).await?;
        let (after, wanted) = (stretch.after(), stretch.wanted());
        let mut found = self.snapshot.balances(&asked, after, wanted).await?;
        let until = stretch.until(&found);
        for (entry, sign) in self.drafted_entries().await? {
            if stretch.takes(until.as_ref(), &entry.account) {
                asked.account(&mut found, &entry, sign);
            }
        }
        let (found, next) = stretch.cut(found);
        let items = found
            .iter()
            .map(|(account, parts)| balance(account, parts))
            .collect::<Result<Vec<_>, _>>()
            .map_err(too_large)?;
        self.hand_out(items.len())?;
        Ok(Balances {
            flow: asked.flow,
            as_of,
            items,
            next,
        })
    }

    /// Checks what is asked for, and records that the answer depends on all invoices and payments of it.
    ///
    /// An allocation changes its invoice, so it needs no listing of its own.
    async fn asked(&mut self, accounts: &Accounts) -> Result<(Asked, Date), Error> {
        let Accounts {
            flow,
            legal_entity,
            party,
            as_of,
        } = accounts.clone();
        self.require_invoices(flow, InvoiceOperation::Read)?;
        if party.as_deref().is_some_and(|party| !can_be_id(party)) {
            return Err(Error::invalid(
                "unknown",
                "/party",
                "there is no such party",
            ));
        }
        let today = if let Some(id) = &legal_entity {
            let entity = self.entity_named(id, "/legal_entity").await?;
            self.business_date(&entity)?
        } else {
            let utc = time::zone("UTC").map_err(|error| Error::Broken(error.to_string()))?;
            time::date_in_zone(self.context.now_us, &utc)
                .map_err(|error| Error::Broken(error.to_string()))?
        };
        let as_of = as_of.unwrap_or(today);
        self.pin().await?;
        for kind in [Kind::Invoice, Kind::Payment] {
            let fields = fields_of(kind);
            let equal = |scope: Scope, name: &str, value: Value| {
                scope.and(&field(&fields, name)?, Comparison::Equal, &[value])
            };
            let mut scope = equal(Scope::all(kind, ""), "flow", to_value(&flow)?)?;
            if let Some(party) = &party {
                scope = equal(scope, "party", Value::from(party.as_str()))?;
            }
            if let (Kind::Invoice, Some(entity)) = (kind, &legal_entity) {
                scope = equal(scope, "legal-entity", Value::from(entity.as_str()))?;
            }
            self.listed(Listing {
                kind,
                collection: scope.collection,
                conditions: scope.conditions,
                order: None,
                direction: Direction::Ascending,
                until: None,
            })?;
        }
        let asked = Asked {
            flow,
            legal_entity,
            party,
            as_of_day: day(as_of),
        };
        Ok((asked, as_of))
    }

    /// What the draft adds to the ledger (1) and takes from it (-1).
    async fn drafted_entries(&mut self) -> Result<Vec<(Entry, i128)>, Error> {
        let is_booked =
            |key: &RowKey| matches!(key.kind, Kind::Invoice | Kind::Payment | Kind::Allocation);
        let changes = self.draft.changes().iter();
        let changes: Vec<_> = changes
            .filter(|change| is_booked(&change.key))
            .cloned()
            .collect();
        let replaced = changes.iter().filter(|change| change.previous != 0);
        let replaced: Vec<RowKey> = replaced.map(|change| change.key.clone()).collect();
        let stored = self.snapshot.get_many(&replaced).await?;
        let mut found: Vec<(Entry, i128)> = stored
            .iter()
            .filter_map(|row| Some((own_entry(row.key.kind, &row.body)?, -1)))
            .collect();
        let mut own: HashMap<RowKey, Entry> = HashMap::new();
        for change in &changes {
            let Some(body) = &change.body else { continue };
            let body = self.dated(change.key.kind, body).await?;
            own.extend(own_entry(change.key.kind, &body).map(|entry| (change.key.clone(), entry)));
        }
        for change in changes.iter().filter(|it| it.key.kind == Kind::Allocation) {
            let Some(body) = &change.body else { continue };
            let allocation = Allocation::deserialize(body.as_ref())
                .map_err(|error| Error::Broken(format!("{}: {error}", change.key)))?;
            let entries = entries_of(&allocation, |key| own.get(key).cloned());
            found.extend(entries.into_iter().map(|entry| (entry, 1)));
        }
        found.extend(own.into_values().map(|entry| (entry, 1)));
        Ok(found)
    }

    /// An image with the date of issue that the commit would give it now.
    async fn dated(&mut self, kind: Kind, body: &Value) -> Result<Value, Error> {
        let invoice = match kind {
            Kind::Invoice => Invoice::deserialize(body).ok(),
            _ => None,
        };
        let pending =
            invoice.filter(|it| it.state == InvoiceState::Issued && it.issue_date.is_none());
        let Some(mut invoice) = pending else {
            return Ok(body.clone());
        };
        let entity = self
            .entity_named(&invoice.content.legal_entity, "/legal_entity")
            .await?;
        invoice.issue_date = Some(self.business_date(&entity)?);
        to_value(&invoice)
    }
}

fn aged_books(books: &Books, aged: &Aged, buckets: &Buckets) -> Result<AgedBooks, MoneyError> {
    let currency = books.currency;
    let spans = buckets.spans().into_iter().zip(&aged.open);
    let bucket = |((from_days, to_days), sum): ((Option<u32>, Option<u32>), &i128)| {
        Ok(Bucket {
            from_days,
            to_days,
            amount: amount(*sum, currency)?,
        })
    };
    Ok(AgedBooks {
        legal_entity: books.legal_entity.clone(),
        currency,
        buckets: spans.map(bucket).collect::<Result<_, MoneyError>>()?,
        open: amount(aged.open_sum(), currency)?,
        unapplied: amount(aged.unapplied, currency)?,
        balance: amount(aged.balance(), currency)?,
    })
}

fn balance(account: &Account, parts: &Parts) -> Result<Balance, MoneyError> {
    let currency = account.books.currency;
    let part = |kind: EntryKind| parts.get(&kind).copied().unwrap_or_default();
    let added = |kind: EntryKind| amount(part(kind), currency);
    let taken = |kind: EntryKind| amount(part(kind).saturating_neg(), currency);
    let carried = part(EntryKind::Settled).saturating_add(part(EntryKind::Applied));
    let sum = parts
        .values()
        .fold(0, |sum: i128, part| sum.saturating_add(*part));
    Ok(Balance {
        party: Some(account.party.clone()).filter(|party| !party.is_empty()),
        legal_entity: account.books.legal_entity.clone(),
        currency,
        issued: added(EntryKind::Invoice)?,
        credited: taken(EntryKind::CreditNote)?,
        received: taken(EntryKind::Payment)?,
        refunded: added(EntryKind::Reversal)?,
        written_off: taken(EntryKind::WriteOff)?,
        settled_before: taken(EntryKind::Opening)?,
        carried: amount(carried, currency)?,
        balance: amount(sum, currency)?,
    })
}

fn too_large(error: MoneyError) -> Error {
    Error::invalid("out-of-range", "", format!("a sum cannot be told: {error}"))
}
