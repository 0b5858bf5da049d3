//! Questions to people about a supplier's invoice: what is wrong or unknown, and the answers there are.

use bursar_sdk::Money;

use crate::einvoice::{Fault, Invoice, cut};
use crate::recompute::Deviation;
use crate::supplier::{Means, Party};

/// Longest title, in bytes.
const LINE_BYTES_MAX: usize = 200;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Most reasons that are listed.
const REASONS_MAX: usize = 50;

/// A question with its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Names the question among those about one document.
    pub kind: &'static str,
    /// One line.
    pub title: String,
    /// What is known.
    pub text: String,
    /// Value, label, and whether words are needed.
    pub choices: Vec<(&'static str, &'static str, Words)>,
}

/// Whether an answer says something of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// The choice says it all.
    None,
    /// The choice needs words.
    Needed,
}

const ANOTHER: (&str, &str, Words) = ("other", "Something else", Words::Needed);

fn question(
    kind: &'static str,
    title: &str,
    invoice: &Invoice,
    lines: Vec<String>,
    choices: Vec<(&'static str, &'static str, Words)>,
) -> Question {
    let mut text = vec![summary(invoice)];
    text.extend(lines);
    Question {
        kind,
        title: cut(&format!("{title}: {}", named(invoice)), LINE_BYTES_MAX).to_owned(),
        text: cut(&text.join("\n"), TEXT_BYTES_MAX).to_owned(),
        choices,
    }
}

fn named(invoice: &Invoice) -> String {
    let name = invoice.seller.names.first();
    let name = name.map_or("a supplier without a name", String::as_str);
    format!("{} of {name}", invoice.number)
}

