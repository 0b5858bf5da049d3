//! What sales and purchases share: prices, taxes, totals, and money on its way.

use bursar_domain::{
    decimal::Decimal,
    invoice::{Flow, Line},
    money::{Currency, Money},
    totals::{LineInput, Tax, compute},
};
use jiff::civil::Date;
use serde_json::Value;

use super::{broken, dice::hundredths};
use crate::error::Error;

/// Money that moves on a day, for one invoice or for none that is known.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub flow: Flow,
    /// The party's key; none if the statement does not tell.
    pub party: Option<String>,
    /// The invoice's key, and the number that the statement names.
    pub invoice: Option<(String, String)>,
    pub amount: Money,
    pub value_date: Date,
    /// The day on which the bank took it back.
    pub taken_back_on: Option<Date>,
}

/// What invoices of a country are in, and what of a price in euros they say.
pub(super) struct Terms {
    pub currency: Currency,
    pub tax: Tax,
    rate: Rate,
}

enum Rate {
    Euro,
    /// So many hundredths of the other currency for one euro, in steps of so many hundredths.
    Other(i64, i64),
}

impl Terms {
    /// Between us, in Austria, and somebody in a country.
    pub(super) fn of(country: &str) -> Result<Self, Error> {
        let (code, rate) = match country {
            "CH" => ("CHF", Rate::Other(95, 5)),
            "JP" => ("JPY", Rate::Other(16_500, 10_000)),
            "HU" => ("HUF", Rate::Other(39_000, 1_000)),
            _ => ("EUR", Rate::Euro),
        };
        let (category, percent) = match country {
            "AT" => ("S", 20),
            "CH" | "JP" => ("G", 0),
            _ => ("K", 0),
        };
        Ok(Self {
            currency: code.parse().map_err(broken)?,
            tax: Tax {
                category: category.to_owned(),
                rate: Decimal::new(percent, 0).map_err(broken)?,
            },
            rate,
        })
    }

    pub(super) fn is_in_euros(&self) -> bool {
        matches!(self.rate, Rate::Euro)
    }

    /// A line of so many pieces at a price in euro cents each.
    pub(super) fn line(&self, words: &str, pieces: i64, cents: i64) -> Result<Line, Error> {
        let price = match self.rate {
            Rate::Euro => cents,
            Rate::Other(rate, step) => (cents * rate / 100 / step).max(1) * step,
        };
        Ok(Line {
            description: words.to_owned(),
            quantity: Decimal::new(pieces, 0).map_err(broken)?,
            unit: "C62".to_owned(),
            unit_price: hundredths(price)?,
            tax: self.tax.clone(),
            adjustments: Vec::new(),
            takes_back: None,
            extra: Value::Null,
        })
    }

    /// What is due of lines.
    pub(super) fn due(&self, lines: &[Line]) -> Result<Money, Error> {
        let inputs = lines.iter().map(|line| LineInput {
            quantity: line.quantity,
            unit_price: line.unit_price,
            adjustments: Vec::new(),
            tax: line.tax.clone(),
        });
        let inputs: Vec<LineInput> = inputs.collect();
        let totals = compute(&inputs, &[], self.currency).map_err(broken)?;
        Ok(totals.payable())
    }

    /// An amount of the currency.
    pub(super) fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}
