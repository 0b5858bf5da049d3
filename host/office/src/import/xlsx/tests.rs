//! Workbooks made by hand: what their cells say, and hostile ones.

use std::io::{Cursor, Write as _};

use flate2::{Compression, write::DeflateEncoder};

use super::{SheetRows, book::unescaped, letters};
use crate::{error::Error, import::source::Fields};

const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A ZIP archive of these parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (place, (name, content)) in parts.iter().enumerate() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content.as_bytes()).expect("memory");
        let deflated = encoder.finish().expect("memory");
        // Every other part is stored as it is.
        let (method, packed) = match place % 2 {
            0 => (8_u16, deflated.as_slice()),
            _ => (0, content.as_bytes()),
        };
        let header_at = u32::try_from(bytes.len()).expect("small");
        let length = |length: usize| u32::try_from(length).expect("small").to_le_bytes();
        let name_bytes = u16::try_from(name.len()).expect("small").to_le_bytes();
        let mut fields = Vec::new();
        fields.extend([20, 0, 0, 0]);
        fields.extend(method.to_le_bytes());
        fields.extend([0; 8]);
        fields.extend(length(packed.len()));
        fields.extend(length(content.len()));
        fields.extend(name_bytes);
        fields.extend([0; 2]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&fields);
        bytes.extend(name.as_bytes());
        bytes.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(header_at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = u32::try_from(bytes.len()).expect("small");
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0");
    bytes.extend(u32::try_from(directory.len()).expect("small").to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend(b"\x03\0end");
    bytes
}

/// A workbook with the sheets "Data", of these rows, and "Other".
fn workbook(rows: &str) -> Vec<u8> {
    let package = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{TYPES}/officeDocument\" Target=\"book/workbook.xml\"/></Relationships>"
    );
    let book = "<x:workbook xmlns:x=\"m\" xmlns:r=\"r\"><x:sheets><x:sheet name=\"Data\" r:id=\"a\"/><x:sheet name=\"Other\" r:id=\"b\"/></x:sheets></x:workbook>";
    let relations = format!(
        "<Relationships><Relationship Id=\"b\" Type=\"{TYPES}/worksheet\" Target=\"/book/other.xml\"/>\
         <Relationship Id=\"a\" Type=\"{TYPES}/worksheet\" Target=\"sheets/data.xml\"/>\
         <Relationship Id=\"s\" Type=\"{TYPES}/styles\" Target=\"styles.xml\"/>\
         <Relationship Id=\"t\" Type=\"{TYPES}/sharedStrings\" Target=\"texts.xml\"/></Relationships>"
    );
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy-mm-dd hh:mm\"/></numFmts>\
        <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
        <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>";
    let texts = "<sst><si><t>name</t></si><si><r><t>A</t></r><r><t xml:space=\"preserve\"> &amp; B</t></r><rPh><t>no</t></rPh></si><si><t>1_x000D_2</t></si></sst>";
    archive(&[
        ("_rels/.rels", &package),
        ("book/workbook.xml", book),
        ("book/_rels/workbook.xml.rels", &relations),
        ("book/styles.xml", styles),
        ("book/texts.xml", texts),
        (
            "book/sheets/data.xml",
            &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ),
        (
            "book/other.xml",
            "<worksheet><sheetData><row><c t=\"str\"><v>only</v></c></row></sheetData></worksheet>",
        ),
    ])
}

fn read(bytes: &[u8], sheet: Option<&str>) -> Result<Vec<String>, Error> {
    let mut rows = SheetRows::open(Cursor::new(bytes), sheet)?;
    let mut found = vec![rows.header().join("|")];
    while let Some(row) = rows.next_row()? {
        found.push(match row.content {
            Ok(Fields::Cells(cells)) => format!("{}: {}", row.line, cells.join("|")),
            Ok(Fields::Object(_)) => unreachable!("a sheet has cells"),
            Err(problems) => {
                let told = |problem: &crate::import::RowProblem| {
                    format!(
                        "{} at {}",
                        problem.code,
                        problem.column.as_deref().unwrap_or("-")
                    )
                };
                let told: Vec<String> = problems.iter().map(told).collect();
                format!("{}: {}", row.line, told.join(", "))
            }
        });
    }
    Ok(found)
}

const HEADER: &str = "<row r=\"2\"><c r=\"B2\" t=\"s\"><v>0</v></c><c r=\"C2\" t=\"inlineStr\"><is><t>value</t></is></c></row>";

