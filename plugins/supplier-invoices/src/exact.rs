//! Exact numbers: fractions, so that a price for three pieces stays what it is until something is rounded.
//!
//! Knows no currency. Nothing overflows in silence: what does not fit 128 bits is none. Entered through [`Exact::parse`].

use std::fmt;

/// Most digits of a figure of a sender, zeros at either end left out: prices that were divided are written with many.
const DIGITS_MAX: usize = 26;
/// Most digits of a decimal that the host takes.
const HOST_DIGITS_MAX: usize = 18;
/// Longest text of a figure, in bytes: zeros at its ends are no reason to keep a page of them.
const TEXT_BYTES_MAX: usize = 64;
/// Most digits after the point that the host takes.
pub const FRACTION_DIGITS_MAX: u32 = 10;

/// How half of the last digit is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The host's rule.
    HalfAwayFromZero,
    /// The rule of the official validators (`XPath` `round`).
    HalfPlusInfinity,
}

/// A fraction in lowest terms, its denominator above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Default for Exact {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self {
        numerator: 0,
        denominator: 1,
    };

    /// A whole number.
    pub const fn whole(number: i128) -> Self {
        Self {
            numerator: number,
            denominator: 1,
        }
    }

    /// Reads a decimal as XML Schema writes it: "-1.10", "+1", "1.", ".5", "007".
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() > DIGITS_MAX {
            return None;
        }
        let digits = format!("0{whole}{fraction}").parse::<i128>().ok()?;
        let scale = u32::try_from(fraction.len()).ok()?;
        Self::fraction(sign * digits, power_of_ten(scale)?)
    }

    fn fraction(numerator: i128, denominator: i128) -> Option<Self> {
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok().filter(|it| *it > 0)?;
        // The least number of 128 bits has no opposite, so it is none.
        numerator.checked_neg()?;
        let sign = denominator.signum();
        Some(Self {
            numerator: (numerator / divisor).checked_mul(sign)?,
            denominator: (denominator / divisor).checked_mul(sign)?,
        })
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// Whether it has no digits after the point.
    pub fn is_whole(self) -> bool {
        self.denominator == 1
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Option<Self> {
        // Over the least common denominator, so that decimals of many digits stay small.
        let shared = greatest_common_divisor(
            self.denominator.unsigned_abs(),
            other.denominator.unsigned_abs(),
        );
        let shared = i128::try_from(shared).ok()?;
        let (ours, theirs) = (other.denominator / shared, self.denominator / shared);
        let left = self.numerator.checked_mul(ours)?;
        let right = other.numerator.checked_mul(theirs)?;
        let denominator = self.denominator.checked_mul(ours)?;
        Self::fraction(left.checked_add(right)?, denominator)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    /// The product.
    pub fn times(self, other: Self) -> Option<Self> {
        // Reduced crosswise first, so that what fits in lowest terms fits on the way as well.
        let left = Self::fraction(self.numerator, other.denominator)?;
        let right = Self::fraction(other.numerator, self.denominator)?;
        Self::fraction(
            left.numerator.checked_mul(right.numerator)?,
            left.denominator.checked_mul(right.denominator)?,
        )
    }

    /// The quotient; none by zero.
    pub fn over(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        self.times(Self::fraction(other.denominator, other.numerator)?)
    }

    /// The same distance from zero on the other side.
    #[must_use]
    pub fn negated(self) -> Self {
        Self {
            numerator: -self.numerator,
            denominator: self.denominator,
        }
    }

    /// The distance from zero.
    #[must_use]
    pub fn absolute(self) -> Self {
        if self.is_negative() {
            self.negated()
        } else {
            self
        }
    }

    /// Whether it is less than another.
    pub fn is_less_than(self, other: Self) -> Option<bool> {
        Some(self.minus(other)?.is_negative())
    }

    /// The nearest number with at most `digits` digits after the point.
    pub fn round(self, digits: u32, rounding: Rounding) -> Option<Self> {
        let unit = power_of_ten(digits)?;
        Self::fraction(self.units(unit, rounding)?, unit)
    }

    /// So many minor units of a currency with that exponent, half away from zero.
    pub fn minor_units(self, exponent: u32) -> Option<i64> {
        let units = self.units(power_of_ten(exponent)?, Rounding::HalfAwayFromZero)?;
        i64::try_from(units).ok()
    }

    fn units(self, unit: i128, rounding: Rounding) -> Option<i128> {
        let scaled = self.numerator.checked_mul(unit)?;
        let below = scaled.div_euclid(self.denominator);
        let twice_the_rest = scaled.rem_euclid(self.denominator).checked_mul(2)?;
        let goes_up = match twice_the_rest.cmp(&self.denominator) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => {
                rounding == Rounding::HalfPlusInfinity || !self.is_negative()
            }
        };
        below.checked_add(i128::from(goes_up))
    }

    /// As decimal text, rounded to what the host takes, without zeros at the end.
    pub fn to_decimal(self) -> Option<String> {
        let unit = power_of_ten(FRACTION_DIGITS_MAX)?;
        let units = self.units(unit, Rounding::HalfAwayFromZero)?;
        let sign = if units < 0 { "-" } else { "" };
        let width = FRACTION_DIGITS_MAX as usize + 1;
        let padded = format!("{:0>width$}", units.unsigned_abs());
        let (whole, fraction) = padded.split_at(padded.len() - FRACTION_DIGITS_MAX as usize);
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() > HOST_DIGITS_MAX {
            return None;
        }
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{sign}{whole}{point}{fraction}"))
    }
}

/// For people: at most ten digits after the point.
impl fmt::Display for Exact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_decimal() {
            Some(text) => formatter.write_str(&text),
            None => write!(formatter, "{}/{}", self.numerator, self.denominator),
        }
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

fn greatest_common_divisor(left: u128, right: u128) -> u128 {
    let (mut left, mut right) = (left, right);
    while right > 0 {
        (left, right) = (right, left % right);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn decimals_are_read_as_xml_schema_writes_them() {
        let check = |text: &str, expected: &str| assert_eq!(exact(text).to_string(), expected);
        check("-1.10", "-1.1");
        check("+1", "1");
        check("1.", "1");
        check(".5", "0.5");
        check("007.00000000000000000000", "7");
        check("-0.00", "0");
        for text in [
            "",
            ".",
            "-",
            "1e3",
            "1,5",
            " 1",
            "--1",
            "0x1",
            "123456789012345678901234567",
            "NaN",
        ] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_third_is_exact_until_it_is_rounded() {
        let third = exact("10").over(exact("3")).expect("not by zero");
        assert_eq!(third.times(exact("3")), Some(exact("10")));
        assert_eq!(third.to_string(), "3.3333333333");
        assert_eq!(exact("1").over(Exact::ZERO), None);
    }

    #[test]
    fn half_is_rounded_by_either_rule() {
        let check = |text: &str, away: &str, up: &str| {
            let rounded = |rule| exact(text).round(2, rule).map(|it| it.to_string());
            assert_eq!(
                rounded(Rounding::HalfAwayFromZero).as_deref(),
                Some(away),
                "{text}"
            );
            assert_eq!(
                rounded(Rounding::HalfPlusInfinity).as_deref(),
                Some(up),
                "{text}"
            );
        };
        check("0.005", "0.01", "0.01");
        check("-0.005", "-0.01", "0");
        check("-1.015", "-1.02", "-1.01");
        check("-1.0151", "-1.02", "-1.02");
        check("-1.014", "-1.01", "-1.01");
        check("2", "2", "2");
    }

    #[test]
    fn prices_of_many_digits_are_computed_with() {
        let price = exact("33.333333333333333333333333");
        let net = price
            .times(exact("3"))
            .and_then(|it| it.minus(exact("0.01")));
        let net = net.expect("fits");
        assert_eq!(net.minor_units(2), Some(9999));
        assert_eq!(
            net.minus(price).map(|it| it.to_string()).as_deref(),
            Some("66.6566666667")
        );
        assert_eq!(price.to_string(), "33.3333333333");
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let large = exact("9999999999999999999");
        let larger = large.times(large).expect("fits");
        assert_eq!(larger.times(large), None);
        assert_eq!(larger.minor_units(2), None);
        assert_eq!(larger.to_decimal(), None);
        let least = exact("-9223372036854775808").times(exact("18446744073709551616"));
        assert_eq!(least, None);
    }

    #[test]
    fn minor_units_are_rounded_half_away_from_zero() {
        assert_eq!(exact("-1.005").minor_units(2), Some(-101));
        assert_eq!(exact("1.5").minor_units(0), Some(2));
        assert_eq!(exact("1.0005").minor_units(3), Some(1001));
    }
}
