//! Mail that leaves after the commit.

use bursar_domain::{
    manifest::Need,
    office::Message,
    row::{Kind, RowKey},
};
use serde_json::json;

use crate::{effects::Keyed, error::Error, input::Faults, session::Session, write::Write};

/// Most recipients of one mail, copies included.
const RECIPIENTS_MAX: usize = 50;
/// Longest subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 500;
/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// Longest address (RFC 5321 §4.5.3.1.3), in bytes.
const ADDRESS_BYTES_MAX: usize = 254;
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

impl Session {
    /// Drafts a mail and gives its id; the same key gives the same id again. Needs `messages` for each recipient's domain.
    pub async fn mail(&mut self, key: &str, mail: &NewMail) -> Result<String, Error> {
        check(mail)?;
        for address in mail.to.iter().chain(&mail.cc) {
            self.require(Need::MailTo(address), || format!("mail to {address}"))?;
        }
        let input = json!({
            "to": mail.to, "cc": mail.cc, "reply_to": mail.reply_to, "subject": mail.subject, "text": mail.text,
        });
        let free = match self.effect("messages.mail", key, &input).await? {
            Keyed::Used(id) => return Ok(id),
            Keyed::Free(free) => free,
        };
        let sender = self
            .context
            .legal_entity
            .as_ref()
            .map(|entity| entity.mail_from.as_str());
        let message = Message {
            automation: self.context.automation.clone().unwrap_or_default(),
            from: sender
                .filter(|sender| !sender.is_empty())
                .unwrap_or(SENDER_DEFAULT)
                .to_owned(),
            to: mail.to.clone(),
            cc: mail.cc.clone(),
            reply_to: mail.reply_to.clone(),
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            at_us: self.context.now_us,
        };
        let id = self.new_id();
        self.apply(vec![
            free.used_for(&id)?,
            Write::of(RowKey::of(Kind::Message, &id), None, &message)?,
        ])?;
        Ok(id)
    }
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
