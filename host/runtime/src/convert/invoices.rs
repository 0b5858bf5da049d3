//! Invoices and payments.

use bursar_domain::{
    decimal::Decimal,
    invoice::{
        Adjustment, Flow, Invoice, InvoiceContent, InvoiceKind, InvoiceState, Line, Payment,
    },
    problem::Problem,
    totals::{Tax, TaxTotal},
};
use bursar_office::{
    Error, View, allocations::Part, credits::LineCredit, input, invoices::number_text,
    payments::NewPayment,
};
use jiff::civil::Date;
use serde_json::Value;

use super::{json, money};
use crate::{
    contract::bursar::office::{invoices, invoices_write, rows},
    ending::Fault,
};

/// Reads texts and collects what is wrong with them, so that all of it is told at once.
#[derive(Default)]
struct Reader(Vec<Problem>);

impl Reader {
    fn take<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.0.push(problem)).ok()
    }

    fn decimal(&mut self, pointer: &str, text: &str) -> Decimal {
        self.take(input::decimal(pointer, text))
            .unwrap_or(Decimal::ZERO)
    }

    fn date(&mut self, pointer: &str, text: Option<&String>) -> Option<Date> {
        text.and_then(|text| self.take(input::date(pointer, text)))
    }

    fn json(&mut self, pointer: &str, text: &str) -> Value {
        self.take(input::json(pointer, text)).unwrap_or_default()
    }

    fn tax(&mut self, pointer: &str, tax: rows::Tax) -> Tax {
        Tax {
            rate: self.decimal(&format!("{pointer}/rate"), &tax.rate),
            category: tax.category,
        }
    }

    fn adjustments(
        &mut self,
        pointer: &str,
        adjustments: Vec<rows::Adjustment>,
    ) -> Vec<Adjustment> {
        let mut read = Vec::with_capacity(adjustments.len());
        for (place, adjustment) in adjustments.into_iter().enumerate() {
            let at = |part: &str| format!("{pointer}/adjustments/{place}/{part}");
            read.push(Adjustment {
                is_charge: adjustment.is_charge,
                amount: self.decimal(&at("amount"), &adjustment.amount),
                reason: adjustment.reason,
                tax: self.tax(&at("tax"), adjustment.tax),
            });
        }
        read
    }

    fn line(&mut self, place: usize, line: rows::InvoiceLine) -> Line {
        let at = |part: &str| format!("/lines/{place}/{part}");
        Line {
            takes_back: None,
            description: line.description,
            quantity: self.decimal(&at("quantity"), &line.quantity),
            unit: line.unit,
            unit_price: self.decimal(&at("unit-price"), &line.unit_price),
            tax: self.tax(&at("tax"), line.tax),
            adjustments: self.adjustments(&format!("/lines/{place}"), line.adjustments),
            extra: self.json(&at("extra"), &line.extra),
        }
    }

    fn finish<T>(self, read: T) -> Result<T, Fault> {
        if self.0.is_empty() {
            Ok(read)
        } else {
            Err(Error::Invalid(self.0).into())
        }
    }
}

/// What an author of an invoice decides.
pub fn invoice_content(content: rows::InvoiceContent) -> Result<InvoiceContent, Fault> {
    let mut reader = Reader::default();
    let lines = content
        .lines
        .into_iter()
        .enumerate()
        .map(|(place, line)| reader.line(place, line))
        .collect();
    let read = InvoiceContent {
        flow: flow_of(content.flow),
        kind: kind_of(content.kind),
        legal_entity: content.legal_entity,
        party: content.party,
        currency: content.currency,
        supply_date: reader.date("/supply-date", content.supply_date.as_ref()),
        due_date: reader.date("/due-date", content.due_date.as_ref()),
        lines,
        adjustments: reader.adjustments("", content.adjustments),
        supplier_number: content.supplier_number,
        supplier_date: None,
        prepaid: None,
        rounding: None,
        corrects: content.corrects,
        extra: reader.json("/extra", &content.extra),
    };
    reader.finish(read)
}

/// A payment to record.
pub fn new_payment(payment: invoices_write::NewPayment) -> Result<NewPayment, Fault> {
    let mut reader = Reader::default();
    let amount = reader.take(input::money(
        "/amount",
        payment.amount.minor,
        &payment.amount.currency,
    ));
    let value_date = reader.take(input::date("/value-date", &payment.value_date));
    let extra = reader.json("/extra", &payment.extra);
    let (Some(amount), Some(value_date)) = (amount, value_date) else {
        return Err(Error::Invalid(reader.0).into());
    };
    reader.finish(NewPayment {
        flow: flow_of(payment.flow),
        legal_entity: payment.legal_entity,
        party: payment.party,
        amount,
        value_date,
        bank_reference: payment.bank_reference,
        bank_account: payment.bank_account,
        text: payment.text,
        extra,
    })
}

