//! What a permission reaches today, in counts: whoever grants it sees how much it is about.
//!
//! Counted as an automation with that permission would see it. It changes nothing and decides nothing.

use bursar_db::Database;
use bursar_domain::{
    index::{Comparison, fields_of},
    manifest::{Authority, Permission, RecordOperation},
    row::{Kind, RowKey},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    error::Error,
    input::is_slug,
    listing::{Scope, Test},
    session::{Context, Session},
};

/// Most rows that are counted of one permission.
const ROWS_MAX: u32 = 10_000;
/// Most rows that are counted of all permissions of a question.
const ROWS_OF_ALL_MAX: u32 = 50_000;

/// What a permission reaches today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reach {
    /// So many rows: records, invoices, entries or documents.
    Rows {
        /// How many.
        rows: u32,
        /// There are more: counting ended here.
        is_more: bool,
    },
    /// There is no such collection, calendar or folder.
    Missing,
    /// It is not about rows, whoever asks may not know, or enough was counted.
    Uncounted,
}

impl Reach {
    /// In plain words; none where there is nothing to tell.
    pub fn in_words(self) -> Option<String> {
        match self {
            Reach::Rows { rows, is_more } => {
                let more = if is_more { " or more" } else { "" };
                Some(format!("{rows}{more} today"))
            }
            Reach::Missing => Some("there is no such thing yet".to_owned()),
            Reach::Uncounted => None,
        }
    }
}

/// What permissions reach, each for itself.
pub async fn reaches(
    database: &Database,
    context: &Context,
    permissions: &[Permission],
) -> Result<Vec<Reach>, Error> {
    let mut room = ROWS_OF_ALL_MAX;
    let mut found = Vec::new();
    for permission in permissions {
        let at_most = room.min(ROWS_MAX);
        let reach = match at_most {
            0 => Reach::Uncounted,
            at_most => reach(database, context, permission, at_most).await?,
        };
        // To look costs as well.
        let rows = match reach {
            Reach::Rows { rows, .. } => rows,
            Reach::Missing | Reach::Uncounted => 0,
        };
        room = room.saturating_sub(rows.max(1));
        found.push(reach);
    }
    Ok(found)
}

async fn reach(
    database: &Database,
    context: &Context,
    permission: &Permission,
    at_most: u32,
) -> Result<Reach, Error> {
    let reading = reading(permission);
    let authority = match reading {
        Some(reading) => Authority::Granted(vec![reading]),
        None => Authority::Everything,
    };
    let context = Context {
        authority,
        ..context.clone()
    };
    let mut session = Session::new(database, context);
    let counted = match permission {
        Permission::Records { collection, .. } => {
            match session.definition(collection).await {
                Ok(_) => {}
                Err(Error::NotFound(_)) => return Ok(Reach::Missing),
                Err(error) => return Err(error),
            }
            session.count_records(collection, &[], at_most).await?
        }
        Permission::Invoices { flow, .. } => {
            let flow = equal("flow", serde_json::to_value(flow).unwrap_or_default());
            session
                .count_of(Kind::Invoice, "", &[flow], at_most)
                .await?
        }
        Permission::Calendars { calendar, .. } => {
            if !session.exists(Kind::Calendar, calendar).await? {
                return Ok(Reach::Missing);
            }
            session
                .count_of(Kind::Entry, calendar, &[], at_most)
                .await?
        }
        Permission::Documents { folder, .. } => {
            if !is_slug(folder)
                || session
                    .load(&RowKey::of(Kind::Folder, folder))
                    .await?
                    .is_none()
            {
                return Ok(Reach::Missing);
            }
            let folder = equal("folder", folder.as_str().into());
            session
                .count_of(Kind::Document, "", &[folder], at_most)
                .await?
        }
        Permission::Messages { .. } | Permission::Tasks { .. } => return Ok(Reach::Uncounted),
    };
    Ok(Reach::Rows {
        rows: counted,
        is_more: counted >= at_most,
    })
}

/// The same records, to be read: what may be changed is counted as well.
fn reading(permission: &Permission) -> Option<Permission> {
    match permission {
        Permission::Records {
            collection, scope, ..
        } => Some(Permission::Records {
            collection: collection.clone(),
            operations: [RecordOperation::Read].into(),
            scope: scope.clone(),
        }),
        _ => None,
    }
}

fn equal(field: &str, value: Value) -> Test {
    Test {
        field: field.to_owned(),
        comparison: Comparison::Equal,
        values: vec![value],
    }
}

impl Session {
    async fn count_of(
        &mut self,
        kind: Kind,
        collection: &str,
        tests: &[Test],
        at_most: u32,
    ) -> Result<u32, Error> {
        let scope = Scope::all(kind, collection).typed(&fields_of(kind), tests, &[])?;
        self.count(&scope, at_most).await
    }
}