fn summary(invoice: &Invoice) -> String {
    let seller = &invoice.seller;
    let ids: Vec<&str> = [
        &seller.vat_ids,
        &seller.tax_registrations,
        &seller.company_ids,
    ]
    .into_iter()
    .flatten()
    .map(String::as_str)
    .collect();
    format!(
        "{}, dated {}, ids {}, accounts {}: {} {} with tax, {} due by {}.",
        named(invoice),
        invoice.issue_date.as_deref().unwrap_or("no day"),
        or_none(&ids.join(", ")),
        or_none(&invoice.accounts.join(", ")),
        invoice.totals.gross.text,
        invoice.currency,
        invoice.totals.due.text,
        invoice.due_date.as_deref().unwrap_or("no date named"),
    )
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// Nobody on record is the sender.
pub fn unknown_supplier(invoice: &Invoice) -> Question {
    let lines = vec![
        "Nobody among the parties has this VAT id, company id, bank account or name. Nothing was booked.".to_owned(),
    ];
    let choices = vec![
        (
            "recorded",
            "The supplier is on record now: take it in",
            Words::None,
        ),
        ("refused", "Not for us", Words::Needed),
    ];
    question(
        "supplier",
        "Invoice of an unknown supplier",
        invoice,
        lines,
        choices,
    )
}

/// Several on record could be the sender.
pub fn ambiguous_supplier(invoice: &Invoice, means: Means) -> Question {
    let lines = vec![format!(
        "Several parties have the {} of this invoice. Nothing was booked.",
        means.word()
    )];
    let choices = vec![
        (
            "recorded",
            "The parties are put right: take it in",
            Words::None,
        ),
        ANOTHER,
    ];
    question(
        "supplier",
        "Invoice of a supplier recorded twice",
        invoice,
        lines,
        choices,
    )
}

/// It lacks something, or does not add up.
pub fn broken(invoice: &Invoice, faults: &[Fault]) -> Question {
    let mut lines = vec!["Nothing was booked, because:".to_owned()];
    let listed = &faults[..faults.len().min(REASONS_MAX)];
    lines.extend(listed.iter().map(|fault| {
        let reason = format!("{}, {}: {}", fault.place, fault.term, fault.message);
        cut(&reason, LINE_BYTES_MAX).to_owned()
    }));
    if listed.len() < faults.len() {
        lines.push(format!(
            "… and {} reasons more.",
            faults.len() - listed.len()
        ));
    }
    let choices = vec![
        ("replaced", "The supplier will send another", Words::None),
        ("by-hand", "It is taken in by hand", Words::None),
        ANOTHER,
    ];
    question(
        "broken",
        "Invoice that cannot be taken in",
        invoice,
        lines,
        choices,
    )
}

/// The books have an invoice of that number, and it is another.
pub fn number_taken(invoice: &Invoice, reason: &str) -> Question {
    let lines = vec![format!(
        "The books have an invoice of this supplier and number: {reason}. Nothing was booked."
    )];
    let choices = vec![
        ("same", "It is the same one again", Words::None),
        ("by-hand", "It is taken in by hand", Words::None),
        ANOTHER,
    ];
    question(
        "number",
        "Invoice with a number that is taken",
        invoice,
        lines,
        choices,
    )
}

/// The books have an invoice whose number differs only in blanks, case or punctuation.
pub fn number_alike(invoice: &Invoice) -> Question {
    let lines = vec![
        "The books have an invoice of this supplier whose number differs from this one only in how it is written. \
         Nothing was booked."
            .to_owned(),
    ];
    let choices = vec![
        ("same", "It is the same one again", Words::None),
        ("by-hand", "It is taken in by hand", Words::None),
        ANOTHER,
    ];
    question(
        "number",
        "Invoice with a number that is taken in another spelling",
        invoice,
        lines,
        choices,
    )
}

/// It was taken in before with another content, and the books have it no more under this number.
pub fn taken_in_before(invoice: &Invoice) -> Question {
    let lines = vec![
        "An invoice of this supplier and number was taken in before with other figures or from another file, and is no \
         longer in the books under this number. Nothing was booked."
            .to_owned(),
    ];
    let choices = vec![
        ("by-hand", "It is taken in by hand", Words::None),
        ("refused", "It is not owed", Words::Needed),
        ANOTHER,
    ];
    question(
        "again",
        "Invoice that was taken in and is gone",
        invoice,
        lines,
        choices,
    )
}

/// The host refuses it.
pub fn refused(invoice: &Invoice, reason: &str) -> Question {
    let lines = vec![format!(
        "The books refuse it: {reason}. Nothing was booked."
    )];
    let choices = vec![("by-hand", "It is taken in by hand", Words::None), ANOTHER];
    question(
        "refused",
        "Invoice that the books refuse",
        invoice,
        lines,
        choices,
    )
}

/// Lines whose net is not quantity times price.
pub fn other_line_nets(invoice: &Invoice, deviations: &[&Deviation]) -> Question {
    let mut lines = vec!["It is taken in with the supplier's own line totals, which do not follow from quantity and price:".to_owned()];
    lines.extend(deviations.iter().take(REASONS_MAX).map(|it| {
        let reason = format!("{}: {} is stated, {} follows", it.place, it.theirs, it.ours);
        cut(&reason, LINE_BYTES_MAX).to_owned()
    }));
    if deviations.len() > REASONS_MAX {
        lines.push(format!(
            "… and {} lines more.",
            deviations.len() - REASONS_MAX
        ));
    }
    let choices = vec![
        ("right", "The line totals are right", Words::None),
        ("wrong", "The supplier will send another", Words::None),
        ANOTHER,
    ];
    question(
        "lines",
        "Invoice with doubtful lines",
        invoice,
        lines,
        choices,
    )
}

/// What is asked for is not what the books have open.
pub fn other_amount_due(invoice: &Invoice, due: &Money, open: &Money) -> Question {
    let totals = &invoice.totals;
    let text = |figure: &Option<crate::einvoice::Figure>| {
        figure
            .as_ref()
            .map_or("none".to_owned(), |it| it.text.clone())
    };
    let lines = vec![
        format!("It is taken in. The supplier asks for {due}; the books have {open}."),
        format!(
            "Paid before: {}. Rounding: {}.",
            text(&totals.prepaid),
            text(&totals.rounding)
        ),
    ];
    let choices = vec![
        ("due", "Pay what the supplier asks for", Words::None),
        ("open", "Pay what the books have", Words::None),
        ANOTHER,
    ];
    question(
        "due",
        "Invoice with another amount due",
        invoice,
        lines,
        choices,
    )
}

/// The books have one of the same amount and date under another number.
pub fn similar(invoice: &Invoice) -> Question {
    let lines = vec![
        "It is taken in. The books have another invoice of this supplier with the same total and nearly the same due date."
            .to_owned(),
    ];
    let choices = vec![
        ("both", "Both are owed", Words::None),
        ("twice", "It was sent twice", Words::Needed),
    ];
    question(
        "similar",
        "Invoice that may be there already",
        invoice,
        lines,
        choices,
    )
}

/// The money is to go to an account that the supplier is not known to have.
pub fn other_account(invoice: &Invoice, party: &Party) -> Question {
    let lines = vec![
        format!(
            "It is taken in. The accounts of {} on record: {}.",
            party.name,
            party.accounts.join(", ")
        ),
        "Ask the supplier on a way that is known already, not by what this invoice says."
            .to_owned(),
    ];
    let choices = vec![
        (
            "confirmed",
            "The supplier has confirmed the account",
            Words::None,
        ),
        ("wrong", "The account is wrong", Words::Needed),
    ];
    question(
        "account",
        "Invoice to be paid to an unknown account",
        invoice,
        lines,
        choices,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(place: &str) -> Fault {
        Fault {
            term: "BT-131",
            place: place.to_owned(),
            message: "5 is stated, 4 follows from the other figures".to_owned(),
        }
    }

    #[test]
    fn every_reason_is_listed_with_its_place_up_to_a_limit() {
        let mut faults = vec![fault("line 7")];
        let question = broken(&Invoice::default(), &faults);
        let reason = "line 7, BT-131: 5 is stated, 4 follows from the other figures";
        assert!(
            question.text.lines().any(|line| line == reason),
            "{}",
            question.text
        );
        faults.resize(REASONS_MAX + 3, fault("line 8"));
        let question = broken(&Invoice::default(), &faults);
        assert!(
            question.text.ends_with("… and 3 reasons more."),
            "{}",
            question.text
        );
    }

    #[test]
    fn titles_and_texts_stay_within_what_the_host_takes() {
        let invoice = Invoice {
            number: "ä".repeat(3000),
            accounts: vec!["ö".repeat(2000); 20],
            ..Invoice::default()
        };
        let question = refused(&invoice, &"x".repeat(100_000));
        assert!((1..=LINE_BYTES_MAX).contains(&question.title.len()));
        assert!(question.text.len() <= TEXT_BYTES_MAX);
    }
}
