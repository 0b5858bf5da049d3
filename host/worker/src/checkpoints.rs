//! Checkpoints on an interval: signed, into a file and to a webhook, for whoever keeps them away from the host.
//!
//! Neither waits for the other, and nothing waits for either: what cannot be written or sent is told once, and the next
//! interval brings a later checkpoint, which covers it.

use std::{
    fs::OpenOptions,
    io::{Error as IoError, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use bursar_db::Database;
use bursar_domain::{checkpoint::SignedCheckpoint, row::Seq};

use crate::Error;

/// Longest exchange with the webhook, so that a stop of the host is not held up.
const WEBHOOK_MAX: Duration = Duration::from_secs(10);
/// How much of the file's end is looked at for its last checkpoint, in bytes: a few lines.
const TAIL_BYTES: u64 = 4 << 10;

/// Where checkpoints go, and how often.
#[derive(Clone, Debug)]
pub struct CheckpointSettings {
    /// How long from one to the next.
    pub interval: Duration,
    /// A file that gets one JSON line for each.
    pub file: Option<PathBuf>,
    /// A URL that each is posted to as JSON.
    pub webhook: Option<String>,
}

/// One place that checkpoints go to.
#[derive(Clone)]
pub(crate) enum Target {
    File(PathBuf),
    Webhook { agent: ureq::Agent, url: String },
}

/// Brings checkpoints to one place.
pub(crate) struct Checkpoints {
    database: Database,
    target: Target,
    /// The commit of the last one that arrived there.
    seen: Option<Seq>,
}

impl Checkpoints {
    pub fn new(database: Database, target: Target) -> Self {
        Self {
            database,
            target,
            seen: None,
        }
    }

    /// Signs where the log stands and brings it there, unless it stood there the last time. There is never more to do.
    pub async fn look(&mut self) -> Result<bool, Error> {
        if self.seen.is_none() {
            self.seen = self.last_in_file().await?;
        }
        let head = self.database.snapshot().seq().await?;
        if self.seen == Some(head) {
            return Ok(false);
        }
        let checkpoint = self.database.checkpoint().await?;
        let (target, line) = (self.target.clone(), checkpoint.to_line());
        tokio::task::spawn_blocking(move || target.bring(&line)).await??;
        self.seen = Some(checkpoint.seq);
        Ok(false)
    }

    /// After a restart the file knows what it has.
    async fn last_in_file(&self) -> Result<Option<Seq>, Error> {
        let Target::File(path) = &self.target else {
            return Ok(None);
        };
        let path = path.clone();
        let tail = tokio::task::spawn_blocking(move || {
            tail(&path).map_err(|source| unwritable(&path, source))
        });
        let last: Option<SignedCheckpoint> = tail
            .await??
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok());
        Ok(last.map(|last| last.seq))
    }
}

impl Target {
    /// A webhook that is asked within its time, and only under its own URL.
    pub fn webhook(url: String) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(WEBHOOK_MAX))
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Target::Webhook { agent, url }
    }

    fn bring(&self, line: &str) -> Result<(), Error> {
        match self {
            Target::File(path) => append(path, line).map_err(|source| unwritable(path, source)),
            Target::Webhook { agent, url } => {
                post(agent, url, line).map_err(|message| Error::Webhook { message })
            }
        }
    }
}

fn unwritable(path: &Path, source: IoError) -> Error {
    Error::CheckpointFile {
        path: path.display().to_string(),
        source,
    }
}

fn post(agent: &ureq::Agent, url: &str, line: &str) -> Result<(), String> {
    let request = agent.post(url).header("content-type", "application/json");
    let answered = request.send(line).map_err(|error| error.to_string())?;
    if answered.status().is_success() {
        return Ok(());
    }
    Err(format!("it answered {}", answered.status()))
}

/// Appends a line and has it on the disk. What a crash left of another line is ended first: nothing is ever taken away.
fn append(path: &Path, line: &str) -> Result<(), IoError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    let mut file = options.open(path)?;
    let is_torn = file.metadata()?.len() > 0 && {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        last != *b"\n"
    };
    let ended = if is_torn { "\n" } else { "" };
    file.write_all(format!("{ended}{line}\n").as_bytes())?;
    file.sync_all()
}

/// The end of a file; nothing of one that is not there.
fn tail(path: &Path) -> Result<String, IoError> {
    let mut file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use bursar_db::{Keys, Proposal};
    use bursar_domain::{draft::Draft, office::Actor};

    use super::*;

    async fn commit(database: &Database) {
        let head = database.snapshot().seq().await.expect("a head");
        let proposal = Proposal {
            author: Actor::new("person", "ada"),
            cause: "test".to_owned(),
            draft: Draft::on(head),
            settles: None,
        };
        database.propose(proposal).await.expect("a commit");
    }

    #[tokio::test]
    async fn a_file_gets_a_line_whenever_the_log_has_moved_and_loses_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Keys::derive(&[7; 32]);
        let database = Database::open_sqlite(folder.path(), keys).await;
        let database = database.expect("a database");
        let file = folder.path().join("kept.jsonl");
        let begin = || Checkpoints::new(database.clone(), Target::File(file.clone()));
        let lines = || -> Vec<String> {
            let text = std::fs::read_to_string(&file).expect("a file");
            text.lines().map(str::to_owned).collect()
        };
        let mut checkpoints = begin();
        for seq in 1..=3 {
            commit(&database).await;
            for _ in 0..2 {
                checkpoints.look().await.expect("written");
                begin().look().await.expect("nothing to write");
            }
            let key = database.public_key();
            let read = |line: &String| key.check(&serde_json::from_str(line).expect("JSON"));
            let seqs: Vec<_> = lines()
                .iter()
                .map(|line| read(line).expect("signed").seq)
                .collect();
            assert_eq!(seqs, (1..=seq).collect::<Vec<_>>());
        }
        // A crash in the middle of a line.
        let before = std::fs::read_to_string(&file).expect("a file");
        std::fs::write(&file, format!("{before}{{\"at_us\":1")).expect("torn");
        begin().look().await.expect("written");
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(
            text.starts_with(&format!("{before}{{\"at_us\":1\n")),
            "{text}"
        );
        assert_eq!((lines().len(), text.ends_with('\n')), (5, true));
    }
}
