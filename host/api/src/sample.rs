//! An organisation from one JSON document, or the invented company that comes with the host.
//!
//! Every row has a key in the document and is made under it, so that loading again changes nothing.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use bursar_domain::office::Actor;
use bursar_office::{
    Context,
    sample::{self, Company, SampleLoaded},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{
    Api,
    caller::Administrator,
    failure::Failure,
    jobs::{Job, JobResult, JobRows, Progress, accepted},
    request::{LargeBody, Query},
};

/// Whose effect keys the document's keys are: one set, whoever loads it. A second load by somebody else makes nothing twice.
const SCOPE: &str = "sample";

/// As of when the invented company is loaded.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CompanyQuery {
    /// The day that is its today, such as 2026-01-31: the host's today unless given. Its books are of the two years before.
    pub today: Option<Date>,
}

/// Load an organisation
///
/// Its legal entity, departments, parties, business calendars, collections with records, calendars with entries,
/// documents, invoices and payments, in commits of bounded size. Every row has a key in the document and is made under it:
/// loading again changes nothing. Amounts are texts such as "1.10 EUR".
#[utoipa::path(post, path = "/v1/samples", tag = "organisation", request_body = Company, responses((status = 200, body = SampleLoaded)))]
pub(crate) async fn load_sample(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    LargeBody(company): LargeBody<Company>,
) -> Result<Json<SampleLoaded>, Failure> {
    let context = api.loading(&caller.actor).await?;
    let loaded = sample::load(api.database(), &context, &company, &mut |_| ()).await?;
    Ok(Json(loaded))
}

/// Load the invented company
///
/// A maker of office furniture that does not exist, with everything that an organisation can hold. It takes a while: the
/// answer is a job. It is loaded once, as of the day of the first load: an interrupted load is continued, and a complete
/// one changes nothing. An organisation that holds something else under the company's keys is left as it is.
#[utoipa::path(
    post, path = "/v1/samples/company", tag = "organisation", params(CompanyQuery),
    responses((status = 202, body = Job, headers(("location" = String, description = "The job"))))
)]
pub(crate) async fn load_company(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Query(query): Query<CompanyQuery>,
) -> Result<impl IntoResponse, Failure> {
    let (of, by) = (api.clone(), caller.actor.clone());
    let job = api
        .jobs()
        .start(&caller, "sample", 1, |progress| async move {
            of.load_company(&by, query.today, progress).await
        })?;
    Ok(accepted(job))
}

impl Api {
    async fn load_company(
        &self,
        actor: &Actor,
        today: Option<Date>,
        progress: Arc<Progress>,
    ) -> Result<JobResult, Failure> {
        let context = self.loading(actor).await?;
        progress.step("load");
        let mut told = |now: sample::Progress| {
            progress.rows(JobRows {
                done: now.rows_done,
                total: Some(now.rows_total),
            });
        };
        let loaded = sample::load_company(self.database(), &context, today, &mut told).await?;
        Ok(JobResult::SampleLoaded(loaded))
    }

    async fn loading(&self, actor: &Actor) -> Result<Context, Failure> {
        Ok(Context {
            scope: SCOPE.to_owned(),
            ..self.working(actor).await?
        })
    }
}
