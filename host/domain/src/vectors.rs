//! Vectors made by others, run through the rules.
//!
//! A list of cases comes in as JSON; the same list goes out, each case with its answer as `got`, in the shape of what the
//! case expects, or with `got: null` and an `error`. Knows the vectors' ways of writing where they differ from the
//! product's, and no file. Entered by the function of each subject.

use std::collections::BTreeMap;
use std::error::Error;

use jiff::civil::{Date, DateTime, Weekday};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::business::{BusinessCalendar, Roll};
use crate::decimal::{Decimal, DecimalError, Rounding};
use crate::money::{Currency, Money};
use crate::recurrence::{Rule, TooFrequent};
use crate::time;
use crate::totals::{self, AdjustmentInput, LineInput, Tax};

/// Most instances that a case gets.
pub const INSTANCES_MAX: usize = 10_000;
/// Largest exponent of ten, either way, of a number in scientific notation.
pub const EXPONENT_MAX: i32 = 18;

/// Vectors that are no list of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("vectors are a JSON list of objects")]
pub struct NotCases;

type Answer = Result<Value, Box<dyn Error>>;

/// Answers every case of a list.
fn each(cases: Value, answer: impl Fn(&Value) -> Answer) -> Result<Value, NotCases> {
    let Value::Array(mut cases) = cases else {
        return Err(NotCases);
    };
    for case in &mut cases {
        let answer = answer(case);
        let fields = case.as_object_mut().ok_or(NotCases)?;
        if let Err(error) = &answer {
            fields.insert("error".to_owned(), error.to_string().into());
        }
        fields.insert("got".to_owned(), answer.unwrap_or(Value::Null));
    }
    Ok(Value::Array(cases))
}

#[derive(Deserialize)]
struct RecurrenceCase {
    rrule: String,
    dtstart: String,
    #[serde(default)]
    expected: Vec<Value>,
    /// `expected` is complete.
    #[serde(default)]
    finite: bool,
    /// There is no instance at all.
    #[serde(default)]
    no_instance: bool,
}

/// Recurrence rules: `got` has all instances of a finite rule, else as many as `expected`.
///
/// The vectors speak of a rule alone, where DTSTART is an instance only if it fits. Rules may combine parts as RFC 2445 did.
pub fn rrule(cases: Value) -> Result<Value, NotCases> {
    each(cases, |case| {
        let case = RecurrenceCase::deserialize(case)?;
        let rule = Rule::parse_rfc_2445(case.rrule.strip_prefix("RRULE:").unwrap_or(&case.rrule))?;
        let start = Start::parse(&case.dtstart)?;
        let instances_max = match (case.finite, case.no_instance) {
            (true, _) => INSTANCES_MAX,
            (false, true) => 1,
            (false, false) => case.expected.len().min(INSTANCES_MAX),
        };
        let instances = start.rule(rule)?.instances(start.wall());
        let texts: Vec<String> = instances
            .take(instances_max)
            .map(|wall| start.text(wall))
            .collect();
        Ok(texts.into())
    })
}

/// How a case writes DTSTART, and so its instances.
#[derive(Clone, Copy)]
enum Start {
    Date(Date),
    Local(DateTime),
    Utc(DateTime),
}

impl Start {
    fn parse(text: &str) -> Result<Self, time::TimeError> {
        if let Some(local) = text.strip_suffix('Z') {
            return time::local(local).map(Self::Utc);
        }
        time::date(text)
            .map(Self::Date)
            .or_else(|_| time::local(text).map(Self::Local))
    }

    fn rule(self, rule: Rule) -> Result<Rule, TooFrequent> {
        match self {
            Self::Date(_) => rule.for_dates(),
            Self::Local(_) | Self::Utc(_) => Ok(rule),
        }
    }

    fn wall(self) -> DateTime {
        match self {
            Self::Date(date) => date.at(0, 0, 0, 0),
            Self::Local(wall) | Self::Utc(wall) => wall,
        }
    }

    fn text(self, wall: DateTime) -> String {
        match self {
            Self::Date(_) => wall.date().to_string(),
            Self::Local(_) => time::local_text(wall),
            Self::Utc(_) => format!("{}Z", time::local_text(wall)),
        }
    }
}

#[derive(Deserialize)]
struct LocalCase {
    zone: String,
    local: String,
}

/// Wall times in zones: `got` is the instant in UTC.
pub fn local_to_utc(cases: Value) -> Result<Value, NotCases> {
    each(cases, |case| {
        let case = LocalCase::deserialize(case)?;
        let instant_us = time::to_instant(&case.local, &time::zone(&case.zone)?)?;
        Ok(time::rfc3339(instant_us).into())
    })
}

