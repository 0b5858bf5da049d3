//! Configuration: flags over environment over the file `bursar.toml` over defaults.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{arguments::Global, failure::Failure};

/// Where the API listens unless it is told otherwise.
const LISTEN: &str = "127.0.0.1:8080";

/// Minutes from one checkpoint to the next, unless it is said.
const CHECKPOINT_MINUTES: u64 = 60;
/// The most: a week.
const CHECKPOINT_MINUTES_MAX: u64 = 7 * 24 * 60;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    #[serde(rename = "database")]
    url: Option<String>,
    #[serde(rename = "key_file")]
    key: Option<PathBuf>,
    database_bytes_max: Option<u64>,
    http: Http,
    documents: Documents,
    mail: Mail,
    audit: Audit,
    worker: Worker,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Http {
    listen: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Documents {
    /// Where `inbox` and `export` lie.
    folder: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Mail {
    smtp: Option<Smtp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Audit {
    #[serde(rename = "checkpoint_minutes")]
    minutes: Option<u64>,
    #[serde(rename = "checkpoint_file")]
    file: Option<PathBuf>,
    #[serde(rename = "checkpoint_webhook")]
    webhook: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Smtp {
    url: String,
    user: Option<String>,
    /// The password itself never stands in the configuration.
    password_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Worker {
    concurrency_max: Option<usize>,
    lease_ms: Option<u64>,
    message_lease_ms: Option<u64>,
    poll_ms: Option<u64>,
}

/// A server that is asked instead of the data folder.
pub struct Server {
    pub url: String,
    pub token: String,
}

impl Server {
    /// The server that the caller names, if any.
    pub fn find(global: &Global) -> Result<Option<Self>, Failure> {
        // An empty variable is one that is not set.
        let Some(url) = global.url.clone().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let token = global.token.as_ref().filter(|token| !token.is_empty());
        let token = match (token, &global.token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(path)) => std::fs::read_to_string(path).map_err(|error| {
                Failure::user(format!("cannot read the token {}", path.display()))
                    .because(error)
                    .hint("check BURSAR_TOKEN_FILE")
            })?,
            (None, None) => {
                return Err(Failure::user("a server asks for a token")
                    .hint("set BURSAR_TOKEN, or BURSAR_TOKEN_FILE; `bursar token create` on the host, without BURSAR_URL, makes one"));
            }
        };
        let token = token.trim().to_owned();
        Ok(Some(Self { url, token }))
    }
}

/// Everything that is configured.
#[derive(Debug)]
pub struct Settings {
    /// Where the API listens.
    pub listen: SocketAddr,
    pub folder: PathBuf,
    pub database: Option<String>,
    pub key_file: PathBuf,
    pub database_bytes_max: Option<u64>,
    pub smtp: Option<bursar_worker::SmtpSettings>,
    pub worker: bursar_worker::Settings,
}

impl Settings {
    pub fn read(global: &Global) -> Result<Self, Failure> {
        let path = global
            .config_file
            .clone()
            .unwrap_or_else(|| global.folder.join("bursar.toml"));
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                Failure::user(format!("{} cannot be read", path.display()))
                    .because(error.to_string().trim())
                    .hint("it may hold database, key_file, database_bytes_max, [http], [documents], [mail], [audit] and [worker]")
            })?,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && global.config_file.is_none() =>
            {
                File::default()
            }
            Err(error) => {
                return Err(Failure::user(format!("cannot read {}", path.display()))
                    .because(error)
                    .hint("check --config-file"));
            }
        };
        let listen = global
            .listen
            .clone()
            .or(file.http.listen)
            .unwrap_or_else(|| LISTEN.to_owned());
        let listen = listen.parse().map_err(|error| {
            Failure::user(format!("{listen:?} is not an address to listen on"))
                .because(error)
                .hint(format!("an address and a port, such as {LISTEN}"))
        })?;
        let exchange = file.documents.folder;
        let exchange = exchange.unwrap_or_else(|| global.folder.clone());
        let beside = global.folder.with_added_extension("key");
        Ok(Self {
            listen,
            folder: global.folder.clone(),
            database: global.database.clone().or(file.url),
            key_file: global.key_file.clone().or(file.key).unwrap_or(beside),
            database_bytes_max: file.database_bytes_max,
            smtp: smtp(file.mail)?,
            worker: bursar_worker::Settings {
                exchange: Some(exchange),
                checkpoints: checkpoints(file.audit)?,
                ..worker(&file.worker)?
            },
        })
    }
}

fn smtp(mail: Mail) -> Result<Option<bursar_worker::SmtpSettings>, Failure> {
    let Some(smtp) = mail.smtp else {
        return Ok(None);
    };
    let password = match &smtp.password_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::user(format!("cannot read {}", path.display()))
                    .because(error)
                    .hint("check mail.smtp.password_file in bursar.toml")
            })?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
    };
    Ok(Some(bursar_worker::SmtpSettings {
        url: smtp.url,
        user: smtp.user,
        password,
    }))
}

