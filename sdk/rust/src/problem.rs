//! Problems and errors on their way to a failure.
//!
//! Every error the host gives is permanent for the run that met it: the run is a function of its snapshot, so the same
//! call would fail again. Staleness and host trouble never reach a plugin. A plugin that wants another try says so with
//! [`Failure::retry_after_seconds`].

use crate::types::{Error, Problem};
use crate::{Failure, Later};

impl Problem {
    /// A problem of the input as a whole.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            pointer: String::new(),
            message: message.into(),
        }
    }

    /// The same problem, pinned to a place by its JSON Pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }
}

impl Error {
    /// Its problems: several for `invalid`, else one.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid(problems) => problems,
            Self::NotFound(problem)
            | Self::Conflict(problem)
            | Self::Denied(problem)
            | Self::Limit(problem)
            | Self::Other(problem) => std::slice::from_ref(problem),
        }
    }

    /// The first problem, under its own code; several messages are joined, so that none is lost.
    pub fn into_problem(self) -> Problem {
        match self {
            Self::Invalid(problems) => joined(problems),
            Self::NotFound(problem)
            | Self::Conflict(problem)
            | Self::Denied(problem)
            | Self::Limit(problem)
            | Self::Other(problem) => problem,
        }
    }
}

fn joined(problems: Vec<Problem>) -> Problem {
    let messages: Vec<&str> = problems.iter().map(|each| each.message.as_str()).collect();
    let message = messages.join("; ");
    match problems.into_iter().next() {
        Some(first) => Problem { message, ..first },
        None => Problem::new("invalid", "the input was refused without a reason"),
    }
}

impl Failure {
    /// Asks for another try with a fresh snapshot, no sooner than `seconds` from now.
    pub fn retry_after_seconds(problem: Problem, seconds: u32) -> Self {
        Self::Retry(Later {
            problem,
            after: Some(i64::from(seconds) * 1_000_000),
        })
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Permanent(problem)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Permanent(error.into_problem())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_error_is_permanent_and_keeps_its_code() {
        for error in [
            Error::Denied,
            Error::Conflict,
            Error::Limit,
            Error::NotFound,
        ] {
            let failure = Failure::from(error(Problem::new("some-code", "why")));
            assert!(matches!(failure, Failure::Permanent(problem) if problem.code == "some-code"));
        }
    }

    #[test]
    fn all_messages_of_invalid_input_are_kept() {
        let error = Error::Invalid(vec![
            Problem::new("first", "no name").at("/name"),
            Problem::new("second", "no date").at("/date"),
        ]);
        let problem = error.into_problem();
        assert_eq!(problem.code, "first");
        assert_eq!(problem.pointer, "/name");
        assert_eq!(problem.message, "no name; no date");
    }
}
