//! What can be said on the command line.

mod audit;
mod automations;
mod records;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use audit::Audit;
pub use automations::{Automation, Enabling, Mode, Permission, Start, Who};
pub use records::{Collection, Export, FileFormat, Import, Row};

/// Sandboxed plugins for office work.
#[derive(Debug, Parser)]
#[command(name = "bursar", version, about, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Data folder
    #[arg(
        long,
        global = true,
        env = "BURSAR_FOLDER",
        default_value = "bursar-data"
    )]
    pub folder: PathBuf,
    /// Configuration file [default: bursar.toml in the data folder]
    #[arg(long, global = true, env = "BURSAR_CONFIG_FILE")]
    pub config_file: Option<PathBuf>,
    /// Database: `postgres://…` [default: an SQLite file in the data folder]
    #[arg(long, global = true, env = "BURSAR_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// File of the host's master key [default: beside the data folder, with the ending .key]
    #[arg(long, global = true, env = "BURSAR_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// Ask this server instead of the data folder, by its URL
    #[arg(long, global = true, env = "BURSAR_URL")]
    pub url: Option<String>,
    /// The server's access token; on a command line others could read it
    #[arg(skip = std::env::var("BURSAR_TOKEN").ok())]
    pub token: Option<String>,
    /// File with the server's access token [`BURSAR_TOKEN` holds the token itself]
    #[arg(long, global = true, env = "BURSAR_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Where `serve` listens [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "BURSAR_LISTEN")]
    pub listen: Option<String>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a data folder with its first legal entity; doing it again changes nothing
    Init(Init),
    /// Serve the HTTP API and work until stopped: runs, timers, delivery of mail
    Serve,
    /// Access tokens of the HTTP API
    #[command(subcommand)]
    Token(Token),
    /// Build, look at and install plugins
    #[command(subcommand)]
    Plugin(Plugin),
    /// Enable, try out and start automations
    #[command(subcommand)]
    Automation(Automation),
    /// Who may do what: automations, people, and what changed in that
    #[command(subcommand)]
    Permission(Permission),
    /// Look at runs
    #[command(subcommand)]
    Run(Run),
    /// Tell what an event came to: its runs, and what kept other automations from running
    Why(Why),
    /// Timers, and when each is due next
    Timers,
    /// Look at tasks and answer them
    #[command(subcommand)]
    Task(Task),
    /// Texts of mail with places for data
    #[command(subcommand)]
    Template(Template),
    /// Look at outgoing mail
    #[command(subcommand)]
    Message(Message),
    /// Look at the log's commits
    #[command(subcommand)]
    Log(Log),
    /// Define collections of records
    #[command(subcommand)]
    Collection(Collection),
    /// Look at rows of any kind, now or as of an earlier commit, and at what they were
    #[command(subcommand)]
    Row(Row),
    /// What is open, by days past due
    Aging(Aging),
    /// What each party owes, and what that is made up of
    Balance(Balance),
    /// Put files into folders that plugins may read
    #[command(subcommand)]
    Document(Document),
    /// Import records from a CSV, JSON Lines or XLSX file; doing it again goes on where it ended
    Import(Import),
    /// Export a collection's records as CSV or JSON Lines
    Export(Export),
    /// Look at calendars, and exchange them as iCalendar files
    #[command(subcommand)]
    Calendar(Calendar),
    /// Load an invented company to look at, or an organisation from a file
    #[command(subcommand)]
    Sample(Sample),
    /// Verify the log, export it, and sign where it stands
    #[command(subcommand)]
    Audit(Audit),
    /// Run vectors made by others through the rules, from stdin to stdout
    #[command(subcommand, hide = true)]
    Vectors(Vectors),
    /// Counts of everything
    Status,
    /// Stop every automation, timer and delivery of the organisation
    StopAll {
        /// Why; it is kept in the log
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take the stop back
    Resume {
        /// Why; it is kept in the log
        #[arg(long, default_value = "")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub struct Init {
    /// Id of the legal entity: lower-case letters, digits, hyphens
    #[arg(long, default_value = "main")]
    pub entity: String,
    /// Its name
    #[arg(long)]
    pub name: String,
    /// IANA zone of its business dates
    #[arg(long, default_value = "UTC")]
    pub zone: String,
    /// Its base currency, by ISO 4217
    #[arg(long, default_value = "EUR")]
    pub currency: String,
    /// Its language, by BCP 47
    #[arg(long, default_value = "en")]
    pub locale: String,
    /// Sender of its mail
    #[arg(long, default_value = "")]
    pub mail_from: String,
}

#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// Compile a plugin's folder into a component with its manifest
    Build {
        /// Folder with Cargo.toml and plugin.toml
        path: PathBuf,
        /// Where to write it [default: NAME.wasm in the current folder]
        #[arg(long)]
        out: Option<PathBuf>,
        /// Folder for cargo's intermediate files [default: target/guests in the plugin's folder]
        #[arg(long)]
        target_dir: Option<PathBuf>,
    },
    /// Show what a plugin asks for and reaches, without running it
    Inspect {
        /// The component
        file: PathBuf,
    },
    /// Install a plugin version; doing it again changes nothing
    Install {
        /// The component
        file: PathBuf,
    },
    /// Keep a plugin version from running, on every node within a second; its runs wait
    Quarantine {
        /// Its digest, installed or not
        digest: String,
        /// Why; it is kept in the log
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a plugin version run again
    Release {
        /// Its digest
        digest: String,
    },
    /// Plugin versions that are kept from running, and those that were
    Quarantines,
    /// Installed plugin versions
    List,
    /// Show what an installed plugin version asks for and reaches
    Show {
        /// Its digest
        digest: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Run {
    /// The latest runs
    List {
        /// Only of this automation
        #[arg(long)]
        automation: Option<String>,
        /// Most runs to list
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// One run: why it ran, what it changed, said and used
    Show {
        /// The run's id, or its beginning
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    /// Everything
    Admin,
    /// Reads everything
    Auditor,
    /// Enables automations in one department within its ceiling, and does what an operator does
    Manager,
    /// Runs, previews and answers in one department
    Operator,
    /// Reads what one department's automations did
    Viewer,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token; its text is shown once
    Create {
        /// Whose it is, or what for
        #[arg(long)]
        name: String,
        /// What its bearer may do
        #[arg(long, value_enum, default_value = "admin")]
        role: Role,
        /// The department, for managers, operators and viewers
        #[arg(long)]
        department: Option<String>,
        /// Days until it ends by itself [default: never]
        #[arg(long)]
        days: Option<u32>,
    },
    /// All tokens, revoked ones too
    List,
    /// Take a token's power away for good
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct Why {
    /// The event's id
    pub event: String,
    /// It was to start this automation
    #[arg(long, conflicts_with_all = ["timer", "occurrence"])]
    pub automation: Option<String>,
    /// It was the firing of a timer of this name
    #[arg(long, conflicts_with = "occurrence")]
    pub timer: Option<String>,
    /// It was an occurrence that a trigger of this name waits for
    #[arg(long)]
    pub occurrence: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Open tasks
    List {
        /// Closed ones instead
        #[arg(long)]
        closed: bool,
        /// Only of this automation
        #[arg(long)]
        automation: Option<String>,
        /// Only for this assignee: `role:NAME` or `person:ID`
        #[arg(long = "for", value_name = "ASSIGNEE")]
        assignee: Option<String>,
        /// Only those whose answer is overdue
        #[arg(long)]
        overdue: bool,
        /// Most tasks to list
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// One task
    Show {
        /// Its id
        id: String,
    },
    /// Answer an open task
    Answer {
        /// Its id
        id: String,
        /// The value of one of its choices
        choice: String,
        /// Words to it
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take an open task back
    Withdraw {
        /// Its id
        id: String,
        /// Why, in plain words
        reason: String,
    },
    /// Hand an open task to somebody else
    Assign {
        /// Its id
        id: String,
        /// `role:NAME` or `person:ID`
        assignee: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Template {
    /// Templates of mail
    List {
        /// Most templates to list
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// One template, as `set` takes it
    Show {
        /// Its id
        id: String,
    },
    /// Make or change a template
    Set {
        /// Its id: lower-case letters, digits and hyphens
        id: String,
        /// JSON with `fallback` and `texts`: subject and text by language
        file: PathBuf,
    },
    /// Show what a template makes of data; nothing is sent
    Render {
        /// Its id
        id: String,
        /// The data as a JSON object
        #[arg(long, default_value = "{}")]
        data: String,
        /// The reader's language, such as `de-AT`
        #[arg(long)]
        locale: Option<String>,
    },
    /// Remove a template
    Remove {
        /// Its id
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MessageState {
    /// Waits for its first or next try
    Waiting,
    /// Is being sent
    Sending,
    /// Is on its way
    Sent,
    /// There is no further try
    Failed,
}

#[derive(Debug, Subcommand)]
pub enum Message {
    /// The latest messages
    List {
        /// Only of this automation
        #[arg(long)]
        automation: Option<String>,
        /// Only in this state
        #[arg(long, value_enum)]
        state: Option<MessageState>,
        /// Most messages to list
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// One message
    Show {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Log {
    /// The latest commits
    List {
        /// Most commits to list
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// One commit: who, why, and what it changed
    Show {
        /// Its number
        seq: i64,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Flow {
    /// What customers owe
    Receivable,
    /// What is owed to suppliers
    Payable,
}

#[derive(Debug, Args)]
pub struct Accounts {
    /// Who owes whom
    #[arg(long, value_enum, default_value = "receivable")]
    pub flow: Flow,
    /// As of the end of this day, such as 2026-03-31 [default: today]
    #[arg(long)]
    pub as_of: Option<String>,
    /// Only this party's
    #[arg(long)]
    pub party: Option<String>,
    /// Only this legal entity's
    #[arg(long)]
    pub legal_entity: Option<String>,
}

#[derive(Debug, Args)]
pub struct Aging {
    #[command(flatten)]
    pub accounts: Accounts,
    /// Last days past due of the buckets [default: 30,60,90]
    #[arg(long)]
    pub buckets: Option<String>,
}

#[derive(Debug, Args)]
pub struct Balance {
    #[command(flatten)]
    pub accounts: Accounts,
    /// Most accounts to list
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
}

#[derive(Debug, Subcommand)]
pub enum Document {
    /// Add a file; the same content under the same name changes nothing
    Add {
        /// The file
        file: PathBuf,
        /// The folder
        #[arg(long)]
        folder_name: String,
        /// Its name there [default: the file's name]
        #[arg(long)]
        name: Option<String>,
        /// Media type
        #[arg(long, default_value = "application/octet-stream")]
        media_type: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Calendar {
    /// List the calendars
    List {
        /// Most calendars to list
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Show what happens in a calendar, in its own zone
    Show {
        /// The calendar
        id: String,
        /// First day, such as 2026-01-31 [default: from now on]
        #[arg(long)]
        from: Option<String>,
        /// How many days, at most 400
        #[arg(long, default_value_t = 14)]
        days: u16,
    },
    /// Take an iCalendar file (.ics) in; the same file again changes nothing
    Import {
        /// The calendar
        id: String,
        /// The file
        file: PathBuf,
    },
    /// Write a calendar as an iCalendar file (.ics)
    Export {
        /// The calendar
        id: String,
        /// Where to write it [default: stdout]
        #[arg(long)]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Sample {
    /// Load a company, once: its entity, departments, collections, calendars, documents, invoices, payments
    Load {
        /// An organisation's JSON file [default: the invented company that comes with Bursar]
        file: Option<PathBuf>,
        /// The day that is the invented company's today, such as 2026-01-31 [default: today]
        #[arg(long, conflicts_with = "file")]
        today: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Vectors {
    /// Recurrence rules
    Rrule,
    /// Wall times in zones
    LocalToUtc,
    /// Business days
    BusinessDays {
        /// JSON file with the holidays of each calendar
        #[arg(long)]
        holidays: PathBuf,
    },
    /// Rounding of decimals
    Rounding,
    /// Totals of invoices
    InvoiceTotals,
}