#[test]
fn cells_are_read_as_their_text_whatever_their_type() {
    let check = |cell: &str, expected: &str| {
        let rows = format!(
            "<row r=\"1\"/>{HEADER}<row r=\"5\"><c r=\"B5\" t=\"s\"><v>1</v></c>{cell}</row>"
        );
        let found = read(&workbook(&rows), None).expect("a workbook");
        assert_eq!(
            found,
            ["name|value".to_owned(), format!("5: {expected}")],
            "{cell}"
        );
    };
    check("", "A & B|");
    check("<c r=\"C5\"><v>1.1000000000000001</v></c>", "A & B|1.1");
    check("<c r=\"C5\" t=\"n\"><v>-12</v></c>", "A & B|-12");
    check("<c r=\"C5\" s=\"1\"><v>45000</v></c>", "A & B|2023-03-15");
    check(
        "<c r=\"C5\" s=\"2\"><v>45000.75</v></c>",
        "A & B|2023-03-15T18:00:00",
    );
    check(
        "<c r=\"C5\" t=\"d\"><v>2026-01-31</v></c>",
        "A & B|2026-01-31",
    );
    check("<c r=\"C5\" t=\"b\"><v>1</v></c>", "A & B|true");
    check("<c r=\"C5\" t=\"s\"><v>2</v></c>", "A & B|1\r2");
    check(
        "<c r=\"C5\" t=\"str\"><f>\"x\"&amp;\"y\"</f><v>xy</v></c>",
        "A & B|xy",
    );
    check("<c r=\"C5\"><f>1+1</f><v>2</v></c>", "A & B|2");
    check(
        "<c r=\"C5\"><f>1+1</f></c>",
        "formula-without-value at value",
    );
    check(
        "<c r=\"C5\" t=\"e\"><f>A1</f><v>#REF!</v></c>",
        "error-value at value",
    );
    check("<c r=\"C5\" t=\"s\"><v>99</v></c>", "unknown-text at value");
    check("<c r=\"C5\" s=\"1\"><v>-1</v></c>", "not-a-date at value");
    check("<c r=\"C5\"><v>abc</v></c>", "not-a-number at value");
    check("<c r=\"AB5\"><v>1</v></c>", "ragged at AB");
    check("<c><v>7</v></c>", "A & B|7");
}

#[test]
fn the_sheet_that_is_named_is_read() {
    let rows = format!("{HEADER}<row><c r=\"B3\"><v>1</v></c></row>");
    assert_eq!(
        read(&workbook(&rows), Some("Data")).expect("a sheet"),
        ["name|value", "3: 1|"]
    );
    assert_eq!(
        read(&workbook(&rows), Some("Other")).expect("a sheet"),
        ["only"]
    );
    let refused = read(&workbook(&rows), Some("data")).expect_err("refused");
    assert_eq!(refused.problems()[0].pointer, "/format/sheet");
    let empty = read(&workbook(""), None).expect_err("refused");
    assert_eq!(empty.problems()[0].code, "empty");
}

#[test]
fn a_hostile_workbook_is_refused() {
    let check = |bytes: &[u8]| {
        let refused = read(bytes, None).expect_err("refused").problems();
        assert!(
            ["not-a-workbook", "file-unreadable"].contains(&&*refused[0].code),
            "{refused:?}"
        );
    };
    check(b"");
    check(b"code,name\na,b\n");
    check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    check(&archive(&[("mimetype", "text")]));
    let whole = workbook(HEADER);
    check(&whole[..whole.len() / 2]);
    // Few packed bytes that unpack to one long text.
    check(&workbook(&format!(
        "<row><c t=\"str\"><v>{}</v></c></row>",
        "x".repeat(9 << 20)
    )));
    check(&workbook("<row><c><v>1</v></c>"));
    check(&workbook("<!DOCTYPE x [<!ENTITY a \"b\">]><row/>"));
    check(&workbook("<row><c t=\"str\"><v>&a;</v></c></row>"));
}

proptest::proptest! {
    #[test]
    fn a_damaged_workbook_is_read_or_refused(at in 0_usize..3_000, byte in proptest::prelude::any::<u8>()) {
        let mut bytes = workbook(HEADER);
        let place = at % bytes.len();
        bytes[place] = byte;
        let _ = read(&bytes, None);
    }
}

#[test]
fn columns_are_named_by_letters() {
    let check = |column: usize, expected: &str| {
        assert_eq!(letters(column), expected);
        assert_eq!(super::column_of(&format!("{expected}12")), Some(column));
    };
    check(0, "A");
    check(25, "Z");
    check(26, "AA");
    check(701, "ZZ");
    check(702, "AAA");
    assert_eq!(super::column_of("12"), None);
    assert_eq!(super::column_of("ZZZZZZZZZZZZZZ1"), None);
}

#[test]
fn escaped_characters_are_themselves_again() {
    let check = |text: &str, expected: &str| assert_eq!(unescaped(text), expected);
    check("a_x000A_b", "a\nb");
    check("_x005F_x000A_", "_x000A_");
    check("_x00", "_x00");
    check("_xüüüü_", "_xüüüü_");
    check("_xD800_", "_xD800_");
}
