//! The operations on a real database: one process, one SQLite file for each test.

mod admin;
mod aging;
mod calendar_grants;
mod calendars;
mod confidentiality;
mod credits;
mod differential;
mod documents;
mod exchange;
mod exports;
mod imports;
mod interruptions;
mod invoices;
mod letters;
mod listings;
mod locks;
mod organisation;
mod papers;
mod records;
mod references;
mod reminders;
mod sample;
mod settlement;
mod state;
mod tasks;
mod terms;
