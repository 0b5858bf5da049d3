//! `bursar row`: rows of any kind, for people who audit.

use bursar_api::{ImageShown, RowShown};
use serde_json::json;

use crate::{
    arguments::Row,
    client::{Client, part, query},
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Row) -> Result<(), Failure> {
    match command {
        Row::List {
            kind,
            collection,
            as_of,
            limit,
        } => {
            let parameters = within(collection, as_of);
            let path = format!("/v1/rows/{}", part(&kind));
            let (rows, is_complete) = client.pages::<RowShown>(&path, &parameters, limit).await?;
            let shown = json!({"rows": rows, "is_complete": is_complete});
            print(style, &shown, |_| {
                let line = |row: &RowShown| {
                    vec![
                        row.id.clone(),
                        row.revision.to_string(),
                        row.body.to_string(),
                    ]
                };
                let lines: Vec<_> = rows.iter().map(line).collect();
                table(&["id", "revision", "body"], &lines)
            })
        }
        Row::Show {
            kind,
            id,
            collection,
            as_of,
        } => {
            let path = format!("/v1/rows/{}/{}", part(&kind), part(&id));
            let row: RowShown = client
                .get(&query(&path, &within(collection, as_of)))
                .await?;
            print(style, &row, |row| {
                format!("revision {}\n{:#}", row.revision, row.body)
            })
        }
        Row::History {
            kind,
            id,
            collection,
            limit,
        } => {
            let path = format!("/v1/rows/{}/{}/history", part(&kind), part(&id));
            let parameters = within(collection, None);
            let (images, is_complete) = client
                .pages::<ImageShown>(&path, &parameters, limit)
                .await?;
            let shown = json!({"images": images, "is_complete": is_complete});
            print(style, &shown, |_| {
                let line = |image: &ImageShown| {
                    let body = image.body.as_ref();
                    vec![
                        image.revision.to_string(),
                        image.author.clone(),
                        image.cause.clone(),
                        body.map_or_else(|| "(removed)".to_owned(), ToString::to_string),
                    ]
                };
                let lines: Vec<_> = images.iter().map(line).collect();
                table(&["revision", "author", "cause", "body"], &lines)
            })
        }
    }
}

fn within(collection: String, as_of: Option<i64>) -> [(&'static str, Option<String>); 2] {
    [
        ("collection", Some(collection)),
        ("as_of", as_of.map(|seq| seq.to_string())),
    ]
}
