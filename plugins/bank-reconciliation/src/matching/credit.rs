//! Money that came in.

use bursar_sdk::Money;

use super::{Decision, Invoice, Ledger, Outcome, Payer, Rules, Settlement, WriteOff};
use crate::booking::Booking;

/// What an incoming booking pays: by what it names, else by its amount and payer.
pub fn incoming(booking: &Booking, ledger: &Ledger, rules: &Rules) -> Decision {
    let details = &booking.details;
    let named = ledger.names().read(&details.references, &details.text);
    let payer = ledger.payer(booking);
    let invoices: Vec<&Invoice> = named
        .known
        .iter()
        .map(|&place| &ledger.invoices[place])
        .collect();
    if named.is_ambiguous {
        return Decision::new(
            Outcome::Ambiguous,
            "its text can be read as more than one invoice",
        )
        .recorded(booking, payer.party())
        .asked(booking, &invoices);
    }
    if let Some(reason) = contradiction(&named.unknown, &invoices, &payer) {
        return wrong_reference(booking, ledger, &payer, &invoices, reason);
    }
    match invoices.as_slice() {
        [] => by_amount(booking, ledger, &payer),
        named => by_reference(booking, rules, &payer, named),
    }
}

/// Why the named invoices cannot be what is paid.
fn contradiction(unknown: &[String], invoices: &[&Invoice], payer: &Payer) -> Option<String> {
    if let [first, ..] = unknown {
        return Some(format!("it names {first}, which is no open invoice"));
    }
    if let Some(paid) = invoices.iter().find(|invoice| !invoice.is_open()) {
        return Some(format!("it names {}, which is paid", paid.number));
    }
    let Payer::ByAccount(party) = payer else {
        return None;
    };
    let other = invoices.iter().find(|invoice| invoice.party != *party)?;
    Some(format!(
        "it names {} of {}, but comes from another party's account",
        other.number, other.party_name
    ))
}

/// Recorded, never allocated: what fits the payer is only proposed.
fn wrong_reference(
    booking: &Booking,
    ledger: &Ledger,
    payer: &Payer,
    named: &[&Invoice],
    reason: String,
) -> Decision {
    let mut candidates = match payer.party() {
        Some(party) => ledger.open_of(party, &booking.amount.currency),
        None => Vec::new(),
    };
    if candidates
        .iter()
        .any(|invoice| invoice.outstanding == booking.amount)
    {
        candidates.retain(|invoice| invoice.outstanding == booking.amount);
    }
    let open = named.iter().filter(|invoice| invoice.is_open());
    for invoice in open {
        if candidates.iter().all(|known| known.id != invoice.id) {
            candidates.push(invoice);
        }
    }
    Decision::new(Outcome::WrongReference, reason)
        .recorded(booking, payer.party())
        .asked(booking, &candidates)
}

fn by_reference(booking: &Booking, rules: &Rules, payer: &Payer, named: &[&Invoice]) -> Decision {
    let party = named[0].party.as_str();
    if named.iter().any(|invoice| invoice.party != party) {
        return Decision::new(
            Outcome::Ambiguous,
            "it names invoices of more than one party",
        )
        .recorded(booking, payer.party())
        .asked(booking, named);
    }
    let currency = &booking.amount.currency;
    if named
        .iter()
        .any(|invoice| invoice.outstanding.currency != *currency)
    {
        return foreign(booking, party, named);
    }
    match named {
        [only] => one(booking, rules, only),
        several => all_of(booking, party, several),
    }
}

