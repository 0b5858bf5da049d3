//! Writes as many log lines as its input says.

use bursar_sdk::{Failure, Plugin, Run, Summary, log};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    lines: u64,
    message: String,
}

struct Chatty;

impl Plugin for Chatty {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let Some(input) = run.input::<Input>()? else {
            return Ok(Summary::new("silent"));
        };
        for line in 0..input.lines {
            log::info(&input.message, &[("line", &line.to_string())]);
        }
        Ok(Summary::new("said it all"))
    }
}

bursar_sdk::plugin!(Chatty);
