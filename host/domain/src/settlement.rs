//! The rules that hold between the images of invoices, payments and allocations, whatever was read before.
//!
//! Knows no clock, no lock date and no number series: those are the commit's. Entered by [`check_settlement`], and by
//! [`credit`] for what a credit note makes of its invoice.

use std::collections::BTreeMap;

use crate::{
    invoice::{Allocation, Credited, Invoice, InvoiceContent, InvoiceState, Payment, Settlement},
    money::Money,
    problem::Problem,
    totals::Totals,
};

/// INV-1, INV-3, INV-4 and INV-8 between the images of one proposal, whatever the run read before.
///
/// `invoices` and `payments` hold each touched row's images before and after; `allocations` are the new ones.
pub fn check_settlement(
    invoices: &BTreeMap<String, (Option<Invoice>, Invoice)>,
    payments: &BTreeMap<String, (Option<Payment>, Payment)>,
    allocations: &[Allocation],
) -> Result<(), Problem> {
    let mut notes = notes_by_invoice(invoices)?;
    for (id, (before, after)) in invoices {
        let settled = sum(allocations, |allocation| {
            allocation.invoice == *id
                || (allocation.settlement == Settlement::CreditNote && allocation.source == *id)
        });
        check_invoice(id, before.as_ref(), after, settled)?;
        let notes = notes.remove(id.as_str()).unwrap_or_default();
        check_credited(id, before.as_ref(), after, &notes)?;
    }
    for (id, (before, after)) in payments {
        let used = sum(allocations, |allocation| {
            allocation.settlement == Settlement::Payment && allocation.source == *id
        });
        check_payment(id, before.as_ref(), after, used)?;
    }
    let has_source = |allocation: &Allocation| match allocation.settlement {
        Settlement::Payment => payments.contains_key(&allocation.source),
        Settlement::CreditNote => invoices
            .get(&allocation.source)
            .is_some_and(|(_, note)| note.is_credit_note() && note.counts()),
        Settlement::WriteOff | Settlement::Opening => allocation.source.is_empty(),
    };
    allocations.iter().try_for_each(|allocation| {
        let is_settled = invoices
            .get(&allocation.invoice)
            .is_some_and(|(_, invoice)| !invoice.is_credit_note());
        if is_settled && has_source(allocation) {
            Ok(())
        } else {
            Err(Problem::new(
                "allocation-unbalanced",
                "an allocation changes its invoice and its payment",
            ))
        }
    })
}

/// Sum of some allocations; none if it is out of range.
fn sum(allocations: &[Allocation], of: impl Fn(&Allocation) -> bool) -> Option<i64> {
    allocations
        .iter()
        .filter(|allocation| of(allocation))
        .try_fold(0_i64, |sum, allocation| {
            sum.checked_add(allocation.amount.minor)
        })
}

fn check_invoice(
    id: &str,
    before: Option<&Invoice>,
    after: &Invoice,
    settled: Option<i64>,
) -> Result<(), Problem> {
    let opening = opening(id, before, after)?;
    let expected = settled.and_then(|sum| opening.checked_sub(sum));
    let allowed = 0..=after.totals.payable().minor.max(0);
    if expected == Some(after.outstanding.minor) && allowed.contains(&after.outstanding.minor) {
        return Ok(());
    }
    Err(Problem::new(
        "invoice-over-settled",
        format!("allocations of invoice {id} do not add up to its outstanding amount"),
    ))
}

/// What was open before this proposal's allocations.
fn opening(id: &str, before: Option<&Invoice>, after: &Invoice) -> Result<i64, Problem> {
    let payable = after.totals.payable().minor;
    let Some(before) = before else {
        return Ok(if after.state.is_owed() { payable } else { 0 });
    };
    if before.state != after.state && !before.state.leads_to(after.state) {
        return Err(Problem::new(
            "invoice-transition",
            format!(
                "invoice {id} cannot go from {:?} to {:?}",
                before.state, after.state
            ),
        ));
    }
    if before.state == InvoiceState::Draft {
        return Ok(if after.state.is_owed() { payable } else { 0 });
    }
    if !same_content(before, after) {
        return Err(Problem::new(
            "invoice-final",
            format!("the content of invoice {id} is final"),
        ));
    }
    if before.state != after.state && after.state == InvoiceState::Rejected {
        if before.outstanding == before.totals.payable() {
            return Ok(0);
        }
        return Err(Problem::new(
            "invoice-settled",
            format!("invoice {id} is settled in part: take that back first"),
        ));
    }
    Ok(before.outstanding.minor)
}

