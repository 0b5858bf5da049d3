//! Calls itself as deep as its input says.

use bursar_sdk::{Failure, Plugin, Run, Summary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    depth: u64,
}

struct Deep;

impl Plugin for Deep {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let depth = run.input::<Input>()?.map_or(0, |input| input.depth);
        Ok(Summary::new("came back").count("depth", descend(depth)))
    }
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    // Looked at after the call, so that no loop can do the same.
    if depth == 0 {
        0
    } else {
        std::hint::black_box(descend(std::hint::black_box(depth - 1))) + 1
    }
}

bursar_sdk::plugin!(Deep);
