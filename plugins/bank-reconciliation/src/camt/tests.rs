//! The reader against statements that nobody here wrote, and against hostile ones.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::camt;

fn shared_statements() -> Option<PathBuf> {
    let shared = std::env::var_os("BURSAR_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = shared.unwrap_or(beside).join("testdata/camt");
    folder.is_dir().then_some(folder)
}

#[test]
fn foreign_statements_read_as_their_authors_say() {
    let Some(folder) = shared_statements() else {
        eprintln!("skipped: the folder testdata/camt of the shared test data is absent");
        return;
    };
    let mut checked = 0;
    for file in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = file.expect("the folder can be listed").path();
        let expected = path.with_extension("json");
        if path.extension().is_some_and(|extension| extension == "xml") && expected.is_file() {
            check_against_dump(&path, &expected);
            checked += 1;
        }
    }
    assert!(checked > 0, "no statement with an expectation beside it");
}

fn check_against_dump(path: &Path, expected: &Path) {
    let statements = camt::parse(&std::fs::read(path).expect("the statement can be read"))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let dump = std::fs::read_to_string(expected).expect("the expectation can be read");
    let dump: Value = serde_json::from_str(&dump).expect("the expectation is JSON");
    let entries = dump["getEntries"]
        .as_array()
        .expect("the dump lists entries");
    assert!(!entries.is_empty(), "{}", path.display());
    for wanted in entries {
        let record = &wanted["getRecord"];
        let found = statements.iter().find(|statement| {
            let is_account =
                record["getAccount"]["getIdentification"] == statement.account.as_str();
            is_account
                && statement
                    .entries
                    .iter()
                    .any(|entry| is_as_dumped(entry, wanted))
        });
        let Some(statement) = found else {
            panic!("{}: no entry like {wanted:#}", path.display());
        };
        check_balance(record, "opening", statement.opening.as_ref());
        check_balance(record, "closing", statement.closing.as_ref());
    }
}

fn is_as_dumped(entry: &Entry, wanted: &Value) -> bool {
    let sign = match entry.direction {
        Direction::Credit => 1,
        Direction::Debit => -1,
    };
    let money = &wanted["getAmount"];
    let reference = &wanted["getAccountServicerReference"];
    let message = &wanted["getTransactionDetail"]["getRemittanceInformation"]["getMessage"];
    let words = entry.transactions.first().map(|first| {
        let texts = first.references.iter().chain(&first.text);
        texts.cloned().collect::<Vec<_>>().join(" ")
    });
    is_minor(&money["getAmount"], sign * entry.amount.minor)
        && money["getCurrency"]["getCode"] == entry.amount.currency.as_str()
        && is_day(&wanted["getBookingDate"], &entry.booking_date)
        && is_day(&wanted["getValueDate"], &entry.value_date)
        && (reference.is_null() || *reference == entry.bank_reference.as_str())
        && message
            .as_str()
            .is_none_or(|message| words.is_some_and(|words| words.contains(message)))
}

fn is_minor(dumped: &Value, minor: i64) -> bool {
    dumped.as_str().and_then(|text| text.parse().ok()) == Some(minor)
}

fn is_day(dumped: &Value, day: &str) -> bool {
    dumped["0"]
        .as_str()
        .is_none_or(|time| time.starts_with(day))
}

/// The dump calls the previous closing balance an opening one too.
fn check_balance(record: &Value, kind: &str, found: Option<&Money>) {
    let balances = record["getBalances"].as_array().into_iter().flatten();
    let wanted: Vec<&Value> = balances
        .filter(|balance| balance["getType"] == kind)
        .collect();
    let is_found = |wanted: &&Value| {
        found.is_some_and(|found| {
            is_minor(&wanted["getAmount"]["getAmount"], found.minor)
                && wanted["getAmount"]["getCurrency"]["getCode"] == found.currency.as_str()
        })
    };
    assert!(
        wanted.is_empty() || wanted.iter().any(is_found),
        "{wanted:?} {found:?}"
    );
}

