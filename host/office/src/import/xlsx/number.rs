//! Numbers and dates of a sheet, from the text that is stored. No binary float is made of them.

use jiff::{
    ToSpan,
    civil::{Date, date},
};

/// Digits of a number that a spreadsheet shows; what a file has beyond them is noise of binary floats.
const DIGITS_MAX: usize = 15;
/// Largest exponent that is written out.
const EXPONENT_MAX: u32 = 30;
/// Longest number that is read, in bytes: a sheet stores at most seventeen digits, a sign, a point and an exponent.
const STORED_BYTES_MAX: usize = 64;
/// Digits of a day's fraction that are looked at: with them a time is exact far below a millisecond.
const FRACTION_DIGITS_MAX: usize = 18;
const DAY_MS: i128 = 86_400_000;

/// What a number's format shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Number,
    Date,
    Time,
    DateTime,
}

impl Shown {
    /// What a format that every workbook has shows (ISO/IEC 29500-1, 18.8.30).
    pub(super) const fn by_id(id: u32) -> Self {
        match id {
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Self::Date,
            18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Self::Time,
            22 => Self::DateTime,
            _ => Self::Number,
        }
    }

    /// What a format of the workbook's own shows.
    pub(super) fn by_code(code: &str) -> Self {
        let (mut has_day, mut has_time, mut is_elapsed) = (false, false, false);
        let mut characters = code.split(';').next().unwrap_or_default().chars();
        while let Some(character) = characters.next() {
            match character.to_ascii_lowercase() {
                '"' => drop(characters.by_ref().find(|next| *next == '"')),
                '\\' | '_' | '*' => drop(characters.next()),
                '[' => {
                    let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                    is_elapsed |= matches!(
                        inside.to_ascii_lowercase().as_str(),
                        "h" | "hh" | "m" | "mm" | "s" | "ss"
                    );
                }
                'y' | 'd' => has_day = true,
                'h' | 's' => has_time = true,
                'g' if code
                    .get(..7)
                    .is_some_and(|start| start.eq_ignore_ascii_case("general")) =>
                {
                    return Self::Number;
                }
                _ => {}
            }
        }
        // An "m" alone is a month; beside hours or seconds it is a minute.
        let has_month = !is_elapsed && !has_time && code.to_ascii_lowercase().contains("mmm");
        match (has_day || has_month, has_time) {
            _ if is_elapsed => Self::Number,
            (true, true) => Self::DateTime,
            (true, false) => Self::Date,
            (false, true) => Self::Time,
            (false, false) => Self::Number,
        }
    }
}

/// A stored number in plain digits, as precise as a spreadsheet shows it; none if it is no number.
pub(super) fn plain(stored: &str) -> Option<String> {
    let stored = stored.trim();
    if stored.len() > STORED_BYTES_MAX {
        return None;
    }
    let (mantissa, exponent) = match stored.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (stored, 0),
    };
    let (sign, unsigned) = match mantissa.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", mantissa),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let is_plain = exponent == 0 && !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
    if is_plain && digits.len() <= DIGITS_MAX && !unsigned.ends_with('.') {
        return Some(if digits.is_empty() {
            unsigned.to_owned()
        } else {
            stored.to_owned()
        });
    }
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let (digits, places) = rounded(digits, places);
    (places.unsigned_abs() <= EXPONENT_MAX + 20).then(|| placed(sign, &digits, places))
}

/// At most fifteen digits, half away from zero, without zeros at the end; and how many of them are behind the point.
fn rounded(digits: &str, places: i32) -> (String, i32) {
    let mut kept: Vec<u8> = digits.bytes().take(DIGITS_MAX).collect();
    let cut = digits.len().saturating_sub(DIGITS_MAX);
    let mut places = places.saturating_sub(i32::try_from(cut).unwrap_or(i32::MAX));
    if digits
        .as_bytes()
        .get(DIGITS_MAX)
        .is_some_and(|next| *next >= b'5')
    {
        let nines = kept
            .iter()
            .rev()
            .take_while(|digit| **digit == b'9')
            .count();
        kept.truncate(kept.len() - nines);
        places = places.saturating_sub(i32::try_from(nines).unwrap_or(0));
        match kept.last_mut() {
            Some(last) => *last += 1,
            None => kept.push(b'1'),
        }
    }
    while kept.last() == Some(&b'0') {
        kept.pop();
        places = places.saturating_sub(1);
    }
    (String::from_utf8(kept).unwrap_or_default(), places)
}

fn placed(sign: &str, digits: &str, places: i32) -> String {
    if digits.is_empty() {
        return "0".to_owned();
    }
    let Ok(behind) = usize::try_from(places) else {
        let zeros = usize::try_from(places.unsigned_abs()).unwrap_or_default();
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    };
    let padded = format!("{digits:0>width$}", width = behind + 1);
    let (whole, fraction) = padded.split_at(padded.len() - behind);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// The day that a workbook counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// Day 1 is 1900-01-01, and 1900 is taken for a leap year.
    Y1900,
    /// Day 0 is 1904-01-01.
    Y1904,
}

/// A number of days as ISO 8601 text; none if it is no day that there is.
pub(super) fn moment(stored: &str, shown: Shown, epoch: Epoch) -> Option<String> {
    let number = plain(stored)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let mut days: i64 = whole.parse().ok().filter(|days| *days >= 0)?;
    if number.starts_with('-') {
        return None;
    }
    let fraction = fraction.get(..FRACTION_DIGITS_MAX).unwrap_or(fraction);
    let digits = u32::try_from(fraction.len()).ok()?;
    let parts: i128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse().ok()?
    };
    let scale = 10_i128.checked_pow(digits)?;
    let mut ms = (parts * DAY_MS * 2 + scale) / (scale * 2);
    if ms == DAY_MS {
        (days, ms) = (days + 1, 0);
    }
    let time = time_of(ms);
    match shown {
        Shown::Number => None,
        Shown::Time if days == 0 => Some(time),
        Shown::Date => Some(day(days, epoch)?.to_string()),
        Shown::Time | Shown::DateTime => Some(format!("{}T{time}", day(days, epoch)?)),
    }
}

