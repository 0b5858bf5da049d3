//! Writes, and then traps.

use bursar_sdk::{Failure, Plugin, Run, Summary, state};

struct Trap;

impl Plugin for Trap {
    fn run(run: &Run) -> Result<Summary, Failure> {
        state::put("before", "1")?;
        let event = run.event.id.as_str();
        assert!(event.is_empty(), "this plugin always fails");
        Ok(Summary::new("never"))
    }
}

bursar_sdk::plugin!(Trap);
