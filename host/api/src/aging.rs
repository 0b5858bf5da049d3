//! What parties owe: agings and balances, as of any date.

use axum::{Json, extract::State};
use bursar_domain::{aging::Buckets, invoice::Flow};
use bursar_office::{
    Paging,
    aging::{Accounts, AgedAccounts, Aging, Balances},
};
use http::StatusCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{Api, caller::Auditor, failure::Failure, request::Query, resource::limit};

/// Whose open items, and how they are divided.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgingQuery {
    /// Receivables unless given.
    #[serde(default = "receivable")]
    #[param(inline, required = false)]
    pub flow: Flow,
    /// As of the end of this day; today unless given, in the legal entity's zone if one is named, else in UTC.
    #[serde(default)]
    pub as_of: Option<Date>,
    /// Last days past due of the buckets, rising, at most 12: "30,60,90" unless given.
    #[serde(default)]
    pub buckets: Option<String>,
    /// Only this party's.
    #[serde(default)]
    pub party: Option<String>,
    /// Only this legal entity's.
    #[serde(default)]
    pub legal_entity: Option<String>,
}

/// Whose open items, account by account, and how they are divided.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AgedAccountsQuery {
    /// Receivables unless given.
    #[serde(default = "receivable")]
    #[param(inline, required = false)]
    pub flow: Flow,
    /// As of the end of this day; today unless given, in the legal entity's zone if one is named, else in UTC.
    #[serde(default)]
    pub as_of: Option<Date>,
    /// Last days past due of the buckets, rising, at most 12: "30,60,90" unless given.
    #[serde(default)]
    pub buckets: Option<String>,
    /// Only this party's.
    #[serde(default)]
    pub party: Option<String>,
    /// Only this legal entity's.
    #[serde(default)]
    pub legal_entity: Option<String>,
    /// Most accounts: 1 to 1000, 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
}

/// Whose balances.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BalancesQuery {
    /// Receivables unless given.
    #[serde(default = "receivable")]
    #[param(inline, required = false)]
    pub flow: Flow,
    /// As of the end of this day; today unless given, in the legal entity's zone if one is named, else in UTC.
    #[serde(default)]
    pub as_of: Option<Date>,
    /// Only this party's.
    #[serde(default)]
    pub party: Option<String>,
    /// Only this legal entity's.
    #[serde(default)]
    pub legal_entity: Option<String>,
    /// Most accounts: 1 to 1000, 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
}

fn receivable() -> Flow {
    Flow::Receivable
}

/// What is open by days past due, as of any date
///
/// The buckets add up to `open`; `open` less `unapplied`, what is left of payments and credit notes, is the balance.
#[utoipa::path(get, path = "/v1/aging", tag = "invoices", params(AgingQuery), responses((status = 200, body = Aging)))]
pub(crate) async fn get_aging(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<AgingQuery>,
) -> Result<Json<Aging>, Failure> {
    let buckets = buckets(query.buckets.as_deref())?;
    let accounts = Accounts {
        flow: query.flow,
        legal_entity: query.legal_entity,
        party: query.party,
        as_of: query.as_of,
    };
    let mut session = api.reading(&caller.actor).await?;
    Ok(Json(session.aging(&accounts, &buckets).await?))
}

/// What each party has open by days past due, as of any date
#[utoipa::path(get, path = "/v1/aging/accounts", tag = "invoices", params(AgedAccountsQuery), responses((status = 200, body = AgedAccounts)))]
pub(crate) async fn list_aged_accounts(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<AgedAccountsQuery>,
) -> Result<Json<AgedAccounts>, Failure> {
    let buckets = buckets(query.buckets.as_deref())?;
    let paging = Paging {
        limit: limit(query.limit)?,
        after: query.after,
    };
    let accounts = Accounts {
        flow: query.flow,
        legal_entity: query.legal_entity,
        party: query.party,
        as_of: query.as_of,
    };
    let mut session = api.reading(&caller.actor).await?;
    let aged = session.aging_by_account(&accounts, &buckets, &paging);
    Ok(Json(aged.await?))
}

/// What each party owes, and what that is made up of, as of any date
#[utoipa::path(get, path = "/v1/balances", tag = "invoices", params(BalancesQuery), responses((status = 200, body = Balances)))]
pub(crate) async fn list_balances(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Query(query): Query<BalancesQuery>,
) -> Result<Json<Balances>, Failure> {
    let paging = Paging {
        limit: limit(query.limit)?,
        after: query.after,
    };
    let accounts = Accounts {
        flow: query.flow,
        legal_entity: query.legal_entity,
        party: query.party,
        as_of: query.as_of,
    };
    let mut session = api.reading(&caller.actor).await?;
    Ok(Json(session.balances(&accounts, &paging).await?))
}

fn buckets(text: Option<&str>) -> Result<Buckets, Failure> {
    let Some(text) = text else {
        return Ok(Buckets::default());
    };
    let bounds: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    let bounds = bounds.map_err(|_| {
        let message = "buckets are numbers of days, such as 30,60,90";
        Failure::new(StatusCode::BAD_REQUEST, "parameter-invalid", message)
    })?;
    Buckets::new(bounds).map_err(|problem| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "parameter-invalid",
            problem.message,
        )
    })
}