fn checkpoints(audit: Audit) -> Result<Option<bursar_worker::CheckpointSettings>, Failure> {
    let wrong = |words: String| Failure::user(words).hint("correct bursar.toml");
    let minutes = audit.minutes.unwrap_or(CHECKPOINT_MINUTES);
    if !(1..=CHECKPOINT_MINUTES_MAX).contains(&minutes) {
        return Err(wrong(format!(
            "audit.checkpoint_minutes is {minutes}; it is 1 to {CHECKPOINT_MINUTES_MAX}"
        )));
    }
    let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    if audit.webhook.as_ref().is_some_and(|url| !is_url(url)) {
        let words = "audit.checkpoint_webhook is no URL that begins with https:// or http://";
        return Err(wrong(words.to_owned()));
    }
    if audit.file.is_none() && audit.webhook.is_none() {
        return match audit.minutes {
            None => Ok(None),
            Some(_) => Err(wrong(
                "audit.checkpoint_minutes needs audit.checkpoint_file or audit.checkpoint_webhook"
                    .to_owned(),
            )),
        };
    }
    Ok(Some(bursar_worker::CheckpointSettings {
        interval: Duration::from_secs(minutes.saturating_mul(60)),
        file: audit.file,
        webhook: audit.webhook,
    }))
}

fn worker(file: &Worker) -> Result<bursar_worker::Settings, Failure> {
    let default = bursar_worker::Settings::default();
    let within = |name: &str, value: u64, range: std::ops::RangeInclusive<u64>| {
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(Failure::user(format!(
                "worker.{name} is {value}; it is {} to {}",
                range.start(),
                range.end()
            ))
            .hint("correct bursar.toml"))
        }
    };
    let concurrency = file.concurrency_max.unwrap_or(default.concurrency_max);
    let concurrency = within(
        "concurrency_max",
        u64::try_from(concurrency).unwrap_or(u64::MAX),
        1..=1_000,
    )?;
    let lease_ms = file
        .lease_ms
        .map(|value| within("lease_ms", value, 1_000..=3_600_000))
        .transpose()?;
    let message_lease_ms = file
        .message_lease_ms
        .map(|value| within("message_lease_ms", value, 1_000..=3_600_000))
        .transpose()?;
    let poll_ms = file
        .poll_ms
        .map(|value| within("poll_ms", value, 10..=60_000))
        .transpose()?;
    Ok(bursar_worker::Settings {
        concurrency_max: usize::try_from(concurrency).unwrap_or(default.concurrency_max),
        lease: lease_ms.map_or(default.lease, Duration::from_millis),
        message_lease: message_lease_ms.map_or(default.message_lease, Duration::from_millis),
        poll: poll_ms.map_or(default.poll, Duration::from_millis),
        ..default
    })
}
