//! What the host answered, in the words that all languages share: JSON with names in snake case, amounts as texts, and
//! nothing where there is nothing.

use bursar_sdk::calendars::{Occurrence, Window};
use bursar_sdk::invoices::Invoice;
use bursar_sdk::ledger::{Aged, AgedBooks, Balance, Bucket, Listing};
use bursar_sdk::rows::{
    AddedMoment, Adjustment, Document, Entry, Flow, InvoiceHead, InvoiceKind, InvoiceLine,
    InvoiceState, Override, Payment, Row, Task, Tax,
};
use bursar_sdk::types::Actor;
use bursar_sdk::{Run, Trigger};
use serde_json::{Value, json};

/// An object without the members that are null.
fn without_none(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .collect(),
        other => other,
    }
}

/// The value of the host's JSON text.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("the host's JSON is JSON")
}

pub fn context(run: &Run) -> Value {
    let (context, event) = (&run.context, &run.event);
    json!({
        "run": context.run, "automation": context.automation, "department": context.department,
        "legal_entity": context.legal_entity, "zone": context.zone, "locale": context.locale,
        "event": {
            "id": event.id, "source": event.source, "type": event.type_, "time": event.time, "actor": actor(&event.actor),
        },
        "trigger": match &run.trigger {
            Trigger::Manual(manual) => json!({"kind": "manual", "subjects": manual.subjects}),
            Trigger::Timer(tick) => json!({
                "kind": "timer", "timer": tick.timer, "scheduled": tick.scheduled, "missed": tick.missed,
            }),
        },
    })
}

fn actor(actor: &Actor) -> Value {
    json!({"kind": actor.kind, "id": actor.id, "name": actor.name})
}

/// A page of a listing.
pub fn page<T>(items: &[T], next: Option<&str>, shown: fn(&T) -> Value) -> Value {
    let items: Vec<Value> = items.iter().map(shown).collect();
    without_none(json!({"items": items, "next": next}))
}

/// A whole listing, which may be long: how many rows it has, the first and the last.
pub fn ends(ids: &[String]) -> Value {
    without_none(json!({"rows": ids.len(), "first": ids.first(), "last": ids.last()}))
}

pub fn row(row: &Row) -> Value {
    json!({
        "id": row.id, "collection": row.collection, "revision": row.revision, "created": row.created,
        "updated": row.updated, "body": parsed(&row.body), "redacted": row.redacted,
    })
}

pub fn head(head: &InvoiceHead) -> Value {
    without_none(json!({
        "id": head.id, "revision": head.revision, "flow": flow(head.flow), "kind": kind(head.kind),
        "state": state(head.state), "number": head.number, "number_text": head.number_text,
        "legal_entity": head.legal_entity, "party": head.party, "party_name": head.party_name,
        "issue_date": head.issue_date, "due_date": head.due_date, "net": head.net.to_string(),
        "tax": head.tax.to_string(), "gross": head.gross.to_string(),
        "outstanding": head.outstanding.to_string(), "dunning_level": head.dunning_level,
        "reference": head.reference,
    }))
}

fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Receivable => "receivable",
        Flow::Payable => "payable",
    }
}

fn kind(kind: InvoiceKind) -> &'static str {
    match kind {
        InvoiceKind::Invoice => "invoice",
        InvoiceKind::CreditNote => "credit-note",
        InvoiceKind::Corrective => "corrective",
        InvoiceKind::Prepayment => "prepayment",
    }
}

fn state(state: InvoiceState) -> &'static str {
    match state {
        InvoiceState::Draft => "draft",
        InvoiceState::Issued => "issued",
        InvoiceState::Received => "received",
        InvoiceState::Matched => "matched",
        InvoiceState::NeedsAttention => "needs-attention",
        InvoiceState::Approved => "approved",
        InvoiceState::Scheduled => "scheduled",
        InvoiceState::Rejected => "rejected",
        InvoiceState::Discarded => "discarded",
    }
}

fn tax(tax: &Tax) -> Value {
    json!({"category": tax.category, "rate": tax.rate})
}

fn adjustment(one: &Adjustment) -> Value {
    json!({
        "is_charge": one.is_charge, "amount": one.amount, "reason": one.reason, "tax": tax(&one.tax),
    })
}

fn line(line: &InvoiceLine) -> Value {
    let adjustments: Vec<Value> = line.adjustments.iter().map(adjustment).collect();
    json!({
        "description": line.description, "quantity": line.quantity, "unit": line.unit,
        "unit_price": line.unit_price, "tax": tax(&line.tax), "adjustments": adjustments,
        "extra": parsed(&line.extra),
    })
}

