//! `bursar document`.

use bursar_api::Resource;
use bursar_domain::office::Document as DocumentBody;
use http::Method;
use serde_json::json;

use crate::{
    arguments::Document,
    client::{Client, part},
    failure::Failure,
    output::{Style, print},
};

pub async fn perform(client: &Client, style: Style, command: Document) -> Result<(), Failure> {
    let Document::Add {
        file,
        folder_name,
        name,
        media_type,
    } = command;
    let content = super::read_file(&file)?;
    let name = match name {
        Some(name) => name,
        None => file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let path = format!(
        "/v1/folders/{}/documents/{}",
        part(&folder_name),
        part(&name)
    );
    let added = client
        .upload::<Resource<DocumentBody>>(Method::PUT, &path, &media_type, content)
        .await?;
    let document = added.value;
    let shown = json!({"id": document.id, "folder": folder_name, "name": name, "sha256": document.body.sha256, "commit": added.commit});
    print(style, &shown, |_| {
        format!("{} is document {}", name, document.id)
    })
}
