//! Takes as many bytes of memory as its input says.

use bursar_sdk::{Failure, Plugin, Run, Summary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Input {
    bytes: usize,
}

struct Hungry;

impl Plugin for Hungry {
    fn run(run: &Run) -> Result<Summary, Failure> {
        let bytes = run.input::<Input>()?.map_or(0, |input| input.bytes);
        let eaten = std::hint::black_box(vec![1_u8; bytes]);
        Ok(Summary::new("full").count("bytes", eaten.len() as u64))
    }
}

bursar_sdk::plugin!(Hungry);
