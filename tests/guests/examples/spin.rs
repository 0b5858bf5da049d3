//! Computes for ever.

use bursar_sdk::{Failure, Plugin, Run, Summary, state};

struct Spin;

impl Plugin for Spin {
    fn run(_: &Run) -> Result<Summary, Failure> {
        state::put("before", "1")?;
        let mut turns = 0_u64;
        loop {
            turns = std::hint::black_box(turns.wrapping_add(1));
        }
    }
}

bursar_sdk::plugin!(Spin);
