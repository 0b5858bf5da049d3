//! `bursar collection`: what the records of a collection may say.

use bursar_api::Resource;
use bursar_domain::office::Collection as Definition;
use bursar_office::Evolution;
use http::Method;

use crate::{
    arguments::Collection,
    client::{Client, part},
    failure::Failure,
    output::{Style, print},
};

pub async fn perform(client: &Client, style: Style, command: Collection) -> Result<(), Failure> {
    match command {
        Collection::Define { slug, file, check } => {
            let text = super::read_file(&file)?;
            let path = format!("/v1/collections/{}", part(&slug));
            if check {
                let path = format!("{path}/check");
                let sent = client.upload::<Evolution>(Method::POST, &path, JSON, text);
                return print(style, &sent.await?.value, told);
            }
            let sent = client.upload::<Resource<Definition>>(Method::PUT, &path, JSON, text);
            print(style, &sent.await?.value, |defined| {
                format!("{} is defined, revision {}.", defined.id, defined.revision)
            })
        }
        Collection::Show { slug } => {
            let path = format!("/v1/collections/{}", part(&slug));
            let shown: Resource<Definition> = client.get(&path).await?;
            print(style, &shown, |shown| {
                serde_json::to_string_pretty(&shown.body).unwrap_or_default()
            })
        }
    }
}

const JSON: &str = "application/json";

fn told(found: &Evolution) -> String {
    let (failing, rows) = (found.failing, found.rows);
    if failing == 0 {
        return format!("{rows} records are there, and none breaks it.");
    }
    let bad = found.bad.iter().flat_map(|bad| {
        let problems = bad.problems.iter();
        problems.map(move |problem| format!("\n  {}  {problem}", bad.id))
    });
    format!(
        "{failing} of {rows} records break it:{}",
        bad.collect::<String>()
    )
}
