//! The automation's configuration, as its department set it; the schema is in `plugin.toml`.

use serde::Deserialize;

/// How this department takes invoices in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of invoices for runs that name none.
    pub folder: String,
    /// Role that answers questions.
    pub task_role: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folder: "supplier-invoices".into(),
            task_role: "accounting".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_has_the_defaults_of_the_manifest() {
        let config: Config = serde_json::from_str("{}").expect("everything has a default");
        let manifest = include_str!("../plugin.toml");
        for (field, default) in [("folder", &config.folder), ("task_role", &config.task_role)] {
            let (_, section) = manifest
                .split_once(&format!("[config.properties.{field}]"))
                .expect("the manifest has the field");
            assert!(
                section.contains(&format!("default = \"{default}\"")),
                "{field}"
            );
        }
    }
}
