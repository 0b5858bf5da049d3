//! How a living company starts: invoices that were issued before, with the numbers that they have.

use bursar_domain::{
    invoice::{
        Allocation, Flow, Invoice, InvoiceContent, InvoiceState, Settlement, is_of_a_series,
    },
    money::Money,
    row::{Kind, RowKey},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    effects::Keyed,
    error::Error,
    input::Faults,
    organisation::check_period,
    session::{Session, View},
    write::{Write, to_value},
};

/// Longest foreign number, in bytes.
const NUMBER_BYTES_MAX: usize = 100;

/// An invoice that was issued before this office began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenItem {
    /// A receivable as it was issued.
    pub content: InvoiceContent,
    /// The number that it has; outside of our series.
    pub number: String,
    /// The date that it was issued.
    pub issue_date: Date,
    /// What is still open of it, from nothing to what was to be paid.
    pub outstanding: Money,
}

impl Session {
    /// Takes over an invoice that was issued before: only for administrators.
    ///
    /// The lock date is set after that: nothing is posted on or before it (INV-10).
    pub async fn open_item(&mut self, key: &str, item: &OpenItem) -> Result<View<Invoice>, Error> {
        self.require_administrator()?;
        let free = match self
            .effect("invoices.open-item", key, &to_value(item)?)
            .await?
        {
            Keyed::Used(id) => return self.own_invoice(&id).await,
            Keyed::Free(free) => free,
        };
        let drafted = self.draft_of(&item.content).await?;
        self.check_item(item, drafted.totals.payable()).await?;
        let settled = drafted.totals.payable().checked_sub(item.outstanding);
        let settled = settled.map_err(|error| {
            Error::invalid("currency-mismatch", "/outstanding", error.to_string())
        })?;
        let invoice = Invoice {
            state: InvoiceState::Issued,
            number: Some(item.number.clone()),
            issue_date: Some(item.issue_date),
            outstanding: item.outstanding,
            is_external: true,
            ..drafted
        };
        let id = self.new_id();
        let write = Write::of(RowKey::of(Kind::Invoice, &id), None, &invoice)?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        let mut writes = vec![free.used_for(&id)?, write];
        if settled.minor > 0 {
            let allocation = Allocation {
                settlement: Settlement::Opening,
                source: String::new(),
                invoice: id.clone(),
                amount: settled,
                date: item.issue_date,
                reason: "opening".to_owned(),
            };
            let key = RowKey::of(Kind::Allocation, &self.new_id());
            writes.push(Write::of(key, None, &allocation)?);
        }
        self.apply(writes)?;
        self.own_invoice(&id).await
    }

    async fn check_item(&mut self, item: &OpenItem, payable: Money) -> Result<(), Error> {
        let entity = self
            .entity_named(&item.content.legal_entity, "/content/legal_entity")
            .await?;
        let today = self.business_date(&entity)?;
        let mut faults = Faults::default();
        faults.line("/number", &item.number, 1..=NUMBER_BYTES_MAX);
        faults.unless(
            !is_of_a_series(&item.number),
            "not-unique",
            "/number",
            "it looks like a number that a series gives: add what tells them apart, such as `old/`",
        );
        faults.unless(
            item.content.flow == Flow::Receivable && item.content.corrects.is_none(),
            "wrong-type",
            "/content",
            "an open item is a receivable of its own; a supplier's invoice is drafted as any other",
        );
        faults.unless(
            item.issue_date <= today,
            "out-of-range",
            "/issue_date",
            format!("not after today, {today}"),
        );
        let is_part = (0..=payable.minor).contains(&item.outstanding.minor);
        faults.unless(
            is_part,
            "out-of-range",
            "/outstanding",
            format!("from nothing to {payable}"),
        );
        check_period(&mut faults, &entity, "/issue_date", item.issue_date);
        faults.result()
    }
}
