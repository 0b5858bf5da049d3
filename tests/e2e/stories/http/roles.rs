//! Every operation and every role: nothing is open by mistake, and nothing that is new stays unclassified.

use std::collections::BTreeMap;

use bursar_domain::access::{Action, Role};
use serde_json::{Value, json};
use ureq::http::Method;

use super::{Ask, Token, World, json::filled};
use crate::place::Place;

/// What each operation asks for, by its id in the document.
const OPERATIONS: &[(Action, &[&str])] = &[
    (
        Action::View,
        &[
            "get_me",
            "get_stop",
            "list_plugins",
            "get_plugin",
            "list_quarantines",
            "list_automations",
            "get_automation",
            "get_permissions",
            "list_upgrades",
            "list_timers",
            "explain_event",
            "list_runs",
            "get_run",
            "list_tasks",
            "get_task",
            "list_messages",
            "get_message",
        ],
    ),
    (
        Action::Manage,
        &[
            "put_automation",
            "patch_automation",
            "check_automation",
            "upgrade_automation",
        ],
    ),
    (
        Action::Operate,
        &[
            "preview",
            "start_run",
            "answer_task",
            "withdraw_task",
            "assign_task",
        ],
    ),
    (
        Action::Audit,
        &[
            "status",
            "list_tokens",
            "get_token",
            "list_entities",
            "get_entity",
            "list_departments",
            "get_department",
            "list_business_calendars",
            "get_business_calendar",
            "list_calendars",
            "get_calendar",
            "list_entries",
            "get_entry",
            "list_occurrences",
            "export_calendar",
            "free_busy",
            "find_slots",
            "get_job",
            "list_collections",
            "get_collection",
            "list_records",
            "search_records",
            "get_record",
            "export_records",
            "list_invoices",
            "search_invoices",
            "get_invoice",
            "list_payments",
            "search_payments",
            "get_payment",
            "get_aging",
            "list_aged_accounts",
            "get_invoice_page",
            "get_invoice_ubl",
            "list_balances",
            "list_folders",
            "get_folder",
            "list_templates",
            "get_template",
            "render_template",
            "list_documents",
            "get_document",
            "get_content",
            "list_revisions",
            "get_revision_content",
            "list_commits",
            "get_commit",
            "list_rows",
            "get_row",
            "list_history",
            "list_access",
            "list_permission_changes",
            "count_records",
            "get_records",
            "check_collection",
            "list_holds",
            "verify",
            "get_checkpoint",
            "get_public_key",
            "export_log",
        ],
    ),
    (
        Action::Administer,
        &[
            "create_token",
            "revoke_token",
            "put_entity",
            "put_department",
            "put_business_calendar",
            "put_calendar",
            "create_entry",
            "update_entry",
            "delete_entry",
            "import_calendar",
            "put_stop",
            "load_sample",
            "load_company",
            "install_plugin",
            "put_quarantine",
            "put_collection",
            "put_folder",
            "put_template",
            "delete_template",
            "create_record",
            "patch_record",
            "delete_record",
            "hold_record",
            "release_record",
            "import_records",
            "create_invoice",
            "update_invoice",
            "step_invoice",
            "credit_invoice",
            "allocate_credit_note",
            "create_open_item",
            "issue_invoice",
            "write_off",
            "dun_invoice",
            "create_payment",
            "reverse_payment",
            "allocate",
            "put_document",
        ],
    ),
];
/// What anybody may ask.
const OPEN: &[&str] = &["live", "ready"];

struct Operation {
    id: String,
    method: Method,
    path: String,
    /// None is open to all.
    action: Option<Action>,
    media_type: Option<String>,
}

#[test]
fn every_operation_asks_for_a_token_of_a_role_that_may_do_it() {
    let world = World::on(Place::sqlite());
    let document = world
        .get("/openapi.json")
        .authorized(None)
        .expect(200)
        .json();
    let operations = operations(&document);
    let tokens: Vec<(Role, Token)> = Role::ALL
        .iter()
        .map(|role| (*role, world.token_of(name(*role))))
        .collect();
    let tries = tries(&operations, &tokens);
    world.unchanged(|| {
        for operation in &operations {
            let reply = operation.ask(&world).authorized(None).send();
            match operation.action {
                Some(_) => drop(reply.problem(401, "token-missing")),
                None => assert_eq!(reply.status, 200, "{}", operation.id),
            }
        }
        for refused in tries.iter().filter(|tried| !tried.may) {
            let ask = refused.operation.ask(&world).by(refused.token);
            let problem = ask.refused(403, "role-insufficient");
            assert!(problem.get("problems").is_none(), "{problem}");
        }
    });
    for tried in tries.iter().filter(|tried| tried.may) {
        let (id, role) = (&tried.operation.id, tried.role);
        let reply = tried.operation.ask(&world).by(tried.token).send();
        assert!(
            !matches!(reply.status, 401 | 403 | 405 | 500..),
            "{id} as {role:?}: {} {}",
            reply.status,
            reply.text()
        );
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Auditor => "auditor",
        Role::Manager => "manager",
        Role::Operator => "operator",
        Role::Viewer => "viewer",
    }
}

/// An operation that asks for a token, tried with one.
struct Try<'a> {
    operation: &'a Operation,
    role: Role,
    token: &'a Token,
    may: bool,
}

fn tries<'a>(operations: &'a [Operation], tokens: &'a [(Role, Token)]) -> Vec<Try<'a>> {
    let of = |operation: &'a Operation| {
        tokens.iter().filter_map(move |(role, token)| {
            Some(Try {
                operation,
                role: *role,
                token,
                may: role.may(operation.action?),
            })
        })
    };
    operations.iter().flat_map(of).collect()
}

/// The document's operations; each of them must be classified above, and nothing else.
fn operations(document: &Value) -> Vec<Operation> {
    let mut known: BTreeMap<&str, Option<Action>> = OPEN.iter().map(|id| (*id, None)).collect();
    for (action, ids) in OPERATIONS {
        known.extend(ids.iter().map(|id| (*id, Some(*action))));
    }
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an operation id");
            let action = known
                .remove(id)
                .unwrap_or_else(|| panic!("{id} is new: which action is it?"));
            let content = operation["requestBody"]["content"].as_object();
            operations.push(Operation {
                id: id.to_owned(),
                method: method.to_uppercase().parse().expect("a method"),
                path: filled(path, "absent"),
                action,
                media_type: content.and_then(|content| content.keys().next().cloned()),
            });
        }
    }
    assert!(
        known.is_empty(),
        "the document does not have {:?}",
        known.keys()
    );
    operations
}

impl Operation {
    /// The operation on what is not there, with an empty body.
    fn ask(&self, world: &World) -> Ask {
        let ask = world.ask(&self.method, &self.path);
        match &self.media_type {
            Some(media_type) => ask.bytes(media_type, json!({}).to_string().as_bytes()),
            None => ask,
        }
    }
}
