//! Keeps one record for each firing of its timer.

use bursar_sdk::{Failure, Plugin, Run, Summary, Trigger, records_write};

struct Ticker;

impl Plugin for Ticker {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let missed = match &run.trigger {
            Trigger::Timer(tick) => tick.missed,
            Trigger::Manual(_) => 0,
        };
        records_write::create(
            "ticks",
            &run.event.id,
            &format!(r#"{{"event":"{}","missed":{missed}}}"#, run.event.id),
        )?;
        Ok(Summary::new("ticked").count("missed", missed.into()))
    }
}

bursar_sdk::plugin!(Ticker);
