//! Readers and cells; what becomes of records is tested from outside.

use std::{
    io::{Cursor, Read, Write as _},
    path::PathBuf,
};

use bursar_domain::office::Collection;
use serde_json::{Value, json};

use super::{
    Delimiter, Format, Formulas,
    cell::{Property, guarded, text_of, unguarded, with_point},
    source::{Fields, ROW_BYTES_MAX, Rows, SourceRow},
};
use crate::error::Error;

const CSV: Format = Format::Csv {
    delimiter: None,
    formulas: Formulas::Guarded,
};

type Read1 = Result<(Vec<String>, Vec<SourceRow>), Error>;

fn read(format: &Format, bytes: &[u8]) -> Read1 {
    let mut rows = Rows::open(format, Cursor::new(bytes))?;
    let header = rows.header().unwrap_or_default().to_vec();
    let mut found = Vec::new();
    while let Some(row) = rows.next_row()? {
        found.push(row);
    }
    Ok((header, found))
}

/// Rows as `LINE: CELL|CELL`, or `LINE: CODE at COLUMN`.
fn lines(format: &Format, bytes: &[u8]) -> Vec<String> {
    let (header, rows) = read(format, bytes).expect("a file that can be read");
    let header = std::iter::once(header.join("|")).filter(|names| !names.is_empty());
    header
        .chain(rows.iter().map(|row| match &row.content {
            Ok(Fields::Cells(cells)) => format!("{}: {}", row.line, cells.join("|")),
            Ok(Fields::Object(members)) => {
                format!("{}: {}", row.line, Value::Object(members.clone()))
            }
            Err(problems) => {
                let problems = &problems.told;
                assert_eq!(problems[0].line, row.line);
                let column = problems[0].column.as_deref().unwrap_or("-");
                format!("{}: {} at {column}", row.line, problems[0].code)
            }
        }))
        .collect()
}

fn refusal(format: &Format, bytes: &[u8]) -> (String, String) {
    let error = read(format, bytes).expect_err("a refusal");
    let problem = error.problems().remove(0);
    (problem.pointer, problem.code)
}

#[test]
fn tables_are_read_by_rfc_4180_and_a_little_beyond() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(lines(&CSV, text.as_bytes()), expected, "{text:?}");
    };
    check("a,b\n1,2\n", &["a|b", "2: 1|2"]);
    check("a,b\r\n1,2\r\n\r\n3,4", &["a|b", "2: 1|2", "4: 3|4"]);
    check("a,b\r1,2\r3,4\r", &["a|b", "2: 1|2", "3: 3|4"]);
    check("\u{feff}a;b\n1,5;2\n", &["a|b", "2: 1,5|2"]);
    check("a\tb\n\"1\t\"\t2\n", &["a|b", "2: 1\t|2"]);
    check("\"a;1\",\"b\"\nx,y\n", &["a;1|b", "2: x|y"]);
    check(
        "a,b\n\"1\r\n\"\"x\"\"\",2\n3,4\n",
        &["a|b", "2: 1\r\n\"x\"|2", "4: 3|4"],
    );
    check("a,b\n,\n\"\",\n", &["a|b", "2: |", "3: |"]);
    check(" a , b \n ü ,🦀\n", &["a|b", "2:  ü |🦀"]);
    check(
        "a,b\n5\" pipe,2\n3,4\n",
        &["a|b", "2: 5\" pipe|2", "3: 3|4"],
    );
    check("a\n", &["a"]);
    check("\n\na\n1\n", &["a", "4: 1"]);
}

#[test]
fn a_bad_row_is_told_with_line_and_column_and_the_next_one_is_read() {
    let check = |bytes: &[u8], expected: &[&str]| {
        assert_eq!(lines(&CSV, bytes), expected, "{bytes:?}");
    };
    check(
        b"a,b\n1\n1,2,3\n4,5\n",
        &["a|b", "2: ragged at b", "3: ragged at column 3", "4: 4|5"],
    );
    check(
        b"a,b\n1,caf\xe9\n4,5\n",
        &["a|b", "2: not-utf-8 at b", "3: 4|5"],
    );
    check(b"a,b\n1,\"2\n3,4\n5,6\n", &["a|b", "2: not-closed at -"]);
    // A quote within a cell opens nothing, at the file's end no more than before.
    check(
        b"a,b\n4\" pipe,5\n6\" pipe,7",
        &["a|b", "2: 4\" pipe|5", "3: 6\" pipe|7"],
    );
    check(b"a,b\nx\"y,\"z", &["a|b", "2: not-closed at -"]);
    check(b"a,b\n1,\"2\"\"", &["a|b", "2: not-closed at -"]);
    check(b"a,b\n1,\"2\"", &["a|b", "2: 1|2"]);
    let mut long = b"a,b\n1,\"".to_vec();
    long.extend(vec![b'x'; ROW_BYTES_MAX + 10]);
    long.extend(b"\"\n3,4\n");
    check(&long, &["a|b", "2: too-large at -", "3: 3|4"]);
    let mut wide = b"a,b\n".to_vec();
    wide.extend(vec![b','; 5_000]);
    wide.extend(b"\n3,4\n");
    check(&wide, &["a|b", "2: too-large at -", "3: 3|4"]);
}

