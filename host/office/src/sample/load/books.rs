//! Invoices, credit notes, payments, and what becomes of them.

use bursar_domain::{
    invoice::{InvoiceContent, InvoiceKind, InvoiceState},
    office::PARTIES,
};
use serde_json::json;

use super::{Ids, money, named};
use crate::{
    allocations::Part,
    error::Error,
    payments::NewPayment,
    sample::{
        Company, SampleCreditNote, SampleDunning, SampleInvoice, SamplePayment, SampleReversal,
        SampleWriteOff,
    },
    session::Session,
};

/// Drafts, and issues or takes the steps of, what was not there before.
pub(super) async fn invoices(
    session: &mut Session,
    document: &Company,
    rows: &[SampleInvoice],
    ids: &mut Ids,
) -> Result<(), Error> {
    for row in rows {
        let content = content(document, row, ids)?;
        let key = format!("sample/{}", row.key);
        let drafted = session.draft_invoice(&key, &content).await?;
        match drafted.body.state {
            InvoiceState::Draft if row.issue => {
                session
                    .issue_invoice(&drafted.id, None, None, row.issue_date)
                    .await?;
            }
            InvoiceState::Received => {
                for step in &row.steps {
                    session.step_invoice(&drafted.id, None, *step).await?;
                }
            }
            _ => {}
        }
        ids.invoices.insert(row.key.clone(), drafted.id.to_string());
    }
    Ok(())
}

fn content(document: &Company, row: &SampleInvoice, ids: &Ids) -> Result<InvoiceContent, Error> {
    Ok(InvoiceContent {
        flow: row.flow,
        kind: InvoiceKind::Invoice,
        legal_entity: document.legal_entity.key.clone(),
        party: ids.record(PARTIES, &row.party)?,
        currency: row.currency.clone(),
        supply_date: None,
        due_date: row.due_date,
        lines: row.lines.clone(),
        adjustments: Vec::new(),
        supplier_number: row.supplier_number.clone(),
        supplier_date: row.supplier_date,
        prepaid: None,
        rounding: None,
        corrects: None,
        extra: row.extra.clone(),
    })
}

/// Drafts and issues what was not there before.
pub(super) async fn credit_notes(
    session: &mut Session,
    rows: &[SampleCreditNote],
    ids: &mut Ids,
) -> Result<(), Error> {
    for row in rows {
        let invoice = ids.invoice(&row.invoice)?;
        let key = format!("sample/{}", row.key);
        let lines = Some(row.lines.as_slice()).filter(|lines| !lines.is_empty());
        let note = session.draft_credit_note(&key, &invoice, lines).await?;
        if note.body.state == InvoiceState::Draft {
            let date = Some(row.issue_date);
            session.issue_invoice(&note.id, None, None, date).await?;
        }
        ids.invoices.insert(row.key.clone(), note.id.to_string());
    }
    Ok(())
}

/// Records payments and sets them against their invoices.
pub(super) async fn payments(
    session: &mut Session,
    document: &Company,
    rows: &[SamplePayment],
    ids: &mut Ids,
) -> Result<(), Error> {
    for row in rows {
        let party = row.party.as_ref().map(|key| ids.record(PARTIES, key));
        let new = NewPayment {
            flow: row.flow,
            legal_entity: document.legal_entity.key.clone(),
            party: party.transpose()?,
            amount: money("/payments", &row.amount)?,
            value_date: row.value_date,
            bank_reference: row.bank_reference.clone(),
            bank_account: row.bank_account.clone(),
            text: row.text.clone(),
            extra: json!({}),
        };
        let key = format!("sample/{}", row.key);
        let payment = session.record_payment(&key, &new).await?;
        let mut allocated = Vec::with_capacity(row.allocations.len());
        for allocation in &row.allocations {
            allocated.push(Part {
                invoice: ids.invoice(&allocation.invoice)?,
                amount: money("/payments", &allocation.amount)?,
            });
        }
        if !allocated.is_empty() {
            session.allocate(&key, &payment.id, &allocated).await?;
        }
        ids.payments.insert(row.key.clone(), payment.id.to_string());
    }
    Ok(())
}

/// Takes payments back.
pub(super) async fn reversals(
    session: &mut Session,
    rows: &[SampleReversal],
    ids: &Ids,
) -> Result<(), Error> {
    for row in rows {
        let payment = named(ids.payments.get(&row.payment), &row.payment)?;
        let key = format!("sample/{}", row.payment);
        session
            .reverse_payment(&key, &payment, row.value_date, &row.reason)
            .await?;
    }
    Ok(())
}

/// Writes off what nobody will pay.
pub(super) async fn write_offs(
    session: &mut Session,
    rows: &[SampleWriteOff],
    ids: &Ids,
) -> Result<(), Error> {
    for row in rows {
        let invoice = ids.invoice(&row.invoice)?;
        let amount = money("/write_offs", &row.amount)?;
        let key = format!("sample/{}", row.invoice);
        session
            .write_off(&key, &invoice, amount, &row.reason)
            .await?;
    }
    Ok(())
}

/// Notes the reminders that were not noted before.
pub(super) async fn dunnings(
    session: &mut Session,
    rows: &[SampleDunning],
    ids: &Ids,
) -> Result<(), Error> {
    for row in rows {
        let invoice = ids.invoice(&row.invoice)?;
        let sent = session.invoice(&invoice).await?.body.dunning_level;
        for level in sent.saturating_add(1)..=row.level {
            session.dun_invoice(&invoice, level).await?;
        }
    }
    Ok(())
}
