//! `bursar audit`.

use std::{fmt::Write as _, path::Path};

use bursar_api::{CHECKPOINTS_MAX, Job, JobResult, VerificationAsked};
use bursar_db::{CheckpointFault, Verification};
use bursar_domain::checkpoint::{
    CheckpointError, KeptCheckpoint, PublicKey, PublicKeyShown, SignedCheckpoint,
};
use http::Method;

use super::export::download;
use crate::{
    arguments::Audit,
    client::{Client, query},
    failure::Failure,
    output::{Style, print, print_exactly, say, table},
};

pub async fn perform(client: &Client, style: Style, command: Audit) -> Result<(), Failure> {
    match command {
        Audit::Verify {
            checkpoint,
            public_key,
        } => {
            let checkpoints = match checkpoint {
                Some(path) => kept(client, &path, public_key.as_deref()).await?,
                None => Vec::new(),
            };
            let found = verify(client, checkpoints).await?;
            print(style, &found, describe)?;
            judge(&found)
        }
        Audit::Checkpoint => {
            // First where it stands, then whether all of that is whole: nothing is signed that came afterwards.
            let checkpoint: SignedCheckpoint = client.get("/v1/checkpoints/current").await?;
            let place = KeptCheckpoint::Signed(checkpoint.clone());
            let found = verify(client, vec![place]).await?;
            if !found.is_clean() {
                return Err(Failure::host(
                    "the data does not fit its log: no checkpoint is made",
                    "",
                )
                .hint("bursar audit verify"));
            }
            // The line itself is the data, whatever the style.
            print_exactly((checkpoint.to_line() + "\n").as_bytes())
        }
        Audit::PublicKey => {
            let shown = public_key_of(client).await?.shown();
            print(style, &shown, |shown| shown.public_key.clone())
        }
        Audit::Export {
            output,
            without_bodies,
        } => {
            let bodies = without_bodies.then(|| "withheld".to_owned());
            let path = query("/v1/log.jsonl", &[("bodies", bodies)]);
            download(client, style, &path, output.as_deref()).await
        }
    }
}

async fn verify(
    client: &Client,
    checkpoints: Vec<KeptCheckpoint>,
) -> Result<Verification, Failure> {
    let asked = VerificationAsked { checkpoints };
    let job: Job = client
        .send(Method::POST, "/v1/verifications", &asked)
        .await?
        .value;
    match client.finish(job).await? {
        JobResult::Verified(found) => Ok(found),
        other => Err(Failure::host(
            "the job did something else",
            format!("{other:?}"),
        )),
    }
}

async fn public_key_of(client: &Client) -> Result<PublicKey, Failure> {
    let shown: PublicKeyShown = client.get("/v1/checkpoints/public-key").await?;
    Ok(PublicKey::parse(&shown.public_key)?)
}

/// Checkpoints of a file whose signatures are good, as places of the log: who signed them is settled here.
async fn kept(
    client: &Client,
    path: &Path,
    public_key: Option<&str>,
) -> Result<Vec<KeptCheckpoint>, Failure> {
    let checkpoints = read(path)?;
    let key = match public_key {
        Some(text) => read_key(text)?,
        None => public_key_of(client).await?,
    };
    let is_unsigned = |kept: &&KeptCheckpoint| matches!(kept, KeptCheckpoint::Unsigned(_));
    let unsigned = checkpoints.iter().filter(is_unsigned).count();
    if unsigned > 0 {
        let all = checkpoints.len();
        say(&format!(
            "{unsigned} of {all} checkpoints are not signed: they prove no more than the file they lie in."
        ));
    }
    let place = |(number, kept): (usize, &KeptCheckpoint)| {
        let checked = kept.check(&key).map(KeptCheckpoint::Unsigned);
        let number = number.saturating_add(1);
        checked.map_err(|error| {
            Failure::from(error).because(format!("{}, checkpoint {number}", path.display()))
        })
    };
    let mut places: Vec<KeptCheckpoint> = checkpoints
        .iter()
        .enumerate()
        .map(place)
        .collect::<Result<_, _>>()?;
    // The last one covers all before it; of very many, some of those say where it began.
    let step = places.len().div_ceil(CHECKPOINTS_MAX).max(1);
    if step > 1 {
        say(&format!(
            "Every signature is good; one of {step} checkpoints is held against the log, and the last one."
        ));
    }
    places.reverse();
    let mut places: Vec<KeptCheckpoint> = places.into_iter().step_by(step).collect();
    places.reverse();
    Ok(places)
}

