//! One entry of a statement and the transactions in it.

use std::collections::BTreeMap;

use bursar_sdk::Money;
use foreign_xml::Element;
use sha2::{Digest, Sha256};

use super::{StatementError, amount, compact_account};

/// Which way the money went, seen from the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came in.
    Credit,
    /// It went out.
    Debit,
}

/// Whether the bank has booked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It counts.
    Booked,
    /// Expected, informational or of a kind that nobody knows: it does not count.
    NotBooked,
}

/// The bank's classification: ISO domain, family, sub-family, and its own code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankCode {
    /// Such as "PMNT".
    pub domain: String,
    /// Such as "RCDT".
    pub family: String,
    /// Such as "ESCT".
    pub sub_family: String,
    /// Outside the ISO list.
    pub proprietary: String,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bank's own reference, or one made from the content where the bank gives none.
    pub bank_reference: String,
    /// Never below zero; `direction` has the sign.
    pub amount: Money,
    /// In or out.
    pub direction: Direction,
    /// It takes back an earlier entry of the other direction.
    pub is_reversal: bool,
    /// Booked or not.
    pub status: Status,
    /// "YYYY-MM-DD"
    pub booking_date: String,
    /// "YYYY-MM-DD"
    pub value_date: String,
    /// What kind of entry the bank says it is.
    pub code: BankCode,
    /// Charges stated for the entry as a whole.
    pub charges: Option<Money>,
    /// Free text of the bank.
    pub additional_text: Option<String>,
    /// What the entry is made of; often one, none on bare entries.
    pub transactions: Vec<Transaction>,
}

impl Entry {
    /// Whether it takes back an earlier entry, by the bank's mark or by a reason of return.
    pub fn is_return(&self) -> bool {
        self.is_reversal
            || self
                .transactions
                .iter()
                .any(|each| each.return_reason.is_some())
    }
}

/// A party's name and account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// As the bank wrote it.
    pub name: Option<String>,
    /// IBAN or other number, without spaces.
    pub account: Option<String>,
}

/// One transaction of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The bank's reference of this transaction.
    pub bank_reference: Option<String>,
    /// The payer's reference, none if "NOTPROVIDED".
    pub end_to_end_id: Option<String>,
    /// The mandate of a direct debit.
    pub mandate_id: Option<String>,
    /// Its part of the entry, if stated.
    pub amount: Option<Money>,
    /// What the payer ordered, if stated.
    pub instructed: Option<Money>,
    /// Charges taken out of the amount.
    pub charges: Option<Money>,
    /// Structured creditor references.
    pub references: Vec<String>,
    /// Remittance lines and referred documents, in order.
    pub text: Vec<String>,
    /// Who paid.
    pub debtor: Side,
    /// Who was paid.
    pub creditor: Side,
    /// For whom the debtor paid.
    pub ultimate_debtor: Option<String>,
    /// Why it came back, as the bank's code or words; none for what did not come back.
    pub return_reason: Option<String>,
}

/// Longest text kept, in characters; the longest the format has is 500.
const TEXT_LENGTH_MAX: usize = 500;

/// Texts that stand for "no reference".
const NO_REFERENCE: &[&str] = &["NOTPROVIDED", "NONREF", "NOTAVAILABLE", "NONE", "0", "-"];

pub(super) fn read(element: &Element, created: Option<&str>) -> Result<Entry, StatementError> {
    let booking_date = date(element, "BookgDt");
    let value_date = date(element, "ValDt");
    let any_date = value_date.clone().or_else(|| booking_date.clone());
    let any_date = any_date.or_else(|| created.map(str::to_owned));
    let any_date = any_date.ok_or(StatementError::Field("date of an entry"))?;
    let transactions = element.all("NtryDtls/TxDtls");
    let transactions: Result<_, _> = transactions.into_iter().map(transaction).collect();
    Ok(Entry {
        bank_reference: reference(element.text("AcctSvcrRef")).unwrap_or_default(),
        amount: amount(element.find("Amt"), "Ntry/Amt")?,
        direction: direction(element.text("CdtDbtInd"))?,
        is_reversal: matches!(element.text("RvslInd"), Some("true" | "1")),
        status: match element.text("Sts").or_else(|| element.text("Sts/Cd")) {
            Some("BOOK") => Status::Booked,
            _ => Status::NotBooked,
        },
        booking_date: booking_date.unwrap_or_else(|| any_date.clone()),
        value_date: value_date.unwrap_or(any_date),
        code: code(element),
        charges: charges(element)?,
        additional_text: owned(element.text("AddtlNtryInf")),
        transactions: transactions?,
    })
}

