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

const TEXTS: &str = "<sst><si><t>name</t></si><si><r><t>A</t></r><r><t xml:space=\"preserve\"> &amp; B</t></r><rPh><t>no</t></rPh></si><si><t>1_x000D_2</t></si></sst>";

/// A workbook with the sheets "Data", of these rows, and "Other".
fn workbook(rows: &str) -> Vec<u8> {
    workbook_with(TEXTS, rows)
}

/// The same with other shared texts.
fn workbook_with(texts: &str, rows: &str) -> Vec<u8> {
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
    archive(&[
        ("_rels/.rels", &package),
        ("book/workbook.xml", book),
        ("book/_rels/workbook.xml.rels", &relations),
        ("book/styles.xml", styles),
        ("book/texts.xml", texts),
        ("book/sheets/data.xml", &sheet(rows)),
        (
            "book/other.xml",
            "<worksheet><sheetData><row><c t=\"str\"><v>only</v></c></row></sheetData></worksheet>",
        ),
    ])
}

fn sheet(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
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
                let mut told: Vec<String> = problems.told.iter().map(told).collect();
                if problems.left_out > 0 {
                    told.push(format!("{} more", problems.left_out));
                }
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
    // Tags within one another without end, and tags of attributes without end.
    check(&workbook(&format!(
        "{HEADER}{}{}",
        "<a>".repeat(100),
        "</a>".repeat(100)
    )));
    let attributes: Vec<String> = (0..=1_000).map(|at| format!(" a{at}=\"\"")).collect();
    check(&workbook(&format!("{HEADER}<row{}/>", attributes.concat())));
    let comments = format!("<!--{}-->", "x".repeat(1 << 20)).repeat(33);
    let refused = read(&archive(&[("_rels/.rels", &comments)]), None).expect_err("refused");
    assert!(refused.to_string().contains("too large"), "{refused}");
}

#[test]
fn a_row_that_repeats_a_long_shared_text_is_told_and_not_copied() {
    let texts = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(400_000));
    let header: String = ["A", "B", "C", "D"]
        .map(|name| format!("<c r=\"{name}1\" t=\"str\"><v>{name}</v></c>"))
        .concat();
    let shared = "<c t=\"s\"><v>0</v></c>";
    let short = "<c t=\"str\"><v>y</v></c>";
    let rows = format!(
        "<row>{header}</row><row>{}</row><row>{}</row><row>{short}</row>",
        shared.repeat(3) + short,
        shared.repeat(4_000),
    );
    let found = read(&workbook_with(&texts, &rows), None).expect("a workbook");
    assert_eq!(found[0], "A|B|C|D");
    assert_eq!(found[1], "2: too-large at C");
    let many = &found[2];
    assert!(many.starts_with("3: too-large at C, too-large at D, ragged at E, "));
    assert!(many.ends_with("ragged at V, 3978 more"), "{many}");
    assert_eq!(found[3], "4: y|||");
}

#[test]
fn a_value_of_many_pieces_is_told_when_it_is_too_long() {
    let piece = format!("<![CDATA[{}]]>", "x".repeat(1 << 20));
    for (tag, end) in [
        ("<c r=\"C3\" t=\"str\"><v>", "</v></c>"),
        ("<c r=\"C3\"><v>", "</v></c>"),
        ("<c r=\"C3\" t=\"inlineStr\"><is><t>", "</t></is></c>"),
    ] {
        let rows = format!(
            "{HEADER}<row r=\"3\">{tag}{}{end}</row><row><c r=\"B4\"><v>1</v></c></row>",
            piece.repeat(3)
        );
        let found = read(&workbook(&rows), None).expect("a workbook");
        assert_eq!(
            found,
            ["name|value", "3: too-large at value", "4: 1|"],
            "{tag}"
        );
    }
}

#[test]
fn rows_and_columns_are_where_a_sheet_has_them() {
    let refused = |rows: &str, words: &str| {
        let refused = read(&workbook(&format!("{HEADER}{rows}")), None).expect_err(rows);
        assert!(refused.to_string().contains(words), "{rows}: {refused}");
    };
    let cell = "<c r=\"B1\"><v>1</v></c>";
    refused(
        &format!("<row r=\"18446744073709551615\">{cell}</row><row>{cell}</row>"),
        "1048576 rows",
    );
    refused("<row r=\"1048577\"/>", "1048576 rows");
    refused("<row r=\"1048576\"/><row/>", "1048576 rows");
    refused("<row><c r=\"XFE3\"/></row>", "order");
    refused("<row><c r=\"AAAAAAAAAAAAAAAA3\"/></row>", "order");
    refused(
        "<row><c r=\"C3\"><v>1</v></c><c r=\"B3\"><v>2</v></c></row>",
        "order",
    );
    refused(
        &format!("<row>{}</row>", "<c/>".repeat(16_385)),
        "16384 columns",
    );
    refused("<row><c r=\"XFD3\"/><c/></row>", "16384 columns");
    let last = format!("{HEADER}<row r=\"1048576\">{cell}<c r=\"XFD1048576\"/></row>");
    assert_eq!(
        read(&workbook(&last), None).expect("a workbook"),
        ["name|value", "1048576: 1|"]
    );
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
