//! What the cells of a workbook's sheets refer to, and where the sheets are.

use std::{
    collections::HashMap,
    io::{Read, Seek},
};

use super::{
    Misfit, VALUE_CHARS_MAX,
    archive::{Archive, Node, PART_BYTES_MAX, attribute, refused},
    number::{Epoch, Shown, moment, plain},
};
use crate::{error::Error, import::problem::cut};

/// Largest part that says where things are and how they look, unpacked, in bytes.
const LISTS_BYTES_MAX: u64 = 32 << 20;
/// Most sheets, relations and formats of a workbook.
const LISTED_MAX: usize = 10_000;
/// Most texts that cells share.
const SHARED_MAX: usize = 4_000_000;
/// Their length together, in bytes.
const SHARED_BYTES_MAX: usize = 128 << 20;

/// What cells refer to.
pub(super) struct Book {
    epoch: Epoch,
    /// By a cell's style.
    shown: Vec<Shown>,
    /// Shared texts one after the other, and where each ends.
    shared: String,
    ends: Vec<usize>,
}

impl Book {
    /// Reads what the cells of a sheet refer to, and gives the sheet's path. Without a name it is the first one.
    pub(super) fn open<R: Read + Seek>(
        archive: &mut Archive<R>,
        sheet: Option<&str>,
    ) -> Result<(Self, String), Error> {
        let workbook = workbook_path(archive)?;
        let folder = workbook.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (sheets, epoch) = sheets(archive, &workbook)?;
        let found = match sheet {
            Some(name) => sheets.iter().find(|(known, _)| known == name),
            None => sheets.first(),
        };
        let (_, relation) = found.ok_or_else(|| unknown_sheet(sheet, &sheets))?;
        let paths = relations(archive, &workbook)?;
        let path = paths.iter().find(|(id, ..)| id == relation);
        let (_, _, path) = path.ok_or_else(|| refused("a sheet of the workbook is missing"))?;
        let part_of = |ending: &str| {
            let of_type = paths.iter().find(|(_, kind, _)| kind.ends_with(ending));
            of_type.map(|(.., path)| path.clone())
        };
        let styles = part_of("/styles").unwrap_or_else(|| format!("{folder}/styles.xml"));
        let texts = part_of("/sharedStrings");
        let texts = texts.unwrap_or_else(|| format!("{folder}/sharedStrings.xml"));
        let shown = formats(archive, &styles)?;
        let (shared, ends) = shared_texts(archive, &texts)?;
        let book = Self {
            epoch,
            shown,
            shared,
            ends,
        };
        Ok((book, path.clone()))
    }

    /// What a stored number shows in a style.
    pub(super) fn number(&self, stored: &str, style: usize) -> Result<String, Misfit> {
        let shown = self.shown.get(style).copied().unwrap_or(Shown::Number);
        let told = match shown {
            Shown::Number => plain(stored),
            shown => moment(stored, shown, self.epoch),
        };
        told.ok_or_else(|| {
            let stored = cut(stored, VALUE_CHARS_MAX);
            match shown {
                Shown::Number => ("not-a-number", format!("{stored:?} is no number")),
                _ => ("not-a-date", format!("{stored:?} is no day or time")),
            }
        })
    }

    /// A text by its place.
    pub(super) fn shared_text(&self, place: &str) -> Result<&str, Misfit> {
        let unknown = || {
            (
                "unknown-text",
                "the workbook lacks the cell's text".to_owned(),
            )
        };
        let place: usize = place.trim().parse().map_err(|_| unknown())?;
        let end = *self.ends.get(place).ok_or_else(unknown)?;
        let start = place
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        Ok(&self.shared[start.copied().unwrap_or(0)..end])
    }
}

/// The place of the workbook part: the package says it.
fn workbook_path<R: Read + Seek>(archive: &mut Archive<R>) -> Result<String, Error> {
    let found = relations(archive, "")?;
    let workbook = found
        .into_iter()
        .find(|(_, kind, _)| kind.ends_with("/officeDocument"));
    Ok(workbook.map_or_else(|| "xl/workbook.xml".to_owned(), |(.., path)| path))
}

/// Relations of a part: id, type and the target's path.
fn relations<R: Read + Seek>(
    archive: &mut Archive<R>,
    part: &str,
) -> Result<Vec<(String, String, String)>, Error> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let within = |path: &str| match path.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None if folder.is_empty() => path.to_owned(),
        None => format!("{folder}/{path}"),
    };
    let mut found = Vec::new();
    let Some(mut xml) = archive.part(&within(&format!("_rels/{name}.rels")), LISTS_BYTES_MAX)?
    else {
        return Ok(found);
    };
    while let Some(node) = xml.next_node()? {
        if let Node::Open(name, attributes) = node
            && name == "Relationship"
            && found.len() < LISTED_MAX
        {
            let value = |name| attribute(&attributes, name).unwrap_or_default().to_owned();
            found.push((value("Id"), value("Type"), within(&value("Target"))));
        }
    }
    Ok(found)
}

