//! camt.053 bank statements (ISO 20022, versions 001.02 and later): bytes in, statements out.
//!
//! Says what the bank wrote, exactly or not at all; what it means for invoices is `matching`'s. Entered through [`parse`].

mod entry;

use bursar_sdk::Money;
use foreign_xml::{Dialect, Element, Outline, Step};

pub use entry::{
    BankCode, Direction, Entry, Side, Status, Transaction, day_of, fallback_references, one_line,
    short_digest,
};

/// Most entries of one message.
pub const ENTRIES_MAX: usize = 20_000;
/// The attribute of an amount: its currency.
const CURRENCY: &str = "Ccy";
/// Whatever the version and the bank's envelope, elements go by their names.
const DIALECT: Dialect = Dialect {
    namespaces: &[],
    attributes: &[CURRENCY],
};

/// Why a document is no statement. Each has a stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It ends before its last element does.
    #[error("the statement is cut off: it ends in the middle of an element")]
    Truncated,
    /// It declares a document type or uses an entity of its own.
    #[error("the statement declares a document type or uses entities, which no bank needs")]
    HasEntities,
    /// It is no well-formed XML.
    #[error("the document is not XML: {0}")]
    NotXml(String),
    /// It is XML of another kind.
    #[error("the document is XML but no camt.053 statement")]
    NotCamt053,
    /// Its bytes are not the UTF-8 they should be.
    #[error("the statement is not valid UTF-8 and declares no other encoding")]
    NotUtf8,
    /// It declares an encoding that is not supported.
    #[error("the statement's encoding {0} is not supported")]
    Encoding(String),
    /// It is beyond a limit.
    #[error("the statement is too large: {0}")]
    TooLarge(&'static str),
    /// An amount is missing, malformed, negative or finer than its currency's minor unit.
    #[error("the amount {text:?} in {place} cannot be read exactly: {reason}")]
    Amount {
        /// Which element it is in.
        place: &'static str,
        /// As the bank wrote it.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A part that every statement has is missing or unreadable.
    #[error("the statement has no readable {0}")]
    Field(&'static str),
}

impl StatementError {
    /// The stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "statement-truncated",
            Self::HasEntities => "statement-has-entities",
            Self::NotXml(_) => "statement-not-xml",
            Self::NotCamt053 => "statement-not-camt053",
            Self::NotUtf8 => "statement-not-utf8",
            Self::Encoding(_) => "statement-encoding-unknown",
            Self::TooLarge(_) => "statement-too-large",
            Self::Amount { .. } => "statement-amount-unreadable",
            Self::Field(_) => "statement-field-missing",
        }
    }
}

