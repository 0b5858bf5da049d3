//! All rows of a kind, page by page, within a transaction that looks at each of them.

use bursar_domain::row::Kind;

use crate::{
    adapter::{Tx, args},
    error::Error,
    statements as sql,
};

/// Rows of a page.
const PAGE_ROWS: i64 = 2_000;

/// The next page of a kind's rows by id, each with its body, behind an id ("" is the beginning); empty at the end.
pub(crate) async fn next_page(
    tx: &mut Tx,
    kind: Kind,
    collection: &str,
    after: &mut String,
) -> Result<Vec<(String, String)>, Error> {
    let args = args![kind.as_str(), collection, after.as_str(), PAGE_ROWS];
    let rows: Vec<(String, i64, i64, i64, String, String)> = tx.all(&sql::LIST_BY_ID, args).await?;
    if let Some(last) = rows.last() {
        after.clone_from(&last.0);
    }
    Ok(rows
        .into_iter()
        .map(|(id, _, _, _, body, _)| (id, body))
        .collect())
}
