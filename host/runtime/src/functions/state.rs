//! The automation's own state.

use bursar_office::input;

use crate::{contract::bursar::office::state, convert, ending::Fault, guest::Guest};

impl state::Host for Guest {
    async fn get(&mut self, name: String) -> Result<Option<String>, Fault> {
        let value = self.called(&[&name])?.state(&name).await?;
        self.hand(value.as_ref().map(convert::json).transpose()?)
    }

    async fn put(&mut self, name: String, value: String) -> Result<(), Fault> {
        let session = self.called(&[&name, &value])?;
        Ok(session
            .put_state(&name, &input::json("/value", &value)?)
            .await?)
    }

    async fn remove(&mut self, name: String) -> Result<(), Fault> {
        Ok(self.called(&[&name])?.remove_state(&name).await?)
    }

    async fn names(&mut self, prefix: String) -> Result<Vec<String>, Fault> {
        let names = self.called(&[&prefix])?.state_names(&prefix).await?;
        self.hand(names)
    }
}
