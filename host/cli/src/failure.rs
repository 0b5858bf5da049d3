//! Errors as people see them: what, why, what to do; and whose they are.

use std::process::ExitCode;

use bursar_db::Error as DatabaseError;

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

impl From<bursar_office::Error> for Failure {
    fn from(error: bursar_office::Error) -> Self {
        match error {
            bursar_office::Error::Host(error) => error.into(),
            error if error.is_host() => Self {
                message: error.to_string(),
                causes: Vec::new(),
                hint: Some("bursar audit verify".to_owned()),
                is_host: true,
            },
            error @ bursar_office::Error::NotFound(_) => {
                Self::user(error.to_string()).hint("`bursar row list KIND` shows what there is")
            }
            error => {
                let problems = error.problems();
                match problems.as_slice() {
                    [one] => Self::user(one.to_string()),
                    many => many
                        .iter()
                        .fold(Self::user("the input is not accepted"), Failure::because),
                }
            }
        }
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
            bursar_worker::Error::Office(error) => error.into(),
            bursar_worker::Error::Runtime(error) => error.into(),
            error @ bursar_worker::Error::UnknownAutomation(_) => {
                Self::user(error.to_string()).hint("bursar row list automation")
            }
            error @ (bursar_worker::Error::Transport(_) | bursar_worker::Error::Timer { .. }) => {
                Self::user(error.to_string())
            }
            error @ bursar_worker::Error::PluginTimer { .. } => Self::user(error.to_string()).hint(
                "a cron expression has five fields: minute, hour, day of month, month, day of week",
            ),
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
