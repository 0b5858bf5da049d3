//! Reading and changing calendars.

use crate::{
    contract::bursar::office::{
        calendars::{self, Listing, Occurrence, SlotSearch, Whose, Window},
        calendars_write,
        rows::{Entry, EntryContent},
        types::Page,
    },
    convert,
    ending::Fault,
    guest::Guest,
};

impl calendars::Host for Guest {
    async fn get(&mut self, calendar: String, id: String) -> Result<Entry, Fault> {
        let found = self
            .called(&[&calendar, &id])?
            .entry(&calendar, &id)
            .await?;
        self.hand(convert::entry(&calendar, found))
    }

    async fn search(
        &mut self,
        calendar: String,
        window: Option<Window>,
        page: Page,
    ) -> Result<Listing, Fault> {
        let session = self.called(&[&calendar, &window, &page])?;
        let listed = session
            .list_entries(
                &calendar,
                window.map(convert::window),
                &convert::paging(page),
            )
            .await?;
        let (items, next) = convert::page(listed, |view| Ok(convert::entry(&calendar, view)))?;
        self.hand(Listing { items, next })
    }

    async fn occurrences(
        &mut self,
        calendars: Vec<String>,
        window: Window,
    ) -> Result<Vec<Occurrence>, Fault> {
        let session = self.called(&[&calendars, &window])?;
        let found = session
            .occurrences(&calendars, convert::window(window))
            .await?;
        self.hand(found.into_iter().map(convert::occurrence).collect())
    }

    async fn free_busy(&mut self, whose: Whose, window: Window) -> Result<Vec<Window>, Fault> {
        let session = self.called(&[&whose, &window])?;
        let busy = session
            .free_busy(&convert::whose(whose), convert::window(window))
            .await?;
        self.hand(convert::windows(busy))
    }

    async fn find_slots(&mut self, search: SlotSearch) -> Result<Vec<Window>, Fault> {
        let session = self.called(&[&search])?;
        let slots = session.find_slots(&convert::slots_asked(search)).await?;
        self.hand(convert::windows(slots))
    }
}

impl calendars_write::Host for Guest {
    async fn create(
        &mut self,
        calendar: String,
        key: String,
        content: EntryContent,
    ) -> Result<Entry, Fault> {
        let session = self.called(&[&calendar, &key, &content])?;
        let content = convert::entry_content(content)?;
        let made = session
            .create_entry(&calendar, &key, &content)
            .await
            .map_err(convert::hyphenated)?;
        self.hand(convert::entry(&calendar, made))
    }

    async fn replace(
        &mut self,
        calendar: String,
        id: String,
        expected: String,
        content: EntryContent,
    ) -> Result<Entry, Fault> {
        let session = self.called(&[&calendar, &id, &expected, &content])?;
        let content = convert::entry_content(content)?;
        let replaced = session
            .update_entry(&calendar, &id, Some(&expected), &content)
            .await
            .map_err(convert::hyphenated)?;
        self.hand(convert::entry(&calendar, replaced))
    }

    async fn remove(
        &mut self,
        calendar: String,
        id: String,
        expected: String,
    ) -> Result<(), Fault> {
        Ok(self
            .called(&[&calendar, &id, &expected])?
            .remove_entry(&calendar, &id, Some(&expected))
            .await?)
    }
}
