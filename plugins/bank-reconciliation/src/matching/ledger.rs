//! What the books say: open invoices, parties, payments that are recorded already.
//!
//! A plain value that decisions are applied to, so that each entry of a statement sees what the ones before it did.

use std::collections::{BTreeMap, BTreeSet};

use bursar_sdk::Money;
use bursar_sdk::rows::Flow;

use super::Decision;
use crate::booking::Booking;
use crate::camt::compact_account;
use crate::reference::{Names, plain_name};

/// An issued receivable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The host's id.
    pub id: String,
    /// As people write it.
    pub number: String,
    /// Structured creditor reference.
    pub reference: Option<String>,
    /// Whose it is.
    pub party: String,
    /// The party's name when it was issued.
    pub party_name: String,
    /// "YYYY-MM-DD"
    pub issue_date: Option<String>,
    /// With tax.
    pub gross: Money,
    /// What is still open.
    pub outstanding: Money,
}

/// A customer or supplier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The host's id.
    pub id: String,
    /// As it is written in the books.
    pub name: String,
    /// Its bank accounts.
    pub accounts: Vec<String>,
}

/// A payment that is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The host's id; empty for one that this run records.
    pub id: String,
    /// Which way the money went.
    pub flow: Flow,
    /// Whose it is, if known.
    pub party: Option<String>,
    /// Above zero; below for a reversal.
    pub amount: Money,
    /// The bank's own reference.
    pub bank_reference: String,
    /// The account it is on.
    pub bank_account: String,
    /// Remittance text, end-to-end id; for a reversal its reason.
    pub text: String,
    /// Reference of the payment that this one takes back.
    pub reverses: Option<String>,
}

/// Who paid, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payer {
    /// Nobody we know.
    Unknown,
    /// The one party that has this bank account.
    ByAccount(String),
    /// The one party of this name.
    ByName(String),
    /// More than one party fits.
    Several,
}

impl Payer {
    /// The party, if it is one.
    pub fn party(&self) -> Option<&str> {
        match self {
            Self::ByAccount(party) | Self::ByName(party) => Some(party),
            Self::Unknown | Self::Several => None,
        }
    }
}

/// The books as far as a statement needs them.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Open receivables, and those that this run settles.
    pub invoices: Vec<Invoice>,
    names: Names,
    by_id: BTreeMap<String, usize>,
    by_party: BTreeMap<String, Vec<usize>>,
    by_account: BTreeMap<String, Vec<String>>,
    by_name: BTreeMap<String, Vec<String>>,
    payments: Vec<Payment>,
    payment_ids: BTreeSet<String>,
    by_reference: BTreeMap<(String, String), Vec<usize>>,
    allocated: BTreeMap<(String, String), Vec<(usize, i64)>>,
}

impl Ledger {
    /// Books from their rows; `prefixes` are the letters that our invoice numbers begin with.
    pub fn new(invoices: Vec<Invoice>, parties: &[Party], prefixes: &[String]) -> Self {
        let mut ledger = Self {
            names: Names::new(prefixes),
            ..Self::default()
        };
        for (index, invoice) in invoices.iter().enumerate() {
            ledger.names.add(&invoice.number, index);
            ledger.by_id.insert(invoice.id.clone(), index);
            if let Some(reference) = &invoice.reference {
                ledger.names.add(reference, index);
            }
            ledger
                .by_party
                .entry(invoice.party.clone())
                .or_default()
                .push(index);
        }
        for party in parties {
            for account in &party.accounts {
                let parties = ledger
                    .by_account
                    .entry(compact_account(account))
                    .or_default();
                parties.push(party.id.clone());
            }
            let name = plain_name(&party.name);
            if !name.is_empty() {
                ledger
                    .by_name
                    .entry(name)
                    .or_default()
                    .push(party.id.clone());
            }
        }
        ledger.invoices = invoices;
        ledger
    }

    /// Makes a recorded payment known. Knowing it already is no harm.
    pub fn add_payment(&mut self, payment: Payment) {
        if !payment.id.is_empty() && !self.payment_ids.insert(payment.id.clone()) {
            return;
        }
        let key = key_of(&payment.bank_account, &payment.bank_reference);
        self.by_reference
            .entry(key)
            .or_default()
            .push(self.payments.len());
        self.payments.push(payment);
    }

