//! What parties owe, as of any date: the ledger entries that follow from invoices, payments and allocations, and their sums.
//!
//! Everything here is linear. Each row implies at most two entries, an entry counts from a day on and never changes, and
//! what is owed as of a day is the sum of the entries until then. So sums can be taken by the database, corrected by what a
//! draft changes, and compared with each other. Entered by [`own_entry`], [`entries_of`] and [`Asked`]; knows no clock and
//! no SQL.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    invoice::{Allocation, Flow, Invoice, Payment, Settlement},
    money::{Currency, Money, MoneyError},
    problem::Problem,
    row::{Kind, RowKey},
};

/// Most bounds of an aging.
pub const BUCKETS_MAX: usize = 12;
/// Largest bound, in days: a hundred years.
pub const BUCKET_DAYS_MAX: u32 = 36_525;
/// Bounds of an aging unless asked otherwise: not due, 1 to 30, 31 to 60, 61 to 90, over 90.
pub const BUCKETS: [u32; 3] = [30, 60, 90];

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// An invoice that is owed.
    Invoice,
    /// A credit note that counts.
    CreditNote,
    /// Money that came in (receivable) or went out (payable).
    Payment,
    /// A payment taken back.
    Reversal,
    /// On the invoice's side: what a payment or a credit note settled of it.
    Settled,
    /// On the side of the payment or credit note: what of it settled an invoice.
    Applied,
    /// What nobody will pay.
    WriteOff,
    /// What was settled before this office began.
    Opening,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        EntryKind::Invoice,
        EntryKind::CreditNote,
        EntryKind::Payment,
        EntryKind::Reversal,
        EntryKind::Settled,
        EntryKind::Applied,
        EntryKind::WriteOff,
        EntryKind::Opening,
    ];

    /// Its name in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryKind::Invoice => "invoice",
            EntryKind::CreditNote => "credit-note",
            EntryKind::Payment => "payment",
            EntryKind::Reversal => "reversal",
            EntryKind::Settled => "settled",
            EntryKind::Applied => "applied",
            EntryKind::WriteOff => "write-off",
            EntryKind::Opening => "opening",
        }
    }

    /// The kind of that name.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What one row adds to what a party owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it stands for.
    pub kind: EntryKind,
    /// Who owes whom.
    pub flow: Flow,
    /// Whose it is.
    pub account: Account,
    /// When the invoice is due, in days since 1970; none on the side of payments and credit notes.
    pub due_day: Option<i64>,
    /// The day from which it counts, in days since 1970.
    pub from_day: i64,
    /// What it adds to the balance, in minor units.
    pub minor: i64,
}

/// One party's account with a legal entity, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The party; "" for money of nobody known.
    pub party: String,
    /// Whose account it is, and in what.
    pub books: Books,
}

/// The books of a legal entity in one currency.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Books {
    /// Our legal entity.
    pub legal_entity: String,
    /// The currency.
    pub currency: Currency,
}

impl Account {
    /// Whose account it is, and in what.
    pub fn books(&self) -> Books {
        self.books.clone()
    }
}

/// Days since 1970.
pub fn day(on: Date) -> i64 {
    let hours = on.duration_since(date(1970, 1, 1)).as_hours();
    hours.div_euclid(24)
}

/// The entry of an invoice or credit note; none while it is not owed.
///
/// It counts from the date of its issue, a supplier's from that of its posting. Without a due date it is due then.
pub fn document_entry(invoice: &Invoice) -> Option<Entry> {
    if !invoice.counts() {
        return None;
    }
    let from_day = day(invoice.counts_from());
    let payable = invoice.totals.payable();
    let is_note = invoice.is_credit_note();
    let due_day = invoice.content.due_date.map_or(from_day, day);
    Some(Entry {
        kind: if is_note {
            EntryKind::CreditNote
        } else {
            EntryKind::Invoice
        },
        flow: invoice.content.flow,
        account: Account {
            party: invoice.content.party.clone(),
            books: Books {
                legal_entity: invoice.content.legal_entity.clone(),
                currency: payable.currency,
            },
        },
        due_day: (!is_note).then_some(due_day),
        from_day,
        minor: if is_note {
            payable.minor.saturating_neg()
        } else {
            payable.minor
        },
    })
}

