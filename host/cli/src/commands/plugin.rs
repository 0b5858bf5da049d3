//! `bursar plugin`.

use std::fmt::Write as _;

use std::path::{Path, PathBuf};

use bursar_api::{Job, JobResult, QuarantineShown, Resource};
use bursar_domain::{
    manifest::Manifest,
    office::{Plugin, Quarantine},
    time::rfc3339,
};
use bursar_runtime::{Inspection, inspect, package};
use http::Method;
use serde_json::{Value, json};

use crate::{
    client::{Client, part},
    failure::Failure,
    output::{Style, print, say, table},
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

pub async fn list(client: &Client, style: Style) -> Result<(), Failure> {
    let (plugins, _) = client
        .pages::<Resource<Plugin>>("/v1/plugins", &[], usize::MAX)
        .await?;
    print(style, &plugins, |plugins| {
        let row = |plugin: &Resource<Plugin>| {
            let manifest = &plugin.body.manifest;
            vec![
                manifest.name.clone(),
                manifest.version.clone(),
                manifest.publisher.clone(),
                plugin.id.clone(),
            ]
        };
        table(
            &["name", "version", "publisher", "digest"],
            &plugins.iter().map(row).collect::<Vec<_>>(),
        )
    })
}

pub async fn show(client: &Client, style: Style, digest: &str) -> Result<(), Failure> {
    let path = format!("/v1/plugins/{}", part(digest));
    let plugin: Resource<Plugin> = client.get(&path).await?;
    print(style, &plugin, |plugin| {
        let body = &plugin.body;
        described(&body.manifest, &plugin.id, body.bytes, &body.imports)
    })
}

pub async fn quarantine(
    client: &Client,
    style: Style,
    digest: &str,
    quarantined: bool,
    reason: String,
) -> Result<(), Failure> {
    let path = format!("/v1/plugins/{}/quarantine", part(digest));
    let asked = Quarantine {
        quarantined,
        reason,
    };
    let answer = client
        .send::<Resource<Quarantine>>(Method::PUT, &path, &asked)
        .await?;
    let shown = json!({"plugin": digest, "quarantined": quarantined, "commit": answer.commit});
    print(style, &shown, |_| {
        if quarantined {
            format!("{digest} does not run any more.")
        } else {
            format!("{digest} may run again.")
        }
    })
}

pub async fn quarantines(client: &Client, style: Style) -> Result<(), Failure> {
    let (found, _) = client
        .pages::<QuarantineShown>("/v1/quarantines", &[], usize::MAX)
        .await?;
    print(style, &found, |found| {
        let row = |shown: &QuarantineShown| {
            let state = if shown.quarantine.quarantined {
                "quarantined"
            } else {
                "released"
            };
            vec![
                shown.plugin.clone(),
                state.to_owned(),
                rfc3339(shown.updated_us),
                shown.quarantine.reason.clone(),
            ]
        };
        table(
            &["plugin", "state", "since", "reason"],
            &found.iter().map(row).collect::<Vec<_>>(),
        )
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
    let mut text = described(
        &inspection.manifest,
        &inspection.digest,
        inspection.bytes,
        &inspection.imports,
    );
    match inspection.wasi.as_slice() {
        [] => text.push_str("It imports nothing of WASI.\n"),
        wasi => {
            let _ = writeln!(text, "It gets an empty version of: {}", wasi.join(", "));
        }
    }
    text
}

/// What a plugin is, asks for and reaches, for people who decide.
fn described(manifest: &Manifest, digest: &str, bytes: u64, imports: &[String]) -> String {
    let mut text = format!(
        "{} {} by {}\n{}\n\nsize    {bytes} bytes\ndigest  {digest}\n\nIt asks for:\n",
        manifest.name, manifest.version, manifest.publisher, manifest.description
    );
    for ask in &manifest.permissions {
        let _ = write!(
            text,
            "  {}\n      {}\n",
            ask.permission.in_words(),
            ask.reason
        );
    }
    let _ = write!(text, "\nIt calls: {}\n", imports.join(", "));
    text
}