#[test]
fn a_file_that_is_no_table_is_refused() {
    let check = |bytes: &[u8], pointer: &str, code: &str| {
        let expected = (pointer.to_owned(), code.to_owned());
        assert_eq!(refusal(&CSV, bytes), expected, "{bytes:?}");
    };
    check(b"", "/header", "empty");
    check(b"\r\n\n", "/header", "empty");
    check(b"a,,b\n", "/header/1", "empty");
    check(b"a,b, a \n", "/header/2", "duplicate");
    check(b"caf\xe9,b\n", "/header", "not-utf-8");
    check(b"\xff\xfea\0,\0b\0", "", "not-utf-8");
    check(b"a\0,\0b\0\n\0", "", "not-utf-8");
    check(b"PK\x03\x04....", "", "not-utf-8");
    check("x".repeat(300).as_bytes(), "/header/0", "too-long");
}

#[test]
fn a_named_delimiter_is_taken_whatever_the_header_looks_like() {
    let format = Format::Csv {
        delimiter: Some(Delimiter::Semicolon),
        formulas: Formulas::Raw,
    };
    assert_eq!(lines(&format, b"a,b;c\n1;2\n"), ["a,b|c", "2: 1|2"]);
}

#[test]
fn json_lines_are_objects_with_their_line() {
    let check = |bytes: &[u8], expected: &[&str]| {
        assert_eq!(lines(&Format::JsonLines, bytes), expected, "{bytes:?}");
    };
    check(
        b"\xef\xbb\xbf{\"a\":1}\r\n\n {\"a\":\"\\u00fc\"}",
        &["1: {\"a\":1}", "3: {\"a\":\"ü\"}"],
    );
    check(
        b"[1]\n{\"a\":1.5}\n{\"a\":1,\"a\":2}\n{\n\xff\n{}\n",
        &[
            "1: not-an-object at -",
            "2: out-of-range at a",
            "3: duplicate at a",
            "4: not-json at -",
            "5: not-utf-8 at -",
            "6: {}",
        ],
    );
    let mut long = b"{\"a\":\"".to_vec();
    long.extend(vec![b'x'; 2 * ROW_BYTES_MAX]);
    long.extend(b"\"}\n{}\n");
    check(&long, &["1: too-large at -", "2: {}"]);
    assert_eq!(refusal(&Format::JsonLines, b"\xff\xfe{\0").1, "not-utf-8");
}

/// Gives a byte at a time.
struct Slow<'b>(&'b [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(1);
        self.0.read(&mut buffer[..most])
    }
}

impl std::io::Seek for Slow<'_> {
    fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
        Ok(0)
    }
}

#[test]
fn rows_do_not_depend_on_how_the_bytes_arrive() {
    // Rows that lie across the end of the buffer, in every place of a row.
    let row = "\"a\r\n\"\"b\",ü,c\r\n";
    for padding in 0..row.len() {
        let text = format!("x,y,{}\r\n{}", "z".repeat(padding + 1), row.repeat(6_000));
        let (_, whole) = read(&CSV, text.as_bytes()).expect("a table");
        assert!(text.len() > 64 << 10);
        for (place, found) in whole.iter().enumerate() {
            let cells = ["a\r\n\"b", "ü", "c"].map(str::to_owned).to_vec();
            assert_eq!(found.content, Ok(Fields::Cells(cells)));
            assert_eq!(found.line, 2 + 2 * place as u64);
        }
        assert_eq!(whole.len(), 6_000);
    }
    let text = format!("x,y,z\r\n{}", row.repeat(20));
    let mut slow = Rows::open(&CSV, Slow(text.as_bytes())).expect("a table");
    let mut count = 0;
    while slow.next_row().expect("a row").is_some() {
        count += 1;
    }
    assert_eq!(count, 20);
}

