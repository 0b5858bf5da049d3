//! Every route, listed once: what is served is what the OpenAPI document says.

use axum::{Router, middleware};
use bytes::Bytes;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, aging, audit, automations, calendars, documents, edge, exports, health, holds, imports,
    invoices, jobs, log, messages, openapi, organisation, papers, parameters, plugins, records,
    rows, runs, sample, tasks, tokens, upgrades, why,
};

/// Routes and their document.
pub(crate) fn routes() -> (Router<Api>, OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(openapi::head())
        .merge(host())
        .merge(automation())
        .merge(books())
        .merge(schedules())
        .split_for_parts();
    (router, openapi::complete(document))
}

/// The host, whom it lets in, and the organisation.
fn host() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::status))
        .routes(routes!(tokens::get_me))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::get_token, tokens::revoke_token))
        .routes(routes!(organisation::list_entities))
        .routes(routes!(organisation::get_entity, organisation::put_entity))
        .routes(routes!(organisation::list_departments))
        .routes(routes!(
            organisation::get_department,
            organisation::put_department
        ))
        .routes(routes!(organisation::list_business_calendars))
        .routes(routes!(
            organisation::get_business_calendar,
            organisation::put_business_calendar
        ))
        .routes(routes!(organisation::get_stop, organisation::put_stop))
        .routes(routes!(sample::load_sample))
        .routes(routes!(sample::load_company))
}

/// Plugins, automations, and what they did.
fn automation() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(plugins::list_plugins, plugins::install_plugin))
        .routes(routes!(plugins::get_plugin))
        .routes(routes!(plugins::list_quarantines))
        .routes(routes!(plugins::put_quarantine))
        .routes(routes!(jobs::get_job))
        .routes(routes!(automations::list_automations))
        .routes(routes!(
            automations::get_automation,
            automations::put_automation,
            automations::patch_automation
        ))
        .routes(routes!(audit::get_permissions))
        .routes(routes!(audit::check_automation))
        .routes(routes!(audit::list_access))
        .routes(routes!(audit::list_permission_changes))
        .routes(routes!(upgrades::list_upgrades))
        .routes(routes!(upgrades::upgrade_automation))
        .routes(routes!(automations::preview))
        .routes(routes!(automations::start_run))
        .routes(routes!(why::list_timers))
        .routes(routes!(why::explain_event))
        .routes(routes!(runs::list_runs))
        .routes(routes!(runs::get_run))
        .routes(routes!(tasks::list_tasks))
        .routes(routes!(tasks::get_task))
        .routes(routes!(tasks::answer_task))
        .routes(routes!(tasks::withdraw_task))
        .routes(routes!(tasks::assign_task))
        .routes(routes!(messages::list_messages))
        .routes(routes!(messages::get_message))
        .routes(routes!(organisation::list_templates))
        .routes(routes!(
            organisation::get_template,
            organisation::put_template,
            messages::delete_template
        ))
        .routes(routes!(messages::render_template))
}

/// Records, invoices, payments, documents, and the log of all that.
fn books() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(organisation::list_collections))
        .routes(routes!(
            organisation::get_collection,
            organisation::put_collection
        ))
        .routes(routes!(records::list_records, records::create_record))
        .routes(routes!(records::search_records))
        .routes(routes!(records::count_records))
        .routes(routes!(records::get_records))
        .routes(routes!(organisation::check_collection))
        .routes(routes!(holds::list_holds))
        .routes(routes!(holds::hold_record, holds::release_record))
        .routes(routes!(imports::import_records))
        .routes(routes!(exports::export_records))
        .routes(routes!(
            records::get_record,
            records::patch_record,
            records::delete_record
        ))
        .routes(routes!(invoices::list_invoices, invoices::create_invoice))
        .routes(routes!(invoices::search_invoices))
        .routes(routes!(invoices::get_invoice, invoices::update_invoice))
        .routes(routes!(invoices::step_invoice))
        .routes(routes!(invoices::credit_invoice))
        .routes(routes!(invoices::allocate_credit_note))
        .routes(routes!(invoices::create_open_item))
        .routes(routes!(invoices::issue_invoice))
        .routes(routes!(invoices::write_off))
        .routes(routes!(invoices::dun_invoice))
        .routes(routes!(invoices::list_payments, invoices::create_payment))
        .routes(routes!(invoices::search_payments))
        .routes(routes!(invoices::get_payment))
        .routes(routes!(invoices::reverse_payment))
        .routes(routes!(invoices::allocate))
        .routes(routes!(papers::get_invoice_page))
        .routes(routes!(papers::get_invoice_ubl))
        .routes(routes!(aging::get_aging))
        .routes(routes!(aging::list_aged_accounts))
        .routes(routes!(aging::list_balances))
        .routes(routes!(organisation::list_folders))
        .routes(routes!(organisation::get_folder, organisation::put_folder))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::get_document))
        .routes(routes!(documents::get_content))
        .routes(routes!(documents::list_revisions))
        .routes(routes!(documents::get_revision_content))
        .routes(routes!(documents::put_document))
        .routes(routes!(log::list_commits))
        .routes(routes!(log::get_commit))
        .routes(routes!(rows::list_rows))
        .routes(routes!(rows::get_row))
        .routes(routes!(rows::list_history))
        .routes(routes!(log::verify))
        .routes(routes!(log::get_checkpoint))
        .routes(routes!(log::get_public_key))
        .routes(routes!(log::export_log))
}

/// Calendars, their entries, and what these come to.
fn schedules() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(organisation::list_calendars))
        .routes(routes!(
            organisation::get_calendar,
            organisation::put_calendar
        ))
        .routes(routes!(calendars::list_entries, calendars::create_entry))
        .routes(routes!(
            calendars::get_entry,
            calendars::update_entry,
            calendars::delete_entry
        ))
        .routes(routes!(calendars::list_occurrences))
        .routes(routes!(
            calendars::export_calendar,
            calendars::import_calendar
        ))
        .routes(routes!(calendars::free_busy))
        .routes(routes!(calendars::find_slots))
}

impl Api {
    /// Everything that the API answers.
    pub fn router(&self) -> Router {
        let (router, document) = routes();
        let text = Bytes::from(document.to_pretty_json().unwrap_or_default());
        router
            .route(
                "/openapi.json",
                axum::routing::get(move || std::future::ready(openapi::answer(text.clone()))),
            )
            .fallback(edge::no_route)
            .method_not_allowed_fallback(edge::no_method)
            .layer(CatchPanicLayer::custom(edge::panicked))
            .layer(middleware::from_fn_with_state(
                parameters::known(&document),
                parameters::refuse,
            ))
            .layer(middleware::from_fn(edge::edge))
            .with_state(self.clone())
    }
}