/// The entry of a payment or a reversal.
pub fn payment_entry(payment: &Payment) -> Entry {
    let kind = if payment.reverses.is_some() {
        EntryKind::Reversal
    } else {
        EntryKind::Payment
    };
    Entry {
        kind,
        flow: payment.flow,
        account: Account {
            party: payment.party.clone().unwrap_or_default(),
            books: Books {
                legal_entity: payment.legal_entity.clone(),
                currency: payment.amount.currency,
            },
        },
        due_day: None,
        from_day: day(payment.value_date),
        minor: payment.amount.minor.saturating_neg(),
    }
}

/// The entries of an allocation, by those of its invoice and of its source: less is open of the one, less is left of the
/// other. It counts once all three do.
pub fn allocation_entries(
    allocation: &Allocation,
    invoice: &Entry,
    source: Option<&Entry>,
) -> Vec<Entry> {
    let kind = match allocation.settlement {
        Settlement::Payment | Settlement::CreditNote => EntryKind::Settled,
        Settlement::WriteOff => EntryKind::WriteOff,
        Settlement::Opening => EntryKind::Opening,
    };
    let source_day = source.map_or(i64::MIN, |source| source.from_day);
    let from_day = day(allocation.date).max(invoice.from_day).max(source_day);
    let minor = allocation.amount.minor;
    let of_invoice = Entry {
        kind,
        from_day,
        minor: minor.saturating_neg(),
        ..invoice.clone()
    };
    let of_source = source.map(|source| Entry {
        kind: EntryKind::Applied,
        from_day,
        minor,
        ..source.clone()
    });
    std::iter::once(of_invoice).chain(of_source).collect()
}

/// The entry of an invoice, credit note or payment; none of anything else, and while it is not owed.
pub fn own_entry(kind: Kind, body: &Value) -> Option<Entry> {
    match kind {
        Kind::Invoice => document_entry(&Invoice::deserialize(body).ok()?),
        Kind::Payment => Some(payment_entry(&Payment::deserialize(body).ok()?)),
        _ => None,
    }
}

/// The entries of an allocation, by those of the rows that it names.
pub fn entries_of(allocation: &Allocation, entry: impl Fn(&RowKey) -> Option<Entry>) -> Vec<Entry> {
    let source_kind = match allocation.settlement {
        Settlement::Payment => Some(Kind::Payment),
        Settlement::CreditNote => Some(Kind::Invoice),
        Settlement::WriteOff | Settlement::Opening => None,
    };
    let Some(invoice) = entry(&RowKey::of(Kind::Invoice, &allocation.invoice)) else {
        return Vec::new();
    };
    let source = source_kind.and_then(|kind| entry(&RowKey::of(kind, &allocation.source)));
    allocation_entries(allocation, &invoice, source.as_ref())
}

/// How an aging divides what is open: by days past due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets(Vec<u32>);

impl Default for Buckets {
    fn default() -> Self {
        Self(BUCKETS.to_vec())
    }
}

impl Buckets {
    /// Buckets that end with so many days past due, in rising order; a last one takes all above.
    pub fn new(bounds_days: Vec<u32>) -> Result<Self, Problem> {
        let is_good = (1..=BUCKETS_MAX).contains(&bounds_days.len())
            && bounds_days.is_sorted_by(|left, right| left < right)
            && bounds_days
                .iter()
                .all(|bound| (1..=BUCKET_DAYS_MAX).contains(bound));
        if is_good {
            return Ok(Self(bounds_days));
        }
        Err(Problem::at(
            "out-of-range",
            "/buckets",
            format!("1 to {BUCKETS_MAX} rising numbers of days, from 1 to {BUCKET_DAYS_MAX}"),
        ))
    }

    /// How many there are: what is not due is one, what is over the last bound another.
    pub fn count(&self) -> usize {
        self.0.len().saturating_add(2)
    }

    /// First and last day past due of each; none is open. What is not due has 0 as its last day.
    pub fn spans(&self) -> Vec<(Option<u32>, Option<u32>)> {
        let firsts = std::iter::once(None)
            .chain(std::iter::once(Some(1)))
            .chain(self.0.iter().map(|bound| Some(bound.saturating_add(1))));
        let lasts = std::iter::once(Some(0))
            .chain(self.0.iter().map(|bound| Some(*bound)))
            .chain(std::iter::once(None));
        firsts.zip(lasts).collect()
    }

