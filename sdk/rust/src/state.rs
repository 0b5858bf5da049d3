//! The automation's own key-value state.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::bursar::office::state::{get, names, put, remove};
use crate::{Failure, Problem};

/// The value under a name as `T`, if there is one; permanent failure `state-unreadable` if it does not fit.
pub fn load<T: DeserializeOwned>(name: &str) -> Result<Option<T>, Failure> {
    let Some(text) = get(name)? else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Problem::new("state-unreadable", format!("{name}: {error}")).into())
}

/// Keeps a value under a name; permanent failure `state-unwritable` if it is no JSON.
pub fn save(name: &str, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Problem::new("state-unwritable", format!("{name}: {error}")))?;
    Ok(put(name, &text)?)
}