    /// The invoices that words name.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Payments under a bank reference; reversals are not among them.
    pub fn recorded(&self, account: &str, reference: &str) -> impl Iterator<Item = &Payment> {
        let places = self.by_reference.get(&key_of(account, reference));
        let payments = places
            .into_iter()
            .flatten()
            .map(|&place| &self.payments[place]);
        payments.filter(|payment| payment.reverses.is_none())
    }

    /// All payments, reversals included.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// The row that took a payment back, if one did.
    pub fn reversal_of(&self, original: &Payment) -> Option<&Payment> {
        let name = original.name();
        self.payments
            .iter()
            .find(|payment| payment.reverses.as_ref() == Some(&name))
    }

    /// Open invoices of a party in a currency.
    pub fn open_of(&self, party: &str, currency: &str) -> Vec<&Invoice> {
        let places = self.by_party.get(party).into_iter().flatten();
        places
            .map(|&place| &self.invoices[place])
            .filter(|invoice| invoice.is_open() && invoice.outstanding.currency == currency)
            .collect()
    }

    /// Open invoices of exactly this amount, whoever's.
    pub fn open_at(&self, amount: &Money) -> Vec<&Invoice> {
        let open = self.invoices.iter().filter(|invoice| invoice.is_open());
        open.filter(|invoice| invoice.outstanding == *amount)
            .collect()
    }

    /// Who is on the other side of a booking: by account, then by name, then by the one they pay for.
    pub fn payer(&self, booking: &Booking) -> Payer {
        let side = booking.counterparty();
        if let Some(account) = &side.account
            && let Some(parties) = self.by_account.get(account)
        {
            return match parties.as_slice() {
                [only] => Payer::ByAccount(only.clone()),
                _ => Payer::Several,
            };
        }
        let names = [&side.name, &booking.details.ultimate_debtor];
        let known = names.into_iter().flatten();
        let mut known = known.filter_map(|name| self.by_name.get(&plain_name(name)));
        match known.next().map(Vec::as_slice) {
            None => Payer::Unknown,
            Some([only]) => Payer::ByName(only.clone()),
            Some(_) => Payer::Several,
        }
    }

    /// Carries out a decision, so that the next entry sees it.
    pub fn apply(&mut self, booking: &Booking, decision: &Decision) {
        for (id, amount) in decision.settled() {
            if let Some(&place) = self.by_id.get(id) {
                self.invoices[place].outstanding.minor -= amount.minor;
            }
        }
        if let Some(payment) = &decision.payment {
            let places = decision.allocations.iter().filter_map(|allocation| {
                let place = self.by_id.get(&allocation.invoice);
                place.map(|&place| (place, allocation.amount.minor))
            });
            let key = key_of(&booking.account, &booking.bank_reference);
            self.allocated.insert(key, places.collect());
            self.add_payment(Payment {
                id: String::new(),
                flow: payment.flow,
                party: payment.party.clone(),
                amount: booking.amount.clone(),
                bank_reference: booking.bank_reference.clone(),
                bank_account: booking.account.clone(),
                text: payment.text.clone(),
                reverses: None,
            });
        }
        if let Some(reversal) = &decision.reversal {
            let key = key_of(&booking.account, &reversal.original.bank_reference);
            for (place, minor) in self.allocated.remove(&key).unwrap_or_default() {
                self.invoices[place].outstanding.minor += minor;
            }
            let amount = &reversal.original.amount;
            self.add_payment(Payment {
                id: String::new(),
                amount: Money::new(-amount.minor, &amount.currency),
                bank_reference: String::new(),
                text: reversal.reason.clone(),
                reverses: Some(reversal.original.name()),
                ..reversal.original.clone()
            });
        }
    }
}

impl Invoice {
    /// Whether anything is left to pay.
    pub fn is_open(&self) -> bool {
        self.outstanding.minor > 0
    }
}

impl Payment {
    /// The host's id, or for one of this run its place on the account.
    pub fn name(&self) -> String {
        if self.id.is_empty() {
            format!("{}/{}", self.bank_account, self.bank_reference)
        } else {
            self.id.clone()
        }
    }
}

fn key_of(account: &str, reference: &str) -> (String, String) {
    (compact_account(account), reference.to_owned())
}
