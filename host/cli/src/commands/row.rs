//! `bursar row`: rows of any kind, for people who audit.

use bursar_api::RowShown;
use serde_json::json;

use crate::{
    arguments::Row,
    client::{Client, part},
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Row) -> Result<(), Failure> {
    let Row::List {
        kind,
        collection,
        as_of,
        limit,
    } = command;
    let parameters = [
        ("collection", Some(collection)),
        ("as_of", as_of.map(|seq| seq.to_string())),
    ];
    let path = format!("/v1/rows/{}", part(&kind));
    let (rows, is_complete) = client.pages::<RowShown>(&path, &parameters, limit).await?;
    print(
        style,
        &json!({"rows": rows, "is_complete": is_complete}),
        |_| {
            let line = |row: &RowShown| {
                vec![
                    row.id.clone(),
                    row.revision.to_string(),
                    row.body.to_string(),
                ]
            };
            table(
                &["id", "revision", "body"],
                &rows.iter().map(line).collect::<Vec<_>>(),
            )
        },
    )
}
