//! `bursar plugin`.

use std::fmt::Write as _;

use std::path::{Path, PathBuf};

use bursar_domain::office::Plugin;
use bursar_runtime::{Inspection, inspect, package};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    output::{Style, print, say},
    place::Place,
};

pub fn build(
    style: Style,
    path: &Path,
    out: Option<PathBuf>,
    target_dir: Option<PathBuf>,
) -> Result<(), Failure> {
    let target_dir = target_dir.unwrap_or_else(|| path.join("target").join("guests"));
    say(&format!("Building {} …", path.display()));
    let built = package::build_crate(path, &target_dir).map_err(|error| {
        let failure = Failure::user(format!("cannot build {}", path.display())).because(&error);
        match error {
            package::PackageError::Refused(refusal) => failure.hint(refusal.hint()),
            _ => failure.hint("rustup target add wasm32-unknown-unknown"),
        }
    })?;
    let out =
        out.unwrap_or_else(|| PathBuf::from(format!("{}.wasm", built.inspection.manifest.name)));
    std::fs::write(&out, &built.component)
        .map_err(|error| Failure::user(format!("cannot write {}", out.display())).because(error))?;
    let mut shown = facts(&built.inspection);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("file".to_owned(), json!(out.display().to_string()));
    }
    print(style, &shown, |_| {
        format!("{}\n{}", out.display(), describe(&built.inspection))
    })
}

pub fn inspect_file(file: &Path) -> Result<(Vec<u8>, Inspection), Failure> {
    let failed = |error: std::io::Error| {
        Failure::user(format!("cannot read {}", file.display()))
            .because(error)
            .hint("`bursar plugin build` makes a plugin of a folder")
    };
    let bytes = std::fs::read(file).map_err(failed)?;
    let inspection = inspect(&bytes)?;
    Ok((bytes, inspection))
}

pub fn inspect_command(style: Style, file: &Path) -> Result<(), Failure> {
    let (_, inspection) = inspect_file(file)?;
    print(style, &facts(&inspection), |_| describe(&inspection))
}

pub async fn install(place: &Place, style: Style, file: &Path) -> Result<(), Failure> {
    let (bytes, inspection) = inspect_file(file)?;
    // Compiled once here: what the sandbox cannot run is refused now, not at its first run, and that one is quick.
    let worker = place.worker()?;
    worker.check(bytes.clone()).await?;
    place.database.blobs().put(&bytes)?;
    let plugin = Plugin {
        manifest: inspection.manifest.clone(),
        imports: inspection.imports.clone(),
        bytes: inspection.bytes,
    };
    let ((), seq) = place
        .change("install-plugin", async |session| {
            Ok(session.install_plugin(&inspection.digest, &plugin).await?)
        })
        .await?;
    let name = &inspection.manifest.name;
    let shown = json!({"name": name, "version": inspection.manifest.version, "digest": inspection.digest, "commit": seq});
    print(style, &shown, |_| match seq {
        Some(_) => format!(
            "Installed {name} {} ({}).",
            inspection.manifest.version, inspection.digest
        ),
        None => format!(
            "{name} {} was installed already.",
            inspection.manifest.version
        ),
    })
}

fn facts(inspection: &Inspection) -> Value {
    json!({
        "digest": inspection.digest,
        "bytes": inspection.bytes,
        "manifest": inspection.manifest,
        "imports": inspection.imports,
        "wasi": inspection.wasi,
    })
}

fn describe(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let mut text = format!(
        "{} {} by {}\n{}\n",
        manifest.name, manifest.version, manifest.publisher, manifest.description
    );
    let _ = write!(
        text,
        "\nsize    {} bytes\ndigest  {}\n\nIt asks for:\n",
        inspection.bytes, inspection.digest
    );
    for ask in &manifest.permissions {
        let _ = write!(
            text,
            "  {}\n      {}\n",
            ask.permission.in_words(),
            ask.reason
        );
    }
    let _ = write!(text, "\nIt calls: {}\n", inspection.imports.join(", "));
    match inspection.wasi.as_slice() {
        [] => text.push_str("It imports nothing of WASI.\n"),
        wasi => {
            let _ = writeln!(text, "It gets an empty version of: {}", wasi.join(", "));
        }
    }
    text
}
