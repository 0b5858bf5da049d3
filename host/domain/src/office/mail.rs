//! Mail on its way out, and the texts that it is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most earlier mails that a mail names in its `References`: the first one and the last ones.
const REFERENCES_MAX: usize = 20;

/// A mail on its way out. Delivered after the commit, at least once, under its row's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The automation that sends it.
    pub automation: String,
    /// Sender (RFC 5322 mailbox).
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// Copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The template that subject and text were made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateUse>,
    /// What goes along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Message-IDs of the mails before it in its thread, the direct one last (RFC 5322 §3.6.4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// When the run that sends it took place, in microseconds UTC: the mail's date.
    pub at_us: i64,
}

impl Message {
    /// The Message-ID of the message of a row, without angle brackets: every try of a delivery carries the same.
    pub fn message_id(&self, id: &str) -> String {
        let domain = self.from.rsplit_once('@').map(|(_, domain)| domain);
        format!("{id}@{}", domain.unwrap_or("localhost"))
    }

    /// The references of a mail that follows this one.
    pub fn references_of_next(&self, id: &str) -> Vec<String> {
        let surplus = self.references.len().saturating_sub(REFERENCES_MAX - 1);
        let kept = self.references.iter().enumerate();
        let kept = kept.filter(|(place, _)| *place == 0 || *place > surplus);
        kept.map(|(_, reference)| reference.clone())
            .chain([self.message_id(id)])
            .collect()
    }
}

/// Which template a mail was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateUse {
    /// The template's id.
    pub name: String,
    /// The language that was taken.
    pub language: String,
}

/// A document that goes along with a mail, as it was when the mail was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// The document's id.
    pub document: String,
    /// Its name.
    pub name: String,
    /// RFC 6838 media type.
    pub media_type: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the content, lower-case hex.
    pub sha256: String,
}

/// A text for mail, in one or more languages, with places for data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What it is for, in plain words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The language to take if the wanted one is missing: one of `texts`.
    pub fallback: String,
    /// By language tag (BCP 47), such as "de" or "de-AT".
    pub texts: BTreeMap<String, TemplateText>,
}

/// A template's words in one language, in Jinja's syntax.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateText {
    /// Gives one line.
    pub subject: String,
    /// Gives plain text.
    pub text: String,
}

impl Template {
    /// The words for a language tag, by lookup (RFC 4647 §3.4): the tag is shortened until a text has it, else the
    /// fallback is taken. Gives the tag that was found, too.
    pub fn text_for(&self, wanted: &str) -> Option<(&str, &TemplateText)> {
        let mut wanted = wanted;
        loop {
            let found = self.texts.iter();
            let mut found = found.filter(|(tag, _)| tag.eq_ignore_ascii_case(wanted));
            if let Some((tag, text)) = found.next() {
                return Some((tag, text));
            }
            let Some((shorter, _)) = wanted.rsplit_once('-') else {
                break;
            };
            // A singleton such as "x" goes with what it introduced.
            wanted = match shorter.rsplit_once('-') {
                Some((shortest, "x" | "X" | "u" | "U" | "t" | "T")) => shortest,
                _ => shorter,
            };
        }
        let (tag, text) = self.texts.get_key_value(&self.fallback)?;
        Some((tag, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(from: &str) -> Message {
        Message {
            automation: String::new(),
            from: from.to_owned(),
            to: vec!["a@example.com".to_owned()],
            cc: Vec::new(),
            reply_to: None,
            subject: "s".to_owned(),
            text: String::new(),
            template: None,
            attachments: Vec::new(),
            references: Vec::new(),
            at_us: 0,
        }
    }

    #[test]
    fn a_thread_names_its_first_mail_and_its_last_ones() {
        let mut last = message("bursar@office.example");
        for number in 0..50 {
            let references = last.references_of_next(&format!("m{number}"));
            assert!(references.len() <= REFERENCES_MAX);
            assert_eq!(
                references.first().map(String::as_str),
                Some("m0@office.example")
            );
            let direct = format!("m{number}@office.example");
            assert_eq!(references.last(), Some(&direct));
            let mut distinct = references.clone();
            distinct.dedup();
            assert_eq!(distinct, references);
            last.references = references;
        }
        assert_eq!(last.references.len(), REFERENCES_MAX);
        assert_eq!(
            last.references.get(1).map(String::as_str),
            Some("m31@office.example")
        );
    }

    #[test]
    fn the_nearest_language_is_taken() {
        let text = |subject: &str| TemplateText {
            subject: subject.to_owned(),
            text: String::new(),
        };
        let texts = ["en", "de", "de-AT", "zh-Hant"].map(|tag| (tag.to_owned(), text(tag)));
        let template = Template {
            description: String::new(),
            fallback: "en".to_owned(),
            texts: texts.into(),
        };
        for (wanted, expected) in [
            ("de-AT", "de-AT"),
            ("DE-at", "de-AT"),
            ("de-CH-1996", "de"),
            ("de-x-office", "de"),
            ("zh-Hant-TW", "zh-Hant"),
            ("zh", "en"),
            ("fr", "en"),
            ("", "en"),
            ("-", "en"),
        ] {
            let (found, text) = template.text_for(wanted).expect("there is a fallback");
            assert_eq!(
                (found, text.subject.as_str()),
                (expected, expected),
                "{wanted}"
            );
        }
    }
}