fn transaction(element: &Element) -> Result<Transaction, StatementError> {
    let stated = element
        .find("Amt")
        .or_else(|| element.find("AmtDtls/TxAmt/Amt"));
    let instructed = element.find("AmtDtls/InstdAmt/Amt");
    let reason = element.find("RtrInf");
    Ok(Transaction {
        bank_reference: reference(element.text("Refs/AcctSvcrRef")),
        end_to_end_id: reference(element.text("Refs/EndToEndId")),
        mandate_id: reference(element.text("Refs/MndtId")),
        amount: stated
            .map(|amt| amount(Some(amt), "TxDtls/Amt"))
            .transpose()?,
        instructed: instructed
            .map(|amt| amount(Some(amt), "InstdAmt/Amt"))
            .transpose()?,
        charges: charges(element)?,
        references: all_texts(element, &["RmtInf/Strd/CdtrRefInf/Ref"])
            .into_iter()
            .filter(|text| reference(Some(text)).is_some())
            .collect(),
        text: all_texts(
            element,
            &[
                "RmtInf/Ustrd",
                "RmtInf/Strd/RfrdDocInf/Nb",
                "RmtInf/Strd/AddtlRmtInf",
            ],
        ),
        debtor: side(element, "Dbtr"),
        creditor: side(element, "Cdtr"),
        ultimate_debtor: party_name(element, "UltmtDbtr"),
        return_reason: reason.map(|reason| {
            let code = reason.text("Rsn/Cd").or_else(|| reason.text("Rsn/Prtry"));
            let words = code.or_else(|| reason.text("AddtlInf"));
            one_line(words.unwrap_or("returned"))
        }),
    })
}

/// A bank's text as one line of bounded length.
fn owned(text: Option<&str>) -> Option<String> {
    text.map(one_line)
}

/// White space of any kind becomes one space; more than the format allows is cut.
pub fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(TEXT_LENGTH_MAX).collect()
}

fn reference(text: Option<&str>) -> Option<String> {
    text.filter(|text| !NO_REFERENCE.contains(&text.to_uppercase().as_str()))
        .map(one_line)
}

fn direction(text: Option<&str>) -> Result<Direction, StatementError> {
    match text {
        Some("CRDT") => Ok(Direction::Credit),
        Some("DBIT") => Ok(Direction::Debit),
        _ => Err(StatementError::Field("credit or debit mark of an entry")),
    }
}

fn code(element: &Element) -> BankCode {
    let part = |path| element.text(path).unwrap_or_default().to_owned();
    BankCode {
        domain: part("BkTxCd/Domn/Cd"),
        family: part("BkTxCd/Domn/Fmly/Cd"),
        sub_family: part("BkTxCd/Domn/Fmly/SubFmlyCd"),
        proprietary: part("BkTxCd/Prtry/Cd"),
    }
}

fn side(element: &Element, role: &str) -> Side {
    let account = |part: &str| element.text(&format!("RltdPties/{role}Acct/Id/{part}"));
    Side {
        name: party_name(element, role),
        account: account("IBAN")
            .or_else(|| account("Othr/Id"))
            .map(compact_account),
    }
}

/// Later versions put the name one level deeper.
fn party_name(element: &Element, role: &str) -> Option<String> {
    let name = element.text(&format!("RltdPties/{role}/Nm"));
    owned(name.or_else(|| element.text(&format!("RltdPties/{role}/Pty/Nm"))))
}

fn all_texts(element: &Element, paths: &[&str]) -> Vec<String> {
    let elements = paths.iter().flat_map(|path| element.all(path));
    elements
        .filter_map(|found| owned(found.own_text()))
        .collect()
}

