//! Calendars' entries, and what they come to: occurrences, busy time, slots; and both as iCalendar files.

use std::sync::{Mutex, PoisonError};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bursar_domain::{
    access::Action,
    calendar::{EntryContent, StoredEntry},
    row::{Kind, RowKey},
    schedule::Window,
};
use bursar_office::{
    appointments::{Appointment, Whose},
    exchange::CalendarImport,
    slots::SlotsAsked,
};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Api,
    caller::{Administrator, Auditor, Named, RowPath},
    failure::Failure,
    request::{Asked, Body, Path, Query, Upload},
    resource::{Page, PageQuery, Resource, Tagged, Written, commit},
};

/// The media type of iCalendar files.
const CALENDAR_TYPE: &str = "text/calendar";

type Entry = Resource<StoredEntry>;

/// Which entries to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EntriesQuery {
    /// Only those that may happen at or after this instant, in microseconds UTC.
    pub from_us: Option<i64>,
    /// Only those that may happen before this instant, in microseconds UTC.
    pub to_us: Option<i64>,
    /// Most rows: 1 to 1000, 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// A window of time.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// Its first instant, in microseconds UTC.
    pub from_us: i64,
    /// The instant after its last, in microseconds UTC: at most 400 days later.
    pub to_us: i64,
}

/// Whose time is asked for, and which.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BusyAsked {
    /// Whose.
    pub of: Whose,
    /// Which: at most 400 days.
    pub window: Window,
}

/// Entries of a calendar, by id
///
/// With a window, those that may happen in it: the net is a few days wider than the window.
#[utoipa::path(get, path = "/v1/calendars/{calendar}/entries", tag = "calendars", params(("calendar" = String, Path, description = "The calendar"), EntriesQuery), responses((status = 200, body = Page<Resource<StoredEntry>>)))]
pub(crate) async fn list_entries(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(calendar): Path<String>,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<Page<Entry>>, Failure> {
    let page = PageQuery {
        limit: query.limit,
        after: query.after,
    };
    let is_narrowed = query.from_us.is_some() || query.to_us.is_some();
    let window = is_narrowed.then_some(Window {
        start_us: query.from_us.unwrap_or(i64::MIN),
        end_us: query.to_us.unwrap_or(i64::MAX),
    });
    let mut session = api.reading(&caller.actor).await?;
    let listed = session
        .list_entries(&calendar, window, &page.paging()?)
        .await?;
    Ok(Json(Page::of(listed, |row| row)))
}

/// The path of one entry.
#[derive(Debug, Deserialize)]
pub(crate) struct EntryPath {
    calendar: String,
    id: String,
}

impl RowPath for EntryPath {
    const ACTION: Action = Action::Audit;

    fn key(self) -> RowKey {
        RowKey::within(Kind::Entry, &self.calendar, &self.id)
    }
}

/// One entry
#[utoipa::path(get, path = "/v1/calendars/{calendar}/entries/{id}", tag = "calendars", params(("calendar" = String, Path, description = "The calendar"), ("id" = String, Path, description = "Its id")), responses((status = 200, body = Resource<StoredEntry>)))]
pub(crate) async fn get_entry(
    Named { row, .. }: Named<EntryPath>,
) -> Result<Tagged<StoredEntry>, Failure> {
    Resource::of(&row).map(Tagged)
}

/// Add an entry
///
/// `Idempotency-Key` makes it safe to send again. A UID that the calendar has already is a conflict.
#[utoipa::path(post, path = "/v1/calendars/{calendar}/entries", tag = "calendars", params(("calendar" = String, Path, description = "The calendar")), request_body = EntryContent, responses((status = 201, body = Resource<StoredEntry>)))]
pub(crate) async fn create_entry(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(calendar): Path<String>,
    Body { value, asked }: Body<EntryContent>,
) -> Result<Written<StoredEntry>, Failure> {
    let asked = asked.unconditional()?;
    let effect_key = asked.effect_key();
    let (value, calendar, effect_key) = (&value, &calendar, &effect_key);
    let changed = api
        .change(&caller, "create-entry", &asked, |mut session| async move {
            let made = session.create_entry(calendar, effect_key, value).await?;
            Ok((session, RowKey::within(Kind::Entry, calendar, &made.id)))
        })
        .await?;
    api.made(changed, &format!("/v1/calendars/{calendar}/entries"))
        .await
}

/// Replace an entry
///
/// It keeps its UID.
#[utoipa::path(put, path = "/v1/calendars/{calendar}/entries/{id}", tag = "calendars", params(("calendar" = String, Path, description = "The calendar"), ("id" = String, Path, description = "Its id")), request_body = EntryContent, responses((status = 200, body = Resource<StoredEntry>)))]
pub(crate) async fn update_entry(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((calendar, id)): Path<(String, String)>,
    Body { value, asked }: Body<EntryContent>,
) -> Result<Written<StoredEntry>, Failure> {
    let key = RowKey::within(Kind::Entry, &calendar, &id);
    let (id, key, value, asked, calendar) = (&id, &key, &value, &asked, &calendar);
    let changed = api
        .change(&caller, "update-entry", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.update_entry(calendar, id, None, value).await?;
            Ok((session, key.clone()))
        })
        .await?;
    api.written(changed).await
}

