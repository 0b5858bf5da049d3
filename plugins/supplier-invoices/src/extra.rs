//! What an invoice says beyond the host's fields, under the numbers of the standard's terms.
//!
//! The sender's own figures are kept as they were written, whatever the books compute. Terms that are absent are left out.

use serde_json::{Map, Value, json};

use crate::content::{Signs, Source};
use crate::einvoice::{Adjustment, Figure, Invoice, Line, Syntax, TaxSubtotal};
use crate::recompute::Deviation;

/// Most deviations that are kept with an invoice; the rest is counted.
const DEVIATIONS_MAX: usize = 1000;

/// An object of terms.
#[derive(Default)]
struct Terms(Map<String, Value>);

impl Terms {
    fn text(&mut self, term: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.0.insert(term.to_owned(), text.into());
        }
    }

    fn figure(&mut self, term: &str, figure: Option<&Figure>) {
        self.text(term, figure.map(|figure| figure.text.as_str()));
    }

    fn list(&mut self, term: &str, values: Vec<Value>) {
        if !values.is_empty() {
            self.0.insert(term.to_owned(), values.into());
        }
    }

    fn texts(&mut self, term: &str, texts: &[String]) {
        self.list(
            term,
            texts.iter().map(|text| text.as_str().into()).collect(),
        );
    }
}

/// Of the invoice as a whole.
pub fn of_invoice(
    invoice: &Invoice,
    deviations: &[Deviation],
    signs: Signs,
    source: Source<'_>,
) -> Value {
    let mut terms = header(invoice);
    let syntax = match invoice.syntax {
        Syntax::Ubl => "ubl",
        Syntax::Cii => "cii",
    };
    terms.text("syntax", Some(syntax));
    terms.text("document", Some(source.document));
    terms.text("document_sha256", Some(source.sha256));
    if signs == Signs::Turned {
        terms.0.insert("signs_turned".to_owned(), true.into());
    }
    let totals = &invoice.totals;
    terms.figure("BT-106", Some(&totals.lines));
    terms.figure("BT-107", totals.allowances.as_ref());
    terms.figure("BT-108", totals.charges.as_ref());
    terms.figure("BT-109", Some(&totals.net));
    terms.figure("BT-110", totals.tax.as_ref());
    terms.figure("BT-111", totals.tax_in_tax_currency.as_ref());
    terms.figure("BT-112", Some(&totals.gross));
    terms.figure("BT-113", totals.prepaid.as_ref());
    terms.figure("BT-114", totals.rounding.as_ref());
    terms.figure("BT-115", Some(&totals.due));
    terms.list("BG-23", invoice.taxes.iter().map(of_tax).collect());
    terms.list("adjustments", of_adjustments(&invoice.adjustments));
    let kept = &deviations[..deviations.len().min(DEVIATIONS_MAX)];
    terms.list("deviations", kept.iter().map(of_deviation).collect());
    if kept.len() < deviations.len() {
        let count = json!(deviations.len());
        terms.0.insert("deviations_total".to_owned(), count);
    }
    terms.0.into()
}

fn header(invoice: &Invoice) -> Terms {
    let mut terms = Terms::default();
    terms.text("BT-2", invoice.issue_date.as_deref());
    terms.text("BT-3", Some(&invoice.type_code));
    terms.text("BT-6", invoice.tax_currency.as_deref());
    terms.text("BT-7", invoice.tax_point_date.as_deref());
    terms.text("BT-10", invoice.buyer_reference.as_deref());
    terms.text("BT-12", invoice.contract.as_deref());
    terms.text("BT-13", invoice.order.as_deref());
    terms.text("BT-20", invoice.payment_terms.as_deref());
    terms.texts("BT-22", &invoice.notes);
    terms.texts("BT-25", &invoice.preceding);
    terms.texts("BT-27", &invoice.seller.names);
    terms.texts("BT-31", &invoice.seller.vat_ids);
    terms.text("BT-44", invoice.buyer_name.as_deref());
    terms.text("BT-48", invoice.buyer_vat_id.as_deref());
    terms.text("BT-59", invoice.payee_name.as_deref());
    terms.text("BT-83", invoice.payment_reference.as_deref());
    terms.texts("BT-84", &invoice.accounts);
    terms
}

fn of_tax(subtotal: &TaxSubtotal) -> Value {
    let mut terms = Terms::default();
    terms.text("BT-118", Some(&subtotal.tax.category));
    terms.text("BT-119", Some(&subtotal.tax.rate));
    terms.figure("BT-116", Some(&subtotal.taxable));
    terms.figure("BT-117", Some(&subtotal.amount));
    terms.text("BT-120", subtotal.exemption_reason.as_deref());
    terms.text("BT-121", subtotal.exemption_code.as_deref());
    terms.0.into()
}

/// Those that say more than an amount.
fn of_adjustments(adjustments: &[Adjustment]) -> Vec<Value> {
    let numbered = adjustments.iter().enumerate();
    let more = numbered.filter(|(_, it)| it.base.is_some() || it.percent.is_some());
    more.map(|(index, it)| {
        let mut terms = Terms::default();
        terms.figure("base", it.base.as_ref());
        terms.figure("percent", it.percent.as_ref());
        terms.0.insert("place".to_owned(), index.into());
        terms.0.into()
    })
    .collect()
}

fn of_deviation(deviation: &Deviation) -> Value {
    json!({
        "term": deviation.term,
        "place": deviation.place,
        "theirs": deviation.theirs,
        "ours": deviation.ours,
        "cause": deviation.cause.word(),
    })
}

/// Of one line.
pub fn of_line(line: &Line) -> Value {
    let mut terms = Terms::default();
    terms.text("BT-126", Some(&line.id));
    terms.text("BT-127", line.note.as_deref());
    terms.figure("BT-131", Some(&line.net));
    terms.figure("BT-146", Some(&line.price));
    terms.figure("BT-147", line.price_discount.as_ref());
    terms.figure("BT-148", line.gross_price.as_ref());
    terms.figure("BT-149", line.base_quantity.as_ref());
    terms.text("BT-154", line.description.as_deref());
    terms.text("BT-155", line.seller_item.as_deref());
    terms.list("adjustments", of_adjustments(&line.adjustments));
    terms.0.into()
}
