//! How languages write numbers, amounts and dates.

use bursar_domain::{decimal::Decimal, money::Money, time};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// One language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// BCP 47.
    pub tag: &'static str,
    /// Between whole and fraction, and between thousands.
    marks: (char, char),
    /// As `strftime` writes it.
    date: &'static str,
    /// Date and time of day, as `strftime` writes them.
    moment: &'static str,
}

pub(crate) const ENGLISH: Language = Language {
    tag: "en",
    marks: ('.', ','),
    date: "%-d %B %Y",
    moment: "%-d %B %Y, %H:%M",
};

pub(crate) const GERMAN: Language = Language {
    tag: "de",
    marks: (',', '.'),
    date: "%d.%m.%Y",
    moment: "%d.%m.%Y, %H:%M",
};

impl Language {
    /// The one of a language tag (BCP 47); English for all that are not known.
    pub(crate) fn of(tag: &str) -> &'static Self {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            &GERMAN
        } else {
            &ENGLISH
        }
    }

    pub(crate) fn date(&self, date: Date) -> String {
        date.strftime(self.date).to_string()
    }

    /// An instant as clocks of a zone show it; none beyond the calendar's range.
    pub(crate) fn moment(&self, at_us: i64, zone: &TimeZone) -> Option<String> {
        let at = Timestamp::from_microsecond(at_us).ok()?;
        let shown = at.to_zoned(zone.clone());
        Some(shown.strftime(self.moment).to_string())
    }

    /// An amount with its currency.
    pub(crate) fn money(&self, amount: Money) -> String {
        format!("{} {}", self.plain(&amount.amount_text()), amount.currency)
    }

    /// A number with the marks of the language.
    pub(crate) fn number(&self, number: Decimal) -> String {
        self.plain(&number.to_string())
    }

    fn plain(&self, text: &str) -> String {
        let (point, between) = self.marks;
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("\u{2212}", digits),
            None => ("", text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut written = String::from(sign);
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                written.push(between);
            }
            written.push(digit);
        }
        if !fraction.is_empty() {
            written.push(point);
            written.push_str(fraction);
        }
        written
    }
}

/// The zone of a name; UTC for none and for what is no zone.
pub(crate) fn zone_or_utc(name: &str) -> TimeZone {
    time::zone(name).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_marks_of_their_language() {
        let check = |text: &str, english: &str, german: &str| {
            let number: Decimal = text.parse().expect("a decimal");
            assert_eq!(ENGLISH.number(number), english);
            assert_eq!(GERMAN.number(number), german);
        };
        check("0", "0", "0");
        check("999.5", "999.5", "999,5");
        check("1000", "1,000", "1.000");
        check(
            "-1234567.89",
            "\u{2212}1,234,567.89",
            "\u{2212}1.234.567,89",
        );
    }

    #[test]
    fn moments_are_those_of_the_zone() {
        let at_us = time::from_rfc3339("2026-07-01T22:30:00Z").expect("an instant");
        let vienna = zone_or_utc("Europe/Vienna");
        assert_eq!(
            GERMAN.moment(at_us, &vienna).as_deref(),
            Some("02.07.2026, 00:30")
        );
        assert_eq!(
            ENGLISH.moment(at_us, &zone_or_utc("")).as_deref(),
            Some("1 July 2026, 22:30")
        );
        assert_eq!(ENGLISH.moment(i64::MAX, &vienna), None);
    }

    #[test]
    fn languages_are_found_by_their_first_part() {
        for (tag, expected) in [
            ("de-AT", "de"),
            ("DE", "de"),
            ("en-GB", "en"),
            ("fr", "en"),
            ("", "en"),
        ] {
            assert_eq!(Language::of(tag).tag, expected, "{tag}");
        }
    }
}
