//! Bytes of a document as text.
//!
//! Knows byte order marks and the encodings that banks and suppliers still declare; knows nothing of XML but its
//! declaration. Entered through [`decode`].

use crate::Refusal;

/// Most bytes of one document, attachments within it included; a bank's busiest day is a few megabytes.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes in which an XML declaration must end to be looked at.
const DECLARATION_BYTES_MAX: usize = 200;

/// What windows-1252 has in place of the control characters 0x80 to 0x9f; undefined ones are U+FFFD.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
    '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}',
    'ž', 'Ÿ',
];

/// Where ISO 8859-15 differs from ISO 8859-1.
const LATIN_9: [(u8, char); 8] = [
    (0xa4, '€'),
    (0xa6, 'Š'),
    (0xa8, 'š'),
    (0xb4, 'Ž'),
    (0xb8, 'ž'),
    (0xbc, 'Œ'),
    (0xbd, 'œ'),
    (0xbe, 'Ÿ'),
];

/// The document's text without a byte order mark, whatever it was encoded in.
pub fn decode(bytes: &[u8]) -> Result<String, Refusal> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Refusal::TooLarge("more than 16 MiB"));
    }
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => by_declaration(bytes),
    }
}

fn by_declaration(bytes: &[u8]) -> Result<String, Refusal> {
    let encoding = declared_encoding(bytes);
    match encoding.as_deref().unwrap_or("UTF-8") {
        "UTF-8" | "UTF8" | "US-ASCII" | "ASCII" => utf8(bytes),
        "ISO-8859-1" | "LATIN1" | "ISO8859-1" => {
            Ok(bytes.iter().map(|&byte| char::from(byte)).collect())
        }
        "ISO-8859-15" | "LATIN-9" => Ok(bytes.iter().map(|&byte| latin_9(byte)).collect()),
        "WINDOWS-1252" | "CP1252" => Ok(bytes.iter().map(|&byte| windows_1252(byte)).collect()),
        other => Err(Refusal::Encoding(other.to_owned())),
    }
}

fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let head: String = head.iter().map(|&byte| char::from(byte)).collect();
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start();
    let value = value.strip_prefix('=')?.trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))?;
    Some(value[1..].split_once(quote)?.0.to_uppercase())
}

fn utf8(bytes: &[u8]) -> Result<String, Refusal> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Refusal::NotUtf8)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Refusal> {
    if !bytes.len().is_multiple_of(2) {
        return Err(Refusal::Truncated);
    }
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| unit([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).map_err(|_| Refusal::Encoding("UTF-16".to_owned()))
}

fn latin_9(byte: u8) -> char {
    LATIN_9
        .iter()
        .find(|(code, _)| *code == byte)
        .map_or(char::from(byte), |(_, character)| *character)
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let check = |bytes: &[u8], expected: &str| {
            let text = decode(bytes).expect("the bytes are text");
            assert!(text.ends_with(expected), "{text}");
        };
        check("\u{feff}<a>Müller</a>".as_bytes(), "<a>Müller</a>");
        check("<a>Müller</a>".as_bytes(), "<a>Müller</a>");
        check(
            b"<?xml version='1.0' encoding='iso-8859-1'?><a>M\xfcller</a>",
            "<a>Müller</a>",
        );
        check(
            b"<?xml version=\"1.0\" encoding = \"windows-1252\"?><a>\x80</a>",
            "<a>€</a>",
        );
        check(
            b"<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?><a>\xa4</a>",
            "<a>€</a>",
        );
        let units = || std::iter::once(0xfeff).chain("<a>Müller</a>".encode_utf16());
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        check(&little, "<a>Müller</a>");
        check(&big, "<a>Müller</a>");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"<a>\xff</a>"), Err(Refusal::NotUtf8));
        assert_eq!(decode(b"\xff\xfe<"), Err(Refusal::Truncated));
        assert_eq!(
            decode(b"<?xml version='1.0' encoding='EBCDIC-1'?><a/>"),
            Err(Refusal::Encoding("EBCDIC-1".into()))
        );
        let huge = vec![b' '; DOCUMENT_BYTES_MAX + 1];
        assert!(matches!(decode(&huge), Err(Refusal::TooLarge(_))));
    }
}
