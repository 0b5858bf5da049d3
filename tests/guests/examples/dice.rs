//! Leaves traces of everything that differs from time to time on other machines: randomness, clock, ids, hash order.

use std::collections::HashMap;

use bursar_sdk::{Failure, Plugin, Run, Summary, clock, random, records_write, state};
use serde::Deserialize;

/// Small enough to be a JSON number.
const VALUE_MAX: u64 = 1 << 40;

#[derive(Deserialize)]
struct Input {
    rolls: u32,
}

struct Dice;

impl Plugin for Dice {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let rolls = run.input::<Input>()?.map_or(0, |input| input.rolls);
        let mut made = HashMap::new();
        for roll in 0..rolls {
            let value = random::number() % VALUE_MAX;
            let key = format!("{}/{roll}", run.event.id);
            let row = records_write::create("counters", &key, &format!(r#"{{"value":{value}}}"#))?;
            made.insert(row.id, value);
        }
        // In the order of the map, which is the order of its hashes.
        let ids: Vec<&String> = made.keys().collect();
        state::save("order", &ids)?;
        state::save("bytes", &random::bytes(16))?;
        state::save("clock", &(clock::now().to_string(), clock::today()))?;
        let sum: f64 = made
            .values()
            .map(|value| 1.0 / (1.0 + f64::from(u8::try_from(value % 97).unwrap_or(0))))
            .sum();
        Ok(Summary::new(format!("rolled {ids:?}, {sum}")))
    }
}

bursar_sdk::plugin!(Dice);
