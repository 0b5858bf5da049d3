//! Mail that leaves after the commit.

use bursar_domain::{
    manifest::Need,
    office::{Attachment, Document, Message, TemplateUse},
    row::{Kind, RowKey},
};
use serde_json::{Value, json};

use crate::{
    effects::Keyed,
    error::Error,
    input::Faults,
    schema::within,
    session::Session,
    templates::Rendering,
    write::{Write, key_of},
};

/// Most recipients of one mail, copies included.
const RECIPIENTS_MAX: usize = 50;
/// Longest subject, in bytes.
pub(crate) const SUBJECT_BYTES_MAX: usize = 500;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// Longest address (RFC 5321 §4.5.3.1.3), in bytes.
const ADDRESS_BYTES_MAX: usize = 254;
/// Most attachments of one mail.
const ATTACHMENTS_MAX: usize = 20;
/// Largest attachments of one mail together, in bytes: what most servers take, once it is written in Base64.
const ATTACHMENTS_BYTES_MAX: u64 = 15 << 20;
/// The sender of a legal entity that has none.
const SENDER_DEFAULT: &str = "bursar@localhost";

/// A mail as its author writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMail {
    /// Recipients: one address each.
    pub to: Vec<String>,
    /// Copies: one address each.
    pub cc: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// One line, 1 to 500 bytes.
    pub subject: String,
    /// Plain text, at most 256 KiB.
    pub text: String,
}

/// A mail as its author asks for it: with words of its own or a template's, attachments, and the mail that it follows.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLetter {
    /// Recipients: one address each.
    pub to: Vec<String>,
    /// Copies: one address each.
    pub cc: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// What it says.
    pub content: Content,
    /// Documents that go along, by id: at most 20, together at most 15 MiB.
    pub attachments: Vec<String>,
    /// The mail of one's own whose thread this one continues.
    pub follows: Option<String>,
}

/// What a letter says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Words of its own.
    Plain {
        /// One line, 1 to 500 bytes.
        subject: String,
        /// Plain text, at most 256 KiB.
        text: String,
    },
    /// A template's words.
    Template(Rendering),
}

/// What a mail has besides its words and recipients.
struct Enclosed {
    template: Option<TemplateUse>,
    attachments: Vec<Attachment>,
    references: Vec<String>,
}

impl Session {
    /// Drafts a mail and gives its id; the same key gives the same id again. Needs `messages` for each recipient's domain.
    pub async fn mail(&mut self, key: &str, mail: &NewMail) -> Result<String, Error> {
        let NewMail {
            to,
            cc,
            reply_to,
            subject,
            text,
        } = mail.clone();
        let letter = NewLetter {
            to,
            cc,
            reply_to,
            content: Content::Plain { subject, text },
            attachments: Vec::new(),
            follows: None,
        };
        self.send(key, &letter).await
    }

    /// Drafts a mail with a template's words, attachments, or in a thread, and gives its id; the same key gives the same id
    /// again, whatever has become of template and documents. Needs `messages` for each recipient's domain, and
    /// `documents: read` for what is attached.
    pub async fn send(&mut self, key: &str, letter: &NewLetter) -> Result<String, Error> {
        let mut mail = NewMail {
            to: letter.to.clone(),
            cc: letter.cc.clone(),
            reply_to: letter.reply_to.clone(),
            // A template's words are checked once they are there.
            subject: "-".to_owned(),
            text: String::new(),
        };
        if let Content::Plain { subject, text } = &letter.content {
            mail.subject.clone_from(subject);
            mail.text.clone_from(text);
        }
        check(&mail)?;
        check_attachments(&letter.attachments)?;
        self.require_recipients(&mail)?;
        let free = match self.effect(MAIL, key, &input_of(letter, &mail)).await? {
            Keyed::Used(id) => return Ok(id),
            Keyed::Free(free) => free,
        };
        let mut enclosed = Enclosed {
            attachments: self.attached(&letter.attachments).await?,
            references: match &letter.follows {
                Some(earlier) => self.references_behind(earlier).await?,
                None => Vec::new(),
            },
            template: None,
        };
        if let Content::Template(rendering) = &letter.content {
            let rendered = self.render(rendering).await.map_err(|error| match error {
                Error::Invalid(problems) => within("/content", problems),
                error => error,
            })?;
            enclosed.template = Some(TemplateUse {
                name: rendering.template.clone(),
                language: rendered.language,
            });
            mail.subject = rendered.subject;
            mail.text = rendered.text;
            check(&mail)?;
        }
        let message = self.message(mail, enclosed);
        let id = self.new_id();
        self.apply(vec![
            free.used_for(&id)?,
            Write::of(RowKey::of(Kind::Message, &id), None, &message)?,
        ])?;
        Ok(id)
    }

    fn require_recipients(&self, mail: &NewMail) -> Result<(), Error> {
        for address in mail.to.iter().chain(&mail.cc) {
            self.require(Need::MailTo(address), || format!("mail to {address}"))?;
        }
        Ok(())
    }

    fn message(&self, mail: NewMail, enclosed: Enclosed) -> Message {
        let entity = self.context.legal_entity.as_ref();
        let sender = entity.map(|entity| entity.mail_from.as_str());
        Message {
            automation: self.context.automation.clone().unwrap_or_default(),
            from: sender_of(sender),
            to: mail.to,
            cc: mail.cc,
            reply_to: mail.reply_to,
            subject: mail.subject,
            text: mail.text,
            template: enclosed.template,
            attachments: enclosed.attachments,
            references: enclosed.references,
            at_us: self.context.now_us,
        }
    }

