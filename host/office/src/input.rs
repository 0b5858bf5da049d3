//! Reading what callers send as text, and checks that many inputs share. Every fault is a [`Problem`] with a pointer.

use bursar_domain::{
    canonical,
    decimal::Decimal,
    money::{Currency, Money},
    problem::Problem,
    time,
};
use jiff::civil::Date;
use serde_json::Value;

use crate::{error::Error, write::problem_of};

/// A calendar date `YYYY-MM-DD`.
pub fn date(pointer: &str, text: &str) -> Result<Date, Problem> {
    time::date(text)
        .map_err(|_| Problem::at("not-a-date", pointer, "a date is written like 2026-01-31"))
}

/// A plain decimal such as "-1.10".
pub fn decimal(pointer: &str, text: &str) -> Result<Decimal, Problem> {
    Decimal::parse(text).map_err(|error| Problem::at("not-a-decimal", pointer, error.to_string()))
}

/// An amount in minor units of a currency.
pub fn money(pointer: &str, minor: i64, currency: &str) -> Result<Money, Problem> {
    let currency = Currency::parse(currency)
        .map_err(|error| Problem::at("not-money", pointer, error.to_string()))?;
    Ok(Money::new(minor, currency))
}

/// Any JSON value that has a canonical form.
pub fn json(pointer: &str, text: &str) -> Result<Value, Problem> {
    canonical::parse(text).map_err(|error| {
        let problem = problem_of(&error);
        Problem {
            pointer: format!("{pointer}{}", problem.pointer),
            ..problem
        }
    })
}

/// Collects the problems of an input, so that all of them are told at once.
#[derive(Default)]
pub(crate) struct Faults(Vec<Problem>);

impl Faults {
    pub(crate) fn add(&mut self, code: &str, pointer: &str, message: impl Into<String>) {
        self.0.push(Problem::at(code, pointer, message));
    }

    pub(crate) fn unless(
        &mut self,
        holds: bool,
        code: &str,
        pointer: &str,
        message: impl Into<String>,
    ) {
        if !holds {
            self.add(code, pointer, message);
        }
    }

    /// A text of so many bytes, without U+0000.
    pub(crate) fn text(
        &mut self,
        pointer: &str,
        text: &str,
        bytes: std::ops::RangeInclusive<usize>,
    ) {
        if text.len() < *bytes.start() {
            self.add("empty", pointer, "a text is missing");
        } else if text.len() > *bytes.end() {
            self.add(
                "too-long",
                pointer,
                format!("at most {} bytes", bytes.end()),
            );
        }
        self.unless(
            !text.contains('\0'),
            "control-character",
            pointer,
            "U+0000 is not allowed",
        );
    }

    /// A text as [`Faults::text`], on one line and without control characters.
    pub(crate) fn line(
        &mut self,
        pointer: &str,
        text: &str,
        bytes: std::ops::RangeInclusive<usize>,
    ) {
        self.text(pointer, text, bytes);
        let is_line = !text
            .chars()
            .any(|c| (c.is_control() && c != '\0') || matches!(c, '\u{2028}' | '\u{2029}'));
        self.unless(
            is_line,
            "not-one-line",
            pointer,
            "one line without control characters",
        );
    }

    /// A name of our own making: 1 to 64 lower-case letters, digits, hyphens and underscores.
    pub(crate) fn slug(&mut self, pointer: &str, text: &str) {
        self.unless(
            is_slug(text),
            "not-a-slug",
            pointer,
            "1 to 64 lower-case letters, digits, hyphens and underscores",
        );
    }

    /// The currency of a code, if it is one.
    pub(crate) fn currency(&mut self, pointer: &str, code: &str) -> Option<Currency> {
        match Currency::parse(code) {
            Ok(currency) => Some(currency),
            Err(error) => {
                self.add("not-money", pointer, error.to_string());
                None
            }
        }
    }

    /// An object of the author's own, or null for none.
    pub(crate) fn extra(&mut self, pointer: &str, extra: &Value) {
        self.unless(
            extra.is_object() || extra.is_null(),
            "not-an-object",
            pointer,
            "an object is expected",
        );
    }

    pub(crate) fn result(self) -> Result<(), Error> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}

/// A name from outside, cut for a message.
pub(crate) fn name_of(text: &str) -> String {
    text.chars().take(64).collect()
}

pub(crate) fn is_slug(text: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// Effect keys: 1 to 200 bytes.
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    let mut faults = Faults::default();
    faults.text("/key", key, 1..=200);
    faults.result()
}
