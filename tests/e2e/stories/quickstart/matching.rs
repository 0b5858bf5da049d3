//! Whether a program printed what a document says, but for what differs from run to run.

/// Stands for anything.
const ANYTHING: &str = "…";

/// Compares; an error says where they part.
pub fn compare(expected: &str, printed: &str) -> Result<(), String> {
    let expected = normal(expected);
    let printed = normal(printed);
    let mut rest = printed.as_slice();
    let mut skips = false;
    for wanted in &expected {
        if wanted == ANYTHING {
            skips = true;
            continue;
        }
        let found = rest.iter().position(|line| fits(wanted, line));
        let at = found.filter(|at| *at == 0 || skips);
        let Some(at) = at else {
            let line = rest.first().map_or("(nothing more)", String::as_str);
            return Err(format!("expected: {wanted}\nprinted:  {line}"));
        };
        rest = rest.get(at + 1..).unwrap_or_default();
        skips = false;
    }
    match rest.first() {
        Some(line) if !skips => Err(format!("expected: (nothing more)\nprinted:  {line}")),
        _ => Ok(()),
    }
}

/// Whether a line is as expected.
fn fits(expected: &str, line: &str) -> bool {
    let Some((beginning, rest)) = expected.split_once(ANYTHING) else {
        return expected == line;
    };
    let Some(line) = line.strip_prefix(beginning) else {
        return false;
    };
    let places = line.char_indices().map(|(place, _)| place);
    places
        .chain([line.len()])
        .any(|place| fits(rest, line.get(place..).unwrap_or_default()))
}

/// Lines as they are compared; those that are empty at the end do not count.
fn normal(text: &str) -> Vec<String> {
    let lines = text.trim_end().lines();
    lines.map(|line| columns(&words(line.trim_end()))).collect()
}

/// Each word that differs from run to run replaced by the name of its kind.
pub fn words(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let mut normal = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_part(c) != is_part(first));
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        // A word may end a sentence, or be what a label is before: "token:0123456789abcdef".
        let word = piece.trim_end_matches(['.', ':']);
        match word.rsplit_once(':') {
            _ if stand_in(word).is_some() => normal.push_str(stand_in(word).unwrap_or_default()),
            Some((label, last)) if stand_in(last).is_some() => {
                normal.push_str(label);
                normal.push(':');
                normal.push_str(stand_in(last).unwrap_or_default());
            }
            _ => normal.push_str(word),
        }
        normal.push_str(piece.get(word.len()..).unwrap_or_default());
        rest = behind;
    }
    normal
}

/// The kind of a word that differs from run to run.
fn stand_in(word: &str) -> Option<&'static str> {
    let is_hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    let date = word.get(..11).unwrap_or_default();
    if let Some(token) = word.strip_prefix("bursar_") {
        // Its id alone is what it begins with.
        match token.len() {
            16 => Some("PREFIX"),
            81 => Some("TOKEN"),
            _ => None,
        }
    } else if lengths == [8, 4, 4, 4, 12] && word.split('-').all(is_hex) {
        Some("ID")
    } else if date.ends_with('T') && date.matches('-').count() == 2 && word.ends_with('Z') {
        Some("INSTANT")
    } else if is_hex(word) {
        // The beginning of a run's id; a token's id, or microseconds; a whole digest.
        match word.len() {
            12 => Some("BEGINNING"),
            16 => Some("NUMBER"),
            64 => Some("DIGEST"),
            _ => None,
        }
    } else {
        None
    }
}

/// Blanks between columns as two; those that a line begins with stay.
fn columns(line: &str) -> String {
    let text = line.trim_start();
    let (indent, _) = line.split_at(line.len() - text.len());
    let cells: Vec<&str> = text
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    format!("{indent}{}", cells.join("  "))
}

#[test]
fn what_differs_from_run_to_run_fits_and_nothing_else_does() {
    let check = |expected: &str, printed: &str, fit: bool| {
        let compared = compare(expected, printed);
        assert_eq!(
            compared.is_ok(),
            fit,
            "{expected:?} {printed:?} {compared:?}"
        );
    };
    let (id, other) = (
        "01a2011e-78bf-703c-874c-cb61a6ac32b0",
        "01a20121-259c-77fd-b68a-cb210048e2d0",
    );
    check(&format!("task {id}."), &format!("task {other}.\n"), true);
    check(&format!("task {id}"), "task 12", false);
    check(
        "by token:0123456789abcdef",
        "by token:910810db0838274f",
        true,
    );
    check(
        "by token:0123456789abcdef",
        "by person:910810db0838274f",
        false,
    );
    check("at 2026-11-22T02:37:56Z", "at 2026-11-22T02:41:19.5Z", true);
    check("at 2026-11-22T02:37:56Z", "at 1795315076959602", false);
    check("a   b\nccc c", "a  b\nccc  c", false);
    check("a   b", "a  b", true);
    check("  a", "    a", false);
    check("a\n…\nb", "a\nx\ny\nb", true);
    check("a\n…\nb", "a\nb", true);
    check("a\nb", "a\nx\nb", false);
    check("a\n…", "a\nb\nc", true);
    check("a", "a\nb", false);
    check("a\nb", "a", false);
    check("… commits and … rows.", "12 commits and 3 rows.", true);
    check("… commits and … rows.", "12 commits and 3 rows!", false);
    check("30 mails", "31 mails", false);
}
