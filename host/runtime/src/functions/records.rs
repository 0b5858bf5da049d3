//! Reading and changing records.

use bursar_office::input;

use crate::{
    contract::bursar::office::{
        records::{self, Found, Query},
        records_write,
        rows::Row,
        types::Page,
    },
    convert,
    ending::Fault,
    guest::Guest,
};

impl records::Host for Guest {
    async fn get(&mut self, collection: String, id: String) -> Result<Row, Fault> {
        let found = self
            .called(&[&collection, &id])?
            .record(&collection, &id)
            .await?;
        self.hand(convert::row(&collection, found)?)
    }

    async fn get_many(&mut self, collection: String, ids: Vec<String>) -> Result<Vec<Row>, Fault> {
        let found = self
            .called(&[&collection, &ids])?
            .records(&collection, &ids)
            .await?;
        let rows = found
            .into_iter()
            .map(|view| convert::row(&collection, view));
        self.hand(rows.collect::<Result<Vec<_>, _>>()?)
    }

    async fn search(
        &mut self,
        collection: String,
        query: Query,
        page: Page,
    ) -> Result<Found, Fault> {
        let session = self.called(&[&collection, &query, &page])?;
        let (tests, orders) = (
            convert::tests(query.conditions)?,
            convert::orders(query.order),
        );
        let listed = session
            .search_records(&collection, &tests, &orders, &convert::paging(page))
            .await?;
        let (items, next) = convert::page(listed, |view| convert::row(&collection, view))?;
        self.hand(Found { items, next })
    }

    async fn count(
        &mut self,
        collection: String,
        query: Query,
        at_most: u32,
    ) -> Result<u32, Fault> {
        let session = self.called(&[&collection, &query, &at_most])?;
        let tests = convert::tests(query.conditions)?;
        Ok(session.count_records(&collection, &tests, at_most).await?)
    }
}

impl records_write::Host for Guest {
    async fn create(
        &mut self,
        collection: String,
        key: String,
        body: String,
    ) -> Result<Row, Fault> {
        let session = self.called(&[&collection, &key, &body])?;
        let made = session
            .create_record(&collection, &key, &input::json("/body", &body)?)
            .await?;
        self.hand(convert::row(&collection, made)?)
    }

    async fn patch(
        &mut self,
        collection: String,
        id: String,
        expected: Option<String>,
        merge: String,
    ) -> Result<Row, Fault> {
        let session = self.called(&[&collection, &id, &expected, &merge])?;
        let merge = input::json("/merge", &merge)?;
        let patched = session
            .patch_record(&collection, &id, expected.as_deref(), &merge)
            .await?;
        self.hand(convert::row(&collection, patched)?)
    }

    async fn remove(
        &mut self,
        collection: String,
        id: String,
        expected: Option<String>,
    ) -> Result<(), Fault> {
        Ok(self
            .called(&[&collection, &id, &expected])?
            .remove_record(&collection, &id, expected.as_deref())
            .await?)
    }
}
