//! Hands the host one call of the size that its input says: a long text, or a list of many.

use bursar_sdk::{Failure, Plugin, Run, Summary, log, state};
use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Input {
    #[serde(default)]
    text_bytes: usize,
    #[serde(default)]
    fields: usize,
    /// Bytes of a value of the automation's state.
    #[serde(default)]
    state_bytes: usize,
    /// Values of one byte, each under a name of its own.
    #[serde(default)]
    state_names: usize,
}

struct Bulky;

impl Plugin for Bulky {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let input: Input = run.input()?.unwrap_or_default();
        log::info(&"x".repeat(input.text_bytes), &vec![("", ""); input.fields]);
        if input.state_bytes > 0 {
            let text = "x".repeat(input.state_bytes.saturating_sub(2));
            state::put("bulky", &format!("\"{text}\""))?;
        }
        for name in 0..input.state_names {
            state::put(&name.to_string(), "1")?;
        }
        Ok(Summary::new("handed over"))
    }
}

bursar_sdk::plugin!(Bulky);
