//! Invoices: reading, drafting, issuing and dunning. What settles them is in the module beside.

use bursar_domain::{
    derive::normalised_number,
    draft::Issue,
    index::{Comparison, IndexField, fields_of},
    invoice::{Flow, Invoice, InvoiceContent, InvoiceKind, InvoiceState, number_token},
    manifest::{InvoiceOperation, Need},
    money::{Currency, Money},
    row::{Kind, Row, RowKey},
    totals::{AdjustmentInput, LINES_MAX, LineInput, Place, Totals, TotalsError, compute},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    input::Faults,
    listing::{Listed, Order, Paging, Scope, Test},
    organisation::check_period,
    session::{Session, View},
    write::{Write, key_of, to_value},
};

/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 2000;
/// Longest unit code or supplier's number, in bytes.
const CODE_BYTES_MAX: usize = 100;
/// Longest code of a series.
const SERIES_BYTES_MAX: usize = 12;
/// Highest dunning level.
const DUNNING_LEVEL_MAX: u32 = 9;

/// What stands for an invoice's number in texts: the number, or the token that the commit replaces by it.
pub fn number_text(invoice: &View<Invoice>) -> String {
    invoice
        .body
        .number
        .clone()
        .unwrap_or_else(|| number_token(&invoice.id))
}

impl Session {
    /// One invoice. Needs `invoices: read` for its flow.
    pub async fn invoice(&mut self, id: &str) -> Result<View<Invoice>, Error> {
        let (row, _) = self.invoice_for(id, InvoiceOperation::Read).await?;
        self.hand_out(1)?;
        Ok(self.typed(&row)?)
    }

    /// Invoices of the flows in view that pass all conditions. Needs `invoices: read`.
    pub async fn search_invoices(
        &mut self,
        conditions: &[Test],
        order: &[Order],
        paging: &Paging,
    ) -> Result<Listed<Invoice>, Error> {
        let scope = self.flow_scope(Kind::Invoice, conditions, order)?;
        self.page(&scope, paging, |session, row| Ok(session.typed(row)?))
            .await
    }

    /// Writes a draft (receivable), or takes in a supplier's invoice (payable). Needs `invoices: draft` for the flow.
    pub async fn draft_invoice(
        &mut self,
        key: &str,
        content: &InvoiceContent,
    ) -> Result<View<Invoice>, Error> {
        self.require_invoices(content.flow, InvoiceOperation::Draft)?;
        let free = match self
            .effect("invoices.draft", key, &to_value(content)?)
            .await?
        {
            Keyed::Used(id) => return self.own_invoice(&id).await,
            Keyed::Free(free) => free,
        };
        let currency = check_content(content)?;
        self.entity_named(&content.legal_entity, "/legal-entity")
            .await?;
        let party_name = self.party_named(&content.party, "/party").await?;
        self.check_corrected(content).await?;
        let totals = totals_of(content, currency)?;
        let is_draft = content.flow == Flow::Receivable;
        let invoice = Invoice {
            content: content.clone(),
            state: if is_draft {
                InvoiceState::Draft
            } else {
                InvoiceState::Received
            },
            number: None,
            issue_date: None,
            party_name,
            outstanding: if is_draft {
                Money::zero(currency)
            } else {
                totals.gross
            },
            totals,
            dunning_level: 0,
            reference: None,
        };
        let id = self.new_id();
        let write = Write::of(RowKey::of(Kind::Invoice, &id), None, &invoice)?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        self.apply(vec![free.used_for(&id)?, write])?;
        self.own_invoice(&id).await
    }

    /// Issues a draft. Its number comes with the commit, and its date too unless it is given. Needs `invoices: issue`.
    ///
    /// The series is "INV" unless given, or "CN" for a credit note.
    pub async fn issue_invoice(
        &mut self,
        id: &str,
        expected: Option<&str>,
        series: Option<&str>,
        issue_date: Option<Date>,
    ) -> Result<View<Invoice>, Error> {
        let (row, mut invoice) = self.invoice_for(id, InvoiceOperation::Issue).await?;
        self.expect_revision(&row, expected)?;
        if invoice.state != InvoiceState::Draft {
            return Err(Error::conflict("wrong-state", "only a draft can be issued"));
        }
        let default = if invoice.content.kind == InvoiceKind::CreditNote {
            "CN"
        } else {
            "INV"
        };
        let series = series.unwrap_or(default);
        let entity = self
            .entity_named(&invoice.content.legal_entity, "/legal-entity")
            .await?;
        let mut faults = Faults::default();
        let is_code = (1..=SERIES_BYTES_MAX).contains(&series.len())
            && series
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        faults.unless(
            is_code,
            "not-a-slug",
            "/series",
            format!("1 to {SERIES_BYTES_MAX} capital letters and digits"),
        );
        let date = issue_date.map_or_else(|| self.business_date(&entity), Ok)?;
        check_period(&mut faults, &entity, "/issue-date", date);
        faults.result()?;
        invoice.party_name = self.party_named(&invoice.content.party, "/party").await?;
        invoice.state = InvoiceState::Issued;
        invoice.issue_date = issue_date;
        invoice.outstanding = invoice.totals.gross;
        self.apply(vec![Write::of(row.key.clone(), Some(&row), &invoice)?])?;
        self.draft.issues.push(Issue {
            invoice: row.key.id.clone(),
            series: series.to_owned(),
            issue_date,
        });
        self.own_invoice(id).await
    }

