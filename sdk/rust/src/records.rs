//! Reading rows of collections.

use serde::de::DeserializeOwned;

pub use crate::bindings::bursar::office::records::{Found, Query, count, get, get_many, search};
use crate::paging::Pages;
use crate::rows::Row;
use crate::types::{Condition, Error, Order};
use crate::{Failure, Problem};

/// All rows of a collection that meet the conditions, page by page.
pub fn all(
    collection: &str,
    conditions: Vec<Condition>,
    order: Vec<Order>,
) -> impl Iterator<Item = Result<Row, Error>> {
    let query = Query { conditions, order };
    Pages::new(move |page| search(collection, &query, page).map(|found| (found.items, found.next)))
}

impl Row {
    /// The body as `T`; permanent failure `record-unreadable` if it does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            let message = format!("{}/{}: {error}", self.collection, self.id);
            Problem::new("record-unreadable", message).into()
        })
    }
}
