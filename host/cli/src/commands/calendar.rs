//! `bursar calendar`: what happens when, and calendars as iCalendar files.

use std::path::Path;

use bursar_api::{Page, Resource};
use bursar_domain::{calendar::Calendar as CalendarBody, time};
use bursar_office::{appointments::Appointment, exchange::CalendarImport};
use http::Method;
use serde_json::json;

use super::export::download;
use crate::{
    arguments::Calendar,
    client::{Client, part, query},
    failure::Failure,
    output::{Style, print, table},
};

/// The media type of iCalendar files.
const CALENDAR_TYPE: &str = "text/calendar";
const DAY_US: i64 = 86_400 * 1_000_000;

pub async fn perform(client: &Client, style: Style, command: Calendar) -> Result<(), Failure> {
    match command {
        Calendar::List { limit } => list(client, style, limit).await,
        Calendar::Show { id, from, days } => show(client, style, &id, from.as_deref(), days).await,
        Calendar::Import { id, file } => import(client, style, &id, &file).await,
        Calendar::Export { id, output } => {
            let path = format!("/v1/calendars/{}/entries.ics", part(&id));
            download(client, style, &path, output.as_deref()).await
        }
    }
}

async fn list(client: &Client, style: Style, limit: usize) -> Result<(), Failure> {
    let (calendars, _) = client
        .pages::<Resource<CalendarBody>>("/v1/calendars", &[], limit)
        .await?;
    print(style, &calendars, |calendars| {
        let line = |calendar: &Resource<CalendarBody>| {
            let body = &calendar.body;
            vec![
                calendar.id.clone(),
                body.name.clone(),
                body.department.clone(),
                body.zone.clone(),
            ]
        };
        table(
            &["id", "name", "department", "zone"],
            &calendars.iter().map(line).collect::<Vec<_>>(),
        )
    })
}

async fn show(
    client: &Client,
    style: Style,
    id: &str,
    from: Option<&str>,
    days: u16,
) -> Result<(), Failure> {
    let path = format!("/v1/calendars/{}", part(id));
    let calendar: Resource<CalendarBody> = client.get(&path).await?;
    let zone = time::zone(&calendar.body.zone)
        .map_err(|error| Failure::host("the calendar's zone is unknown", error))?;
    let from_us = match from {
        Some(date) => time::to_instant(&format!("{date}T00:00:00"), &zone).map_err(|_| {
            Failure::user(format!("{date:?} is no date")).hint("a date is written like 2026-01-31")
        })?,
        None => jiff::Timestamp::now().as_microsecond(),
    };
    let to_us = from_us.saturating_add(i64::from(days).saturating_mul(DAY_US));
    let window = [
        ("from_us", Some(from_us.to_string())),
        ("to_us", Some(to_us.to_string())),
    ];
    let page: Page<Appointment> = client
        .get(&query(&format!("{path}/occurrences"), &window))
        .await?;
    let local = |at_us: i64| time::to_local(at_us, &zone).unwrap_or_else(|_| time::rfc3339(at_us));
    print(style, &page.items, |items| {
        let line = |one: &Appointment| {
            vec![
                local(one.start_us),
                local(one.end_us),
                one.kind.as_str().to_owned(),
                one.title.clone(),
                one.attendees.join(", "),
            ]
        };
        table(
            &["start", "end", "kind", "title", "for"],
            &items.iter().map(line).collect::<Vec<_>>(),
        )
    })
}

async fn import(client: &Client, style: Style, id: &str, file: &Path) -> Result<(), Failure> {
    let content = super::read_file(file)?;
    let path = format!("/v1/calendars/{}/entries.ics", part(id));
    let answer = client
        .upload::<CalendarImport>(Method::POST, &path, CALENDAR_TYPE, content)
        .await?;
    let import = answer.value;
    print(
        style,
        &json!({"import": import, "commit": answer.commit}),
        |_| in_words(&import),
    )?;
    if import.refused_count > 0 {
        return Err(
            Failure::user(format!("{} entries were not taken", import.refused_count))
                .hint("the others were: mend the file and import it again"),
        );
    }
    Ok(())
}

fn in_words(import: &CalendarImport) -> String {
    let mut lines = vec![format!(
        "{} new, {} changed, {} as they were",
        import.created, import.updated, import.unchanged
    )];
    for refused in &import.refused {
        let place = refused
            .line
            .map_or_else(String::new, |line| format!("line {line}, "));
        lines.push(format!(
            "refused: {place}UID {:?}: {}",
            refused.uid, refused.problem
        ));
    }
    for deviation in &import.deviations {
        lines.push(format!("line {}: {}", deviation.line, deviation.message));
    }
    lines.join("\n")
}
