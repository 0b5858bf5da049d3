//! Content lines: unfolded, split into name, parameters and value (RFC 5545 §3.1).

use super::{CALENDAR_BYTES_MAX, CalendarError, CalendarFault, LINE_BYTES_MAX, LINES_MAX};

/// One content line.
#[derive(Debug)]
pub(super) struct Line {
    /// Of its first part, from 1.
    pub number: usize,
    /// In upper case.
    pub name: String,
    parameters: Vec<(String, String)>,
    pub value: String,
}

impl Line {
    /// The value of a parameter, without quotes.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the value is this word, in upper or lower case.
    pub(super) fn says(&self, word: &str) -> bool {
        self.value.trim().eq_ignore_ascii_case(word)
    }

    pub(super) fn error(&self, fault: impl Into<CalendarFault>) -> CalendarError {
        CalendarError {
            line: self.number,
            fault: fault.into(),
        }
    }
}

pub(super) fn read(text: &str) -> Result<Vec<Line>, CalendarError> {
    let too_large = |line| CalendarError {
        line,
        fault: CalendarFault::TooLarge,
    };
    if text.len() > CALENDAR_BYTES_MAX {
        return Err(too_large(1));
    }
    let mut unfolded: Vec<(usize, String)> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, number) in text.lines().zip(1..) {
        match (line.strip_prefix([' ', '\t']), unfolded.last_mut()) {
            (Some(more), Some((_, last))) => last.push_str(more),
            _ => unfolded.push((number, line.to_owned())),
        }
        let is_long = |(_, last): &(usize, String)| last.len() > LINE_BYTES_MAX;
        if unfolded.len() > LINES_MAX || unfolded.last().is_some_and(is_long) {
            return Err(too_large(number));
        }
    }
    let filled = unfolded.iter().filter(|(_, text)| !text.trim().is_empty());
    filled
        .map(|(number, text)| {
            let error = CalendarError {
                line: *number,
                fault: CalendarFault::NotALine,
            };
            split(*number, text).ok_or(error)
        })
        .collect()
}

/// Cuts a line at the colon that is not quoted, and what is before it at semicolons that are not.
fn split(number: usize, text: &str) -> Option<Line> {
    let (head, value) = cut(text, ':')?;
    let (name, mut rest) = cut(head, ';').map_or((head, None), |(name, rest)| (name, Some(rest)));
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !is_name(name) {
        return None;
    }
    let mut parameters = Vec::new();
    while let Some(text) = rest {
        let (parameter, more) =
            cut(text, ';').map_or((text, None), |(one, more)| (one, Some(more)));
        let (name, value) = parameter
            .split_once('=')
            .filter(|(name, _)| is_name(name))?;
        parameters.push((
            name.to_ascii_uppercase(),
            value.trim_matches('"').to_owned(),
        ));
        rest = more;
    }
    Some(Line {
        number,
        name: name.to_ascii_uppercase(),
        parameters,
        value: value.to_owned(),
    })
}

/// Cuts at the first separator outside of double quotes.
fn cut(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let at = text.find(|c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })?;
    let (before, after) = text.split_at_checked(at)?;
    Some((before, after.strip_prefix(separator)?))
}