const ENTRY: &str = "<Ntry><Amt Ccy='EUR'>12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
                     <ValDt><Dt>2026-01-31</Dt></ValDt></Ntry>";

fn message(statement: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\
         <BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr>{statement}</BkToCstmrStmt></Document>"
    )
}

fn with_entry(entry: &str) -> Result<Vec<Statement>, StatementError> {
    let account = "<Id>1</Id><Acct><Id><IBAN>AT61 1904 3002 3457 3201</IBAN></Id></Acct>";
    camt::parse(message(&format!("<Stmt>{account}{entry}</Stmt>")).as_bytes())
}

#[test]
fn a_bare_entry_is_enough() {
    let statements = with_entry(ENTRY).expect("the statement is well formed");
    let statement = &statements[0];
    assert_eq!(statement.account, "AT611904300234573201");
    assert_eq!(statement.currency.as_deref(), Some("EUR"));
    let entry = &statement.entries[0];
    assert_eq!(entry.amount, Money::new(1250, "EUR"));
    assert_eq!(entry.booking_date, "2026-01-31");
    assert!(
        entry.bank_reference.starts_with("content-"),
        "{}",
        entry.bank_reference
    );
}

#[test]
fn prefixes_white_space_and_envelopes_change_nothing() {
    let plain = message(&format!(
        "<Stmt><Id>1</Id><Acct><Id><IBAN>AT1</IBAN></Id></Acct>{ENTRY}</Stmt>"
    ));
    let spaced = plain
        .replace("><", ">\r\n\t <")
        .replace("12.50", " 12.50\n");
    let (head, body) = plain.split_once("?>").expect("it has a declaration");
    let enveloped = format!("{head}?><Envelope><AppHdr><Fr/></AppHdr>{body}</Envelope>");
    let prefixed = plain
        .replace("</", "<#")
        .replace('<', "<n:")
        .replace("<n:#", "</n:");
    let prefixed = prefixed
        .replace("<n:?xml", "<?xml")
        .replace("xmlns=", "xmlns:n=");
    let expected = camt::parse(plain.as_bytes()).expect("the statement is well formed");
    for other in [spaced, enveloped, prefixed] {
        assert_eq!(
            camt::parse(other.as_bytes()).as_ref(),
            Ok(&expected),
            "{other}"
        );
    }
}

#[test]
fn equal_entries_without_a_reference_stay_two_and_keep_their_names() {
    let once = with_entry(ENTRY).expect("the statement is well formed");
    let twice = with_entry(&format!(
        "{ENTRY}{}",
        ENTRY.replace("<Amt", "<NtryRef>2</NtryRef><Amt")
    ));
    let twice = twice.expect("the statement is well formed");
    let names: Vec<&str> = twice[0]
        .entries
        .iter()
        .map(|entry| entry.bank_reference.as_str())
        .collect();
    assert_eq!(names[0], once[0].entries[0].bank_reference);
    assert_eq!(names[1], format!("{}-2", names[0]));
}

#[test]
fn amounts_are_exact_or_refused() {
    let check = |text: &str, expected: Option<i64>| {
        let statements = with_entry(&ENTRY.replace("12.50", text));
        let minor = statements
            .as_ref()
            .ok()
            .map(|all| all[0].entries[0].amount.minor);
        assert_eq!(minor, expected, "{text}");
        if let Err(error) = statements {
            assert_eq!(error.code(), "statement-amount-unreadable");
        }
    };
    check("12.50000", Some(1250));
    check("+12.5", Some(1250));
    check("12.", Some(1200));
    check(".5", Some(50));
    check("0012.50", Some(1250));
    check("12.50001", None);
    check("-12.50", None);
    check("12,50", None);
    check("1e3", None);
    check("", None);
    check("99999999999999999999", None);
}

#[test]
fn a_batch_keeps_every_transaction() {
    let details = "<NtryDtls><TxDtls><Refs><EndToEndId>A</EndToEndId></Refs></TxDtls><TxDtls><Refs>\
                   <EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>";
    let statements = with_entry(&ENTRY.replace("</Ntry>", details));
    let transactions =
        &statements.expect("the statement is well formed")[0].entries[0].transactions;
    let ids: Vec<Option<&str>> = transactions
        .iter()
        .map(|each| each.end_to_end_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("A"), None]);
}

