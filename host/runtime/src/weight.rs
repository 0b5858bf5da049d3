//! How many bytes a call hands to the host, and its answer to the guest.

use crate::contract::bursar::office::{
    calendars, documents, invoices, invoices_write, ledger, log, messages, records, rows, tasks,
    types,
};

/// Bytes of a scalar, or of the frame of a text or list: near enough for a limit.
const FRAME: u64 = 8;

/// The size of what crosses the border, in bytes.
pub trait Weight: Sync {
    /// Texts by their bytes, everything else by a flat rate.
    fn bytes(&self) -> u64;
}

impl Weight for String {
    fn bytes(&self) -> u64 {
        u64::try_from(self.len())
            .unwrap_or(u64::MAX)
            .saturating_add(FRAME)
    }
}

impl<T: Weight> Weight for Option<T> {
    fn bytes(&self) -> u64 {
        self.as_ref().map_or(FRAME, Weight::bytes)
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn bytes(&self) -> u64 {
        self.iter()
            .fold(FRAME, |sum, item| sum.saturating_add(item.bytes()))
    }
}

impl Weight for messages::Content {
    fn bytes(&self) -> u64 {
        match self {
            Self::Plain(content) => content.bytes(),
            Self::Template(content) => content.bytes(),
        }
    }
}

impl Weight for u8 {
    fn bytes(&self) -> u64 {
        1
    }
}

macro_rules! scalars {
    ($($name:ty),* $(,)?) => { $(impl Weight for $name {
        fn bytes(&self) -> u64 { FRAME }
    })* };
}

macro_rules! records {
    ($($name:ty { $($field:ident),* $(,)? })*) => { $(impl Weight for $name {
        fn bytes(&self) -> u64 { [$(self.$field.bytes()),*].into_iter().fold(0, u64::saturating_add) }
    })* };
}

scalars!(
    (),
    bool,
    i32,
    u32,
    u64,
    i64,
    calendars::Weekday,
    log::Level,
    types::Comparison,
    types::Direction,
    rows::Flow,
    rows::InvoiceKind,
    rows::InvoiceState
);

records! {
    types::Page { limit, after }
    types::DateWindow { start, end }
    types::Pair { name, value }
    types::Condition { field, comparison, values }
    types::Order { field, direction }
    records::Query { conditions, order }
    calendars::Whose { calendars, person }
    calendars::Shift { weekday, from, to }
    calendars::WorkingHours { zone, shifts, business_calendar }
    calendars::Attendee { busy, hours }
    calendars::SlotSearch { window, length, buffer, attendees, at_most }
    invoices_write::Allocation { invoice, amount }
    invoices_write::LineCredit { line, quantity }
    invoices_write::NewPayment {
        flow, legal_entity, party, amount, value_date, bank_reference, bank_account, text, extra,
    }
    ledger::Accounts { flow, legal_entity, party, as_of }
    messages::NewMail { to, cc, reply_to, subject, text }
    messages::PlainContent { subject, text }
    messages::TemplateContent { template, locale, data }
    messages::Letter { to, cc, reply_to, content, attachments, follows }
    tasks::Choice { value, label, needs_note }
    tasks::NewTask { assignee, title, text, choices, due, subjects, memo }
    tasks::Terms { reminders, expires }
    types::Money { minor, currency }
    types::Actor { kind, id, name }
    rows::Row { id, collection, revision, created, updated, body, redacted }
    records::Found { items, next }
    rows::Tax { category, rate }
    rows::Adjustment { is_charge, amount, reason, tax }
    rows::InvoiceLine { description, quantity, unit, unit_price, tax, adjustments, extra }
    rows::InvoiceContent {
        flow, kind, legal_entity, party, currency, supply_date, due_date, lines, adjustments, supplier_number, corrects, extra,
    }
    rows::InvoiceHead {
        id, revision, flow, kind, state, number, number_text, legal_entity, party, party_name, issue_date, due_date, net, tax,
        gross, outstanding, dunning_level, reference,
    }
    invoices::TaxTotal { tax, taxable, amount }
    invoices::Invoice { head, content, tax_totals, redacted }
    invoices::Heads { items, next }
    rows::Payment {
        id, flow, legal_entity, party, amount, value_date, bank_reference, bank_account, text, unallocated, reverses,
    }
    invoices::Payments { items, next }
    rows::Document { id, revision, folder, name, media_type, bytes, sha256, created }
    documents::Listing { items, next }
    rows::Answer { choice, note, by, at }
    rows::Period { start, length }
    rows::AddedMoment { start, length }
    rows::Override { original, moved }
    rows::EntryContent {
        uid, kind, title, notes, attendees, is_opaque, start, length, rules, added, excluded, overrides, extra,
    }
    rows::Entry { id, calendar, revision, created, updated, content }
    calendars::Listing { items, next }
    calendars::Window { start, end }
    calendars::Occurrence {
        start, end, original_start, calendar, entry, uid, kind, title, attendees, is_opaque,
    }
    ledger::Bucket { from_days, to_days, amount }
    ledger::AgedBooks { legal_entity, currency, buckets, open, unapplied, balance }
    ledger::Aged { as_of, books }
    ledger::Balance {
        party, legal_entity, currency, issued, credited, received, refunded, written_off, settled_before, carried, balance,
    }
    ledger::Listing { as_of, items, next }
    rows::Task { id, key, title, is_closed, answer, memo }
}
