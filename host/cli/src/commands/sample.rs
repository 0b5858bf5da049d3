//! `bursar sample load`: an organisation from one JSON file.

use bursar_api::SampleLoaded;
use http::Method;

use crate::{
    arguments::Sample,
    client::Client,
    failure::Failure,
    output::{Style, print, say},
};

pub async fn perform(client: &Client, style: Style, command: Sample) -> Result<(), Failure> {
    let Sample::Load { file } = command;
    let text = std::fs::read(&file)
        .map_err(|error| Failure::user(format!("cannot read {}", file.display())).because(error))?;
    say(&format!("Loading {} …", file.display()));
    let loaded: SampleLoaded = client
        .upload(Method::POST, "/v1/samples", "application/json", text)
        .await
        .map_err(|failure| failure.because(file.display()))?
        .value;
    print(style, &loaded, |loaded| {
        format!(
            "{} parties, {} invoices and {} payments are there.",
            loaded.parties, loaded.invoices, loaded.payments
        )
    })
}
