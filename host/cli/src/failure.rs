//! Errors as people see them: what, why, what to do; and whose they are.

use std::process::ExitCode;

use bursar_api::ProblemDocument;
use bursar_db::Error as DatabaseError;
use bursar_domain::checkpoint::CheckpointError;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    is_host: bool,
}

impl Failure {
    /// The caller can mend it.
    pub fn user(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            is_host: false,
        }
    }

    /// The host is at fault.
    pub fn host(message: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self {
            message: message.into(),
            causes: vec![cause.to_string()],
            hint: None,
            is_host: true,
        }
    }

    /// One more line on why.
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// What to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints it and gives the exit code.
    #[expect(clippy::print_stderr, reason = "this is where a failed command ends")]
    pub fn show(&self) -> ExitCode {
        eprintln!("error: {}", self.message);
        for cause in self.causes.iter().filter(|cause| **cause != self.message) {
            eprintln!("  {cause}");
        }
        if let Some(hint) = &self.hint {
            eprintln!("\nhint: {hint}");
        }
        ExitCode::from(if self.is_host { 2 } else { 1 })
    }

    fn chain(mut self, error: &dyn std::error::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            self.causes.push(cause.to_string());
            source = cause.source();
        }
        self
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        let failure = match &error {
            DatabaseError::Full => Self::user(error.to_string())
                .hint("free disk space, or raise database_bytes_max in bursar.toml"),
            DatabaseError::OtherSchema { .. } => Self::user(error.to_string())
                .hint("use the version of bursar that made this data folder, or a new folder"),
            DatabaseError::Newer { .. } => Self::user(error.to_string())
                .hint("install the version of bursar that wrote this data folder, or a newer one"),
            DatabaseError::Locked => Self::user(error.to_string())
                .hint("stop the other process, or wait until it is done"),
            DatabaseError::Open { .. } => Self::user(error.to_string())
                .hint("check --folder and --database; `bursar init` makes a new data folder"),
            _ => Self {
                message: error.to_string(),
                causes: Vec::new(),
                hint: None,
                is_host: true,
            },
        };
        let failure = match &error {
            DatabaseError::Corrupt(_) | DatabaseError::Blob { .. } => {
                failure.hint("bursar audit verify")
            }
            _ => failure,
        };
        failure.chain(&error)
    }
}

/// A refused request reads like the API says it; what the host is at fault for stays the host's.
impl From<ProblemDocument> for Failure {
    fn from(document: ProblemDocument) -> Self {
        let failure = match document.problems.as_slice() {
            [] => Self::user(format!("{} ({})", document.detail, document.code)),
            [one] => Self::user(one.to_string()),
            many => many
                .iter()
                .fold(Self::user("the input is not accepted"), Failure::because),
        };
        let hint = hint_of(&document).map(str::to_owned).or(document.hint);
        let is_host = document.status >= 500 && !MENDABLE.contains(&document.code.as_str());
        let failure = if is_host {
            failure.because(format!("request {}", document.request_id))
        } else {
            failure
        };
        Self {
            hint,
            is_host,
            ..failure
        }
    }
}

/// Failures of the host that its operator mends.
const MENDABLE: [&str; 3] = ["storage-full", "database-busy", "mail-unusable"];

/// What to do on the command line. The API's own hint speaks of headers, or there is none.
fn hint_of(document: &ProblemDocument) -> Option<&'static str> {
    let (status, code) = (document.status, document.code.as_str());
    match (status, code) {
        (401, _) => {
            return Some(
                "check BURSAR_TOKEN; `bursar token create` on the host, without BURSAR_URL, makes a token",
            );
        }
        (_, "no-such-route") => {
            return Some("check BURSAR_URL: it is such as http://127.0.0.1:8080, without a path");
        }
        _ if document.hint.is_some() => return None,
        _ => {}
    }
    match (status, code) {
        (_, "sample-clash") => {
            Some("load it into a data folder of its own: bursar --folder OTHER init --name NAME")
        }
        (_, "automation-off") => Some("bursar automation enable"),
        (_, "database-busy") => Some("stop the other process, or wait until it is done"),
        (_, "mail-unusable") => Some("correct [mail.smtp] in bursar.toml"),
        (_, "storage-full") => Some("free disk space, or raise database_bytes_max in bursar.toml"),
        (403, _) => Some("`bursar token create --role ROLE` makes a token that may do it"),
        (404, _) => Some("`bursar row list KIND` shows what there is"),
        (409 | 412, _) => Some("nothing was changed; look at what is there now"),
        (400..500, _) => Some("nothing was changed; mend the input and try again"),
        _ => None,
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        Self::user(format!("{error} ({})", error.code())).hint(error.hint())
    }
}

impl From<bursar_runtime::Error> for Failure {
    fn from(error: bursar_runtime::Error) -> Self {
        match error {
            bursar_runtime::Error::Refused(refusal) => refusal.into(),
            error => Self {
                message: error.to_string(),
                causes: Vec::new(),
                hint: None,
                is_host: true,
            }
            .chain(&error),
        }
    }
}

impl From<bursar_runtime::Refusal> for Failure {
    fn from(refusal: bursar_runtime::Refusal) -> Self {
        Self::user(format!("{refusal} ({})", refusal.code())).hint(refusal.hint())
    }
}

impl From<bursar_worker::Error> for Failure {
    fn from(error: bursar_worker::Error) -> Self {
        match error {
            bursar_worker::Error::Database(error) => error.into(),
            bursar_worker::Error::Runtime(error) => error.into(),
            error @ bursar_worker::Error::Transport(_) => Self::user(error.to_string()),
            error => Self {
                message: error.to_string(),
                causes: Vec::new(),
                hint: None,
                is_host: true,
            }
            .chain(&error),
        }
    }
}
