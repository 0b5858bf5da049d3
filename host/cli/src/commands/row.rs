//! `bursar row`: rows of any kind, for people who audit.

use bursar_db::Query;
use bursar_domain::{
    draft::Direction,
    row::{Kind, Row as StoredRow},
};
use serde_json::{Value, json};

use crate::{
    arguments::Row,
    failure::Failure,
    output::{Style, print, table},
    place::Place,
};

pub async fn perform(place: &Place, style: Style, command: Row) -> Result<(), Failure> {
    let Row::List {
        kind,
        collection,
        as_of,
        limit,
    } = command;
    let kinds: Vec<&str> = Kind::ALL
        .iter()
        .filter(|kind| !kind.is_queued())
        .map(|kind| kind.as_str())
        .collect();
    let kind = Kind::find(&kind).filter(|kind| !kind.is_queued());
    let kind = kind.ok_or_else(|| {
        Failure::user("there is no such kind of row").hint(format!("one of: {}", kinds.join(", ")))
    })?;
    let mut snapshot = as_of.map_or_else(
        || place.database.snapshot(),
        |seq| place.database.snapshot_at(seq),
    );
    let query = Query {
        kind,
        collection: collection.as_str().into(),
        conditions: Vec::new(),
        order: None,
        direction: Direction::Ascending,
        after: None,
        limit,
    };
    let page = snapshot.list(&query).await?;
    let rows: Vec<Value> = page.rows.iter().map(|(_, row)| shown(row)).collect();
    print(
        style,
        &json!({"rows": rows, "is_complete": page.is_last}),
        |_| {
            let line = |(_, row): &(_, StoredRow)| {
                vec![
                    row.key.id.to_string(),
                    row.revision.to_string(),
                    row.body.to_string(),
                ]
            };
            table(
                &["id", "revision", "body"],
                &page.rows.iter().map(line).collect::<Vec<_>>(),
            )
        },
    )
}

fn shown(row: &StoredRow) -> Value {
    json!({"kind": row.key.kind, "collection": row.key.collection, "id": row.key.id, "revision": row.revision, "body": row.body})
}
