//! What can be said of automations, and of what they and people may do.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Automation {
    /// Automations, those that are off too
    List,
    /// Enable an installed plugin for a department, granting what its manifest asks for
    Enable(Enabling),
    /// Show what enabling it would allow, and change nothing: the same options
    Check(Enabling),
    /// Automations whose plugin has a later version, and what that asks for
    Upgrades,
    /// Move an automation to another version of its plugin
    Upgrade {
        /// The automation's name
        name: String,
        /// Digest of the version, also an earlier one [default: the one installed last]
        #[arg(long)]
        plugin: Option<String>,
        /// Grant what the version asks for more: the one that was looked at
        #[arg(long, requires = "plugin")]
        approve: bool,
    },
    /// Turn an automation off
    Disable {
        /// The automation's name
        name: String,
    },
    /// Show what a run would change, and change nothing
    Preview(Start),
    /// Run an automation now and wait for its end
    Run(Start),
}

#[derive(Debug, Args)]
pub struct Enabling {
    /// The automation's name
    pub name: String,
    /// Name or digest of the plugin; by name, the one installed last
    #[arg(long)]
    pub plugin: String,
    /// The department
    #[arg(long)]
    pub department: String,
    /// The legal entity [default: the only one]
    #[arg(long)]
    pub entity: Option<String>,
    /// Configuration: JSON, or @FILE
    #[arg(long, default_value = "{}")]
    pub config: String,
    /// What is granted: a JSON list, or @FILE [default: what the manifest asks for]
    #[arg(long)]
    pub grants: Option<String>,
    /// What happens with the change sets of its runs
    #[arg(long, value_enum, default_value = "live")]
    pub mode: Mode,
}

#[derive(Debug, Args)]
pub struct Start {
    /// The automation's name
    pub name: String,
    /// Input: JSON, or @FILE
    #[arg(long, default_value = "{}")]
    pub input: String,
    /// Name of the event: the same one is run once [default: a new one]
    #[arg(long)]
    pub event: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    /// Commit what runs change
    Live,
    /// Keep each change set for a person's review
    Review,
    /// Keep each change set for looking at
    Shadow,
}

#[derive(Debug, Subcommand)]
pub enum Permission {
    /// What an automation may do: each grant, what it is worth, its risk, and what it reaches today
    Show {
        /// The automation's name
        name: String,
        /// As a CSV table
        #[arg(long)]
        csv: bool,
    },
    /// Who may do something
    Who(Who),
    /// What changed in permissions, newest first, and by whom
    Changes {
        /// From then on: 2026-01-31 (UTC), or an RFC 3339 instant [default: from the beginning]
        #[arg(long)]
        since: Option<String>,
        /// Most changes to list
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        /// As a CSV table
        #[arg(long)]
        csv: bool,
    },
}

#[derive(Debug, Args)]
#[group(id = "subject", required = true, multiple = false, args = ["collection", "flow", "calendar", "folder_name", "mail_to", "task_role"])]
pub struct Who {
    /// Records of this collection
    #[arg(long)]
    pub collection: Option<String>,
    /// This field of the records [default: any]
    #[arg(long, requires = "collection")]
    pub field: Option<String>,
    /// Invoices and payments: receivable or payable
    #[arg(long)]
    pub flow: Option<String>,
    /// Entries of this calendar
    #[arg(long)]
    pub calendar: Option<String>,
    /// Documents of this folder
    #[arg(long)]
    pub folder_name: Option<String>,
    /// Mail to this address
    #[arg(long)]
    pub mail_to: Option<String>,
    /// Tasks for this role
    #[arg(long)]
    pub task_role: Option<String>,
    /// What is done, as grants name it [default: read]
    #[arg(long)]
    pub operation: Option<String>,
    /// As a CSV table
    #[arg(long)]
    pub csv: bool,
}
