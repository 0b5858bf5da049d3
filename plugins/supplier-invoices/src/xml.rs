//! XML as a tree of the elements that invoices are made of.
//!
//! Knows the namespaces of UBL and CII, whatever their prefixes; elements of other namespaces are passed over with all
//! that is in them. Document types and entities are refused, so nothing in the text can point anywhere or grow. Entered
//! through [`parse`].

use quick_xml::NsReader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use crate::einvoice::Refusal;

/// Deepest nesting; invoices need about twelve levels.
const DEPTH_MAX: usize = 64;
/// Most elements of one document.
const ELEMENTS_MAX: usize = 400_000;
/// What the namespaces of UBL 2 and of CII D16B begin with.
const FAMILIES: [&str; 2] = [
    "urn:oasis:names:specification:ubl:schema:xsd:",
    "urn:un:unece:uncefact:data:standard:",
];
/// The attributes that say something about a value.
const ATTRIBUTES: [&str; 4] = ["currencyID", "unitCode", "schemeID", "format"];

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

    /// One of its attributes, none if it is empty.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(its_name, _)| *its_name == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Text at the first place of a path such as "Party/PartyName/Name" that has any.
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

/// A document's root.
#[derive(Debug, PartialEq, Eq)]
pub struct Root {
    /// The namespace that says what the document is.
    pub namespace: String,
    /// The element.
    pub element: Element,
}

