//! The organisation: legal entities, departments, calendars of both kinds, collections, folders, templates, and the stop of everything.

use axum::extract::State;
use bursar_domain::{
    business::BusinessCalendar,
    calendar::Calendar,
    office::{Collection, Department, Folder, LegalEntity, STOP, Stop, Template},
    row::{Kind, RowKey},
};
use bursar_office::Evolution;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Api,
    caller::{Administrator, Auditor, Viewer},
    failure::Failure,
    request::{Body, Path, Query},
    resource::{Page, PageQuery, Resource, Tagged, Written},
};

/// Reading and replacing rows that people name themselves.
macro_rules! named_rows {
    ($(
        $body:ty, $kind:expr, $cause:literal, $tag:literal, $put_method:ident,
        $(#[$list_doc:meta])* list $list:ident $path:literal,
        $(#[$get_doc:meta])* get $get:ident $one:literal,
        $(#[$put_doc:meta])* put $put:ident;
    )*) => {$(
        $(#[$list_doc])*
        #[utoipa::path(get, path = $path, tag = $tag, params(PageQuery), responses((status = 200, body = Page<Resource<$body>>)))]
        pub(crate) async fn $list(
            Auditor(caller): Auditor,
            State(api): State<Api>,
            Query(page): Query<PageQuery>,
        ) -> Result<axum::Json<Page<Resource<$body>>>, Failure> {
            let mut session = api.reading(&caller.actor).await?;
            let listed = session.rows::<$body>($kind, &[], &page.paging()?).await?;
            Ok(axum::Json(Page::of(listed, |row| row)))
        }

        $(#[$get_doc])*
        #[utoipa::path(get, path = $one, tag = $tag, params(("id" = String, Path, description = "Lower-case letters, digits and hyphens")), responses((status = 200, body = Resource<$body>)))]
        pub(crate) async fn $get(
            Auditor(_): Auditor,
            State(api): State<Api>,
            Path(id): Path<String>,
        ) -> Result<Tagged<$body>, Failure> {
            api.resource(&RowKey::of($kind, &id)).await.map(Tagged)
        }

        $(#[$put_doc])*
        #[utoipa::path(put, path = $one, tag = $tag, params(("id" = String, Path, description = "Lower-case letters, digits and hyphens")), request_body = $body, responses((status = 200, body = Resource<$body>)))]
        pub(crate) async fn $put(
            Administrator(caller): Administrator,
            State(api): State<Api>,
            Path(id): Path<String>,
            Body { value, asked }: Body<$body>,
        ) -> Result<Written<$body>, Failure> {
            let key = RowKey::of($kind, &id);
    let (id, key, value, asked) = (&id, &key, &value, &asked);
            let changed = api
                .change(&caller, $cause, asked, |mut session| async move {
                    session.expect(key, &asked.expected).await?;
                    session.$put_method(id, value).await?;
                    Ok((session, key.clone()))
                })
                .await?;
            api.written(changed).await
        }
    )*};
}

named_rows! {
    LegalEntity, Kind::Entity, "put-entity", "organisation", put_entity,
    /// Legal entities
    list list_entities "/v1/entities",
    /// One legal entity
    get get_entity "/v1/entities/{id}",
    /// Make or change a legal entity
    put put_entity;

    Department, Kind::Department, "put-department", "organisation", put_department,
    /// Departments
    list list_departments "/v1/departments",
    /// One department
    get get_department "/v1/departments/{id}",
    /// Make or change a department
    put put_department;

    BusinessCalendar, Kind::BusinessCalendar, "put-business-calendar", "organisation", put_business_calendar,
    /// Business calendars
    list list_business_calendars "/v1/business-calendars",
    /// One business calendar
    get get_business_calendar "/v1/business-calendars/{id}",
    /// Make or change a business calendar
    put put_business_calendar;

    Calendar, Kind::Calendar, "put-calendar", "calendars", put_calendar,
    /// Calendars
    ///
    /// A calendar holds entries; which days an office is open is in a business calendar.
    list list_calendars "/v1/calendars",
    /// One calendar
    get get_calendar "/v1/calendars/{id}",
    /// Make or change a calendar
    put put_calendar;

    Collection, Kind::Collection, "define-collection", "records", define_collection,
    /// Collections of records
    list list_collections "/v1/collections",
    /// One collection's definition
    get get_collection "/v1/collections/{id}",
    /// Define a collection
    ///
    /// A definition changes only if every record there is valid under the new one: `check` tells beforehand.
    put put_collection;

    Folder, Kind::Folder, "put-folder", "documents", put_folder,
    /// Folders of documents
    list list_folders "/v1/folders",
    /// One folder
    get get_folder "/v1/folders/{id}",
    /// Make or change a folder
    ///
    /// A folder that no one has made is made by its first document. Where the server has a data folder, files that are laid
    /// into `inbox/ID` of it become documents of a folder with `inbox`, and documents of one with `export` are written to
    /// `export/ID`.
    put put_folder;

    Template, Kind::Template, "put-template", "messages", put_template,
    /// Templates of mail
    list list_templates "/v1/templates",
    /// One template
    get get_template "/v1/templates/{id}",
    /// Make or change a template
    ///
    /// Subject and text are written in Jinja's syntax: `{{ name }}`, `{% if %}`, `{% for %}`, and the filters `money`, `date`,
    /// `moment`, `number`, `default`, `join` and `length`. A template places data and computes nothing. One of the name
    /// `task-reminder` stands in for the host's own.
    put put_template;
}

/// What a definition would make of the records that are there
///
/// Changes nothing. Records that break it are counted, and the first of them told.
#[utoipa::path(post, path = "/v1/collections/{id}/check", tag = "records", params(("id" = String, Path, description = "Lower-case letters, digits and hyphens")), request_body = Collection, responses((status = 200, body = Evolution)))]
pub(crate) async fn check_collection(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body { value, asked }: Body<Collection>,
) -> Result<axum::Json<Evolution>, Failure> {
    asked.unconditional()?;
    let mut session = api.reading(&caller.actor).await?;
    Ok(axum::Json(session.try_collection(&id, &value).await?))
}

/// Whether everything is to stop.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopAsked {
    /// While set, no run is claimed, no timer fires and nothing is delivered.
    pub stopped: bool,
    /// Why, in plain words.
    #[serde(default)]
    pub reason: String,
}

/// Whether everything is stopped
#[utoipa::path(get, path = "/v1/stop", tag = "organisation", responses((status = 200, body = Stop)))]
pub(crate) async fn get_stop(
    Viewer(caller): Viewer,
    State(api): State<Api>,
) -> Result<axum::Json<Stop>, Failure> {
    Ok(axum::Json(api.reading(&caller.actor).await?.stop().await?))
}

/// Stop everything, or let it go on
///
/// While stopped, no run is claimed, no timer fires and nothing is delivered. What waits goes on afterwards.
#[utoipa::path(put, path = "/v1/stop", tag = "organisation", request_body = StopAsked, responses((status = 200, body = Resource<Stop>)))]
pub(crate) async fn put_stop(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Body { value, asked }: Body<StopAsked>,
) -> Result<Written<Stop>, Failure> {
    let cause = if value.stopped { "stop-all" } else { "resume" };
    let value = Stop {
        stopped: value.stopped,
        reason: value.reason,
    };
    let key = RowKey::of(Kind::Control, STOP);
    let (key, value, asked) = (&key, &value, &asked);
    let changed = api
        .change(&caller, cause, asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.set_stop(value).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}
