//! The parts of a workbook's ZIP archive (APPNOTE 6.3), each read as a stream of XML within limits.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use flate2::read::DeflateDecoder;
use quick_xml::{Reader, XmlVersion, events::Event};

use crate::{error::Error, import::source::unreadable};

/// Longest list of parts, in bytes.
const DIRECTORY_BYTES_MAX: u64 = 4 << 20;
/// How far from its end an archive's end record can lie: the record and its comment.
const END_BYTES_MAX: u64 = 22 + 0xffff;
/// Largest part, unpacked, in bytes.
pub(super) const PART_BYTES_MAX: u64 = 1 << 30;
/// Longest tag or text of a part, in bytes.
const NODE_BYTES_MAX: u64 = 4 << 20;
/// Most attributes of a tag.
const ATTRIBUTES_MAX: usize = 1_000;
/// Most tags within one another: the reader remembers the name of each.
const DEPTH_MAX: usize = 100;

/// A part's place.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    method: u16,
    is_encrypted: bool,
    packed_bytes: u64,
    header_at: u64,
}

/// An archive whose list of parts is read.
pub(super) struct Archive<R> {
    source: R,
    entries: Vec<Entry>,
}

/// The file is no workbook, or breaks a limit.
pub(super) fn refused(message: &str) -> Error {
    Error::invalid("not-a-workbook", "", message)
}

impl<R: Read + Seek> Archive<R> {
    pub(super) fn open(mut source: R) -> Result<Self, Error> {
        let mut start = [0; 8];
        source.rewind().map_err(|error| unreadable(&error))?;
        let begins = source
            .read(&mut start)
            .map_err(|error| unreadable(&error))?;
        if start[..begins].starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
            return Err(refused(
                "the workbook is of Excel 97-2003 or has a password: save it as XLSX without one",
            ));
        }
        let directory = directory(&mut source).map_err(|error| unreadable(&error))?;
        let directory = directory.ok_or_else(|| refused("the file is no XLSX workbook"))?;
        Ok(Self {
            source,
            entries: entries(&directory),
        })
    }

    /// A part of at most so many bytes, if there is one of that name.
    pub(super) fn part(
        &mut self,
        name: &str,
        bytes_max: u64,
    ) -> Result<Option<Xml<&mut R>>, Error> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name));
        match entry.cloned() {
            Some(entry) => Xml::open(&mut self.source, &entry, bytes_max).map(Some),
            None => Ok(None),
        }
    }

    /// The part that is read last.
    pub(super) fn into_part(self, name: &str) -> Result<Xml<R>, Error> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.name.eq_ignore_ascii_case(name));
        let entry = entry.ok_or_else(|| refused("a sheet of the workbook is missing"))?;
        Xml::open(self.source, entry, PART_BYTES_MAX)
    }
}

fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(BYTES)?)?;
    Some(
        field
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

/// The bytes of the central directory.
fn directory<R: Read + Seek>(source: &mut R) -> io::Result<Option<Vec<u8>>> {
    let length = source.seek(SeekFrom::End(0))?;
    let tail_at = length.saturating_sub(END_BYTES_MAX);
    source.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    source.by_ref().take(END_BYTES_MAX).read_to_end(&mut tail)?;
    let Some(end) = tail.windows(4).rposition(|bytes| bytes == b"PK\x05\x06") else {
        return Ok(None);
    };
    let (Some(bytes), Some(at)) = (number::<4>(&tail, end + 12), number::<4>(&tail, end + 16))
    else {
        return Ok(None);
    };
    if bytes > DIRECTORY_BYTES_MAX || at.saturating_add(bytes) > length {
        return Ok(None);
    }
    source.seek(SeekFrom::Start(at))?;
    let mut directory = Vec::new();
    source.by_ref().take(bytes).read_to_end(&mut directory)?;
    Ok(Some(directory))
}

/// The entries of a central directory, as far as it can be read.
fn entries(directory: &[u8]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut rest = directory;
    while let Some((entry, bytes)) = entry(rest) {
        found.push(entry);
        rest = &rest[bytes..];
    }
    found
}

fn entry(bytes: &[u8]) -> Option<(Entry, usize)> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let length = |at| number::<2>(bytes, at).and_then(|length| usize::try_from(length).ok());
    let name_bytes = length(28)?;
    let name = bytes.get(46..46 + name_bytes)?;
    let all = 46 + name_bytes + length(30)? + length(32)?;
    let entry = Entry {
        name: String::from_utf8_lossy(name).replace('\\', "/"),
        method: u16::try_from(number::<2>(bytes, 10)?).ok()?,
        is_encrypted: number::<2>(bytes, 8)? & 1 == 1,
        packed_bytes: number::<4>(bytes, 20)?,
        header_at: number::<4>(bytes, 42)?,
    };
    (all <= bytes.len()).then_some((entry, all))
}

