//! XML as a stream of elements, each taken whole or entered.
//!
//! Knows nothing of statements. Names are local names; comments and processing instructions are passed over; document
//! types and entities are refused, so nothing in the text can point anywhere or grow. Entered through [`Outline`].

use quick_xml::Reader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::camt::StatementError;

/// Deepest nesting; camt.053 needs about fifteen levels.
const DEPTH_MAX: usize = 64;
/// Most elements of one message.
const ELEMENTS_MAX: usize = 4_000_000;

/// An element with all that is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Name without prefix.
    pub name: String,
    /// The attribute `Ccy`, the only one that statements use.
    pub currency: Option<String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Its own text without white space around it, none if there is nothing left.
    pub fn own_text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// Text at the first place of a path such as "Acct/Id/IBAN" that has any.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.all(path).into_iter().find_map(Element::own_text)
    }

    /// The first element at a path.
    pub fn find(&self, path: &str) -> Option<&Element> {
        self.all(path).into_iter().next()
    }

    /// All elements at a path, in the order of the document.
    pub fn all(&self, path: &str) -> Vec<&Element> {
        path.split('/').fold(vec![self], |level, name| {
            let children = level.into_iter().flat_map(|element| &element.children);
            children.filter(|child| child.name == name).collect()
        })
    }
}

/// What comes next in the document.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// An element begins; take it whole with [`Outline::element`] or go on to what is in it.
    Open(String),
    /// The innermost open element ends.
    Close,
    /// The document ends.
    End,
}

/// A reader over a document, entered element by element.
pub struct Outline<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    opened: Option<Element>,
    depth: usize,
    elements: usize,
    is_root_closed: bool,
}

enum Token {
    Open(Element),
    Close,
    Text(String),
    End,
}

impl<'a> Outline<'a> {
    /// A reader at the document's beginning.
    pub fn new(text: &'a str) -> Result<Self, StatementError> {
        if !text.trim_start().starts_with('<') || text.contains('\0') {
            return Err(StatementError::NotXml("it does not begin like XML".into()));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self {
            text,
            reader,
            opened: None,
            depth: 0,
            elements: 0,
            is_root_closed: false,
        })
    }

    /// Goes on to the next beginning or end of an element.
    pub fn step(&mut self) -> Result<Step, StatementError> {
        self.opened = None;
        loop {
            match self.token()? {
                Token::Open(element) => {
                    let name = element.name.clone();
                    self.opened = Some(element);
                    return Ok(Step::Open(name));
                }
                Token::Close => return Ok(Step::Close),
                Token::Text(_) => {}
                Token::End => return Ok(Step::End),
            }
        }
    }

