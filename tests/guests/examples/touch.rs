//! Reads one record and patches it, the least that a run can do for anyone; without a record it does nothing.

use bursar_sdk::{Failure, Plugin, Run, Summary, records, records_write};
use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Input {
    /// A record of the collection `touched`.
    record: Option<String>,
}

#[derive(Deserialize)]
struct Touched {
    touches: u64,
}

struct Touch;

impl Plugin for Touch {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let input: Input = run.input()?.unwrap_or_default();
        let Some(id) = input.record else {
            return Ok(Summary::new("nothing to touch"));
        };
        let row = records::get("touched", &id)?;
        let touches = row.read::<Touched>()?.touches + 1;
        let merge = format!(r#"{{"touches":{touches}}}"#);
        records_write::patch("touched", &row.id, Some(&row.revision), &merge)?;
        Ok(Summary::new("touched"))
    }
}

bursar_sdk::plugin!(Touch);