/// The payment of one named invoice: in full, too much, or less for a reason that is told from the entry.
fn one(booking: &Booking, rules: &Rules, invoice: &Invoice) -> Decision {
    let rest = invoice.outstanding.minor - booking.amount.minor;
    let short = Money::new(rest, &booking.amount.currency);
    let number = &invoice.number;
    if rest < 0 {
        return over(booking, &[invoice], &Money::new(-rest, short.currency));
    }
    let (outcome, reason) = if rest == 0 {
        (Outcome::Matched, format!("it pays {number}"))
    } else if booking.details.charges.as_ref() == Some(&short) {
        let reason = format!("it pays {number} but for {short} that banks took on the way");
        (Outcome::BankFeeDeducted, reason)
    } else if is_discount(booking, rules, invoice, rest) {
        let reason = format!("it pays {number} but for a cash discount of {short}");
        (Outcome::CashDiscount, reason)
    } else {
        (
            Outcome::Part,
            format!("it pays a part of {number}; {short} stay open"),
        )
    };
    let mut decision = Decision::new(outcome, reason).recorded(booking, Some(&invoice.party));
    decision.allocations = vec![invoice.part(booking.amount.clone())];
    let write_off_reason = match outcome {
        Outcome::BankFeeDeducted => "bank-fee",
        Outcome::CashDiscount => "cash-discount",
        _ => return decision,
    };
    decision.write_offs.push(WriteOff {
        settlement: invoice.part(short),
        reason: write_off_reason,
    });
    decision
}

fn is_discount(booking: &Booking, rules: &Rules, invoice: &Invoice, rest: i64) -> bool {
    let Some(issued) = invoice.issue_date.as_deref().and_then(day_number) else {
        return false;
    };
    let Some(paid) = day_number(&booking.value_date) else {
        return false;
    };
    paid - issued <= i64::from(rules.cash_discount_days)
        && rest <= rules.cash_discount_max.of(invoice.gross.minor)
}

/// Several named invoices are paid together or not at all: which one a shortage is meant for is a person's matter.
fn all_of(booking: &Booking, party: &str, invoices: &[&Invoice]) -> Decision {
    let open = sum(invoices);
    let paid = i128::from(booking.amount.minor);
    if paid < open {
        let reason = format!(
            "it names {} invoices and is less than their sum",
            invoices.len()
        );
        return Decision::new(Outcome::Ambiguous, reason)
            .recorded(booking, Some(party))
            .asked(booking, invoices);
    }
    if let Ok(rest) = i64::try_from(paid - open)
        && rest > 0
    {
        return over(
            booking,
            invoices,
            &Money::new(rest, &booking.amount.currency),
        );
    }
    let reason = format!("it pays {} invoices", invoices.len());
    let mut decision = Decision::new(Outcome::Several, reason).recorded(booking, Some(party));
    decision.allocations = in_full(invoices);
    decision
}

fn over(booking: &Booking, invoices: &[&Invoice], rest: &Money) -> Decision {
    let reason = format!("it is {rest} more than is open; that stays unapplied");
    let mut decision = Decision::new(Outcome::Over, reason);
    decision = decision.recorded(booking, Some(&invoices[0].party));
    decision.allocations = in_full(invoices);
    decision.asked(booking, &[])
}

fn foreign(booking: &Booking, party: &str, invoices: &[&Invoice]) -> Decision {
    let numbers: Vec<String> = invoices
        .iter()
        .map(|invoice| format!("{} ({})", invoice.number, invoice.outstanding))
        .collect();
    let ordered = match &booking.details.instructed {
        Some(instructed) => format!(", ordered as {instructed}"),
        None => String::new(),
    };
    let reason = format!(
        "it pays {} in another currency: {}{ordered}",
        numbers.join(", "),
        booking.amount
    );
    Decision::new(Outcome::Foreign, reason)
        .recorded(booking, Some(party))
        .asked(booking, invoices)
}

