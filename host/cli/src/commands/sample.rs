//! `bursar sample load`: the invented company, or an organisation from one JSON file.

use std::path::Path;

use bursar_api::{Job, JobResult, SampleLoaded};
use http::Method;

use crate::{
    arguments::Sample,
    client::{Client, query},
    failure::Failure,
    output::{Style, print, say},
};

pub async fn perform(client: &Client, style: Style, command: Sample) -> Result<(), Failure> {
    let Sample::Load { file, today } = command;
    let loaded = match file {
        Some(file) => load_file(client, &file).await?,
        None => load_company(client, today).await?,
    };
    print(style, &loaded, described)
}

async fn load_file(client: &Client, file: &Path) -> Result<SampleLoaded, Failure> {
    let text = std::fs::read(file)
        .map_err(|error| Failure::user(format!("cannot read {}", file.display())).because(error))?;
    say(&format!("Loading {} …", file.display()));
    let loaded = client
        .upload(Method::POST, "/v1/samples", "application/json", text)
        .await
        .map_err(|failure| failure.because(file.display()))?;
    Ok(loaded.value)
}

async fn load_company(client: &Client, today: Option<String>) -> Result<SampleLoaded, Failure> {
    let path = query("/v1/samples/company", &[("today", today)]);
    say("Loading the sample company …");
    let job: Job = client.ask(Method::POST, &path, None).await?.value;
    match client.finish(job).await? {
        JobResult::SampleLoaded(loaded) => Ok(loaded),
        other => Err(Failure::host(
            "the job did something else",
            format!("{other:?}"),
        )),
    }
}

fn described(loaded: &SampleLoaded) -> String {
    let mut lines = vec![format!(
        "{} parties, {} invoices and {} payments are there.",
        loaded.parties, loaded.invoices, loaded.payments
    )];
    if loaded.records > 0 {
        lines.push(format!(
            "{} records of {} collections, {} entries of {} calendars and {} documents are there.",
            loaded.records, loaded.collections, loaded.entries, loaded.calendars, loaded.documents
        ));
    }
    lines.extend(loaded.today.map(|today| format!("Its today is {today}.")));
    if !loaded.changed {
        lines.push("Nothing was changed: it was loaded before.".to_owned());
    }
    lines.join("\n") + "\n"
}
