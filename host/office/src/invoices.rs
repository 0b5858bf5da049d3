//! Invoices: reading, drafting, issuing and dunning. What settles them is in the module beside.

use bursar_domain::{
    draft::Issue,
    index::{Comparison, IndexField, fields_of},
    invoice::{Flow, Invoice, InvoiceContent, InvoiceState, number_token},
    manifest::{InvoiceOperation, Need},
    money::Money,
    row::{Kind, Row, RowKey},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::{
    content::{check_content, totals_of},
    effects::{FreeKey, Keyed},
    error::Error,
    input::Faults,
    listing::{Listed, Order, Paging, Scope, Test},
    organisation::check_period,
    session::{Session, View},
    write::{Write, key_of, to_value},
};

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
        self.draft_under(free, content).await
    }

    /// Writes a draft under a key that is free; that it is granted was checked.
    pub(crate) async fn draft_under(
        &mut self,
        free: FreeKey,
        content: &InvoiceContent,
    ) -> Result<View<Invoice>, Error> {
        let mut invoice = self.draft_of(content).await?;
        let id = self.new_id();
        let mut writes = vec![free.used_for(&id)?];
        if content.flow == Flow::Payable {
            invoice.state = InvoiceState::Received;
            invoice.outstanding = invoice.totals.payable();
            invoice.posted_on = Some(self.posting_date(content).await?);
        }
        let write = Write::of(RowKey::of(Kind::Invoice, &id), None, &invoice)?;
        self.refuse_taken(&write.key, &write.unique, "not-unique")
            .await?;
        writes.push(write);
        self.apply(writes)?;
        self.own_invoice(&id).await
    }

    /// Replaces the content of a draft. Needs `invoices: draft` for the flow.
    pub async fn update_invoice(
        &mut self,
        id: &str,
        expected: Option<&str>,
        content: &InvoiceContent,
    ) -> Result<View<Invoice>, Error> {
        let (row, draft) = self.invoice_for(id, InvoiceOperation::Draft).await?;
        self.expect_revision(&row, expected)?;
        require_draft(&draft, "changed")?;
        if content.flow != draft.content.flow {
            let message = "a draft keeps its flow";
            return Err(Error::invalid("wrong-type", "/flow", message));
        }
        let updated = self.draft_of(content).await?;
        if updated != draft {
            self.apply(vec![Write::of(row.key.clone(), Some(&row), &updated)?])?;
        }
        self.own_invoice(id).await
    }

    /// Ends a draft that will not be issued: it uses up no number. Needs `invoices: draft` for the flow.
    pub async fn discard_invoice(
        &mut self,
        id: &str,
        expected: Option<&str>,
    ) -> Result<View<Invoice>, Error> {
        let (row, mut draft) = self.invoice_for(id, InvoiceOperation::Draft).await?;
        self.expect_revision(&row, expected)?;
        if draft.state != InvoiceState::Discarded {
            require_draft(&draft, "discarded")?;
            draft.state = InvoiceState::Discarded;
            self.apply(vec![Write::of(row.key.clone(), Some(&row), &draft)?])?;
        }
        self.own_invoice(id).await
    }

    /// A draft of some content, with all that follows from it.
    pub(crate) async fn draft_of(&mut self, content: &InvoiceContent) -> Result<Invoice, Error> {
        let currency = check_content(content)?;
        self.entity_named(&content.legal_entity, "/legal-entity")
            .await?;
        let party_name = self.party_named(&content.party, "/party").await?;
        self.check_corrected(content).await?;
        Ok(Invoice {
            content: content.clone(),
            state: InvoiceState::Draft,
            number: None,
            issue_date: None,
            party_name,
            outstanding: Money::zero(currency),
            totals: totals_of(content, currency)?,
            dunning_level: 0,
            reference: None,
            is_external: false,
            credited: None,
            posted_on: None,
        })
    }

    /// Issues a draft. Its number comes with the commit, and its date too unless it is given. Needs `invoices: issue`.
    ///
    /// A credit note of an invoice is set against what is outstanding of it; what is left of the note stays outstanding.
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
        require_draft(&invoice, "issued")?;
        let default = if invoice.is_credit_note() {
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
        invoice.outstanding = invoice.totals.payable();
        let mut writes = self.credit(id, &mut invoice, date).await?;
        writes.push(Write::of(row.key.clone(), Some(&row), &invoice)?);
        self.apply(writes)?;
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
        let is_receivable = invoice.content.flow == Flow::Receivable && !invoice.is_credit_note();
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
        let granted = flows
            .into_iter()
            .filter(|flow| self.allows(Need::Invoices(*flow, operation)));
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
            [flow] => scope.and(
                &field(&fields, "flow")?,
                Comparison::Equal,
                &[to_value(flow)?],
            ),
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
        let allows = |operation| self.allows(Need::Invoices(flow, operation));
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
                "there is no such invoice of this flow, legal entity, party and currency",
            )
        };
        let key = key_of(Kind::Invoice, "", id, "such invoice").map_err(|_| unknown())?;
        let (_, corrected) = self.find::<Invoice>(&key).await?.ok_or_else(unknown)?;
        if corrected.state.is_owed() && content.may_correct(&corrected.content) {
            Ok(())
        } else {
            Err(unknown())
        }
    }
}

/// Only a draft is still its author's.
fn require_draft(invoice: &Invoice, to_be: &str) -> Result<(), Error> {
    if invoice.state == InvoiceState::Draft {
        return Ok(());
    }
    Err(Error::conflict(
        "wrong-state",
        format!("only a draft can be {to_be}"),
    ))
}

/// An index field of the host's own, by its name.
pub(crate) fn field(fields: &[IndexField], name: &str) -> Result<IndexField, Error> {
    let found = fields.iter().find(|field| field.name == name).cloned();
    found.ok_or_else(|| Error::Broken(format!("there is no index of {name}")))
}

/// An object of the author's own as it is stored: an empty one is left out.
pub(crate) fn stored_extra(extra: &Value) -> Value {
    if extra.as_object().is_some_and(serde_json::Map::is_empty) {
        Value::Null
    } else {
        extra.clone()
    }
}
