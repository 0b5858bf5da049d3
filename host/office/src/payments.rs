//! Payments: reading, recording and reversing.

use std::collections::BTreeMap;

use bursar_domain::{
    index::{Comparison, fields_of},
    invoice::{Allocation, Flow, Invoice, Payment, Settlement},
    manifest::InvoiceOperation,
    money::{Money, MoneyError},
    row::{Kind, Row, RowKey},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    input::Faults,
    invoices::{field, stored_extra},
    listing::{Listed, Order, PAGE_ROWS_MAX, Paging, Scope, Test},
    organisation::check_period,
    session::{Session, View},
    write::{Write, key_of, to_value},
};

/// Longest text of a payment or reason of a reversal, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Longest reference or account, in bytes.
const REFERENCE_BYTES_MAX: usize = 200;

/// A payment as a bank statement tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPayment {
    /// Receivable came in, payable went out.
    pub flow: Flow,
    /// Our legal entity.
    pub legal_entity: String,
    /// Who paid or was paid, if known: a record of the collection `parties`.
    pub party: Option<String>,
    /// Above zero in both flows.
    pub amount: Money,
    /// The bank's value date.
    pub value_date: Date,
    /// 1 to 200 bytes, unique per bank account.
    pub bank_reference: String,
    /// Our account, 1 to 200 bytes.
    pub bank_account: String,
    /// At most 16 KiB.
    pub text: String,
    /// An object, kept with the payment.
    pub extra: Value,
}

impl Session {
    /// One payment. Needs `invoices: read` for its flow. A reversal's amount is negative.
    pub async fn payment(&mut self, id: &str) -> Result<View<Payment>, Error> {
        let (row, _) = self.payment_for(id, InvoiceOperation::Read).await?;
        self.hand_out(1)?;
        Ok(self.typed(&row)?)
    }

    /// Payments of the flows in view that pass all conditions. Needs `invoices: read`.
    pub async fn search_payments(
        &mut self,
        conditions: &[Test],
        order: &[Order],
        paging: &Paging,
    ) -> Result<Listed<Payment>, Error> {
        let scope = self.flow_scope(Kind::Payment, conditions, order)?;
        self.page(&scope, paging, |session, row| Ok(session.typed(row)?))
            .await
    }