/// A key as it was given: its digits, or a file that holds them.
fn read_key(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let read = std::fs::read_to_string(text).map_err(|error| {
        Failure::user(format!(
            "{text} is neither a public key nor a file with one"
        ))
        .because(error)
        .hint(CheckpointError::NotAKey.hint())
    })?;
    Ok(PublicKey::parse(&read)?)
}

/// One checkpoint, or one a line. A line that a crash cut off is told and left out: what was written after it is whole.
fn read(path: &Path) -> Result<Vec<KeptCheckpoint>, Failure> {
    let failed = |cause: String| {
        Failure::user(format!("{} holds no checkpoints", path.display()))
            .because(cause)
            .hint("bursar audit checkpoint > FILE")
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    if let Ok(one) = serde_json::from_str(&text) {
        return Ok(vec![one]);
    }
    let (mut found, mut refused) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(checkpoint) => found.push(checkpoint),
            Err(error) => {
                let number = number.saturating_add(1);
                say(&format!("Line {number} is no checkpoint: {error}"));
                refused = Some(error.to_string());
            }
        }
    }
    if found.is_empty() {
        return Err(failed(refused.unwrap_or_else(|| "it is empty".to_owned())));
    }
    Ok(found)
}

/// What was found is a failure of its own kind: a log that was cut or replaced is worse than a broken table.
fn judge(found: &Verification) -> Result<(), Failure> {
    if found.is_clean() {
        return Ok(());
    }
    let findings = format!("{} findings", found.findings_total);
    let Some(broken) = found.checkpoints_broken.first() else {
        return Err(Failure::host("the data does not fit its log", findings)
            .hint("keep the data folder as it is, and compare it with a backup"));
    };
    let seq = broken.checkpoint.seq;
    let (message, hint) = match broken.fault {
        CheckpointFault::LogShorter => (
            format!(
                "the log ends at commit {}, a checkpoint names commit {seq} (checkpoint-log-shorter)",
                found.head_seq
            ),
            "it was cut, or an older copy was put in its place: keep the data as it is, and look for the newer one",
        ),
        CheckpointFault::HashDiffers => (
            format!(
                "commit {seq} is not the one that a checkpoint names (checkpoint-hash-differs)"
            ),
            "the log was rewritten, or is another host's: keep the data as it is, and compare it with a backup",
        ),
    };
    Err(Failure::host(message, findings).hint(hint))
}

fn describe(found: &Verification) -> String {
    let mut text = format!(
        "{} commits, {} changes and {} rows of other tables were compared.\nThe log ends at commit {} with hash {}.\n",
        found.commits, found.changes, found.rows, found.head_seq, found.head_hash
    );
    if found.checkpoints > 0 {
        let held = found
            .checkpoints
            .saturating_sub(found.checkpoints_broken.len() as u64);
        let _ = writeln!(
            text,
            "It holds {held} of {} checkpoints.",
            found.checkpoints
        );
    }
    if found.is_clean() {
        text.push_str("Everything fits.\n");
        return text;
    }
    let rows: Vec<Vec<String>> = found
        .findings
        .iter()
        .map(|finding| {
            vec![
                finding.table.clone(),
                finding.seq.to_string(),
                finding.row.clone(),
                finding.message.clone(),
            ]
        })
        .collect();
    let _ = write!(
        text,
        "\n{} findings:\n{}",
        found.findings_total,
        table(&["table", "commit", "row", "what"], &rows)
    );
    text
}
