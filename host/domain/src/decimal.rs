//! Exact decimals for prices, quantities and rates.
//!
//! A [`Decimal`] is never rounded behind the caller's back: an operation whose exact result does not fit is an error, and
//! rounding is a call of its own that names its rule. Knows no currency. Entered by [`Decimal::parse`] for text from
//! outside, and by [`Decimal::new`] for whole minor units.
//!
//! Zero has one form: "-0.00" is read as 0.00, and a negative number that rounds to nothing is plain zero.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal as Inner;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// Most digits of a decimal in text and JSON.
pub const DIGITS_MAX: usize = 18;
/// Most digits after the point of a decimal in text and JSON.
pub const FRACTION_DIGITS_MAX: usize = 10;
/// Most digits after the point of an intermediate result, such as a product.
pub const SCALE_MAX: u32 = 28;

/// Why a decimal cannot be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is not plain decimal text such as "-1.10".
    #[error("not a plain decimal such as \"-1.10\"")]
    NotPlain,
    /// The text is plain, but longer than the limits allow.
    #[error(
        "a decimal has at most {digits_max} digits, {FRACTION_DIGITS_MAX} of them after the point"
    )]
    TooLong {
        /// The limit that holds here.
        digits_max: usize,
    },
    /// The exact result has more digits than a decimal can hold.
    #[error("the exact result has too many digits")]
    Overflow,
}

/// How a digit that is dropped decides about the last one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::enum_variant_names,
    reason = "these are the rules' common names"
)]
pub enum Rounding {
    /// To the nearest, half away from zero: the rule of every document this host makes.
    HalfAwayFromZero,
    /// To the nearest, half to the even digit.
    HalfEven,
    /// To the nearest, half toward plus infinity: `round` of `XPath`, as the official EN 16931 validators compute.
    HalfPlusInfinity,
}

/// An exact decimal that remembers how many digits it was written with.
///
/// Equality, order and hash go by value: 1.1 equals 1.10. Text and JSON keep the digits: "1.10" stays "1.10".
///
/// ```
/// use bursar_domain::decimal::{Decimal, Rounding};
///
/// let quantity = Decimal::parse("2.5")?;
/// let price = Decimal::parse("0.333")?;
/// let exact = quantity.checked_mul(price)?;
/// assert_eq!(exact.to_string(), "0.8325");
/// assert_eq!(exact.round(2, Rounding::HalfAwayFromZero)?.to_string(), "0.83");
/// # Ok::<(), bursar_domain::decimal::DecimalError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(Inner);

impl Decimal {
    /// Nothing, without digits after the point.
    pub const ZERO: Self = Self(Inner::ZERO);

    /// The number `mantissa` / 10^`scale`, written with `scale` digits after the point.
    pub fn new(mantissa: i64, scale: u32) -> Result<Self, DecimalError> {
        Self::from_parts(i128::from(mantissa), scale)
    }