/// Credit notes that begin to count in this proposal, by the invoices that they correct.
fn notes_by_invoice(
    invoices: &BTreeMap<String, (Option<Invoice>, Invoice)>,
) -> Result<BTreeMap<&str, Vec<&Invoice>>, Problem> {
    let mut found: BTreeMap<&str, Vec<&Invoice>> = BTreeMap::new();
    for (id, (before, note)) in invoices {
        let counted = before.as_ref().is_some_and(Invoice::counts);
        let Some(corrected) = &note.content.corrects else {
            continue;
        };
        if counted || !note.counts() || !note.is_credit_note() {
            continue;
        }
        let is_its_own = invoices
            .get(corrected)
            .is_some_and(|(_, invoice)| note.content.may_correct(&invoice.content));
        if !is_its_own {
            return Err(Problem::new(
                "credit-unbalanced",
                format!("credit note {id} changes what invoice {corrected} was credited"),
            ));
        }
        found.entry(corrected).or_default().push(note);
    }
    Ok(found)
}

/// INV-3: what is credited is what the notes say, and never more than was invoiced.
fn check_credited(
    id: &str,
    before: Option<&Invoice>,
    after: &Invoice,
    notes: &[&Invoice],
) -> Result<(), Problem> {
    let mut expected = before.and_then(|before| before.credited.clone());
    for note in notes {
        let credited = credit(after, expected.as_ref(), &note.content, &note.totals)?;
        expected = Some(credited);
    }
    if expected == after.credited {
        return Ok(());
    }
    Err(Problem::new(
        "credit-unbalanced",
        format!("what was credited of invoice {id} is not what its credit notes say"),
    ))
}

/// What is credited of an invoice after one more credit note, of such content and totals: at most what was invoiced, per
/// line and in total (INV-3).
pub fn credit(
    invoice: &Invoice,
    credited: Option<&Credited>,
    note: &InvoiceContent,
    totals: &Totals,
) -> Result<Credited, Problem> {
    let nothing = Money::zero(invoice.totals.gross.currency);
    let mut credited = credited.cloned().unwrap_or_else(|| Credited {
        gross: nothing,
        line_nets: vec![nothing; invoice.totals.line_nets.len()],
    });
    let add = |sum: Money, more: Money| {
        sum.checked_add(more)
            .map_err(|error| Problem::new("over-credited", error.to_string()))
    };
    credited.gross = add(credited.gross, totals.gross)?;
    within(credited.gross, invoice.totals.gross, "the invoice")?;
    let nets = note.lines.iter().zip(&totals.line_nets);
    for (line, net) in nets {
        let Some(number) = line.takes_back else {
            continue;
        };
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let found = place.and_then(|place| {
            let invoiced = invoice.totals.line_nets.get(place)?;
            Some((credited.line_nets.get_mut(place)?, *invoiced))
        });
        let (sum, invoiced) = found.ok_or_else(|| {
            Problem::new(
                "unknown-line",
                format!("the corrected invoice has no line {number}"),
            )
        })?;
        within(*net, invoiced, &format!("line {number}"))?;
        *sum = add(*sum, *net)?;
        within(*sum, invoiced, &format!("line {number}"))?;
    }
    Ok(credited)
}

/// A line that was invoiced below zero is credited below zero.
fn within(credited: Money, invoiced: Money, what: &str) -> Result<(), Problem> {
    let range = invoiced.minor.min(0)..=invoiced.minor.max(0);
    if range.contains(&credited.minor) {
        return Ok(());
    }
    Err(Problem::new(
        "over-credited",
        format!("{credited} would be credited of {what}, and {invoiced} was invoiced"),
    ))
}

fn check_payment(
    id: &str,
    before: Option<&Payment>,
    after: &Payment,
    used: Option<i64>,
) -> Result<(), Problem> {
    let fixed = |before: &Payment| Payment {
        unallocated: before.unallocated,
        reversed_by: before.reversed_by.clone(),
        ..after.clone()
    };
    if before.is_some_and(|before| fixed(before) != *before) {
        return Err(Problem::new(
            "payment-final",
            format!("payment {id} is final: reverse it"),
        ));
    }
    if after.reverses.is_some() || after.reversed_by.is_some() {
        if after.unallocated.minor == 0 {
            return Ok(());
        }
        return Err(Problem::new(
            "payment-reversed",
            format!("payment {id} is reversed: nothing of it can be allocated"),
        ));
    }
    let opening = before.map_or(after.amount.minor, |before| before.unallocated.minor);
    let expected = used.and_then(|sum| opening.checked_sub(sum));
    let allowed = 0..=after.amount.minor;
    if expected == Some(after.unallocated.minor) && allowed.contains(&after.unallocated.minor) {
        return Ok(());
    }
    Err(Problem::new(
        "payment-over-allocated",
        format!("allocations of payment {id} do not add up to its unallocated amount"),
    ))
}

fn same_content(before: &Invoice, after: &Invoice) -> bool {
    // When it began to count is decided when it does.
    let begins = !before.counts() && after.counts();
    Invoice {
        posted_on: if begins {
            before.posted_on
        } else {
            after.posted_on
        },
        state: before.state,
        outstanding: before.outstanding,
        dunning_level: before.dunning_level,
        credited: before.credited.clone(),
        ..after.clone()
    } == *before
}
