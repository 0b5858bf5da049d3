//! Amounts of money: whole minor units of an ISO 4217 currency.
//!
//! All arithmetic is checked and never mixes currencies. Knows no exchange rates and no invoices. Entered by
//! [`Money::parse`], [`Money::round_from`] and serde; amounts travel as strings in JSON:
//! `{"amount":"1.10","currency":"EUR"}`.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

use crate::decimal::{Decimal, DecimalError, Rounding, SCALE_MAX};

/// Most digits of an amount in text: those of the largest number of minor units.
pub const AMOUNT_DIGITS_MAX: usize = 19;
/// Most parts that one amount is split into.
pub const PARTS_MAX: usize = 10_000;

/// Why an amount cannot be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is no ISO 4217 currency with a minor unit; gold and test codes have none.
    #[error("not the code of a currency with a minor unit")]
    UnknownCurrency,
    /// The text is not an amount, a blank and a currency code.
    #[error("not an amount such as \"1.10 EUR\"")]
    NotAnAmount,
    /// The amount's number cannot be read or computed.
    #[error(transparent)]
    Decimal(#[from] DecimalError),
    /// Two amounts of different currencies meet.
    #[error("{left} and {right} cannot be computed together")]
    MixedCurrencies {
        /// Currency of the first amount.
        left: Currency,
        /// Currency of the second amount.
        right: Currency,
    },
    /// The number is finer than the currency's minor unit.
    #[error("amount is finer than the minor unit of {currency}")]
    TooFine {
        /// The currency whose minor unit is larger.
        currency: Currency,
    },
    /// The result has more minor units than an amount can hold.
    #[error("amount is too large")]
    Overflow,
    /// The weights of a split are none, too many, or all zero.
    #[error("a split takes 1 to {PARTS_MAX} weights, not all of them zero")]
    Weights,
    /// The step of a cash rounding is not positive.
    #[error("the step of a cash rounding is at least one minor unit")]
    Step,
}

/// A currency of ISO 4217 that has a minor unit, past ones included: old invoices keep theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    inner: iso_currency::Currency,
    exponent: u32,
}

impl Currency {
    /// Reads a code of three capital letters.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let inner = iso_currency::Currency::from_code(code).ok_or(MoneyError::UnknownCurrency)?;
        let exponent = inner
            .exponent()
            .map(u32::from)
            .filter(|exponent| *exponent <= SCALE_MAX);
        Ok(Self {
            inner,
            exponent: exponent.ok_or(MoneyError::UnknownCurrency)?,
        })
    }

    /// The code, such as "EUR".
    pub fn code(self) -> &'static str {
        self.inner.code()
    }

    /// How many digits after the point the minor unit takes: 2 for EUR, 0 for JPY, 3 for BHD, 4 for CLF.
    pub fn exponent(self) -> u32 {
        self.exponent
    }
}

/// By code, whatever order the table of currencies has.
impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::parse(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(de::Error::custom)
    }
}