#[test]
fn charges_of_every_version_are_one_amount() {
    let check = |charges: &str, expected: Option<i64>| {
        let entry = ENTRY.replace("</Ntry>", &format!("<Chrgs>{charges}</Chrgs></Ntry>"));
        let statements = with_entry(&entry).expect("the statement is well formed");
        let found = statements[0].entries[0]
            .charges
            .as_ref()
            .map(|money| money.minor);
        assert_eq!(found, expected, "{charges}");
    };
    let amount = "<Amt Ccy='EUR'>1.50</Amt>";
    check(amount, Some(150));
    check(
        &format!("<Rcrd>{amount}</Rcrd><Rcrd>{amount}<CdtDbtInd>DBIT</CdtDbtInd></Rcrd>"),
        Some(300),
    );
    check(
        &format!("<Rcrd>{amount}</Rcrd><Rcrd>{amount}<CdtDbtInd>CRDT</CdtDbtInd></Rcrd>"),
        None,
    );
    check(
        &format!("<Rcrd>{amount}<ChrgInclInd>false</ChrgInclInd></Rcrd>"),
        None,
    );
    check(
        "<TtlChrgsAndTaxAmt Ccy='EUR'>2.00</TtlChrgsAndTaxAmt>",
        Some(200),
    );
}

#[test]
fn what_is_no_statement_has_a_code_of_its_own() {
    let check = |bytes: &[u8], expected: &str| {
        let error = camt::parse(bytes).expect_err("this is no statement");
        assert_eq!(error.code(), expected, "{error}");
    };
    check(b"", "statement-not-xml");
    check(b"\xef\xbb\xbf", "statement-not-xml");
    check(b"PK\x03\x04", "statement-not-xml");
    check(
        b"<Document><BkToCstmrDbtCdtNtfctn/></Document>",
        "statement-not-camt053",
    );
    check(
        b"<Document><BkToCstmrStmt/></Document>",
        "statement-not-camt053",
    );
    check(
        b"<html><body>Session expired</body></html>",
        "statement-not-camt053",
    );
    check(b"<Document>\xff</Document>", "statement-not-utf8");
    check(
        message("<Stmt><Id>1</Id></Stmt>").as_bytes(),
        "statement-field-missing",
    );
    check(message(&"<a>".repeat(70)).as_bytes(), "statement-too-large");
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Document>&b;</Document>";
    check(bomb.as_bytes(), "statement-has-entities");
}

#[test]
fn a_statement_cut_anywhere_is_refused() {
    let whole = message(&format!(
        "<Stmt><Id>1</Id><Acct><Id><IBAN>AT1</IBAN></Id></Acct>{ENTRY}</Stmt>"
    ));
    let first_element = whole.find("<Document").expect("it has a root") + 1;
    for end in first_element..whole.len() {
        let error = camt::parse(&whole.as_bytes()[..end]).expect_err("it is cut");
        let expected = if end < whole.find("<BkToCstmrStmt").expect("it has a body") {
            ["statement-truncated", "statement-not-xml"]
        } else {
            ["statement-truncated"; 2]
        };
        assert!(expected.contains(&error.code()), "{end}: {error}");
    }
}

#[test]
fn a_broken_byte_anywhere_is_an_answer_and_not_a_crash() {
    let whole = message(&format!(
        "<Stmt><Id>1</Id><Acct><Id><IBAN>AT1</IBAN></Id></Acct>{ENTRY}</Stmt>"
    ));
    let mut refused = 0;
    for place in 0..whole.len() {
        for byte in [0, b'<', b'>', b'&', b'"', b'9', 0xff] {
            let mut broken = whole.clone().into_bytes();
            broken[place] = byte;
            refused += usize::from(camt::parse(&broken).is_err());
        }
    }
    assert!(refused > whole.len());
}
