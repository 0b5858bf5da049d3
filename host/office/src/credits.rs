//! Credit notes: drafted from the invoice that they correct, and set against it.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, Invoice, InvoiceContent, InvoiceKind, Line, Settlement},
    manifest::InvoiceOperation,
    money::Money,
    row::{Kind, RowKey},
    settlement,
    totals::{LINES_MAX, Totals},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    content::totals_of,
    effects::Keyed,
    error::Error,
    session::{Session, View},
    write::Write,
};

/// What a credit note takes back of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineCredit {
    /// The invoice's line, counted from 1.
    pub line: u32,
    /// How much of its quantity. A line with allowances or charges is taken back whole.
    pub quantity: Decimal,
}

impl Session {
    /// Drafts the credit note of an invoice: of 1 to 1000 lines, without a list of all of it. Needs `invoices:
    /// read` and `draft` for the flow: the note tells what the invoice says.
    ///
    /// The same key gives the same note again, whatever was credited since.
    pub async fn draft_credit_note(
        &mut self,
        key: &str,
        invoice: &str,
        lines: Option<&[LineCredit]>,
    ) -> Result<View<Invoice>, Error> {
        let (_, corrected) = self.invoice_for(invoice, InvoiceOperation::Draft).await?;
        self.require_invoices(corrected.content.flow, InvoiceOperation::Read)?;
        if lines.is_some_and(|lines| !(1..=LINES_MAX).contains(&lines.len())) {
            let message = format!("1 to {LINES_MAX} lines; no list credits all of the invoice");
            return Err(Error::invalid("wrong-count", "/lines", message));
        }
        let input = json!({"invoice": invoice, "lines": lines.unwrap_or_default()});
        let free = match self.effect("invoices.credit", key, &input).await? {
            Keyed::Used(id) => return self.own_invoice(&id).await,
            Keyed::Free(free) => free,
        };
        if corrected.is_credit_note() || !corrected.state.is_owed() {
            return Err(Error::conflict(
                "wrong-state",
                "only an issued or received invoice can be credited",
            ));
        }
        let content = InvoiceContent {
            kind: InvoiceKind::CreditNote,
            corrects: Some(invoice.to_owned()),
            supplier_number: None,
            supplier_date: None,
            due_date: None,
            // What was paid in advance is given back too.
            prepaid: None,
            ..credited_content(&corrected.content, lines)?
        };
        let content = with_rounding(&corrected, content);
        self.draft_under(free, &content).await
    }

    /// What else a credit note changes when it begins to count: its invoice has been credited by so much more (INV-3), and
    /// as much of the note as is outstanding there is set against it.
    pub(crate) async fn credit(
        &mut self,
        id: &str,
        note: &mut Invoice,
        date: Date,
    ) -> Result<Vec<Write>, Error> {
        let Some(corrected) = note
            .content
            .corrects
            .clone()
            .filter(|_| note.is_credit_note())
        else {
            return Ok(Vec::new());
        };
        let key = RowKey::of(Kind::Invoice, &corrected);
        let found = self.find::<Invoice>(&key).await?;
        let (row, mut invoice) = found.ok_or_else(|| Error::Broken(format!("{key} is gone")))?;
        // Others may have taken back the rest since it was drafted; what a supplier wrote stays.
        if note.content.flow == Flow::Receivable {
            note.content = with_rounding(&invoice, note.content.clone());
            note.totals = totals_of(&note.content, note.totals.gross.currency)?;
        }
        let before = invoice.credited.as_ref();
        let credited = settlement::credit(&invoice, before, &note.content, &note.totals)
            .map_err(|problem| Error::conflict(&problem.code, problem.message))?;
        invoice.credited = Some(credited);
        let payable = note.totals.payable();
        let part = payable.minor.min(invoice.outstanding.minor);
        let part = Money::new(part, payable.currency);
        let rest = payable.checked_sub(part);
        note.outstanding = rest.map_err(|error| Error::Broken(format!("{key}: {error}")))?;
        if part.minor == 0 {
            return Ok(vec![Write::of(key, Some(&row), &invoice)?]);
        }
        let from = (Settlement::CreditNote, id);
        let writes = self.settle(&row, invoice, from, part, date, "")?;
        Ok(writes.into())
    }
}

/// A credit note's content with what rounds its invoice (BT-114), if it takes back all that is left: no line does (INV-7).
fn with_rounding(corrected: &Invoice, content: InvoiceContent) -> InvoiceContent {
    let currency = corrected.totals.gross.currency;
    let Some(rounding) = corrected.content.rounding else {
        return content;
    };
    // A line of no price may be credited after all that has one: the note before carried it.
    let credited = corrected.credited.as_ref();
    if credited.is_some_and(|credited| credited.is_all_of(corrected)) {
        return content;
    }
    let is_last = |totals: Totals| {
        let before = corrected.credited.as_ref();
        let credited = settlement::credit(corrected, before, &content, &totals).ok()?;
        credited.is_all_of(corrected).then_some(())
    };
    let rounded = InvoiceContent {
        rounding: Some(rounding),
        ..content.clone()
    };
    let is_rounded = content.rounding.is_none()
        && totals_of(&content, currency)
            .ok()
            .and_then(is_last)
            .is_some()
        && totals_of(&rounded, currency).is_ok();
    if is_rounded { rounded } else { content }
}

/// The content that takes lines back: all of them, with the document's allowances and charges, unless some are named.
fn credited_content(
    invoiced: &InvoiceContent,
    lines: Option<&[LineCredit]>,
) -> Result<InvoiceContent, Error> {
    let mut content = invoiced.clone();
    let Some(lines) = lines else {
        for (number, line) in (1_u32..).zip(&mut content.lines) {
            line.takes_back = Some(number);
        }
        return Ok(content);
    };
    content.adjustments = Vec::new();
    content.rounding = None;
    content.lines = lines
        .iter()
        .enumerate()
        .map(|(place, credit)| credited_line(invoiced, place, credit))
        .collect::<Result<_, _>>()?;
    Ok(content)
}

fn credited_line(
    invoiced: &InvoiceContent,
    place: usize,
    credit: &LineCredit,
) -> Result<Line, Error> {
    let pointer = |name: &str| format!("/lines/{place}/{name}");
    let index = usize::try_from(credit.line)
        .ok()
        .and_then(|line| line.checked_sub(1));
    let line = index
        .and_then(|index| invoiced.lines.get(index))
        .ok_or_else(|| {
            Error::invalid("unknown", &pointer("line"), "the invoice has no such line")
        })?;
    let is_whole = credit.quantity == line.quantity;
    if !is_whole && !line.adjustments.is_empty() {
        return Err(Error::invalid(
            "out-of-range",
            &pointer("quantity"),
            format!(
                "a line with allowances or charges is taken back whole: {}",
                line.quantity
            ),
        ));
    }
    Ok(Line {
        quantity: credit.quantity,
        takes_back: Some(credit.line),
        ..line.clone()
    })
}