/// Without a reference only the one party's one invoice of that amount, or all it owes, is taken as meant.
fn by_amount(booking: &Booking, ledger: &Ledger, payer: &Payer) -> Decision {
    let Some(party) = payer.party() else {
        return of_nobody(booking, ledger, payer);
    };
    let open = ledger.open_of(party, &booking.amount.currency);
    let exact: Vec<&Invoice> = open
        .iter()
        .filter(|invoice| invoice.outstanding == booking.amount)
        .copied()
        .collect();
    match exact.as_slice() {
        [only] => {
            let reason = format!(
                "it names nothing; amount and payer fit {} alone",
                only.number
            );
            let mut decision =
                Decision::new(Outcome::Matched, reason).recorded(booking, Some(party));
            decision.allocations = in_full(&exact);
            decision
        }
        [] if open.len() > 1 && sum(&open) == i128::from(booking.amount.minor) => {
            let reason = format!(
                "it names nothing; it is all that {} owes",
                open[0].party_name
            );
            let mut decision =
                Decision::new(Outcome::Several, reason).recorded(booking, Some(party));
            decision.allocations = in_full(&open);
            decision
        }
        [] => of_no_amount(booking, ledger, party, &open),
        several => Decision::new(
            Outcome::Ambiguous,
            "several open invoices of the payer have this amount",
        )
        .recorded(booking, Some(party))
        .asked(booking, several),
    }
}

/// The payer is known but no invoice has this amount, unless the amount that was ordered fits one.
fn of_no_amount(booking: &Booking, ledger: &Ledger, party: &str, open: &[&Invoice]) -> Decision {
    if let Some(instructed) = &booking.details.instructed
        && instructed.currency != booking.amount.currency
    {
        let mut fitting = ledger.open_of(party, &instructed.currency);
        fitting.retain(|invoice| invoice.outstanding == *instructed);
        if !fitting.is_empty() {
            return foreign(booking, party, &fitting);
        }
    }
    Decision::new(
        Outcome::Unmatched,
        "no open invoice of the payer has this amount",
    )
    .recorded(booking, Some(party))
    .asked(booking, open)
}

fn of_nobody(booking: &Booking, ledger: &Ledger, payer: &Payer) -> Decision {
    let candidates = ledger.open_at(&booking.amount);
    let who = match payer {
        Payer::Several => "more than one party fits the payer",
        _ => "the payer is not known",
    };
    let (outcome, reason) = match candidates.len() {
        0 => (
            Outcome::Unmatched,
            format!("{who}, and no open invoice has this amount"),
        ),
        1 => (
            Outcome::Unmatched,
            format!("{who}; only the amount fits an invoice"),
        ),
        count => (
            Outcome::Ambiguous,
            format!("{who}; {count} open invoices have this amount"),
        ),
    };
    Decision::new(outcome, reason)
        .recorded(booking, None)
        .asked(booking, &candidates)
}

fn in_full(invoices: &[&Invoice]) -> Vec<Settlement> {
    let full = invoices
        .iter()
        .map(|invoice| invoice.part(invoice.outstanding.clone()));
    full.collect()
}

fn sum(invoices: &[&Invoice]) -> i128 {
    invoices
        .iter()
        .map(|invoice| i128::from(invoice.outstanding.minor))
        .sum()
}

impl Invoice {
    fn part(&self, amount: Money) -> Settlement {
        Settlement {
            invoice: self.id.clone(),
            number: self.number.clone(),
            amount,
        }
    }
}

/// Days since 0000-03-01 of a date "YYYY-MM-DD", by the Gregorian calendar.
fn day_number(date: &str) -> Option<i64> {
    let year: i64 = date.get(..4)?.parse().ok()?;
    let month: i64 = date.get(5..7)?.parse().ok()?;
    let day: i64 = date.get(8..10)?.parse().ok()?;
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(365 * year + leap_days + (153 * month + 2) / 5 + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_months_and_leap_years() {
        let check = |from, to, expected| {
            let number = |date| day_number(date).expect("the text is a date");
            assert_eq!(number(to) - number(from), expected, "{from} {to}");
        };
        check("2026-01-31", "2026-02-01", 1);
        check("2026-02-28", "2026-03-01", 1);
        check("2024-02-28", "2024-03-01", 2);
        check("1999-12-31", "2000-12-31", 366);
        check("2026-03-14", "2026-03-14", 0);
    }
}
