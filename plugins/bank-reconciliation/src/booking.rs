//! What a statement books, one movement of money at a time.
//!
//! An entry is one booking; a batch whose transactions state their amounts is one booking each. Knows statements, not
//! invoices. Entered through [`bookings`].

use bursar_sdk::Money;

use crate::camt::{BankCode, Direction, Entry, Side, Statement, Status, Transaction, short_digest};

/// Longest reference that is kept as the bank wrote it, in bytes.
const REFERENCE_BYTES_MAX: usize = 120;

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Names it for ever on its account.
    pub bank_reference: String,
    /// The whole entry, if this is a part of it.
    pub batch: Option<Batch>,
    /// The account it is on.
    pub account: String,
    /// Never below zero.
    pub amount: Money,
    /// In or out.
    pub direction: Direction,
    /// Booked or not.
    pub status: Status,
    /// It takes back an earlier one.
    pub is_return: bool,
    /// "YYYY-MM-DD"
    pub value_date: String,
    /// What kind of entry the bank says it is.
    pub code: BankCode,
    /// Everything else the bank says about it.
    pub details: Transaction,
}

/// The entry that a booking is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The entry's reference.
    pub bank_reference: String,
    /// The entry's amount.
    pub amount: Money,
}

/// All bookings of a statement, in order.
pub fn bookings(statement: &Statement) -> Vec<Booking> {
    statement
        .entries
        .iter()
        .flat_map(|entry| of_entry(&statement.account, entry))
        .collect()
}

fn of_entry(account: &str, entry: &Entry) -> Vec<Booking> {
    let reference = kept(&entry.bank_reference);
    if !is_itemised(entry) {
        let mut whole = booking(account, entry, reference, merged(entry));
        whole.is_return = entry.is_return();
        return vec![whole];
    }
    let parts = entry.transactions.iter().enumerate();
    parts
        .map(|(index, transaction)| {
            let part_reference = format!("{reference}/{}", index + 1);
            let mut part = booking(account, entry, part_reference, transaction.clone());
            part.batch = Some(Batch {
                bank_reference: reference.clone(),
                amount: entry.amount.clone(),
            });
            if let Some(amount) = &transaction.amount {
                part.amount = amount.clone();
            }
            part
        })
        .collect()
}

fn booking(account: &str, entry: &Entry, bank_reference: String, details: Transaction) -> Booking {
    Booking {
        bank_reference,
        batch: None,
        account: account.to_owned(),
        amount: entry.amount.clone(),
        direction: entry.direction,
        status: entry.status,
        is_return: entry.is_reversal || details.return_reason.is_some(),
        value_date: entry.value_date.clone(),
        code: entry.code.clone(),
        details,
    }
}

fn kept(reference: &str) -> String {
    if reference.len() > REFERENCE_BYTES_MAX {
        short_digest("long", &[reference])
    } else {
        reference.to_owned()
    }
}

/// Several transactions whose amounts are stated in the entry's currency and sum up to the entry.
fn is_itemised(entry: &Entry) -> bool {
    let mut amounts = entry.transactions.iter().map(|each| each.amount.as_ref());
    let zero = Money::new(0, &entry.amount.currency);
    let sum = amounts.try_fold(zero, |sum, amount| {
        sum.checked_add(amount.filter(|money| money.minor > 0)?)
    });
    entry.transactions.len() > 1 && sum.as_ref() == Some(&entry.amount)
}

/// The transactions of an entry that is booked as a whole, as one.
fn merged(entry: &Entry) -> Transaction {
    let mut details = match entry.transactions.as_slice() {
        [only] => only.clone(),
        several => of_several(several),
    };
    details.charges = details.charges.or_else(|| entry.charges.clone());
    if details.text.is_empty() && details.references.is_empty() {
        details.text.extend(entry.additional_text.clone());
    }
    details
}

/// Of several without amounts of their own only the references can be kept: whose money it is remains open.
fn of_several(transactions: &[Transaction]) -> Transaction {
    Transaction {
        references: transactions
            .iter()
            .flat_map(|each| each.references.clone())
            .collect(),
        text: transactions
            .iter()
            .flat_map(|each| each.text.clone())
            .collect(),
        return_reason: transactions
            .iter()
            .find_map(|each| each.return_reason.clone()),
        ..Transaction::default()
    }
}

impl Booking {
    /// The other side: who paid what came in, who got what went out.
    pub fn counterparty(&self) -> &Side {
        match self.direction {
            Direction::Credit => &self.details.debtor,
            Direction::Debit => &self.details.creditor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camt;

    fn of(details: &str) -> Vec<(String, String)> {
        let text = format!(
            "<Document><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>AT1</IBAN></Id></Acct><Ntry>\
             <Amt Ccy='EUR'>3.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><ValDt><Dt>2026-01-31</Dt></ValDt>\
             <AcctSvcrRef>B1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
        );
        let statements = camt::parse(text.as_bytes()).expect("the statement is well formed");
        let bookings = bookings(&statements[0]).into_iter();
        bookings
            .map(|each| (each.bank_reference, each.amount.to_string()))
            .collect()
    }

    fn one(reference: &str, amount: &str) -> (String, String) {
        (reference.to_owned(), amount.to_owned())
    }

    #[test]
    fn a_batch_with_amounts_is_one_booking_each() {
        let details = "<TxDtls><Amt Ccy='EUR'>1.00</Amt></TxDtls>\
                       <TxDtls><AmtDtls><TxAmt><Amt Ccy='EUR'>2.00</Amt></TxAmt></AmtDtls></TxDtls>";
        assert_eq!(
            of(details),
            [one("B1/1", "1.00 EUR"), one("B1/2", "2.00 EUR")]
        );
    }

    #[test]
    fn a_batch_whose_amounts_do_not_sum_up_is_one_booking() {
        let whole = [one("B1", "3.00 EUR")];
        assert_eq!(of("<TxDtls/><TxDtls/>"), whole);
        assert_eq!(
            of("<TxDtls><Amt Ccy='EUR'>1.00</Amt></TxDtls><TxDtls/>"),
            whole
        );
        let other_currency =
            "<TxDtls><Amt Ccy='USD'>1.00</Amt></TxDtls><TxDtls><Amt Ccy='EUR'>2.00</Amt></TxDtls>";
        assert_eq!(of(other_currency), whole);
    }

    #[test]
    fn a_single_transaction_takes_the_amount_of_its_entry() {
        assert_eq!(
            of("<TxDtls><Amt Ccy='SEK'>0</Amt></TxDtls>"),
            [one("B1", "3.00 EUR")]
        );
        assert_eq!(of(""), [one("B1", "3.00 EUR")]);
    }
}
