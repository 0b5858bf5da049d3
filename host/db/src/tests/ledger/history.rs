//! Random histories of invoices, credit notes, payments and what settles them, as rows.

use std::collections::BTreeMap;

use bursar_domain::{
    invoice::{Allocation, Flow, Invoice, InvoiceState, Payment, Settlement},
    money::{Currency, Money},
    row::{Kind, RowKey},
};
use jiff::{
    ToSpan,
    civil::{Date, date},
};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::json;

use crate::tests::invoicing;

pub(super) const PARTIES: [&str; 3] = ["p0", "p1", "p2"];

/// Offsets are days after the first of January; places count from the first row and wrap.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Document {
        minor: i64,
        on: i64,
        due: Option<i64>,
        party: usize,
        is_note: bool,
    },
    Payment {
        minor: i64,
        on: i64,
        party: Option<usize>,
    },
    Settle {
        by_note: bool,
        source: usize,
        invoice: usize,
        minor: i64,
        on: i64,
    },
    WriteOff {
        invoice: usize,
        minor: i64,
        on: i64,
    },
    Reverse {
        payment: usize,
        on: i64,
    },
    Reject(usize),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let minor = || 1_i64..5_000;
    let on = || 0_i64..60;
    let document = (
        minor(),
        0_i64..25,
        prop::option::of(-5_i64..60),
        0_usize..3,
        prop::bool::weighted(0.25),
    );
    let settle = (any::<bool>(), 0_usize..6, 0_usize..6, minor(), on());
    prop_oneof![
        4 => document.prop_map(|(minor, on, due, party, is_note)| Step::Document { minor, on, due, party, is_note }),
        3 => (minor(), 0_i64..30, prop::option::of(0_usize..3)).prop_map(|(minor, on, party)| Step::Payment { minor, on, party }),
        5 => settle.prop_map(|(by_note, source, invoice, minor, on)| Step::Settle { by_note, source, invoice, minor, on }),
        1 => (0_usize..6, minor(), on()).prop_map(|(invoice, minor, on)| Step::WriteOff { invoice, minor, on }),
        1 => (0_usize..6, on()).prop_map(|(payment, on)| Step::Reverse { payment, on }),
        1 => (0_usize..6).prop_map(Step::Reject),
    ]
}

pub(super) fn at(offset: i64) -> Date {
    date(2026, 1, 1) + offset.days()
}

pub(super) fn eur() -> Currency {
    Currency::parse("EUR").expect("a currency")
}

fn money(minor: i64) -> Money {
    Money::new(minor, eur())
}

/// What was written so far, by id.
pub(super) struct History {
    pub(super) flow: Flow,
    pub(super) legal_entity: String,
    pub(super) documents: BTreeMap<String, Invoice>,
    pub(super) payments: BTreeMap<String, Payment>,
    pub(super) allocations: Vec<Allocation>,
    rows: usize,
}

/// Rows to be written together.
pub(super) type Writes = Vec<(RowKey, serde_json::Value)>;

impl History {
    pub(super) fn on(flow: Flow, legal_entity: &str) -> Self {
        Self {
            flow,
            legal_entity: legal_entity.to_owned(),
            documents: BTreeMap::new(),
            payments: BTreeMap::new(),
            allocations: Vec::new(),
            rows: 0,
        }
    }

    fn id(&mut self) -> String {
        self.rows += 1;
        format!("{}-{:03}", self.legal_entity, self.rows)
    }

    fn pick(&self, is_note: bool, place: usize) -> Option<String> {
        let is_such = |it: &&Invoice| it.is_credit_note() == is_note && it.state.is_owed();
        let found = self.documents.iter().filter(|(_, it)| is_such(it));
        let ids: Vec<&String> = found.map(|(id, _)| id).collect();
        ids.get(place % ids.len().max(1)).map(|id| (*id).clone())
    }

