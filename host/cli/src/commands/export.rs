//! `bursar export`.

use std::{fs::File, io::BufWriter, path::Path};

use clap::ValueEnum;
use serde_json::json;

use crate::{
    arguments::Export,
    client::{Client, part, query},
    failure::Failure,
    output::{Style, print},
};

pub async fn export(client: &Client, style: Style, command: Export) -> Result<(), Failure> {
    let parameters = [
        ("format", name(&command.format)),
        ("delimiter", command.delimiter.as_ref().and_then(name)),
    ];
    let path = format!("/v1/collections/{}/export", part(&command.collection));
    download(
        client,
        style,
        &query(&path, &parameters),
        command.output.as_deref(),
    )
    .await
}

/// Writes what a path answers into a file, or to stdout.
pub async fn download(
    client: &Client,
    style: Style,
    path: &str,
    output: Option<&Path>,
) -> Result<(), Failure> {
    let Some(output) = output else {
        // The file itself is the data, whatever the style.
        return client.download(path, std::io::stdout()).await.map(drop);
    };
    // A file that is there already stays until the new one is whole.
    let partial = output.with_added_extension("partial");
    let failed = |error: std::io::Error| {
        Failure::user(format!("cannot write {}", output.display()))
            .because(error)
            .hint("check the folder's owner and free space")
    };
    let file = BufWriter::new(File::create(&partial).map_err(failed)?);
    let downloaded = client.download(path, file).await;
    let bytes = match downloaded {
        Ok(bytes) => bytes,
        Err(failure) => {
            // What is of no use is not left lying about; why it failed matters more than whether that works.
            let _ = std::fs::remove_file(&partial);
            return Err(failure);
        }
    };
    std::fs::rename(&partial, output).map_err(failed)?;
    let shown = json!({"file": output.display().to_string(), "bytes": bytes});
    print(style, &shown, |_| {
        format!("{} has {bytes} bytes.", output.display())
    })
}

/// How the API calls what was chosen.
fn name(chosen: &impl ValueEnum) -> Option<String> {
    Some(chosen.to_possible_value()?.get_name().to_owned())
}
