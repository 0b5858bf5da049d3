//! `bursar log`: the log's commits.

use bursar_api::CommitShown;
use bursar_db::CommitRecord;
use bursar_office::describe::to_text;

use crate::{
    arguments::Log,
    client::Client,
    commands::automation::when,
    failure::Failure,
    output::{Style, print, table},
};

pub async fn perform(client: &Client, style: Style, command: Log) -> Result<(), Failure> {
    match command {
        Log::List { limit } => {
            let (commits, _) = client.pages::<CommitRecord>("/v1/log", &[], limit).await?;
            print(style, &commits, |commits| {
                let row = |commit: &CommitRecord| {
                    vec![
                        commit.seq.to_string(),
                        when(commit.at_us),
                        commit.author.clone(),
                        commit.cause.clone(),
                        commit.changes.to_string(),
                    ]
                };
                table(
                    &["commit", "at", "by", "cause", "changes"],
                    &commits.iter().map(row).collect::<Vec<_>>(),
                )
            })
        }
        Log::Show { seq } => {
            let shown: CommitShown = client.get(&format!("/v1/log/{seq}")).await?;
            print(style, &shown, |shown| {
                let commit = &shown.commit;
                format!(
                    "commit  {}\nat      {}\nby      {}\ncause   {}\nhash    {}\n\n{}",
                    commit.seq,
                    when(commit.at_us),
                    commit.author,
                    commit.cause,
                    commit.hash,
                    to_text(&shown.changes)
                )
            })
        }
    }
}
