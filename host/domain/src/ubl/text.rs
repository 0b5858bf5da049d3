//! XML text, element by element.
//!
//! Escapes what XML must not hold plainly, and remembers the first character that it cannot hold at all.

use super::UblError;
use crate::decimal::Decimal;
use crate::money::{Currency, Money};

const NAMESPACES: &str = "urn:oasis:names:specification:ubl:schema:xsd:";

/// A document under way.
pub struct Document {
    text: String,
    open: Vec<&'static str>,
    refused: Option<UblError>,
}

impl Document {
    /// Begins with a root of UBL 2.1.
    pub fn new(root: &'static str) -> Self {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACES}{root}-2\" \
             xmlns:cac=\"{NAMESPACES}CommonAggregateComponents-2\" \
             xmlns:cbc=\"{NAMESPACES}CommonBasicComponents-2\">\n"
        );
        Self {
            text,
            open: vec![root],
            refused: None,
        }
    }

    /// Begins an element that has others in it.
    pub fn open(&mut self, element: &'static str) {
        self.indent();
        self.text.push('<');
        self.text.push_str(element);
        self.text.push_str(">\n");
        self.open.push(element);
    }

    /// Ends the innermost element.
    pub fn close(&mut self) {
        if let Some(element) = self.open.pop() {
            self.indent();
            self.end(element);
        }
    }

    /// An element with a text.
    pub fn leaf(&mut self, element: &'static str, text: &str) {
        self.attributed(element, None, text);
    }

    /// An element with a text, if there is one.
    pub fn optional(&mut self, element: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(element, text);
        }
    }

    /// An amount with its currency.
    pub fn amount(&mut self, element: &'static str, amount: Money) {
        let currency = ("currencyID", amount.currency.code());
        self.attributed(element, Some(currency), &amount.amount_text());
    }

    /// A price, which may have any digits, with its currency.
    pub fn price(&mut self, element: &'static str, price: Decimal, currency: Currency) {
        let currency = ("currencyID", currency.code());
        self.attributed(element, Some(currency), &price.to_string());
    }

    /// A quantity with its unit.
    pub fn quantity(&mut self, element: &'static str, quantity: Decimal, unit: &str) {
        self.attributed(element, Some(("unitCode", unit)), &quantity.to_string());
    }

    /// The whole text, unless something in it was refused.
    pub fn finish(mut self) -> Result<String, UblError> {
        while !self.open.is_empty() {
            self.close();
        }
        match self.refused {
            Some(refusal) => Err(refusal),
            None => Ok(self.text),
        }
    }

    fn attributed(&mut self, element: &'static str, attribute: Option<(&str, &str)>, text: &str) {
        self.indent();
        self.text.push('<');
        self.text.push_str(element);
        if let Some((name, value)) = attribute {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.escaped(element, value);
            self.text.push('"');
        }
        self.text.push('>');
        self.escaped(element, text);
        self.end(element);
    }

    fn end(&mut self, element: &str) {
        self.text.push_str("</");
        self.text.push_str(element);
        self.text.push_str(">\n");
    }

    fn indent(&mut self) {
        for _ in &self.open {
            self.text.push_str("  ");
        }
    }

    fn escaped(&mut self, element: &'static str, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                // A reader would turn it into a line feed.
                '\r' => self.text.push_str("&#13;"),
                '\n' | '\t' => self.text.push(character),
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                    let code = u32::from(character);
                    self.refused
                        .get_or_insert(UblError::Character { element, code });
                }
                other => self.text.push(other),
            }
        }
    }
}
