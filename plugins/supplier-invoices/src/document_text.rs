//! Bytes of a document as text.
//!
//! Knows byte order marks and the encodings that an XML declaration names. Entered through [`decode`].

use crate::einvoice::Refusal;

/// Most bytes of one document, attachments within it included.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes in which an XML declaration must end to be looked at.
const DECLARATION_BYTES_MAX: usize = 200;

/// The document's text without a byte order mark.
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
        "ISO-8859-1" | "LATIN1" => Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
        other => Err(Refusal::Encoding(other.to_owned())),
    }
}

fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let head: String = head.iter().map(|&byte| char::from(byte)).collect();
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start();
    let value = value.strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|it| matches!(it, '"' | '\''))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let check = |bytes: &[u8]| {
            let text = decode(bytes).expect("the bytes are text");
            assert!(text.ends_with("<a>Müller</a>"), "{text}");
        };
        check("\u{feff}<a>Müller</a>".as_bytes());
        check("<a>Müller</a>".as_bytes());
        check(b"<?xml version='1.0' encoding='iso-8859-1'?><a>M\xfcller</a>");
        let units = std::iter::once(0xfeff).chain("<a>Müller</a>".encode_utf16());
        check(
            &units
                .clone()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
        );
        check(&units.flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(decode(b"<a>\xff</a>"), Err(Refusal::NotUtf8));
        assert_eq!(decode(b"\xff\xfe<"), Err(Refusal::Truncated));
        let ebcdic = decode(b"<?xml version='1.0' encoding='EBCDIC-1'?><a/>");
        assert_eq!(ebcdic, Err(Refusal::Encoding("EBCDIC-1".into())));
        let huge = vec![b' '; DOCUMENT_BYTES_MAX + 1];
        assert!(matches!(decode(&huge), Err(Refusal::TooLarge(_))));
    }
}
