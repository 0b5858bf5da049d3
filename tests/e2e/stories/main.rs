//! Stories told through the real program, with real components, on SQLite and PostgreSQL.
//!
//! One module for each story. [`place`] is a data folder with the program on it, [`server`] a running `bursar serve`,
//! [`office`] the same data through the host's libraries, where the command line would be too slow or knows no word.

mod agenda;
mod audit;
mod bank;
mod commands;
mod configuration;
mod demo;
mod failing;
mod full;
mod http;
mod idle;
mod kills;
mod mail;
mod office;
mod place;
mod plugins;
mod previews;
mod quickstart;
mod reasons;
mod rules;
mod sample;
mod server;
mod stopping;
mod timers;
mod waiting;