    fn put<T: Serialize>(kind: Kind, id: &str, body: &T) -> (RowKey, serde_json::Value) {
        let body = serde_json::to_value(body).expect("JSON");
        (RowKey::of(kind, id), body)
    }

    fn allocate(&mut self, allocation: Allocation) -> (RowKey, serde_json::Value) {
        let id = self.id();
        let row = Self::put(Kind::Allocation, &id, &allocation);
        self.allocations.push(allocation);
        row
    }

    /// What a step writes; nothing if it does not fit.
    pub(super) fn take(&mut self, step: &Step) -> Option<Writes> {
        match *step {
            Step::Document {
                minor,
                on,
                due,
                party,
                is_note,
            } => Some(self.document(minor, at(on), due, PARTIES[party], is_note)),
            Step::Payment { minor, on, party } => {
                let id = self.id();
                let mut body = invoicing::payment(0, &id);
                body["flow"] = json!(self.flow);
                body["legal_entity"] = json!(self.legal_entity);
                body["party"] = json!(party.map(|party| PARTIES[party]));
                body["amount"] = json!(money(minor));
                body["unallocated"] = json!(money(minor));
                body["value_date"] = json!(at(on));
                let payment: Payment = serde_json::from_value(body).expect("a payment");
                let writes = vec![Self::put(Kind::Payment, &id, &payment)];
                self.payments.insert(id, payment);
                Some(writes)
            }
            Step::Settle {
                by_note,
                source,
                invoice,
                minor,
                on,
            } => {
                let invoice = self.pick(false, invoice)?;
                if by_note {
                    self.settle_by_note(source, &invoice, minor, at(on))
                } else {
                    self.settle_by_payment(source, &invoice, minor, at(on))
                }
            }
            Step::WriteOff { invoice, minor, on } => {
                let id = self.pick(false, invoice)?;
                self.settle(&id, (Settlement::WriteOff, ""), minor, at(on))
            }
            Step::Reverse { payment, on } => self.reverse(payment, at(on)),
            Step::Reject(place) => {
                let id = self.pick(false, place)?;
                // The office rejects nothing that money was ever set against.
                let is_untouched = self.allocations.iter().all(|it| it.invoice != id);
                let invoice = self.documents.get_mut(&id)?;
                if invoice.state != InvoiceState::Received || !is_untouched {
                    return None;
                }
                invoice.state = InvoiceState::Rejected;
                invoice.outstanding = money(0);
                Some(vec![Self::put(Kind::Invoice, &id, invoice)])
            }
        }
    }

    pub(super) fn document(
        &mut self,
        minor: i64,
        on: Date,
        due: Option<i64>,
        party: &str,
        is_note: bool,
    ) -> Writes {
        let id = self.id();
        let is_ours = self.flow == Flow::Receivable;
        let mut body = invoicing::issued(&self.legal_entity, minor);
        body["flow"] = json!(self.flow);
        body["party"] = json!(party);
        body["kind"] = json!(if is_note { "credit-note" } else { "invoice" });
        body["totals"]["gross"] = json!(money(minor));
        body["due_date"] = json!(due.map(|days| on + days.days()));
        if is_ours {
            body["issue_date"] = json!(on);
            body["number"] = json!(format!("old/{id}"));
            body["is_external"] = json!(true);
        } else {
            body["posted_on"] = json!(on);
            body["state"] = json!(if is_note { "approved" } else { "received" });
        }
        let invoice: Invoice = serde_json::from_value(body).expect("an invoice");
        let writes = vec![Self::put(Kind::Invoice, &id, &invoice)];
        self.documents.insert(id, invoice);
        writes
    }