pub fn invoice(invoice: &Invoice) -> Value {
    let content = &invoice.content;
    let lines: Vec<Value> = content.lines.iter().map(line).collect();
    let adjustments: Vec<Value> = content.adjustments.iter().map(adjustment).collect();
    let totals = invoice.tax_totals.iter().map(|total| {
        json!({
            "tax": tax(&total.tax), "taxable": total.taxable.to_string(), "amount": total.amount.to_string(),
        })
    });
    let content = without_none(json!({
        "flow": flow(content.flow), "kind": kind(content.kind), "legal_entity": content.legal_entity,
        "party": content.party, "currency": content.currency, "supply_date": content.supply_date,
        "due_date": content.due_date, "lines": lines, "adjustments": adjustments,
        "supplier_number": content.supplier_number, "corrects": content.corrects,
        "extra": parsed(&content.extra),
    }));
    json!({
        "head": head(&invoice.head), "content": content, "tax_totals": totals.collect::<Vec<_>>(),
        "redacted": invoice.redacted,
    })
}

pub fn payment(payment: &Payment) -> Value {
    without_none(json!({
        "id": payment.id, "flow": flow(payment.flow), "legal_entity": payment.legal_entity,
        "party": payment.party, "amount": payment.amount.to_string(), "value_date": payment.value_date,
        "bank_reference": payment.bank_reference, "bank_account": payment.bank_account,
        "text": payment.text, "unallocated": payment.unallocated.to_string(),
        "reverses": payment.reverses,
    }))
}

pub fn aged(aged: &Aged) -> Value {
    let bucket = |one: &Bucket| {
        without_none(json!({
            "from_days": one.from_days, "to_days": one.to_days, "amount": one.amount.to_string(),
        }))
    };
    let books = |one: &AgedBooks| {
        json!({
            "legal_entity": one.legal_entity, "currency": one.currency,
            "buckets": one.buckets.iter().map(bucket).collect::<Vec<_>>(), "open": one.open.to_string(),
            "unapplied": one.unapplied.to_string(), "balance": one.balance.to_string(),
        })
    };
    json!({"as_of": aged.as_of, "books": aged.books.iter().map(books).collect::<Vec<_>>()})
}

pub fn balances(listing: &Listing) -> Value {
    let balance = |one: &Balance| {
        without_none(json!({
            "party": one.party, "legal_entity": one.legal_entity, "currency": one.currency,
            "issued": one.issued.to_string(), "credited": one.credited.to_string(),
            "received": one.received.to_string(), "refunded": one.refunded.to_string(),
            "written_off": one.written_off.to_string(), "settled_before": one.settled_before.to_string(),
            "carried": one.carried.to_string(), "balance": one.balance.to_string(),
        }))
    };
    let items: Vec<Value> = listing.items.iter().map(balance).collect();
    without_none(json!({"as_of": listing.as_of, "items": items, "next": listing.next}))
}

pub fn entry(entry: &Entry) -> Value {
    let content = &entry.content;
    let added: Vec<Value> = content.added.iter().map(added).collect();
    let overrides: Vec<Value> = content.overrides.iter().map(changed).collect();
    let content = without_none(json!({
        "uid": content.uid, "kind": content.kind, "title": content.title, "notes": content.notes,
        "attendees": content.attendees, "is_opaque": content.is_opaque, "start": content.start,
        "length": content.length, "rules": content.rules, "added": added,
        "excluded": content.excluded, "overrides": overrides, "extra": parsed(&content.extra),
    }));
    json!({
        "id": entry.id, "calendar": entry.calendar, "revision": entry.revision,
        "created": entry.created, "updated": entry.updated, "content": content,
    })
}

fn added(added: &AddedMoment) -> Value {
    without_none(json!({"start": added.start, "length": added.length}))
}

fn changed(change: &Override) -> Value {
    let moved = change.moved.as_ref();
    let moved = moved.map(|moved| json!({"start": moved.start, "length": moved.length}));
    without_none(json!({"original": change.original, "moved": moved}))
}

pub fn occurrence(one: &Occurrence) -> Value {
    json!({
        "start": one.start, "end": one.end, "original_start": one.original_start,
        "calendar": one.calendar, "entry": one.entry, "uid": one.uid, "kind": one.kind,
        "title": one.title, "attendees": one.attendees, "is_opaque": one.is_opaque,
    })
}

pub fn windows(windows: &[Window]) -> Value {
    let shown = |one: &Window| json!({"start": one.start, "end": one.end});
    json!(windows.iter().map(shown).collect::<Vec<_>>())
}

pub fn document(document: &Document) -> Value {
    json!({
        "id": document.id, "revision": document.revision, "folder": document.folder,
        "name": document.name, "media_type": document.media_type, "bytes": document.bytes,
        "sha256": document.sha256, "created": document.created,
    })
}

pub fn task(task: &Task) -> Value {
    let answer = task.answer.as_ref().map(|answer| {
        json!({
            "choice": answer.choice, "note": answer.note, "by": actor(&answer.by), "at": answer.at,
        })
    });
    without_none(json!({
        "id": task.id, "key": task.key, "title": task.title, "is_closed": task.is_closed,
        "answer": answer, "memo": parsed(&task.memo),
    }))
}