/// Remove an entry, with all its occurrences
#[utoipa::path(delete, path = "/v1/calendars/{calendar}/entries/{id}", tag = "calendars", params(("calendar" = String, Path, description = "The calendar"), ("id" = String, Path, description = "Its id")), responses((status = 204)))]
pub(crate) async fn delete_entry(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path((calendar, id)): Path<(String, String)>,
    asked: Asked,
) -> Result<impl IntoResponse, Failure> {
    let key = RowKey::within(Kind::Entry, &calendar, &id);
    let (id, key, asked, calendar) = (&id, &key, &asked, &calendar);
    let changed = api
        .change(&caller, "remove-entry", asked, |mut session| async move {
            session.expect(key, &asked.expected).await?;
            session.remove_entry(calendar, id, None).await?;
            Ok((session, key.clone()))
        })
        .await?;
    let headers: HeaderMap = commit(changed.seq).into_iter().collect();
    Ok((StatusCode::NO_CONTENT, headers))
}

/// When a calendar's entries happen
///
/// Every occurrence that begins in the window or lasts into it, by start: at most 10,000.
#[utoipa::path(get, path = "/v1/calendars/{calendar}/occurrences", tag = "calendars", params(("calendar" = String, Path, description = "The calendar"), WindowQuery), responses((status = 200, body = Page<Appointment>)))]
pub(crate) async fn list_occurrences(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(calendar): Path<String>,
    Query(query): Query<WindowQuery>,
) -> Result<Json<Page<Appointment>>, Failure> {
    let window = Window {
        start_us: query.from_us,
        end_us: query.to_us,
    };
    let mut session = api.reading(&caller.actor).await?;
    let items = session.occurrences(&[calendar], window).await?;
    Ok(Json(Page { items, next: None }))
}

/// When somebody is busy
///
/// The time that is taken in some calendars: merged, rising, without a word about by what. Changes nothing.
#[utoipa::path(post, path = "/v1/free-busy", tag = "calendars", request_body = BusyAsked, responses((status = 200, body = Page<Window>)))]
pub(crate) async fn free_busy(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Body { value, .. }: Body<BusyAsked>,
) -> Result<Json<Page<Window>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let items = session.free_busy(&value.of, value.window).await?;
    Ok(Json(Page { items, next: None }))
}

/// When everybody is free and at work
///
/// The first slots of a length, in each attendee's working hours and zone. Changes nothing.
#[utoipa::path(post, path = "/v1/find-slots", tag = "calendars", request_body = SlotsAsked, responses((status = 200, body = Page<Window>)))]
pub(crate) async fn find_slots(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Body { value, .. }: Body<SlotsAsked>,
) -> Result<Json<Page<Window>>, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let items = session.find_slots(&value).await?;
    Ok(Json(Page { items, next: None }))
}

/// A calendar as an iCalendar file
#[utoipa::path(get, path = "/v1/calendars/{calendar}/entries.ics", tag = "calendars", params(("calendar" = String, Path, description = "The calendar")), responses((status = 200, body = String, content_type = "text/calendar")))]
pub(crate) async fn export_calendar(
    Auditor(caller): Auditor,
    State(api): State<Api>,
    Path(calendar): Path<String>,
) -> Result<Response, Failure> {
    let mut session = api.reading(&caller.actor).await?;
    let text = session.export_calendar(&calendar).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, text).into_response())
}

/// Take an iCalendar file into a calendar
///
/// Entries are known by their UID: those that are new are added, those that say something else are replaced, the others
/// stay, and so does what the file does not speak of. The same file again changes nothing. At most 2,000 entries.
#[utoipa::path(post, path = "/v1/calendars/{calendar}/entries.ics", tag = "calendars", params(("calendar" = String, Path, description = "The calendar")), request_body(content = String, content_type = "text/calendar"), responses((status = 200, body = CalendarImport)))]
pub(crate) async fn import_calendar(
    Administrator(caller): Administrator,
    State(api): State<Api>,
    Path(calendar): Path<String>,
    Upload {
        bytes,
        media_type,
        asked,
    }: Upload,
) -> Result<impl IntoResponse, Failure> {
    asked.unconditional()?;
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(CALENDAR_TYPE) {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type-unsupported",
            "the body's media type is text/calendar",
        )
        .hint("send `Content-Type: text/calendar`"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-utf-8",
            format!("a calendar is text in UTF-8: {error}"),
        )
    })?;
    let told = Mutex::new(CalendarImport::default());
    let (calendar, report) = (&calendar, &told);
    // What a key is for the file's UIDs do: there is no earlier answer to be given again.
    let changed = api
        .change(
            &caller,
            "import-calendar",
            &Asked::plainly(),
            |mut session| async move {
                let import = session.import_calendar(calendar, text).await?;
                *report.lock().unwrap_or_else(PoisonError::into_inner) = import;
                Ok((session, RowKey::of(Kind::Calendar, calendar)))
            },
        )
        .await?;
    let headers: HeaderMap = commit(changed.seq).into_iter().collect();
    let import = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((headers, Json(import)))
}