/// Parts of a payment, one for each invoice.
pub fn parts(allocations: Vec<invoices_write::Allocation>) -> Result<Vec<Part>, Fault> {
    let mut reader = Reader::default();
    let mut read = Vec::with_capacity(allocations.len());
    for (place, allocation) in allocations.into_iter().enumerate() {
        let pointer = format!("/allocations/{place}/amount");
        let amount = reader.take(input::money(
            &pointer,
            allocation.amount.minor,
            &allocation.amount.currency,
        ));
        read.extend(amount.map(|amount| Part {
            invoice: allocation.invoice,
            amount,
        }));
    }
    reader.finish(read)
}

/// What a credit note takes back of each line.
pub fn line_credits(lines: Vec<invoices_write::LineCredit>) -> Result<Vec<LineCredit>, Fault> {
    let mut reader = Reader::default();
    let mut read = Vec::with_capacity(lines.len());
    for (place, credit) in lines.into_iter().enumerate() {
        read.push(LineCredit {
            line: credit.line,
            quantity: reader.decimal(&format!("/lines/{place}/quantity"), &credit.quantity),
        });
    }
    reader.finish(read)
}

/// What listings show of an invoice.
pub fn head(view: &View<Invoice>) -> rows::InvoiceHead {
    let invoice = &view.body;
    rows::InvoiceHead {
        id: view.id.to_string(),
        revision: view.revision.clone(),
        flow: flow(invoice.content.flow),
        kind: kind(invoice.content.kind),
        state: state(invoice.state),
        number: invoice.number.clone(),
        number_text: number_text(view),
        legal_entity: invoice.content.legal_entity.clone(),
        party: invoice.content.party.clone(),
        party_name: invoice.party_name.clone(),
        issue_date: invoice.issue_date.map(|date| date.to_string()),
        due_date: invoice.content.due_date.map(|date| date.to_string()),
        net: money(invoice.totals.net),
        tax: money(invoice.totals.tax),
        gross: money(invoice.totals.gross),
        outstanding: money(invoice.outstanding),
        dunning_level: invoice.dunning_level,
        reference: invoice.reference.clone(),
    }
}

/// A whole invoice.
pub fn invoice(view: View<Invoice>) -> Result<invoices::Invoice, Fault> {
    let head = head(&view);
    let total = |total: &TaxTotal| invoices::TaxTotal {
        tax: tax(&total.tax),
        taxable: money(total.taxable),
        amount: money(total.amount),
    };
    let tax_totals = view.body.totals.tax_totals.iter().map(total).collect();
    Ok(invoices::Invoice {
        head,
        content: content(view.body.content)?,
        tax_totals,
        redacted: Vec::new(),
    })
}

fn content(content: InvoiceContent) -> Result<rows::InvoiceContent, Fault> {
    Ok(rows::InvoiceContent {
        flow: flow(content.flow),
        kind: kind(content.kind),
        legal_entity: content.legal_entity,
        party: content.party,
        currency: content.currency,
        supply_date: content.supply_date.map(|date| date.to_string()),
        due_date: content.due_date.map(|date| date.to_string()),
        lines: content
            .lines
            .into_iter()
            .map(line)
            .collect::<Result<_, _>>()?,
        adjustments: content.adjustments.into_iter().map(adjustment).collect(),
        supplier_number: content.supplier_number,
        corrects: content.corrects,
        extra: extra(&content.extra)?,
    })
}

fn line(line: Line) -> Result<rows::InvoiceLine, Fault> {
    Ok(rows::InvoiceLine {
        description: line.description,
        quantity: line.quantity.to_string(),
        unit: line.unit,
        unit_price: line.unit_price.to_string(),
        tax: tax(&line.tax),
        adjustments: line.adjustments.into_iter().map(adjustment).collect(),
        extra: extra(&line.extra)?,
    })
}

fn adjustment(adjustment: Adjustment) -> rows::Adjustment {
    rows::Adjustment {
        is_charge: adjustment.is_charge,
        amount: adjustment.amount.to_string(),
        reason: adjustment.reason,
        tax: tax(&adjustment.tax),
    }
}

