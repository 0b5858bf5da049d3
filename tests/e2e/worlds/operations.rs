//! Every operation of the API: what it tells, and what is asked of it.

/// What an operation tells of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// It answers from records: whoever sees everything is told different things in the two worlds.
    Records,
    /// It answers from what has no hidden fields.
    Else,
    /// It changes things: what it answers is what it made, or a refusal.
    Writes,
}

use Tells::{Else, Records, Writes};

pub struct Operation {
    /// Its id in the document.
    pub id: &'static str,
    pub tells: Tells,
    /// "PATH" or "PATH BODY", with names of ids in angles.
    pub asks: &'static [&'static str],
}

const fn op(id: &'static str, tells: Tells, asks: &'static [&'static str]) -> Operation {
    Operation { id, tells, asks }
}

/// Whether a path is one of a template of the document.
pub fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    let (wanted, there) = (template.split('/'), path.split('/'));
    wanted.clone().count() == there.clone().count()
        && wanted
            .zip(there)
            .all(|(wanted, there)| wanted == there || wanted.starts_with('{'))
}

pub const ALL: &[Operation] = &[
    op("live", Else, &["/health/live"]),
    op("ready", Else, &["/health/ready"]),
    op("status", Else, &["/v1/status"]),
    op("get_me", Else, &["/v1/me"]),
    op("get_stop", Else, &["/v1/stop"]),
    op("list_tokens", Else, &["/v1/tokens"]),
    op("get_token", Else, &["/v1/tokens/nobody"]),
    op("list_entities", Else, &["/v1/entities?limit=1"]),
    op("get_entity", Else, &["/v1/entities/<entity>"]),
    op("list_departments", Else, &["/v1/departments"]),
    op("get_department", Else, &["/v1/departments/finance"]),
    op("list_business_calendars", Else, &["/v1/business-calendars"]),
    op(
        "get_business_calendar",
        Else,
        &["/v1/business-calendars/office"],
    ),
    op("list_calendars", Else, &["/v1/calendars"]),
    op("get_calendar", Else, &["/v1/calendars/desk"]),
    op("list_entries", Else, &["/v1/calendars/desk/entries"]),
    op("get_entry", Else, &["/v1/calendars/desk/entries/nobody"]),
    op(
        "list_occurrences",
        Else,
        &["/v1/calendars/desk/occurrences?from_us=0&to_us=1"],
    ),
    op("export_calendar", Else, &["/v1/calendars/desk/entries.ics"]),
    op(
        "free_busy",
        Else,
        &[
            r#"/v1/free-busy {"calendars": ["desk"], "from_us": 0, "to_us": 1}"#,
            "/v1/free-busy {}",
        ],
    ),
    op("find_slots", Else, &["/v1/find-slots {}"]),
    op("list_plugins", Else, &["/v1/plugins"]),
    op(
        "get_plugin",
        Else,
        &["/v1/plugins/<plugin>", "/v1/plugins/nobody"],
    ),
    op("list_quarantines", Else, &["/v1/quarantines"]),
    op("get_job", Else, &["/v1/jobs/nobody"]),
    op(
        "list_automations",
        Else,
        &[
            "/v1/automations",
            "/v1/automations?limit=1",
            "/v1/automations?after=x",
        ],
    ),
    op(
        "get_automation",
        Else,
        &[
            "/v1/automations/conformance",
            "/v1/automations/shadow",
            "/v1/automations/nobody",
        ],
    ),
    op(
        "get_permissions",
        Else,
        &[
            "/v1/automations/conformance/permissions",
            "/v1/automations/shadow/permissions?format=csv",
            "/v1/automations/nobody/permissions",
        ],
    ),
    op(
        "check_automation",
        Else,
        &[
            r#"/v1/automations/conformance/checks {"plugin": "<plugin>", "department": "finance", "grants": [{"kind": "records", "collection": "items", "operations": ["read"]}]}"#,
            r#"/v1/automations/conformance/checks {"plugin": "nobody", "department": "finance"}"#,
        ],
    ),
    op("list_upgrades", Else, &["/v1/upgrades"]),
    op(
        "upgrade_automation",
        Writes,
        &["/v1/automations/conformance/upgrades {}"],
    ),
    op(
        "list_access",
        Else,
        &[
            "/v1/access?collection=items",
            "/v1/access?mail_to=somebody@example.com&format=csv",
        ],
    ),
    op(
        "list_permission_changes",
        Else,
        &["/v1/permission-changes", "/v1/permission-changes?limit=1"],
    ),
    op("list_timers", Else, &["/v1/timers"]),
    op(
        "explain_event",
        Else,
        &[
            "/v1/events/done-conformance",
            "/v1/events/done-shadow?limit=1",
            "/v1/events/e?automation=conformance",
            "/v1/events/e?timer=nightly",
        ],
    ),
    op(
        "list_runs",
        Else,
        &[
            "/v1/runs",
            "/v1/runs?limit=1",
            "/v1/runs?automation=shadow",
            "/v1/runs?state=held",
            "/v1/runs?after=x",
        ],
    ),
    op(
        "get_run",
        Records,
        &[
            "/v1/runs/<run-conformance>",
            "/v1/runs/<run-shadow>",
            "/v1/runs/<run-review>",
            "/v1/runs/nobody",
        ],
    ),
    op(
        "list_tasks",
        Else,
        &[
            "/v1/tasks",
            "/v1/tasks?closed=true",
            "/v1/tasks?automation=conformance&limit=1",
        ],
    ),
    op("get_task", Else, &["/v1/tasks/<task>", "/v1/tasks/nobody"]),
    op(
        "list_messages",
        Else,
        &["/v1/messages", "/v1/messages?state=waiting&limit=1"],
    ),
    op(
        "get_message",
        Else,
        &["/v1/messages/<mail>", "/v1/messages/nobody"],
    ),
    op(
        "preview",
        Records,
        &[
            r#"/v1/automations/conformance/previews {"event": "p", "input": {"calls": [{"call": "records-write.remove", "collection": "items", "id": "<record>"}]}}"#,
            r#"/v1/automations/shadow/previews {"event": "p", "input": {"calls": [{"call": "records-write.remove", "collection": "items", "id": "<record>"}]}}"#,
            r#"/v1/automations/review/previews {"event": "p", "input": {"calls": [{"call": "records-write.remove", "collection": "items", "id": "<record>"}]}}"#,
            r#"/v1/automations/conformance/previews {"event": "p", "input": {"calls": [{"call": "records-write.remove", "collection": "items", "id": "<other>"}]}}"#,
            r#"/v1/automations/conformance/previews {"event": "p", "input": {"calls": [{"call": "records-write.patch", "collection": "items", "id": "<other>", "merge": {"name": "other"}}]}}"#,
            r#"/v1/automations/conformance/previews {"event": "p", "input": {"calls": [{"call": "records-write.create", "collection": "items", "key": "p", "body": {"name": "other"}}]}}"#,
            "/v1/automations/nobody/previews {}",
            r#"/v1/automations/conformance/previews {"input": 1}"#,
        ],
    ),
    op("start_run", Writes, &["/v1/automations/nobody/runs {}"]),
    op(
        "answer_task",
        Writes,
        &[r#"/v1/tasks/<task>/answer {"choice": "never"}"#],
    ),
    op(
        "withdraw_task",
        Writes,
        &[r#"/v1/tasks/nobody/withdraw {"reason": "r"}"#],
    ),
    op(
        "assign_task",
        Writes,
        &[r#"/v1/tasks/nobody/assign {"assignee": "role:clerk"}"#],
    ),
    op("list_templates", Else, &["/v1/templates"]),
    op("get_template", Else, &["/v1/templates/nobody"]),
    op(
        "render_template",
        Else,
        &[r#"/v1/templates/task-reminder/render {"data": {}}"#],
    ),
    op("list_collections", Else, &["/v1/collections"]),
    op("get_collection", Else, &["/v1/collections/items"]),
    op(
        "list_records",
        Records,
        &[
            "/v1/collections/items/records",
            "/v1/collections/items/records?limit=3",
            "/v1/collections/parties/records",
            "/v1/collections/items/records?after=x",
        ],
    ),
    op(
        "search_records",
        Records,
        &[
            r#"/v1/collections/items/search {"conditions": [{"field": "price", "comparison": "equal", "values": ["0.01"]}]}"#,
            r#"/v1/collections/items/search {"conditions": [{"field": "price", "comparison": "less", "values": ["0.01"]}]}"#,
            r#"/v1/collections/items/search {"conditions": [{"field": "made_on", "comparison": "equal", "values": [""]}]}"#,
            r#"/v1/collections/items/search {"conditions": [{"field": "made_on", "comparison": "less", "values": [""]}]}"#,
            r#"/v1/collections/items/search {"conditions": [{"field": "name", "comparison": "equal", "values": ["n3"]}]}"#,
            r#"/v1/collections/items/search {"conditions": [{"field": "name", "comparison": "less", "values": ["n3"]}]}"#,
            r#"/v1/collections/items/search {"order": [{"field": "price", "direction": "ascending"}], "limit": 3}"#,
            r#"/v1/collections/items/search {"order": [{"field": "price", "direction": "descending"}], "limit": 3}"#,
            r#"/v1/collections/items/search {"order": [{"field": "size", "direction": "ascending"}], "limit": 3}"#,
            r#"/v1/collections/items/search {"order": [{"field": "size", "direction": "descending"}], "limit": 3}"#,
            r#"/v1/collections/items/search {"after": "00"}"#,
        ],
    ),
    op(
        "count_records",
        Records,
        &[
            r#"/v1/collections/items/count {"conditions": [{"field": "price", "comparison": "equal", "values": ["0.01"]}]}"#,
            r#"/v1/collections/items/count {"conditions": [{"field": "price", "comparison": "less", "values": ["0.01"]}]}"#,
            r#"/v1/collections/items/count {"conditions": [{"field": "made_on", "comparison": "equal", "values": [""]}]}"#,
            r#"/v1/collections/items/count {"conditions": [{"field": "made_on", "comparison": "less", "values": [""]}]}"#,
            r#"/v1/collections/items/count {"conditions": [{"field": "name", "comparison": "equal", "values": ["n3"]}]}"#,
            r#"/v1/collections/items/count {"conditions": [{"field": "name", "comparison": "less", "values": ["n3"]}]}"#,
            "/v1/collections/items/count {}",
        ],
    ),
    op(
        "get_records",
        Records,
        &[r#"/v1/collections/items/get {"ids": ["<record>", "nobody", "<other>"]}"#],
    ),
    op(
        "get_record",
        Records,
        &[
            "/v1/collections/items/records/<record>",
            "/v1/collections/items/records/<other>",
            "/v1/collections/items/records/nobody",
            "/v1/collections/parties/records/<party>",
        ],
    ),
    op(
        "list_holds",
        Else,
        &["/v1/collections/items/records/<record>/holds"],
    ),
    op(
        "export_records",
        Records,
        &[
            "/v1/collections/items/export",
            "/v1/collections/items/export?format=json-lines",
            "/v1/collections/items/export?format=other",
        ],
    ),
    op(
        "check_collection",
        Records,
        &[
            r#"/v1/collections/items/check {"schema": {"type": "object", "properties": {"name": {"type": "string"}, "note": {"type": "string"}}}}"#,
        ],
    ),
    op("list_invoices", Else, &["/v1/invoices"]),
    op(
        "search_invoices",
        Else,
        &[r#"/v1/invoices/search {"order": [{"field": "gross"}], "limit": 2}"#],
    ),
    op("get_invoice", Else, &["/v1/invoices/<invoice>"]),
    op("list_payments", Else, &["/v1/payments"]),
    op("search_payments", Else, &["/v1/payments/search {}"]),
    op("get_payment", Else, &["/v1/payments/<payment>"]),
    op("get_aging", Else, &["/v1/aging?flow=receivable"]),
    op(
        "list_aged_accounts",
        Else,
        &["/v1/aging/accounts", "/v1/aging/accounts?limit=1"],
    ),
    op("list_balances", Else, &["/v1/balances?flow=receivable"]),
    op(
        "get_invoice_page",
        Else,
        &["/v1/invoices/<invoice>/document.html"],
    ),
    op("get_invoice_ubl", Else, &["/v1/invoices/<invoice>/ubl.xml"]),
    op("list_folders", Else, &["/v1/folders"]),
    op("get_folder", Else, &["/v1/folders/notes"]),
    op("list_documents", Else, &["/v1/documents?folder=notes"]),
    op("get_document", Else, &["/v1/documents/<document>"]),
    op("get_content", Else, &["/v1/documents/<document>/content"]),
    op(
        "list_revisions",
        Else,
        &["/v1/documents/<document>/revisions"],
    ),
    op(
        "get_revision_content",
        Else,
        &["/v1/documents/<document>/revisions/1/content"],
    ),
    op("list_commits", Records, &["/v1/log", "/v1/log?limit=3"]),
    op("get_commit", Records, &["/v1/log/<commit>", "/v1/log/1"]),
    op(
        "list_rows",
        Records,
        &[
            "/v1/rows/record?collection=items",
            "/v1/rows/record?collection=items&as_of=<commit>&limit=2",
            "/v1/rows/record?collection=parties",
        ],
    ),
    op(
        "get_row",
        Records,
        &[
            "/v1/rows/record/<record>?collection=items",
            "/v1/rows/record/<other>?collection=items&as_of=<commit>",
        ],
    ),
    op(
        "list_history",
        Records,
        &[
            "/v1/rows/record/<record>/history?collection=items",
            "/v1/rows/record/<gone>/history?collection=items&limit=1",
        ],
    ),
    op("verify", Else, &["/v1/verifications {}"]),
    op("get_checkpoint", Else, &["/v1/checkpoints/current"]),
    op("get_public_key", Else, &["/v1/checkpoints/public-key"]),
    op("export_log", Records, &["/v1/log.jsonl"]),
    op("create_token", Writes, &["/v1/tokens {}"]),
    op("revoke_token", Writes, &["/v1/tokens/nobody {}"]),
    op("put_entity", Writes, &["/v1/entities/<entity> {}"]),
    op("put_department", Writes, &["/v1/departments/finance {}"]),
    op(
        "put_business_calendar",
        Writes,
        &["/v1/business-calendars/office {}"],
    ),
    op("put_calendar", Writes, &["/v1/calendars/desk {}"]),
    op("create_entry", Writes, &["/v1/calendars/desk/entries {}"]),
    op(
        "update_entry",
        Writes,
        &["/v1/calendars/desk/entries/nobody {}"],
    ),
    op(
        "delete_entry",
        Writes,
        &["/v1/calendars/desk/entries/nobody {}"],
    ),
    op(
        "import_calendar",
        Writes,
        &["/v1/calendars/desk/entries.ics {}"],
    ),
    op("put_stop", Writes, &["/v1/stop {}"]),
    op("load_sample", Writes, &["/v1/samples {}"]),
    op(
        "load_company",
        Writes,
        &["/v1/samples/company?today=soon {}"],
    ),
    op(
        "put_quarantine",
        Writes,
        &["/v1/plugins/<plugin>/quarantine {}"],
    ),
    op("install_plugin", Writes, &["/v1/plugins {}"]),
    op(
        "put_automation",
        Writes,
        &["/v1/automations/conformance {}"],
    ),
    op(
        "patch_automation",
        Writes,
        &["/v1/automations/conformance {}"],
    ),
    op("put_collection", Writes, &["/v1/collections/items {}"]),
    op("put_folder", Writes, &["/v1/folders/notes {}"]),
    op("put_template", Writes, &["/v1/templates/notes {}"]),
    op("delete_template", Writes, &["/v1/templates/nobody {}"]),
    op(
        "create_record",
        Writes,
        &["/v1/collections/items/records {}"],
    ),
    op(
        "patch_record",
        Writes,
        &["/v1/collections/items/records/<record> {}"],
    ),
    op(
        "delete_record",
        Writes,
        &["/v1/collections/items/records/<record> {}"],
    ),
    op(
        "hold_record",
        Writes,
        &["/v1/collections/items/records/<record>/holds/m {}"],
    ),
    op(
        "release_record",
        Writes,
        &["/v1/collections/items/records/<record>/holds/m {}"],
    ),
    op(
        "import_records",
        Writes,
        &["/v1/collections/items/imports?preview=true {}"],
    ),
    op("create_invoice", Writes, &["/v1/invoices {}"]),
    op("update_invoice", Writes, &["/v1/invoices/<draft> {}"]),
    op("step_invoice", Writes, &["/v1/invoices/<draft>/steps {}"]),
    op(
        "credit_invoice",
        Writes,
        &["/v1/invoices/<invoice>/credit-notes {}"],
    ),
    op(
        "allocate_credit_note",
        Writes,
        &["/v1/invoices/<invoice>/allocations {}"],
    ),
    op("create_open_item", Writes, &["/v1/open-items {}"]),
    op("issue_invoice", Writes, &["/v1/invoices/<draft>/issue {}"]),
    op(
        "write_off",
        Writes,
        &["/v1/invoices/<invoice>/write-offs {}"],
    ),
    op(
        "dun_invoice",
        Writes,
        &["/v1/invoices/<invoice>/dunning {}"],
    ),
    op("create_payment", Writes, &["/v1/payments {}"]),
    op(
        "reverse_payment",
        Writes,
        &["/v1/payments/<payment>/reversal {}"],
    ),
    op(
        "allocate",
        Writes,
        &["/v1/payments/<payment>/allocations {}"],
    ),
    op(
        "put_document",
        Writes,
        &["/v1/folders/notes/documents/a.txt {}"],
    ),
];
