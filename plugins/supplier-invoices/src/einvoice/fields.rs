//! Texts, dates, figures and codes at paths of a document, and a note of each that is missing or unreadable.

use foreign_xml::Element;

use super::{Fault, Figure, TEXTS_MAX, Tax};
use crate::exact::Exact;

/// Longest text that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 2000;

/// A place in the document, and the list that its faults go to.
pub struct Fields<'a> {
    /// As faults name it.
    pub place: String,
    /// What is wrong so far.
    pub faults: &'a mut Vec<Fault>,
}

impl Fields<'_> {
    /// Notes a fault here.
    pub fn fault(&mut self, term: &'static str, message: impl Into<String>) {
        self.faults.push(Fault {
            term,
            place: self.place.clone(),
            message: message.into(),
        });
    }

    /// A text that must be there.
    pub fn required_text(&mut self, element: &Element, path: &str, term: &'static str) -> String {
        let found = text(element, path);
        if found.is_none() {
            self.fault(term, "it is missing");
        }
        found.unwrap_or_default()
    }

    /// A number that must be there.
    pub fn required_figure(
        &mut self,
        element: Option<&Element>,
        path: &str,
        term: &'static str,
    ) -> Figure {
        let faults_before = self.faults.len();
        let found = element.and_then(|element| self.figure(element, path, term));
        if found.is_none() && self.faults.len() == faults_before {
            self.fault(term, "it is missing");
        }
        found.unwrap_or_default()
    }

    /// A number.
    pub fn figure(&mut self, element: &Element, path: &str, term: &'static str) -> Option<Figure> {
        self.figure_of(element.text(path)?, term)
    }

    /// A number as text.
    pub fn figure_of(&mut self, text: &str, term: &'static str) -> Option<Figure> {
        let value = Exact::parse(text);
        if value.is_none() {
            self.fault(
                term,
                format!("{:?} is no number that can be used", cut(text, 40)),
            );
        }
        Some(Figure {
            text: text.to_owned(),
            value: value?,
        })
    }

    /// A date.
    pub fn date(&mut self, text: Option<&str>, term: &'static str) -> Option<String> {
        let text = text?;
        let date = day_of(text);
        if date.is_none() {
            self.fault(term, format!("{:?} is no date", cut(text, 40)));
        }
        date
    }

    /// A category with its rate; none without a category.
    pub fn tax(
        &mut self,
        element: Option<&Element>,
        category: &str,
        rate: &str,
        term: &'static str,
    ) -> Option<Tax> {
        let element = element?;
        let category = text(element, category)?;
        let rate = self.figure(element, rate, term);
        let is_rated = ["S", "L", "M"].contains(&category.as_str());
        if rate.is_none() && is_rated {
            self.fault(term, format!("category {category} has no rate"));
        }
        if category.len() > 16 || rate.as_ref().is_some_and(|it| it.value.is_negative()) {
            self.fault(term, "the category or its rate cannot be used");
        }
        Some(Tax {
            category,
            rate: rate.map_or_else(|| "0".to_owned(), |rate| rate.value.to_string()),
        })
    }
}

/// The first text at a path, on one line.
pub fn text(element: &Element, path: &str) -> Option<String> {
    element.text(path).map(one_line)
}

/// All texts at a path, each on one line.
pub fn texts(element: &Element, path: &str) -> Vec<String> {
    let found = element.all(path).into_iter().filter_map(Element::own_text);
    found.take(TEXTS_MAX).map(one_line).collect()
}

/// Single spaces instead of any other white space, and not too long.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|it| !it.is_control())
        .collect();
    cut(&line, TEXT_BYTES_MAX).to_owned()
}

/// The beginning of a text, at most so many bytes of it.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut places = (0..=bytes_max.min(text.len())).rev();
    let end = places.find(|&place| text.is_char_boundary(place));
    &text[..end.unwrap_or_default()]
}

/// The day of "2026-01-31", "2026-01-31+01:00", "2026-01-31T08:00:00Z", or of "20260131" and "202601310800" (formats 102
/// and 203 of UNTDID 2379).
pub fn day_of(text: &str) -> Option<String> {
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let head = text.get(..10);
    let (year, month, day) = match head {
        Some(head) if head.as_bytes()[4] == b'-' && head.as_bytes()[7] == b'-' => {
            (head.get(..4)?, head.get(5..7)?, head.get(8..10)?)
        }
        _ if matches!(text.len(), 8 | 12 | 14) && is_digits(text) => {
            (text.get(..4)?, text.get(4..6)?, text.get(6..8)?)
        }
        _ => return None,
    };
    if ![year, month, day].iter().all(|part| is_digits(part)) {
        return None;
    }
    let number = |part: &str| part.parse::<u32>().ok();
    let is_date = (1..=days_of(number(year)?, number(month)?)).contains(&number(day)?);
    is_date.then(|| format!("{year}-{month}-{day}"))
}

/// Days from some fixed day to a date that [`day_of`] gives.
pub fn day_number(date: &str) -> Option<i64> {
    let part = |range: std::ops::Range<usize>| date.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    // Years begin in March, so that the day that leap years add is their last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day)
}

fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_of_both_syntaxes() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(day_of(text).as_deref(), expected, "{text}");
        };
        check("2026-02-28", Some("2026-02-28"));
        check("2026-02-28Z", Some("2026-02-28"));
        check("2024-02-29T12:00:00+01:00", Some("2024-02-29"));
        check("20260131", Some("2026-01-31"));
        check("202601310830", Some("2026-01-31"));
        for text in [
            "2026-02-29",
            "20260230",
            "2026-13-01",
            "31.01.2026",
            "202601",
            "2026-1-31",
            "ä026-01-31",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn days_are_counted_over_months_and_leap_years() {
        let check = |from: &str, to: &str, days: i64| {
            let number = |date| day_number(date).expect("a date");
            assert_eq!(number(to) - number(from), days, "{from} to {to}");
        };
        check("2026-01-31", "2026-02-01", 1);
        check("2026-02-28", "2026-03-01", 1);
        check("2024-02-28", "2024-03-01", 2);
        check("2000-01-01", "2001-01-01", 366);
        check("1900-01-01", "1901-01-01", 365);
        check("2025-12-31", "2026-12-31", 365);
        assert_eq!(day_number("soon"), None);
    }

    #[test]
    fn texts_come_on_one_line_and_not_too_long() {
        assert_eq!(one_line("a\n\t b\u{7}c"), "a bc");
        assert_eq!(one_line(&"ä".repeat(2000)).len(), TEXT_BYTES_MAX);
    }
}
