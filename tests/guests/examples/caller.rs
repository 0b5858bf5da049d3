//! Asks for its clock as often as its input says.

use bursar_sdk::{Failure, Plugin, Run, Summary, clock};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    calls: u64,
}

struct Caller;

impl Plugin for Caller {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let calls = run.input::<Input>()?.map_or(0, |input| input.calls);
        let mut latest = 0;
        for _ in 0..calls {
            latest = clock::now();
        }
        Ok(Summary::new("asked").count("now", latest.unsigned_abs()))
    }
}

bursar_sdk::plugin!(Caller);