    /// Takes the element that the last step opened, with all that is in it.
    pub fn element(&mut self) -> Result<Element, StatementError> {
        let mut open = vec![self.opened.take().unwrap_or_default()];
        loop {
            match self.token()? {
                Token::Open(element) => open.push(element),
                Token::Text(text) => {
                    if let Some(innermost) = open.last_mut() {
                        innermost.text.push_str(&text);
                    }
                }
                Token::Close | Token::End => {
                    let Some(done) = open.pop() else {
                        return Err(StatementError::Truncated);
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
            }
        }
    }

    fn token(&mut self) -> Result<Token, StatementError> {
        loop {
            let event = self
                .reader
                .read_event()
                .map_err(|error| self.refusal(&error))?;
            let token = match event {
                Event::Start(start) => self.opening(&start)?,
                Event::End(_) => self.closing(),
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => continue,
                Event::Text(text) => self.content(text.xml10_content().into_owned())?,
                Event::CData(text) => self.content(text.xml10_content().into_owned())?,
                Event::GeneralRef(reference) => {
                    let text = resolved(&reference)?;
                    self.content(text)?
                }
                Event::DocType(_) => return Err(StatementError::HasEntities),
                Event::Eof if self.depth > 0 => return Err(StatementError::Truncated),
                Event::Eof => Token::End,
            };
            return Ok(token);
        }
    }

    fn opening(&mut self, start: &BytesStart<'_>) -> Result<Token, StatementError> {
        if self.is_root_closed {
            return Err(StatementError::NotXml("it has a second root".into()));
        }
        self.depth += 1;
        self.elements += 1;
        if self.depth > DEPTH_MAX {
            return Err(StatementError::TooLarge("nested more than 64 levels deep"));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(StatementError::TooLarge("more than 4,000,000 elements"));
        }
        Ok(Token::Open(Element {
            name: start.local_name().as_ref().to_owned(),
            currency: currency(start)?,
            ..Element::default()
        }))
    }

    fn closing(&mut self) -> Token {
        self.depth -= 1;
        self.is_root_closed = self.depth == 0;
        Token::Close
    }

    fn content(&self, text: String) -> Result<Token, StatementError> {
        if self.depth == 0 && !text.trim().is_empty() {
            return Err(StatementError::NotXml("text outside the root".into()));
        }
        Ok(Token::Text(text))
    }

    /// Tells an end that is missing from a text that is no XML.
    fn refusal(&self, error: &quick_xml::Error) -> StatementError {
        let is_cut = match error {
            quick_xml::Error::Syntax(_) => self.depth > 0,
            quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
                let position = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
                self.text
                    .get(position..)
                    .is_none_or(|rest| !rest.contains('<'))
            }
            _ => false,
        };
        if is_cut {
            StatementError::Truncated
        } else {
            StatementError::NotXml(error.to_string())
        }
    }
}

fn currency(start: &BytesStart<'_>) -> Result<Option<String>, StatementError> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| StatementError::NotXml(error.to_string()))?;
        if attribute.key.local_name().as_ref() == "Ccy" {
            if attribute.value.contains('&') {
                return Err(StatementError::HasEntities);
            }
            return Ok(Some(attribute.value.trim().to_owned()));
        }
    }
    Ok(None)
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, StatementError> {
    let character = reference
        .resolve_char_ref()
        .map_err(|error| StatementError::NotXml(error.to_string()))?;
    if let Some(character) = character {
        return match character {
            '\0' => Err(StatementError::NotXml("it has a null character".into())),
            other => Ok(other.to_string()),
        };
    }
    let predefined = match &*reference.xml10_content() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(StatementError::HasEntities),
    };
    Ok(predefined.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Element, StatementError> {
        let mut outline = Outline::new(text)?;
        outline.step()?;
        let element = outline.element()?;
        outline.step()?;
        Ok(element)
    }

    #[test]
    fn text_of_every_kind_is_one_text() {
        let element = whole("<?xml version='1.0'?><!-- hello --><x:a><b>1 &amp; <![CDATA[<2>]]>&#x20AC;<!-- no --></b><c/></x:a>\n")
            .expect("the document is well formed");
        assert_eq!(element.name, "a");
        assert_eq!(element.text("b"), Some("1 & <2>€"));
        assert_eq!(element.text("c"), None);
        assert_eq!(element.text("b/d"), None);
    }

    #[test]
    fn a_document_that_ends_early_is_truncated_wherever_it_is_cut() {
        let text = "<a><b Ccy=\"EUR\">1 &amp; 2<!-- x --><![CDATA[3]]></b></a>";
        for cut in 3..text.len() {
            let result = whole(&text[..cut]);
            assert_eq!(result, Err(StatementError::Truncated), "{}", &text[..cut]);
        }
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        for text in [
            "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
            "<!DOCTYPE a><a/>",
            "<a>&undefined;</a>",
            "<a><b Ccy='&x;'>1</b></a>",
        ] {
            assert_eq!(whole(text), Err(StatementError::HasEntities), "{text}");
        }
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for text in [
            "",
            "%PDF-1.7",
            "{\"a\":1}",
            "<a></b>",
            "<a/><b/>",
            "<a/>tail",
            "<a>&#0;</a>",
            "<a>1 & 2</a>",
        ] {
            assert!(
                matches!(whole(text), Err(StatementError::NotXml(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        assert!(matches!(whole(&deep), Err(StatementError::TooLarge(_))));
    }
}
