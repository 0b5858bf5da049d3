//! What can go wrong with an operation, by what its caller can do about it.

use bursar_domain::{problem::Problem, row::Malformed};

/// Why an operation did nothing.
///
/// The first six are answers to the caller and carry [`Problem`]s; their codes are stable. The last three are trouble of
/// the host: they end the run and are never shown to a guest.
///
/// | Variant | Codes |
/// | --- | --- |
/// | `NotFound` | `not-found`, `collection-unknown`, `calendar-unknown` |
/// | `Conflict` | `key-reused`, `revision-changed`, `not-unique`, `referred-to`, `wrong-state`, `not-open`, `level-recorded`, `reversed`, `settled`, `over-credited`, `unknown-line`, `task-closed`, `collection-in-use`, `automation-off`, `plugin-changed`, `collection-changed`, `contention`, `sample-clash` |
/// | `Denied` | `not-granted`, `automation-only`, `administrator-only` |
/// | `Invalid` | of values: `empty`, `too-long`, `too-many`, `too-large`, `too-deep`, `control-character`, `out-of-range`, `not-json`, `not-an-object`, `not-a-date`, `not-a-decimal`, `not-money`, `not-an-address`, `not-a-slug`, `not-a-digest`, `not-one-line`, `wrong-type`, `wrong-count`, `value-too-long`, `duplicate`, `unknown` |
/// | | of listings: `not-indexed`, `order-too-long`, `cursor-unusable`, `page-empty` |
/// | | of schemas: `schema-invalid`, `schema-remote`, `schema-violation`, `unique-not-indexed` |
/// | | of money: `totals-invalid`, `negative-total`, `currency-mismatch`, `entity-mismatch`, `period-locked`, `over-allocated`, `over-settled`, `over-limit`, `not-issued`, `term-missing`, `term-malformed`, `source-unusable`, `party-mismatch` |
/// | | of schedules and time: `nothing-open`, `unknown-zone`, `not-local-time`, `not-a-time`, `not-a-moment`, `not-a-length`, `not-a-rule`, `too-frequent`, `days-and-times`, `nothing-found`, `too-costly`; of calendars' files: `not-a-calendar` |
/// | | of templates: `not-a-template`, `template-unusable`, `undefined` |
/// | | of plugins and runs: `manifest-exceeded`, `trigger-not-asked` |
/// | | of files: `file-unreadable`, `not-utf-8`, `not-a-workbook`; of imports: `key-not-unique`, `key-missing` |
/// | `Limit` | `state-names` |
/// | `Exhausted` | the limit's name with hyphens, such as `rows-changed-max` |
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such row, or it is out of the caller's view; the two are never told apart.
    #[error("{0}")]
    NotFound(Problem),
    /// The row changed, the key was used for something else, or the state does not allow the step.
    #[error("{0}")]
    Conflict(Problem),
    /// Not granted.
    #[error("{0}")]
    Denied(Problem),
    /// The input breaks rules; there is at least one problem.
    #[error("{}", in_words(.0))]
    Invalid(Vec<Problem>),
    /// A countable allowance that holds over many runs is used up.
    #[error("{0}")]
    Limit(Problem),
    /// One of the run's own limits is used up.
    #[error("{limit} is {allowed}, this would be {used}")]
    Exhausted {
        /// Its name in [`bursar_domain::manifest::Limits`].
        limit: &'static str,
        /// Its value.
        allowed: u64,
        /// What would have been used.
        used: u64,
    },
    /// The database cannot answer.
    #[error(transparent)]
    Host(#[from] bursar_db::Error),
    /// A stored row is not of its kind's shape.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Stored rows contradict each other or what this program can work with.
    #[error("{0}")]
    Broken(String),
}

impl Error {
    /// Whether this is trouble of the host: it ends the run, and its words are not for the guest.
    pub fn is_host(&self) -> bool {
        matches!(
            self,
            Error::Host(_) | Error::Malformed(_) | Error::Broken(_)
        )
    }

    /// What the caller may be told; nothing for trouble of the host.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Error::NotFound(problem)
            | Error::Conflict(problem)
            | Error::Denied(problem)
            | Error::Limit(problem) => {
                vec![problem.clone()]
            }
            Error::Invalid(problems) => problems.clone(),
            Error::Exhausted { limit, .. } => {
                vec![Problem::new(&limit.replace('_', "-"), self.to_string())]
            }
            Error::Host(_) | Error::Malformed(_) | Error::Broken(_) => Vec::new(),
        }
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Error::NotFound(Problem::new("not-found", format!("there is no {what}")))
    }

    pub(crate) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Error::Conflict(Problem::new(code, message))
    }

    pub(crate) fn denied(code: &str, message: impl Into<String>) -> Self {
        Error::Denied(Problem::new(code, message))
    }

    pub(crate) fn invalid(code: &str, pointer: &str, message: impl Into<String>) -> Self {
        Error::Invalid(vec![Problem::at(code, pointer, message)])
    }
}

impl From<Problem> for Error {
    /// A problem alone is a fault of the input.
    fn from(problem: Problem) -> Self {
        Error::Invalid(vec![problem])
    }
}

fn in_words(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
