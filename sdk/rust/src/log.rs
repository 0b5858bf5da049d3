//! Lines in the run's log.

pub use crate::bindings::bursar::office::log::{Level, write};
use crate::types::Pair;

/// For the author of a plugin.
pub fn debug(message: &str, fields: &[(&str, &str)]) {
    line(Level::Debug, message, fields);
}

/// What was done.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    line(Level::Info, message, fields);
}

/// What somebody should look at.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    line(Level::Warn, message, fields);
}

/// What went wrong.
pub fn error(message: &str, fields: &[(&str, &str)]) {
    line(Level::Error, message, fields);
}

fn line(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<Pair> = fields
        .iter()
        .map(|(name, value)| Pair {
            name: (*name).into(),
            value: (*value).into(),
        })
        .collect();
    write(level, message, &fields);
}
