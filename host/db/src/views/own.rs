//! The columns of the host's own rows. None of them is above internal; docs/views.md lists them for people.

use bursar_domain::row::Kind;

use super::Shown;

/// A view's name, the kind of its rows, the list whose items it shows, and its columns: name, path, and how it is shown.
type Own = (
    &'static str,
    Kind,
    Option<&'static str>,
    &'static [(&'static str, &'static str, Shown)],
);

pub(super) const OWN: &[Own] = &[
    (
        "invoices",
        Kind::Invoice,
        None,
        &[
            ("flow", "flow", Shown::Text),
            ("kind", "kind", Shown::Text),
            ("state", "state", Shown::Text),
            ("number", "number", Shown::Text),
            ("supplier_number", "supplier_number", Shown::Text),
            ("legal_entity", "legal_entity", Shown::Text),
            ("party", "party", Shown::Text),
            ("party_name", "party_name", Shown::Text),
            ("issue_date", "issue_date", Shown::Text),
            ("supply_date", "supply_date", Shown::Text),
            ("due_date", "due_date", Shown::Text),
            ("currency", "currency", Shown::Text),
            ("net", "totals.net.amount", Shown::Decimal),
            ("tax", "totals.tax.amount", Shown::Decimal),
            ("gross", "totals.gross.amount", Shown::Decimal),
            ("outstanding", "outstanding.amount", Shown::Decimal),
            ("dunning_level", "dunning_level", Shown::Integer),
            ("reference", "reference", Shown::Text),
            ("corrects", "corrects", Shown::Text),
        ],
    ),
    (
        "invoice_lines",
        Kind::Invoice,
        Some("lines"),
        &[
            ("description", "description", Shown::Text),
            ("quantity", "quantity", Shown::Decimal),
            ("unit", "unit", Shown::Text),
            ("unit_price", "unit_price", Shown::Decimal),
            ("tax_category", "tax.category", Shown::Text),
            ("tax_rate", "tax.rate", Shown::Decimal),
        ],
    ),
    (
        "payments",
        Kind::Payment,
        None,
        &[
            ("flow", "flow", Shown::Text),
            ("legal_entity", "legal_entity", Shown::Text),
            ("party", "party", Shown::Text),
            ("amount", "amount.amount", Shown::Decimal),
            ("currency", "amount.currency", Shown::Text),
            ("value_date", "value_date", Shown::Text),
            ("bank_reference", "bank_reference", Shown::Text),
            ("bank_account", "bank_account", Shown::Text),
            ("text", "text", Shown::Text),
            ("unallocated", "unallocated.amount", Shown::Decimal),
            ("reverses", "reverses", Shown::Text),
            ("reversed_by", "reversed_by", Shown::Text),
        ],
    ),
    (
        "allocations",
        Kind::Allocation,
        None,
        &[
            ("settlement", "settlement", Shown::Text),
            ("source", "source", Shown::Text),
            ("invoice", "invoice", Shown::Text),
            ("amount", "amount.amount", Shown::Decimal),
            ("currency", "amount.currency", Shown::Text),
            ("date", "date", Shown::Text),
            ("reason", "reason", Shown::Text),
        ],
    ),
    (
        "documents",
        Kind::Document,
        None,
        &[
            ("folder", "folder", Shown::Text),
            ("name", "name", Shown::Text),
            ("media_type", "media_type", Shown::Text),
            ("bytes", "bytes", Shown::Integer),
            ("sha256", "sha256", Shown::Text),
        ],
    ),
    (
        "tasks",
        Kind::Task,
        None,
        &[
            ("automation", "automation", Shown::Text),
            ("assignee", "assignee", Shown::Text),
            ("title", "title", Shown::Text),
            ("is_closed", "is_closed", Shown::Boolean),
            ("choice", "answer.choice", Shown::Text),
            ("due_us", "due_us", Shown::Integer),
        ],
    ),
];
