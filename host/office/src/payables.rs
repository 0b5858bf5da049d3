//! The steps of a supplier's invoice, from its arrival until it may be paid.

use bursar_domain::{
    invoice::{Flow, Invoice, InvoiceContent, InvoiceState},
    manifest::InvoiceOperation,
    money::Money,
};
use jiff::civil::Date;

use crate::{
    error::Error,
    input::Faults,
    organisation::check_period,
    session::{Session, View},
    write::Write,
};

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
        Ok(today)
    }

    /// Takes a payable's next step: matched, needs-attention, approved, scheduled or rejected. Needs `invoices: approve`.
    ///
    /// A step that was taken already is done. Paid is no step: it follows from the payments. A credit note counts, and is
    /// set against the invoice that it corrects, once it is approved.
    pub async fn step_invoice(
        &mut self,
        id: &str,
        expected: Option<&str>,
        next: InvoiceState,
    ) -> Result<View<Invoice>, Error> {
        let (row, mut invoice) = self.invoice_for(id, InvoiceOperation::Approve).await?;
        self.expect_revision(&row, expected)?;
        if invoice.state == next {
            return self.own_invoice(id).await;
        }
        if invoice.content.flow != Flow::Payable || !invoice.state.may_become(next) {
            return Err(Error::conflict(
                "wrong-state",
                format!("no step leads from {:?} to {next:?}", invoice.state).to_lowercase(),
            ));
        }
        if next == InvoiceState::Rejected {
            if invoice.outstanding != invoice.totals.gross {
                return Err(Error::conflict(
                    "settled",
                    "it is settled in part: reverse the payments first",
                ));
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
            writes = self.credit(id, &mut invoice, today).await?;
        }
        writes.push(Write::of(row.key.clone(), Some(&row), &invoice)?);
        self.apply(writes)?;
        self.own_invoice(id).await
    }
}
