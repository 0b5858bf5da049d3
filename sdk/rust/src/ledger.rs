//! What parties owe, added up.

pub use crate::bindings::bursar::office::ledger::{
    Accounts, Aged, AgedBooks, Balance, Bucket, Listing, aging, balances,
};
use crate::paging::Pages;
use crate::types::Error;

/// What every party owes, page by page.
pub fn all_balances(accounts: Accounts) -> impl Iterator<Item = Result<Balance, Error>> {
    Pages::new(move |page| balances(&accounts, page).map(|found| (found.items, found.next)))
}