fn day(days: i64, epoch: Epoch) -> Option<Date> {
    let (start, days) = match epoch {
        Epoch::Y1904 => (date(1904, 1, 1), days),
        Epoch::Y1900 if (1..60).contains(&days) => (date(1899, 12, 31), days),
        Epoch::Y1900 if days > 60 => (date(1899, 12, 30), days),
        Epoch::Y1900 => return None,
    };
    if days > 3_000_000 {
        return None;
    }
    start
        .checked_add(days.days())
        .ok()
        .filter(|day| day.year() <= 9999)
}

fn time_of(ms: i128) -> String {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if rest == 0 {
        String::new()
    } else {
        format!(".{rest:03}")
    };
    format!("{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_numbers_lose_the_noise_of_binary_floats_and_nothing_else() {
        let check = |stored: &str, expected: Option<&str>| {
            assert_eq!(plain(stored).as_deref(), expected, "{stored:?}");
        };
        check("1.1000000000000001", Some("1.1"));
        check("1.10", Some("1.10"));
        check("0.30000000000000004", Some("0.3"));
        check("-0.29999999999999999", Some("-0.3"));
        check("999999999999999.9", Some("1000000000000000"));
        check("123456789012345", Some("123456789012345"));
        check("1234567890123456789", Some("1234567890123460000"));
        check("1E+3", Some("1000"));
        check("-1.5e-7", Some("-0.00000015"));
        check("1.2345678901234567E-2", Some("0.0123456789012346"));
        check("0", Some("0"));
        check("-0", Some("0"));
        check("0.000", Some("0.000"));
        check("0E-5", Some("0"));
        check("007", Some("7"));
        check(".5", Some("0.5"));
        check("5.", Some("5"));
        check("1e999999999", None);
        check("1e99", None);
        check("10e2147483647", None);
        check("1e-2147483648", None);
        check(&format!("0.{}1", "0".repeat(1_000)), None);
        check(&format!("1{}", "0".repeat(1_000)), None);
        check("", None);
        check(".", None);
        check("-", None);
        check("1.2.3", None);
        check("nan", None);
        check("1e", None);
    }

    #[test]
    fn days_become_dates_and_times() {
        use {Epoch::*, Shown::*};
        let check = |stored: &str, shown: Shown, epoch: Epoch, expected: Option<&str>| {
            assert_eq!(
                moment(stored, shown, epoch).as_deref(),
                expected,
                "{stored:?}"
            );
        };
        check("1", Date, Y1900, Some("1900-01-01"));
        check("59", Date, Y1900, Some("1900-02-28"));
        check("60", Date, Y1900, None);
        check("61", Date, Y1900, Some("1900-03-01"));
        check("45000", Date, Y1900, Some("2023-03-15"));
        check("45000", Date, Y1904, Some("2027-03-16"));
        check("0", Date, Y1904, Some("1904-01-01"));
        check("45000.5", DateTime, Y1900, Some("2023-03-15T12:00:00"));
        check(
            "45000.520833333336",
            DateTime,
            Y1900,
            Some("2023-03-15T12:30:00"),
        );
        check(
            "45000.999999999",
            DateTime,
            Y1900,
            Some("2023-03-16T00:00:00"),
        );
        check(
            "45000.000011574",
            DateTime,
            Y1900,
            Some("2023-03-15T00:00:01"),
        );
        check("0.25", Time, Y1900, Some("06:00:00"));
        check("0.0000057870", Time, Y1900, Some("00:00:00.500"));
        check("2958465", Date, Y1900, Some("9999-12-31"));
        check("2958466", Date, Y1900, None);
        check("99999999999999", Date, Y1900, None);
        check("-1", Date, Y1900, None);
        check("-0.5", DateTime, Y1900, None);
        check("x", Date, Y1900, None);
        // Digits far below a millisecond, from where they fit a number of 128 bits to where they do not.
        for zeros in [17, 18, 30, 35, 36, 37, 38, 39, 50, 60, 1_000] {
            let (exponent, tail) = (zeros + 1, "0".repeat(zeros));
            for stored in [format!("45000.{tail}1"), format!("1e-{exponent}")] {
                let found = moment(&stored, DateTime, Y1900);
                let midnight = found
                    .as_deref()
                    .is_none_or(|found| found.ends_with("T00:00:00"));
                assert!(midnight, "{stored}: {found:?}");
            }
        }
        check(
            "45000.50000000000000000000000001",
            DateTime,
            Y1900,
            Some("2023-03-15T12:00:00"),
        );
    }

    #[test]
    fn formats_say_what_they_show() {
        let check =
            |code: &str, expected: Shown| assert_eq!(Shown::by_code(code), expected, "{code:?}");
        check("yyyy-mm-dd", Shown::Date);
        check("dd/mm/yy\\ hh:mm", Shown::DateTime);
        check("[$-409]d-mmm-yy;@", Shown::Date);
        check("mmm", Shown::Date);
        check("h:mm AM/PM", Shown::Time);
        check("[h]:mm", Shown::Number);
        check("#,##0.00", Shown::Number);
        check("0.00\" days\"", Shown::Number);
        check("[Red]0.00", Shown::Number);
        check("General", Shown::Number);
        check("", Shown::Number);
        assert_eq!(Shown::by_id(14), Shown::Date);
        assert_eq!(Shown::by_id(2), Shown::Number);
    }
}
