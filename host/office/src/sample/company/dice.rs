//! Chance that falls the same way each time, and numbers with check digits.

use std::ops::RangeInclusive;

use bursar_domain::decimal::Decimal;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Bank codes that no bank has.
const NO_BANK_AT: &str = "99999";
const NO_BANK_DE: &str = "99999999";
const NO_BANK_CH: &str = "99999";

/// A stream of chance of its own for each part of the company, so that one part can change without the others.
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    pub(super) fn of(part: &str) -> Self {
        Self(ChaCha20Rng::from_seed(Sha256::digest(part).into()))
    }

    /// One of a range, each as likely, as far as it matters here.
    pub(super) fn within(&mut self, range: RangeInclusive<i64>) -> i64 {
        let (least, most) = range.into_inner();
        let sides = most.abs_diff(least).saturating_add(1);
        let rolled = i64::try_from(self.0.next_u64() % sides).unwrap_or(0);
        least.saturating_add(rolled)
    }

    /// Whether something happens that happens so many times of a hundred.
    pub(super) fn is(&mut self, percent: i64) -> bool {
        self.within(1..=100) <= percent
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Result<&'a T, Error> {
        let last = i64::try_from(from.len())
            .unwrap_or(i64::MAX)
            .saturating_sub(1);
        let place = usize::try_from(self.within(0..=last.max(0))).unwrap_or(0);
        from.get(place)
            .ok_or_else(|| Error::Broken("nothing to pick from".to_owned()))
    }

    /// So many digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| self.within(0..=9).to_string()).collect()
    }

    /// An account at a bank that is none; none in countries whose numbers have checks of their own within.
    pub(super) fn iban(&mut self, country: &str) -> Option<String> {
        let account = match country {
            "AT" => format!("{NO_BANK_AT}{}", self.digits(11)),
            "DE" => format!("{NO_BANK_DE}{}", self.digits(10)),
            "CH" => format!("{NO_BANK_CH}{}", self.digits(12)),
            "NL" => format!("TEST{}", self.digits(10)),
            _ => return None,
        };
        Some(iban(country, &account))
    }

    /// A VAT id of the country's shape; none where there is none of that kind.
    pub(super) fn vat_id(&mut self, country: &str) -> Option<String> {
        Some(match country {
            "AT" => format!("ATU99{}", self.digits(6)),
            "CH" => format!(
                "CHE-99{}.{}.{} MWST",
                self.digits(1),
                self.digits(3),
                self.digits(3)
            ),
            "NL" => format!("NL99{}B01", self.digits(7)),
            "IT" | "FR" => format!("{country}99{}", self.digits(9)),
            "PL" => format!("PL99{}", self.digits(8)),
            "SE" => format!("SE99{}01", self.digits(8)),
            "DE" => format!("DE99{}", self.digits(7)),
            "HU" | "CZ" | "SI" => format!("{country}99{}", self.digits(6)),
            _ => return None,
        })
    }
}

/// An IBAN with its check digits (ISO 13616, ISO 7064 mod 97-10).
pub(super) fn iban(country: &str, account: &str) -> String {
    let digits = account
        .chars()
        .chain(country.chars())
        .chain("00".chars())
        .filter_map(|c| c.to_digit(36));
    let rest = digits.fold(0_u32, |rest, digit| {
        let shift = if digit > 9 { 100 } else { 10 };
        (rest * shift + digit) % 97
    });
    format!("{country}{:02}{account}", 98 - rest)
}

/// An amount in hundredths.
pub(super) fn hundredths(hundredths: i64) -> Result<Decimal, Error> {
    Decimal::new(hundredths, 2).map_err(|error| Error::Broken(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_standard() {
        // The registry's own examples.
        assert_eq!(iban("AT", "1904300234573201"), "AT611904300234573201");
        assert_eq!(iban("DE", "370400440532013000"), "DE89370400440532013000");
        assert_eq!(iban("CH", "00762011623852957"), "CH9300762011623852957");
        assert_eq!(iban("NL", "ABNA0417164300"), "NL91ABNA0417164300");
    }

    #[test]
    fn the_same_part_has_the_same_chance() {
        let rolls = |part: &str| -> Vec<i64> {
            let mut dice = Dice::of(part);
            (0..50).map(|_| dice.within(-3..=3)).collect()
        };
        assert_eq!(rolls("stock"), rolls("stock"));
        assert_ne!(rolls("stock"), rolls("sales"));
        assert!(rolls("stock").iter().all(|roll| (-3..=3).contains(roll)));
    }
}