    /// Due days of each as of a day: the first one inside, and the first one behind.
    pub fn due_days(&self, as_of_day: i64) -> Vec<std::ops::Range<i64>> {
        let before = |days: u32| as_of_day.saturating_sub(i64::from(days));
        let span = |(first, last): (Option<u32>, Option<u32>)| {
            let end = first.map_or(i64::MAX, |first| before(first).saturating_add(1));
            last.map_or(i64::MIN, before)..end
        };
        self.spans().into_iter().map(span).collect()
    }
}

/// What is open by buckets, and what is left of payments and credit notes, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aged {
    /// Of each bucket.
    pub open: Vec<i128>,
    /// Payments and credit notes that have settled nothing yet.
    pub unapplied: i128,
}

impl Aged {
    /// Nothing at all.
    pub fn nothing(buckets: &Buckets) -> Self {
        Self {
            open: vec![0; buckets.count()],
            unapplied: 0,
        }
    }

    /// What the buckets add up to.
    pub fn open_sum(&self) -> i128 {
        self.open
            .iter()
            .fold(0, |sum, open| sum.saturating_add(*open))
    }

    /// Whether anything is open or unapplied.
    pub fn is_something(&self) -> bool {
        self.unapplied != 0 || self.open.iter().any(|sum| *sum != 0)
    }

    /// What is owed after all.
    pub fn balance(&self) -> i128 {
        self.open_sum().saturating_sub(self.unapplied)
    }

    fn add(&mut self, entry: &Entry, sign: i128, due_days: &[std::ops::Range<i64>]) {
        let minor = i128::from(entry.minor).saturating_mul(sign);
        let Some(due_day) = entry.due_day else {
            self.unapplied = self.unapplied.saturating_sub(minor);
            return;
        };
        let bucket = due_days.iter().position(|days| days.contains(&due_day));
        if let Some(open) = bucket.and_then(|bucket| self.open.get_mut(bucket)) {
            *open = open.saturating_add(minor);
        }
    }
}

/// What makes up one account's balance, by the kind of the entries, in minor units.
pub type Parts = BTreeMap<EntryKind, i128>;

/// Which entries are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Receivables or payables.
    pub flow: Flow,
    /// Only this legal entity's.
    pub legal_entity: Option<String>,
    /// Only this party's.
    pub party: Option<String>,
    /// Entries that count on this day, in days since 1970.
    pub as_of_day: i64,
}

impl Asked {
    /// Whether an entry is among those that are asked for.
    pub fn takes(&self, entry: &Entry) -> bool {
        let account = &entry.account;
        let is_of = |asked: &Option<String>, of: &str| asked.as_deref().is_none_or(|one| one == of);
        entry.flow == self.flow
            && entry.from_day <= self.as_of_day
            && is_of(&self.legal_entity, &account.books.legal_entity)
            && is_of(&self.party, &account.party)
    }

    /// Adds an entry to the aging of its books or of its account, whatever `of` says, or takes it away with a sign of -1.
    pub fn age<K: Ord>(
        &self,
        found: &mut BTreeMap<K, Aged>,
        of: fn(&Account) -> K,
        buckets: &Buckets,
        entry: &Entry,
        sign: i128,
    ) {
        if self.takes(entry) {
            found
                .entry(of(&entry.account))
                .or_insert_with(|| Aged::nothing(buckets))
                .add(entry, sign, &buckets.due_days(self.as_of_day));
        }
    }

    /// Adds an entry to its account, or takes it away with a sign of -1.
    pub fn account(&self, accounts: &mut BTreeMap<Account, Parts>, entry: &Entry, sign: i128) {
        if self.takes(entry) {
            let parts = accounts.entry(entry.account.clone()).or_default();
            let part = parts.entry(entry.kind).or_default();
            *part = part.saturating_add(i128::from(entry.minor).saturating_mul(sign));
        }
    }
}

/// A sum as an amount.
pub fn amount(minor: i128, currency: Currency) -> Result<Money, MoneyError> {
    let minor = i64::try_from(minor).map_err(|_| MoneyError::Overflow)?;
    Ok(Money::new(minor, currency))
}

#[cfg(test)]
mod tests;