    async fn attached(&mut self, documents: &[String]) -> Result<Vec<Attachment>, Error> {
        let mut attached = Vec::with_capacity(documents.len());
        let mut bytes = 0_u64;
        for id in documents {
            let document: Document = self.document(id).await?.body;
            bytes = bytes.saturating_add(document.bytes);
            attached.push(Attachment {
                document: id.clone(),
                name: document.name,
                media_type: document.media_type,
                bytes: document.bytes,
                sha256: document.sha256,
            });
        }
        if bytes > ATTACHMENTS_BYTES_MAX {
            let message =
                format!("the documents have {bytes} bytes; a mail takes {ATTACHMENTS_BYTES_MAX}");
            return Err(Error::invalid("too-large", "/attachments", message));
        }
        Ok(attached)
    }

    /// The references of a mail that follows one of one's own. What was sent after this session's snapshot is not there.
    async fn references_behind(&mut self, id: &str) -> Result<Vec<String>, Error> {
        let absent = || Error::not_found("such message");
        let key = key_of(Kind::Message, "", id, "such message")?;
        let (_, earlier) = self.find::<Message>(&key).await?.ok_or_else(absent)?;
        let own = self.context.automation.as_deref();
        if own.is_some_and(|own| own != earlier.automation) {
            return Err(absent());
        }
        Ok(earlier.references_of_next(id))
    }
}

/// The sender of a legal entity, if it names one.
pub(crate) fn sender_of(named: Option<&str>) -> String {
    let named = named.filter(|sender| !sender.is_empty());
    named.unwrap_or(SENDER_DEFAULT).to_owned()
}

/// Both functions share their keys: a plugin that begins to use the other one mails nobody twice.
const MAIL: &str = "messages.mail";

fn plain_input(mail: &NewMail) -> Value {
    json!({
        "to": mail.to, "cc": mail.cc, "reply_to": mail.reply_to, "subject": mail.subject, "text": mail.text,
    })
}

fn input_of(letter: &NewLetter, mail: &NewMail) -> Value {
    let is_plain = matches!(letter.content, Content::Plain { .. });
    if is_plain && letter.attachments.is_empty() && letter.follows.is_none() {
        return plain_input(mail);
    }
    let content = match &letter.content {
        Content::Plain { subject, text } => json!({"subject": subject, "text": text}),
        Content::Template(rendering) => json!({
            "template": rendering.template, "locale": rendering.locale, "data": rendering.data,
        }),
    };
    json!({
        "to": letter.to, "cc": letter.cc, "reply_to": letter.reply_to, "content": content,
        "attachments": letter.attachments, "follows": letter.follows,
    })
}

fn check_attachments(attachments: &[String]) -> Result<(), Error> {
    let mut faults = Faults::default();
    let is_few = attachments.len() <= ATTACHMENTS_MAX;
    let message = format!("at most {ATTACHMENTS_MAX} attachments");
    faults.unless(is_few, "too-many", "/attachments", message);
    for (place, id) in attachments.iter().take(ATTACHMENTS_MAX).enumerate() {
        let is_first = attachments.iter().position(|other| other == id) == Some(place);
        let at = format!("/attachments/{place}");
        faults.unless(is_first, "duplicate", &at, "each document goes along once");
    }
    faults.result()
}

fn check(mail: &NewMail) -> Result<(), Error> {
    let mut faults = Faults::default();
    let recipients = mail.to.len().saturating_add(mail.cc.len());
    faults.unless(
        !mail.to.is_empty(),
        "empty",
        "/to",
        "a mail has a recipient",
    );
    faults.unless(
        recipients <= RECIPIENTS_MAX,
        "too-many",
        "/to",
        format!("at most {RECIPIENTS_MAX} recipients over to and cc"),
    );
    for (list, addresses) in [("to", &mail.to), ("cc", &mail.cc)] {
        for (place, address) in addresses.iter().take(RECIPIENTS_MAX).enumerate() {
            check_address(&mut faults, &format!("/{list}/{place}"), address);
        }
    }
    if let Some(address) = &mail.reply_to {
        check_address(&mut faults, "/reply-to", address);
    }
    faults.line("/subject", &mail.subject, 1..=SUBJECT_BYTES_MAX);
    faults.text("/text", &mail.text, 0..=TEXT_BYTES_MAX);
    faults.result()
}

pub(crate) fn check_address(faults: &mut Faults, pointer: &str, address: &str) {
    faults.unless(
        is_address(address),
        "not-an-address",
        pointer,
        "one plain mail address such as ada@example.com",
    );
}

/// One mailbox in the plain form: a dot-atom, "@", and a domain name or "localhost". Quoted local parts, comments, display
/// names and address literals are refused, so nothing of an address can reach a header but the address.
fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_local = local.len() <= 64
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(atom));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_domain = (domain.contains('.') || domain == "localhost") && domain.split('.').all(label);
    address.len() <= ADDRESS_BYTES_MAX && is_local && is_domain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_plain_mailbox_is_an_address() {
        for address in [
            "a@example.com",
            "a.b+c@x.example.com",
            "o'hara@example.co",
            "bursar@localhost",
        ] {
            assert!(is_address(address), "{address}");
        }
        for address in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b",
            "a@example.com, b@example.com",
            "A <a@example.com>",
            "a@example.com\r\nBcc: x@y.z",
            "a@@example.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a@example..com",
            "a@-example.com",
            "a@[127.0.0.1]",
            "a@exämple.com",
            "a(c)@example.com",
            "a@example.com\0",
            "a@example.com.",
        ] {
            assert!(!is_address(address), "{address:?}");
        }
        assert!(!is_address(&format!("{}@example.com", "a".repeat(65))));
        assert!(!is_address(&format!("a@{}com", "example.".repeat(40))));
    }
}