/// An amount of money.
///
/// There is no `Ord`: amounts of different currencies have no order, see [`Money::checked_cmp`].
///
/// ```
/// use bursar_domain::money::Money;
///
/// let parts = Money::parse("100.00 EUR")?.split(&[1, 1, 1])?;
/// assert_eq!(parts[0].format(), "33.34 EUR");
/// assert_eq!(parts[2].format(), "33.33 EUR");
/// # Ok::<(), bursar_domain::money::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Whole minor units: 1.10 EUR is 110, 1 JPY is 1.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// So many minor units.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads what [`Money::format`] writes: "1.10 EUR". Fewer digits are read too, finer ones refused.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (amount, code) = text.split_once(' ').ok_or(MoneyError::NotAnAmount)?;
        Self::parse_amount(amount, Currency::parse(code)?)
    }

    /// Reads the plain decimal text of an amount whose currency is known.
    pub fn parse_amount(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        Self::from_decimal(Decimal::parse_within(amount, AMOUNT_DIGITS_MAX)?, currency)
    }

    /// The amount as text with all digits of the minor unit: "1.10 EUR".
    pub fn format(&self) -> String {
        self.to_string()
    }

    /// The amount of exactly this number; a number finer than the minor unit is an error.
    pub fn from_decimal(number: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let rounded = Self::round_from(number, currency)?;
        if rounded.to_decimal() == number {
            Ok(rounded)
        } else {
            Err(MoneyError::TooFine { currency })
        }
    }

    /// The amount nearest to this number, half away from zero.
    pub fn round_from(number: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let rounded = number.round(currency.exponent(), Rounding::HalfAwayFromZero)?;
        let minor = i64::try_from(rounded.mantissa()).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, currency })
    }

    /// The amount as a number, in major units.
    pub fn to_decimal(self) -> Decimal {
        self.number()
    }

    /// Whether this is nothing.
    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether this is below nothing.
    pub fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_add(other.minor))
    }

    /// The difference.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.with(self.minor.checked_sub(other.minor))
    }

    /// The same amount on the other side of zero.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.with(self.minor.checked_neg())
    }

    /// Which of two amounts is larger.
    pub fn checked_cmp(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// The sum of many, in a currency that they all share; nothing if there are none.
    pub fn checked_sum(
        amounts: impl IntoIterator<Item = Self>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        amounts
            .into_iter()
            .try_fold(Self::zero(currency), Self::checked_add)
    }

    /// Parts in proportion to the weights that add up to the whole, by largest remainder; of equal remainders the
    /// earlier part takes the minor unit.
    pub fn split(&self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let total = weights
            .iter()
            .try_fold(0_u128, |sum, weight| sum.checked_add(u128::from(*weight)));
        let total = total
            .filter(|total| *total > 0 && weights.len() <= PARTS_MAX)
            .ok_or(MoneyError::Weights)?;
        let whole = u128::from(self.minor.unsigned_abs());
        let mut shares = Vec::with_capacity(weights.len());
        let mut unassigned = whole;
        for (index, weight) in weights.iter().enumerate() {
            let exact = whole
                .checked_mul(u128::from(*weight))
                .ok_or(MoneyError::Overflow)?;
            let share = exact.checked_div(total).ok_or(MoneyError::Weights)?;
            let remainder = exact.checked_rem(total).ok_or(MoneyError::Weights)?;
            unassigned = unassigned.checked_sub(share).ok_or(MoneyError::Overflow)?;
            shares.push((index, share, remainder));
        }
        shares.sort_unstable_by_key(|(index, _, remainder)| (Reverse(*remainder), *index));
        for (_, share, _) in &mut shares {
            let Some(rest) = unassigned.checked_sub(1) else {
                break;
            };
            *share = share.checked_add(1).ok_or(MoneyError::Overflow)?;
            unassigned = rest;
        }
        shares.sort_unstable_by_key(|(index, _, _)| *index);
        shares
            .into_iter()
            .map(|(_, share, _)| self.with_magnitude(share))
            .collect()
    }

    /// The nearest multiple of a step, half away from zero: Swiss cash takes a step of 5 minor units.
    pub fn cash_rounded(self, step_minor: i64) -> Result<Self, MoneyError> {
        let step = u128::try_from(step_minor)
            .ok()
            .filter(|step| *step > 0)
            .ok_or(MoneyError::Step)?;
        let magnitude = u128::from(self.minor.unsigned_abs());
        let steps = magnitude
            .checked_mul(2)
            .and_then(|twice| twice.checked_add(step));
        let steps = steps
            .and_then(|sum| sum.checked_div(step.checked_mul(2)?))
            .ok_or(MoneyError::Overflow)?;
        self.with_magnitude(steps.checked_mul(step).ok_or(MoneyError::Overflow)?)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::MixedCurrencies {
            left: self.currency,
            right: other.currency,
        })
    }

    fn with(self, minor: Option<i64>) -> Result<Self, MoneyError> {
        Ok(Self {
            minor: minor.ok_or(MoneyError::Overflow)?,
            currency: self.currency,
        })
    }

    /// So many minor units on this amount's side of zero.
    fn with_magnitude(self, magnitude: u128) -> Result<Self, MoneyError> {
        let distance = i128::try_from(magnitude).map_err(|_| MoneyError::Overflow)?;
        let signed = if self.is_negative() {
            distance.checked_neg()
        } else {
            Some(distance)
        };
        self.with(signed.and_then(|minor| i64::try_from(minor).ok()))
    }

    /// The amount without its currency: "1.10".
    pub fn amount_text(self) -> String {
        self.number().to_string()
    }

    fn number(self) -> Decimal {
        let number = Decimal::new(self.minor, self.currency.exponent());
        number.expect("64 bits with an exponent that parse() has checked always fit")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount_text(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::parse(text)
    }
}

/// An amount of money.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyText {
    /// Plain decimal text with at most the currency's digits after the point, such as "1.10".
    #[schema(pattern = r"^-?\d+(\.\d+)?$", max_length = 21)]
    amount: String,
    /// ISO 4217.
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MoneyText {
            amount: self.amount_text(),
            currency: self.currency,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = MoneyText::deserialize(deserializer)?;
        Self::parse_amount(&text.amount, text.currency).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
