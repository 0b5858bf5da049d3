//! The operations on a real database: one process, one SQLite file for each test.

mod admin;
mod credits;
mod documents;
mod exports;
mod imports;
mod interruptions;
mod invoices;
mod listings;
mod organisation;
mod records;
mod settlement;
mod state;
mod tasks;
