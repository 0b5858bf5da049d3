//! Reading invoices and payments.

pub use crate::bindings::bursar::office::invoices::{
    Heads, Invoice, Payments, TaxTotal, get, get_payment, search, search_payments,
};
use crate::paging::Pages;
use crate::rows::{InvoiceHead, Payment};
use crate::types::{Condition, Error, Order};

/// All invoices that meet the conditions, page by page.
pub fn all(
    conditions: Vec<Condition>,
    order: Vec<Order>,
) -> impl Iterator<Item = Result<InvoiceHead, Error>> {
    Pages::new(move |page| search(&conditions, &order, page).map(|found| (found.items, found.next)))
}

/// All payments that meet the conditions, page by page.
pub fn all_payments(
    conditions: Vec<Condition>,
    order: Vec<Order>,
) -> impl Iterator<Item = Result<Payment, Error>> {
    Pages::new(move |page| {
        search_payments(&conditions, &order, page).map(|found| (found.items, found.next))
    })
}
