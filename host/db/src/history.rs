//! Looking back: what a commit changed.

use bursar_domain::{draft::Change, row::Seq};

use crate::{
    Database,
    adapter::args,
    error::Error,
    snapshot::{parse, row_key},
    statements as sql,
};

impl Database {
    /// The changes of one commit, in their order; index entries and unique keys are left out.
    pub async fn changes_of(&self, seq: Seq) -> Result<Vec<Change>, Error> {
        let mut tx = self.pools.reading().await?;
        let rows: Vec<(String, String, String, i64, Option<String>)> =
            tx.all(&sql::CHANGES_OF, args![seq]).await?;
        let change = |(kind, collection, id, previous, body): (
            String,
            String,
            String,
            i64,
            Option<String>,
        )| {
            let body = body.map(|body| parse(&body)).transpose()?;
            Ok(Change {
                key: row_key(&kind, &collection, &id)?,
                previous,
                body,
                index: Vec::new(),
                unique: Vec::new(),
            })
        };
        rows.into_iter().map(change).collect()
    }
}
