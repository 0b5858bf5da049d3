//! Reading documents.

use crate::{
    contract::bursar::office::{
        documents::{self, Listing},
        rows::Document,
        types::Page,
    },
    convert,
    ending::Fault,
    guest::Guest,
};

impl documents::Host for Guest {
    async fn get(&mut self, id: String) -> Result<Document, Fault> {
        let found = self.called(&[&id])?.document(&id).await?;
        self.hand(convert::document(found))
    }

    async fn search(
        &mut self,
        folder: String,
        name_prefix: String,
        page: Page,
    ) -> Result<Listing, Fault> {
        let listed = self
            .called(&[&folder, &name_prefix, &page])?
            .search_documents(&folder, &name_prefix, &convert::paging(page))
            .await?;
        let (items, next) = convert::page(listed, |view| Ok(convert::document(view)))?;
        self.hand(Listing { items, next })
    }

    async fn read(&mut self, id: String, offset: u64, length: u32) -> Result<Vec<u8>, Fault> {
        let bytes = self
            .called(&[&id, &offset, &length])?
            .read_document(&id, offset, length)
            .await?;
        self.hand(bytes)
    }
}
