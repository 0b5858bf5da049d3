//! What an author of an invoice decides: whether it is well formed, and the totals that follow.

use bursar_domain::{
    decimal::Decimal,
    derive::normalised_number,
    invoice::{Adjustment, Flow, InvoiceContent, InvoiceKind},
    money::{Currency, Money},
    totals::{AdjustmentInput, LINES_MAX, LineInput, Place, Totals, TotalsError, compute},
};

use crate::{error::Error, input::Faults};

/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 2000;
/// Most that an invoice is rounded by (BT-114), in minor units.
const ROUNDING_MINOR_MAX: u64 = 100;
/// Longest unit code or supplier's number, in bytes.
const CODE_BYTES_MAX: usize = 100;

pub(crate) fn check_content(content: &InvoiceContent) -> Result<Currency, Error> {
    let mut faults = Faults::default();
    let currency = faults.currency("/currency", &content.currency);
    faults.unless(
        (1..=LINES_MAX).contains(&content.lines.len()),
        "wrong-count",
        "/lines",
        format!("1 to {LINES_MAX} lines"),
    );
    for (place, line) in content.lines.iter().take(LINES_MAX).enumerate() {
        faults.text(
            &format!("/lines/{place}/description"),
            &line.description,
            1..=DESCRIPTION_BYTES_MAX,
        );
        faults.line(
            &format!("/lines/{place}/unit"),
            &line.unit,
            1..=CODE_BYTES_MAX,
        );
        faults.extra(&format!("/lines/{place}/extra"), &line.extra);
        check_adjustments(&mut faults, &format!("/lines/{place}"), &line.adjustments);
        let is_credit = content.kind == InvoiceKind::CreditNote && content.corrects.is_some();
        faults.unless(
            line.takes_back.is_none() || is_credit,
            "wrong-type",
            &format!("/lines/{place}/takes_back"),
            "only a credit note of an invoice takes back lines",
        );
    }
    check_adjustments(&mut faults, "", &content.adjustments);
    faults.extra("/extra", &content.extra);
    if let Some(number) = &content.supplier_number {
        faults.line("/supplier-number", number, 1..=CODE_BYTES_MAX);
        let is_usable = content.flow == Flow::Payable && !normalised_number(number).is_empty();
        faults.unless(
            is_usable,
            "wrong-type",
            "/supplier-number",
            "a payable's number has letters or digits; a receivable has none",
        );
    }
    faults.unless(
        content.supplier_date.is_none() || content.flow == Flow::Payable,
        "wrong-type",
        "/supplier-date",
        "a receivable gets its date when it is issued",
    );
    let parts = [
        ("/prepaid", content.prepaid),
        ("/rounding", content.rounding),
    ];
    for (pointer, part) in parts {
        let (Some(currency), Some(part)) = (currency, part) else {
            continue;
        };
        match Money::from_decimal(part, currency) {
            Err(error) => faults.add("not-money", pointer, error.to_string()),
            Ok(amount) => faults.unless(
                pointer != "/rounding" || amount.minor.unsigned_abs() <= ROUNDING_MINOR_MAX,
                "out-of-range",
                pointer,
                format!("at most {ROUNDING_MINOR_MAX} of the currency's smallest unit, either way"),
            ),
        }
    }
    let is_paid_back = content.prepaid.is_some_and(Decimal::is_negative);
    faults.unless(!is_paid_back, "out-of-range", "/prepaid", "not negative");
    faults.result()?;
    currency.ok_or_else(|| Error::invalid("not-money", "/currency", "unknown currency"))
}

fn check_adjustments(faults: &mut Faults, pointer: &str, adjustments: &[Adjustment]) {
    for (place, adjustment) in adjustments.iter().enumerate() {
        let pointer = format!("{pointer}/adjustments/{place}");
        faults.text(
            &format!("{pointer}/reason"),
            &adjustment.reason,
            0..=DESCRIPTION_BYTES_MAX,
        );
        let message = "an allowance or charge is not negative";
        faults.unless(
            !adjustment.amount.is_negative(),
            "out-of-range",
            &format!("{pointer}/amount"),
            message,
        );
    }
}

pub(crate) fn totals_of(content: &InvoiceContent, currency: Currency) -> Result<Totals, Error> {
    let inputs = |adjustments: &[Adjustment]| -> Vec<AdjustmentInput> {
        let input = |it: &Adjustment| AdjustmentInput {
            is_charge: it.is_charge,
            amount: it.amount,
            tax: it.tax.clone(),
        };
        adjustments.iter().map(input).collect()
    };
    let lines: Vec<LineInput> = content
        .lines
        .iter()
        .map(|line| LineInput {
            quantity: line.quantity,
            unit_price: line.unit_price,
            adjustments: inputs(&line.adjustments),
            tax: line.tax.clone(),
        })
        .collect();
    let totals = compute(&lines, &inputs(&content.adjustments), currency)
        .map_err(|error| totals_fault(&error))?
        .settled_by(content.prepaid, content.rounding)
        .map_err(|error| Error::invalid("totals-invalid", "/prepaid", error.to_string()))?;
    if totals.payable().is_negative() && !totals.gross.is_negative() {
        let message = format!(
            "{} would be due: no more is paid in advance",
            totals.payable()
        );
        return Err(Error::invalid("negative-total", "/prepaid", message));
    }
    if totals.gross.is_negative() {
        let message = format!(
            "the total is {}: what goes the other way is a credit note",
            totals.gross
        );
        return Err(Error::invalid("negative-total", "/lines", message));
    }
    Ok(totals)
}

fn totals_fault(error: &TotalsError) -> Error {
    let place = match error {
        TotalsError::TooManyLines => Place::Document,
        TotalsError::TooManyAdjustments { place }
        | TotalsError::InvalidTax { place }
        | TotalsError::MixedTax { place }
        | TotalsError::OutOfRange { place, .. } => *place,
    };
    let pointer = match place {
        Place::Line(index) => format!("/lines/{index}"),
        Place::DocumentAdjustment(index) => format!("/adjustments/{index}"),
        Place::Document => String::new(),
    };
    Error::invalid("totals-invalid", &pointer, error.to_string())
}
