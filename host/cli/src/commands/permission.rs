//! `bursar permission`: who may do what, and what changed in that.

use std::fmt::Write as _;

use bursar_api::{AutomationPermissions, Page, TableRow};
use bursar_domain::{
    audit::{Holder, RiskLevel, Worth},
    manifest::Permission as Granted,
    time::{from_rfc3339, rfc3339},
};
use bursar_office::{audit::PermissionChange, export::csv_of};
use serde::Serialize;

use crate::{
    arguments::{Permission, Who},
    client::{Client, part, query},
    failure::Failure,
    output::{Style, print, print_exactly, table},
};

pub async fn perform(client: &Client, style: Style, command: Permission) -> Result<(), Failure> {
    match command {
        Permission::Show { name, csv } => {
            let path = format!("/v1/automations/{}/permissions", part(&name));
            let found: AutomationPermissions = client.get(&path).await?;
            if csv {
                return print_csv(&found.grants);
            }
            print(style, &found, |found| {
                let state = if found.enabled { "on" } else { "off" };
                format!(
                    "{name} is {state} in {}: {} {} of {}\n{}",
                    found.department,
                    found.plugin_name,
                    found.version,
                    found.publisher,
                    describe(found)
                )
            })
        }
        Permission::Who(who) => {
            let page: Page<Holder> = client.get(&query("/v1/access", &asked(&who))).await?;
            list(style, &page.items, who.csv)
        }
        Permission::Changes { since, limit, csv } => {
            let since_us = since.as_deref().map(instant).transpose()?;
            let parameters = [("since_us", since_us.map(|since_us| since_us.to_string()))];
            let (changes, _) = client
                .pages::<PermissionChange>("/v1/permission-changes", &parameters, limit)
                .await?;
            list(style, &changes, csv)
        }
    }
}

fn asked(who: &Who) -> [(&'static str, Option<String>); 8] {
    [
        ("collection", who.collection.clone()),
        ("field", who.field.clone()),
        ("flow", who.flow.clone()),
        ("calendar", who.calendar.clone()),
        ("folder", who.folder_name.clone()),
        ("mail_to", who.mail_to.clone()),
        ("task_role", who.task_role.clone()),
        ("operation", who.operation.clone()),
    ]
}

/// A day, which begins at midnight UTC, or an instant.
fn instant(text: &str) -> Result<i64, Failure> {
    let day = || from_rfc3339(&format!("{text}T00:00:00Z"));
    let instant = from_rfc3339(text).or_else(day);
    instant.ok_or_else(|| {
        Failure::user(format!("{text:?} is no day and no instant"))
            .hint("--since 2026-01-31, or --since 2026-01-31T09:30:00Z")
    })
}

fn list<T: TableRow + Serialize>(style: Style, rows: &[T], csv: bool) -> Result<(), Failure> {
    if csv {
        return print_csv(rows);
    }
    print(style, &rows, |rows| {
        let cells: Vec<Vec<String>> = rows.iter().map(TableRow::cells).collect();
        table(T::HEADINGS, &cells)
    })
}

fn print_csv<T: TableRow>(rows: &[T]) -> Result<(), Failure> {
    let cells: Vec<Vec<String>> = rows.iter().map(TableRow::cells).collect();
    print_exactly(csv_of(T::HEADINGS, &cells).as_bytes())
}

/// What an automation may do, grant by grant.
pub fn describe(found: &AutomationPermissions) -> String {
    let mut text = String::new();
    for grant in &found.grants {
        let standing = &grant.standing;
        let reach = grant.reach.in_words();
        let reach = reach.map_or_else(String::new, |reach| format!(" ({reach})"));
        let _ = writeln!(text, "  {}{reach}", standing.words);
        let mut line = |words: String| {
            let _ = writeln!(text, "      {words}");
        };
        match standing.worth {
            Worth::Whole => {}
            Worth::Limited => {
                let left: Vec<String> = standing.effective.iter().map(Granted::in_words).collect();
                line(format!("the ceiling leaves {}", left.join("; ")));
            }
            Worth::AboveCeiling => line("worth nothing: above the department's ceiling".to_owned()),
            Worth::Expired => line("worth nothing: it has ended".to_owned()),
        }
        if let Some(expires_us) = standing.grant.expires_us {
            line(format!("until {}", rfc3339(expires_us)));
        }
        if !standing.reason.is_empty() {
            line(standing.reason.clone());
        }
        if standing.risk.level > RiskLevel::Low {
            let level = match standing.risk.level {
                RiskLevel::High => "high risk",
                _ => "some risk",
            };
            line(format!("{level}: {}", standing.risk.reasons.join("; ")));
        }
        if !standing.grant.note.is_empty() {
            line(format!("note: {}", standing.grant.note));
        }
    }
    for rest in &found.withheld {
        let _ = writeln!(text, "  not granted: {}\n      {}", rest.words, rest.reason);
    }
    text
}
