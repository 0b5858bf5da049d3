//! The steps of a supplier's invoice, from its arrival until it may be paid.

use bursar_domain::{
    invoice::{Flow, Invoice, InvoiceState},
    manifest::InvoiceOperation,
    money::Money,
};

use crate::{
    error::Error,
    session::{Session, View},
    write::Write,
};

impl Session {
    /// Takes a payable's next step: matched, needs-attention, approved, scheduled or rejected. Needs `invoices: approve`.
    ///
    /// A step that was taken already is done. Paid is no step: it follows from the payments.
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
        invoice.state = next;
        self.apply(vec![Write::of(row.key.clone(), Some(&row), &invoice)?])?;
        self.own_invoice(id).await
    }
}
