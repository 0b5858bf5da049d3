//! `bursar plugin`.

use std::fmt::Write as _;

use std::path::{Path, PathBuf};

use bursar_api::{Job, JobResult};
use bursar_runtime::{Inspection, inspect, package};
use http::Method;
use serde_json::{Value, json};

use crate::{
    client::Client,
    failure::Failure,
    output::{Style, print, say},
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

pub async fn install(client: &Client, style: Style, file: &Path) -> Result<(), Failure> {
    // What is no plugin is refused before it travels.
    let (bytes, _) = inspect_file(file)?;
    let job: Job = client
        .upload(Method::POST, "/v1/plugins", "application/wasm", bytes)
        .await?
        .value;
    let JobResult::PluginInstalled {
        name,
        version,
        digest,
        commit,
    } = client.finish(job).await?
    else {
        return Err(Failure::host("the job did something else", file.display()));
    };
    let shown = json!({"name": name, "version": version, "digest": digest, "commit": commit});
    print(style, &shown, |_| match commit {
        Some(_) => format!("Installed {name} {version} ({digest})."),
        None => format!("{name} {version} was installed already."),
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