    /// Reads plain text: an optional minus, digits, and digits after a point; nothing else.
    ///
    /// There is one text for each value and number of digits after the point, so leading zeros are refused like "+1",
    /// "1.", ".5", "1e3" and blanks.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        Self::parse_within(text, DIGITS_MAX)
    }

    /// [`Decimal::parse`] with another limit of digits: an amount of money may need 19.
    pub(crate) fn parse_within(text: &str, digits_max: usize) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(DecimalError::NotPlain),
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || has_leading_zero || !is_digits(whole) || !is_digits(fraction) {
            return Err(DecimalError::NotPlain);
        }
        if whole.len().saturating_add(fraction.len()) > digits_max
            || fraction.len() > FRACTION_DIGITS_MAX
        {
            return Err(DecimalError::TooLong { digits_max });
        }
        let magnitude = whole
            .bytes()
            .chain(fraction.bytes())
            .try_fold(0_i128, |sum, byte| {
                sum.checked_mul(10)?
                    .checked_add(i128::from(byte.checked_sub(b'0')?))
            });
        let magnitude = magnitude.ok_or(DecimalError::Overflow)?;
        let mantissa = if negative {
            magnitude.checked_neg().ok_or(DecimalError::Overflow)?
        } else {
            magnitude
        };
        let scale = u32::try_from(fraction.len()).map_err(|_| DecimalError::Overflow)?;
        Self::from_parts(mantissa, scale)
    }

    /// The one way in, so that zero never carries a sign: an `i128` has no negative zero.
    fn from_parts(mantissa: i128, scale: u32) -> Result<Self, DecimalError> {
        Inner::try_from_i128_with_scale(mantissa, scale)
            .map(Self)
            .map_err(|_| DecimalError::Overflow)
    }

    /// All digits as one whole number; divided by 10^[`Decimal::scale`] it is the value.
    pub fn mantissa(self) -> i128 {
        self.0.mantissa()
    }

    /// How many digits are written after the point.
    pub fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Whether the value is zero, however it is written.
    pub fn is_zero(self) -> bool {
        self.mantissa() == 0
    }

    /// Whether the value is below zero.
    pub fn is_negative(self) -> bool {
        self.mantissa() < 0
    }

    /// The sum, exactly, with the digits of the finer of both.
    pub fn checked_add(self, other: Self) -> Result<Self, DecimalError> {
        let scale = self.scale().max(other.scale());
        let sum = self
            .mantissa_at(scale)?
            .checked_add(other.mantissa_at(scale)?);
        Self::from_parts(sum.ok_or(DecimalError::Overflow)?, scale)
    }

    /// The difference, exactly, with the digits of the finer of both.
    pub fn checked_sub(self, other: Self) -> Result<Self, DecimalError> {
        self.checked_add(other.negated())
    }

    /// The product, exactly, with the digits of both together.
    pub fn checked_mul(self, other: Self) -> Result<Self, DecimalError> {
        let scale = self.scale().checked_add(other.scale());
        let product = self.mantissa().checked_mul(other.mantissa());
        Self::from_parts(
            product.ok_or(DecimalError::Overflow)?,
            scale.ok_or(DecimalError::Overflow)?,
        )
    }

    /// The same distance from zero on the other side.
    #[must_use]
    pub fn negated(mut self) -> Self {
        if !self.is_zero() {
            self.0.set_sign_positive(self.is_negative());
        }
        self
    }

    /// The same value without zeros at the end: 20.50 becomes 20.5.
    #[must_use]
    pub fn normalized(self) -> Self {
        Self(self.0.normalize())
    }

    /// The nearest number with exactly `digits` digits after the point; shorter numbers are filled with zeros.
    pub fn round(self, digits: u32, rounding: Rounding) -> Result<Self, DecimalError> {
        let Some(dropped_digits) = self
            .scale()
            .checked_sub(digits)
            .filter(|dropped| *dropped > 0)
        else {
            return Self::from_parts(self.mantissa_at(digits)?, digits);
        };
        let divisor = power_of_ten(dropped_digits)?;
        let below = self
            .mantissa()
            .checked_div_euclid(divisor)
            .ok_or(DecimalError::Overflow)?;
        let rest = self
            .mantissa()
            .checked_rem_euclid(divisor)
            .ok_or(DecimalError::Overflow)?;
        let twice_the_rest = rest.checked_mul(2).ok_or(DecimalError::Overflow)?;
        let goes_up = match twice_the_rest.cmp(&divisor) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => match rounding {
                Rounding::HalfAwayFromZero => !self.is_negative(),
                Rounding::HalfEven => below.checked_rem_euclid(2) == Some(1),
                Rounding::HalfPlusInfinity => true,
            },
        };
        let rounded = below
            .checked_add(i128::from(goes_up))
            .ok_or(DecimalError::Overflow)?;
        Self::from_parts(rounded, digits)
    }

    /// The mantissa this value has when written with `scale` digits, which are not fewer than it has.
    fn mantissa_at(self, scale: u32) -> Result<i128, DecimalError> {
        let missing_digits = scale
            .checked_sub(self.scale())
            .ok_or(DecimalError::Overflow)?;
        self.mantissa()
            .checked_mul(power_of_ten(missing_digits)?)
            .ok_or(DecimalError::Overflow)
    }
}

fn power_of_ten(exponent: u32) -> Result<i128, DecimalError> {
    10_i128.checked_pow(exponent).ok_or(DecimalError::Overflow)
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text)
    }
}

/// As a string, and only if [`Decimal::parse`] would read it back: an intermediate result has to be rounded first.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_string();
        Self::parse(&text).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a decimal as a string, such as \"-1.10\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                Decimal::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests;
