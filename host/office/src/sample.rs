//! An organisation from one document, and an invented company to look at.
//!
//! A [`Company`] names every row by a key of its own, so that what was loaded is not made again; [`load`] commits it in
//! steps, each of them whole. [`company()`] is a pure function of a day: the same day gives the same company, with books
//! of the two years before. [`load_company`] brings both together. Knows no files and no clock but its context's.

mod company;
mod document;
mod load;

pub use company::company;
pub use document::{
    Company, SampleAccount, SampleAllocation, SampleBusinessCalendar, SampleCalendar,
    SampleCollection, SampleCreditNote, SampleDepartment, SampleDocument, SampleDunning,
    SampleEntity, SampleFolder, SampleInvoice, SampleLoaded, SampleParty, SamplePayment,
    SampleRecord, SampleReversal, SampleWriteOff,
};
pub use load::{Progress, load, load_company};