/// Names and relations of the sheets in their order, and what days are counted from.
fn sheets<R: Read + Seek>(
    archive: &mut Archive<R>,
    workbook: &str,
) -> Result<(Vec<(String, String)>, Epoch), Error> {
    let Some(mut xml) = archive.part(workbook, LISTS_BYTES_MAX)? else {
        return Err(refused("the file is no XLSX workbook"));
    };
    let (mut found, mut epoch) = (Vec::new(), Epoch::Y1900);
    while let Some(node) = xml.next_node()? {
        let Node::Open(name, attributes) = node else {
            continue;
        };
        let value = |name| attribute(&attributes, name).unwrap_or_default().to_owned();
        match name.as_str() {
            "sheet" if found.len() < LISTED_MAX => found.push((value("name"), value("id"))),
            "workbookPr" if matches!(value("date1904").as_str(), "1" | "true") => {
                epoch = Epoch::Y1904;
            }
            _ => {}
        }
    }
    Ok((found, epoch))
}

fn unknown_sheet(wanted: Option<&str>, sheets: &[(String, String)]) -> Error {
    let names: Vec<&str> = sheets
        .iter()
        .take(20)
        .map(|(name, _)| name.as_str())
        .collect();
    let message = match wanted {
        Some(_) => format!("there is no such sheet; there are {names:?}"),
        None => "the workbook has no sheet".to_owned(),
    };
    Error::invalid("unknown", "/format/sheet", message)
}

/// What each style of a cell shows.
fn formats<R: Read + Seek>(archive: &mut Archive<R>, path: &str) -> Result<Vec<Shown>, Error> {
    let (mut own, mut shown, mut is_in_cells) = (HashMap::new(), Vec::new(), false);
    let Some(mut xml) = archive.part(path, LISTS_BYTES_MAX)? else {
        return Ok(shown);
    };
    while let Some(node) = xml.next_node()? {
        match node {
            Node::Open(name, attributes) => {
                let id = attribute(&attributes, "numFmtId").and_then(|id| id.parse::<u32>().ok());
                match (name.as_str(), id) {
                    ("numFmt", Some(id)) if own.len() < LISTED_MAX => {
                        let code = attribute(&attributes, "formatCode").unwrap_or_default();
                        own.insert(id, Shown::by_code(code));
                    }
                    ("xf", id) if is_in_cells && shown.len() < 100 * LISTED_MAX => {
                        let id = id.unwrap_or(0);
                        shown.push(own.get(&id).copied().unwrap_or(Shown::by_id(id)));
                    }
                    ("cellXfs", _) => is_in_cells = true,
                    _ => {}
                }
            }
            Node::Close(name) if name == "cellXfs" => is_in_cells = false,
            _ => {}
        }
    }
    Ok(shown)
}

/// Texts that cells share, one after the other, and where each ends.
fn shared_texts<R: Read + Seek>(
    archive: &mut Archive<R>,
    path: &str,
) -> Result<(String, Vec<usize>), Error> {
    let (mut shared, mut ends) = (String::new(), Vec::new());
    let Some(mut xml) = archive.part(path, PART_BYTES_MAX)? else {
        return Ok((shared, ends));
    };
    let (mut is_text, mut phonetic, mut text) = (false, 0_usize, String::new());
    while let Some(node) = xml.next_node()? {
        match node {
            Node::Open(name, _) => {
                is_text = name == "t";
                phonetic += usize::from(name == "rPh");
            }
            Node::Text(part) if is_text && phonetic == 0 => text.push_str(&part),
            Node::Text(_) => {}
            Node::Close(name) => {
                is_text = false;
                phonetic = phonetic.saturating_sub(usize::from(name == "rPh"));
                if name == "si" {
                    shared.push_str(&unescaped(&text));
                    ends.push(shared.len());
                    text.clear();
                }
            }
        }
        if shared.len() + text.len() > SHARED_BYTES_MAX || ends.len() > SHARED_MAX {
            return Err(refused(
                "the workbook's texts are too large: save the sheet as CSV",
            ));
        }
    }
    Ok((shared, ends))
}

/// Characters that XML cannot hold are written `_x000D_` (ISO/IEC 29500-1, 22.9.2.19).
pub(super) fn unescaped(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let code = rest
            .get(at + 2..at + 6)
            .filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_'));
        let is_hex = |code: &&str| code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = code
            .filter(is_hex)
            .and_then(|code| u32::from_str_radix(code, 16).ok());
        if let Some(character) = code.and_then(char::from_u32) {
            found.push_str(&rest[..at]);
            found.push(character);
            rest = &rest[at + 7..];
        } else {
            found.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
        }
    }
    found.push_str(rest);
    found
}
