//! `bursar document`.

use serde_json::json;

use crate::{
    arguments::Document,
    failure::Failure,
    output::{Style, print},
    place::Place,
};

pub async fn perform(place: &Place, style: Style, command: Document) -> Result<(), Failure> {
    let Document::Add {
        file,
        folder_name,
        name,
        media_type,
    } = command;
    let content = std::fs::read(&file)
        .map_err(|error| Failure::user(format!("cannot read {}", file.display())).because(error))?;
    let name = match name {
        Some(name) => name,
        None => file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    };
    let (document, seq) = place
        .change("add-document", async |session| {
            Ok(session
                .add_document(&folder_name, &name, &media_type, &content)
                .await?)
        })
        .await?;
    let shown = json!({"id": document.id, "folder": folder_name, "name": name, "sha256": document.body.sha256, "commit": seq});
    print(style, &shown, |_| {
        format!("{} is document {}", name, document.id)
    })
}
