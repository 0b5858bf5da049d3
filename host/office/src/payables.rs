//! The steps of a supplier's invoice, from its arrival until it may be paid.

use bursar_domain::{
    aging::day,
    index::{Comparison, fields_of},
    invoice::{Flow, Invoice, InvoiceContent, InvoiceState},
    manifest::InvoiceOperation,
    money::Money,
    row::Kind,
};
use jiff::civil::Date;
use serde_json::Value;

use crate::{
    error::Error,
    input::Faults,
    invoices::field,
    listing::Scope,
    organisation::check_period,
    session::{Session, View},
    write::{Write, to_value},
};

/// Most documents that a warning names.
const DUPLICATES_MAX: usize = 10;
/// Documents of one supplier and amount read at a time.
const DUPLICATES_PAGE_ROWS: usize = 100;
/// Days between the dates of two documents that may be the same.
const DUPLICATE_DAYS_MAX: u64 = 30;

impl Session {
    /// The date that a supplier's document counts from, within an open period (INV-10).
    pub(crate) async fn posting_date(&mut self, content: &InvoiceContent) -> Result<Date, Error> {
        let entity = self
            .entity_named(&content.legal_entity, "/legal-entity")
            .await?;
        let today = self.business_date(&entity)?;
        let mut faults = Faults::default();
        check_period(&mut faults, &entity, "", today);
        faults.result()?;
        let is_open =
            |date: &Date| *date <= today && entity.lock_date.is_none_or(|locked| *date > locked);
        Ok(content.supplier_date.filter(is_open).unwrap_or(today))
    }

    /// Other documents of a supplier that may be the same as this one: of its kind and amount, dated within 30 days of it.
    /// A warning and nothing more, of at most ten. Needs `invoices: read`.
    pub async fn duplicates_of(&mut self, id: &str) -> Result<Vec<String>, Error> {
        let (row, invoice) = self.invoice_for(id, InvoiceOperation::Read).await?;
        if invoice.content.flow != Flow::Payable {
            return Ok(Vec::new());
        }
        let gross = invoice.totals.gross;
        let fields = fields_of(Kind::Invoice);
        let mut scope = Scope::all(Kind::Invoice, "");
        // The supplier's documents of that amount are found by their index: the other tests are of few rows.
        for (name, value) in [
            ("party", Value::from(invoice.content.party.as_str())),
            ("gross", Value::from(gross.minor)),
            ("currency", Value::from(gross.currency.code())),
            ("flow", to_value(&invoice.content.flow)?),
            ("kind", to_value(&invoice.content.kind)?),
        ] {
            scope = scope.and(&field(&fields, name)?, Comparison::Equal, &[value])?;
        }
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.list(&scope, after, DUPLICATES_PAGE_ROWS).await?;
            for other in page.rows.iter().filter(|other| other.key != row.key) {
                if may_be_same(&invoice, &other.decode()?) {
                    found.push(other.key.id.to_string());
                }
            }
            after = page.next.filter(|_| found.len() < DUPLICATES_MAX);
            if after.is_none() {
                found.truncate(DUPLICATES_MAX);
                self.hand_out(found.len())?;
                return Ok(found);
            }
        }
    }

    /// Takes a payable's next step: matched, needs-attention, approved, scheduled or rejected. Needs `invoices: approve`.
    ///
    /// A step that was taken already is done, by the present revision. Paid is no step: it follows from the payments. A credit note counts, and is
    /// set against the invoice that it corrects, once it is approved.
    pub async fn step_invoice(
        &mut self,
        id: &str,
        expected: Option<&str>,
        next: InvoiceState,
    ) -> Result<View<Invoice>, Error> {
        let (row, mut invoice) = self.invoice_for(id, InvoiceOperation::Approve).await?;
        self.expect_revision(&row, expected)?;
        let is_payable = invoice.content.flow == Flow::Payable;
        if is_payable && invoice.state == next {
            return self.own_invoice(id).await;
        }
        if !is_payable || !invoice.state.may_become(next) {
            return Err(Error::conflict(
                "wrong-state",
                format!("no step leads from {:?} to {next:?}", invoice.state).to_lowercase(),
            ));
        }
        if next == InvoiceState::Rejected {
            if invoice.outstanding != invoice.totals.payable() {
                return Err(Error::conflict(
                    "settled",
                    "it is settled in part: reverse the payments first",
                ));
            }
            // What was set against it, and taken back, stays in the ledger for the days between.
            if !self.allocations_by("invoice", id).await?.is_empty() {
                return Err(Error::conflict(
                    "settled",
                    "money was set against it before: a credit note takes it back",
                ));
            }
            // It has counted since then; what is closed stays as it was.
            if invoice.counts() {
                let entity = self
                    .entity_named(&invoice.content.legal_entity, "/legal-entity")
                    .await?;
                let mut faults = Faults::default();
                check_period(&mut faults, &entity, "", invoice.counts_from());
                faults.result()?;
            }
            invoice.outstanding = Money::zero(invoice.outstanding.currency);
        }
        let before = invoice.counts();
        invoice.state = next;
        let mut writes = Vec::new();
        if invoice.is_credit_note() && before && !invoice.counts() {
            return Err(Error::conflict(
                "settled",
                "an approved credit note has been counted and stays",
            ));
        }
        if invoice.is_credit_note() && !before && invoice.counts() {
            let entity = self
                .entity_named(&invoice.content.legal_entity, "/legal-entity")
                .await?;
            let today = self.business_date(&entity)?;
            let mut faults = Faults::default();
            check_period(&mut faults, &entity, "", today);
            faults.result()?;
            // What was closed since it was taken in stays as it was: it counts from now on.
            let posted_on = invoice.counts_from();
            if entity.lock_date.is_some_and(|locked| posted_on <= locked) {
                invoice.posted_on = Some(today);
            }
            writes = self.credit(id, &mut invoice, today).await?;
        }
        writes.push(Write::of(row.key.clone(), Some(&row), &invoice)?);
        self.apply(writes)?;
        self.own_invoice(id).await
    }
}

/// Of two documents of one supplier, kind and amount.
fn may_be_same(one: &Invoice, other: &Invoice) -> bool {
    let (Some(one), Some(date)) = (one.dated(), other.dated()) else {
        return false;
    };
    other.state.is_owed() && day(one).abs_diff(day(date)) <= DUPLICATE_DAYS_MAX
}