    /// An allocation and its invoice, at most what is outstanding.
    fn settle(
        &mut self,
        id: &str,
        (settlement, source): (Settlement, &str),
        minor: i64,
        on: Date,
    ) -> Option<Writes> {
        let invoice = self.documents.get_mut(id)?;
        let minor = minor.min(invoice.outstanding.minor);
        if minor <= 0 {
            return None;
        }
        invoice.outstanding = money(invoice.outstanding.minor - minor);
        let invoice = Self::put(Kind::Invoice, id, invoice);
        let allocation = self.allocate(Allocation {
            settlement,
            source: source.to_owned(),
            invoice: id.to_owned(),
            amount: money(minor),
            date: on,
            reason: String::new(),
        });
        Some(vec![allocation, invoice])
    }

    fn settle_by_payment(
        &mut self,
        place: usize,
        invoice: &str,
        minor: i64,
        on: Date,
    ) -> Option<Writes> {
        let ids: Vec<String> = self.payments.keys().cloned().collect();
        let id = ids.get(place % ids.len().max(1))?;
        let rest = self.payments.get(id)?.unallocated.minor;
        let before = self.documents.get(invoice)?.outstanding.minor;
        let by = (Settlement::Payment, id.as_str());
        let mut writes = self.settle(invoice, by, minor.min(rest), on)?;
        let used = before - self.documents.get(invoice)?.outstanding.minor;
        let payment = self.payments.get_mut(id)?;
        payment.unallocated = money(rest - used);
        writes.push(Self::put(Kind::Payment, id, payment));
        Some(writes)
    }

    fn settle_by_note(
        &mut self,
        place: usize,
        invoice: &str,
        minor: i64,
        on: Date,
    ) -> Option<Writes> {
        let id = self.pick(true, place)?;
        let rest = self.documents.get(&id)?.outstanding.minor;
        let before = self.documents.get(invoice)?.outstanding.minor;
        let by = (Settlement::CreditNote, id.as_str());
        let mut writes = self.settle(invoice, by, minor.min(rest), on)?;
        let used = before - self.documents.get(invoice)?.outstanding.minor;
        let note = self.documents.get_mut(&id)?;
        note.outstanding = money(rest - used);
        writes.push(Self::put(Kind::Invoice, &id, note));
        Some(writes)
    }

    /// As the office does it: what is taken back was there before.
    fn reverse(&mut self, place: usize, on: Date) -> Option<Writes> {
        let ids: Vec<String> = self.payments.keys().cloned().collect();
        let id = ids.get(place % ids.len().max(1))?;
        let payment = self.payments.get(id)?.clone();
        if payment.reverses.is_some() || payment.reversed_by.is_some() {
            return None;
        }
        let on = on.max(payment.value_date);
        let of = self.allocations.iter().filter(|it| it.source == *id);
        let mut settled: BTreeMap<String, (i64, Date)> = BTreeMap::new();
        for it in of {
            let (sum, latest) = settled.entry(it.invoice.clone()).or_insert((0, on));
            *sum += it.amount.minor;
            *latest = it.date.max(*latest);
        }
        let mut writes = Vec::new();
        for (invoice_id, (sum, latest)) in settled {
            let invoice = self.documents.get_mut(&invoice_id)?;
            invoice.outstanding = money(invoice.outstanding.minor + sum);
            writes.push(Self::put(Kind::Invoice, &invoice_id, invoice));
            writes.push(self.allocate(Allocation {
                settlement: Settlement::Payment,
                source: id.clone(),
                invoice: invoice_id,
                amount: money(-sum),
                date: latest,
                reason: String::new(),
            }));
        }
        let reversal_id = self.id();
        let reversal = Payment {
            amount: money(-payment.amount.minor),
            value_date: on,
            bank_reference: String::new(),
            unallocated: money(0),
            reverses: Some(id.clone()),
            ..payment.clone()
        };
        let reversed = Payment {
            unallocated: money(0),
            reversed_by: Some(reversal_id.clone()),
            ..payment
        };
        for (id, body) in [(id.clone(), reversed), (reversal_id, reversal)] {
            writes.push(Self::put(Kind::Payment, &id, &body));
            self.payments.insert(id, body);
        }
        Some(writes)
    }
}