    /// Records that a dunning level (1 to 9) was sent: each level once, for ever. Needs `invoices: dun`.
    pub async fn dun_invoice(&mut self, id: &str, level: u32) -> Result<View<Invoice>, Error> {
        let (row, mut invoice) = self.invoice_for(id, InvoiceOperation::Dun).await?;
        if !(1..=DUNNING_LEVEL_MAX).contains(&level) {
            return Err(Error::invalid(
                "out-of-range",
                "/level",
                format!("1 to {DUNNING_LEVEL_MAX}"),
            ));
        }
        let is_receivable = invoice.content.flow == Flow::Receivable
            && invoice.content.kind != InvoiceKind::CreditNote;
        if !is_receivable || !invoice.is_open() {
            return Err(Error::conflict(
                "not-open",
                "only an open receivable can be dunned",
            ));
        }
        // Whoever sends a reminder, the level is used up: the key belongs to the invoice, not to the automation.
        let recorded = match self
            .shared_effect("invoices.dun", &format!("{id}/{level}"), &json!({}))
            .await?
        {
            Keyed::Used(_) => {
                return Err(Error::conflict(
                    "level-recorded",
                    format!("level {level} is recorded already"),
                ));
            }
            Keyed::Free(free) => free.used_for(id)?,
        };
        invoice.dunning_level = invoice.dunning_level.max(level);
        self.apply(vec![
            recorded,
            Write::of(row.key.clone(), Some(&row), &invoice)?,
        ])?;
        self.own_invoice(id).await
    }

    /// The flows on which an operation is granted; none at all is denied.
    pub(crate) fn granted_flows(&self, operation: InvoiceOperation) -> Result<Vec<Flow>, Error> {
        let flows = [Flow::Receivable, Flow::Payable];
        let granted = flows.into_iter().filter(|flow| {
            self.context
                .authority
                .allows(Need::Invoices(*flow, operation))
        });
        let granted: Vec<Flow> = granted.collect();
        if granted.is_empty() {
            return Err(Error::denied(
                "not-granted",
                format!("not granted: {operation:?} on invoices and payments").to_lowercase(),
            ));
        }
        Ok(granted)
    }

    pub(crate) fn require_invoices(
        &self,
        flow: Flow,
        operation: InvoiceOperation,
    ) -> Result<(), Error> {
        let words = || format!("{operation:?} on {flow:?} invoices and payments").to_lowercase();
        self.require(Need::Invoices(flow, operation), words)
    }

    /// A listing of one kind over the flows that may be read.
    pub(crate) fn flow_scope(
        &self,
        kind: Kind,
        conditions: &[Test],
        order: &[Order],
    ) -> Result<Scope, Error> {
        let flows = self.granted_flows(InvoiceOperation::Read)?;
        let fields = fields_of(kind);
        let scope = Scope::all(kind, "").typed(&fields, conditions, order)?;
        match flows.as_slice() {
            [flow] => scope.and(&flow_field(&fields)?, Comparison::Equal, &[to_value(flow)?]),
            _ => Ok(scope),
        }
    }

    /// An invoice for an operation that must be granted on its flow.
    pub(crate) async fn invoice_for(
        &mut self,
        id: &str,
        operation: InvoiceOperation,
    ) -> Result<(Row, Invoice), Error> {
        self.granted_flows(operation)?;
        let found = self
            .find::<Invoice>(&key_of(Kind::Invoice, "", id, "such invoice")?)
            .await?;
        let (row, invoice) = found.ok_or_else(|| Error::not_found("such invoice"))?;
        self.require_in_view(invoice.content.flow, operation, "such invoice")?;
        Ok((row, invoice))
    }

    /// Passes if the operation is granted on a flow. What may not even be read does not exist; else it is denied.
    pub(crate) fn require_in_view(
        &self,
        flow: Flow,
        operation: InvoiceOperation,
        noun: &str,
    ) -> Result<(), Error> {
        let allows = |operation| {
            self.context
                .authority
                .allows(Need::Invoices(flow, operation))
        };
        if !allows(operation) && !allows(InvoiceOperation::Read) {
            return Err(Error::not_found(noun));
        }
        self.require_invoices(flow, operation)
    }

    /// An invoice that this call has just written or made before.
    pub(crate) async fn own_invoice(&mut self, id: &str) -> Result<View<Invoice>, Error> {
        let key = RowKey::of(Kind::Invoice, id);
        let row = self
            .load(&key)
            .await?
            .ok_or_else(|| Error::Broken(format!("{key} is gone")))?;
        Ok(self.typed(&row)?)
    }

