//! The outbox: mail leaves after its commit, at least once, under its row's id.

use std::{
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bursar_db::{Blobs, ClaimedMessage, Database, Delivery, DeliveryOutcome};
use bursar_domain::{
    office::{Message, STOP, Stop},
    row::{Kind, RowKey},
};
use cap_std::{ambient_authority, fs::Dir};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{
        Attachment as Part, Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType},
    },
    transport::smtp::authentication::Credentials,
};
use tokio::time::timeout;

use crate::{Error, Worker, execute::chain, work::micros};

/// Most messages claimed at once.
const CLAIM_MESSAGES_MAX: usize = 64;
/// Tries before a message counts as failed: over the waits below, about two days.
const ATTEMPTS_MAX: i64 = 20;
const FIRST_DELAY: Duration = Duration::from_secs(10);
const DELAY_MAX: Duration = Duration::from_hours(4);

/// Where mail goes.
#[derive(Clone)]
pub enum Transport {
    /// A folder that gets one `.eml` file a message, named by its id.
    Folder(Arc<Dir>),
    /// An SMTP server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// How an SMTP server is reached.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// `smtp://host:port` (no encryption), `smtp://host:port?tls=required` (STARTTLS) or `smtps://host:port`.
    pub url: String,
    /// User name, if the server wants one.
    pub user: Option<String>,
    /// Password, if the server wants one.
    pub password: Option<String>,
}

/// Why a message could not be delivered.
struct Failure {
    message: String,
    is_final: bool,
}

impl Transport {
    /// Mail as files in a folder, which is made if it is missing.
    pub fn folder(path: &Path) -> Result<Self, Error> {
        let failed =
            |error: std::io::Error| Error::Transport(format!("{}: {error}", path.display()));
        Dir::create_ambient_dir_all(path, ambient_authority()).map_err(failed)?;
        Ok(Transport::Folder(Arc::new(
            Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?,
        )))
    }

    /// Mail through an SMTP server.
    pub fn smtp(settings: &SmtpSettings) -> Result<Self, Error> {
        let failed = |error: lettre::transport::smtp::Error| Error::Transport(error.to_string());
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url).map_err(failed)?;
        if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Transport::Smtp(
            builder.timeout(Some(Duration::from_secs(30))).build(),
        ))
    }

    async fn deliver(&self, entry: &ClaimedMessage, blobs: &Blobs) -> Result<(), Failure> {
        let attached = attached(entry, blobs).await?;
        let mail = compose(entry, attached).map_err(|message| Failure {
            message,
            is_final: true,
        })?;
        match self {
            Transport::Folder(folder) => {
                let (folder, name, bytes) = (
                    folder.clone(),
                    format!("{}.eml", entry.id),
                    mail.formatted(),
                );
                let written =
                    tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await;
                let written = written.map_err(std::io::Error::other).flatten();
                written.map_err(|error| Failure {
                    message: error.to_string(),
                    is_final: false,
                })
            }
            Transport::Smtp(server) => match server.send(mail).await {
                Ok(_) => Ok(()),
                Err(error) => Err(Failure {
                    is_final: error.is_permanent(),
                    message: chain(&error),
                }),
            },
        }
    }
}

/// Under another name first: whoever watches the folder sees whole messages only.
pub(crate) fn write(folder: &Dir, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let partial = format!(".{name}.partial");
    let mut file = folder.create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    folder.rename(&partial, folder, name)?;
    folder.open(".")?.sync_all()
}

/// The contents of what goes along, in its order.
async fn attached(entry: &ClaimedMessage, blobs: &Blobs) -> Result<Vec<Vec<u8>>, Failure> {
    let attachments = &entry.message.attachments;
    let mut contents = Vec::with_capacity(attachments.len());
    for attachment in attachments {
        let content = blobs.get(&attachment.sha256).await;
        contents.push(content.map_err(|error| Failure {
            message: chain(&error),
            // The disk may come back, and so may a blob that was restored.
            is_final: false,
        })?);
    }
    Ok(contents)
}

