//! An automation's own key-value state: part of the run's commit.

use bursar_domain::{
    canonical,
    problem::Problem,
    row::{Kind, RowKey},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::Error,
    input::Faults,
    listing::Scope,
    session::Session,
    write::{Write, problem_of},
};

/// Most names of one automation.
const NAMES_MAX: usize = 1000;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// A stored value: rows are objects, values need not be.
#[derive(Serialize, Deserialize)]
struct Stored {
    value: Value,
}

impl Session {
    /// The value of a name, if there is one. For automations.
    pub async fn state(&mut self, name: &str) -> Result<Option<Value>, Error> {
        let key = self.state_key(name)?;
        Ok(self
            .find::<Stored>(&key)
            .await?
            .map(|(_, stored)| stored.value))
    }

    /// Keeps a value under a name: at most 1000 names of 1 to 200 bytes, 64 KiB a value. For automations.
    pub async fn put_state(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        let key = self.state_key(name)?;
        let text = canonical::to_text(value).map_err(|error| problem_of(&error))?;
        if text.len() > VALUE_BYTES_MAX {
            return Err(Error::invalid(
                "too-large",
                "/value",
                format!("at most {VALUE_BYTES_MAX} bytes"),
            ));
        }
        let base = self.load(&key).await?;
        if base.is_none() && self.state_rows(&key.collection).await?.len() >= NAMES_MAX {
            return Err(Error::Limit(Problem::new(
                "state-names",
                format!("an automation keeps at most {NAMES_MAX} names"),
            )));
        }
        let stored = Stored {
            value: value.clone(),
        };
        self.apply(vec![Write::of(key, base.as_ref(), &stored)?])
    }

    /// Forgets a name; one that is absent is no error. For automations.
    pub async fn remove_state(&mut self, name: &str) -> Result<(), Error> {
        let key = self.state_key(name)?;
        match self.load(&key).await? {
            Some(row) => self.apply(vec![Write::removal(&row)]),
            None => Ok(()),
        }
    }

    /// All names that begin so, by bytes. For automations.
    pub async fn state_names(&mut self, prefix: &str) -> Result<Vec<String>, Error> {
        let automation = self.own_automation()?.to_owned();
        let names = self.state_rows(&automation).await?;
        let names: Vec<String> = names
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .collect();
        self.hand_out(names.len())?;
        Ok(names)
    }

    async fn state_rows(&mut self, automation: &str) -> Result<Vec<String>, Error> {
        let scope = Scope::all(Kind::State, automation);
        let rows = self.list(&scope, None, NAMES_MAX).await?.rows;
        Ok(rows.iter().map(|row| row.key.id.to_string()).collect())
    }

    fn own_automation(&self) -> Result<&str, Error> {
        let denied = || Error::denied("automation-only", "state belongs to an automation");
        self.context.automation.as_deref().ok_or_else(denied)
    }

    fn state_key(&self, name: &str) -> Result<RowKey, Error> {
        let mut faults = Faults::default();
        faults.text("/name", name, 1..=NAME_BYTES_MAX);
        let automation = self.own_automation()?;
        faults.result()?;
        Ok(RowKey::within(Kind::State, automation, name))
    }
}
