//! Writes, and then fails in the way that its input names.

use bursar_sdk::{Failure, Plugin, Problem, Run, Summary, state};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    /// permanent, retry or later.
    with: String,
}

struct Refuser;

impl Plugin for Refuser {
    fn run(run: &Run) -> Result<Summary, Failure> {
        state::put("before", "1")?;
        let problem = Problem::new("no-luck", "not today").at("/today");
        match run.input::<Input>()?.map(|input| input.with).as_deref() {
            Some("permanent") => Err(Failure::Permanent(problem)),
            Some("retry") => Err(Failure::Retry(bursar_sdk::Later {
                problem,
                after: None,
            })),
            Some("later") => Err(Failure::retry_after_seconds(problem, 90)),
            _ => Ok(Summary::new("fine after all")),
        }
    }
}

bursar_sdk::plugin!(Refuser);
