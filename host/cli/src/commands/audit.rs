//! `bursar audit`.

use std::fmt::Write as _;

use bursar_api::{Job, JobResult, VerificationAsked};
use bursar_db::{Checkpoint, Verification};
use http::Method;

use crate::{
    arguments::Audit,
    client::Client,
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Audit) -> Result<(), Failure> {
    match command {
        Audit::Verify { checkpoint } => {
            let checkpoint = checkpoint.map(|path| read(&path)).transpose()?;
            let found = verify(client, checkpoint).await?;
            print(style, &found, describe)?;
            if found.is_clean() {
                return Ok(());
            }
            Err(Failure::host(
                "the data does not fit its log",
                format!("{} findings", found.findings_total),
            )
            .hint("keep the data folder as it is, and compare it with a backup"))
        }
        Audit::Checkpoint => {
            let found = verify(client, None).await?;
            if !found.is_clean() {
                return Err(Failure::host(
                    "the data does not fit its log: no checkpoint is made",
                    "",
                )
                .hint("bursar audit verify"));
            }
            let checkpoint = Checkpoint {
                seq: found.head_seq,
                hash: found.head_hash,
            };
            print(Style::Json, &checkpoint, |_| String::new())
        }
    }
}

async fn verify(client: &Client, checkpoint: Option<Checkpoint>) -> Result<Verification, Failure> {
    let asked = VerificationAsked { checkpoint };
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

fn read(path: &std::path::Path) -> Result<Checkpoint, Failure> {
    let failed = |cause: String| {
        Failure::user(format!("{} is not a checkpoint", path.display()))
            .because(cause)
            .hint("bursar audit checkpoint > FILE")
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}

fn describe(found: &Verification) -> String {
    let mut text = format!(
        "{} commits, {} changes and {} rows of other tables were compared.\nThe log ends at commit {} with hash {}.\n",
        found.commits, found.changes, found.rows, found.head_seq, found.head_hash
    );
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
