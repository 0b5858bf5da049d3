//! XML as a stream of elements, each taken whole or entered.
//!
//! Names are local names; comments and processing instructions are passed over; document types and entities are refused.
//! Entered through [`Outline`].

use quick_xml::NsReader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::attributes::{AttrError, Attribute};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceError, ResolveResult};

use crate::Refusal;

/// Deepest nesting; statements and invoices need about fifteen levels.
pub const DEPTH_MAX: usize = 64;
/// Most elements of one document.
pub const ELEMENTS_MAX: usize = 4_000_000;
/// Most elements that are taken whole at once: they are held in memory.
pub const ELEMENTS_AT_ONCE_MAX: usize = 800_000;
/// Most attributes of one element, declarations of namespaces among them.
pub const ATTRIBUTES_MAX: usize = 100;

/// What is read of a document.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// What namespaces begin with; elements of others are passed over with all that is in them. Without any, all are read.
    pub namespaces: &'static [&'static str],
    /// Names of the attributes that are kept.
    pub attributes: &'static [&'static str],
}

impl Dialect {
    fn has(&self, namespace: &str) -> bool {
        self.namespaces.is_empty()
            || self
                .namespaces
                .iter()
                .any(|beginning| namespace.starts_with(beginning))
    }
}

/// An element with all that is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Name without prefix.
    pub name: String,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Its own text without white space around it, none if there is nothing left.
    pub fn own_text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// One of the attributes that are kept, none if it is empty.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(its_name, _)| *its_name == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
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
    reader: NsReader<&'a [u8]>,
    dialect: Dialect,
    opened: Option<Element>,
    /// Open elements.
    depth: usize,
    /// The innermost of them that are passed over.
    passed_over: usize,
    elements: usize,
    is_root_closed: bool,
    root_namespace: String,
}

enum Token {
    Open(Element),
    Close,
    Text(String),
    End,
}

impl<'a> Outline<'a> {
    /// A reader at the document's beginning.
    pub fn new(text: &'a str, dialect: Dialect) -> Result<Self, Refusal> {
        if !text.trim_start().starts_with('<') || text.contains('\0') {
            return Err(Refusal::NotXml("it does not begin like XML".into()));
        }
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Self {
            text,
            reader,
            dialect,
            opened: None,
            depth: 0,
            passed_over: 0,
            elements: 0,
            is_root_closed: false,
            root_namespace: String::new(),
        })
    }

    /// The namespace of the document's root, once it was opened; empty if it has none.
    pub fn root_namespace(&self) -> &str {
        &self.root_namespace
    }

    /// Goes on to the next beginning or end of an element.
    pub fn step(&mut self) -> Result<Step, Refusal> {
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
    pub fn element(&mut self) -> Result<Element, Refusal> {
        let mut open = vec![self.opened.take().unwrap_or_default()];
        let before = self.elements;
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
                        return Err(Refusal::Truncated);
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
            }
            if self.elements - before > ELEMENTS_AT_ONCE_MAX {
                return Err(Refusal::TooLarge("more than 800,000 elements in one"));
            }
        }
    }

    fn token(&mut self) -> Result<Token, Refusal> {
        loop {
            let (is_read, event) = match self.reader.read_resolved_event() {
                Ok((resolved, event)) => {
                    let namespace = namespace_of(&resolved);
                    if self.elements == 0 {
                        namespace.clone_into(&mut self.root_namespace);
                    }
                    (self.dialect.has(namespace), event)
                }
                Err(error) => return Err(self.refusal(&error)),
            };
            let token = match event {
                Event::Start(start) => self.opening(&start, is_read)?,
                Event::End(_) => self.closing(),
                Event::Text(text) => self.content(&text.xml10_content())?,
                Event::CData(text) => self.content(&text.xml10_content())?,
                Event::GeneralRef(reference) => self.content(&resolved(&reference)?)?,
                Event::DocType(_) => return Err(Refusal::HasEntities),
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => None,
                Event::Eof if self.depth > 0 => return Err(Refusal::Truncated),
                Event::Eof => Some(Token::End),
            };
            if let Some(token) = token {
                return Ok(token);
            }
        }
    }

    fn opening(&mut self, start: &BytesStart<'_>, is_read: bool) -> Result<Option<Token>, Refusal> {
        if self.is_root_closed {
            return Err(Refusal::NotXml("it has a second root".into()));
        }
        self.depth += 1;
        self.elements += 1;
        if self.depth > DEPTH_MAX {
            return Err(Refusal::TooLarge("nested more than 64 levels deep"));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(Refusal::TooLarge("more than 4,000,000 elements"));
        }
        if self.passed_over > 0 || !is_read {
            self.passed_over += 1;
            return Ok(None);
        }
        Ok(Some(Token::Open(Element {
            name: start.local_name().as_ref().to_owned(),
            attributes: kept(start.attributes(), self.dialect.attributes)?,
            ..Element::default()
        })))
    }

    fn closing(&mut self) -> Option<Token> {
        self.depth -= 1;
        self.is_root_closed = self.depth == 0;
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return None;
        }
        Some(Token::Close)
    }

    fn content(&self, text: &str) -> Result<Option<Token>, Refusal> {
        if self.depth == 0 && !text.trim().is_empty() {
            return Err(Refusal::NotXml("text outside the root".into()));
        }
        Ok((self.passed_over == 0).then(|| Token::Text(text.to_owned())))
    }

    /// Tells an end that is missing from a text that is no XML, and both from what is beyond a limit.
    fn refusal(&self, error: &quick_xml::Error) -> Refusal {
        let is_cut = match error {
            quick_xml::Error::Namespace(NamespaceError::TooManyBindings(_)) => {
                return Refusal::TooLarge("more than 128 namespaces declared at one place");
            }
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
            Refusal::Truncated
        } else {
            Refusal::NotXml(error.to_string())
        }
    }
}

fn namespace_of<'r>(resolved: &'r ResolveResult<'_>) -> &'r str {
    match resolved {
        ResolveResult::Bound(Namespace(namespace)) => namespace,
        ResolveResult::Unbound | ResolveResult::Unknown(_) => "",
    }
}

/// The attributes of an element that have one of these names. Looks at no more than the limit.
fn kept<'s>(
    attributes: impl Iterator<Item = Result<Attribute<'s>, AttrError>>,
    names: &[&'static str],
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let mut kept = Vec::new();
    for (place, attribute) in attributes.enumerate() {
        if place == ATTRIBUTES_MAX {
            return Err(Refusal::TooLarge("more than 100 attributes of one element"));
        }
        let attribute = attribute.map_err(|error| Refusal::NotXml(error.to_string()))?;
        let known = names.iter().find(|name| attribute.key.as_ref() == **name);
        if let Some(name) = known {
            if attribute.value.contains('&') {
                return Err(Refusal::HasEntities);
            }
            kept.push((*name, attribute.value.trim().to_owned()));
        }
    }
    Ok(kept)
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, Refusal> {
    let character = reference
        .resolve_char_ref()
        .map_err(|error| Refusal::NotXml(error.to_string()))?;
    if let Some(character) = character {
        return match character {
            '\0' => Err(Refusal::NotXml("it has a null character".into())),
            other => Ok(other.to_string()),
        };
    }
    let predefined = match &*reference.xml10_content() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(Refusal::HasEntities),
    };
    Ok(predefined.to_owned())
}

#[cfg(test)]
mod tests;
