//! The automation's configuration, as its department set it; the schema is in `plugin.toml`.

use serde::Deserialize;

/// How this department reconciles.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of statements for runs that name none.
    pub folder: String,
    /// Role that answers questions.
    pub task_role: String,
    /// Most that a payer may take off, in percent of the invoice's total; "0" for no discount.
    pub cash_discount_percent_max: String,
    /// Days after the issue date within which the money must be there for a discount.
    pub cash_discount_days: u32,
    /// Letters that our invoice numbers begin with.
    pub invoice_prefixes: Vec<String>,
    /// Accounts whose statements are accepted; all, if empty.
    pub accounts: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folder: "statements".into(),
            task_role: "accounting".into(),
            cash_discount_percent_max: "0".into(),
            cash_discount_days: 0,
            invoice_prefixes: vec!["INV".into()],
            accounts: Vec::new(),
        }
    }
}

/// A percentage of at most four digits after the point, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent {
    ten_thousandths: i64,
}

impl Percent {
    /// Reads "3" or "2.5"; none for other texts and for more than 100.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_plain =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain(whole) || !is_plain(fraction) || fraction.len() > 4 || whole.len() > 3 {
            return None;
        }
        let ten_thousandths = format!("{whole}{fraction:0<4}").parse().ok()?;
        (ten_thousandths <= 1_000_000).then_some(Self { ten_thousandths })
    }

    /// This part of a non-negative amount of minor units, rounded half away from zero.
    pub fn of(self, minor: i64) -> i64 {
        let exact = i128::from(minor) * i128::from(self.ten_thousandths);
        let rounded = (exact + 500_000) / 1_000_000;
        i64::try_from(rounded).expect("at most a hundred percent of 64 bits fits 64 bits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_exact_and_rounds_half_away_from_zero() {
        let check = |percent: &str, minor, expected| {
            let percent = Percent::parse(percent).expect("the text is a percentage");
            assert_eq!(percent.of(minor), expected);
        };
        check("3", 10_000, 300);
        check("2.5", 100, 3);
        check("2.5", 99, 2);
        check("0", 10_000, 0);
        check("100", i64::MAX, i64::MAX);
    }

    #[test]
    fn other_texts_are_no_percentage() {
        for text in ["", "-1", "3%", "3,5", "1.23456", "101", ".5", "5."] {
            assert_eq!(Percent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_empty_configuration_gives_no_discount() {
        let config: Config = serde_json::from_str("{}").expect("everything has a default");
        assert_eq!(config, Config::default());
    }
}