impl From<foreign_xml::Refusal> for StatementError {
    fn from(refusal: foreign_xml::Refusal) -> Self {
        use foreign_xml::Refusal;
        match refusal {
            Refusal::Truncated => Self::Truncated,
            Refusal::HasEntities => Self::HasEntities,
            Refusal::NotXml(why) => Self::NotXml(why),
            Refusal::NotUtf8 => Self::NotUtf8,
            Refusal::Encoding(name) => Self::Encoding(name),
            Refusal::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// One statement of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The bank's name for it.
    pub id: String,
    /// IBAN without spaces, or the bank's other account number.
    pub account: String,
    /// The account's currency, if it can be told.
    pub currency: Option<String>,
    /// Booked balance before the first entry; below zero if overdrawn.
    pub opening: Option<Money>,
    /// Booked balance after the last entry.
    pub closing: Option<Money>,
    /// In the bank's order.
    pub entries: Vec<Entry>,
}

/// Reads all statements of a message.
pub fn parse(bytes: &[u8]) -> Result<Vec<Statement>, StatementError> {
    let text = foreign_xml::decode(bytes)?;
    let mut outline = Outline::new(&text, DIALECT)?;
    let mut statements = Vec::new();
    let mut entries = 0;
    let mut is_camt053 = false;
    loop {
        match outline.step()? {
            Step::Open(name) if name == "BkToCstmrStmt" => is_camt053 = true,
            Step::Open(name) if name == "Stmt" && is_camt053 => {
                let statement = statement(&mut outline, &mut entries)?;
                statements.push(statement);
            }
            Step::Open(_) | Step::Close => {}
            Step::End => break,
        }
    }
    if statements.is_empty() {
        return Err(StatementError::NotCamt053);
    }
    Ok(statements)
}

fn statement(outline: &mut Outline<'_>, entries: &mut usize) -> Result<Statement, StatementError> {
    let mut header = Header::default();
    let mut booked = Vec::new();
    while let Step::Open(name) = outline.step()? {
        let element = outline.element()?;
        match name.as_str() {
            "Id" => header.id = element.own_text().map(one_line),
            "CreDtTm" => header.created = element.own_text().and_then(day_of),
            "Acct" => header.read_account(&element),
            "Bal" => header.read_balance(&element)?,
            "Ntry" => {
                *entries += 1;
                if *entries > ENTRIES_MAX {
                    return Err(StatementError::TooLarge("more than 20,000 entries"));
                }
                booked.push(entry::read(&element, header.created.as_deref())?);
            }
            _ => {}
        }
    }
    header.finish(booked)
}

#[derive(Default)]
struct Header {
    id: Option<String>,
    created: Option<String>,
    account: Option<String>,
    currency: Option<String>,
    opening: Option<Money>,
    previous_closing: Option<Money>,
    closing: Option<Money>,
}

impl Header {
    fn read_account(&mut self, account: &Element) {
        let number = account
            .text("Id/IBAN")
            .or_else(|| account.text("Id/Othr/Id"));
        let number = number.or_else(|| account.text("Id/PrtryAcct/Id"));
        self.account = number.map(compact_account).map(|number| one_line(&number));
        self.currency = account.text("Ccy").map(str::to_owned);
    }

    fn read_balance(&mut self, balance: &Element) -> Result<(), StatementError> {
        let place = match balance.text("Tp/CdOrPrtry/Cd") {
            Some("OPBD") => &mut self.opening,
            Some("PRCD") => &mut self.previous_closing,
            Some("CLBD") => &mut self.closing,
            _ => return Ok(()),
        };
        let amount = amount(balance.find("Amt"), "Bal/Amt")?;
        let sign = match balance.text("CdtDbtInd") {
            Some("DBIT") => -1,
            _ => 1,
        };
        *place = Some(Money::new(sign * amount.minor, amount.currency));
        Ok(())
    }

    fn finish(self, entries: Vec<Entry>) -> Result<Statement, StatementError> {
        let account = self.account.ok_or(StatementError::Field("account"))?;
        let opening = self.opening.or(self.previous_closing);
        let first_amount = opening
            .as_ref()
            .or(entries.first().map(|entry| &entry.amount));
        let currency = self
            .currency
            .or_else(|| first_amount.map(|amount| amount.currency.clone()));
        let mut statement = Statement {
            id: self.id.unwrap_or_else(|| "without id".into()),
            account,
            currency,
            opening,
            closing: self.closing,
            entries,
        };
        fallback_references(&statement.account, &mut statement.entries);
        Ok(statement)
    }
}

/// An account number as it is compared: capital letters, no spaces.
pub fn compact_account(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .collect::<String>()
        .to_uppercase()
}

fn amount(element: Option<&Element>, place: &'static str) -> Result<Money, StatementError> {
    let text = element.and_then(Element::own_text).unwrap_or_default();
    let currency = element.and_then(|element| element.attribute(CURRENCY));
    Money::from_decimal(&plain(text), currency.unwrap_or_default())
        .map_err(|reason| reason.to_string())
        .and_then(|money| match money.minor {
            0.. => Ok(money),
            _ => Err("below zero".to_owned()),
        })
        .map_err(|reason| StatementError::Amount {
            place,
            text: text.to_owned(),
            reason,
        })
}

/// XML Schema writes decimals as "+1.10", "1." and ".50" too.
fn plain(text: &str) -> String {
    let text = text.strip_prefix('+').unwrap_or(text);
    let text = text.strip_suffix('.').unwrap_or(text);
    match text.strip_prefix('.') {
        Some(fraction) => format!("0.{fraction}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
