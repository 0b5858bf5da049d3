//! Amounts as text and back, exactly.
//!
//! Knows ISO 4217's exponents that differ from two; whether a code exists is the host's to say.

use std::fmt;

use crate::types::Money;

/// Currencies whose minor unit is not a hundredth (ISO 4217).
const EXPONENTS: &[(u8, &[&str])] = &[
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
            "VND", "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// Digits after the point of a currency's minor unit: 2 for EUR, 0 for JPY, 3 for BHD.
pub fn exponent(currency: &str) -> u8 {
    EXPONENTS
        .iter()
        .find(|(_, codes)| codes.contains(&currency))
        .map_or(2, |(exponent, _)| *exponent)
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAnAmount {
    /// Not plain decimal digits.
    Malformed,
    /// Finer than the currency's minor unit.
    TooFine,
    /// Beyond 64 bits of minor units.
    TooLarge,
    /// Not three capital letters.
    Currency,
}

impl fmt::Display for NotAnAmount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Malformed => "not a plain decimal number",
            Self::TooFine => "finer than the currency's minor unit",
            Self::TooLarge => "too large",
            Self::Currency => "not a currency code",
        })
    }
}

impl std::error::Error for NotAnAmount {}

impl Money {
    /// `minor` units of a currency.
    pub fn new(minor: i64, currency: impl Into<String>) -> Self {
        Self {
            minor,
            currency: currency.into(),
        }
    }

    /// Reads "1.10" as an amount of `currency`; digits beyond the minor unit must be zeros.
    pub fn from_decimal(text: &str, currency: &str) -> Result<Self, NotAnAmount> {
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(NotAnAmount::Currency);
        }
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let minor = minor_units(digits, usize::from(exponent(currency)))?;
        let signed = minor.checked_mul(sign).ok_or(NotAnAmount::TooLarge)?;
        Ok(Self::new(signed, currency))
    }

    /// Reads "1.10 EUR".
    pub fn parse(text: &str) -> Result<Self, NotAnAmount> {
        let (amount, currency) = text.split_once(' ').ok_or(NotAnAmount::Malformed)?;
        Self::from_decimal(amount, currency)
    }

    /// The sum, or none for mixed currencies and overflow.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.combined(other, i64::checked_add)
    }

    /// The difference, or none for mixed currencies and overflow.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.combined(other, i64::checked_sub)
    }

    fn combined(&self, other: &Self, operation: fn(i64, i64) -> Option<i64>) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self::new(
            operation(self.minor, other.minor)?,
            &self.currency,
        ))
    }
}

impl fmt::Display for Money {
    /// "1.10 EUR", with exactly as many digits as the minor unit has.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(exponent(&self.currency));
        let sign = if self.minor < 0 { "-" } else { "" };
        let padded = format!("{:0>width$}", self.minor.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = padded.split_at(padded.len() - digits);
        let point = if digits == 0 { "" } else { "." };
        write!(
            formatter,
            "{sign}{whole}{point}{fraction} {}",
            self.currency
        )
    }
}

fn minor_units(text: &str, digits: usize) -> Result<i64, NotAnAmount> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(NotAnAmount::Malformed),
        Some(parts) => parts,
        None => (text, ""),
    };
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_plain(whole) || !is_plain(fraction) {
        return Err(NotAnAmount::Malformed);
    }
    let (kept, cut) = fraction.split_at(fraction.len().min(digits));
    if cut.bytes().any(|byte| byte != b'0') {
        return Err(NotAnAmount::TooFine);
    }
    format!("{whole}{kept:0<digits$}")
        .parse()
        .map_err(|_| NotAnAmount::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_survives_text_in_every_exponent() {
        for text in [
            "1.10 EUR",
            "-0.05 CHF",
            "0.00 USD",
            "110 JPY",
            "1.105 BHD",
            "-12.3456 CLF",
            "92233720368547758.07 EUR",
        ] {
            let money = Money::parse(text).expect("the text is an amount");
            assert_eq!(money.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        let check = |text: &str, currency: &str, expected| {
            assert_eq!(Money::from_decimal(text, currency), Err(expected), "{text}");
        };
        check("1.105", "EUR", NotAnAmount::TooFine);
        check("1.5", "JPY", NotAnAmount::TooFine);
        check("1e3", "EUR", NotAnAmount::Malformed);
        check("1.", "EUR", NotAnAmount::Malformed);
        check(".5", "EUR", NotAnAmount::Malformed);
        check("+1", "EUR", NotAnAmount::Malformed);
        check("--1", "EUR", NotAnAmount::Malformed);
        check("", "EUR", NotAnAmount::Malformed);
        check("92233720368547758.08", "EUR", NotAnAmount::TooLarge);
        check("1.00", "eur", NotAnAmount::Currency);
        assert_eq!(
            Money::from_decimal("1.10000", "EUR"),
            Ok(Money::new(110, "EUR"))
        );
    }

    #[test]
    fn mixed_currencies_have_no_sum() {
        let euro = Money::new(1, "EUR");
        assert_eq!(euro.checked_add(&Money::new(1, "CHF")), None);
        assert_eq!(
            euro.checked_sub(&Money::new(3, "EUR")),
            Some(Money::new(-2, "EUR"))
        );
        assert_eq!(euro.checked_add(&Money::new(i64::MAX, "EUR")), None);
    }
}