#[derive(Deserialize)]
struct BusinessCase {
    calendar: String,
    #[serde(flatten)]
    question: BusinessQuestion,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
enum BusinessQuestion {
    AddBusinessDays {
        date: Date,
        n: i32,
    },
    Roll {
        mode: Roll,
        date: Date,
    },
    BusinessDaysBetween {
        from: Date,
        to: Date,
        convention: Convention,
    },
}

#[derive(Deserialize)]
enum Convention {
    #[serde(rename = "from exclusive, to inclusive")]
    AfterToIncluded,
    #[serde(rename = "from inclusive, to exclusive")]
    FromToExcluded,
}

/// Names of holidays by date, by calendar.
type Holidays = BTreeMap<String, BTreeMap<Date, Value>>;

/// Business days: `got` is a date, or a number of days. Saturday and Sunday are weekend.
pub fn business_days(cases: Value, holidays: &Value) -> Result<Value, NotCases> {
    let calendars = Holidays::deserialize(holidays)
        .map_err(|error| error.to_string())
        .and_then(calendars);
    each(cases, |case| {
        let case = BusinessCase::deserialize(case)?;
        let calendar = calendars
            .as_ref()
            .map_err(Clone::clone)?
            .get(&case.calendar);
        let calendar = calendar.ok_or_else(|| format!("no holidays of {:?}", case.calendar))?;
        match case.question {
            BusinessQuestion::AddBusinessDays { date, n } => {
                Ok(calendar.add(date, n)?.to_string().into())
            }
            BusinessQuestion::Roll { mode, date } => {
                Ok(calendar.roll(date, mode)?.to_string().into())
            }
            BusinessQuestion::BusinessDaysBetween {
                from,
                to,
                convention,
            } => {
                let [from, to] = match convention {
                    Convention::FromToExcluded => [from, to],
                    // The same window, one day later at both ends.
                    Convention::AfterToIncluded => [from.tomorrow()?, to.tomorrow()?],
                };
                Ok(calendar.between(from, to)?.into())
            }
        }
    })
}

fn calendars(holidays: Holidays) -> Result<BTreeMap<String, BusinessCalendar>, String> {
    let calendar = |(name, holidays): (String, BTreeMap<Date, Value>)| {
        let weekend = [Weekday::Saturday, Weekday::Sunday];
        let calendar = BusinessCalendar::new(weekend, holidays.into_keys(), 1);
        calendar
            .map(|calendar| (name, calendar))
            .map_err(|error| error.to_string())
    };
    holidays.into_iter().map(calendar).collect()
}

#[derive(Deserialize)]
struct RoundingCase {
    value: String,
    digits: u32,
}

/// Rounding: `got` has a text for each of the three rules.
pub fn rounding(cases: Value) -> Result<Value, NotCases> {
    each(cases, |case| {
        let case = RoundingCase::deserialize(case)?;
        let value = number(&case.value)?;
        let rounded = |rounding| value.round(case.digits, rounding);
        Ok(json!({
            "half_up_away": signed(value, rounded(Rounding::HalfAwayFromZero)?),
            "half_even": signed(value, rounded(Rounding::HalfEven)?),
            "xpath_half_plus_inf": rounded(Rounding::HalfPlusInfinity)?.to_string(),
        }))
    })
}

/// A decimal has one zero; these vectors keep the sign of a number that is rounded to it, but for `XPath`'s rule.
fn signed(value: Decimal, rounded: Decimal) -> String {
    let sign = if value.is_negative() && rounded.is_zero() {
        "-"
    } else {
        ""
    };
    format!("{sign}{rounded}")
}

/// A number that may be written with an exponent of ten, which the product refuses: `-2.5e-3` is -0.0025.
fn number(text: &str) -> Result<Decimal, DecimalError> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::parse(text);
    };
    let exponent: i32 = exponent.parse().map_err(|_| DecimalError::NotPlain)?;
    if exponent.saturating_abs() > EXPONENT_MAX {
        return Err(DecimalError::Overflow);
    }
    let places = exponent.unsigned_abs();
    let digits = if exponent < 0 { places } else { 0 };
    let zeros =
        usize::try_from(places.saturating_sub(digits)).map_err(|_| DecimalError::Overflow)?;
    let power = Decimal::parse(&format!("1{}", "0".repeat(zeros)))?;
    Decimal::parse(mantissa)?
        .checked_mul(power)?
        .checked_mul(Decimal::new(1, digits)?)
}

#[derive(Deserialize)]
struct InvoiceCase {
    lines: Vec<LineCase>,
    document_allowance: Decimal,
    allowance_vat_rate: Decimal,
}

#[derive(Deserialize)]
struct LineCase {
    quantity: Decimal,
    unit_price: Decimal,
    vat_rate: Decimal,
}

/// Totals of invoices in euros: `got` has the net of each line, the sums, and the tax of each rate.
pub fn invoice_totals(cases: Value) -> Result<Value, NotCases> {
    each(cases, |case| {
        let case = InvoiceCase::deserialize(case)?;
        let eur = Currency::parse("EUR")?;
        let lines: Vec<LineInput> = case.lines.iter().map(line).collect();
        let allowance = AdjustmentInput {
            is_charge: false,
            amount: case.document_allowance,
            tax: standard(case.allowance_vat_rate),
        };
        let adjustments = if allowance.amount.is_zero() {
            vec![]
        } else {
            vec![allowance]
        };
        let totals = totals::compute(&lines, &adjustments, eur)?;
        let sum_lines = Money::checked_sum(totals.line_nets.iter().copied(), eur)?;
        let nets: Vec<Value> = totals
            .line_nets
            .iter()
            .map(|net| json!({ "net": net.amount_text() }))
            .collect();
        let taxes = totals.tax_totals.iter().map(|total| {
            json!({
                "rate": total.tax.rate.to_string(),
                "taxable": total.taxable.amount_text(),
                "tax": total.amount.amount_text(),
            })
        });
        Ok(json!({
            "lines": nets,
            "sum_lines": sum_lines.amount_text(),
            "total_without_vat": totals.net.amount_text(),
            "vat_breakdown": taxes.collect::<Vec<Value>>(),
            "total_vat": totals.tax.amount_text(),
            "total_with_vat": totals.gross.amount_text(),
        }))
    })
}

fn line(line: &LineCase) -> LineInput {
    LineInput {
        quantity: line.quantity,
        unit_price: line.unit_price,
        adjustments: Vec::new(),
        tax: standard(line.vat_rate),
    }
}

/// The vectors know no categories: everything is taxed at the rate that it names.
fn standard(rate: Decimal) -> Tax {
    Tax {
        category: "S".to_owned(),
        rate,
    }
}

#[cfg(test)]
mod tests;