    /// Records a payment; a bank reference that the account has already is a conflict. Needs `invoices: pay`.
    pub async fn record_payment(
        &mut self,
        key: &str,
        payment: &NewPayment,
    ) -> Result<View<Payment>, Error> {
        self.require_invoices(payment.flow, InvoiceOperation::Pay)?;
        let input = json!({
            "flow": payment.flow, "legal_entity": payment.legal_entity, "party": payment.party,
            "amount": to_value(&payment.amount)?, "value_date": payment.value_date, "bank_reference": payment.bank_reference,
            "bank_account": payment.bank_account, "text": payment.text, "extra": payment.extra,
        });
        let free = match self.effect("invoices.record-payment", key, &input).await? {
            Keyed::Used(id) => return self.own_payment(&id).await,
            Keyed::Free(free) => free,
        };
        self.check_payment(payment).await?;
        let NewPayment {
            flow,
            legal_entity,
            party,
            amount,
            value_date,
            bank_reference,
            bank_account,
            text,
            extra,
        } = payment.clone();
        let stored = Payment {
            flow,
            legal_entity,
            party,
            amount,
            value_date,
            bank_reference,
            bank_account,
            text,
            unallocated: amount,
            reverses: None,
            reversed_by: None,
            extra: stored_extra(&extra),
        };
        let id = self.new_id();
        let write = Write::of(RowKey::of(Kind::Payment, &id), None, &stored)?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![free.used_for(&id)?, write])?;
        self.own_payment(&id).await
    }

    /// Takes a payment back with all its allocations, by a new row. Needs `invoices: pay`.
    pub async fn reverse_payment(
        &mut self,
        key: &str,
        id: &str,
        value_date: Date,
        reason: &str,
    ) -> Result<View<Payment>, Error> {
        let (row, payment) = self.payment_for(id, InvoiceOperation::Pay).await?;
        let input = json!({"payment": id, "value_date": value_date, "reason": reason});
        let free = match self.effect("invoices.reverse-payment", key, &input).await? {
            Keyed::Used(id) => return self.own_payment(&id).await,
            Keyed::Free(free) => free,
        };
        if payment.reverses.is_some() || payment.reversed_by.is_some() {
            return Err(Error::conflict(
                "reversed",
                "the payment is reversed already, or is a reversal",
            ));
        }
        let entity = self.entity_named(&payment.legal_entity, "/payment").await?;
        let mut faults = Faults::default();
        faults.text("/reason", reason, 0..=TEXT_BYTES_MAX);
        check_period(&mut faults, &entity, "/value-date", value_date);
        faults.unless(
            value_date >= payment.value_date,
            "out-of-range",
            "/value-date",
            format!("not before the payment's own, {}", payment.value_date),
        );
        faults.result()?;
        let reversal_id = self.new_id();
        let reversal = Payment {
            amount: payment
                .amount
                .checked_neg()
                .map_err(|error| broken(id, error))?,
            value_date,
            bank_reference: String::new(),
            text: reason.to_owned(),
            unallocated: Money::zero(payment.amount.currency),
            reverses: Some(id.to_owned()),
            reversed_by: None,
            extra: Value::Null,
            ..payment.clone()
        };
        let unallocated = Money::zero(payment.amount.currency);
        let reversed = Payment {
            unallocated,
            reversed_by: Some(reversal_id.clone()),
            ..payment
        };
        let mut writes = self.take_back_allocations(id, value_date).await?;
        writes.push(Write::of(row.key.clone(), Some(&row), &reversed)?);
        writes.push(Write::of(
            RowKey::of(Kind::Payment, &reversal_id),
            None,
            &reversal,
        )?);
        writes.push(free.used_for(&reversal_id)?);
        self.apply(writes)?;
        self.own_payment(&reversal_id).await
    }

    /// Negative allocations for all that a payment settled, and the invoices as they are without it.
    async fn take_back_allocations(
        &mut self,
        payment: &str,
        date: Date,
    ) -> Result<Vec<Write>, Error> {
        let mut settled: BTreeMap<String, (Money, Date)> = BTreeMap::new();
        for allocation in self.allocations_by("source", payment).await? {
            let (sum, latest) = settled
                .entry(allocation.invoice)
                .or_insert((Money::zero(allocation.amount.currency), date));
            *sum = sum
                .checked_add(allocation.amount)
                .map_err(|error| broken(payment, error))?;
            // What is taken back was there before.
            *latest = allocation.date.max(*latest);
        }
        let mut writes = Vec::new();
        settled.retain(|_, (amount, _)| !amount.is_zero());
        for (invoice_id, (amount, date)) in settled {
            let key = RowKey::of(Kind::Invoice, &invoice_id);
            let found = self.find::<Invoice>(&key).await?;
            let (row, mut invoice) =
                found.ok_or_else(|| Error::Broken(format!("{key} has allocations but is gone")))?;
            invoice.outstanding = invoice
                .outstanding
                .checked_add(amount)
                .map_err(|error| broken(payment, error))?;
            let allocation = Allocation {
                settlement: Settlement::Payment,
                source: payment.to_owned(),
                invoice: invoice_id,
                amount: amount
                    .checked_neg()
                    .map_err(|error| broken(payment, error))?,
                date,
                reason: String::new(),
            };
            writes.push(Write::of(
                RowKey::of(Kind::Allocation, &self.new_id()),
                None,
                &allocation,
            )?);
            writes.push(Write::of(key, Some(&row), &invoice)?);
        }
        Ok(writes)
    }

    /// All allocations with an id in one of their fields.
    pub(crate) async fn allocations_by(
        &mut self,
        name: &str,
        id: &str,
    ) -> Result<Vec<Allocation>, Error> {
        let fields = fields_of(Kind::Allocation);
        let scope = Scope::all(Kind::Allocation, "").and(
            &field(&fields, name)?,
            Comparison::Equal,
            &[Value::from(id)],
        )?;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let answer = self
                .list(
                    &scope,
                    after,
                    usize::try_from(PAGE_ROWS_MAX).unwrap_or(usize::MAX),
                )
                .await?;
            for row in &answer.rows {
                found.push(row.decode()?);
            }
            after = answer.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn check_payment(&mut self, payment: &NewPayment) -> Result<(), Error> {
        let mut faults = Faults::default();
        faults.unless(
            payment.amount.minor > 0,
            "out-of-range",
            "/amount",
            "an amount above zero",
        );
        faults.line(
            "/bank-reference",
            &payment.bank_reference,
            1..=REFERENCE_BYTES_MAX,
        );
        faults.line(
            "/bank-account",
            &payment.bank_account,
            1..=REFERENCE_BYTES_MAX,
        );
        faults.text("/text", &payment.text, 0..=TEXT_BYTES_MAX);
        faults.extra("/extra", &payment.extra);
        faults.result()?;
        let entity = self
            .entity_named(&payment.legal_entity, "/legal-entity")
            .await?;
        if let Some(party) = &payment.party {
            self.party_named(party, "/party").await?;
        }
        let mut faults = Faults::default();
        check_period(&mut faults, &entity, "/value-date", payment.value_date);
        faults.result()
    }

    /// A payment for an operation that must be granted on its flow.
    pub(crate) async fn payment_for(
        &mut self,
        id: &str,
        operation: InvoiceOperation,
    ) -> Result<(Row, Payment), Error> {
        self.granted_flows(operation)?;
        let found = self
            .find::<Payment>(&key_of(Kind::Payment, "", id, "such payment")?)
            .await?;
        let (row, payment) = found.ok_or_else(|| Error::not_found("such payment"))?;
        self.require_in_view(payment.flow, operation, "such payment")?;
        Ok((row, payment))
    }

    async fn own_payment(&mut self, id: &str) -> Result<View<Payment>, Error> {
        let key = RowKey::of(Kind::Payment, id);
        let row = self
            .load(&key)
            .await?
            .ok_or_else(|| Error::Broken(format!("{key} is gone")))?;
        Ok(self.typed(&row)?)
    }
}

/// Stored amounts that cannot be computed with.
fn broken(payment: &str, error: MoneyError) -> Error {
    Error::Broken(format!("payment {payment}: {error}"))
}