    async fn check_corrected(&mut self, content: &InvoiceContent) -> Result<(), Error> {
        let Some(id) = &content.corrects else {
            return Ok(());
        };
        let unknown = || {
            Error::invalid(
                "unknown",
                "/corrects",
                "there is no such invoice of this flow, party and currency",
            )
        };
        let key = key_of(Kind::Invoice, "", id, "such invoice").map_err(|_| unknown())?;
        let (_, corrected) = self.find::<Invoice>(&key).await?.ok_or_else(unknown)?;
        let of = |content: &InvoiceContent| {
            (
                content.flow,
                content.party.clone(),
                content.currency.clone(),
            )
        };
        let is_final = corrected.state != InvoiceState::Draft;
        if is_final && of(&corrected.content) == of(content) {
            Ok(())
        } else {
            Err(unknown())
        }
    }
}

fn flow_field(fields: &[IndexField]) -> Result<IndexField, Error> {
    let found = fields.iter().find(|field| field.name == "flow").cloned();
    found.ok_or_else(|| {
        Error::Broken("invoices and payments have no index of their flow".to_owned())
    })
}

fn check_content(content: &InvoiceContent) -> Result<Currency, Error> {
    let mut faults = Faults::default();
    let currency = faults.currency("/currency", &content.currency);
    faults.unless(
        (1..=LINES_MAX).contains(&content.lines.len()),
        "wrong-count",
        "/lines",
        format!("1 to {LINES_MAX} lines"),
    );
    for (place, line) in content.lines.iter().take(LINES_MAX).enumerate() {
        faults.text(
            &format!("/lines/{place}/description"),
            &line.description,
            1..=DESCRIPTION_BYTES_MAX,
        );
        faults.line(
            &format!("/lines/{place}/unit"),
            &line.unit,
            1..=CODE_BYTES_MAX,
        );
        faults.extra(&format!("/lines/{place}/extra"), &line.extra);
        check_adjustments(&mut faults, &format!("/lines/{place}"), &line.adjustments);
    }
    check_adjustments(&mut faults, "", &content.adjustments);
    faults.extra("/extra", &content.extra);
    if let Some(number) = &content.supplier_number {
        faults.line("/supplier-number", number, 1..=CODE_BYTES_MAX);
        let is_usable = content.flow == Flow::Payable && !normalised_number(number).is_empty();
        faults.unless(
            is_usable,
            "wrong-type",
            "/supplier-number",
            "a payable's number has letters or digits; a receivable has none",
        );
    }
    faults.result()?;
    currency.ok_or_else(|| Error::invalid("not-money", "/currency", "unknown currency"))
}

fn check_adjustments(
    faults: &mut Faults,
    pointer: &str,
    adjustments: &[bursar_domain::invoice::Adjustment],
) {
    for (place, adjustment) in adjustments.iter().enumerate() {
        let pointer = format!("{pointer}/adjustments/{place}");
        faults.text(
            &format!("{pointer}/reason"),
            &adjustment.reason,
            0..=DESCRIPTION_BYTES_MAX,
        );
        let message = "an allowance or charge is not negative";
        faults.unless(
            !adjustment.amount.is_negative(),
            "out-of-range",
            &format!("{pointer}/amount"),
            message,
        );
    }
}

fn totals_of(content: &InvoiceContent, currency: Currency) -> Result<Totals, Error> {
    let inputs = |adjustments: &[bursar_domain::invoice::Adjustment]| -> Vec<AdjustmentInput> {
        let input = |it: &bursar_domain::invoice::Adjustment| AdjustmentInput {
            is_charge: it.is_charge,
            amount: it.amount,
            tax: it.tax.clone(),
        };
        adjustments.iter().map(input).collect()
    };
    let lines: Vec<LineInput> = content
        .lines
        .iter()
        .map(|line| LineInput {
            quantity: line.quantity,
            unit_price: line.unit_price,
            adjustments: inputs(&line.adjustments),
            tax: line.tax.clone(),
        })
        .collect();
    let totals = compute(&lines, &inputs(&content.adjustments), currency)
        .map_err(|error| totals_fault(&error))?;
    if totals.gross.is_negative() {
        let message = format!(
            "the total is {}: what goes the other way is a credit note",
            totals.gross
        );
        return Err(Error::invalid("negative-total", "/lines", message));
    }
    Ok(totals)
}

fn totals_fault(error: &TotalsError) -> Error {
    let place = match error {
        TotalsError::TooManyLines => Place::Document,
        TotalsError::TooManyAdjustments { place }
        | TotalsError::InvalidTax { place }
        | TotalsError::MixedTax { place }
        | TotalsError::OutOfRange { place, .. } => *place,
    };
    let pointer = match place {
        Place::Line(index) => format!("/lines/{index}"),
        Place::DocumentAdjustment(index) => format!("/adjustments/{index}"),
        Place::Document => String::new(),
    };
    Error::invalid("totals-invalid", &pointer, error.to_string())
}

/// An object of the author's own as it is stored: an empty one is left out.
pub(crate) fn stored_extra(extra: &Value) -> Value {
    if extra.as_object().is_some_and(serde_json::Map::is_empty) {
        Value::Null
    } else {
        extra.clone()
    }
}