/// The message by RFC 5322, with attachments by RFC 2046. Its Message-ID is made of the row's id, so that every try carries
/// the same.
fn compose(entry: &ClaimedMessage, attached: Vec<Vec<u8>>) -> Result<lettre::Message, String> {
    let message: &Message = &entry.message;
    let mailbox = |address: &str| {
        address
            .parse::<Mailbox>()
            .map_err(|error| format!("{address:?}: {error}"))
    };
    let at = u64::try_from(message.at_us).unwrap_or(0);
    let named = |id: &str| format!("<{id}>");
    let mut mail = lettre::Message::builder()
        .from(mailbox(&message.from)?)
        .date(SystemTime::UNIX_EPOCH + Duration::from_micros(at))
        .message_id(Some(named(&message.message_id(&entry.id))))
        .subject(message.subject.clone());
    for address in &message.to {
        mail = mail.to(mailbox(address)?);
    }
    for address in &message.cc {
        mail = mail.cc(mailbox(address)?);
    }
    if let Some(address) = &message.reply_to {
        mail = mail.reply_to(mailbox(address)?);
    }
    if let Some(direct) = message.references.last() {
        let all: Vec<String> = message.references.iter().map(|id| named(id)).collect();
        mail = mail.in_reply_to(named(direct)).references(all.join(" "));
    }
    let told = |error: lettre::error::Error| error.to_string();
    if attached.is_empty() {
        let mail = mail.header(ContentType::TEXT_PLAIN);
        return mail.body(message.text.clone()).map_err(told);
    }
    let mut parts = MultiPart::mixed().singlepart(SinglePart::plain(message.text.clone()));
    for (attachment, content) in message.attachments.iter().zip(attached) {
        // What is no media type to the crate is bytes to everybody.
        let media_type = ContentType::parse(&attachment.media_type);
        let media_type = media_type.or_else(|_| ContentType::parse("application/octet-stream"));
        let media_type = media_type.map_err(|error| error.to_string())?;
        // Whatever the bytes are, no line of them reaches the server as it is.
        let body = Body::new_with_encoding(content, ContentTransferEncoding::Base64);
        let body = body.map_err(|_| format!("{} cannot be encoded", attachment.name))?;
        parts = parts.singlepart(Part::new(attachment.name.clone()).body(body, media_type));
    }
    mail.multipart(parts).map_err(told)
}

/// Whether everything is to stop.
pub(crate) async fn is_stopped(database: &Database) -> Result<bool, Error> {
    let key = RowKey::of(Kind::Control, STOP);
    let row = database.snapshot().get(&key).await?;
    let stop: Option<Stop> = row
        .map(|row| row.decode())
        .transpose()
        .map_err(bursar_office::Error::from)?;
    Ok(stop.is_some_and(|stop| stop.stopped))
}

impl Worker {
    /// Delivers what is due; gives how many messages were tried.
    pub(crate) async fn deliver_due(&self) -> Result<usize, Error> {
        let lease = self.inner.settings.message_lease;
        let claimed = self
            .inner
            .database
            .claim_messages(CLAIM_MESSAGES_MAX, micros(lease))
            .await?;
        let mut tried = 0;
        for message in &claimed {
            // A stop must not wait for the end of a long list.
            if is_stopped(&self.inner.database).await? {
                break;
            }
            // What is left of the lease, but for a quarter: noting the outcome takes time as well.
            let now_us = self.inner.database.now_us().await?;
            let left_us = message.until_us.saturating_sub(now_us) - micros(lease / 4);
            let Some(left) = u64::try_from(left_us).ok().filter(|left| *left > 0) else {
                break;
            };
            let left = Duration::from_micros(left);
            let blobs = self.inner.database.blobs();
            let delivered = timeout(left, self.inner.transport.deliver(message, blobs)).await;
            let delivered = delivered.unwrap_or_else(|_| {
                Err(Failure {
                    message: format!("not taken within {left:?}"),
                    is_final: false,
                })
            });
            let outcome = self.outcome(message, delivered).await?;
            // Marked one by one: trouble with a later message must not send this one again.
            self.mark(std::slice::from_ref(message), &outcome).await?;
            tried += 1;
        }
        let rest = claimed.get(tried..).unwrap_or_default();
        if !rest.is_empty() {
            self.mark(rest, &DeliveryOutcome::Untried).await?;
        }
        Ok(tried)
    }

    async fn mark(
        &self,
        messages: &[ClaimedMessage],
        outcome: &DeliveryOutcome,
    ) -> Result<(), Error> {
        let deliveries = messages.iter().map(|message| Delivery {
            id: message.id.clone(),
            until_us: message.until_us,
            outcome: outcome.clone(),
        });
        let marked = self.inner.database.delivered(deliveries.collect()).await?;
        if marked < messages.len() {
            tracing::warn!(?outcome, "another worker took a message over");
        }
        Ok(())
    }

    async fn outcome(
        &self,
        message: &ClaimedMessage,
        tried: Result<(), Failure>,
    ) -> Result<DeliveryOutcome, Error> {
        let Err(failure) = tried else {
            return Ok(DeliveryOutcome::Sent);
        };
        let attempts = message.attempts.saturating_add(1);
        tracing::warn!(
            message = message.id,
            attempts,
            cause = failure.message,
            "a message could not be delivered"
        );
        let error = failure.message;
        if failure.is_final || attempts >= ATTEMPTS_MAX {
            return Ok(DeliveryOutcome::Failed { error });
        }
        let doublings = u32::try_from(attempts.clamp(1, 16)).unwrap_or(16) - 1;
        let delay = FIRST_DELAY.saturating_mul(1 << doublings).min(DELAY_MAX);
        let now_us = self.inner.database.now_us().await?;
        Ok(DeliveryOutcome::Retry {
            at_us: now_us.saturating_add(micros(delay)),
            error,
        })
    }
}