fn date(element: &Element, name: &str) -> Option<String> {
    let day = element.find(name)?;
    day.text("Dt").or_else(|| day.text("DtTm")).and_then(day_of)
}

/// The day "YYYY-MM-DD" at the beginning of a date or time, as the bank wrote it in its own zone.
pub fn day_of(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    let shape: String = day
        .chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '9'
            } else {
                character
            }
        })
        .collect();
    let month: u8 = day.get(5..7)?.parse().ok()?;
    let date: u8 = day.get(8..10)?.parse().ok()?;
    let is_day = shape == "9999-99-99" && (1..=12).contains(&month) && (1..=31).contains(&date);
    is_day.then(|| day.to_owned())
}

/// What was taken out of the amount on its way: records (since 001.04), plain amounts (001.02), or the stated total.
fn charges(element: &Element) -> Result<Option<Money>, StatementError> {
    let mut parts = element.all("Chrgs/Rcrd");
    parts.extend(element.all("Chrgs"));
    let mut total: Option<Money> = None;
    for part in parts {
        let is_apart = matches!(part.text("ChrgInclInd"), Some("false" | "0"));
        let Some(amt) = part.find("Amt").filter(|_| !is_apart) else {
            continue;
        };
        let mut charge = amount(Some(amt), "Chrgs/Amt")?;
        if part.text("CdtDbtInd") == Some("CRDT") {
            charge.minor = -charge.minor;
        }
        total = match total {
            None => Some(charge),
            Some(sum) => match sum.checked_add(&charge) {
                Some(sum) => Some(sum),
                None => return Ok(None),
            },
        };
    }
    if total.is_none()
        && let Some(stated) = element.find("Chrgs/TtlChrgsAndTaxAmt")
        && element.find("Chrgs/Rcrd").is_none()
    {
        total = Some(amount(Some(stated), "TtlChrgsAndTaxAmt")?);
    }
    Ok(total.filter(|charge| charge.minor > 0))
}

/// Gives entries without a bank reference one made from their content.
///
/// A returned transaction names the original's reference, so that is not taken for the entry's own. `NtryRef` takes no part: many banks number it from 1 in every statement. Entries of one statement with
/// equal content are told apart by counting them, so that two true payments stay two, and an overlapping statement still
/// gives each the same reference.
pub fn fallback_references(account: &str, entries: &mut [Entry]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for entry in entries
        .iter_mut()
        .filter(|entry| entry.bank_reference.is_empty())
    {
        let stated = match entry.transactions.as_slice() {
            [only] if !entry.is_return() => only.bank_reference.clone(),
            _ => None,
        };
        entry.bank_reference = stated.unwrap_or_else(|| {
            let digest = content_digest(account, entry);
            let count = seen.entry(digest.clone()).or_default();
            *count += 1;
            match count {
                1 => digest,
                _ => format!("{digest}-{count}"),
            }
        });
    }
}

/// Digest of what the bank said, field by field: it must come out the same in every later version of this plugin.
fn content_digest(account: &str, entry: &Entry) -> String {
    let amount = entry.amount.to_string();
    let direction = match entry.direction {
        Direction::Credit => "CRDT",
        Direction::Debit => "DBIT",
    };
    let additional_text = entry.additional_text.as_deref().unwrap_or_default();
    let mut parts = vec![account, &amount, direction];
    parts.extend([
        entry.booking_date.as_str(),
        &entry.value_date,
        additional_text,
    ]);
    for transaction in &entry.transactions {
        let sides = [&transaction.debtor, &transaction.creditor];
        let sides = sides
            .into_iter()
            .flat_map(|side| [&side.name, &side.account]);
        let optional = sides.chain([&transaction.end_to_end_id, &transaction.return_reason]);
        parts.extend(optional.map(|text| text.as_deref().unwrap_or_default()));
        let texts = transaction.references.iter().chain(&transaction.text);
        parts.extend(texts.map(String::as_str));
    }
    short_digest("content", &parts)
}

/// A name for a list of texts: a prefix and 96 bits of SHA-256 over them.
pub fn short_digest(prefix: &str, parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    digest[..12]
        .iter()
        .fold(format!("{prefix}-"), |text, byte| {
            format!("{text}{byte:02x}")
        })
}