/// Always an object, as the contract has it.
fn extra(value: &Value) -> Result<String, Fault> {
    if value.is_null() {
        Ok("{}".to_owned())
    } else {
        json(value)
    }
}

fn tax(tax: &Tax) -> rows::Tax {
    rows::Tax {
        category: tax.category.clone(),
        rate: tax.rate.to_string(),
    }
}

/// A payment, or the reversal of one: its amount is below zero.
pub fn payment(view: View<Payment>) -> rows::Payment {
    let payment = view.body;
    rows::Payment {
        id: view.id.to_string(),
        flow: flow(payment.flow),
        legal_entity: payment.legal_entity,
        party: payment.party,
        amount: money(payment.amount),
        value_date: payment.value_date.to_string(),
        bank_reference: payment.bank_reference,
        bank_account: payment.bank_account,
        text: payment.text,
        unallocated: money(payment.unallocated),
        reverses: payment.reverses,
    }
}

pub(super) fn flow_of(flow: rows::Flow) -> Flow {
    match flow {
        rows::Flow::Receivable => Flow::Receivable,
        rows::Flow::Payable => Flow::Payable,
    }
}

fn flow(flow: Flow) -> rows::Flow {
    match flow {
        Flow::Receivable => rows::Flow::Receivable,
        Flow::Payable => rows::Flow::Payable,
    }
}

fn kind_of(kind: rows::InvoiceKind) -> InvoiceKind {
    match kind {
        rows::InvoiceKind::Invoice => InvoiceKind::Invoice,
        rows::InvoiceKind::CreditNote => InvoiceKind::CreditNote,
        rows::InvoiceKind::Corrective => InvoiceKind::Corrective,
        rows::InvoiceKind::Prepayment => InvoiceKind::Prepayment,
    }
}

fn kind(kind: InvoiceKind) -> rows::InvoiceKind {
    match kind {
        InvoiceKind::Invoice => rows::InvoiceKind::Invoice,
        InvoiceKind::CreditNote => rows::InvoiceKind::CreditNote,
        InvoiceKind::Corrective => rows::InvoiceKind::Corrective,
        InvoiceKind::Prepayment => rows::InvoiceKind::Prepayment,
    }
}

fn state(state: InvoiceState) -> rows::InvoiceState {
    match state {
        InvoiceState::Draft => rows::InvoiceState::Draft,
        InvoiceState::Issued => rows::InvoiceState::Issued,
        InvoiceState::Received => rows::InvoiceState::Received,
        InvoiceState::Matched => rows::InvoiceState::Matched,
        InvoiceState::NeedsAttention => rows::InvoiceState::NeedsAttention,
        InvoiceState::Approved => rows::InvoiceState::Approved,
        InvoiceState::Scheduled => rows::InvoiceState::Scheduled,
        InvoiceState::Rejected => rows::InvoiceState::Rejected,
        InvoiceState::Discarded => rows::InvoiceState::Discarded,
    }
}

/// A state that is asked for.
pub fn state_of(state: rows::InvoiceState) -> InvoiceState {
    match state {
        rows::InvoiceState::Draft => InvoiceState::Draft,
        rows::InvoiceState::Issued => InvoiceState::Issued,
        rows::InvoiceState::Received => InvoiceState::Received,
        rows::InvoiceState::Matched => InvoiceState::Matched,
        rows::InvoiceState::NeedsAttention => InvoiceState::NeedsAttention,
        rows::InvoiceState::Approved => InvoiceState::Approved,
        rows::InvoiceState::Scheduled => InvoiceState::Scheduled,
        rows::InvoiceState::Rejected => InvoiceState::Rejected,
        rows::InvoiceState::Discarded => InvoiceState::Discarded,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reversal_is_handed_out_below_zero() {
        let body = json!({
            "flow": "receivable", "legal_entity": "main", "party": null,
            "amount": {"amount": "-1.60", "currency": "EUR"}, "value_date": "2026-03-02",
            "bank_reference": "", "bank_account": "main", "text": "returned",
            "unallocated": {"amount": "0.00", "currency": "EUR"}, "reverses": "p-1", "reversed_by": null
        });
        let view = View {
            id: "p-2".into(),
            revision: "7".to_owned(),
            created_us: 0,
            updated_us: 0,
            body: serde_json::from_value(body).expect("a payment"),
            redacted: Vec::new(),
        };
        let shown = payment(view);
        assert_eq!(shown.amount.minor, -160);
        assert_eq!(shown.reverses.as_deref(), Some("p-1"));
    }
}
