//! `bursar status`.

use bursar_api::Status;
use serde_json::Value;

use crate::{
    client::Client,
    failure::Failure,
    output::{Style, print},
};

pub async fn status(client: &Client, style: Style) -> Result<(), Failure> {
    let status: Status = client.get("/v1/status").await?;
    print(style, &status, |status| {
        let shown = serde_json::to_value(status).unwrap_or_default();
        let line = |(name, value): (&String, &Value)| format!("{name:<12} {value}");
        let lines: Vec<String> = shown.as_object().into_iter().flatten().map(line).collect();
        lines.join("\n")
    })
}