#[test]
fn the_files_of_csv_spectrum_are_read_as_their_json_says() {
    let beside_the_project = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into();
    let shared = std::env::var_os("BURSAR_SHARED").map_or_else(beside_the_project, PathBuf::from);
    let folder = shared.join("testdata/csv");
    let Ok(files) = std::fs::read_dir(folder.join("csvs")) else {
        // Written past the test harness, which would keep the line to itself.
        let line = writeln!(std::io::stderr(), "skipped: {} absent", folder.display());
        line.expect("standard error is open");
        return;
    };
    let mut checked = 0;
    for file in files {
        let path = file.expect("a file").path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let expected = std::fs::read(folder.join(format!("json/{stem}.json"))).expect("its JSON");
        let mut expected: Value = serde_json::from_slice(&expected).expect("JSON");
        if stem == "location_coordinates" {
            // One object instead of a list of one, and another phone number than the table's.
            expected["Contact Phone Number"] = json!("2095257564");
            expected = json!([expected]);
        }
        let mut table = std::fs::read_to_string(&path).expect("a file");
        if stem.ends_with("_crlf") && !table.contains('\r') {
            // A copy whose line ends were changed on the way.
            table = table.replace('\n', "\r\n");
        }
        let (header, rows) = read(&CSV, table.as_bytes()).expect("a table");
        let object = |row: SourceRow| match row.content {
            Ok(Fields::Cells(cells)) => {
                let members = header
                    .iter()
                    .cloned()
                    .zip(cells.into_iter().map(Value::from));
                Value::Object(members.collect())
            }
            other => panic!("{stem}: {other:?}"),
        };
        let found: Vec<Value> = rows.into_iter().map(object).collect();
        assert_eq!(Value::from(found), expected, "{stem}");
        checked += 1;
    }
    assert!(checked >= 12, "{checked} files");
}

fn property(schema: &Value) -> Property {
    let collection: Collection = serde_json::from_value(json!({
        "schema": {"properties": {"p": schema}, "$defs": {"size": {"type": "integer"}, "loop": {"$ref": "#/$defs/loop"}}},
        "indexed": [{"name": "p", "type": "decimal"}]
    }))
    .expect("a definition");
    Property::of(&collection, "p")
}

#[test]
fn a_cell_is_read_as_its_property_is_typed() {
    let check = |schema: Value, text: &str, expected: Result<Value, &str>| {
        let found = property(&schema).read(text).map_err(|(code, _)| code);
        assert_eq!(found, expected, "{text:?} as {schema}");
    };
    let integer = || json!({"type": ["integer", "null"]});
    check(integer(), " 12 ", Ok(json!(12)));
    check(integer(), "-007", Ok(json!(-7)));
    check(integer(), "1.0", Err("not-an-integer"));
    check(integer(), "9007199254740992", Err("not-an-integer"));
    check(json!({"$ref": "#/$defs/size"}), "5", Ok(json!(5)));
    check(
        json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        "5",
        Ok(json!(5)),
    );
    check(json!({"type": "number"}), "5", Ok(json!(5)));
    check(json!({"type": "number"}), "5.5", Err("not-an-integer"));
    check(json!({"type": "boolean"}), "TRUE", Ok(json!(true)));
    check(json!({"type": "boolean"}), "0", Ok(json!(false)));
    check(json!({"type": "boolean"}), "yes", Err("not-a-boolean"));
    check(json!({"type": "array"}), "[1, \"a\"]", Ok(json!([1, "a"])));
    check(json!({"type": "object"}), "{\"a\":1.5}", Err("not-json"));
    // The property is indexed as a decimal: its text is kept as it is written.
    check(json!({"type": "string"}), "1.10", Ok(json!("1.10")));
    check(json!({"type": "string"}), "1,10", Err("not-a-decimal"));
    check(json!({"type": "string"}), "1e3", Err("not-a-decimal"));
    check(json!({"$ref": "#/$defs/loop"}), "1.10", Ok(json!("1.10")));
    let plain: Collection = serde_json::from_value(json!({"schema": {}})).expect("a definition");
    assert_eq!(Property::of(&plain, "p").read(" 007 "), Ok(json!(" 007 ")));
}

#[test]
fn a_decimal_comma_becomes_a_point_where_it_is_one() {
    let check = |text: &str, expected: &str| assert_eq!(with_point(text), expected, "{text:?}");
    check("1,10", "1.10");
    check("-1.234.567,5", "-1234567.5");
    check("1.234", "1234");
    check(" 12 ", "12");
    check("1.23", "1.23");
    check("1,2,3", "1,2,3");
    check("1,", "1,");
    check("1234.567,8", "1234.567,8");
    check("abc", "abc");
    check("", "");
}

proptest::proptest! {
    #[test]
    fn what_is_guarded_comes_back(text in "['=+@\t\r-]{0,3}.{0,3}") {
        let written = guarded(&text, Formulas::Guarded);
        proptest::prop_assert_eq!(unguarded(&written, Formulas::Guarded), text.as_str());
        let first = written.chars().next();
        let is_number = bursar_domain::decimal::Decimal::parse(&written).is_ok();
        proptest::prop_assert!(is_number || !first.is_some_and(|c| "=+-@\t\r".contains(c)));
    }

    #[test]
    fn no_bytes_make_a_reader_fail(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        for format in [CSV, Format::JsonLines, Format::Xlsx { sheet: None }] {
            // Refused or read, never a panic.
            let _ = read(&format, &bytes);
        }
    }
}

#[test]
fn values_are_written_as_people_read_them() {
    let check = |value: Value, expected: &str| assert_eq!(text_of(&value), expected);
    check(json!(null), "");
    check(json!("x"), "x");
    check(json!(12), "12");
    check(json!(true), "true");
    check(json!({"b": [1], "a": null}), "{\"a\":null,\"b\":[1]}");
}