/// Reads a document.
pub fn parse(text: &str) -> Result<Root, Refusal> {
    if !text.trim_start().starts_with('<') || text.contains('\0') {
        return Err(Refusal::NotXml("it does not begin like XML".into()));
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree::default();
    loop {
        let (is_known, namespace, event) = match reader.read_resolved_event() {
            Ok((resolved, event)) => {
                let namespace = tree.root_namespace(&resolved);
                (is_of_a_family(&resolved), namespace, event)
            }
            Err(error) => return Err(refusal(&error, text, reader.error_position(), &tree)),
        };
        match event {
            Event::Start(start) => tree.open(&start, is_known, namespace)?,
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.write(&text.xml10_content())?,
            Event::CData(text) => tree.write(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.write(&resolved(&reference)?)?,
            Event::DocType(_) => return Err(Refusal::HasEntities),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

fn is_of_a_family(resolved: &ResolveResult<'_>) -> bool {
    let ResolveResult::Bound(Namespace(namespace)) = resolved else {
        return false;
    };
    FAMILIES.iter().any(|family| namespace.starts_with(family))
}

#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    /// Open elements of other namespaces, and what is in them.
    passed_over: usize,
    elements: usize,
    namespace: String,
    root: Option<Element>,
}

impl Tree {
    fn root_namespace(&self, resolved: &ResolveResult<'_>) -> Option<String> {
        match resolved {
            ResolveResult::Bound(Namespace(namespace)) if self.elements == 0 => {
                Some((*namespace).to_owned())
            }
            _ => None,
        }
    }

    fn open(
        &mut self,
        start: &BytesStart<'_>,
        is_known: bool,
        namespace: Option<String>,
    ) -> Result<(), Refusal> {
        if self.elements > 0 && self.depth() == 0 {
            return Err(Refusal::NotXml("it has a second root".into()));
        }
        self.namespace.extend(namespace);
        self.elements += 1;
        if self.depth() == DEPTH_MAX {
            return Err(Refusal::TooLarge("nested more than 64 levels deep"));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(Refusal::TooLarge("more than 400,000 elements"));
        }
        if self.passed_over > 0 || !is_known {
            self.passed_over += 1;
            return Ok(());
        }
        self.open.push(Element {
            name: start.local_name().as_ref().to_owned(),
            attributes: attributes(start)?,
            ..Element::default()
        });
        Ok(())
    }

    fn close(&mut self) {
        if self.passed_over > 0 {
            self.passed_over -= 1;
        } else if let Some(done) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(done),
                None => self.root = Some(done),
            }
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Refusal> {
        if self.depth() == 0 && !text.trim().is_empty() {
            return Err(Refusal::NotXml("text outside the root".into()));
        }
        if let (0, Some(innermost)) = (self.passed_over, self.open.last_mut()) {
            innermost.text.push_str(text);
        }
        Ok(())
    }

    fn depth(&self) -> usize {
        self.open.len() + self.passed_over
    }

    fn finish(self) -> Result<Root, Refusal> {
        if self.depth() > 0 {
            return Err(Refusal::Truncated);
        }
        let namespace = self.namespace;
        match self.root {
            Some(element) => Ok(Root { namespace, element }),
            None => Err(Refusal::NotAnInvoice),
        }
    }
}

fn attributes(start: &BytesStart<'_>) -> Result<Vec<(&'static str, String)>, Refusal> {
    let mut kept = Vec::new();
    // Unchecked for doubles, which takes time by the square: the first one counts.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| Refusal::NotXml(error.to_string()))?;
        let known = ATTRIBUTES
            .iter()
            .find(|name| attribute.key.as_ref() == **name);
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

/// Tells an end that is missing from a text that is no XML.
fn refusal(error: &quick_xml::Error, text: &str, position: u64, tree: &Tree) -> Refusal {
    let is_cut = match error {
        quick_xml::Error::Syntax(_) => tree.depth() > 0,
        quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
            let position = usize::try_from(position).unwrap_or(usize::MAX);
            text.get(position..).is_none_or(|rest| !rest.contains('<'))
        }
        _ => false,
    };
    if is_cut {
        Refusal::Truncated
    } else {
        Refusal::NotXml(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UBL: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";

    fn root(inner: &str) -> Result<Root, Refusal> {
        parse(&format!(
            "<?xml version='1.0'?><x:a xmlns:x='{UBL}'>{inner}</x:a>"
        ))
    }

    #[test]
    fn names_go_by_namespace_and_not_by_prefix() {
        let text = format!(
            "<a xmlns='{UBL}'><b currencyID=' EUR '>1 &amp; <![CDATA[<2>]]>&#x20AC;</b>\
             <o xmlns='urn:other'><b>3</b><c xmlns='{UBL}'>4</c></o><y:c xmlns:y='{UBL}'/><c>5</c></a>\n"
        );
        let Root { namespace, element } = parse(&text).expect("the document is well formed");
        assert_eq!((namespace.as_str(), element.name.as_str()), (UBL, "a"));
        assert_eq!(element.text("b"), Some("1 & <2>€"));
        let b = element.find("b").expect("it is there");
        assert_eq!(b.attribute("currencyID"), Some("EUR"));
        assert_eq!(element.text("c"), Some("5"));
        assert_eq!(element.all("b").len(), 1);
    }

    #[test]
    fn a_document_that_ends_early_is_truncated_wherever_it_is_cut() {
        let text = format!("<a xmlns='{UBL}'><b unitCode=\"C62\">1 &amp; 2<!-- x --></b></a>");
        for cut in 3..text.len() {
            let found = parse(&text[..cut]);
            let is_in_root = cut > text.find('>').unwrap_or_default();
            let is_refused = match found {
                Err(Refusal::Truncated) => true,
                Err(Refusal::NotXml(_)) => !is_in_root,
                _ => false,
            };
            assert!(is_refused, "{}", &text[..cut]);
        }
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        for inner in ["&undefined;", "<x:b currencyID='&x;'>1</x:b>"] {
            assert_eq!(root(inner), Err(Refusal::HasEntities), "{inner}");
        }
        let bomb = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
        assert_eq!(parse(bomb), Err(Refusal::HasEntities));
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for text in [
            "",
            "%PDF-1.7",
            "{}",
            "<a></b>",
            "<a/><b/>",
            "<a/>tail",
            "<a>&#0;</a>",
        ] {
            assert!(matches!(parse(text), Err(Refusal::NotXml(_))), "{text}");
        }
        assert!(matches!(root("<y:b/>"), Ok(root) if root.element.all("b").is_empty()));
        assert_eq!(parse("<a/>"), Err(Refusal::NotAnInvoice));
    }

    #[test]
    fn depth_and_elements_have_limits() {
        let deep = "<x:b>".repeat(DEPTH_MAX);
        assert!(matches!(root(&deep), Err(Refusal::TooLarge(_))));
        let many = "<x:b/>".repeat(ELEMENTS_MAX);
        assert!(matches!(root(&many), Err(Refusal::TooLarge(_))));
    }
}