/// A part's bytes.
enum Unpacked<R> {
    Stored(Take<R>),
    Deflated(Box<DeflateDecoder<Take<R>>>),
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(source) => source.read(buffer),
            Self::Deflated(source) => source.read(buffer),
        }
    }
}

/// Bytes within limits: few packed bytes may unpack to many.
struct Limited<R> {
    source: Unpacked<R>,
    part_left: u64,
    node_left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = |left: u64| left.checked_sub(read as u64);
        match (left(self.part_left), left(self.node_left)) {
            (Some(part_left), Some(node_left)) => {
                (self.part_left, self.node_left) = (part_left, node_left);
                Ok(read)
            }
            _ => Err(io::Error::other("a part of the workbook is too large")),
        }
    }
}

/// What stands in a part.
pub(super) enum Node {
    /// A tag with its attributes, prefixes left out.
    Open(String, Vec<(String, String)>),
    Close(String),
    Text(String),
}

/// A part being read.
pub(super) struct Xml<R> {
    reader: Reader<BufReader<Limited<R>>>,
    buffer: Vec<u8>,
    /// How many tags are open.
    depth: usize,
}

impl<R: Read + Seek> Xml<R> {
    fn open(mut source: R, entry: &Entry, bytes_max: u64) -> Result<Self, Error> {
        if entry.is_encrypted {
            return Err(refused("the workbook has a password: save it without one"));
        }
        let mut header = [0; 30];
        let found = source
            .seek(SeekFrom::Start(entry.header_at))
            .and_then(|_| source.read_exact(&mut header));
        found.map_err(|error| unreadable(&error))?;
        let skipped = number::<2>(&header, 26).zip(number::<2>(&header, 28));
        let (name_bytes, extra_bytes) = skipped.unwrap_or_default();
        let data_at = entry.header_at + 30 + name_bytes + extra_bytes;
        let found = source.seek(SeekFrom::Start(data_at));
        found.map_err(|error| unreadable(&error))?;
        let packed = source.take(entry.packed_bytes);
        let source = match entry.method {
            0 => Unpacked::Stored(packed),
            8 => Unpacked::Deflated(Box::new(DeflateDecoder::new(packed))),
            _ => {
                return Err(refused(
                    "the workbook is packed in a way that is not known here",
                ));
            }
        };
        let limited = Limited {
            source,
            part_left: bytes_max,
            node_left: NODE_BYTES_MAX,
        };
        let mut reader = Reader::from_reader(BufReader::new(limited));
        reader.config_mut().expand_empty_elements = true;
        Ok(Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
        })
    }

    /// The next tag or text; none at the end.
    pub(super) fn next_node(&mut self) -> Result<Option<Node>, Error> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().get_mut().node_left = NODE_BYTES_MAX;
            let event = self
                .reader
                .read_event_into(&mut self.buffer)
                .map_err(|error| broken(&error))?;
            return Ok(Some(match event {
                Event::Start(tag) => {
                    self.depth += 1;
                    if self.depth > DEPTH_MAX {
                        return Err(refused("the workbook is nested too deep"));
                    }
                    let mut attributes = Vec::new();
                    for attribute in tag.attributes().with_checks(false) {
                        if attributes.len() >= ATTRIBUTES_MAX {
                            return Err(refused("a tag of the workbook has too many attributes"));
                        }
                        let attribute = attribute.map_err(|error| broken(&error))?;
                        let value = attribute
                            .normalized_value(XmlVersion::Implicit1_0)
                            .map_err(|error| broken(&error))?;
                        let name = attribute.key.local_name().as_ref().to_owned();
                        attributes.push((name, value.into_owned()));
                    }
                    Node::Open(tag.local_name().as_ref().to_owned(), attributes)
                }
                Event::End(tag) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::Close(tag.local_name().as_ref().to_owned())
                }
                Event::Text(text) => Node::Text(text.to_string()),
                Event::CData(text) => Node::Text(text.to_string()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref();
                    let named = match &*reference {
                        "amp" => Some('&'),
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => None,
                    };
                    let character = character.map_err(|error| broken(&error))?.or(named);
                    let character =
                        character.ok_or_else(|| refused("the workbook has entities"))?;
                    Node::Text(character.to_string())
                }
                Event::DocType(_) => return Err(refused("the workbook has a document type")),
                Event::Eof => return Ok(None),
                _ => continue,
            }));
        }
    }
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    refused(&format!("a part of the workbook cannot be read: {error}"))
}

/// An attribute's value.
pub(super) fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}
